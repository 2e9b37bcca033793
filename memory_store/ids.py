"""Random ids: what they look like and how a shortened one is recognised."""

from __future__ import annotations

from random import SystemRandom
from typing import Final

DOCUMENT: Final = "doc"
CONVERSATION: Final = "con"
MESSAGE: Final = "msg"
MEMORY: Final = "mem"
PASSAGE: Final = "pas"
ERASURE: Final = "era"
REQUEST: Final = "req"
LEDGER_ENTRY: Final = "led"
LATE_REQUEST: Final = "lat"
TASK: Final = "tas"
TASK_ITEM: Final = "itm"
CARD: Final = "crd"
SCHEDULE: Final = "sch"
RECIPE: Final = "rec"

PREFIXES: Final = (
    *(DOCUMENT, CONVERSATION, MESSAGE, MEMORY, PASSAGE, ERASURE, REQUEST, LEDGER_ENTRY, LATE_REQUEST, TASK, TASK_ITEM),
    *(CARD, SCHEDULE, RECIPE),
)

# No vowels and no 0/1, so that an id never spells a word and is easy to read aloud: 20 of 27 signs are 95 bits.
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2345678"
_LENGTH: Final = 20
_RANDOM: Final = SystemRandom()


def new_id(prefix: str) -> str:
    """Return a fresh random id such as `doc_k7m…`. It says nothing about the content."""
    return f"{prefix}_" + "".join(_RANDOM.choice(_ALPHABET) for _ in range(_LENGTH))


def prefix_of(identifier: str) -> str | None:
    """Return the kind prefix of a whole or shortened id, or None if it has none that we know."""
    head, separator, _ = identifier.partition("_")
    return head if separator and head in PREFIXES else None
