"""The profile as a page to read, edit and hand back; questions that only the user can answer; goals."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from memory_store.models import USER, MemoryKind, QuestionKind, Role
from tests.cli.conftest import Shell
from tests.support.embedder import HashEmbedder


def opened(keepsake: Shell) -> Store:
    return Store.open(keepsake.data, HashEmbedder())


def moved(keepsake: Shell) -> str:
    with opened(keepsake) as store:
        talk = store.conversations.start("Moving house")
        said = store.conversations.append(talk.id, Role.USER, "I live in Porto.", USER, parent_id=None)
        old = store.remember(NewMemory("I live in Porto.", MemoryKind.FACT, sources=(said.id,), about="home"))
        newer = store.memories.supersede(old.id, NewMemory("I live in Lyon.", MemoryKind.FACT, sources=(said.id,)))
        store.remember(
            NewMemory("Prefers *(black)* tea.", MemoryKind.PREFERENCE, pinned=True, private=True, about="drink")
        )
    return newer.id


def test_page_has_every_line_with_its_source_and_history(keepsake: Shell) -> None:
    assert "Nothing yet" in keepsake("about-me").out
    home = moved(keepsake)
    page = keepsake("about-me").out
    assert page.index("## Home") < page.index("## Tastes")
    assert "- I live in Lyon. *(" in page
    assert f"from “Moving house”)* <!-- {home} -->" in page
    assert "  - before: I live in Porto." in page
    assert "from written by hand; pinned; private)*" in page
    (fact, preference) = keepsake("about-me", "--json").json["memories"]
    assert (fact["from"], fact["earlier"]) == (["Moving house"], ["I live in Porto."])
    assert preference["private"]


def test_page_that_is_not_edited_changes_nothing(keepsake: Shell, tmp_path: Path) -> None:
    moved(keepsake)
    page = tmp_path / "page.md"
    page.write_text(keepsake("about-me").out, "utf-8")
    done = keepsake("about-me", "--apply", str(page))
    assert (done.code, done.err) == (0, "Nothing was changed.\n")


def test_edited_line_corrects_a_new_one_adds_and_a_removed_one_erases(keepsake: Shell, tmp_path: Path) -> None:
    home = moved(keepsake)
    edited = keepsake("about-me").out.replace("I live in Lyon.", "I live in Nantes.")
    lines = [one for one in edited.splitlines() if "black" not in one]
    page = tmp_path / "page.md"
    page.write_text("\n".join([*lines, "- Likes rowing."]), "utf-8")
    refused = keepsake("about-me", "--apply", str(page))
    assert refused.code == 1
    assert "Nothing was changed" in refused.err
    done = keepsake("about-me", "--apply", str(page), "--yes")
    assert done.code == 0, done.err
    with opened(keepsake) as store:
        assert {one.text: one.kind for one in store.memories.all()} == {
            "I live in Nantes.": MemoryKind.FACT,
            "Likes rowing.": MemoryKind.PREFERENCE,
        }
        assert [one.text for one in store.memories.get_earlier(store.memories.newest(home).id)] == [
            "I live in Lyon.",
            "I live in Porto.",
        ]
    assert b"black" not in b"".join(one.read_bytes() for one in keepsake.data.rglob("*") if one.is_file())


def test_page_is_edited_in_the_editor(keepsake: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved(keepsake)
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nsed -i "s/Lyon/Nantes/" "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(script))
    assert "I live in Nantes." in keepsake("about-me", "--edit").err
    assert "- I live in Nantes." in keepsake("about-me").out


@pytest.mark.parametrize(
    ("line", "said"),
    [("- x <!-- mem_0000 -->", "mem_0000, which is not on this page"), ("- under nothing", "stands under no heading")],
)
def test_page_that_cant_be_understood_changes_nothing(keepsake: Shell, tmp_path: Path, line: str, said: str) -> None:
    moved(keepsake)
    page = tmp_path / "page.md"
    page.write_text(f"{line}\n{keepsake('about-me').out}".replace("Lyon", "Nantes"), "utf-8")
    refused = keepsake("about-me", "--apply", str(page), "--yes")
    assert refused.code == 1
    assert said in refused.err
    assert "I live in Lyon." in keepsake("about-me").out


def test_what_was_true_earlier_is_shown_as_of_that_day(keepsake: Shell) -> None:
    old = keepsake("memory", "add", "Ada lives in Porto.", "--kind", "fact", "--valid-from", "2020-01-01", "--json")
    keepsake("memory", "edit", old.json["id"], "Ada lives in Lyon.")
    assert "- Ada lives in Porto." in keepsake("about-me", "--as-of", "2021-05-01").out
    assert "- Ada lives in Lyon." in keepsake("about-me").out


def asked(keepsake: Shell) -> tuple[str, str, str]:
    with opened(keepsake) as store:
        health = store.remember(NewMemory("I have asthma.", MemoryKind.FACT))
        store.learning.questions.ask(QuestionKind.SENSITIVE, health.id)
        old = store.remember(NewMemory("My car is red.", MemoryKind.FACT))
        new = store.remember(NewMemory("My car is blue.", MemoryKind.FACT))
        store.learning.questions.ask(QuestionKind.CONTRADICTION, new.id, old.id)
    return health.id, old.id, new.id


def test_what_only_the_user_knows_is_no_line_before_the_answer(keepsake: Shell) -> None:
    health, _, newer = asked(keepsake)
    page = keepsake("about-me").out
    assert "- I have asthma." not in page
    assert "> “I have asthma.” is about your health or mood. May it be remembered?" in page
    assert "- My car is red." in page
    assert "- My car is blue." not in page
    assert len(keepsake("questions", "list", "--json").json["questions"]) == 2
    assert keepsake("questions", "answer", health, "yes").code == 0
    assert keepsake("questions", "answer", newer, "newer").code == 0
    page = keepsake("about-me").out
    assert "- I have asthma." in page
    assert "- My car is blue." in page
    assert "  - before: My car is red." in page
    assert keepsake("questions", "list").err == "No question is open.\n"


def test_no_erases_and_the_earlier_one_keeps_its_place(keepsake: Shell) -> None:
    health, older, newer = asked(keepsake)
    assert "Erased" in keepsake("questions", "answer", health, "no").err
    assert b"asthma" not in b"".join(one.read_bytes() for one in keepsake.data.rglob("*") if one.is_file())
    keepsake("questions", "answer", newer, "earlier")
    with opened(keepsake) as store:
        assert [one.id for one in store.memories.all()] == [older]


def test_answer_to_another_kind_of_question_is_refused(keepsake: Shell) -> None:
    health, older, _ = asked(keepsake)
    assert "is no answer to this question" in keepsake("questions", "answer", health, "newer").err
    assert "no open question" in keepsake("questions", "answer", older, "both").err


def test_goal_is_set_reviewed_and_ended(keepsake: Shell) -> None:
    assert "no goal yet" in keepsake("goals", "list").err
    goal = keepsake(
        "goals", "add", "Run a marathon.", "--why", "For the heart.", "--until", "by October", "--json"
    ).json
    assert keepsake("goals", "review", goal["id"], "Ran ten kilometres.").code == 0
    listed = keepsake("goals", "list").out
    for words in ("Run a marathon.", "why: For the heart.", "until: by October", ": Ran ten kilometres."):
        assert words in listed
    (one,) = keepsake("goals", "list", "--json").json["goals"]
    assert [review["text"] for review in one["reviews"]] == ["Ran ten kilometres."]
    assert keepsake("goals", "end", goal["id"]).code == 0
    assert keepsake("goals", "list", "--json").json["goals"] == []
    note = keepsake("memory", "add", "No goal.", "--json").json
    assert "is no goal" in keepsake("goals", "end", note["id"]).err


def test_learning_reads_what_waits_and_merges_duplicates(keepsake: Shell) -> None:
    with opened(keepsake) as store:
        talk = store.conversations.start("Talk")
        said = [
            store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None, capture=True)
            for text in ("I keep bees.", "As I said, I keep bees.")
        ]
        for one in said:
            store.remember(NewMemory("I keep bees.", MemoryKind.FACT, sources=(one.id,)))
    done = keepsake("learn")
    assert "Merged what said the same: I keep bees." in done.err
    assert keepsake("learn", "--json").json == {"done": [], "waiting": 0}
