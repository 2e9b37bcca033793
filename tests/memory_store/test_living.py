"""What is alive is derived from the schema, and an erasure that can't be verified is in no other's way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Selection, Store, receipts
from memory_store.database import tombstones
from memory_store.errors import Action, ErasureFailedError, Step
from memory_store.models import MemoryKind
from memory_store.verification.needles import ScanKey, hash_windows
from memory_store.verification.verify import living_tables, living_windows
from tests.support.embedder import HashEmbedder

SENTENCE = "The ornithopter has been wound up as it was agreed."


def text_columns(store: Store) -> list[tuple[str, str]]:
    """Return (table, column) of every column that can hold text, but for the shadows of the full text."""
    with store._database.read() as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT%'")
        ]
        return [
            (table, column["name"])
            for table in tables
            for column in connection.execute(f"PRAGMA table_info({table})")
            if column["type"] == "TEXT"
        ]


def test_text_in_any_column_of_any_table_is_alive(store: Store) -> None:
    """Each column in its turn holds a sentence that stands nowhere else: it must be found among the living."""
    columns = text_columns(store)
    assert {("summaries", "text"), ("goal_reviews", "text"), ("memory_sources", "quote"), ("drafts", "text")} < set(
        columns
    )
    with store._database.read() as connection:
        key = ScanKey(tombstones.secret(connection))
    wanted = np.unique(hash_windows(key, SENTENCE.encode(), 1))
    for table, column in columns:
        with store._database.write() as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.execute("PRAGMA defer_foreign_keys=ON")
            names = [row for row in connection.execute(f"PRAGMA table_info({table})") if row["notnull"] or row["pk"]]
            values = {row["name"]: "" if row["type"] == "TEXT" else 0 for row in names} | {column: SENTENCE}
            marks = ", ".join("?" for _ in values)
            connection.execute(
                f"INSERT OR REPLACE INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
            )
            explained = living_windows(connection, store.folder / "index", key, wanted, 0)
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
        assert len(explained) == len(wanted), f"{table}.{column} is not looked for among the living"


def test_every_table_is_among_the_living_but_vectors_and_pages_of_the_full_text(store: Store) -> None:
    with store._database.read() as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        left_out = tables - set(living_tables(connection))
    assert {name for name in left_out if not name.startswith(("passages_fts", "echoes_fts"))} == {"embeddings"}


def test_two_goals_with_the_same_review_are_erased_one_after_the_other(store: Store) -> None:
    first, second = (
        store.remember(NewMemory(f"Build ornithopter number {number}", kind=MemoryKind.GOAL)) for number in (1, 2)
    )
    for goal in (first, second):
        store.memories.review(goal.id, SENTENCE)
    for goal in (first, second):
        store.forget(Selection((goal.id,)))
    assert [one.completed_at is not None for one in store.erasures()] == [True, True]


def test_erasure_that_cannot_be_verified_stays_listed_and_others_complete(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        stuck = store.remember(SENTENCE)
        others = [store.remember(f"An unrelated note about boats, number {number}") for number in range(2)]
        store.remember("The spare key is with Ines.")
        copy = tmp_path / "copy.txt"
        copy.write_text(SENTENCE)
        with pytest.raises(ErasureFailedError, match=r"something of it is still in copy\.txt") as caught:
            store.forget(Selection((stuck.id,)))
        [failed] = store.erasures()
        assert failed.id in caught.value.message
        assert caught.value.steps == (Step(Action.REPAIR), Step(Action.SHOW_RECEIPT, failed.id))
        erased = store.forget(Selection((others[0].id,)))
        assert erased.receipt is not None
        assert receipts.parse_receipt(erased.receipt).result == "nothing left"
        assert [one.id for one in store.erasures() if one.completed_at is None] == [failed.id]
        with pytest.raises(ErasureFailedError):
            store.complete_erasures(again=True)
        store.forget(Selection((others[1].id,)))
        copy.unlink()
        store.complete_erasures(again=True)
        assert all(one.completed_at for one in store.erasures())


def test_background_tries_an_erasure_that_failed_before_once_and_not_for_ever(tmp_path: Path) -> None:
    (tmp_path / "copy.txt").write_text(SENTENCE)
    with Store.open(tmp_path) as store, pytest.raises(ErasureFailedError):
        store.forget(Selection((store.remember(SENTENCE).id,)))
    with Store.open(tmp_path, HashEmbedder()) as store:
        with pytest.raises(ErasureFailedError):
            store._round()
        store._round()
        assert store.stats().pending_erasures == 1
