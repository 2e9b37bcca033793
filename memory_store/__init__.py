"""A local store of documents, conversations and memories with recall and verified deletion; usable alone.

>>> from pathlib import Path
>>> from memory_store import Store
>>> with Store.open(Path("my-memory")) as store:
...     store.remember("The spare key is with Ines at number 12.")
...     hits = store.recall("Who has the spare key?")
"""

from memory_store.database.documents import NewDocument
from memory_store.database.imported import MergeOutcome, NewConversation, NewMessage
from memory_store.database.memories import NewMemory
from memory_store.forgetting import Selection
from memory_store.store import Store

__all__ = ["MergeOutcome", "NewConversation", "NewDocument", "NewMemory", "NewMessage", "Selection", "Store"]
