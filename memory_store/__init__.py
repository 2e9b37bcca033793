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
    from memory_store.database.documents import NewDocument
    from memory_store.database.imported import MergeOutcome, NewConversation, NewMessage
    from memory_store.database.memories import NewMemory
    from memory_store.forgetting import Selection
    from memory_store.store import Store

__all__ = ["MergeOutcome", "NewConversation", "NewDocument", "NewMemory", "NewMessage", "Selection", "Store"]

_HOME_OF = {
    "NewDocument": "memory_store.database.documents",
    "MergeOutcome": "memory_store.database.imported",
    "NewConversation": "memory_store.database.imported",
    "NewMessage": "memory_store.database.imported",
    "NewMemory": "memory_store.database.memories",
    "Selection": "memory_store.forgetting",
    "Store": "memory_store.store",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: a process that verifies or completes a word needs little of it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
