"""The doomed: the set of records that an erasure takes, worked out in a temporary table (in memory) before it runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from memory_store.database import rewording, tables
from memory_store.database.titles import TAKEN_FROM_DOOMED
from memory_store.database.tombstones import Name, NameKind, name_of_text

if TYPE_CHECKING:
    from memory_store.verification.needles import Needles

_VECTORS_AT_ONCE: Final = 512
_LINE_WORTH_A_NAME: Final = 16

PASSAGE: Final = (
    "(p.document_id IN (SELECT id FROM temp.doomed WHERE kind = 'documents') "
    "OR p.message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') "
    "OR p.memory_id IN (SELECT id FROM temp.doomed WHERE kind = 'memories') "
    "OR p.memory_id IN (SELECT id FROM temp.reworded))"
)
_CITING: Final = (
    "SELECT k.message_id FROM citations AS k JOIN passages AS p ON p.id = k.passage_id "
    f"WHERE {PASSAGE} AND k.message_id NOT IN (SELECT id FROM temp.doomed)"
)
_SAYING: Final = (
    "SELECT s.message_id FROM memory_sources AS s WHERE s.message_id IS NOT NULL "
    "AND s.memory_id IN (SELECT id FROM temp.doomed) AND s.message_id NOT IN (SELECT id FROM temp.doomed)"
)
# A summary may hold words of any message of its conversation.
SUMMED_UP: Final = (
    "SELECT id FROM temp.doomed WHERE kind = 'conversations' UNION "
    "SELECT m.conversation_id FROM messages AS m WHERE m.id IN (SELECT id FROM temp.doomed WHERE kind = 'messages')"
)
_NAMES: Final = (
    "SELECT 'id', id FROM temp.doomed "
    f"UNION ALL SELECT 'id', p.id FROM passages AS p WHERE {PASSAGE} "
    "UNION ALL SELECT 'path', path FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'content', content_hash FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', origin FROM conversations WHERE origin IS NOT NULL "
    "AND id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', c.origin || '/' || m.origin FROM messages AS m JOIN conversations AS c "
    "ON c.id = m.conversation_id WHERE m.origin IS NOT NULL AND m.id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', origin FROM memories WHERE origin IS NOT NULL AND id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'text', text FROM messages WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'text', text FROM memories WHERE id IN (SELECT id FROM temp.doomed) "
    f"UNION ALL SELECT 'text', p.text FROM passages AS p WHERE p.document_id IS NOT NULL AND {PASSAGE}"
)


def choose(connection: sqlite3.Connection, chosen: Iterable[tuple[str, str]], *, everywhere: bool = False) -> None:
    """Work out all that goes with these records, given as (table, id).

    Messages go with their conversation, a memory with its last source, earlier versions with a memory; one that keeps
    another source takes the words of that. `everywhere` also takes the messages that the memories were made from, and
    the answers that cite what goes.
    """
    _begin(connection)
    connection.executemany("INSERT OR IGNORE INTO temp.doomed VALUES (?, ?)", chosen)
    while True:
        before = _size(connection)
        _spread(connection)
        if everywhere:
            for query in (_CITING, _SAYING):
                connection.execute(f"INSERT OR IGNORE INTO temp.doomed SELECT 'messages', message_id FROM ({query})")
        if _size(connection) == before:
            rewording.choose(connection)
            return


def choose_everything(connection: sqlite3.Connection) -> None:
    """Take every record."""
    _begin(connection)
    for table in tables.ERASABLE:
        connection.execute(f"INSERT INTO temp.doomed SELECT '{table}', id FROM {table}")


def made_between(connection: sqlite3.Connection, since: str, until: str) -> list[tuple[str, str]]:
    """Return (table, id) of the messages, memories and documents that came into being in [since, until).

    A document counts by the time it was imported; a conversation goes when all its messages go.
    """
    rows = connection.execute(
        "SELECT 'messages', id FROM messages WHERE created_at >= :since AND created_at < :until "
        "UNION ALL SELECT 'memories', id FROM memories WHERE recorded_at >= :since AND recorded_at < :until "
        "UNION ALL SELECT 'documents', id FROM documents WHERE imported_at >= :since AND imported_at < :until "
        "UNION ALL SELECT 'conversations', c.id FROM conversations AS c WHERE c.created_at >= :since "
        "AND c.created_at < :until AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id "
        "AND NOT (m.created_at >= :since AND m.created_at < :until))",
        {"since": since, "until": until},
    )
    return [(row[0], row[1]) for row in rows]


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows of each kind go."""
    found = dict(connection.execute("SELECT kind, count(*) FROM temp.doomed GROUP BY kind").fetchall())
    found["passages"] = connection.execute(f"SELECT count(*) FROM passages AS p WHERE {PASSAGE}").fetchone()[0]
    return {table: found[table] for table in tables.COUNTED if found.get(table)}


def titles(connection: sqlite3.Connection, most: int) -> list[str]:
    """Return the names that a person knows the records by, the beginnings of messages and memories among them."""
    rows = connection.execute(
        "SELECT title FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT title FROM conversations WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT text FROM memories WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT text FROM messages WHERE id IN (SELECT id FROM temp.doomed) "
        "AND conversation_id NOT IN (SELECT id FROM temp.doomed) LIMIT ?",
        (most,),
    )
    return [" ".join(str(row[0]).split())[:80] for row in rows]


def staying(connection: sqlite3.Connection) -> dict[str, int]:
    """Return what repeats the doomed and stays: answers that cite it, messages it was taken from, lost sources."""
    lost = connection.execute(
        "SELECT count(DISTINCT memory_id) FROM memory_sources WHERE coalesce(message_id, document_id) "
        "IN (SELECT id FROM temp.doomed) AND memory_id NOT IN (SELECT id FROM temp.doomed)"
    ).fetchone()[0]
    found = {
        "answers that cite it": _count(connection, _CITING),
        "messages it was taken from": _count(connection, _SAYING),
        "memories that have another source": lost,
    }
    return {name: count for name, count in found.items() if count}


def names(connection: sqlite3.Connection) -> list[Name]:
    """Return every name by which something of the doomed could be known again."""
    rows = connection.execute(_NAMES).fetchall()
    found: list[Name] = []
    for kind, value in rows:
        if kind == "text":
            # Whole, and line by line, so that a sentence can be asked for; a short line would say too much by its hash.
            lines = [line for line in value.splitlines() if len(line) >= _LINE_WORTH_A_NAME]
            found += [name_of_text(text) for text in dict.fromkeys((value, *lines))]
        else:
            found.append(Name(NameKind(kind), value))
    return found


def sent(connection: sqlite3.Connection) -> list[tuple[str, str, str, str, str, int]]:
    """Return what left this machine: (endpoint, model, purpose, first time, last time, items), by endpoint."""
    rows = connection.execute(
        "SELECT r.endpoint, r.model, r.purpose, min(r.sent_at), max(r.sent_at), count(DISTINCT i.item_id) "
        "FROM request_items AS i JOIN requests AS r ON r.id = i.request_id "
        "WHERE i.item_id IN (SELECT id FROM temp.doomed) "
        f"OR i.item_id IN (SELECT p.id FROM passages AS p WHERE {PASSAGE}) "
        "GROUP BY r.endpoint, r.model, r.purpose ORDER BY r.endpoint, r.model, r.purpose"
    )
    return [tuple(row) for row in rows]


def mark_segments_stale(connection: sqlite3.Connection) -> None:
    """Record that the index segments that hold vectors of the doomed need new generations."""
    connection.execute(
        "UPDATE index_segments SET state = 'stale' WHERE id IN (SELECT e.segment_id FROM embeddings AS e "
        f"JOIN passages AS p ON p.row = e.passage_row WHERE {PASSAGE})"
    )


def needles(connection: sqlite3.Connection, secret: bytes) -> Needles:
    """Return what a scan has to look for once the doomed are gone."""
    from memory_store.verification.needles import NeedleBuilder, ScanKey

    size = connection.execute(
        "SELECT sum(length(CAST(text AS BLOB)) + coalesce(length(CAST(search_text AS BLOB)), 0)) "
        f"FROM passages AS p WHERE {PASSAGE}"
    ).fetchone()[0]
    builder = NeedleBuilder(ScanKey(secret), size or 0)
    for identifier in _identifiers(connection):
        builder.identifier(identifier)
    for text in dict.fromkeys(_texts(connection)):  # a heading stands around many passages
        builder.text(text)
    cursor = connection.execute(
        f"SELECT e.vector FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row WHERE {PASSAGE}"
    )
    while rows := cursor.fetchmany(_VECTORS_AT_ONCE):
        builder.vectors([row[0] for row in rows], len(rows[0][0]) // 4)
    return builder.build()


def _identifiers(connection: sqlite3.Connection) -> Iterator[str]:
    yield from (row[0] for row in connection.execute("SELECT id FROM temp.doomed"))
    yield from (row[0] for row in connection.execute(f"SELECT p.id FROM passages AS p WHERE {PASSAGE}"))


def _texts(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield every text that goes, in every form it was stored in."""
    going = {
        "passages": PASSAGE,
        "summaries": f"conversation_id IN ({SUMMED_UP})",
        "conversations": f"id IN (SELECT id FROM temp.doomed) OR {TAKEN_FROM_DOOMED}",
    }
    queries = ["SELECT text FROM memories WHERE id IN (SELECT id FROM temp.reworded)"]
    for table in tables.TABLES:
        owners = ("id",) if table.name in tables.ERASABLE else table.references("CASCADE")
        goes = " OR ".join(f"{owner} IN (SELECT id FROM temp.doomed)" for owner in owners)
        if table.words:
            queries.append(
                f"SELECT {', '.join(table.words)} FROM {table.name} AS p WHERE {going.get(table.name, goes)}"
            )
    for query in queries:
        for row in connection.execute(query):
            yield from (value for value in row if value)


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (kind TEXT, id TEXT PRIMARY KEY)")
    connection.execute("DELETE FROM temp.doomed")
    rewording.begin(connection)


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM temp.doomed").fetchone()[0])


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(f"SELECT count(DISTINCT message_id) FROM ({query})").fetchone()[0])


def _spread(connection: sqlite3.Connection) -> None:
    """Add what follows from the chosen: the messages of conversations, captured memories, superseded versions."""
    connection.execute(
        "INSERT OR IGNORE INTO temp.doomed SELECT 'messages', id FROM messages WHERE conversation_id IN "
        "(SELECT id FROM temp.doomed WHERE kind = 'conversations')"
    )
    connection.execute(
        "INSERT OR IGNORE INTO temp.doomed SELECT 'memories', memory_id FROM memory_sources GROUP BY memory_id "
        "HAVING min(coalesce(message_id, document_id) IN (SELECT id FROM temp.doomed))"
    )
    connection.execute(
        "WITH RECURSIVE earlier (id) AS (SELECT id FROM temp.doomed WHERE kind = 'memories' "
        "UNION SELECT m.id FROM memories AS m JOIN earlier ON m.superseded_by = earlier.id) "
        "INSERT OR IGNORE INTO temp.doomed SELECT 'memories', id FROM earlier"
    )
