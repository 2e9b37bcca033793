"""The databases of oterm and llm, opened without touching them, and Keepsake's own archives."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.errors import ReadError
from assistant.ingestion.conversations.base import ImportedConversation, ImportedMemory, Skipped, Torn
from assistant.ingestion.conversations.databases import columns, open_database
from memory_store import Store
from memory_store.models import USER, Author, AuthorKind, Role
from tests.ingestion.conversations.exports import format_of, imported, lines, llm_database, only, oterm_database


def test_chats_of_oterm_are_read(tmp_path: Path) -> None:
    path = oterm_database(
        tmp_path / "store.db",
        {"Boiler": [("user", "How?"), ("assistant", "<think>hm</think>So."), ("user", "")], "Empty": []},
    )
    assert format_of(path) == "oterm"
    chat = only(path)
    assert (chat.title, chat.current) == ("Boiler", "2")
    assert chat.origin.startswith("oterm:1-")
    assert lines(chat) == [("1", None, "user", "How?"), ("2", "1", "qwen3", "So.")]
    assert dict(chat.skipped) == {Skipped.THINKING: 1, Skipped.EMPTY: 1}


LOGS = """
INSERT INTO conversations VALUES ('c1', 'Boiler', 'm');
INSERT INTO responses (id, model, prompt, response, conversation_id, datetime_utc) VALUES
 ('r2', 'gpt-4o', 'Why?', 'Because.', 'c1', '2024-05-06T07:09:00.000000+00:00'),
 ('r1', 'gpt-4o', 'How?', 'So.', 'c1', '2024-05-06T07:08:00'),
 ('r3', 'gpt-4o', 'Alone?', NULL, NULL, NULL);
"""
THREADS = """
INSERT INTO messages VALUES ('s', NULL, 'system', NULL), ('q', 's', 'user', NULL), ('a', 'q', 'assistant', NULL),
 ('b', 'q', 'assistant', NULL), ('t', 'a', 'tool', NULL), ('z', 't', 'assistant', NULL);
INSERT INTO fragments VALUES (5, 'h', 'the manual');
INSERT INTO parts (message_hash, position, type, text, payload) VALUES ('q', 0, 'text', NULL,
 '{"text_ref": [{"literal": "Read "}, {"fragment": 5}, {"literal": "."}]}'), ('a', 0, 'reasoning', 'hm', NULL),
 ('a', 1, 'text', 'Done.', NULL), ('a', 2, 'tool_call', NULL, '{}'), ('b', 0, 'text', 'Other.', NULL),
 ('z', 0, 'text', 'End.', NULL);
INSERT INTO threads VALUES ('th', 'Manual', 'z', NULL, NULL);
INSERT INTO turns VALUES ('u1', 'th', 'q', 'b', 'small', '2026-01-02T03:04:05'),
 ('u2', 'th', 'q', 'z', 'large', '2026-01-02T03:05:05');
"""


def test_the_older_logs_of_llm_are_read(tmp_path: Path) -> None:
    path = llm_database(tmp_path / "logs.db", LOGS)
    assert format_of(path) == "llm"
    first, second = imported(path)
    assert isinstance(first, ImportedConversation)
    assert (first.origin, first.title, first.current) == ("llm:c1", "Boiler", "r2/response")
    assert lines(first) == [
        ("r1/prompt", None, "user", "How?"),
        ("r1/response", "r1/prompt", "gpt-4o", "So."),
        ("r2/prompt", "r1/response", "user", "Why?"),
        ("r2/response", "r2/prompt", "gpt-4o", "Because."),
    ]
    assert first.created_at == datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    assert isinstance(second, ImportedConversation)
    assert (second.origin, second.title, len(second.messages)) == ("llm:r3", "Alone?", 1)


def test_the_threads_of_newer_llm_are_read_with_their_branches(tmp_path: Path) -> None:
    chat = only(llm_database(tmp_path / "logs.db", THREADS))
    assert (chat.origin, chat.title, chat.current) == ("llm:th", "Manual", "z")
    assert sorted(lines(chat)) == [
        ("a", "q", "large", "Done."),
        ("b", "q", "small", "Other."),
        ("q", None, "user", "Read the manual."),
        ("z", "a", "large", "End."),
    ]
    assert dict(chat.skipped) == {Skipped.SYSTEM: 1, Skipped.TOOL: 2, Skipped.THINKING: 1}


def test_messages_of_llm_that_go_in_circles_end(tmp_path: Path) -> None:
    circle = "UPDATE messages SET parent_hash = 'z' WHERE hash = 's';"
    assert len(only(llm_database(tmp_path / "logs.db", THREADS + circle)).messages) == 4


def test_a_database_is_neither_written_nor_locked_nor_run(tmp_path: Path) -> None:
    path = oterm_database(tmp_path / "store.db", {"Boiler": [("user", "How?")]})
    writer = sqlite3.connect(path)
    writer.execute("CREATE TRIGGER t AFTER UPDATE ON chat BEGIN DELETE FROM message; END")
    writer.execute("BEGIN EXCLUSIVE")
    before = path.read_bytes()
    assert only(path).messages[0].text == "How?"
    with pytest.raises(ReadError, match="not authorized"), open_database(path) as connection:
        connection.execute("DELETE FROM message")
    with pytest.raises(ReadError, match="not authorized"), open_database(path) as connection:
        connection.execute("ATTACH ? AS other", (str(tmp_path / "other.db"),))
    with pytest.raises(ReadError, match="not authorized"), open_database(path) as connection:
        connection.execute("SELECT load_extension('x')")
    writer.close()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]


def test_messages_that_are_not_yet_in_the_file_are_named(tmp_path: Path) -> None:
    path = oterm_database(tmp_path / "store.db", {"Boiler": [("user", "How?")]})
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO message (chat_id, author, text) VALUES (1, 'assistant', 'So.')")
    writer.commit()
    note, chat = imported(path)
    writer.close()
    assert isinstance(note, Torn)
    assert "has not yet written" in note.reason
    assert isinstance(chat, ImportedConversation)
    assert len(chat.messages) == 1


def test_a_view_that_poses_as_a_table_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE VIEW chat AS SELECT 1 AS id, 'x' AS name, 'm' AS model; CREATE VIEW message AS SELECT 1 AS id, "
        "1 AS chat_id, 'user' AS author, 'x' AS text; CREATE VIRTUAL TABLE notes USING fts5(text)"
    )
    connection.close()
    assert format_of(path) is None
    with open_database(path) as opened:
        assert not {"chat", "message", "notes"} & set(columns(opened))


def test_a_query_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.ingestion.conversations.databases._MOST_CALLS", 1)
    monkeypatch.setattr("assistant.ingestion.conversations.databases._STEPS", 50)
    path = oterm_database(tmp_path / "store.db", {"Boiler": [("user", "How?")] * 5000})
    with pytest.raises(ReadError, match="interrupted"), open_database(path) as connection:
        connection.execute("SELECT id, text FROM message ORDER BY text").fetchall()


def test_a_damaged_database_gives_what_it_can_and_says_so(tmp_path: Path) -> None:
    path = oterm_database(tmp_path / "store.db", {f"Chat {n}": [("user", f"{n} " * 2000)] for n in range(20)})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(bytes(data))
    *_, last = imported(path)
    assert isinstance(last, Torn)
    assert "SQLite says" in last.reason


def test_conversations_and_memories_of_an_archive_come_with_their_privacy(tmp_path: Path) -> None:
    with Store.open(tmp_path / "old") as store:
        chat = store.conversations.start("Boiler")
        question = store.conversations.append(chat.id, Role.USER, "How?", USER, parent_id=None, private=True)
        model = Author(AuthorKind.MODEL, "llama")
        store.conversations.append(chat.id, Role.ASSISTANT, "So.", model, parent_id=question.id)
        store.remember("The key is with Ines.")
        store.export(tmp_path / "old.zip", "1")
    assert format_of(tmp_path / "old.zip") == "keepsake"
    found, memory = imported(tmp_path / "old.zip")
    assert isinstance(found, ImportedConversation)
    assert isinstance(memory, ImportedMemory)
    assert found.private
    assert [(one[2], one[3]) for one in lines(found)] == [("user", "How?"), ("llama", "So.")]
    assert found.origin == f"keepsake:{chat.id}"
    assert (memory.text, memory.private) == ("The key is with Ines.", False)
