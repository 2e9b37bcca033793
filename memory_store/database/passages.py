"""Passages in the record: written with their source, read back with everything a hit shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from memory_store import ids
from memory_store.asking import may_ask, tells_nothing
from memory_store.clock import from_text, to_text
from memory_store.database.filters import TRUE_AT, filter_sql
from memory_store.database.outbox import bump_vectors_epoch, mark_segments_of
from memory_store.database.rows import author_of, insert_values, locator_from_json, locator_to_json
from memory_store.models import USER, Author, AuthorKind, Hit, Locator, PassageDraft, RecallFilters, Source, SourceKind

_SELECT: Final = """
SELECT p.row, p.id, p.text, p.context, p.locator, p.author_kind, p.author_name, p.created_at, p.private,
       p.document_id, p.message_id, p.memory_id,
       d.title AS document_title, d.path AS document_path,
       m.conversation_id AS conversation_id, c.title AS conversation_title,
       y.kind AS memory_kind, y.retired_at AS retired_at,
       e.vector AS vector, e.embedder_id AS embedder_id
FROM passages AS p
LEFT JOIN documents AS d ON d.id = p.document_id
LEFT JOIN messages AS m ON m.id = p.message_id
LEFT JOIN conversations AS c ON c.id = m.conversation_id
LEFT JOIN memories AS y ON y.id = p.memory_id
LEFT JOIN embeddings AS e ON e.passage_row = p.row
"""
_SELECT_FOR_RANKING: Final = """
SELECT p.row, coalesce(p.document_id, m.conversation_id, p.memory_id),
       CASE WHEN p.document_id IS NOT NULL THEN 'document' WHEN p.message_id IS NOT NULL THEN 'conversation'
       ELSE 'memory' END,
       p.message_id, p.author_kind, p.author_name, p.created_at, p.private, {superseded}, p.echo,
       p.context, p.text, p.search_words, e.embedder_id, e.vector
FROM passages AS p
LEFT JOIN messages AS m ON m.id = p.message_id
LEFT JOIN memories AS y ON y.id = p.memory_id
LEFT JOIN embeddings AS e ON e.passage_row = p.row
"""

_ANSWERS_FROM: Final = """
WITH RECURSIVE answers (message_id) AS (
    SELECT k.message_id FROM citations AS k JOIN passages AS p ON p.id = k.passage_id WHERE p.{column} = ?
    UNION
    SELECT k.message_id FROM answers AS a
    JOIN messages AS m ON m.id = a.message_id
    JOIN passages AS p ON p.message_id = m.id
    JOIN passages AS beside ON beside.row BETWEEN p.row - 2 AND p.row + 2
    JOIN messages AS n ON n.id = beside.message_id AND n.conversation_id = m.conversation_id
    JOIN citations AS k ON k.passage_id = beside.id
)
SELECT message_id FROM answers
"""

# Memories of a message or document that rest on no other that is public.
_MEMORIES_FROM: Final = """
SELECT y.id FROM memory_sources AS s JOIN memories AS y ON y.id = s.memory_id
WHERE (s.message_id = ? OR s.document_id = ?) AND y.private = 0 AND NOT EXISTS (
    SELECT 1 FROM memory_sources AS o LEFT JOIN messages AS m ON m.id = o.message_id
    LEFT JOIN documents AS d ON d.id = o.document_id
    WHERE o.memory_id = y.id AND coalesce(m.private, d.private) = 0
)
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """What the passages about to be written belong to, and what they take from it unless they say otherwise."""

    author: Author
    created_at: datetime
    private: bool
    title: str = ""
    document_id: str | None = None
    message_id: str | None = None
    memory_id: str | None = None


class RankedPassage(NamedTuple):
    """What ranking needs to know of a passage; a tuple, because a recall reads hundreds."""

    row: int
    source_id: str
    kind: str
    message_id: str | None
    author_kind: str
    author_name: str | None
    created_at: str
    private: int
    superseded: int
    echo: int
    context: str
    text: str
    search_words: str | None
    embedder_id: int | None
    vector: bytes | None


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with its source and, where it has one, its vector (float32 bytes) and the embedder that made it."""

    row: int
    id: str
    text: str
    context: str
    locator: Locator
    author: Author
    created_at: datetime
    private: bool
    source: Source
    message_id: str | None
    superseded: bool
    vector: bytes | None
    embedder_id: int | None

    def as_hit(self) -> Hit:
        """Return it as a hit that nobody had to look for."""
        return Hit(
            self.id,
            self.source.kind,
            self.text,
            0.0,
            self.source,
            self.locator,
            self.author,
            self.created_at,
            self.private,
            (),
            self.message_id,
        )


def insert(connection: sqlite3.Connection, owner: Owner, drafts: Iterable[PassageDraft], start: int = 0) -> int:
    """Store the drafts in their order from ordinal `start` on, and return how many there were."""
    from memory_store.database.fulltext import to_searchable

    drafts = list(drafts)
    echo = owner.message_id is not None and _is_echo(owner.author, "\n".join(draft.text for draft in drafts))
    for count, draft in enumerate(drafts, start=1):
        author = draft.author or owner.author
        moment = draft.created_at or owner.created_at
        context = _context(owner, draft, author)
        insert_values(
            connection,
            "passages",
            {
                "id": ids.new_id(ids.PASSAGE),
                "document_id": owner.document_id,
                "message_id": owner.message_id,
                "memory_id": owner.memory_id,
                "ordinal": start + count - 1,
                "text": draft.text,
                "context": context,
                "search_text": to_searchable(draft.text),
                "search_context": search_context(context, moment, dated=owner.document_id is None),
                "search_words": _other_words(context, draft.text),
                "locator": locator_to_json(draft.locator),
                "author_kind": author.kind,
                "author_name": author.name,
                "created_at": to_text(moment),
                "private": owner.private,
                "echo": echo,
            },
        )
    return len(drafts)


def _is_echo(author: Author, said: str) -> bool:
    """Say whether a message is no evidence of anything: a model made it, or the user told nothing in it.

    Other people whom a conversation names are taken at their word, questions too.
    """
    if author.kind is AuthorKind.MODEL:
        return True
    return author == USER and tells_nothing(said)


def mark_question(connection: sqlite3.Connection, message_id: str) -> None:
    """Make an echo of what the user said that may be a question, now that it was answered from sources."""
    row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
    if row is not None and author_of(row) == USER and may_ask(row["text"]):
        found = connection.execute("SELECT row FROM passages WHERE message_id = ? AND echo = 0", (message_id,))
        if rows := [passage["row"] for passage in found]:
            _make_echoes(connection, rows)


def mark_echoes(connection: sqlite3.Connection, after_row: int = 0) -> None:
    """Find the echoes among passages that came without being told apart: in older stores and in archives."""
    found = connection.execute(
        "SELECT p.row, m.author_kind, m.author_name, m.text FROM passages AS p "
        "JOIN messages AS m ON m.id = p.message_id WHERE p.row > ? AND p.author_kind IN ('user', 'model')",
        (after_row,),
    ).fetchall()
    _make_echoes(connection, [row["row"] for row in found if _is_echo(author_of(row), row["text"])])


def _make_echoes(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Mark passages, and take them from the index: its segments are made anew, the scan looks at the marks again."""
    chosen, given = "(SELECT value FROM json_each(?))", (json.dumps(list(rows)),)
    connection.execute(f"UPDATE passages SET echo = 1 WHERE row IN {chosen} AND echo = 0", given)
    mark_segments_of(connection, f"passage_row IN {chosen}", given)
    connection.execute(f"UPDATE embeddings SET segment_id = NULL WHERE passage_row IN {chosen}", given)
    bump_vectors_epoch(connection)


def find_cited(connection: sqlite3.Connection, answers: Sequence[int]) -> list[int]:
    """Return the rows of the passages that the answers in these rows cite, each once."""
    found = connection.execute(
        "SELECT DISTINCT p.row FROM passages AS a JOIN citations AS c ON c.message_id = a.message_id AND c.cited = 1 "
        "JOIN passages AS p ON p.id = c.passage_id WHERE a.row IN (SELECT value FROM json_each(?))",
        (json.dumps(list(answers)),),
    )
    return [int(row[0]) for row in found]


def _context(owner: Owner, draft: PassageDraft, author: Author) -> str:
    """Return what stands around a passage: title, part and headings; for what a named person said, who; the caption."""
    speaker = author.name if owner.message_id is not None and author.kind is AuthorKind.USER else None
    pieces = (owner.title, draft.locator.part, *draft.locator.headings, speaker, draft.caption)
    return "\n".join(piece for piece in pieces if piece)


def search_context(context: str, moment: datetime, *, dated: bool) -> str | None:
    """Return the searchable form of a passage's context, or None where it is the context itself.

    What was said or noted is dated in words, as people type a date; a file's time says little about its text.
    """
    from memory_store.database.fulltext import to_searchable
    from memory_store.times.expressions import date_words

    if not dated:
        return to_searchable(context)
    words = f"{context}\n{date_words(moment.astimezone())}"
    return to_searchable(words) or words


def by_rows(connection: sqlite3.Connection, rows: list[int]) -> dict[int, StoredPassage]:
    """Return the passages of these rows, keyed by row; rows that are gone are left out."""
    found = connection.execute(f"{_SELECT} WHERE p.row IN (SELECT value FROM json_each(?))", (json.dumps(rows),))
    return {row["row"]: _read_passage(row) for row in found}


def find_dismissed(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, list[str]]:
    """Return the questions for which passages of these rows were called not relevant, keyed by row."""
    found: dict[int, list[str]] = {}
    for row in connection.execute(
        # From the few that were dismissed to their passages, not the other way round.
        "SELECT p.row, q.text FROM citations AS c CROSS JOIN passages AS p ON p.id = c.passage_id "
        "CROSS JOIN messages AS a ON a.id = c.message_id CROSS JOIN messages AS q ON q.id = a.parent_id "
        "WHERE c.dismissed = 1 AND p.row IN (SELECT value FROM json_each(?))",
        (json.dumps(list(rows)),),
    ):
        found.setdefault(row[0], []).append(row[1])
    return found


def read_for_ranking(
    connection: sqlite3.Connection, rows: Sequence[int], as_of: datetime | None = None
) -> list[RankedPassage]:
    """Return what ranking needs of these rows, in the order of the rows; rows that are gone are left out.

    With a moment, those count as superseded that were not true then, or not written yet.
    """
    moments: tuple[str, ...] = ()
    superseded = "y.retired_at IS NOT NULL"
    if as_of is not None:
        superseded = f"CASE WHEN p.memory_id IS NULL THEN p.created_at > ? ELSE NOT ({TRUE_AT}) END"
        moments = (to_text(as_of),) * 3
    wanted = "(SELECT value FROM json_each(?))"  # one variable, however many rows
    found = connection.execute(
        f"{_SELECT_FOR_RANKING.format(superseded=superseded)} WHERE p.row IN {wanted} ORDER BY p.row",
        (*moments, json.dumps(list(rows))),
    )
    return [RankedPassage(*row) for row in found]


def rows_of(connection: sqlite3.Connection, passage_ids: Sequence[str]) -> dict[str, int]:
    """Return the rows of these passages by id; ids that are gone are left out."""
    marks = ", ".join("?" for _ in passage_ids)
    found = connection.execute(f"SELECT id, row FROM passages WHERE id IN ({marks})", list(passage_ids))
    return {row[0]: int(row[1]) for row in found}


def find_people(connection: sqlite3.Connection) -> list[str]:
    """Return the names of those who speak in conversations; one step through the index for each name."""
    spoken = "message_id IS NOT NULL AND author_kind = 'user' AND author_name IS NOT NULL"
    found = connection.execute(
        f"WITH RECURSIVE people (name) AS (SELECT min(author_name) FROM passages WHERE {spoken} UNION ALL "
        f"SELECT (SELECT min(author_name) FROM passages WHERE {spoken} AND author_name > people.name) "
        "FROM people WHERE name IS NOT NULL) SELECT name FROM people WHERE name IS NOT NULL"
    )
    return [row[0] for row in found]


def latest_row(connection: sqlite3.Connection) -> int:
    """Return the number of the latest passage, which is about how many there are; 0 for none."""
    return int(connection.execute("SELECT coalesce(max(row), 0) FROM passages").fetchone()[0])


def make_searchable(connection: sqlite3.Connection, after_row: int = 0) -> None:
    """Write searchable forms as this version makes them, where they came otherwise: from an archive or a salvage."""
    add_functions(connection)
    forms = "searchable(text), searchable_context(context, created_at, document_id IS NULL), other_words(context, text)"
    connection.execute(
        f"UPDATE passages SET (search_text, search_context, search_words) = ({forms}) "
        f"WHERE row > ? AND (search_text, search_context, search_words) IS NOT ({forms})",
        (after_row,),
    )


def add_functions(connection: sqlite3.Connection) -> None:
    """Let statements of a connection make the searchable forms of a passage."""
    from memory_store.database.fulltext import to_searchable

    def context_form(context: str, moment: str, dated: int) -> str | None:
        return search_context(context, from_text(moment), dated=bool(dated))

    connection.create_function("searchable", 1, to_searchable, deterministic=True)
    connection.create_function("searchable_context", 3, context_form)
    connection.create_function("other_words", 2, _other_words, deterministic=True)


def _other_words(context: str, text: str) -> str | None:
    from memory_store.folding import other_words

    return other_words(f"{context}\n{text}")


def by_id(connection: sqlite3.Connection, passage_id: str) -> StoredPassage | None:
    """Return one passage, or None."""
    row = connection.execute(f"{_SELECT} WHERE p.id = ?", (passage_id,)).fetchone()
    return _read_passage(row) if row else None


def of_source(connection: sqlite3.Connection, source: Source) -> list[StoredPassage]:
    """Return every passage of a document, conversation or memory in reading order."""
    condition = {
        SourceKind.DOCUMENT: "p.document_id = ? ORDER BY p.ordinal",
        SourceKind.CONVERSATION: "m.conversation_id = ? ORDER BY m.created_at, p.ordinal",
        SourceKind.MEMORY: "p.memory_id = ?",
    }[source.kind]
    return [_read_passage(row) for row in connection.execute(f"{_SELECT} WHERE {condition}", (source.id,))]


def of_calendars(connection: sqlite3.Connection) -> list[StoredPassage]:
    """Return every passage of a calendar."""
    rows = connection.execute(f"{_SELECT} WHERE d.media_type = 'text/calendar' ORDER BY p.row")
    return [_read_passage(row) for row in rows]


def of_time(connection: sqlite3.Connection, filters: RecallFilters, most: int) -> list[StoredPassage]:
    """Return what was written in a time, the latest first, up to so many: what the user said and keeps, and of each
    document its beginning. Calendars tell of other times than that; echoes and what was superseded are left out."""
    condition = filter_sql(filters)
    rows = connection.execute(
        f"{_SELECT} WHERE {condition.where or 1} AND p.echo = 0 AND p.ordinal = 0 AND y.retired_at IS NULL "
        "AND (p.message_id IS NULL OR p.author_kind = 'user') AND coalesce(d.media_type, '') != 'text/calendar' "
        "ORDER BY p.created_at DESC, p.row DESC LIMIT ?",
        (*condition.parameters, most),
    )
    return [_read_passage(row) for row in rows]


def of_memories(connection: sqlite3.Connection, memory_ids: Sequence[str]) -> list[StoredPassage]:
    """Return the passages of these memories, in this order; those that are gone are left out."""
    marks = ", ".join("?" for _ in memory_ids)
    rows = connection.execute(f"{_SELECT} WHERE p.memory_id IN ({marks})", list(memory_ids))
    found = {row["memory_id"]: _read_passage(row) for row in rows}
    return [found[memory_id] for memory_id in memory_ids if memory_id in found]


def of_message(connection: sqlite3.Connection, message_id: str) -> list[StoredPassage]:
    """Return the passages of one message in reading order."""
    rows = connection.execute(f"{_SELECT} WHERE p.message_id = ? ORDER BY p.ordinal", (message_id,))
    return [_read_passage(row) for row in rows]


def _read_passage(row: sqlite3.Row) -> StoredPassage:
    return StoredPassage(
        row=row["row"],
        id=row["id"],
        text=row["text"],
        context=row["context"],
        locator=locator_from_json(row["locator"]),
        author=author_of(row),
        created_at=from_text(row["created_at"]),
        private=bool(row["private"]),
        source=_source_of(row),
        message_id=row["message_id"],
        superseded=row["retired_at"] is not None,
        vector=row["vector"],
        embedder_id=row["embedder_id"],
    )


def _source_of(row: sqlite3.Row) -> Source:
    if row["document_id"] is not None:
        return Source(row["document_id"], SourceKind.DOCUMENT, row["document_title"], row["document_path"])
    if row["message_id"] is not None:
        return Source(row["conversation_id"], SourceKind.CONVERSATION, row["conversation_title"])
    return Source(row["memory_id"], SourceKind.MEMORY, row["memory_kind"])


def set_private(connection: sqlite3.Connection, column: str, owner_id: str, private: bool) -> None:
    """Mark the passages of one owner (`document_id`, `message_id` or `memory_id`).

    When they become private, the answers that were given with them as a source become private too, and the answers
    given with those, or with what stands beside them in their conversation, which the model may have read as well; so
    do the summaries of these messages, and the memories that rest on nothing else: no later request repeats them to an
    endpoint elsewhere.
    """
    connection.execute(f"UPDATE passages SET private = ? WHERE {column} = ?", (private, owner_id))
    if private:
        answers = [row[0] for row in connection.execute(_ANSWERS_FROM.format(column=column), (owner_id,))]
        for table, key in (("messages", "id"), ("passages", "message_id")):
            connection.executemany(f"UPDATE {table} SET private = 1 WHERE {key} = ?", [(answer,) for answer in answers])
        _hide_made_from(connection, [*answers, owner_id])
    bump_vectors_epoch(connection)


def _hide_made_from(connection: sqlite3.Connection, sources: Iterable[str]) -> None:
    """Mark what is made of messages and documents: summaries, recipes, and memories that rest on nothing public."""
    for source in sources:
        connection.execute(
            "UPDATE summaries SET private = 1 WHERE conversation_id = (SELECT conversation_id FROM messages "
            "WHERE id = ?)",
            (source,),
        )
        connection.execute(
            "UPDATE recipes SET private = 1 WHERE conversation_id = (SELECT conversation_id FROM messages "
            "WHERE id = ?)",
            (source,),
        )
        for memory in connection.execute(_MEMORIES_FROM, (source, source)).fetchall():
            connection.execute("UPDATE memories SET private = 1 WHERE id = ?", (memory["id"],))
            set_private(connection, "memory_id", memory["id"], True)
