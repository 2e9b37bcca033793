"""A local store of documents, conversations and memories with recall and verified deletion; usable alone.

>>> from pathlib import Path
>>> from memory_store import Store
>>> with Store.open(Path("my-memory")) as store:
...     store.remember("The spare key is with Ines at number 12.")
...     hits = store.recall("Who has the spare key?")
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memory_store.database.cards import Card as Card
    from memory_store.database.cards import CardReview as CardReview
    from memory_store.database.cards import Grade as Grade
    from memory_store.database.cards import NewCard as NewCard
    from memory_store.database.cards import stands_in as stands_in
    from memory_store.database.conversations import Conversations as Conversations
    from memory_store.database.conversations import Drafts as Drafts
    from memory_store.database.conversations import MergeOutcome as MergeOutcome
    from memory_store.database.conversations import NewConversation as NewConversation
    from memory_store.database.conversations import NewMessage as NewMessage
    from memory_store.database.documents import NewDocument as NewDocument
    from memory_store.database.files import OWN_DATA as OWN_DATA
    from memory_store.database.files import OWN_DATA_HINT as OWN_DATA_HINT
    from memory_store.database.files import is_own as is_own
    from memory_store.database.files import is_own_file as is_own_file
    from memory_store.database.files import is_own_place as is_own_place
    from memory_store.database.fulltext import STOP_WORDS as STOP_WORDS
    from memory_store.database.glance import glance as glance
    from memory_store.database.late import LateRequest as LateRequest
    from memory_store.database.late import LateState as LateState
    from memory_store.database.learning import Change as Change
    from memory_store.database.learning import ChangeKind as ChangeKind
    from memory_store.database.ledger import Grouping as Grouping
    from memory_store.database.ledger import LedgerEntry as LedgerEntry
    from memory_store.database.ledger import Limit as Limit
    from memory_store.database.ledger import NewEntry as NewEntry
    from memory_store.database.ledger import Total as Total
    from memory_store.database.ledger import Unit as Unit
    from memory_store.database.ledger import Usage as Usage
    from memory_store.database.ledger import Window as Window
    from memory_store.database.ledger import amount_text as amount_text
    from memory_store.database.memories import NewMemory as NewMemory
    from memory_store.database.passages import StoredPassage as StoredPassage
    from memory_store.database.private_rule import NOTHING as NOTHING
    from memory_store.database.private_rule import PrivateRule as PrivateRule
    from memory_store.database.recipes import NewRecipe as NewRecipe
    from memory_store.database.recipes import Recipe as Recipe
    from memory_store.database.schedules import Due as Due
    from memory_store.database.schedules import NewSchedule as NewSchedule
    from memory_store.database.schedules import Rerun as Rerun
    from memory_store.database.schedules import Schedule as Schedule
    from memory_store.database.schedules import ScheduleState as ScheduleState
    from memory_store.database.tasks import ItemState as ItemState
    from memory_store.database.tasks import StepOutcome as StepOutcome
    from memory_store.database.tasks import Task as Task
    from memory_store.database.tasks import TaskItem as TaskItem
    from memory_store.database.tasks import TaskStanding as TaskStanding
    from memory_store.database.tasks import TaskState as TaskState
    from memory_store.database.tasks import TaskStep as TaskStep
    from memory_store.models import Selection as Selection
    from memory_store.retrieval.words import stems as stems
    from memory_store.store import Store as Store
    from memory_store.transfer.encryption import is_encrypted as is_encrypted
    from memory_store.transfer.formats import FOLDERS as FOLDERS
    from memory_store.transfer.formats import Format as Format
    from memory_store.transfer.restore import RestoreOptions as RestoreOptions
    from memory_store.vector_index.base import IndexKind as IndexKind
    from memory_store.vector_index.base import IndexSettings as IndexSettings
    from memory_store.writing import whole_file as whole_file
    from memory_store.writing import write_private as write_private

# What is public besides the modules `models`, `errors` and the like: each home with its names.
_PUBLIC = {
    "memory_store.database.cards": ("Card", "CardReview", "Grade", "NewCard", "stands_in"),
    "memory_store.database.conversations": ("Conversations", "Drafts", "MergeOutcome", "NewConversation", "NewMessage"),
    "memory_store.database.documents": ("NewDocument",),
    "memory_store.database.files": ("OWN_DATA", "OWN_DATA_HINT", "is_own", "is_own_file", "is_own_place"),
    "memory_store.database.fulltext": ("STOP_WORDS",),
    "memory_store.database.glance": ("glance",),
    "memory_store.database.late": ("LateRequest", "LateState"),
    "memory_store.database.learning": ("Change", "ChangeKind"),
    "memory_store.database.ledger": (
        "Grouping",
        "LedgerEntry",
        "Limit",
        "NewEntry",
        "Total",
        "Unit",
        "Usage",
        "Window",
        "amount_text",
    ),
    "memory_store.database.memories": ("NewMemory",),
    "memory_store.database.passages": ("StoredPassage",),
    "memory_store.database.private_rule": ("NOTHING", "PrivateRule"),
    "memory_store.database.schedules": ("Due", "NewSchedule", "Rerun", "Schedule", "ScheduleState"),
    "memory_store.database.recipes": ("NewRecipe", "Recipe"),
    "memory_store.database.tasks": (
        "ItemState",
        "StepOutcome",
        "Task",
        "TaskItem",
        "TaskStanding",
        "TaskState",
        "TaskStep",
    ),
    "memory_store.models": ("Selection",),
    "memory_store.retrieval.words": ("stems",),
    "memory_store.store": ("Store",),
    "memory_store.transfer.encryption": ("is_encrypted",),
    "memory_store.transfer.formats": ("FOLDERS", "Format"),
    "memory_store.transfer.restore": ("RestoreOptions",),
    "memory_store.vector_index.base": ("IndexKind", "IndexSettings"),
    "memory_store.writing": ("whole_file", "write_private"),
}
_HOME_OF = {name: home for home, names in _PUBLIC.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a process that verifies or completes a word needs little of it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
