"""The check-up of a store: each thing that can be wrong, what it means, and what mends it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from memory_store.database import fulltext, outbox
from memory_store.database.files import processes_with_others
from memory_store.errors import Action, EmbedderMismatchError, Step

if TYPE_CHECKING:
    from memory_store.store import Store

_REPAIR: Final = (Step(Action.REPAIR),)
_OURS: Final = ("keepsake.db", "keepsake.log", "index", "vectors.scan", "embedding.lock", "later.lock", "backups")


class State(StrEnum):
    """How a check came out: `attention` goes on working, `failed` needs a repair."""

    OK = "ok"
    ATTENTION = "attention"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, how it came out, what was found, what that means, and what mends it."""

    name: str
    state: State
    finding: str
    meaning: str = ""
    repair: str = ""
    steps: tuple[Step, ...] = ()


def examine(store: Store) -> list[Check]:
    """Look over the whole store and change nothing. Raises CorruptStoreError if the database can't be read at all."""
    if store.lost_record:
        return list(_record(store))  # the rest would be told of the copy beside it
    return [
        check for part in (_folder, _database, _record, _index, _erasures, _backups, _files) for check in part(store)
    ]


def repair(store: Store) -> None:
    """Do what can be done without losing anything: the full text and the index anew, pending erasures completed.

    Raises ErasurePendingError or ErasureFailedError where an erasure can't be completed now.
    """
    with store._database.write() as connection:
        if fulltext.check(connection):
            fulltext.rebuild(connection)
    store.complete_erasures(again=True)
    store.embed_pending()
    if any(check.name == "index" and check.state is not State.OK for check in _index(store)):
        store.update_index()


def _folder(store: Store) -> Iterator[Check]:
    mode = store.folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield Check(
            "folder",
            State.ATTENTION,
            f"{store.folder} has the mode {mode:03o}",
            "Other users of this machine may read your memory.",
            f"chmod 700 {store.folder}",
        )
    free, size = shutil.disk_usage(store.folder).free, store.stats().database_bytes
    if free < 2 * size:
        yield Check(
            "folder",
            State.ATTENTION,
            f"{free / 1e6:,.0f} MB are free, the database has {size / 1e6:,.0f} MB",
            "Erasures and backups write the database anew and need its size once more.",
            "Free some space.",
        )
    if not mode & 0o077 and free >= 2 * size:
        yield Check("folder", State.OK, f"{store.folder}: readable only by you, {free / 1e9:,.1f} GB free")


def _database(store: Store) -> Iterator[Check]:
    problems = store._database.quick_check()
    with store._database.read() as connection:
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    if problems or dangling:
        yield Check(
            "database",
            State.FAILED,
            problems[0] if problems else f"{len(dangling)} references lead nowhere",
            "Pages of the database are damaged: some of what you stored may be lost.",
            "Save what can be read, or restore a backup.",
            (Step(Action.SALVAGE), Step(Action.LIST_BACKUPS)),
        )
    else:
        yield Check("database", State.OK, "sound, every reference leads somewhere")
    with store._database.write() as connection:
        broken = fulltext.check(connection)
    if broken:
        yield Check("full text", State.FAILED, broken, "Words may not be found; no text is lost.", steps=_REPAIR)
    else:
        yield Check("full text", State.OK, "agrees with the passages")


def _record(store: Store) -> Iterator[Check]:
    elsewhere = processes_with_others(store._database.path)
    if lost := store.lost_record:
        yield Check(
            "record", State.FAILED, lost.message, "What is written here is not in the folder.", lost.hint, lost.steps
        )
    elif elsewhere:
        yield Check(
            "record",
            State.FAILED,
            f"the process {elsewhere[0]} has a database open that is no longer the one in the folder",
            "Another program removed or replaced it under that window; what is written there may be lost.",
            "Close that window; then look at the backups.",
            (Step(Action.LIST_BACKUPS),),
        )
    else:
        yield Check("record", State.OK, "every open window writes to the database in the folder")


def _index(store: Store) -> Iterator[Check]:
    try:
        store.check_embedder()
    except EmbedderMismatchError as error:
        yield Check(
            "embedder", State.ATTENTION, error.message, "Recall uses words alone.", steps=(Step(Action.REINDEX),)
        )
        return
    waiting = store.waiting_for_vectors()
    if waiting:
        yield Check(
            "vectors",
            State.ATTENTION,
            f"{waiting} passages wait for their vectors",
            "They are found by their words, not yet by their meaning.",
            "Open the chat, or repair.",
            _REPAIR,
        )
    else:
        with store._database.read() as connection:
            kept = outbox.count_to_embed(connection) if store._embedder is not None else 0
        found = "every passage has its vector, or there is no embedder"
        if kept:  # what waits, and not for this embedder
            found = f"{kept} private passages have none, as the embedder is elsewhere: they are found by their words"
        yield Check("vectors", State.OK, found)
    findings = store.check_index()
    if findings:
        yield Check(
            "index",
            State.ATTENTION,
            "; ".join(findings),
            "Recall scans the vectors of the record instead: as right, slower in a very large store.",
            steps=_REPAIR,
        )
    elif findings is None:
        yield Check("index", State.OK, "kept by another running Keepsake, which checks it itself")
    else:
        found = "holds what the record says" if store.uses_chroma else "none is needed: the vectors are scanned"
        yield Check("index", State.OK, found)


def _erasures(store: Store) -> Iterator[Check]:
    unfinished = [erasure for erasure in store.erasures() if erasure.completed_at is None]
    for erasure in unfinished:
        failed = erasure.receipt is not None
        yield Check(
            "erasures",
            State.FAILED if failed else State.ATTENTION,
            f"{erasure.id} of {erasure.requested_at.astimezone():%Y-%m-%d %H:%M} is "
            + ("not verified" if failed else "put off" if erasure.deferred else "not complete"),
            "It is gone from recall; its bytes may still be on the disk.",
            steps=(*_REPAIR, Step(Action.SHOW_RECEIPT, erasure.id)) if failed else _REPAIR,
        )
    if not unfinished:
        yield Check("erasures", State.OK, "all complete")


def _backups(store: Store) -> Iterator[Check]:
    backups = store.backups.all()
    for backup in backups:
        if backup.rescued:
            yield Check(
                "backups",
                State.ATTENTION,
                f"{backup.name} holds what a window could not write",
                "Its database had been removed or replaced: some of what it acknowledged may be there alone.",
                steps=(Step(Action.MERGE_BACKUP, backup.name),),
            )
    unreadable = [backup.name for backup in backups if not backup.schema]
    if unreadable:
        yield Check(
            "backups",
            State.ATTENTION,
            f"{unreadable[0]} can't be read",
            "It can't be restored, and nobody can say what it holds.",
            steps=(Step(Action.REMOVE_BACKUP, unreadable[0]),),
        )
    else:
        latest = f"the latest of {backups[0].made_at.astimezone():%Y-%m-%d %H:%M}" if backups else "none yet"
        yield Check("backups", State.OK, f"{len(backups)}, {latest}")


def _files(store: Store) -> Iterator[Check]:
    strangers = sorted(path.name for path in store.folder.iterdir() if not path.name.lstrip(".").startswith(_OURS))
    if strangers:
        yield Check(
            "files",
            State.ATTENTION,
            f"not Keepsake's: {', '.join(strangers[:5])}",
            "Erasures search these files too, and fail if they hold what is erased.",
            "Move them elsewhere.",
        )
    else:
        yield Check("files", State.OK, "nothing in the data folder but Keepsake's own")
