"""Tombstones: keyed hashes by which something forgotten is known again without a word of it being kept."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from memory_store.clock import now, to_text


class NameKind(StrEnum):
    """By what a thing can be known again."""

    ID = "id"
    PATH = "path"
    CONTENT = "content"
    ORIGIN = "origin"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Name:
    """One of the names of a thing: its id, a document's path or content hash, an origin, or its words."""

    kind: NameKind
    value: str


def name_of_text(text: str) -> Name:
    """Return the name of a text by its words; letter case and white space make no difference."""
    return Name(NameKind.TEXT, " ".join(unicodedata.normalize("NFKC", text).casefold().split()))


def names_of_file(path: str, content_hash: str) -> tuple[Name, Name]:
    """Return the two names of a document that outlive it."""
    return Name(NameKind.PATH, path), Name(NameKind.CONTENT, content_hash)


def bury(connection: sqlite3.Connection, names: Iterable[Name], erasure_id: str) -> None:
    """Remember that what has these names was forgotten in this erasure."""
    key, moment = secret(connection), to_text(now())
    connection.executemany(
        "INSERT OR REPLACE INTO tombstones (digest, forgotten_at, erasure_id) VALUES (?, ?, ?)",
        ((digest_of(key, name), moment, erasure_id) for name in names),
    )


def lift(connection: sqlite3.Connection, names: Iterable[Name]) -> None:
    """Let what has these names come again. That it was erased once, in this store, can still be checked."""
    key, names = secret(connection), list(names)
    connection.executemany(
        "UPDATE tombstones SET lifted = 1 WHERE digest = ?", ((digest_of(key, name),) for name in names)
    )
    for foreign in _foreign_keys(connection):
        connection.executemany(
            "DELETE FROM foreign_tombstones WHERE key = ? AND digest = ?",
            ((foreign.hex(), digest_of(foreign, name)) for name in names),
        )


def is_forgotten(connection: sqlite3.Connection, names: Iterable[Name]) -> bool:
    """Say whether any of these names was forgotten and has not been let in again."""
    return bool(find_forgotten(connection, names))


def find_forgotten(connection: sqlite3.Connection, names: Iterable[Name]) -> set[Name]:
    """Return which of these names were forgotten, here or in a store whose archive came, and not let in again."""
    names = list(names)
    found = _find_digests(connection, "tombstones WHERE lifted = 0", (), secret(connection), names)
    for foreign in _foreign_keys(connection):
        found |= _find_digests(connection, "foreign_tombstones WHERE key = ?", (foreign.hex(),), foreign, names)
    return found


def find_erasures(connection: sqlite3.Connection, names: Iterable[Name]) -> list[str]:
    """Return the ids of the erasures that took something with one of these names, lifted since or not.

    One that the store does not know is left out: it was not complete yet in the store that an archive came from.
    """
    key = secret(connection)
    digests = [digest_of(key, name) for name in names]
    rows = connection.execute(
        "SELECT id FROM erasures WHERE id IN (SELECT erasure_id FROM tombstones WHERE digest IN "
        "(SELECT value FROM json_each(?)))",
        (json.dumps(digests),),
    )
    return [row[0] for row in rows]


def secret(connection: sqlite3.Connection) -> bytes:
    """Return the store's own key, 32 random bytes."""
    return bytes.fromhex(connection.execute("SELECT value FROM meta WHERE key = 'tombstone_key'").fetchone()[0])


def digest_of(key: bytes, name: Name) -> str:
    """Return the HMAC-SHA-256 of a name under a store's key."""
    import hashlib
    import hmac

    text = f"{name.kind}:{name.value}"
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def _foreign_keys(connection: sqlite3.Connection) -> list[bytes]:
    return [bytes.fromhex(row[0]) for row in connection.execute("SELECT DISTINCT key FROM foreign_tombstones")]


def _find_digests(
    connection: sqlite3.Connection, where: str, parameters: tuple[str, ...], key: bytes, names: list[Name]
) -> set[Name]:
    by_digest = {digest_of(key, name): name for name in names}
    query = f"SELECT digest FROM {where} AND digest IN (SELECT value FROM json_each(?))"
    rows = connection.execute(query, (*parameters, json.dumps(list(by_digest))))
    return {by_digest[row[0]] for row in rows}
