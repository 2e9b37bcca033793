"""What the exports of other assistants become, as a stream: conversations, each a tree of messages, and memories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.conversations.values import strip_thinking, title_from
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Role

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


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in a node. A time that is not known is that of what came before."""

    role: Role
    text: str
    author: Author
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a conversation's tree; `said` is None for one that is left out."""

    key: str
    parent: str | None
    said: Said | None


@dataclass(slots=True)
class Thread:
    """Gathers the nodes of one conversation, and counts what of it is left out."""

    nodes: list[Node] = field(default_factory=list)
    skipped: Counter[Skipped] = field(default_factory=Counter)

    def add(self, key: str, said: Said | None) -> None:
        """Add a node that follows the one before."""
        self.nodes.append(Node(key, self.nodes[-1].key if self.nodes else None, said))

    def said(self, role: Role, words: str, model: str, created_at: datetime | None) -> Said | None:
        """Return what was said, an answer without its reasoning; None if nothing is left. What goes is counted."""
        words = words.strip()
        if role is Role.ASSISTANT:
            words, thought = strip_thinking(words)
            self.skipped.update([Skipped.THINKING] if thought else [])
        if not words:
            self.skipped[Skipped.EMPTY] += 1
            return None
        return Said(role, words, USER if role is Role.USER else Author(AuthorKind.MODEL, model), created_at)

    def messages(self, started: datetime | None, otherwise: datetime) -> tuple[ImportedMessage, ...]:
        """Return the messages, the first at the time when it started, or at that of the earliest. Raise `ReadError`."""
        known = [node.said.created_at for node in self.nodes if node.said and node.said.created_at]
        if messages := link(self.nodes, started or min(known, default=otherwise)):
            return messages
        raise torn("it has no messages with text")

    def conversation(
        self,
        origin: str,
        title: object,
        messages: tuple[ImportedMessage, ...],
        *,
        created_at: datetime | None = None,
        updated_at: datetime | None = None,
        current: str | None = None,
        private: bool = False,
    ) -> ImportedConversation:
        """Return the conversation; times and title are taken from its messages where they are not given."""
        times = [message.created_at for message in messages]
        return ImportedConversation(
            origin,
            title_from(title, messages[0].text),
            created_at or min(times),
            updated_at or max(times),
            messages,
            visible_end(self.nodes, current, messages),
            self.skipped,
            private,
        )


def torn(reason: str) -> ReadError:
    """Return the error for one conversation that is not as its format has it."""
    return ReadError(reason, "The rest is imported. Export again if it matters.")


def link(nodes: Sequence[Node], started: datetime) -> tuple[ImportedMessage, ...]:
    """Return the messages, parents first and otherwise in their order, each with its nearest parent that is kept.

    A circle is opened where it is first met.
    """
    by_key: dict[str, Node] = {}
    for node in nodes:
        by_key.setdefault(node.key, node)
    done: dict[str, str | None] = {}
    """For every node that was looked at: itself if it is kept, else its nearest ancestor that is."""
    times: dict[str, datetime] = {}
    messages: list[ImportedMessage] = []
    for node in by_key.values():
        for item in _chain(node, by_key, done):
            parent = done.get(item.parent) if item.parent is not None else None
            if item.said is None:
                done[item.key] = parent
                continue
            done[item.key] = item.key
            moment = item.said.created_at or (times[parent] if parent else started)
            times[item.key] = moment
            messages.append(ImportedMessage(item.key, parent, item.said.role, item.said.text, item.said.author, moment))
    return tuple(messages)


def _chain(node: Node, by_key: Mapping[str, Node], done: Mapping[str, str | None]) -> list[Node]:
    """Return the node and those of its ancestors that were not looked at, eldest first."""
    chain: list[Node] = []
    seen: set[str] = set()
    at: Node | None = node
    while at is not None and at.key not in done and at.key not in seen:
        seen.add(at.key)
        chain.append(at)
        at = by_key.get(at.parent) if at.parent is not None else None
    return chain[::-1]


def visible_end(nodes: Sequence[Node], current: str | None, messages: Sequence[ImportedMessage]) -> str | None:
    """Return the message that ends the path in view: the one named, or its nearest that is kept, or the last one."""
    kept = {message.origin for message in messages}
    by_key = {node.key: node for node in nodes}
    seen: set[str] = set()
    while current is not None and current in by_key and current not in seen:
        if current in kept:
            return current
        seen.add(current)
        current = by_key[current].parent
    return messages[-1].origin if messages else None
