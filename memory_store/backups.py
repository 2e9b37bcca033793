"""Backups: whole copies of the database beside it, verified when they are made, and reached by erasures."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from memory_store.clock import now
from memory_store.database import erasures, fulltext, tables, tombstones
from memory_store.database.connection import Database
from memory_store.database.files import BACKUP_TIME, BACKUPS, RESCUED, copy_whole, private_part
from memory_store.database.migrations import migrate
from memory_store.database.tombstones import Name, NameKind
from memory_store.errors import Action, BackupError, NotFoundError, Step, StoreError
from memory_store.version import version

KEPT: Final = 7
_NAME: Final = re.compile(r"(\d{8}T\d{6}\d{6}Z)(-before-schema-\d+|-rescued)?\.db")
_SUMS: Final = (
    "SELECT coalesce(sum(length(text)), 0), coalesce(sum(unicode(text)), 0), coalesce(sum(row), 0) FROM passages",
    "SELECT coalesce(sum(length(vector)), 0), coalesce(sum(seq), 0) FROM embeddings",
    "SELECT coalesce(sum(length(text)), 0) FROM messages",
    "SELECT coalesce(sum(length(text)), 0) FROM memories",
)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its file's name, when it was made, its size in bytes, and the schema of the store it copies."""

    name: str
    made_at: datetime
    size_bytes: int
    schema: int

    @property
    def rescued(self) -> bool:
        """Whether an open window saved it, when its database was removed or replaced."""
        return self.name.endswith(f"{RESCUED}.db")


class Backups:
    """The backups of one store, in the folder `backups` of its data folder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.folder = database.path.parent / BACKUPS

    def make(self, keep: int = KEPT, *, note: str = "") -> Backup:
        """Copy the database as it is now, verify the copy, and remove the oldest beyond `keep`.

        Others may go on writing: the copy is of one moment. Raises BackupError; then there is no new file.
        """
        name = f"{now():{BACKUP_TIME}}{note}.db"
        try:
            with self._database.read() as source:
                sums = _sums(source)

                def look(copy: sqlite3.Connection) -> None:
                    _finish_erasures(copy)
                    _verify(copy, sums)

                copy_whole(source, self.folder / name, look)
        except (OSError, sqlite3.Error, StoreError) as error:
            raise BackupError(
                f"The backup could not be made in {self.folder}: {error}.", "Free some space, or check the folder."
            ) from error
        # What a window saved when its database was taken away stays until it is merged or removed.
        for old in [backup for backup in self.all() if not backup.rescued][max(1, keep) :]:
            self.remove(old.name)
        return self.get(name)

    def all(self) -> list[Backup]:
        """Return every backup, the latest first. What can't be opened is listed with schema 0."""
        found = []
        for path in self.folder.glob("*.db") if self.folder.is_dir() else ():
            named = _NAME.fullmatch(path.name)
            if named:
                made_at = datetime.strptime(named[1] + "+0000", BACKUP_TIME + "%z")
                found.append(Backup(path.name, made_at, path.stat().st_size, _schema(path)))
        return sorted(found, key=lambda backup: backup.made_at, reverse=True)

    def get(self, name: str) -> Backup:
        """Return one backup. Raises NotFoundError."""
        for backup in self.all():
            if backup.name == name:
                return backup
        raise NotFoundError(f"There is no backup {name}.", "The list of backups shows the names.")

    def check(self, name: str) -> list[str]:
        """Return what SQLite finds wrong with a backup; an empty list is a sound one."""
        try:
            with _open_backup(self.folder / self.get(name).name) as connection:
                return [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        except sqlite3.DatabaseError as error:
            return [str(error)]

    def restore(self, name: str, folder: Path) -> None:
        """Make a data folder out of a backup. Raises BackupError if the folder holds a store already."""
        target = folder / self._database.path.name
        if target.exists():
            step = Step(Action.RESTORE_BACKUP, name)
            raise BackupError(f"{folder} holds a store already.", "Name an empty or a new folder.", step)
        source = self._sound_file(name)
        Database(target).close()  # the folder and the file, readable only by their owner
        with _open_backup(source) as connection, closing(sqlite3.connect(target)) as copy:
            connection.backup(copy)

    @contextmanager
    def as_archive(self, name: str) -> Iterator[Path]:
        """Give a backup as an archive, which is removed afterwards. Raises NotFoundError and BackupError."""
        from memory_store.transfer.archive import export

        source = self._sound_file(name)
        with private_part(source.with_suffix(".zip")) as packed:
            with _open_copy(source) as (_, database):
                migrate(database)
                export(database, packed, version())
            yield packed

    def _sound_file(self, name: str) -> Path:
        if problems := self.check(name):
            raise BackupError(
                f"The backup {name} is damaged: {problems[0]}.",
                "Choose another, or save what can be read.",
                Step(Action.SALVAGE_BACKUP, name),
            )
        return self.folder / name

    def remove(self, name: str) -> None:
        """Remove one backup. Raises NotFoundError."""
        (self.folder / self.get(name).name).unlink()

    def find_holding(self, chosen: Sequence[tuple[str, str]]) -> list[Backup]:
        """Return the backups that hold any of these records, given as (table, id), and those that can't be read."""
        found = []
        for backup in self.all():
            try:
                with _open_backup(self.folder / backup.name) as connection:
                    if next(_find_present(connection, chosen), None):
                        found.append(backup)
            except sqlite3.DatabaseError:
                found.append(backup)  # nobody can say what it holds
        return found

    def rewrite(self, chosen: Sequence[tuple[str, str]]) -> list[Backup]:
        """Erase these records from every backup that holds them; return the backups that were rewritten.

        A backup of an older schema, or one that can't be read, is left as it is: remove it.
        """
        rewritten = []
        schema = self._database.fetch(_version)
        for backup in self.find_holding(chosen):
            if backup.schema == schema:
                self._rewrite(self.folder / backup.name, chosen)
                rewritten.append(backup)
        return rewritten

    def purge(self) -> tuple[list[Backup], list[Backup]]:
        """Erase from every backup what was forgotten since it was made, and has not been let in again.

        Return those that were rewritten, and those that hold some of it and can't be: of an older schema, or torn.
        """
        rewritten, left = [], []
        schema = self._database.fetch(_version)
        for backup in self.all():
            chosen = self._find_forgotten(backup)
            if chosen == [] and not self._is_unfinished(backup):
                continue
            if chosen is not None and backup.schema == schema:
                self._rewrite(self.folder / backup.name, chosen)
                rewritten.append(backup)
            else:
                left.append(backup)
        return rewritten, left

    def _is_unfinished(self, backup: Backup) -> bool:
        """Say whether an erasure was under way when the backup was taken: the words of what is gone may be in it."""
        with _open_backup(self.folder / backup.name) as copy:
            return bool(erasures.count_incomplete(copy))

    def _find_forgotten(self, backup: Backup) -> list[tuple[str, str]] | None:
        """Return (table, id) of the records in a backup that were forgotten; None if it can't be read."""
        try:
            with _open_backup(self.folder / backup.name) as copy:
                held = {
                    str(row[0]): table
                    for table in _tables_in(copy, tables.ERASABLE)
                    for row in copy.execute(f"SELECT id FROM {table}")
                }
        except sqlite3.DatabaseError:
            return None
        gone = self._database.fetch(tombstones.find_forgotten, [Name(NameKind.ID, identifier) for identifier in held])
        return sorted((held[name.value], name.value) for name in gone)

    def _rewrite(self, path: Path, chosen: Sequence[tuple[str, str]]) -> None:
        """Erase in a copy, write every page of the copy anew, and put it in the backup's place."""
        try:
            with _open_copy(path) as (part, database):
                with database.write() as connection:
                    erasures.choose(connection, list(_find_present(connection, chosen)))
                    erasures.delete_chosen(connection, bury=False)
                    # Its pages are written anew: whatever was being erased when it was taken is gone from them too.
                    connection.execute("DELETE FROM erasures WHERE completed_at IS NULL")
                    fulltext.merge(connection)
                database.vacuum()
                database.truncate_log(0.0)
                database.close()
                with closing(sqlite3.connect(part)) as connection:
                    connection.execute("PRAGMA journal_mode=DELETE")
                part.replace(path)
        except (OSError, sqlite3.Error) as error:
            raise BackupError(f"The backup {path.name} could not be rewritten: {error}.", "Remove it.") from error


def _find_present(connection: sqlite3.Connection, chosen: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for table, identifier in chosen:
        if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (identifier,)).fetchone():
            yield table, identifier


def _sums(connection: sqlite3.Connection) -> list[tuple[int, ...]]:
    """Return counts and sums that a faithful copy has too: rows, and the bytes of texts and vectors."""
    sums = [
        tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone())
        for table in (*_tables_in(connection, tables.COUNTED), "embeddings")
    ]
    sums += [tuple(connection.execute(query).fetchone()) for query in _SUMS]
    return sums


def _tables_in(connection: sqlite3.Connection, names: Iterable[str]) -> list[str]:
    """Return which of these tables there are: a copy of an older store has not all."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [name for name in names if name in there]


def _verify(copy: sqlite3.Connection, sums: list[tuple[int, ...]]) -> None:
    """Raise sqlite3.DatabaseError unless the copy is sound and holds what was counted."""
    problem = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {problem}")
    if _sums(copy) != sums:
        raise sqlite3.DatabaseError("the copy does not hold the same")


@contextmanager
def _open_backup(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection


@contextmanager
def _open_copy(path: Path) -> Iterator[tuple[Path, Database]]:
    """Give a private copy of a backup, and the copy opened as a database; both are gone afterwards."""
    with private_part(path) as part:
        with _open_backup(path) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        with closing(Database(part)) as database:
            yield part, database


def _finish_erasures(copy: sqlite3.Connection) -> None:
    """Write the pages of a copy anew if an erasure was under way when it was taken.

    Its rows are gone, and their words and cells still in the pages of the full text and of the tables.
    """
    if erasures.count_incomplete(copy):
        for pragma in ("secure_delete=ON", "temp_store=MEMORY"):
            copy.execute(f"PRAGMA {pragma}")
        copy.execute("BEGIN")
        fulltext.merge(copy)
        copy.execute("COMMIT")
        copy.execute("VACUUM")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _schema(path: Path) -> int:
    try:
        with _open_backup(path) as connection:
            return _version(connection)
    except sqlite3.DatabaseError:
        return 0
