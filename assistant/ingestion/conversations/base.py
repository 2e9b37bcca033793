"""What the exports of other assistants become: conversations, memories and documents, as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from assistant.ingestion.base import ReadLimits, SourceFile
from memory_store.models import Author, MemoryKind, Role

if TYPE_CHECKING:
    from assistant.ingestion.conversations.exports import Export


class Skipped(StrEnum):
    """Why a part of a conversation is left out, in words for the report."""

    HIDDEN = "hidden"
    SYSTEM = "instructions"
    THINKING = "thinking"
    TOOL = "tools"
    PROFILE = "profile"
    EMPTY = "without text"


@dataclass(frozen=True, slots=True)
class ImportedMessage:
    """A message of an export. `origin` is unique in its conversation, and the same in a later export."""

    origin: str
    parent_origin: str | None
    role: Role
    text: str
    author: Author
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ImportedConversation:
    """A conversation with all its branches, parents before children; `current` ends the path that was in view.

    `skipped` counts what was left out of it.
    """

    origin: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: tuple[ImportedMessage, ...]
    current: str | None
    skipped: Mapping[Skipped, int] = field(default_factory=dict)
    private: bool = False


@dataclass(frozen=True, slots=True)
class ImportedMemory:
    """Something that the other assistant remembered. Its origin changes with its text."""

    origin: str
    text: str
    author: Author
    kind: MemoryKind = MemoryKind.NOTE
    private: bool = False


@dataclass(frozen=True, slots=True)
class ImportedDocument:
    """A document that lies inside an export; its path stays the same in a later one."""

    file: SourceFile


@dataclass(frozen=True, slots=True)
class Torn:
    """A conversation that can't be imported: its number in the export, its title if it has one, and why."""

    number: int
    title: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RecognisedExport:
    """What an export is: the assistant it is of, and whether all of it is the export or which members are."""

    name: str
    whole: bool
    members: frozenset[str]


Imported = ImportedConversation | ImportedMemory | ImportedDocument | Torn


class ConversationFormat(Protocol):
    """Reads the exports of one assistant."""

    @property
    def key(self) -> str:
        """The beginning of every origin, such as `chatgpt`."""
        ...

    @property
    def name(self) -> str:
        """The assistant's name for a person."""
        ...

    def recognises(self, export: Export) -> bool:
        """Return whether an export is of this format, by its content."""
        ...

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield what the export holds. What is torn is yielded as such; the rest goes on."""
        ...
