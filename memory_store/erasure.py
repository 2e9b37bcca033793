"""Erasure on the disk: what has to happen after rows are deleted until nothing of them is left in any file."""

from __future__ import annotations

from pathlib import Path

from memory_store.database import erasures, fulltext, outbox
from memory_store.database.connection import Database
from memory_store.errors import ErasurePendingError
from memory_store.vector_index.segments import SegmentedIndex, folder_name, remove_folders_except


def complete(database: Database, index_root: Path, index: SegmentedIndex | None, patience_seconds: float) -> int:
    """Complete every pending erasure; return how many. Only the owner of the index calls this.

    The rows are gone already (with secure_delete). Then the full-text index and after it every page are written anew,
    the write-ahead log is cut to nothing, and the folders of the touched index segments are removed (their new
    generations are built from the record afterwards; recall scans meanwhile). Each step can be repeated, so a kill at
    any point is harmless. Raises ErasurePendingError while a reader's snapshot keeps the old pages alive.
    """
    with database.read() as connection:
        pending = erasures.pending(connection)
    if not pending:
        return 0
    with database.write() as connection:
        fulltext.rebuild(connection)
    database.vacuum()
    if not database.truncate_log(patience_seconds):
        raise ErasurePendingError(
            "The erasure is recorded but not yet complete: another program is reading the store.",
            "It completes by itself; `keepsake doctor` shows when nothing is pending.",
        )
    if index is not None:
        index.drop_stale()
    else:
        with database.read() as connection:
            living = {folder_name(one) for one in outbox.segments(connection) if one.state != "stale"}
        remove_folders_except(index_root, living)
    with database.write() as connection:
        erasures.complete(connection, pending)
    return len(pending)
