"""The command line: JSON alone on stdout, messages on stderr, exit codes, and the main job from import to erasure."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from memory_store import Store
from tests.cli.conftest import Shell


def test_import_reports_each_file_and_goes_on_after_a_bad_one(keepsake: Shell, notes: Path) -> None:
    report = keepsake("import", str(notes), "--json")
    assert report.code == 0
    statuses = {Path(one["path"]).name: one["status"] for one in report.json["files"]}
    assert statuses == {"broken.pdf": "failed", "home.md": "imported", "旅行.txt": "imported"}
    assert next(one["reason"] for one in report.json["files"] if one["status"] == "failed")
    assert report.json["summary"]["waiting_for_vectors"] == 0
    again = keepsake("import", str(notes), "--json").json["files"]
    assert [one["status"] for one in again] == ["failed", "unchanged", "unchanged"]
    (notes / "home.md").write_text("# Home\n\nThe spare key is with Bo.\n", "utf-8")
    assert keepsake("import", str(notes / "home.md"), "--json").json["files"][0]["status"] == "updated"
    assert "Ines" not in keepsake("search", "spare key").out


def test_import_of_nothing_but_failures_fails(keepsake: Shell, tmp_path: Path) -> None:
    result = keepsake("import", str(tmp_path / "missing"))
    assert result.code == 1
    assert "does not exist" in result.out


def test_what_a_file_lacks_is_told_with_the_import_and_afterwards(keepsake: Shell, tmp_path: Path) -> None:
    letters = tmp_path / "letters.mbox"
    deep = "<div>" * 30_000
    html = f"From a@example.org Mon Mar 03 10:00:00 2025\nSubject: Car\nContent-Type: text/html\n\n{deep}\n"
    plain = "From a@example.org Mon Mar 03 10:00:00 2025\nSubject: Boat\n\nThe boat is blue.\n\n"
    letters.write_text(plain + html)
    told = keepsake("import", str(letters)).out
    assert "letters.mbox: message 2: Car: its markup is nested too deeply (" in told
    assert "1 file: 1 imported, 1 missing." in told
    listed = keepsake("document", "list")
    assert "1 missing" in listed.out
    [document] = keepsake("document", "list", "--json").json["documents"]
    assert [one["part"] for one in document["left_out"]] == ["message 2: Car"]
    assert "1 part of its file could not be read" in keepsake("document", "show", document["id"]).out
    missing = keepsake("document", "show", document["id"], "--missing").out
    assert missing.splitlines()[2].startswith("message 2: Car: its markup is nested too deeply")
    assert "blue" not in missing


def test_ask_quotes_with_sources_and_both_shapes_are_as_promised(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    answer = keepsake("ask", "Who has the spare key?", "--json").json
    assert set(answer) == {"answer", "model", "sources", "in_no_source", "handed_in", "conversation_id"}
    assert answer["model"] == "quote"
    assert "Ines at number 12" in answer["answer"]
    found = keepsake("search", "spare key", "-k", "1", "--json").json
    assert found["query"] == "spare key"
    (hit,) = found["hits"]
    assert {"id", "kind", "text", "score", "source", "locator", "created_at", "reasons"} <= set(hit)
    assert set(hit["source"]) == {"id", "kind", "title", "path"}
    assert hit["source"]["path"] == str(notes / "home.md")
    follow = keepsake("ask", "And where?", "--conversation", answer["conversation_id"], "--json").json
    assert follow["conversation_id"] == answer["conversation_id"]
    shown = keepsake("conversation", "show", answer["conversation_id"], "--json").json
    assert [one["role"] for one in shown["messages"]] == ["user", "assistant"] * 2
    assert shown["messages"][1]["sources"][0]["title"].endswith("home.md")


def test_forgotten_file_is_not_imported_again_unless_asked(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    home = str(notes / "home.md")
    erased = keepsake("forget", "--document", home, "--yes", "--json").json
    assert erased["counts"]["documents"] == 1
    assert erased["completed_at"]
    assert "Ines" not in keepsake("search", "spare key").out
    assert keepsake("import", home, "--json").json["files"][0]["status"] == "forgotten"
    assert keepsake("import", home, "--again", "--json").json["files"][0]["status"] == "imported"
    assert keepsake("import", home, "--json").json["files"][0]["status"] == "unchanged"


def test_forget_without_anyone_to_ask_erases_nothing(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    refused = keepsake("forget", "--all")
    assert refused.code == 1
    assert "--yes" in refused.err
    assert len(keepsake("document", "list", "--json").json["documents"]) == 2
    assert keepsake("forget", "--all", "--yes").code == 0
    assert keepsake("document", "list", "--json").json["documents"] == []


def test_memories_are_added_listed_corrected_and_marked(keepsake: Shell) -> None:
    added = keepsake("memory", "add", "Lives in Porto", "--kind", "fact", "--pin", "--private", "--json").json
    assert (added["kind"], added["pinned"], added["private"]) == ("fact", True, True)
    edited = keepsake("memory", "edit", added["id"], "Lives in Lyon", "--json").json
    assert (edited["text"], edited["private"], edited["pinned"]) == ("Lives in Lyon", True, True)
    assert keepsake("memory", "edit", edited["id"], "--no-private", "--unpin", "--json").json["private"] is False
    assert [one["text"] for one in keepsake("memory", "list", "--json").json["memories"]] == ["Lives in Lyon"]
    shown = keepsake("memory", "show", edited["id"][:10], "--json").json
    assert [one["text"] for one in shown["earlier"]] == ["Lives in Porto"]
    assert keepsake("memory", "edit", edited["id"]).code == 1


def test_export_and_restore_bring_everything_to_another_folder(keepsake: Shell, notes: Path, tmp_path: Path) -> None:
    keepsake("import", str(notes))
    keepsake("memory", "add", "The boat is in Camaret")
    archive = tmp_path / "keep.zip"
    assert keepsake("export", str(archive)).code == 0
    assert zipfile.is_zipfile(archive)
    assert keepsake("export", str(archive)).code == 1
    other = Shell(tmp_path / "other", keepsake.capture)
    assert other("restore", str(archive), "--json").json["counts"]["documents"] == 2
    assert other("search", "boat Camaret", "--json").json["hits"][0]["text"] == "The boat is in Camaret"
    assert other("doctor", "--json").json["ok"] is True
    again = other("restore", str(archive), "--dry-run", "--json").json
    assert (again["counts"], again["known"]["documents"], again["dry_run"]) == ({}, 2, True)
    assert "There already: 2 documents" in other("restore", str(archive)).out


def test_restore_names_what_differs_and_what_stays_away(keepsake: Shell, tmp_path: Path) -> None:
    boat = keepsake("memory", "add", "The boat is in Camaret", "--json").json["id"]
    gone = keepsake("memory", "add", "The quarrel at the harbour", "--json").json["id"]
    archive = str(tmp_path / "keep.zip")
    keepsake("export", archive)
    keepsake("memory", "edit", boat, "The boat is in Brest")
    keepsake("forget", gone, "--yes")
    told = keepsake("restore", archive, "--dry-run").out
    assert "Would restore nothing." in told
    assert "Different (the store's own was kept): 1 memory" in told
    assert f"  {boat}  The boat is in Camaret" in told
    assert "Forgotten, so left out (--bring-back lets them in): 1 memory" in told
    assert keepsake("restore", archive, "--bring-back", "--json").json["counts"]["memories"] == 1
    assert keepsake("search", "quarrel", "--json").json["hits"]


def test_private_import_is_left_out_of_public_search(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes), "--private")
    assert keepsake("search", "spare key", "--public", "--json").json["hits"] == []
    assert keepsake("search", "spare key", "--json").json["hits"]


def test_stats_doctor_and_reindex_agree(keepsake: Shell, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_INDEX__KIND", "chroma")
    keepsake("import", str(notes))
    stats = keepsake("stats", "--json").json
    assert (stats["documents"], stats["to_embed"], stats["to_index"]) == (2, 0, 0)
    sound = keepsake("doctor", "--json").json
    assert (sound["ok"], sound["repaired"]) == (True, [])
    assert {one["name"] for one in sound["checks"]} >= {"folder", "database", "full text", "index", "erasures"}
    for path in (keepsake.data / "index").rglob("*.sqlite3"):
        path.write_bytes(b"torn")
    torn = keepsake("doctor")
    assert torn.code == 1
    assert "To do: keepsake doctor --repair" in torn.out
    repaired = keepsake("doctor", "--repair", "--json").json
    assert (repaired["ok"], repaired["repaired"]) == (True, ["index"])
    assert keepsake("reindex", "--json").json["to_index"] == 0


def test_errors_go_to_stderr_with_a_hint_and_exit_code_one(keepsake: Shell) -> None:
    result = keepsake("memory", "show", "mem_nothing")
    assert (result.code, result.out) == (1, "")
    assert "Nothing has the id mem_nothing" in result.err
    assert "The lists show the ids" in result.err


def test_wrong_usage_exits_with_two(keepsake: Shell) -> None:
    assert keepsake("no-such-command").code == 2
    assert keepsake("import").code == 2


def test_config_is_written_shown_and_checked(keepsake: Shell, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert keepsake("--config", str(path), "config", "init").code == 0
    assert keepsake("--config", str(path), "config", "init").code == 1
    assert keepsake("--config", str(path), "config", "validate").code == 0
    shown = keepsake("--config", str(path), "config", "show", "--json").json
    assert shown["model"]["provider"] == "quote"
    path.write_text("[modle]\n", "utf-8")
    bad = keepsake("--config", str(path), "config", "validate")
    assert bad.code == 1
    assert "Did you mean `model`?" in bad.err


def test_plain_chat_answers_each_line_of_a_pipe(keepsake: Shell, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    keepsake("import", str(notes))
    monkeypatch.setattr("sys.stdin", io.StringIO("Who has the spare key?\n\nRemember that the cat is called Minou.\n"))
    result = keepsake("chat", "--plain")
    assert result.code == 0
    assert "Ines at number 12" in result.out
    assert "Remembered: the cat is called Minou" in result.err


def test_terminal_escapes_in_a_document_are_not_printed(keepsake: Shell, tmp_path: Path) -> None:
    evil = tmp_path / "evil.txt"
    evil.write_text("zebra \x1b]0;owned\x07\x1b[31mred\x1b[0m \u202ereversed", "utf-8")
    keepsake("import", str(evil))
    for command in (("search", "zebra"), ("ask", "zebra"), ("document", "list")):
        result = keepsake(*command)
        assert "\x1b" not in result.out + result.err
        assert "\u202e" not in result.out


def test_search_explains_itself_and_finds_what_one_person_said(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes))
    explained = keepsake("search", "spare key", "--explain").out
    assert "words spare, key" in explained
    for row in ("score", "relevance", "coverage with the two before", "meaning"):
        assert any(line.startswith(row) for line in explained.splitlines()), row
    (hit, *_) = keepsake("search", "spare key", "--json").json["hits"]
    assert hit["matched"] == ["spare", "key"]
    assert {"signal", "value", "contribution"} == set(hit["reasons"][0])
    assert 0 < hit["relevance"] <= 1
    assert keepsake("search", "spare key", "--author", "Nobody").out.strip() == "Nothing was found."


def test_log_of_requests_is_listed(keepsake: Shell) -> None:
    assert keepsake("requests").out == "Nothing was sent anywhere.\n"
    with Store.open(keepsake.data) as store:
        memory = store.remember("The spare key is with Ines.")
        store.requests.log("https://models.example/v1", "a-model", "chat", [memory.id])
    [sent] = keepsake("requests", "--json").json["requests"]
    assert (sent["endpoint"], sent["purpose"], sent["items"]) == ("https://models.example/v1", "chat", 1)
    assert sent["private"] == 0
    listed = keepsake("requests").out
    assert "https://models.example/v1" in listed
    assert "Ines" not in listed


def test_settings_are_shown_without_keys_inside_of_addresses(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", "https://me:hush-1@models.example/v1?key=hush-2")
    for arguments in (("config", "show"), ("config", "show", "--json")):
        told = keepsake(*arguments)
        assert "https://models.example/v1" in told.out
        assert "hush" not in told.out + told.err


def test_what_can_not_be_looked_for_or_forgotten_is_named(keepsake: Shell) -> None:
    assert keepsake("search", " ").code == 2
    forgotten = keepsake("forget", "--document", "/nope.md", "--yes")
    assert (forgotten.code, "No document was imported from /nope.md" in forgotten.err) == (1, True)
