"""What is learned beside the memories themselves, as frozen types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from memory_store.models import Author, Memory


@dataclass(frozen=True, slots=True)
class Ground:
    """What a memory rests on: the id of a message or document, and the words of it that say so, if they were kept."""

    source_id: str
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What the user said of a goal, and when."""

    reviewed_at: datetime
    text: str


class QuestionKind(StrEnum):
    """What only the user can answer: which of two memories is true, or whether one may be a line of the profile."""

    CONTRADICTION = "contradiction"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class Question:
    """An open question about a memory; of a contradiction, `other` is the earlier memory."""

    kind: QuestionKind
    memory: Memory
    asked_at: datetime
    other: Memory | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in a conversation up to a message, in short; by a model, or extracted without one."""

    conversation_id: str
    message_id: str
    text: str
    author: Author
    private: bool
    made_at: datetime
