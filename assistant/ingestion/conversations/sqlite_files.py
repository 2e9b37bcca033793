"""Opens the SQLite files of other programs: read only, where they lie, with nothing in them executed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from assistant.errors import ReadError
from assistant.ingestion.conversations.base import Torn

# SQLite calls back every so many steps of its machine; a damaged file can send it round and round.
_STEPS = 100_000
_MOST_CALLS = 50_000
_MAX_VALUE_BYTES = 50_000_000
_ALLOWED = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ))
_HINT = "Close the program that it belongs to, and import it again."


@contextmanager
def opened_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file as immutable. Raise `ReadError` if it is damaged, now or while it is read.

    Only SELECT is allowed. A write-ahead log beside the file is not looked at: immutable means that nothing is ever
    written there, not even a lock.
    """
    connection: sqlite3.Connection | None = None
    calls = 0

    def go_on() -> int:
        nonlocal calls
        calls += 1
        return calls > _MOST_CALLS

    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True)
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA mmap_size = 0")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        connection.set_progress_handler(go_on, _STEPS)
        connection.set_authorizer(_allow)
        yield connection
    except sqlite3.Error as error:
        raise ReadError(f"damaged: SQLite says {error}", _HINT) from error
    except UnicodeDecodeError as error:  # A message of SQLite's own that quotes a damaged name.
        raise ReadError("damaged: its tables have names that are no text", _HINT) from error
    finally:
        if connection is not None:
            connection.close()


def unwritten(path: Path) -> Iterator[Torn]:
    """Say it if a database's latest changes stand in a file of their own, which an immutable database has not."""
    log = path.with_name(path.name + "-wal")
    if log.is_file() and log.stat().st_size:
        yield Torn(0, "", "its program has not yet written its latest messages into the file", _HINT)


def _allow(action: int, _: object, name: object, *__: object) -> int:
    allowed = action in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and name == "coalesce")
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def columns(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Return the columns of every ordinary table, by its name; views and virtual tables are left out: they compute."""
    found: dict[str, frozenset[str]] = {}
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    for row in rows:
        name, sql = str(row["name"]), str(row["sql"] or "")
        if name.isidentifier() and not sql.lstrip().upper().startswith("CREATE VIRTUAL"):
            cursor = connection.execute(f'SELECT * FROM "{name}" LIMIT 0')
            found[name] = frozenset(str(column[0]) for column in cursor.description)
    return found


def has(tables: dict[str, frozenset[str]], name: str, *needed: str) -> bool:
    """Return whether there is a table with these columns."""
    return frozenset(needed) <= tables.get(name, frozenset()) and name in tables
