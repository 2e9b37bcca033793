"""Reads the SQLite databases of oterm and llm: read only, where they lie, with nothing in them executed."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import quote

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Node, Said, Skipped, Thread, Torn
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.values import digest, mapping, moment, one_line, sequence, text
from memory_store.models import Role

# SQLite calls back every so many steps of its machine; a damaged file can send it round and round.
_STEPS = 100_000
_MOST_CALLS = 50_000
_MAX_VALUE_BYTES = 50_000_000
_ALLOWED = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ))
_HINT = "Close the program that it belongs to, and import it again."
# "me" is what oterm wrote before version 0.5.
_USER = ("user", "me")
_RESPONSES = ("id", "model", "prompt", "response", "conversation_id", "datetime_utc")
# A chain of messages longer than this is a circle.
_MOST_MESSAGES = 100_000
_Tables = dict[str, frozenset[str]]


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
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


def find_unwritten(path: Path) -> Iterator[Torn]:
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


class _DatabaseFormat:
    """What a program keeps in tables of SQLite: `fits` knows them by their columns, `conversations` reads them."""

    def __init__(
        self,
        key: str,
        name: str,
        fits: Callable[[_Tables], bool],
        conversations: Callable[[sqlite3.Connection, datetime], Iterator[ImportedConversation]],
    ) -> None:
        self.key = key
        self.name = name
        self._fits = fits
        self._conversations = conversations

    def recognises(self, export: Export) -> bool:
        if export.database is None:
            return False
        with open_database(export.database) as connection:
            return self._fits(columns(connection))

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations in their order, up to where the file is damaged."""
        assert export.database is not None
        yield from find_unwritten(export.database)
        number = 0
        try:
            with open_database(export.database) as connection:
                for conversation in self._conversations(connection, export.modified_at):
                    number += 1
                    yield conversation
        except ReadError as error:
            yield Torn(number + 1, "", error.message, error.hint)


def _is_of_oterm(tables: _Tables) -> bool:
    return has(tables, "chat", "id", "name", "model") and has(tables, "message", "id", "chat_id", "author", "text")


def _of_oterm(connection: sqlite3.Connection, modified_at: datetime) -> Iterator[ImportedConversation]:
    """Yield the chats of oterm. It holds no times: those of the file stand in for them."""
    for chat in connection.execute("SELECT id, name, model FROM chat ORDER BY id").fetchall():
        thread = Thread()
        model = one_line(chat["model"], "a model")
        rows = connection.execute("SELECT id, author, text FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],))
        for row in rows:
            role = Role.USER if text(row["author"]).lower() in _USER else Role.ASSISTANT
            thread.add(str(row["id"]), thread.said(role, text(row["text"]), model, modified_at))
        with suppress(ReadError):  # oterm keeps a chat that was opened and never used.
            messages = thread.messages(modified_at, modified_at)
            # Chats are numbered from 1 in every database, so the number alone would mix those of two machines.
            yield thread.conversation(f"oterm:{chat['id']}-{digest(messages[0].text)}", chat["name"], messages)


def _is_of_llm(tables: _Tables) -> bool:
    return has(tables, "responses", *_RESPONSES) or _has_threads(tables)


def _of_llm(connection: sqlite3.Connection, modified_at: datetime) -> Iterator[ImportedConversation]:
    """Yield the conversations of llm's older tables, then the threads of the newer: its migrations 10 to 27."""
    tables = columns(connection)
    if has(tables, "responses", *_RESPONSES):
        yield from _conversations(connection, modified_at, named=has(tables, "conversations", "id", "name"))
    if _has_threads(tables):
        yield from _threads(connection, modified_at)


def _has_threads(tables: _Tables) -> bool:
    return (
        has(tables, "threads", "id", "name", "tip_message_hash")
        and has(tables, "turns", "id", "thread_id", "tip_message_hash", "model", "datetime_utc")
        and has(tables, "messages", "hash", "parent_hash", "role")
        and has(tables, "parts", "message_hash", "position", "type", "text", "payload")
        and has(tables, "fragments", "id", "content")
    )


def _conversations(
    connection: sqlite3.Connection, otherwise: datetime, *, named: bool
) -> Iterator[ImportedConversation]:
    rows = connection.execute(
        f"SELECT {', '.join(_RESPONSES)} FROM responses ORDER BY coalesce(conversation_id, id), datetime_utc, id"
    )
    for identity, group in groupby(rows, key=lambda row: str(row["conversation_id"] or row["id"])):
        thread = Thread()
        for row in group:
            when, model = moment(row["datetime_utc"]), one_line(row["model"], "a model")
            for part, role in (("prompt", Role.USER), ("response", Role.ASSISTANT)):
                thread.add(f"{row['id']}/{part}", thread.said(role, text(row[part]), model, when))
        name: object = None
        if named:
            found = connection.execute("SELECT name FROM conversations WHERE id = ?", (identity,)).fetchone()
            name = found["name"] if found else None
        yield from _finish(identity, name, thread, otherwise)


def _threads(connection: sqlite3.Connection, otherwise: datetime) -> Iterator[ImportedConversation]:
    for row in connection.execute("SELECT id, name, tip_message_hash FROM threads ORDER BY id"):
        thread = Thread()
        turns = connection.execute(
            "SELECT tip_message_hash, model, datetime_utc FROM turns WHERE thread_id = ? ORDER BY datetime_utc, id",
            (row["id"],),
        ).fetchall()
        known: set[str] = set()
        for turn in turns:
            model = one_line(turn["model"], "a model")
            _climb(connection, turn["tip_message_hash"], model, moment(turn["datetime_utc"]), thread, known)
        yield from _finish(str(row["id"]), row["name"], thread, otherwise, row["tip_message_hash"])


def _climb(
    connection: sqlite3.Connection, tip: object, model: str, when: datetime | None, thread: Thread, known: set[str]
) -> None:
    """Add the messages from a turn's last one up to the first that is `known` to be there already."""
    at = tip
    while isinstance(at, str) and at not in known and len(known) < _MOST_MESSAGES:
        row = connection.execute("SELECT parent_hash, role FROM messages WHERE hash = ?", (at,)).fetchone()
        if row is None:
            return
        role = text(row["role"])
        said: Said | None = None
        if role in ("user", "assistant"):
            said = thread.said(Role(role), _parts(connection, at, thread.skipped), model, when)
        else:
            thread.skipped[Skipped.TOOL if role == "tool" else Skipped.SYSTEM] += 1
        thread.nodes.append(Node(at, row["parent_hash"] if isinstance(row["parent_hash"], str) else None, said))
        known.add(at)
        at = row["parent_hash"]


def _parts(connection: sqlite3.Connection, message: str, skipped: Counter[Skipped]) -> str:
    pieces = []
    rows = connection.execute(
        "SELECT type, text, payload FROM parts WHERE message_hash = ? ORDER BY position", (message,)
    ).fetchall()
    for row in rows:
        kind = text(row["type"])
        if kind == "text":
            pieces.append(text(row["text"]) or _join_fragments(connection, text(row["payload"])))
        elif kind != "attachment":
            skipped[Skipped.THINKING if kind == "reasoning" else Skipped.TOOL] += 1
    return "\n\n".join(piece for piece in pieces if piece.strip())


def _join_fragments(connection: sqlite3.Connection, payload: str) -> str:
    """Return a text that is put together from literal pieces and fragments stored once."""
    try:
        outer = mapping(json.loads(payload)) if payload else {}
    except (ValueError, RecursionError):
        return ""  # A part whose structure is broken says nothing; the others do.
    pieces = [text(outer.get("text"))]
    for entry in map(mapping, sequence(outer.get("text_ref"))):
        pieces.append(text(entry.get("literal")))
        number = entry.get("fragment")
        if isinstance(number, int) and abs(number) < 2**62:
            found = connection.execute("SELECT content FROM fragments WHERE id = ?", (number,)).fetchone()
            pieces.append(text(found["content"]) if found else "")
    return "".join(pieces)


def _finish(
    identity: str, name: object, thread: Thread, otherwise: datetime, tip: object = None
) -> Iterator[ImportedConversation]:
    with suppress(ReadError):  # One in which nothing was said.
        messages = thread.messages(None, otherwise)
        current = tip if isinstance(tip, str) else None
        yield thread.conversation(f"llm:{identity}", name, messages, current=current)


OTERM: Final = _DatabaseFormat("oterm", "oterm", _is_of_oterm, _of_oterm)
LLM: Final = _DatabaseFormat("llm", "llm", _is_of_llm, _of_llm)
