"""Salvage: out of a damaged database, into a new store, every row that can still be read.

It is read page by page: no tree of it, and no schema, has to be whole. A page whose table the schema still tells
belongs to that one; any other is told by what its rows look like.
"""

from __future__ import annotations

import mmap
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dissect.database.sqlite3.exception import Error
from dissect.database.sqlite3.sqlite3 import SQLite3

from memory_store import ids
from memory_store.database import fulltext, passages, tables
from memory_store.database.connection import Database
from memory_store.database.files import BACKUPS
from memory_store.database.migrations import migrate
from memory_store.database.tables import BY_NAME, Column, read_schema
from memory_store.errors import Action, CorruptStoreError, NotFoundError, Step, StoreError

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
# Stands in for a header that is damaged: pages of 4096 bytes, text in UTF-8, as all databases of ours have them.
_HEADER_OF_OURS: Final = (
    _MAGIC + bytes((16, 0, 2, 2, 0, 64, 32, 32)) + bytes(20) + bytes((0, 0, 0, 4)) + bytes(8) + bytes((0, 0, 0, 1))
).ljust(_HEADER, b"\0")
_VERSION_AT: Final = 60
_PAGES_AT: Final = 28
_LEAF, _INTERIOR, _INDEX_INTERIOR = 13, 5, 2
# What a damaged page can make a parser do. Deeper than any tree of ours, and longer than any chain of overflow pages:
_MOST_PAGES_A_CELL: Final = 1 << 16
_DAMAGE: Final = (
    Error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    EOFError,
    OverflowError,
    RuntimeError,
    MemoryError,
)
# Ids without a foreign key: what they name may be gone.
_UNCHECKED_REFERENCES: Final = {"erasure_id": "erasures", "ledger_id": "ledger"}
Row = dict[str, object]
_NAME: Final = "keepsake.db"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of a table look like on a page."""

    table: str
    columns: tuple[Column, ...]
    by_row_number: bool
    least: int

    def row(self, values: list[Any], number: int | None) -> Row | None:
        """Return these values as a row of this table, or None if they can't be one."""
        if not self.least <= len(values) <= len(self.columns):
            return None
        row: Row = {}
        for at, column in enumerate(self.columns):
            value = values[at] if at < len(values) else column.default
            if column.key == 1 and column.kind is int and number is not None:
                value = number
            if not (column.may_be_null if value is None else _may_stand_in(self.table, column, value)):
                return None
            row[column.name] = value
        return row


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a page is: of the tree of a table or of an index, by the number of its root."""

    kind: str
    table: str
    root: int


@dataclass
class Found:
    """What the pages gave: rows by table, cells of a table that could not be read, and entries of each index."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)
    indexed: Counter[Owner] = field(default_factory=Counter)

    def lost(self, table: str) -> int:
        """Return at least how many rows of a table are lost: what an index still counts, or what could not be read."""
        entries = [count for owner, count in self.indexed.items() if owner.table == table]
        saved = len(self.rows.get(table, ()))
        return max(self.unreadable[table], max(entries, default=0) - saved)


def shapes_of(connection: sqlite3.Connection) -> dict[str, Shape]:
    """Return the shape of every table of a sound database."""
    shapes = {}
    for table, columns in read_schema(connection).items():
        least = max(at for at, column in enumerate(columns, 1) if not column.may_be_null and column.default is None)
        (definition,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        shapes[table] = Shape(table, columns, "WITHOUT ROWID" not in definition, least)
    return shapes


def version_of(database: Path) -> int | None:
    """Return the schema version in the header of a database file, or None if its header is not one."""
    with database.open("rb") as file:
        header = file.read(_HEADER)
    if not header.startswith(_MAGIC):
        return None
    return int.from_bytes(header[_VERSION_AT : _VERSION_AT + 4], "big")


def read_pages(database: Path, shapes: dict[str, Shape]) -> Found:
    """Return every row that a page still holds, of the database and its write-ahead log.

    The files are opened here by themselves, so no connection to the database may be open in this process.
    """
    found = Found()
    with ExitStack() as stack:
        file = stack.enter_context(database.open("rb"))
        if not file.seek(0, 2):
            return found
        view = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        if view[:16] != _MAGIC:
            view[:_HEADER] = _HEADER_OF_OURS
        page_size = int.from_bytes(view[16:18], "big")
        page_size = 65536 if page_size == 1 else page_size
        view[_PAGES_AT : _PAGES_AT + 4] = (len(view) // page_size).to_bytes(4, "big")
        pages = _open_pages(view, database.with_name(f"{database.name}-wal"), stack)
        owners = _owners(pages)
        for number in range(1, pages.page_count + 1):
            _read_page(pages, number, owners.get(number), shapes, found)
    return found


class _Pages(SQLite3):  # type: ignore[misc]
    """The pages of one file, where a chain that leads in a circle comes to an end."""

    asked = 0

    def whole(self, number: int) -> Any:
        """Return a page, parsed. Raises one of the kinds of damage."""
        self.asked = 0
        return self.page(number)

    def raw_page(self, num: int) -> bytes:
        self.asked += 1
        if self.asked > _MOST_PAGES_A_CELL:
            raise ValueError("a chain of pages without end")
        data: bytes = super().raw_page(num)
        return data


def _open_pages(view: mmap.mmap, log: Path, stack: ExitStack) -> _Pages:
    if log.exists() and log.stat().st_size:
        try:
            return _Pages(view, stack.enter_context(log.open("rb")))
        except _DAMAGE:
            pass  # a log without a whole header or frame: what it held is lost, the database is read without it
    return _Pages(view)


def _owners(pages: _Pages) -> dict[int, Owner]:
    """Return whose every page is that the schema and the trees still lead to."""
    owners: dict[int, Owner] = {}
    roots: list[tuple[int, Owner]] = []
    waiting = [(1, Owner("table", "sqlite_master", 1))]
    while waiting:
        number, owner = waiting.pop()
        if number in owners or not 0 < number <= pages.page_count:
            continue
        owners[number] = owner
        try:
            page = pages.whole(number)
            if page.header.flags in (_INTERIOR, _INDEX_INTERIOR):
                waiting += [(page.right_page, owner), *((cell.left_page, owner) for cell in page.cells())]
            elif owner.table == "sqlite_master":
                for kind, _, table, root, _ in (cell.values for cell in page.cells()):
                    if isinstance(root, int) and root:
                        roots.append((root, Owner(str(kind), str(table), root)))
        except _DAMAGE:
            pass  # what hangs below it is told by the look of its rows
        if not waiting:
            waiting, roots = roots, []
    return owners


def _read_page(pages: _Pages, number: int, owner: Owner | None, shapes: dict[str, Shape], found: Found) -> None:
    try:
        page = pages.whole(number)
    except _DAMAGE:
        return  # what was on it is counted by the indexes
    flags, cells = page.header.flags, page.header.cell_count
    if owner is not None and owner.kind == "index":
        found.indexed[owner] += cells
        return
    if flags == _INTERIOR or (owner is not None and owner.table not in shapes):
        return  # a page of the schema, or of the full text, which is made anew
    table = owner.table if owner is not None else None
    for at in range(cells):
        pages.asked = 0
        try:
            cell = page.cell(at)
            row = _identify_row(cell.values, cell.key if flags == _LEAF else None, shapes, table)
        except _DAMAGE:
            row = None
        if row is not None:
            found.rows.setdefault(row[0], []).append(row[1])
        elif table is not None:
            found.unreadable[table] += 1


def _identify_row(
    values: list[Any], key: int | None, shapes: dict[str, Shape], table: str | None
) -> tuple[str, Row] | None:
    """Return the table of these values and the row that they are; None where that can't be told for sure."""
    by_number = key is not None
    candidates = [shapes[table]] if table else [shape for shape in shapes.values() if shape.by_row_number == by_number]
    fitting = [(candidate.table, row) for candidate in candidates if (row := candidate.row(values, key)) is not None]
    return fitting[0] if len(fitting) == 1 else None


def _may_stand_in(table: str, column: Column, value: object) -> bool:
    """Say whether a value is of a column's type; of an id, whether it is one of the table that it names."""
    if not isinstance(value, str) or column.kind is not str:
        return isinstance(value, column.kind)
    owner = table if column.name == "id" else column.refers_to or _UNCHECKED_REFERENCES.get(column.name, "")
    if owner in BY_NAME and (prefix := BY_NAME[owner].prefix):
        return ids.prefix_of(value) == prefix
    return column.name != "key" or ids.prefix_of(value) is None


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was saved and what was lost, in rows a table. `lost` is by the highest number a row had: a lower bound."""

    saved: Mapping[str, int]
    lost: Mapping[str, int]


def salvage(damaged: Path, folder: Path, backup: str | None = None) -> Salvage:
    """Copy what can be read of a damaged store's folder into a new store in `folder`; the damaged one is not touched.

    `backup` is the name of one of its backups, to be read in place of the store itself.

    Its pages are read one by one, whatever is wrong with those between them. Rows whose owner is lost go with it; what
    was forgotten stays away where its hash can be read; the full text is made anew, the index at the next opening.
    Raises CorruptStoreError if no row can be read, and StoreError if `folder` holds a store already.
    """
    source = damaged / (Path(BACKUPS, Path(backup).name) if backup else _NAME)
    if (folder / _NAME).exists():
        raise StoreError(f"{folder} holds a store already.", "Name a new folder.")
    if not source.exists():
        raise (
            NotFoundError(f"There is no backup {backup}.", "The list of backups shows the names.")
            if backup
            else StoreError(f"{damaged} holds no store.", "Name its folder.", Step(Action.CHOOSE_FOLDER))
        )
    database = Database(folder / _NAME)
    try:
        migrate(database, upto=version_of(source))
        with database.read() as target:
            shapes = shapes_of(target)
        database.truncate_log(1.0)
        migrate(database)
        found = read_pages(source, shapes)
        if not found.rows:
            raise CorruptStoreError(f"No row can be read in {source}.", "Restore a backup or an archive.")
        saved = dict.fromkeys((table.name for table in tables.ARCHIVED), 0)
        lost = {table: found.lost(table) for table in saved}
        with database.write() as target:
            target.execute("PRAGMA defer_foreign_keys=ON")
            if not _take_key(target, found.rows.get("meta", [])):  # without it they say nothing
                lost["tombstones"] += len(found.rows.pop("tombstones", []))
            for table in tables.ARCHIVED:
                saved[table.name] = _insert(target, table, found.rows.get(table.name, []))
            _settle(target, saved, lost)
    finally:
        database.close()
    return Salvage(saved, lost)


def _take_key(target: sqlite3.Connection, rows: Sequence[Row]) -> bool:
    """Take over the key of the tombstones; return whether it could be read."""
    keys = [row["value"] for row in rows if row["key"] == "tombstone_key"]
    for key in keys:
        target.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))
    return bool(keys)


def _insert(target: sqlite3.Connection, table: tables.Table, rows: Sequence[Row]) -> int:
    """Insert the rows that the schema lets in; return how many."""
    known = [name for name in table.columns if rows and name in rows[0]]
    marks = ", ".join("?" for _ in known)
    insert = f"INSERT OR IGNORE INTO {table.name} ({', '.join(known)}) VALUES ({marks})"
    return target.executemany(insert, [tuple(row[name] for name in known) for row in rows]).rowcount if rows else 0


def _settle(target: sqlite3.Connection, saved: dict[str, int], lost: dict[str, int]) -> None:
    """Let go of what hangs on lost rows, and queue what has to be made anew."""
    tables.clear_dangling(target, "messages", "memories", "conversations", "citations", "late_requests")
    while dangling := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, row in {(item[0], item[1]) for item in dangling}:
            if row is None:  # a table without row numbers
                for column, owner in tables.BY_NAME[table].references("CASCADE").items():
                    target.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {owner})")
            else:
                target.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
                saved[table] = saved.get(table, 1) - 1
                lost[table] = lost.get(table, 0) + 1
    target.execute("DELETE FROM outbox")
    passages.make_searchable(target)
    passages.mark_echoes(target)
    target.execute(
        "INSERT INTO outbox (operation, passage_row) SELECT 'embed', row FROM passages "
        "WHERE row NOT IN (SELECT passage_row FROM embeddings) ORDER BY row"
    )
    fulltext.rebuild(target)
