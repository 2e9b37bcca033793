"""What of an archive stays away from a store because it was forgotten, here or where the archive came from."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memory_store.database import tombstones
from memory_store.database.tombstones import Name, NameKind
from memory_store.transfer.reading import Archive


@dataclass(frozen=True, slots=True)
class StayingAway:
    """Ids that stay away, by table; for a message also what its answers hang on instead.

    `names` are all the names by which something was found to be forgotten.
    """

    documents: set[str] = field(default_factory=set)
    conversations: set[str] = field(default_factory=set)
    messages: dict[str, str | None] = field(default_factory=dict)
    memories: set[str] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)

    def ancestor(self, message_id: str | None) -> str | None:
        """Return the message itself, or its nearest ancestor that does not stay away."""
        passed: set[str] = set()
        while message_id in self.messages and message_id not in passed:
            passed.add(message_id)
            message_id = self.messages[message_id]
        return None if message_id in self.messages else message_id  # a circle has no end


def staying_away(connection: sqlite3.Connection, source: Archive) -> StayingAway:
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
        standing = tombstones.standing(connection, names)
        standing |= {name for name in names if theirs and tombstones.digest_of(key, name) in theirs}
        found.update(standing)
        return bool(standing)

    return forgotten
