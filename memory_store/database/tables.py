"""The tables of the record, described once: archives, merges, erasures, backups and salvage derive from it.

Columns, their types, keys and references are read from the schema; what it can't say stands here.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from memory_store import ids
from memory_store.database import passages
from memory_store.database.migrations import migrations

_KINDS: Final = {"TEXT": str, "INTEGER": int, "BLOB": bytes}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a schema has it. `default` is its value in rows that are older than it; `key` its place in the
    primary key, from 1, or 0. `refers_to` is a table, `on_delete` what becomes of the row when that row goes."""

    name: str
    kind: type
    may_be_null: bool
    default: object
    key: int
    refers_to: str | None
    on_delete: str


@dataclass(frozen=True)
class Table:
    """A table of the record. `prefix` begins its ids; `words` are the columns that an erasure looks for on the disk.

    Archives have it since a format version, 0 for never: the rows `where`, in the order of their `time`, if it names
    one, and their key, without the columns in `without`, which are made anew.
    """

    name: str
    prefix: str = ""
    words: tuple[str, ...] = ()
    since: int = 1
    where: str = "1"
    time: str = ""
    without: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        """The member of an archive that holds it."""
        return f"data/{self.name}.jsonl"

    @cached_property
    def schema(self) -> dict[str, Column]:
        """Its columns in the newest schema, in order."""
        return {column.name: column for column in newest_schema()[self.name]}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that an archive has, in order."""
        return tuple(name for name in self.schema if name not in self.without)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The columns by which an archive sorts its rows."""
        return (self.time, *self.primary_key) if self.time else self.primary_key

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return ("id",) if "id" in self.schema else self.primary_key

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key; where there is none, all that refer to another table."""
        columns = self.schema.values()
        return tuple(column.name for column in columns if column.key) or tuple(self.references())

    def references(self, *on_delete: str) -> dict[str, str]:
        """Return the table that each referring column leads to; only those with these actions, if any are given."""
        return {
            name: column.refers_to
            for name, column in self.schema.items()
            if column.refers_to and (not on_delete or column.on_delete in on_delete)
        }


# In the order in which they are restored; foreign keys are checked at the end.
TABLES: Final = (
    Table("documents", ids.DOCUMENT, ("path", "title", "content_hash", "left_out")),
    Table("conversations", ids.CONVERSATION, ("title", "origin")),
    Table("messages", ids.MESSAGE, ("text", "origin"), time="created_at"),
    Table("memories", ids.MEMORY, ("text", "origin", "why", "horizon"), time="recorded_at"),
    Table("memory_sources", words=("quote",), since=2),
    Table("goal_reviews", words=("text",), since=5),
    Table("questions", since=5),
    Table("summaries", words=("text",), since=5),
    Table("capture_queue", since=5),
    Table("drafts", words=("text",), since=0),
    Table(
        "passages",
        ids.PASSAGE,
        ("text", "context", "search_text", "search_context", "search_words"),
        without=frozenset({"echo", "search_words"}),
    ),
    Table("cards", ids.CARD, ("question", "answer", "quote"), since=7, time="made_at"),
    Table("card_reviews", since=7),
    Table(
        "recipes",
        ids.RECIPE,
        ("name", "skill", "files", "left_out"),
        since=7,
        time="made_at",
        without=frozenset({"agreed"}),
    ),
    Table("citations"),
    Table("tool_calls", words=("arguments",), since=7),
    Table("approvals", since=0),
    Table("tasks", ids.TASK, ("plan", "trouble"), since=7, time="made_at"),
    Table("task_items", ids.TASK_ITEM, ("key", "details", "result", "trouble"), since=7),
    Table("task_steps", words=("request", "result"), since=7),
    Table("task_approvals", since=0),
    Table("schedules", ids.SCHEDULE, ("text",), since=7, time="made_at"),
    Table("tombstones"),
    Table("foreign_tombstones", since=3),
    Table(
        "erasures",
        ids.ERASURE,
        since=2,
        where="completed_at IS NOT NULL",
        time="requested_at",
        without=frozenset({"needles", "notes"}),
    ),
    Table("requests", ids.REQUEST, since=2),
    Table("request_items", since=2),
    Table("ledger", ids.LEDGER_ENTRY, since=7, time="made_at"),
    Table("late_requests", ids.LATE_REQUEST, ("trouble",), since=7, where="message_id IS NOT NULL", time="intended_at"),
    Table("embedders"),
    Table("embeddings", without=frozenset({"segment_id"})),
)
BY_NAME: Final = {table.name: table for table in TABLES}
OF_PREFIX: Final = {table.prefix: table.name for table in TABLES if table.prefix}
ARCHIVED: Final = tuple(table for table in TABLES if table.since)
# What a person asks to forget, and all that is counted.
ERASABLE: Final = ("documents", "conversations", "messages", "memories", "cards", "recipes")
COUNTED: Final = (*ERASABLE, "passages")


def table_of(identifier: str) -> str | None:
    """Return the table that an id, whole or shortened, belongs to; None for what is no id."""
    return OF_PREFIX.get(ids.prefix_of(identifier) or "")


def read_schema(connection: sqlite3.Connection) -> dict[str, tuple[Column, ...]]:
    """Return the columns of every table of a sound database, in their order."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT%'")
    return {name: tuple(_columns(connection, name)) for (name,) in tables.fetchall()}


def _columns(connection: sqlite3.Connection, table: str) -> Iterable[Column]:
    foreign = {row[3]: (row[2], row[6]) for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    for _, name, kind, required, default, key in connection.execute(f"PRAGMA table_info({table})").fetchall():
        value = connection.execute(f"SELECT {default or 'NULL'}").fetchone()[0]
        refers_to, on_delete = foreign.get(name, (None, ""))
        yield Column(name, _KINDS[kind], not required and not key, value, key, refers_to, on_delete)


@functools.cache
def newest_schema() -> Mapping[str, tuple[Column, ...]]:
    """Return the columns of every table of the newest schema, in their order."""
    with closing(sqlite3.connect(":memory:")) as connection:
        passages.add_functions(connection)
        for _, sql in migrations():
            connection.executescript(sql)
        return read_schema(connection)


def clear_dangling(connection: sqlite3.Connection, *names: str) -> None:
    """Let go, in these tables, of rows that are not there, where a row can do without."""
    for name in names:
        for column, target in BY_NAME[name].references("SET NULL").items():
            ended = ", retired_at = NULL" if column == "superseded_by" else ""
            connection.execute(
                f"UPDATE {name} SET {column} = NULL{ended} WHERE {column} NOT IN (SELECT id FROM {target})"
            )
