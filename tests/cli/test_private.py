"""What the settings keep private, by every command that stores something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell


def test_folders_and_topics_hold_for_import_memories_and_questions(
    keepsake: Shell, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "export.json").write_text("[]", "utf-8")
    keepsake("memory", "add", "I have asthma.")
    assert not keepsake("memory", "list", "--json").json["memories"][0]["private"]
    monkeypatch.setenv("KEEPSAKE_PRIVATE__FOLDERS", f'["{notes}"]')
    monkeypatch.setenv("KEEPSAKE_PRIVATE__TOPICS", '["health"]')
    assert keepsake("memory", "list", "--json").json["memories"][0]["private"]  # what was there is looked at
    keepsake("import", str(notes / "home.md"))
    assert [one["private"] for one in keepsake("document", "list", "--json").json["documents"]] == [True]
    assert keepsake("memory", "add", "I'm allergic to nuts.", "--json").json["private"]
    assert not keepsake("memory", "add", "I keep bees.", "--json").json["private"]
    keepsake("ask", "Remember that I have a fever.")
    captured = keepsake("memory", "list", "--json").json["memories"][0]
    assert (captured["text"], captured["private"]) == ("I have a fever", True)
    found = keepsake("search", "fever asthma nuts bees key", "--public", "--json").json
    assert "bees" in str(found)
    assert not any(one in str(found["hits"]) for one in ("fever", "asthma", "nuts", "spare key"))


def test_a_topic_that_there_is_not_is_told(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_PRIVATE__TOPICS", '["secrets"]')
    told = keepsake("memory", "list")
    assert told.code != 0
    assert "'health', 'mood' or 'finance'" in told.err
