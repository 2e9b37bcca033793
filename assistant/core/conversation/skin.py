"""What a conversation needs of whoever shows it: to tell something, to ask something, to show what has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from assistant.core.events import Event
    from assistant.core.tools.forms import ServerQuestion, UserAnswer
    from memory_store import NewMemory
    from memory_store.models import ErasurePlan, Memory, Message

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
ReportKind = Literal["info", "good", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say of something that was done, and what to do next; `about` is the id of what it repeats."""

    text: str
    hint: str = ""
    kind: ReportKind = "info"
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Choice(Generic[T_co]):
    """One of several things to choose from: its name, what more there is to say, what is chosen by it."""

    name: str
    detail: str
    value: T_co


@dataclass(frozen=True, slots=True)
class TurnAsked:
    """An answer is on its way, by the model of this name.

    It is to the `text` of a new message, written in place of an earlier one where `instead_of` has its id; or, without
    a text, `again` to this message of the user, or to the one that this answer is to.
    """

    model: str
    text: str | None = None
    instead_of: str | None = None
    again: str | None = None


@dataclass(frozen=True, slots=True)
class TurnBroke:
    """The turn ended by an error that is raised; what has come of the answer is kept."""


@dataclass(frozen=True, slots=True)
class TitleChanged:
    """The conversation in view has another title."""

    title: str


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """Another conversation is in view: a new one, or a stored one that is gone on with."""


@dataclass(frozen=True, slots=True)
class BranchChanged:
    """Another branch of the conversation is in view."""


@dataclass(frozen=True, slots=True)
class PrivacyChanged:
    """The conversation is kept to this machine from now on, or no longer."""


@dataclass(frozen=True, slots=True)
class EffortChanged:
    """Answers in the conversation take another effort from now on."""


@dataclass(frozen=True, slots=True)
class AnswerArrived:
    """An answer in view that was waited for is here, or will not come: this is how it is stored."""

    message: Message


@dataclass(frozen=True, slots=True)
class MemoryChanged:
    """Something was remembered, imported or erased. `erased` says that what repeats it goes from view, too."""

    erased: bool = False


if TYPE_CHECKING:
    ConversationEvent = (
        Event
        | TurnAsked
        | TurnBroke
        | TitleChanged
        | ConversationOpened
        | BranchChanged
        | PrivacyChanged
        | EffortChanged
        | AnswerArrived
        | MemoryChanged
    )


class Skin(Protocol):
    """A terminal full of widgets, or lines; all of it is called from one event loop."""

    async def show(self, event: ConversationEvent) -> None:
        """Show what has happened."""

    async def tell(self, told: Report) -> None:
        """Say something that stays in view."""

    def remark(self, text: str, *, warning: bool = False) -> None:
        """Say something that passes."""

    def show_activity(self, text: str = "") -> None:
        """Show what is being done; an empty text when it is done."""

    def is_attended(self) -> bool:
        """Say whether somebody is there to ask: a question that a file or a pipe answers was never read."""

    async def choose(self, title: str, choices: Sequence[Choice[T]]) -> T | None:
        """Return the value of what is chosen; None if nothing is."""

    async def ask(
        self,
        question: str,
        example: str = "",
        *,
        hint: str = "",
        check: Callable[[str], object] | None = None,
        secret: bool = False,
        optional: bool = False,
    ) -> str | None:
        """Return a line; None if the question was closed, or nothing written where something is needed.

        `check` raises a KeepsakeError for what can't be taken. What is `secret` is not shown, and may be empty; so may
        what is `optional`.
        """

    async def fill_in(self, question: ServerQuestion) -> UserAnswer:
        """Return what the user fills into the form of a server, and that they agree to send it, or don't."""

    async def write_memory(self, title: str, memory: Memory) -> NewMemory | None:
        """Return a newer version of a memory; None if it was closed."""

    async def edit(self, text: str, name: str) -> str | None:
        """Return a text as the user leaves it in an editor; None where that failed, which is told."""

    async def agree_to_erase(self, plan: ErasurePlan, *, everything: bool) -> bool:
        """Show what an erasure takes, and return whether it shall. Raises StoreError where nobody can be asked."""

    async def replaces(self, path: str) -> bool:
        """Return whether a file that is there may be replaced."""

    def give_back(self, text: str) -> bool:
        """Put words that were sent back to where they were written; return whether that can be done."""

    def start(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Do something beside the conversation, in place of what goes on under the same name; a failure is told."""

    def cancel(self, name: str) -> None:
        """End what goes on under this name."""
