"""Tombstones: keyed hashes by which a forgotten file is known again without a word of it being kept."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3

from memory_store.clock import now, to_text


def bury(connection: sqlite3.Connection, path: str, content_hash: str) -> None:
    """Remember that this path and this content were forgotten."""
    moment = to_text(now())
    rows = [(digest, moment) for digest in _digests(connection, path, content_hash)]
    connection.executemany("INSERT OR REPLACE INTO tombstones VALUES (?, ?)", rows)


def lift(connection: sqlite3.Connection, path: str, content_hash: str) -> None:
    """Let this path and this content be imported again."""
    rows = [(digest,) for digest in _digests(connection, path, content_hash)]
    connection.executemany("DELETE FROM tombstones WHERE digest = ?", rows)


def stands(connection: sqlite3.Connection, path: str, content_hash: str) -> bool:
    """Say whether this path or this content was forgotten."""
    digests = _digests(connection, path, content_hash)
    found = connection.execute("SELECT 1 FROM tombstones WHERE digest IN (?, ?) LIMIT 1", digests).fetchone()
    return found is not None


def _digests(connection: sqlite3.Connection, path: str, content_hash: str) -> tuple[str, str]:
    """Return HMAC-SHA-256 of the path and of the content's hash, under the store's own key."""
    key = bytes.fromhex(connection.execute("SELECT value FROM meta WHERE key = 'tombstone_key'").fetchone()[0])
    return (
        hmac.new(key, b"path:" + path.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest(),
        hmac.new(key, b"content:" + content_hash.encode(), hashlib.sha256).hexdigest(),
    )
