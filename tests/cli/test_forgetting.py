"""`keepsake forget` and `keepsake receipts`: the plan before, the proof after."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from memory_store import Store
from tests.cli.conftest import Shell
from tests.memory_store.support import bytes_of


def test_dry_run_shows_the_plan_and_takes_nothing(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    planned = keepsake("forget", "--document", str(notes / "home.md"), "--dry-run", "--json").json
    assert (planned["counts"], planned["titles"]) == ({"documents": 1, "passages": 1}, ["Home"])
    assert (planned["staying"], planned["sent"], planned["backups"]) == ({}, [], [])
    assert "This would erase 2 documents, 2 passages" in keepsake("forget", "--all", "--dry-run").out
    assert "Ines" in keepsake("search", "spare key").out


def test_erasure_is_verified_and_its_receipt_can_be_shown_and_checked(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    done = keepsake("forget", "--document", str(notes / "home.md"), "--yes")
    assert done.code == 0
    assert "Verified: nothing of it is left in" in done.out
    [listed] = keepsake("receipts", "list", "--json").json["receipts"]
    assert listed["receipt"]["result"] == "nothing left"
    assert listed["receipt"]["controls"] == {"living_found": True, "absent_found": False}
    shown = keepsake("receipts", "show", listed["id"][:9])
    assert "Result       nothing left" in shown.out
    assert "Not covered" in shown.out
    assert "Ines" not in shown.out
    assert keepsake("receipts", "check", str(notes / "home.md")).code == 0
    assert "Erased on" in keepsake("receipts", "check", "  the spare KEY is with Ines at number 12. ").out
    assert keepsake("receipts", "check", "something else").code == 1
    assert "nothing left" in keepsake("receipts", "list").out


def test_everything_that_holds_some_words_is_shown_and_erased(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    keepsake("memory", "add", "The spare key has a blue tag")
    keepsake("memory", "add", "The piano key sticks")
    done = keepsake("forget", "--matching", "spare key", "--yes", "--json")
    assert done.json["counts"] == {"documents": 1, "memories": 1, "passages": 2}
    assert "blue tag" in done.err
    assert [one["text"] for one in keepsake("memory", "list", "--json").json["memories"]] == ["The piano key sticks"]
    nothing = keepsake("forget", "--matching", "spare key", "--yes")
    assert (nothing.code, "Nothing holds the words" in nothing.err) == (1, True)


def test_words_are_erased_from_twins_and_earlier_versions_too(keepsake: Shell, tmp_path: Path) -> None:
    for name in ("one.md", "two.md", "three.md"):
        text = "Until 2019 we rented the old flat in Rua das Flores from Mr Teixeira, who still has our deposit."
        (tmp_path / name).write_text(text + (" So it was." if name == "three.md" else ""), "utf-8")
        keepsake("import", str(tmp_path / name))
    old = keepsake("memory", "add", "The old flat had a red door", "--json").json
    keepsake("memory", "edit", old["id"], "The former home had a red door")
    done = keepsake("forget", "--matching", "the OLD flat", "--yes", "--json")
    assert done.json["counts"] == {"documents": 3, "memories": 1, "passages": 4}
    assert [one["text"] for one in keepsake("memory", "list", "--history", "--json").json["memories"]] == [
        "The former home had a red door"
    ]


def test_words_are_erased_however_many_passages_hold_them(keepsake: Shell, tmp_path: Path) -> None:
    for number in range(3):
        lines = "\n\n".join(f"# Day {number}-{one}\n\nCleaned the aviary." for one in range(80))
        (tmp_path / f"{number}.md").write_text(lines, "utf-8")
        keepsake("import", str(tmp_path / f"{number}.md"), "--background")
    planned = keepsake("forget", "--matching", "aviary", "--dry-run", "--json")
    assert planned.json["counts"]["documents"] == 3
    assert "… and " in planned.err


def test_neither_a_date_nor_a_word_of_the_same_stem_is_taken_for_the_words(keepsake: Shell) -> None:
    added = keepsake("memory", "add", "The university opens early", "--json").json
    day = f"{datetime.fromisoformat(added['recorded_at']).astimezone():%B}"
    for words in ("universe", day):
        assert "Nothing holds the words" in keepsake("forget", "--matching", words, "--yes").err
    assert keepsake("forget", "--matching", "UNIVERSITY", "--yes").code == 0


def test_range_of_time_is_erased(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    keepsake("memory", "add", "From today")
    assert keepsake("forget", "--until", "2020-01-01", "--dry-run", "--json").json["counts"] == {}
    counts = keepsake("forget", "--since", "2020-01-01", "--yes", "--json").json["counts"]
    assert counts == {"documents": 2, "memories": 1, "passages": 3}


def test_later_leaves_the_disk_to_the_next_maintenance(keepsake: Shell) -> None:
    added = keepsake("memory", "add", "The xylophone is in the attic", "--json").json
    done = keepsake("forget", added["id"], "--later", "--yes")
    assert "next maintenance" in done.out
    assert "xylophone" not in keepsake("search", "xylophone").out
    assert "later" in keepsake("receipts", "list").out
    assert keepsake("doctor").code == 1
    assert keepsake("doctor", "--repair").code == 0
    assert "nothing left" in keepsake("receipts", "list").out
    assert b"xylophone" not in bytes_of(keepsake.data)


def test_all_leaves_receipts_and_no_trace_leaves_none(keepsake: Shell) -> None:
    keepsake("memory", "add", "The xylophone is in the attic")
    keepsake("forget", "--all", "--yes")
    assert keepsake("receipts", "check", "the xylophone is in the attic").code == 0
    keepsake("memory", "add", "The drum is in the cellar")
    refused = keepsake("forget", "--no-trace", "--yes")
    assert (refused.code, "--no-trace goes with --all" in refused.err) == (1, True)
    done = keepsake("forget", "--all", "--no-trace", "--yes")
    assert "This receipt was not kept." in done.err
    assert keepsake("receipts", "list", "--json").json == {"receipts": []}
    assert keepsake("receipts", "check", "the xylophone is in the attic").code == 1


def test_failed_verification_is_a_failed_command(keepsake: Shell) -> None:
    added = keepsake("memory", "add", "The xylophone is in the attic, behind the boxes", "--json").json
    (keepsake.data / "copy.txt").write_text("The xylophone is in the attic, behind the boxes")
    done = keepsake("forget", added["id"], "--yes")
    assert done.code == 1
    assert "could not be verified" in done.err
    assert "Verified" not in done.out
    [listed] = keepsake("receipts", "list", "--json").json["receipts"]
    assert [one["file"] for one in listed["receipt"]["found"]] == ["copy.txt"]
    with Store.open(keepsake.data) as store:
        assert store.stats().pending_erasures == 1
