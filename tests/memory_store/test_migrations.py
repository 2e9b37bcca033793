"""Stores of earlier versions open, and are brought up to date without losing anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from memory_store import Store
from memory_store.database import migrations
from memory_store.models import USER, Role
from memory_store.store import DATABASE_NAME
from tests.support.embedder import HashEmbedder


def test_a_store_of_the_first_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        first = migrations.migrations()[:1]
        older.setattr(migrations, "migrations", lambda: first)
        with Store.open(tmp_path, HashEmbedder()):
            pass
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection, connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        connection.execute(
            "INSERT INTO conversations VALUES ('con_a', 'Old', '2023-05-07T10:00:00.000000Z', "
            "'2023-05-07T10:00:00.000000Z', 0)"
        )
        connection.execute(
            "INSERT INTO messages VALUES ('msg_a', 'con_a', NULL, 'user', 'Rain all day', 'user', NULL, 'complete', "
            "'2023-05-07T10:00:00.000000Z', 0, NULL, NULL)"
        )
        connection.execute(
            "INSERT INTO passages (id, message_id, ordinal, text, context, locator, author_kind, created_at, private) "
            "VALUES ('pas_a', 'msg_a', 0, 'Rain all day', '', '{}', 'user', '2023-05-07T10:00:00.000000Z', 0)"
        )
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert [hit.text for hit in store.recall("rain")] == ["Rain all day"]
        # What was said before dates were indexed is found by its date as well.
        assert [hit.text for hit in store.recall("May 7th")] == ["Rain all day"]
        store.conversations.append("con_a", Role.USER, "And today sun", USER, parent_id="msg_a")
        assert len(store.recall("rain today")) == 2
        assert store.verify() == []
