"""What a turn tells whoever shows it: frozen events, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assistant.core.care.needs import Need
from assistant.llm.base import Retrying, TextDelta, ThinkingDelta, ToolEnded, ToolStarted, WasThinking
from memory_store.errors import KeepsakeError
from memory_store.models import Conversation, Hit, Memory, Message


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The user's message is stored."""

    conversation: Conversation
    message: Message


class PartKind(StrEnum):
    """What a part of a request is."""

    RULES = "rules"
    PINNED = "pinned"
    KNOWN = "known"
    GOALS = "goals"
    TOUCHING = "touching"
    SUMMARIES = "summaries"
    ATTACHED = "attached"
    RECALLED = "recalled"
    RECENT = "recent"
    RECIPE = "recipe"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class ContextPart:
    """A part of what the model sees in a turn: its words, its estimated tokens, and the id of what it is, if any."""

    kind: PartKind
    text: str
    tokens: int
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the model was given; `sources` are what was recalled, and what is known of the user with later numbers.

    `context_tokens` is the size of the request.

    `parts` is all that the model sees, in its order. `left_out` names what was attached and stays here because it is
    private, `shortened` what goes along only in part because there is no room. `withheld` counts what else would
    be in it and stays here as it is private: passages, memories, earlier messages, summaries.
    """

    sources: tuple[NumberedSource, ...]
    context_tokens: int
    parts: tuple[ContextPart, ...] = ()
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class LookedFurther:
    """What else was looked for: the parts of a question, or what was missing of what had been found."""

    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolsMissed:
    """Why some tools are not there in this turn, in a sentence each."""

    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerChecked:
    """The sentences of an answer that state something which stands in none of its sources; none where all do."""

    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CareOffered:
    """Plain words to be shown before the answer: help lines for a need, or, without one, a note on many heavy days.

    They are Keepsake's own: never the model's, never stored, and never part of what the model sees.
    """

    need: Need | None
    text: str


@dataclass(frozen=True, slots=True)
class Captured:
    """A memory made from what the user said, and the one whose place it takes, if any.

    `is_asked_about` says that it is not told as known before the user has answered a question about it.
    """

    memory: Memory
    instead_of: Memory | None = None
    is_asked_about: bool = False


@dataclass(frozen=True, slots=True)
class NoLongerTrue:
    """A memory that the user took back ("I sold the car"): it is no longer told as true and stays as history."""

    memory: Memory


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """A source as the model saw it, and whether the answer cites it."""

    number: int
    hit: Hit
    cited: bool


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The answer is stored. Its status says whether it is whole."""

    message: Message
    sources: tuple[NumberedSource, ...]


@dataclass(frozen=True, slots=True)
class TurnHandedIn:
    """The question is handed in: `message` is the answer that is waited for, still without a word.

    `trouble` says what went wrong where the service has not confirmed that it has it.
    """

    message: Message
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """There is no whole answer. `message` holds the part that came, stored as partial; None if nothing came."""

    error: KeepsakeError
    message: Message | None
    sources: tuple[NumberedSource, ...] = ()


@dataclass(frozen=True, slots=True)
class NothingMeant:
    """The user asked to take something for true no more, by these words, and no memory is of that."""

    words: str


Noted = Captured | NoLongerTrue | NothingMeant
Event = (
    TurnStarted
    | CareOffered
    | LookedFurther
    | ToolsMissed
    | Recalled
    | TextDelta
    | ThinkingDelta
    | WasThinking
    | Retrying
    | ToolStarted
    | ToolEnded
    | AnswerChecked
    | TurnFinished
    | TurnHandedIn
    | TurnFailed
)
