"""Erasure inside the record: the records that it takes, what goes with them, and the erasures there have been.

What is chosen stands in the temporary table `doomed` (in memory) before it goes. A memory that stays and loses the
source its words came from takes the words of another: it stands in `reworded`. While the rows are gone and the disk may
still hold them, an erasure is pending, with the needles to look for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from memory_store import ids
from memory_store.clock import from_text, now, to_text
from memory_store.database import late, tables, tombstones
from memory_store.database.memories import reword
from memory_store.database.outbox import bump_vectors_epoch, mark_segments_of
from memory_store.database.rows import insert_values, read_row
from memory_store.database.tombstones import Name, NameKind, name_of_text
from memory_store.errors import NotFoundError
from memory_store.models import Erasure, Sent

if TYPE_CHECKING:
    from memory_store.verification.needles import Needles

ERASED_TITLE: Final = "(title erased)"
_VECTORS_AT_ONCE: Final = 512
_LINE_WORTH_A_NAME: Final = 16

# The passages of what was chosen.
_PASSAGES: Final = """
CREATE TEMP VIEW IF NOT EXISTS doomed_passages AS SELECT * FROM passages
WHERE document_id IN (SELECT id FROM temp.doomed WHERE kind = 'documents')
OR message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages')
OR memory_id IN (SELECT id FROM temp.doomed WHERE kind = 'memories' UNION ALL SELECT id FROM temp.reworded)
"""
_IDENTIFIERS: Final = "SELECT id FROM temp.doomed UNION ALL SELECT id FROM temp.doomed_passages"
_CITING: Final = (
    "SELECT k.message_id FROM citations AS k JOIN temp.doomed_passages AS p ON p.id = k.passage_id "
    "WHERE k.message_id NOT IN (SELECT id FROM temp.doomed)"
)
_SAYING: Final = (
    "SELECT s.message_id FROM memory_sources AS s WHERE s.message_id IS NOT NULL "
    "AND s.memory_id IN (SELECT id FROM temp.doomed) AND s.message_id NOT IN (SELECT id FROM temp.doomed)"
)
# A summary, and a recipe, may hold words of any message of the conversation it is made from.
_SUMMED_UP: Final = (
    "SELECT id FROM temp.doomed WHERE kind = 'conversations' UNION "
    "SELECT m.conversation_id FROM messages AS m WHERE m.id IN (SELECT id FROM temp.doomed WHERE kind = 'messages')"
)
_NAMES: Final = (
    f"SELECT 'id', id FROM ({_IDENTIFIERS}) "
    "UNION ALL SELECT 'path', path FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'content', content_hash FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', origin FROM conversations WHERE origin IS NOT NULL "
    "AND id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', c.origin || '/' || m.origin FROM messages AS m JOIN conversations AS c "
    "ON c.id = m.conversation_id WHERE m.origin IS NOT NULL AND m.id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'origin', origin FROM memories WHERE origin IS NOT NULL AND id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'text', text FROM messages WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'text', text FROM memories WHERE id IN (SELECT id FROM temp.doomed) "
    "UNION ALL SELECT 'text', text FROM temp.doomed_passages WHERE document_id IS NOT NULL"
)
# A title is the beginning of a message, or what a model called a chat from its answer and the question before it.
_TAKEN_FROM_DOOMED: Final = (
    "title_message_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') OR title_message_id IN "
    "(SELECT id FROM messages WHERE parent_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages'))"
)
# Reworded is what loses a source, while another one stays whose words were kept, and none that stays says its words.
_LOSING: Final = """
INSERT INTO temp.reworded (id, text)
SELECT y.id, (SELECT s.quote FROM memory_sources AS s WHERE s.memory_id = y.id AND s.quote IS NOT NULL
              AND coalesce(s.message_id, s.document_id) NOT IN (SELECT id FROM temp.doomed) LIMIT 1) AS words
FROM memories AS y
WHERE y.id NOT IN (SELECT id FROM temp.doomed)
AND y.id IN (SELECT memory_id FROM memory_sources
             WHERE coalesce(message_id, document_id) IN (SELECT id FROM temp.doomed))
AND words IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM memory_sources AS s LEFT JOIN messages AS m ON m.id = s.message_id
    WHERE s.memory_id = y.id AND coalesce(s.message_id, s.document_id) NOT IN (SELECT id FROM temp.doomed)
    AND (s.document_id IS NOT NULL OR instr(lower(m.text), lower(rtrim(y.text, '.。!！ '))))
)
"""
# A verification that found something left a receipt that says so, and no time of completion.
_UNTRIED: Final = "completed_at IS NULL AND receipt IS NULL"


@dataclass(frozen=True, slots=True)
class PendingErasure:
    """An erasure that is to be completed; `sent` is what left this machine of what it took."""

    id: str
    requested_at: datetime
    counts: dict[str, int]
    needles: Needles
    sent: tuple[Sent, ...]


# -- choosing ----------------------------------------------------------------------------------------------------


def choose(connection: sqlite3.Connection, chosen: Iterable[tuple[str, str]], *, everywhere: bool = False) -> None:
    """Work out all that goes with these records, given as (table, id).

    Messages go with their conversation, a memory with its last source, earlier versions with a memory, cards with the
    passage they rest on, recipes with any message of the chat they were made from; a memory that keeps another source
    takes the words of that. `everywhere` also takes the
    messages that the memories were made from, and the answers that cite what goes.
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
            break
    connection.execute(_LOSING)
    connection.execute(
        "INSERT OR IGNORE INTO temp.doomed SELECT 'cards', id FROM cards "
        "WHERE passage_id IN (SELECT id FROM temp.doomed_passages)"
    )
    connection.execute(
        f"INSERT OR IGNORE INTO temp.doomed SELECT 'recipes', id FROM recipes WHERE conversation_id IN ({_SUMMED_UP})"
    )


def leave_out_private(connection: sqlite3.Connection) -> None:
    """Take what is private out of what was chosen, for a plan that tells nothing of it."""
    for table in ("documents", "messages", "memories", "recipes"):
        connection.execute(f"DELETE FROM temp.doomed WHERE id IN (SELECT id FROM {table} WHERE private = 1)")
    connection.execute(
        "DELETE FROM temp.doomed WHERE id IN (SELECT c.id FROM cards AS c JOIN passages AS p ON p.id = c.passage_id "
        "WHERE p.private = 1)"
    )
    connection.execute("DELETE FROM temp.reworded WHERE id IN (SELECT id FROM memories WHERE private = 1)")


def choose_everything(connection: sqlite3.Connection) -> None:
    """Take every record."""
    _begin(connection)
    for table in tables.ERASABLE:
        connection.execute(f"INSERT INTO temp.doomed SELECT '{table}', id FROM {table}")


def find_made_between(connection: sqlite3.Connection, since: str, until: str) -> list[tuple[str, str]]:
    """Return (table, id) of what came into being in [since, until): messages, memories, cards, recipes, documents.

    A document counts by the time it was imported; a conversation goes when all its messages go.
    """
    rows = connection.execute(
        "SELECT 'messages', id FROM messages WHERE created_at >= :since AND created_at < :until "
        "UNION ALL SELECT 'memories', id FROM memories WHERE recorded_at >= :since AND recorded_at < :until "
        "UNION ALL SELECT 'cards', id FROM cards WHERE made_at >= :since AND made_at < :until "
        "UNION ALL SELECT 'recipes', id FROM recipes WHERE made_at >= :since AND made_at < :until "
        "UNION ALL SELECT 'documents', id FROM documents WHERE imported_at >= :since AND imported_at < :until "
        "UNION ALL SELECT 'conversations', c.id FROM conversations AS c WHERE c.created_at >= :since "
        "AND c.created_at < :until AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id "
        "AND NOT (m.created_at >= :since AND m.created_at < :until))",
        {"since": since, "until": until},
    )
    return [(row[0], row[1]) for row in rows]


def count_chosen(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows of each kind go."""
    found = dict(connection.execute("SELECT kind, count(*) FROM temp.doomed GROUP BY kind").fetchall())
    found["passages"] = connection.execute("SELECT count(*) FROM temp.doomed_passages").fetchone()[0]
    return {table: found[table] for table in tables.COUNTED if found.get(table)}


def titles_of_chosen(connection: sqlite3.Connection, most: int) -> list[str]:
    """Return the names that a person knows the records by, the beginnings of messages and memories among them.

    Cards that go with their source are in none of them.
    """
    rows = connection.execute(
        "SELECT title FROM documents WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT title FROM conversations WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT text FROM memories WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT text FROM messages WHERE id IN (SELECT id FROM temp.doomed) "
        "AND conversation_id NOT IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT name FROM recipes WHERE id IN (SELECT id FROM temp.doomed) "
        "UNION ALL SELECT question FROM cards WHERE id IN (SELECT id FROM temp.doomed) "
        "AND passage_id NOT IN (SELECT id FROM temp.doomed_passages) LIMIT ?",
        (most,),
    )
    return [" ".join(str(row[0]).split())[:80] for row in rows]


def count_staying(connection: sqlite3.Connection) -> dict[str, int]:
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


def names_of_chosen(connection: sqlite3.Connection) -> list[Name]:
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


def find_sent(connection: sqlite3.Connection) -> list[Sent]:
    """Return what left this machine, by endpoint."""
    rows = connection.execute(
        "SELECT r.endpoint, r.model, r.purpose, min(r.sent_at) AS first, max(r.sent_at) AS last, "
        "count(DISTINCT i.item_id) AS items "
        "FROM request_items AS i JOIN requests AS r ON r.id = i.request_id "
        f"WHERE i.item_id IN ({_IDENTIFIERS}) "
        "GROUP BY r.endpoint, r.model, r.purpose ORDER BY r.endpoint, r.model, r.purpose"
    )
    return [read_row(Sent, row) for row in rows]


def make_needles(connection: sqlite3.Connection, secret: bytes) -> Needles:
    """Return what a scan has to look for once the doomed are gone."""
    from memory_store.verification.needles import NeedleBuilder, ScanKey

    size = connection.execute(
        "SELECT sum(length(CAST(text AS BLOB)) + coalesce(length(CAST(search_text AS BLOB)), 0)) "
        "FROM temp.doomed_passages"
    ).fetchone()[0]
    builder = NeedleBuilder(ScanKey(secret), size or 0)
    for row in connection.execute(_IDENTIFIERS):
        builder.identifier(row[0])
    for text in dict.fromkeys(_texts(connection)):  # a heading stands around many passages
        builder.text(text)
    cursor = connection.execute(
        "SELECT e.vector FROM embeddings AS e JOIN temp.doomed_passages AS p ON p.row = e.passage_row"
    )
    while rows := cursor.fetchmany(_VECTORS_AT_ONCE):
        builder.vectors([row[0] for row in rows], len(rows[0][0]) // 4)
    return builder.build()


def _texts(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield every text that goes, in every form it was stored in."""
    going = {
        "passages": "row IN (SELECT row FROM temp.doomed_passages)",
        "summaries": f"conversation_id IN ({_SUMMED_UP})",
        "conversations": f"id IN (SELECT id FROM temp.doomed) OR {_TAKEN_FROM_DOOMED}",
        "late_requests": "message_id IN (SELECT id FROM temp.doomed)",
    }
    queries = ["SELECT text FROM memories WHERE id IN (SELECT id FROM temp.reworded)"]
    for table in tables.TABLES:
        owners = ("id",) if table.name in tables.ERASABLE else table.references("CASCADE")
        goes = " OR ".join(f"{owner} IN (SELECT id FROM temp.doomed)" for owner in owners)
        if table.words:
            queries.append(f"SELECT {', '.join(table.words)} FROM {table.name} WHERE {going.get(table.name, goes)}")
    for query in queries:
        for row in connection.execute(query):
            yield from (value for value in row if value)


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (kind TEXT, id TEXT PRIMARY KEY)")
    connection.execute("DELETE FROM temp.doomed")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS reworded (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
    connection.execute("DELETE FROM temp.reworded")
    connection.execute(_PASSAGES)


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
    connection.execute(  # an answer that is still to come has nothing to come to
        "INSERT OR IGNORE INTO temp.doomed SELECT 'messages', m.id FROM messages AS m JOIN late_requests AS r "
        "ON r.message_id = m.id WHERE m.status = 'pending' AND m.parent_id IN (SELECT id FROM temp.doomed)"
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


# -- deleting ----------------------------------------------------------------------------------------------------


def table_to_erase(identifier: str) -> str:
    """Return the table that an id belongs to. Raises NotFoundError for what can't be erased by itself."""
    table = tables.table_of(identifier)
    if table not in tables.ERASABLE:
        raise NotFoundError(f"{identifier} is not the id of anything that can be erased.", "The lists show the ids.")
    return table


def delete_chosen(connection: sqlite3.Connection, *, bury: bool, deferred: bool = False) -> str:
    """Delete what was chosen and record an erasure that is still to be completed; return its id.

    `bury` leaves tombstones, and notes what left this machine for the receipt. The answers to an erased message move
    up to its parent.
    """
    erasure_id = ids.new_id(ids.ERASURE)
    needles = make_needles(connection, tombstones.secret(connection))
    insert_values(
        connection,
        "erasures",
        {
            "id": erasure_id,
            "requested_at": to_text(now()),
            "counts": json.dumps(count_chosen(connection), sort_keys=True),
            "deferred": deferred,
            "needles": needles.to_bytes(),
            "notes": json.dumps([astuple(sent) for sent in find_sent(connection)] if bury else [], default=to_text),
        },
    )
    if bury:
        tombstones.bury(connection, names_of_chosen(connection), erasure_id)
    mark_segments_of(connection, "passage_row IN (SELECT row FROM temp.doomed_passages)")
    connection.execute(
        f"UPDATE conversations SET title = ?, title_message_id = NULL WHERE {_TAKEN_FROM_DOOMED}", (ERASED_TITLE,)
    )
    connection.execute(f"DELETE FROM summaries WHERE conversation_id IN ({_SUMMED_UP})")
    _lift_children(connection)
    connection.execute(f"DELETE FROM request_items WHERE item_id IN ({_IDENTIFIERS})")
    connection.execute(
        "DELETE FROM requests WHERE purpose != 'query' AND id NOT IN (SELECT request_id FROM request_items)"
    )
    late.let_go(connection, "message_id IN (SELECT id FROM temp.doomed)")
    reworded = connection.execute("SELECT id, text FROM temp.reworded").fetchall()
    for table in ("cards", "recipes", "memories", "messages", "conversations", "documents"):
        connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT id FROM temp.doomed WHERE kind = ?)", (table,))
    connection.execute("DELETE FROM temp.doomed")
    for memory_id, text in reworded:
        reword(connection, memory_id, text)
    if not count_everything(connection):  # nothing is left that these could belong to
        connection.execute("DELETE FROM drafts")
        connection.execute("DELETE FROM requests")
        connection.execute("DELETE FROM approvals")
    bump_vectors_epoch(connection)
    return erasure_id


def _lift_children(connection: sqlite3.Connection) -> None:
    """Hang the children of erased messages on the nearest ancestor that stays."""
    while True:
        moved = connection.execute(
            "UPDATE messages SET parent_id = (SELECT up.parent_id FROM messages AS up "
            "WHERE up.id = messages.parent_id) "
            "WHERE parent_id IN (SELECT id FROM temp.doomed WHERE kind = 'messages') "
            "AND id NOT IN (SELECT id FROM temp.doomed WHERE kind = 'messages')"
        ).rowcount
        if not moved:
            return


def count_everything(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows of each kind there are."""
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables.COUNTED}
    return {table: count for table, count in counts.items() if count}


def get(connection: sqlite3.Connection, erasure_id: str) -> Erasure:
    """Return one erasure. Raises NotFoundError."""
    row = connection.execute("SELECT * FROM erasures WHERE id = ?", (erasure_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no erasure {erasure_id}.", "The list of receipts shows the ids.")
    return read_row(Erasure, row)


def get_all(connection: sqlite3.Connection) -> list[Erasure]:
    """Return all erasures, the latest first."""
    rows = connection.execute("SELECT * FROM erasures ORDER BY requested_at DESC, id")
    return [read_row(Erasure, row) for row in rows]


def forget_traces(connection: sqlite3.Connection, key: str, *, spent: bool) -> None:
    """Delete every receipt and tombstone and take a new key: nothing says any more that something was erased.

    A batch that was handed in for an erased question is not taken back then, and what it brings not collected.

    `spent` deletes what requests took, too: nothing says that there was anything.
    """
    connection.execute("DELETE FROM erasures")
    connection.execute("DELETE FROM tombstones")
    connection.execute("DELETE FROM foreign_tombstones")
    connection.execute("DELETE FROM late_requests WHERE message_id IS NULL")
    if spent:
        connection.execute("DELETE FROM ledger")
    connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (key,))


def find_by_names(connection: sqlite3.Connection, names: Iterable[tombstones.Name]) -> list[Erasure]:
    """Return the erasures that took something of one of these names."""
    return [get(connection, erasure_id) for erasure_id in tombstones.find_erasures(connection, names)]


# -- completing --------------------------------------------------------------------------------------------------


def count_incomplete(connection: sqlite3.Connection) -> int:
    """Return how many erasures are not complete: waiting, put off, or tried and not verified."""
    return int(connection.execute("SELECT count(*) FROM erasures WHERE completed_at IS NULL").fetchone()[0])


def find_awaited(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of the erasures that somebody waits for: neither put off, nor tried and failed."""
    rows = connection.execute(f"SELECT id FROM erasures WHERE {_UNTRIED} AND deferred = 0 ORDER BY requested_at, id")
    return [str(row[0]) for row in rows]


def find_untried(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of all that `find_pending` returns."""
    return [str(row[0]) for row in connection.execute(f"SELECT id FROM erasures WHERE {_UNTRIED}")]


def find_pending(connection: sqlite3.Connection) -> list[PendingErasure]:
    """Return what the next completion takes, oldest first: all but those that were tried and failed."""
    from memory_store.verification.needles import Needles

    rows = connection.execute(f"SELECT * FROM erasures WHERE {_UNTRIED} ORDER BY requested_at, id").fetchall()
    return [
        PendingErasure(
            row["id"],
            from_text(row["requested_at"]),
            json.loads(row["counts"]),
            Needles.from_bytes(row["needles"]),
            tuple(
                Sent(endpoint, model, purpose, from_text(first), from_text(last), items)
                for endpoint, model, purpose, first, last, items in json.loads(row["notes"] or "[]")
            ),
        )
        for row in rows
    ]


def needles_of(connection: sqlite3.Connection, erasures: Iterable[str]) -> dict[str, Needles]:
    """Return what to look for after each of these erasures."""
    from memory_store.verification.needles import Needles

    found = {}
    for identifier in erasures:
        row = connection.execute("SELECT needles FROM erasures WHERE id = ?", (identifier,)).fetchone()
        found[identifier] = Needles.from_bytes(row[0])
    return found


def find_failed(connection: sqlite3.Connection, erasures: Sequence[str]) -> list[str]:
    """Return which of these erasures were tried and could not be verified."""
    rows = connection.execute("SELECT id FROM erasures WHERE completed_at IS NULL AND receipt IS NOT NULL")
    failed = {str(row[0]) for row in rows}
    return [erasure for erasure in erasures if erasure in failed]


def retry_all(connection: sqlite3.Connection) -> None:
    """Have those that were put off, and those that could not be verified, tried like any other."""
    connection.execute("UPDATE erasures SET receipt = NULL, deferred = 0 WHERE completed_at IS NULL")


def settle(connection: sqlite3.Connection, erasure_id: str, receipt: str, completed_at: str | None) -> None:
    """Record how an erasure ended. With a time nothing of it is left on the disk, and its needles go too."""
    connection.execute(
        "UPDATE erasures SET completed_at = ?, receipt = ?, needles = CASE WHEN ? IS NULL THEN needles END "
        "WHERE id = ?",
        (completed_at, receipt, completed_at, erasure_id),
    )
