"""What is stored and what recall returns, as frozen types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final


class AuthorKind(StrEnum):
    """Who made a text."""

    USER = "user"
    MODEL = "model"
    DOCUMENT = "document"


class SourceKind(StrEnum):
    """What a passage belongs to."""

    DOCUMENT = "document"
    CONVERSATION = "conversation"
    MEMORY = "memory"


class MemoryKind(StrEnum):
    """What sort of thing a memory holds."""

    NOTE = "note"
    FACT = "fact"
    PREFERENCE = "preference"
    EVENT = "event"
    GOAL = "goal"


class Role(StrEnum):
    """The side of a conversation that a message comes from."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    """How far a message came: an answer is `pending` while it streams, `partial` when it was cut or cancelled."""

    COMPLETE = "complete"
    PENDING = "pending"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a text: the user, a model by name, or a document (by the name it gives its author, if any)."""

    kind: AuthorKind
    name: str | None = None


USER = Author(AuthorKind.USER)


@dataclass(frozen=True, slots=True)
class Locator:
    """Where in its source a passage stands. Lines and pages count from 1; `line_end` is inclusive.

    `part` names a piece that has no page or line: a mail in a mailbox, a row of a table, a chapter, a key. `times` are
    the lines of iCalendar (RFC 5545) that say when something in a calendar is; a UID in them is a number.
    """

    page: int | None = None
    headings: tuple[str, ...] = ()
    line_start: int | None = None
    line_end: int | None = None
    part: str | None = None
    times: str | None = None

    def label(
        self, *, page: str = "page {number}", line: str = "line {number}", lines: str = "lines {first}–{last}"
    ) -> str:
        """Return the place in words for a person, such as `page 3 › Cover › lines 4–9`; empty if unknown.

        `page`, `line` and `lines` say it in another language.
        """
        pieces = [page.format(number=self.page)] if self.page is not None else []
        if self.part:
            pieces.append(self.part)
        pieces.extend(self.headings)
        if self.line_start is not None:
            last = self.line_end if self.line_end is not None else self.line_start
            words = line if last == self.line_start else lines
            pieces.append(words.format(number=last, first=self.line_start, last=last))
        return " › ".join(pieces)


@dataclass(frozen=True, slots=True)
class PassageDraft:
    """A passage about to be stored: its exact text and where it stands. Author and time default to the source's.

    `caption` describes a picture that came with it: searched and embedded with the text, never part of it.
    """

    text: str
    locator: Locator = Locator()
    author: Author | None = None
    created_at: datetime | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a file, such as a mail in a mailbox or a page, that can't be read while the rest can, and why."""

    part: str
    reason: str
    hint: str

    def in_words(self) -> str:
        """Return it on a line, the next step in brackets."""
        return f"{self.part}: {self.reason}" + (f" ({self.hint})" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was imported. `path` is absolute, with `!/` before a member of a zip; `content_hash` is SHA-256.

    `left_out` is what of it could not be read.
    """

    id: str
    path: str
    title: str
    media_type: str
    content_hash: str
    size_bytes: int
    author: Author
    created_at: datetime
    imported_at: datetime
    private: bool
    passage_count: int
    left_out: tuple[LeftOut, ...] = ()


# The origin of the conversation that holds what was asked from the shell, before its id.
SHELL_ORIGIN: Final = "shell:"


class Effort(StrEnum):
    """How much an answer may take: the least, the usual, or as much as it needs; or that it may take a day."""

    INSTANT = "instant"
    BALANCED = "balanced"
    THOROUGH = "thorough"
    LATER = "later"


class Purpose(StrEnum):
    """What a request to a model was for."""

    ANSWER = "answer"
    TITLE = "title"
    SUMMARY = "summary"
    LEARN = "learn"
    SPLIT = "split"
    MISSING = "missing"
    CHECK = "check"
    CARDS = "cards"
    HINT = "hint"
    EMBED = "embed"
    TASK = "task"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat: a tree of messages. `current_message_id` ends the path in view; None is the latest message.

    `origin` names it in the export of another assistant that it was imported from, or begins with `SHELL_ORIGIN`.
    `archived` keeps it out of the list of chats, not out of recall. `effort` is what answers in it take, if the user
    chose that here.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    private: bool
    message_count: int
    current_message_id: str | None = None
    origin: str | None = None
    archived: bool = False
    effort: Effort | None = None


class ToolOutcome(StrEnum):
    """How the use of a tool ended. Of what is only begun, as a crash or a stop cut it, nobody knows whether it was
    done."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What a model asked of a tool for an answer: JSON `arguments`, and what became of it."""

    tool: str
    arguments: str
    outcome: ToolOutcome


@dataclass(frozen=True, slots=True)
class Approval:
    """That the user lets a tool be used without being asked: a hash of all that is told of it, its name and origin."""

    fingerprint: str
    tool: str
    origin: str
    allowed_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `parent_id` is None for the first. Tokens are None where nobody counted."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    text: str
    author: Author
    status: MessageStatus
    created_at: datetime
    private: bool
    input_tokens: int | None = None
    output_tokens: int | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """A note or fact. `valid_from`/`valid_to` say when it was true, `recorded_at` when it was learned.

    `retired_at` is when we learned that it is true no more; None while it lives. `sources` are the ids of the messages
    and documents that it was made from; erased with the last of them. `about` is what of the user it is about, of a
    published list; empty where nobody has looked. `why` and `horizon` (until when, in words) are a goal's.
    """

    id: str
    kind: MemoryKind
    text: str
    author: Author
    pinned: bool
    private: bool
    recorded_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    superseded_by: str | None = None
    sources: tuple[str, ...] = ()
    origin: str | None = None
    about: str = ""
    retired_at: datetime | None = None
    why: str | None = None
    horizon: str | None = None

    @property
    def is_living(self) -> bool:
        """Whether it is believed still: neither superseded nor ended."""
        return self.retired_at is None


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


@dataclass(frozen=True, slots=True)
class Source:
    """What a hit's passage belongs to: a document (`path` set), a conversation, or a memory."""

    id: str
    kind: SourceKind
    title: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """What one signal said of a passage: its own value (a BM25, a cosine, a count), and what that added to the score.

    A hit's reasons come strongest first; a signal that says nothing about the passage is left out.
    """

    signal: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A recalled passage. `score` orders hits of one recall; it is not comparable between recalls.

    `relevance` is: the calibrated probability, 0 to 1, that the passage has to do with what was asked at all.
    `matched` are the words of the query as the passage or its context has them, folded (CJK as bigrams); `also_in`
    names the other sources in which nearly the same text stands. `may_ask` is true of what the user said in a
    chat where it may be a question, and so tell nothing.
    """

    id: str
    kind: SourceKind
    text: str
    score: float
    source: Source
    locator: Locator
    author: Author
    created_at: datetime
    private: bool
    reasons: tuple[Reason, ...]
    message_id: str | None = None
    relevance: float = 1.0
    matched: tuple[str, ...] = ()
    also_in: tuple[Source, ...] = ()
    may_ask: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What stands right before or after a hit in its document or conversation; `id` is the passage's."""

    id: str
    text: str
    author: Author
    private: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The passages on both sides of a hit; None where there is none, or none that may be shown."""

    before: Neighbour | None = None
    after: Neighbour | None = None


@dataclass(frozen=True, slots=True)
class RecallFilters:
    """What recall may return. Times bound `created_at`: `since` inclusive, `until` exclusive; `authors` are names.

    `exclude_message_ids` leaves out messages that are in view anyway. `as_of` recalls as things stood at a moment, by
    what is known today: memories that were true then, superseded since or not, and what was written before. `echoes`
    adds what the user merely asked and what a model said; a query for what was said in conversations, or what "you"
    said, has them by itself.
    """

    kinds: frozenset[SourceKind] = frozenset()
    source_ids: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    include_private: bool = True
    exclude_message_ids: frozenset[str] = frozenset()
    as_of: datetime | None = None
    echoes: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of an answer as it was numbered for the model. `passage_id` is None once the passage was erased.

    `dismissed` is true where the user called it not relevant: it is not recalled for this question again.
    """

    number: int
    passage_id: str | None
    cited: bool
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Whole ids of documents, conversations, messages and memories in any mixture; a range of time; or everything.

    `since` is inclusive and `until` exclusive; they select what was written, noted or imported then. `everywhere` also
    takes the messages that chosen memories were made from, and the answers that cite what goes.
    """

    ids: tuple[str, ...] = ()
    everything: bool = False
    since: datetime | None = None
    until: datetime | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What a service on another machine received of some records: how many of them, between which times."""

    endpoint: str
    model: str
    purpose: str
    first: datetime
    last: datetime
    items: int


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure takes: how many records of each kind, and the titles a person knows them by.

    `staying` counts what repeats it and stays, by what it is; `sent` is what left this machine before;
    `backups` names those in the data folder that hold some of it.
    """

    counts: Mapping[str, int]
    titles: tuple[str, ...] = ()
    staying: Mapping[str, int] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    backups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was asked for. `completed_at` is None while anything may still be on the disk.

    `receipt` is JSON (`receipts.parse_receipt`); with a receipt but no time of completion a verification failed.
    """

    id: str
    requested_at: datetime
    completed_at: datetime | None
    counts: Mapping[str, int]
    receipt: str | None = None
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Counts of what the store holds, and how far embedding and indexing are."""

    documents: int
    conversations: int
    messages: int
    memories: int
    cards: int
    recipes: int
    passages: int
    embedded: int
    to_embed: int
    to_index: int
    pending_erasures: int
    database_bytes: int
    index_bytes: int
    embedder: str | None = None
    by_kind: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Activity:
    """How the record grew: memories by the day they were learned, superseded ones too; passages by their source."""

    memories: Mapping[date, int]
    passages: Mapping[SourceKind, int]
