"""The base of the one exception tree, and the errors a store can raise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a person can do about a failure; whoever shows it knows the command for it."""

    EXAMINE = "examine"
    REPAIR = "repair"
    REINDEX = "reindex"
    SALVAGE = "salvage"
    SALVAGE_BACKUP = "salvage backup"
    BACK_UP = "back up"
    LIST_BACKUPS = "list backups"
    MERGE_BACKUP = "merge backup"
    REMOVE_BACKUP = "remove backup"
    SHOW_RECEIPT = "show receipt"
    RESTORE_BACKUP = "restore backup"
    EXPORT = "export"
    CHOOSE_FOLDER = "choose folder"


@dataclass(frozen=True, slots=True)
class Step:
    """An action, with the name of the backup or the id of the erasure that it is about."""

    action: Action
    name: str = ""


class KeepsakeError(Exception):
    """Something a person can be told: `message` says what is wrong, `hint` and `steps` what to do next."""

    def __init__(self, message: str, hint: str = "", *steps: Step) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.steps = steps


class StoreError(KeepsakeError):
    """The store can't do what was asked."""


class NotFoundError(StoreError):
    """No record carries this id."""


class ClosedError(StoreError):
    """The store was closed; nothing brings it back."""

    def __init__(self) -> None:
        super().__init__("The store is closed.")


class ChangedError(StoreError):
    """What was to be changed is no longer as it was when it was read: somebody else changed it meanwhile."""


class OverBudgetError(StoreError):
    """A request may take more than the budget of a `window` has left, or that can't be told: its price or energy is
    `unknown`."""

    def __init__(self, message: str, window: str, unknown: str = "") -> None:
        super().__init__(message)
        self.window = window
        self.unknown = unknown


class AmbiguousIdError(StoreError):
    """A shortened id fits more than one record."""


class RefusedRowError(StoreError):
    """A row doesn't fit the others: what it refers to is not there, or it is there already."""


class NewerSchemaError(StoreError):
    """The database was written by a newer version."""


class CorruptStoreError(StoreError):
    """SQLite reports that the database file is damaged."""


class LostRecordError(StoreError):
    """The database in the folder is no longer the file that is open: nothing is written to it any more."""


class EmbedderMismatchError(StoreError):
    """The stored vectors were made by another embedder."""


class EmbeddingError(StoreError):
    """An embedder could not be loaded or did not answer."""


class IndexUnavailableError(StoreError):
    """A vector index can't be opened or is not this process's to use."""


class ArchiveError(StoreError):
    """An archive is damaged, of another format, or can't go where it was asked to go."""


class BackupError(StoreError):
    """A backup can't be made, read, or put where it was asked to go."""


class ErasurePendingError(StoreError):
    """An erasure was recorded but is not yet complete on disk."""


class ErasureFailedError(StoreError):
    """The scan after an erasure found something of it, or could not prove that it would have."""
