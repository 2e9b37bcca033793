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
    from memory_store.database.conversations import Conversations, Drafts, MergeOutcome, NewConversation, NewMessage
    from memory_store.database.documents import NewDocument
    from memory_store.database.files import OWN_DATA, OWN_DATA_HINT, is_own, is_own_file, is_own_place
    from memory_store.database.fulltext import STOP_WORDS
    from memory_store.database.glance import glance
    from memory_store.database.learning import Change, ChangeKind
    from memory_store.database.memories import NewMemory
    from memory_store.database.passages import StoredPassage
    from memory_store.database.private_rule import NOTHING, PrivateRule
    from memory_store.models import Selection
    from memory_store.store import Store
    from memory_store.transfer.encryption import is_encrypted
    from memory_store.transfer.formats import FOLDERS, Format
    from memory_store.transfer.restore import RestoreOptions
    from memory_store.vector_index.base import IndexKind, IndexSettings
    from memory_store.writing import whole_file, write_private

# What is public besides the modules `models`, `errors` and the like: each name with its home.
_HOME_OF = {
    "Change": "memory_store.database.learning",
    "ChangeKind": "memory_store.database.learning",
    "Conversations": "memory_store.database.conversations",
    "NewDocument": "memory_store.database.documents",
    "Drafts": "memory_store.database.conversations",
    "STOP_WORDS": "memory_store.database.fulltext",
    "glance": "memory_store.database.glance",
    "MergeOutcome": "memory_store.database.conversations",
    "NewConversation": "memory_store.database.conversations",
    "NewMessage": "memory_store.database.conversations",
    "NewMemory": "memory_store.database.memories",
    "OWN_DATA": "memory_store.database.files",
    "OWN_DATA_HINT": "memory_store.database.files",
    "is_own": "memory_store.database.files",
    "is_own_file": "memory_store.database.files",
    "is_own_place": "memory_store.database.files",
    "StoredPassage": "memory_store.database.passages",
    "NOTHING": "memory_store.database.private_rule",
    "PrivateRule": "memory_store.database.private_rule",
    "Selection": "memory_store.models",
    "Store": "memory_store.store",
    "is_encrypted": "memory_store.transfer.encryption",
    "FOLDERS": "memory_store.transfer.formats",
    "Format": "memory_store.transfer.formats",
    "RestoreOptions": "memory_store.transfer.restore",
    "whole_file": "memory_store.writing",
    "write_private": "memory_store.writing",
    "IndexKind": "memory_store.vector_index.base",
    "IndexSettings": "memory_store.vector_index.base",
}

__all__ = [
    "FOLDERS",
    "NOTHING",
    "OWN_DATA",
    "OWN_DATA_HINT",
    "STOP_WORDS",
    "Change",
    "ChangeKind",
    "Conversations",
    "Drafts",
    "Format",
    "IndexKind",
    "IndexSettings",
    "MergeOutcome",
    "NewConversation",
    "NewDocument",
    "NewMemory",
    "NewMessage",
    "PrivateRule",
    "RestoreOptions",
    "Selection",
    "Store",
    "StoredPassage",
    "glance",
    "is_encrypted",
    "is_own",
    "is_own_file",
    "is_own_place",
    "whole_file",
    "write_private",
]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a process that verifies or completes a word needs little of it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
