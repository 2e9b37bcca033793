"""Restore: an archive into a store, empty or living, checked before a row is written, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from memory_store.database import cards, outbox, passages, tables, tombstones
from memory_store.database.connection import Database
from memory_store.database.conversations import make_private
from memory_store.database.erasures import ERASED_TITLE
from memory_store.database.rows import insert_values
from memory_store.database.tombstones import Name, NameKind
from memory_store.embedding.base import EmbedderIdentity
from memory_store.errors import ArchiveError, RefusedRowError
from memory_store.transfer import archive
from memory_store.transfer.reading import EXPORT_AGAIN, Archive, check_chains, open_archive

# Where the archive's version may replace the store's own. Receipts and what was sent are never rewritten.
_REPLACEABLE: Final = frozenset(
    {"documents", "conversations", "messages", "memories", "passages", "citations", "cards", "recipes"}
)
# What is learned: rows that stay away where anything that they name is not here.
_LEARNED: Final = ("goal_reviews", "questions", "summaries", "capture_queue")
# Made from the other columns, or numbers of the store itself.
_DERIVED: Final = frozenset({"row", "search_text", "search_context"})


@dataclass(frozen=True, slots=True)
class StayingAway:
    """Ids that stay away, by table; for a message also what its answers hang on instead.

    `names` are all the names by which something was found to be forgotten.
    """

    documents: set[str] = field(default_factory=set)
    conversations: set[str] = field(default_factory=set)
    messages: dict[str, str | None] = field(default_factory=dict)
    memories: set[str] = field(default_factory=set)
    cards: set[str] = field(default_factory=set)
    recipes: set[str] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)

    def ancestor(self, message_id: str | None) -> str | None:
        """Return the message itself, or its nearest ancestor that does not stay away."""
        passed: set[str] = set()
        while message_id in self.messages and message_id not in passed:
            passed.add(message_id)
            message_id = self.messages[message_id]
        return None if message_id in self.messages else message_id  # a circle has no end


def find_staying_away(connection: sqlite3.Connection, source: Archive) -> StayingAway:
    """Work out what was forgotten, with what depends on it. What the store holds, it holds; that never stays away.

    A message goes with its conversation, a memory with its last source, earlier versions with a memory.
    """
    away = StayingAway()
    forgotten = _judge(connection, source, away.names)
    for record in source.records("documents"):
        names = [Name(NameKind.ID, record["id"]), *tombstones.names_of_file(record["path"], record["content_hash"])]
        if not holds(connection, "documents", record["id"]) and forgotten(names):
            away.documents.add(record["id"])
    origins: dict[str, str] = {}
    for record in source.records("conversations"):
        if record["origin"] is not None:
            origins[record["id"]] = record["origin"]
        if not holds(connection, "conversations", record["id"]) and forgotten(_names(record, record["origin"])):
            away.conversations.add(record["id"])
    for record in source.records("messages"):
        conversation = origins.get(record["conversation_id"])
        origin = f"{conversation}/{record['origin']}" if conversation and record["origin"] is not None else None
        if not holds(connection, "messages", record["id"]) and (
            forgotten(_names(record, origin)) or record["conversation_id"] in away.conversations
        ):
            away.messages[record["id"]] = record["parent_id"]
    _memories(connection, source, away, forgotten)
    for table, gone in (("cards", away.cards), ("recipes", away.recipes)):
        for record in source.records(table):
            if not holds(connection, table, record["id"]) and forgotten(_names(record, None)):
                gone.add(record["id"])
    return away


def holds(connection: sqlite3.Connection, table: str, identifier: str | None) -> bool:
    """Say whether a table of the store has this id."""
    return connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (identifier,)).fetchone() is not None


def _memories(
    connection: sqlite3.Connection, source: Archive, away: StayingAway, forgotten: Callable[[list[Name]], bool]
) -> None:
    sources: dict[str, list[bool]] = {}
    for record in source.records("memory_sources"):
        gone = record["message_id"] in away.messages or record["document_id"] in away.documents
        sources.setdefault(record["memory_id"], []).append(gone)
    earlier: dict[str, list[str]] = {}
    waiting: list[str] = []
    for record in source.records("memories"):
        if holds(connection, "memories", record["id"]):
            continue
        if record["superseded_by"] is not None:
            earlier.setdefault(record["superseded_by"], []).append(record["id"])
        if forgotten(_names(record, record["origin"])) or all(sources.get(record["id"], [False])):
            waiting.append(record["id"])
    while waiting:
        memory_id = waiting.pop()
        if memory_id not in away.memories:
            away.memories.add(memory_id)
            waiting += earlier.get(memory_id, [])


def _names(record: Mapping[str, Any], origin: str | None) -> list[Name]:
    names = [Name(NameKind.ID, record["id"])]
    return names if origin is None else [*names, Name(NameKind.ORIGIN, origin)]


def _judge(connection: sqlite3.Connection, source: Archive, found: set[Name]) -> Callable[[list[Name]], bool]:
    """Return a function that says whether one of the names was forgotten, and notes which."""
    key = source.key
    theirs = {record["digest"] for record in source.records("tombstones") if not record["lifted"]}

    def forgotten(names: list[Name]) -> bool:
        standing = tombstones.find_forgotten(connection, names)
        standing |= {name for name in names if theirs and tombstones.digest_of(key, name) in theirs}
        found.update(standing)
        return bool(standing)

    return forgotten


@dataclass(slots=True)
class Tally:
    """Rows a table: that came, that are there already, that differ from the store's own, that stay away.

    `differing` are (table, the store's id) of the documents, conversations, messages and memories that differ.
    """

    came: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    away: Counter[str] = field(default_factory=Counter)
    differing: list[tuple[str, str]] = field(default_factory=list)


class _Merge:
    """Brings what the store lacks. A row that differs stays unless the archive's is preferred; private stays private.

    A document is known again by its path too, a conversation, its messages and a memory by their origin: then the
    store's own stays in any case, and what belongs to the archive's is passed over.
    """

    def __init__(self, connection: sqlite3.Connection, source: Archive, options: RestoreOptions) -> None:
        self._connection = connection
        self._source = source
        self._options = options
        self._away = find_staying_away(connection, source)
        self._brought_back: set[str] = set()  # digests of what may come again
        if options.bring_back:
            tombstones.lift(connection, self._away.names)
            self._brought_back = {tombstones.digest_of(source.key, name) for name in self._away.names}
            self._away = StayingAway()
        self._tally = Tally()
        self._met: dict[str, str] = {}  # the archive's id of what the store has under another one, and the store's
        self._met_passages: dict[str, str] = {}  # the archive's passages of that, and the store's id of what has them
        self._shortened: set[str] = set()  # conversations of which some message stays away
        self._kept: set[str] = set()  # ids of which the store's own version stayed
        self._rows: dict[int, int] = {}  # passages that can take the archive's vector: its row, the store's row

    def run(self, keep_vectors: bool) -> Tally:
        """Merge every table, in the order in which rows refer to each other."""
        self._documents()
        self._conversations()
        self._messages()
        self._memories()
        self._merge_learned()
        self._passages()
        self._cards()
        self._recipes()
        self._citations()
        for record in self._arriving("tool_calls", "message_id"):
            self._place_dependent("tool_calls", record, record["message_id"])
        self._tombstones()
        for record in self._source.records("erasures"):
            self._place("erasures", record)
        self._requests()
        self._ledger()
        self._late_requests()
        self._tasks()
        self._schedules()
        if keep_vectors:
            self._vectors()
        self._keep_private()
        return self._tally

    def _documents(self) -> None:
        for record in self._arriving("documents", "id"):
            known = self._connection.execute(
                "SELECT id, content_hash FROM documents WHERE path = ?", (record["path"],)
            ).fetchone()
            if known is not None and known["id"] != record["id"]:
                self._met[record["id"]] = known["id"]
                same = known["content_hash"] == record["content_hash"]
                (self._tally.known if same else self._tally.conflicts)["documents"] += 1
                if not same:
                    self._tally.differing.append(("documents", known["id"]))
            else:
                self._place("documents", record)

    def _conversations(self) -> None:
        named_from = {entry["id"]: entry["parent_id"] for entry in self._source.records("messages")}
        for record in self._arriving("conversations", "id"):
            if not self._match_origin("conversations", record):
                record["current_message_id"] = self._away.ancestor(record["current_message_id"])
                title_message = record["title_message_id"]
                # A title is of a message, or of an answer and what it answers.
                if self._away.messages.keys() & {title_message, named_from.get(title_message)}:
                    record["title"], record["title_message_id"] = ERASED_TITLE, None
                self._place("conversations", record)

    def _messages(self) -> None:
        for record in self._source.records("messages"):  # first, for an answer may come before what it answers
            known = self._connection.execute(
                "SELECT id FROM messages WHERE conversation_id = ? AND origin = ?",
                (self._own_id(record["conversation_id"]), record["origin"]),
            ).fetchone()
            if known is not None and known["id"] != record["id"]:
                self._met[record["id"]] = known["id"]
        for record in self._source.records("messages"):
            if record["id"] in self._away.messages:
                self._shortened.add(self._own_id(record["conversation_id"]))
                self._tally.away["messages"] += 1
            elif record["id"] in self._met:
                self._tally.known["messages"] += 1
            else:
                record["conversation_id"] = self._own_id(record["conversation_id"])
                record["parent_id"] = self._own_id(self._away.ancestor(record["parent_id"]))
                self._place("messages", record)
        # What the view or the title of a conversation rests on may be under another id here, or not here at all.
        tables.clear_dangling(self._connection, "conversations", "messages")

    def _memories(self) -> None:
        for record in self._arriving("memories", "id"):
            if not self._match_origin("memories", record):
                if record["superseded_by"] in self._away.memories:
                    record["superseded_by"] = record["retired_at"] = None
                self._place("memories", record)
        for stored, met in self._met.items():
            self._connection.execute("UPDATE memories SET superseded_by = ? WHERE superseded_by = ?", (met, stored))
        for record in self._arriving("memory_sources", "memory_id"):
            memory_id = record["memory_id"]
            if self._resolve_references("memory_sources", record):
                self._place_dependent("memory_sources", record, memory_id)
            else:
                self._tally.known["memory_sources"] += 1

    def _merge_learned(self) -> None:
        """Add reviews, questions, summaries and what waits, where all that they belong to came or is here."""
        for table in (name for name in _LEARNED if name not in self._options.left_out):
            owner = tables.BY_NAME[table].key[0]
            for record in self._source.records(table):
                if not self._resolve_references(table, record):
                    self._tally.away[table] += 1
                elif self._find_stored(table, record) is None:
                    self._place_dependent(table, record, record[owner])
                else:  # the store's own stays: it knows what became of it since
                    self._tally.known[table] += 1
        # A summary may hold words of what stays away.
        self._connection.executemany(
            "DELETE FROM summaries WHERE conversation_id = ?",
            [(conversation_id,) for conversation_id in sorted(self._shortened)],
        )

    def _passages(self) -> None:
        owners = tuple(tables.BY_NAME["passages"].references())
        for record in self._arriving("passages", *owners):
            theirs = record.pop("row")
            owner = next(record[name] for name in owners if record[name])
            if owner in self._met:
                self._met_passages[record["id"]] = self._met[owner]
            self._place_dependent("passages", record, owner)
            ours = self._connection.execute(
                "SELECT row FROM passages WHERE id = ? AND text = ? AND context = ?",
                (record["id"], record["text"], record["context"]),
            ).fetchone()
            if ours is not None:
                self._rows[theirs] = ours["row"]

    def _cards(self) -> None:
        """Add cards with their reviews where what they rest on is here, of a document under another id by its words."""
        for record in self._arriving("cards", "id"):
            owner = self._met_passages.get(record["passage_id"])
            if owner is not None:
                record["passage_id"] = cards.find_passage(self._connection, owner, record["quote"])
            if record["passage_id"] and holds(self._connection, "passages", record["passage_id"]):
                self._place("cards", record)
            else:
                self._tally.away["cards"] += 1
        for record in self._source.records("card_reviews"):
            if holds(self._connection, "cards", record["card_id"]):
                self._place("card_reviews", record)
            else:
                self._tally.away["card_reviews"] += 1

    def _recipes(self) -> None:
        """Add recipes, but for one whose name the store's own has, and one that may repeat what stays away."""
        for record in self._arriving("recipes", "id"):
            known = self._connection.execute("SELECT * FROM recipes WHERE name = ?", (record["name"],)).fetchone()
            here = self._resolve_references("recipes", record)
            if not here or record["conversation_id"] in self._shortened:
                self._tally.away["recipes"] += 1
            elif known is None or known["id"] == record["id"]:
                self._place("recipes", record)
            elif (known["skill"], known["files"]) == (record["skill"], record["files"]):
                self._tally.known["recipes"] += 1
            else:
                self._tally.conflicts["recipes"] += 1
                self._tally.differing.append(("recipes", known["id"]))

    def _citations(self) -> None:
        for record in self._arriving("citations", "message_id"):
            if not holds(self._connection, "passages", record["passage_id"]):
                record["passage_id"] = None  # the number stays, as after an erasure
            self._place_dependent("citations", record, record["message_id"])

    def _tombstones(self) -> None:
        """Add the archive's tombstones: to our own where the key is ours, else under theirs."""
        key = self._source.key
        ours = key == tombstones.secret(self._connection)
        for record in self._source.records("tombstones"):
            if record["digest"] in self._brought_back:
                record["lifted"] = 1
            if ours:
                self._add("tombstones", "tombstones", record)
            elif not record["lifted"]:
                foreign = {"key": key.hex(), "digest": record["digest"], "forgotten_at": record["forgotten_at"]}
                self._add("foreign_tombstones", "tombstones", foreign)
        for record in self._source.records("foreign_tombstones"):
            if bytes.fromhex(record["key"]) != tombstones.secret(self._connection):
                self._add("foreign_tombstones", "foreign_tombstones", record)

    def _requests(self) -> None:
        """Add what was sent, where something of it is here."""
        items = [
            entry
            for entry in self._source.records("request_items")
            if (table := tables.table_of(entry["item_id"])) and holds(self._connection, table, entry["item_id"])
        ]
        wanted = {entry["request_id"] for entry in items}
        for record in self._source.records("requests"):
            if record["id"] in wanted or record["purpose"] == "query":
                self._place("requests", record)
        for record in items:
            self._place("request_items", record)

    def _ledger(self) -> None:
        """Add what requests took, also of chats that are not here: it was spent."""
        references = tables.BY_NAME["ledger"].references()
        for record in self._source.records("ledger"):
            for column, table in references.items():
                own = self._own_id(record[column])
                record[column] = own if holds(self._connection, table, own) else None
            self._place("ledger", record)

    def _late_requests(self) -> None:
        """Add what is to be answered later, where the answer that waits for it is here."""
        for record in self._source.records("late_requests"):
            if self._resolve_references("late_requests", record):
                self._place("late_requests", record)
            else:
                self._tally.away["late_requests"] += 1

    def _tasks(self) -> None:
        """Add tasks whose message is here; one that was running rests until the user lets it go on."""
        for table in ("tasks", "task_items", "task_steps"):
            for record in self._source.records(table):
                if record.get("state") == "running":
                    record["state"] = "paused"
                if self._resolve_references(table, record):
                    self._place(table, record)
                else:
                    self._tally.away[table] += 1

    def _schedules(self) -> None:
        """Add reminders whose message is here, without the task that they begin anew where that is not."""
        for record in self._source.records("schedules"):
            if not holds(self._connection, "tasks", record["task_id"]):
                record["task_id"] = None
            if self._resolve_references("schedules", record):
                self._place("schedules", record)
            else:
                self._tally.away["schedules"] += 1

    def _vectors(self) -> None:
        numbers = {
            theirs: outbox.embedder_id(self._connection, identity)
            for theirs, identity in self._source.embedders().items()
        }
        for record in self._source.records("embeddings"):
            row = self._rows.get(record["passage_row"])
            if row is None:
                continue
            there = self._connection.execute("SELECT 1 FROM embeddings WHERE passage_row = ?", (row,)).fetchone()
            if there is None:
                vector = (row, record["vector"])
                outbox.store_vectors(self._connection, numbers[record["embedder_id"]], [vector])
            (self._tally.known if there else self._tally.came)["embeddings"] += 1

    def _keep_private(self) -> None:
        """Let what is private here stay so, and what was answered from it, which may have come just now, be so too."""
        for table, identifier in self._tally.differing:
            if table in ("cards", "recipes"):
                continue  # a card is private as its passage is; on a recipe nothing rests
            row = self._connection.execute(f"SELECT private FROM {table} WHERE id = ?", (identifier,)).fetchone()
            if row["private"] and table == "conversations":
                make_private(self._connection, identifier)
            elif row["private"]:
                owners = tables.BY_NAME["passages"].references().items()
                column = next(name for name, owner in owners if owner == table)
                passages.set_private(self._connection, column, identifier, True)

    # -- one record --------------------------------------------------------------------------------------------

    def _arriving(self, table: str, *owners: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a table that don't stay away with what these columns name; count the others."""
        away = self._away.documents | self._away.conversations | self._away.messages.keys() | self._away.memories
        away |= self._away.cards | self._away.recipes
        for record in self._source.records(table):
            if away.isdisjoint(record[owner] for owner in owners):
                yield record
            else:
                self._tally.away[table] += 1

    def _own_id(self, identifier: str | None) -> Any:
        """Return the store's own id of what the archive calls so."""
        return self._met.get(identifier, identifier) if identifier is not None else None

    def _resolve_references(self, table: str, record: dict[str, Any]) -> bool:
        """Put the store's own ids into the columns that refer to others; say whether all of these are here."""
        columns = tables.BY_NAME[table].references()
        for column in columns:
            record[column] = self._own_id(record[column])
        return all(record[name] is None or holds(self._connection, columns[name], record[name]) for name in columns)

    def _match_origin(self, table: str, record: dict[str, Any]) -> bool:
        """Say whether the store has this under another id, and note under which."""
        known = self._connection.execute(f"SELECT id FROM {table} WHERE origin = ?", (record["origin"],)).fetchone()
        if known is None or known["id"] == record["id"]:
            return False
        self._met[record["id"]] = known["id"]
        self._tally.known[table] += 1
        return True

    def _place_dependent(self, table: str, record: dict[str, Any], owner: str) -> None:
        """Place what belongs to a record, but add nothing to one of which the store's own version stayed."""
        if owner in self._met:
            self._tally.known[table] += 1
        elif owner not in self._kept or self._find_stored(table, record) is not None:
            self._place(table, record)
        else:
            self._tally.conflicts[table] += 1

    def _place(self, table: str, record: dict[str, Any]) -> None:
        """Add a record that is not there yet; where another one is, keep it or replace it."""
        stored = self._find_stored(table, record)
        if stored is None:
            self._insert(table, record)
            self._tally.came[table] += 1
            return
        if all(stored[name] == value for name, value in record.items() if name not in _DERIVED):
            self._tally.known[table] += 1
            return
        self._tally.conflicts[table] += 1
        if table in tables.ERASABLE:
            self._tally.differing.append((table, record["id"]))
        if self._options.prefer_archive and table in _REPLACEABLE:
            self._replace(table, record, stored)
        elif "id" in record:
            self._kept.add(record["id"])

    def _find_stored(self, table: str, record: dict[str, Any]) -> sqlite3.Row | None:
        keys = tables.BY_NAME[table].key
        found: sqlite3.Row | None = self._connection.execute(
            f"SELECT * FROM {table} WHERE {' AND '.join(f'{key} IS ?' for key in keys)}", [record[key] for key in keys]
        ).fetchone()
        return found

    def _insert(self, table: str, record: dict[str, Any], *, or_ignore: bool = False) -> bool:
        columns = [name for name in tables.BY_NAME[table].columns if name in record]
        return bool(
            self._connection.execute(
                f"INSERT {'OR IGNORE ' if or_ignore else ''}INTO {table} ({', '.join(columns)}) "
                f"VALUES ({', '.join('?' for _ in columns)})",
                [record[name] for name in columns],
            ).rowcount
        )

    def _add(self, table: str, counted_as: str, record: dict[str, Any]) -> None:
        came = self._insert(table, record, or_ignore=True)
        (self._tally.came if came else self._tally.known)[counted_as] += 1

    def _replace(self, table: str, record: dict[str, Any], stored: sqlite3.Row) -> None:
        keys = tables.BY_NAME[table].key
        if "private" in record:
            record["private"] = max(record["private"], stored["private"])
        self._connection.execute(
            f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in record)} "
            f"WHERE {' AND '.join(f'{key} IS ?' for key in keys)}",
            [*record.values(), *(record[key] for key in keys)],
        )
        if table == "passages" and (stored["text"], stored["context"]) != (record["text"], record["context"]):
            # Its vector says something else now.
            outbox.mark_segments_of(self._connection, "passage_row = ?", (stored["row"],))
            self._connection.execute("DELETE FROM embeddings WHERE passage_row = ?", (stored["row"],))
            self._connection.execute("DELETE FROM outbox WHERE passage_row = ?", (stored["row"],))
            self._connection.execute(
                "INSERT INTO outbox (operation, passage_row) VALUES ('embed', ?)", (stored["row"],)
            )


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """How to restore. Where a row differs the store's own stays unless `prefer_archive`.

    `bring_back` lets in what was forgotten; `dry_run` only counts. `passphrase` opens an encrypted archive. Without
    `with_queue` what waited for a model to learn from it does not wait here: no archive orders requests.
    """

    prefer_archive: bool = False
    bring_back: bool = False
    dry_run: bool = False
    passphrase: str | None = field(default=None, repr=False)
    with_queue: bool = True

    @property
    def left_out(self) -> frozenset[str]:
        """The tables that don't come along."""
        return frozenset() if self.with_queue else archive.ORDERS


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What a restore did, in rows a table.

    `counts` came, `known` were there already (under another id, perhaps), `conflicts` differ from the store's own,
    `away` were forgotten. `differing` are (table, id) of what a user knows by itself among the conflicts.
    `settings` is the text of the config.toml that came along, which the store does nothing with. `waiting` messages
    waited there to be learned from. `vectors_kept`: they came along, or else have to be made again. `dry_run`: nothing
    changed.
    """

    counts: Mapping[str, int]
    known: Mapping[str, int]
    conflicts: Mapping[str, int]
    away: Mapping[str, int]
    differing: tuple[tuple[str, str], ...]
    settings: str | None
    vectors_kept: bool
    waiting: int = 0
    dry_run: bool = False


class _UndoError(Exception):
    """Ends the transaction of a dry run without a trace."""


def restore(
    database: Database, path: Path, identity: EmbedderIdentity | None, options: RestoreOptions | None = None
) -> RestoreSummary:
    """Bring an archive into a store. Vectors are kept if the store's embedder made them, or it has none.

    Raises ArchiveError for a damaged or foreign file; then nothing has changed.
    """
    options = options or RestoreOptions()
    tally, keep, settings, waiting = Tally(), True, None, 0
    try:
        with open_archive(path, options.passphrase) as source:
            settings = source.settings
            waiting = sum(1 for _ in source.records("capture_queue"))
            with database.write() as connection:
                keep = _keeps_vectors(connection, source, identity)
                tally = _merge_or_take_over(connection, source, options, keep)
                if options.dry_run:
                    raise _UndoError
    except _UndoError:
        pass  # the transaction was undone, the counts remain
    except (ValueError, KeyError, TypeError, RefusedRowError, sqlite3.Error) as error:
        raise ArchiveError(
            f"The archive does not fit: {str(error).rstrip('.')}.", "Nothing was changed. " + EXPORT_AGAIN
        ) from error
    return RestoreSummary(
        dict(tally.came),
        dict(tally.known),
        dict(tally.conflicts),
        dict(tally.away),
        tuple(tally.differing),
        settings,
        keep,
        waiting,
        options.dry_run,
    )


def _merge_or_take_over(connection: sqlite3.Connection, source: Archive, options: RestoreOptions, keep: bool) -> Tally:
    """Take the archive over into an untouched store, or merge it into a living one."""
    connection.execute("PRAGMA defer_foreign_keys=ON")
    latest = passages.latest_row(connection)
    if _holds_anything(connection):
        tally = _Merge(connection, source, options).run(keep)
    else:
        tally = _take_over(connection, source, options.left_out | (frozenset() if keep else archive.VECTOR_TABLES))
    check_chains(connection)
    _check_vectors(connection)
    passages.make_searchable(connection, after_row=latest)
    passages.mark_echoes(connection, after_row=latest)
    outbox.bump_vectors_epoch(connection)
    return tally


def _holds_anything(connection: sqlite3.Connection) -> bool:
    """Say whether any table has rows that a user knows, or that belong to no other.

    A store without any takes the archive's numbers and its key.
    """
    return any(
        connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name})").fetchone()[0]
        for table in tables.ARCHIVED
        if table.name in tables.ERASABLE
        or (table.name not in archive.VECTOR_TABLES and not table.references("CASCADE"))
    )


def _keeps_vectors(connection: sqlite3.Connection, source: Archive, identity: EmbedderIdentity | None) -> bool:
    stored = outbox.get_embedder(connection)
    made_by = list(source.embedders().values())
    return all(
        wanted.fits(item) for item in made_by for wanted in (identity, stored and stored[1]) if wanted is not None
    )


def _check_vectors(connection: sqlite3.Connection) -> None:
    wrong = connection.execute(
        "SELECT 1 FROM embeddings AS e JOIN embedders AS m ON m.id = e.embedder_id "
        "WHERE length(e.vector) != 4 * m.dimension LIMIT 1"
    ).fetchone()
    if wrong:
        raise ArchiveError("A vector of the archive has another length than its embedder's.", EXPORT_AGAIN)


def _take_over(connection: sqlite3.Connection, source: Archive, without: frozenset[str]) -> Tally:
    """Take every row as it is, but for some tables: exported again, the archive is the same."""
    tally = Tally()
    connection.execute("DELETE FROM embedders")
    for table in tables.ARCHIVED:
        if table.name in without:
            continue
        for record in source.records(table.name):
            insert_values(connection, table.name, record)
            tally.came[table.name] += 1
    connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (source.key.hex(),))
    connection.execute(
        "DELETE FROM outbox WHERE operation = 'embed' AND passage_row IN (SELECT passage_row FROM embeddings)"
    )
    return tally
