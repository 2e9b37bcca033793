"""The one table that describes the record's columns covers all of them."""

from __future__ import annotations

import pytest

from memory_store.database import tables
from memory_store.database.tables import Column, newest_schema

# Text that says nothing of what a person wrote: kinds, names of makers, places inside of a source.
LABELS = {
    "kind",
    "agreed",
    "effort",
    "grade",
    "tool",
    "outcome",
    "state",
    "fingerprint",
    "role",
    "status",
    "about",
    "author_kind",
    "author_name",
    "media_type",
    "locator",
}
TIMES = {"valid_from", "valid_to", "not_before", "begins", "zone", "rule"}


def is_words(column: Column) -> bool:
    return column.kind is str and not (
        column.name in LABELS | TIMES or column.name.endswith(("_at", "_id", "_by")) or column.name == "id"
    )


@pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
def test_an_erasure_looks_for_every_column_that_holds_words(table: tables.Table) -> None:
    if table.name in tables.ERASABLE or table.references("CASCADE"):
        assert set(table.words) == {name for name, column in table.schema.items() if is_words(column)}


def test_every_table_is_described_but_for_what_the_store_makes_anew() -> None:
    assert set(newest_schema()) == set(tables.BY_NAME) | {"meta", "outbox", "index_segments"}
