"""Reads the SQLite databases of oterm and llm: read only, where they lie, with nothing in them executed."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import (
    Imported,
    ImportedConversation,
    Node,
    Said,
    Skipped,
    Torn,
    link,
    visible_end,
)
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.values import (
    digest,
    mapping,
    moment,
    one_line,
    sequence,
    text,
    title_from,
    without_thinking,
)
from memory_store.models import USER, Author, AuthorKind, Role

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


class OtermFormat:
    """The database of oterm. It holds no times: those of the file stand in for them."""

    key = "oterm"
    name = "oterm"

    def recognises(self, export: Export) -> bool:
        """Return whether the database has oterm's tables."""
        if export.database is None:
            return False
        with opened_database(export.database) as connection:
            tables = columns(connection)
        return has(tables, "chat", "id", "name", "model") and has(tables, "message", "id", "chat_id", "author", "text")

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the chats in their order."""
        assert export.database is not None
        yield from unwritten(export.database)
        number = 0
        try:
            with opened_database(export.database) as connection:
                chats = connection.execute("SELECT id, name, model FROM chat ORDER BY id").fetchall()
                for chat in chats:
                    number += 1
                    conversation = _chat(connection, chat, export.modified_at)
                    if conversation is not None:
                        yield conversation
        except ReadError as error:
            yield Torn(number + 1, "", error.message, error.hint)


def _chat(connection: sqlite3.Connection, chat: sqlite3.Row, moment: datetime) -> ImportedConversation | None:
    model = Author(AuthorKind.MODEL, one_line(chat["model"], "a model"))
    skipped: Counter[Skipped] = Counter()
    nodes: list[Node] = []
    rows = connection.execute("SELECT id, author, text FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],))
    for row in rows:
        is_user = text(row["author"]).lower() in _USER
        words, thought = text(row["text"]).strip(), False
        if not is_user:
            words, thought = without_thinking(words)
        skipped.update([Skipped.THINKING] if thought else [])
        said: Said | None = None
        if words:
            said = Said(Role.USER if is_user else Role.ASSISTANT, words, USER if is_user else model, moment)
        else:
            skipped[Skipped.EMPTY] += 1
        nodes.append(Node(str(row["id"]), nodes[-1].key if nodes else None, said))
    messages = link(nodes, moment)
    if not messages:
        return None  # oterm keeps a chat that was opened and never used.
    # Chats are numbered from 1 in every database, so the number alone would mix those of two machines.
    identity = f"{chat['id']}-{digest(messages[0].text)}"
    title = title_from(chat["name"], messages[0].text)
    return ImportedConversation(f"oterm:{identity}", title, moment, moment, messages, messages[-1].origin, skipped)


class LlmFormat:
    """`logs.db` of llm. What is read is the tables of its migrations 10 to 27."""

    key = "llm"
    name = "llm"

    def recognises(self, export: Export) -> bool:
        """Return whether the database has llm's tables."""
        if export.database is None:
            return False
        with opened_database(export.database) as connection:
            tables = columns(connection)
        return has(tables, "responses", *_RESPONSES) or _has_threads(tables)

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations of the older tables, then the threads of the newer."""
        assert export.database is not None
        yield from unwritten(export.database)
        number = 0
        try:
            with opened_database(export.database) as connection:
                tables = columns(connection)
                if has(tables, "responses", *_RESPONSES):
                    named = has(tables, "conversations", "id", "name")
                    for conversation in _conversations(connection, export.modified_at, named=named):
                        number += 1
                        yield conversation
                if _has_threads(tables):
                    for thread in _threads(connection, export.modified_at):
                        number += 1
                        yield thread
        except ReadError as error:
            yield Torn(number + 1, "", error.message, error.hint)


def _has_threads(tables: dict[str, frozenset[str]]) -> bool:
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
        nodes: list[Node] = []
        skipped: Counter[Skipped] = Counter()
        for row in group:
            when = _moment(row["datetime_utc"])
            for part, words, said_by in (("prompt", row["prompt"], USER), ("response", row["response"], None)):
                author = said_by or Author(AuthorKind.MODEL, one_line(row["model"], "a model"))
                said = _said(Role.USER if said_by else Role.ASSISTANT, text(words), author, when, skipped)
                nodes.append(Node(f"{row['id']}/{part}", nodes[-1].key if nodes else None, said))
        name: object = None
        if named:
            found = connection.execute("SELECT name FROM conversations WHERE id = ?", (identity,)).fetchone()
            name = found["name"] if found else None
        yield from _finished(identity, name, nodes, None, skipped, otherwise)


def _threads(connection: sqlite3.Connection, otherwise: datetime) -> Iterator[ImportedConversation]:
    for thread in connection.execute("SELECT id, name, tip_message_hash FROM threads ORDER BY id"):
        nodes: dict[str, Node] = {}
        skipped: Counter[Skipped] = Counter()
        turns = connection.execute(
            "SELECT tip_message_hash, model, datetime_utc FROM turns WHERE thread_id = ? ORDER BY datetime_utc, id",
            (thread["id"],),
        ).fetchall()
        for turn in turns:
            author = Author(AuthorKind.MODEL, one_line(turn["model"], "a model"))
            _climb(connection, turn["tip_message_hash"], author, _moment(turn["datetime_utc"]), nodes, skipped)
        tip = thread["tip_message_hash"]
        yield from _finished(str(thread["id"]), thread["name"], list(nodes.values()), tip, skipped, otherwise)


def _climb(
    connection: sqlite3.Connection,
    tip: object,
    author: Author,
    when: datetime | None,
    nodes: dict[str, Node],
    skipped: Counter[Skipped],
) -> None:
    """Add the messages from a turn's last one up to the first that is there already."""
    at = tip
    while isinstance(at, str) and at not in nodes and len(nodes) < _MOST_MESSAGES:
        row = connection.execute("SELECT parent_hash, role FROM messages WHERE hash = ?", (at,)).fetchone()
        if row is None:
            return
        role = text(row["role"])
        said: Said | None = None
        if role in ("user", "assistant"):
            words = _parts(connection, at, skipped)
            is_user = role == "user"
            said = _said(Role.USER if is_user else Role.ASSISTANT, words, USER if is_user else author, when, skipped)
        else:
            skipped[Skipped.TOOL if role == "tool" else Skipped.SYSTEM] += 1
        nodes[at] = Node(at, row["parent_hash"] if isinstance(row["parent_hash"], str) else None, said)
        at = row["parent_hash"]


def _parts(connection: sqlite3.Connection, message: str, skipped: Counter[Skipped]) -> str:
    pieces = []
    rows = connection.execute(
        "SELECT type, text, payload FROM parts WHERE message_hash = ? ORDER BY position", (message,)
    ).fetchall()
    for row in rows:
        kind = text(row["type"])
        if kind == "text":
            pieces.append(text(row["text"]) or _borrowed(connection, text(row["payload"])))
        elif kind != "attachment":
            skipped[Skipped.THINKING if kind == "reasoning" else Skipped.TOOL] += 1
    return "\n\n".join(piece for piece in pieces if piece.strip())


def _borrowed(connection: sqlite3.Connection, payload: str) -> str:
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


def _said(role: Role, words: str, author: Author, when: datetime | None, skipped: Counter[Skipped]) -> Said | None:
    words, thought = without_thinking(words.strip()) if role is Role.ASSISTANT else (words.strip(), False)
    skipped.update([Skipped.THINKING] if thought else [])
    if not words:
        skipped[Skipped.EMPTY] += 1
        return None
    return Said(role, words, author, when)


def _finished(
    identity: str, name: object, nodes: list[Node], tip: object, skipped: Counter[Skipped], otherwise: datetime
) -> Iterator[ImportedConversation]:
    known = [node.said.created_at for node in nodes if node.said and node.said.created_at]
    messages = link(nodes, min(known, default=otherwise))
    if messages:
        times = [message.created_at for message in messages]
        current = visible_end(nodes, tip if isinstance(tip, str) else None, messages)
        title = title_from(name, messages[0].text)
        yield ImportedConversation(f"llm:{identity}", title, min(times), max(times), messages, current, skipped)


def _moment(value: object) -> datetime | None:
    found = moment(value)
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
