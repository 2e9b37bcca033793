"""Restore: an archive into a store, empty or living, checked before a row is written, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memory_store.database import outbox, passages, tables
from memory_store.database.connection import Database
from memory_store.embedding.base import EmbedderIdentity
from memory_store.errors import ArchiveError, RefusedRowError
from memory_store.transfer import archive
from memory_store.transfer.checking import check_chains
from memory_store.transfer.merge import Tally, merge
from memory_store.transfer.reading import EXPORT_AGAIN, Archive, opened


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
        with opened(path, options.passphrase) as source:
            settings = source.settings
            waiting = sum(1 for _ in source.records("capture_queue"))
            with database.write() as connection:
                keep = _keeps_vectors(connection, source, identity)
                tally = _bring(connection, source, options, keep)
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


def _bring(connection: sqlite3.Connection, source: Archive, options: RestoreOptions, keep: bool) -> Tally:
    """Take the archive over into an untouched store, or merge it into a living one."""
    connection.execute("PRAGMA defer_foreign_keys=ON")
    latest = passages.latest_row(connection)
    if _holds_anything(connection):
        tally = merge(
            connection,
            source,
            prefer_archive=options.prefer_archive,
            bring_back=options.bring_back,
            keep_vectors=keep,
            with_queue=options.with_queue,
        )
    else:
        left = archive.VECTOR_TABLES if not keep else frozenset()
        tally = _take_over(connection, source, left | (frozenset() if options.with_queue else archive.ORDERS))
    check_chains(connection)
    _check_vectors(connection)
    passages.make_searchable(connection, after_row=latest)
    passages.mark_echoes(connection, after_row=latest)
    passages.bump_vectors_epoch(connection)
    return tally


def _holds_anything(connection: sqlite3.Connection) -> bool:
    """Say whether any table has rows that belong to no other; an empty store takes numbers and key of the archive."""
    return any(
        connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name})").fetchone()[0]
        for table in tables.ARCHIVED
        if table.name not in archive.VECTOR_TABLES and not table.references("CASCADE")
    )


def _keeps_vectors(connection: sqlite3.Connection, source: Archive, identity: EmbedderIdentity | None) -> bool:
    stored = outbox.stored_embedder(connection)
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
        columns, marks = ", ".join(table.columns), ", ".join("?" for _ in table.columns)
        for record in source.records(table.name):
            connection.execute(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", tuple(record.values()))
            tally.came[table.name] += 1
    connection.execute("UPDATE meta SET value = ? WHERE key = 'tombstone_key'", (source.key.hex(),))
    connection.execute(
        "DELETE FROM outbox WHERE operation = 'embed' AND passage_row IN (SELECT passage_row FROM embeddings)"
    )
    return tally
