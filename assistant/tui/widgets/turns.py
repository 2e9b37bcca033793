"""How turns and stored messages become widgets: questions, answers as they stream in, sources, help, notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from assistant.core.care.before_answer import offered_for
from assistant.core.care.settings import CareSettings
from assistant.core.conversation.skin import TurnAsked, TurnBroke
from assistant.core.conversation.telling import describe_handed_in, describe_late, describe_retry
from assistant.core.events import (
    AnswerChecked,
    CareOffered,
    LookedFurther,
    Recalled,
    ToolsMissed,
    TurnFailed,
    TurnFinished,
    TurnHandedIn,
    TurnStarted,
)
from assistant.display import excerpt
from assistant.failures import hint_of
from assistant.language import _, plural
from assistant.llm.base import (
    REFUSED,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolEnded,
    ToolStarted,
    WasThinking,
)
from assistant.tui.sources import SourceView, of_citation, of_numbered
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.care_block import CareBlock
from assistant.tui.widgets.earlier import EarlierMessages
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.transcript import Transcript
from assistant.tui.widgets.user_message import UserMessage
from memory_store import Store
from memory_store.models import Message, MessageStatus, Role, ToolOutcome, ToolUse

if TYPE_CHECKING:
    from textual.widget import Widget

    from assistant.core.conversation.skin import ConversationEvent

# Each frame lays out every message that is shown, so a long chat is shown from its end, and more of it when wanted.
SHOWN_AT_FIRST: Final = 20
SHOWN_MORE: Final = 40
MOST_SHOWN: Final = 60
_CALL_CHARS: Final = 120
_NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A stored message with its sources and what was asked of tools for it, or with the help that it calls for.

    `ending` says how it stands with an answer that is not whole.
    """

    message: Message
    sources: tuple[SourceView, ...] = ()
    help: str = ""
    uses: tuple[ToolUse, ...] = ()
    ending: str = ""


def read_messages(store: Store, messages: Sequence[Message], care: CareSettings) -> list[StoredMessage]:
    """Return messages as they are shown; reads the store."""
    return [_read(store, message, care) for message in messages]


def _read(store: Store, message: Message, care: CareSettings) -> StoredMessage:
    if message.role is Role.USER:
        offered = offered_for(message.text, care)
        return StoredMessage(message, help=offered.text if offered else "")
    citations = store.conversations.citations(message.id) if message.text else []  # what comes later has cited nothing
    sources = tuple(of_citation(store, citation) for citation in citations)
    ending = _ending_of(store, message) if message.status is not MessageStatus.COMPLETE else ""
    return StoredMessage(message, sources, uses=tuple(store.conversations.tool_uses(message.id)), ending=ending)


def _ending_of(store: Store, message: Message) -> str:
    """Return how it stands with an answer that is not whole."""
    late = store.late.of_message(message.id) if message.status is MessageStatus.PENDING else None
    return describe_late(late) if late is not None else _("Incomplete: this answer was stopped or cut.")


def widgets_of(stored: Sequence[StoredMessage], before: int) -> list[Widget]:
    """Return what shows stored messages, and what stands for so many `before` them."""
    widgets: list[Widget] = [EarlierMessages(before)] if before else []
    for entry in stored:
        message = entry.message
        if message.role is Role.USER:
            widgets.append(UserMessage(message.text, message.id))
            widgets += [CareBlock(entry.help)] if entry.help else []
        else:
            name = message.author.name or "assistant"
            widgets += [_notice_of(use.tool, use.arguments, "", use.outcome) for use in entry.uses]
            widgets.append(Answer(name, message.text, entry.sources, ending=entry.ending, message_id=message.id))
    return widgets


def _notice_of(tool: str, arguments: str, text: str, outcome: ToolOutcome) -> Notice:
    """Return what shows that a tool was used; where it was not done with what it said, as far as that is known."""
    failed = outcome is not ToolOutcome.DONE
    if text == REFUSED:
        text = _("You said no.")
    elif not text:
        text = _("It is not known whether this was done.") if outcome is ToolOutcome.BEGUN else _("This was not done.")
    words = excerpt(ToolCall("", tool, arguments).words, _CALL_CHARS)
    hint = excerpt(text, _CALL_CHARS) if failed else ""
    return Notice(f"{excerpt(tool, _NAME_CHARS)}: {words}", hint, "warning" if failed else "info")


async def put_away_old(transcript: Transcript, places: dict[str, int]) -> None:
    """Take the oldest messages of a chat from the screen once there are many, unless they are being read.

    `places` are the numbers of the messages in the branch in view, by their ids.
    """
    spoken = transcript.spoken
    if len(spoken) <= MOST_SHOWN or not transcript.is_vertical_scroll_end:
        return
    first = spoken[-SHOWN_AT_FIRST]
    if first.message_id not in places:
        return  # not stored yet: with the next answer
    children = list(transcript.column.children)
    with transcript.app.batch_update():
        await transcript.column.remove_children(children[: children.index(first)])
        await transcript.add(EarlierMessages(places[first.message_id]), before=0)


class TurnView:
    """Shows the events of turns in a transcript, one turn after the other."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._question: UserMessage | None = None
        self._answer = Answer("")
        self._retries = False

    async def show(self, event: ConversationEvent) -> None:
        """Show one event."""
        answer = self._answer
        if self._retries:  # no longer
            self._retries = False
            self._tell_waiting()
        match event:
            case TurnAsked():
                await self._begin(event)
            case TurnStarted(_, message):
                if self._question is not None:
                    self._question.message_id = message.id
            case (
                CareOffered()
                | LookedFurther()
                | ToolsMissed()
                | ToolStarted()
                | ToolEnded()
                | AnswerChecked()
                | Retrying()
            ):
                await self._tell(event)
            case Recalled():
                await self._tell_of_recall(event)
                self._tell_waiting()
            case ThinkingDelta(piece):
                await answer.think(piece)
            case TextDelta(piece):
                await answer.add(piece)
            case WasThinking():
                await answer.was_thinking()
            case TurnFinished(message, sources):
                answer.message_id = message.id
                await answer.finish(of_numbered(sources), message.author.name, _ending(message))
            case TurnHandedIn(message, trouble):
                answer.message_id = message.id
                await answer.finish((), message.author.name, describe_handed_in(trouble))
            case TurnFailed():
                await self._fail(event)
            case TurnBroke() if answer.is_attached:
                await answer.finish((), None, _("The answer broke off."))

    async def _tell(
        self, event: CareOffered | LookedFurther | ToolsMissed | ToolStarted | ToolEnded | AnswerChecked | Retrying
    ) -> None:
        """Show what goes with an answer: above it what is offered or was looked for, below it what has no source."""
        match event:
            case CareOffered(_, text):
                await self._transcript.add(CareBlock(text), before=self._answer)
            case LookedFurther(questions):
                words = _("Looked for as well: {questions}").format(questions=" · ".join(questions))
                await self._transcript.add(Notice(words), before=self._answer)
            case ToolsMissed(notes):
                await self._transcript.add(Notice("\n".join(notes), kind="warning"), before=self._answer)
            case Retrying(reason, pause_s):
                self._retries = True
                self._answer.say(describe_retry(reason, pause_s))
            case ToolStarted(call):
                self._answer.say(f"{excerpt(call.name, _NAME_CHARS)}: {excerpt(call.words, _CALL_CHARS)}")
            case ToolEnded(call, text, outcome):
                self._tell_waiting()
                told = _notice_of(call.name, call.arguments, text, outcome)
                await self._transcript.add(told, before=self._answer)
            case AnswerChecked(unsupported):
                words = _("In none of the sources: {sentence}")
                notices = [Notice(words.format(sentence=sentence), kind="warning") for sentence in unsupported]
                await self._transcript.add(*notices)

    def _tell_waiting(self) -> None:
        self._answer.say("" if self._answer.text else _("Waiting for the first word…"))

    async def _begin(self, asked: TurnAsked) -> None:
        """Show the user's words, if they are new, and that an answer is on its way."""
        transcript = self._transcript
        await self._make_way(asked)
        self._answer = Answer(asked.model)
        self._question = UserMessage(asked.text) if asked.text is not None else None
        await transcript.add(*([self._question] if self._question else []), self._answer)
        self._answer.say(_("Recalling…"))
        transcript.anchor()

    async def _make_way(self, asked: TurnAsked) -> None:
        """Take from view what this turn takes the place of; it stays on its branch."""
        spoken = self._transcript.find(asked.instead_of or asked.again)
        if spoken is None:
            return
        column = list(self._transcript.column.children)
        place = column.index(spoken)
        if asked.again is not None:
            place += isinstance(spoken, UserMessage)
            while place and isinstance(column[place - 1], CareBlock | Notice):  # they come again with the answer
                place -= 1
        if place < len(column):
            await self._transcript.cut(column[place])

    async def _tell_of_recall(self, recalled: Recalled) -> None:
        if recalled.left_out:
            told = _("Not attached, as it is private and this model is not on this machine: {titles}")
            words = told.format(titles=", ".join(recalled.left_out))
            await self._transcript.add(Notice(words, kind="warning"), before=self._answer)
        if recalled.shortened:
            told = _("Attached in part, as there is no room for all of it: {titles}")
            words = told.format(titles=", ".join(recalled.shortened))
            await self._transcript.add(Notice(words), before=self._answer)
        if recalled.withheld:
            words = plural(
                "{count} private passage was left out: this model is not on this machine.",
                "{count} private passages were left out: this model is not on this machine.",
                recalled.withheld,
            )
            await self._transcript.add(Notice(words, _("/model chooses one that is.")), before=self._answer)

    async def _fail(self, failed: TurnFailed) -> None:
        answer, message, error = self._answer, failed.message, failed.error
        answer.message_id = message.id if message else None
        await answer.finish(of_numbered(failed.sources), None, _("The answer broke off.") if message else "")
        if message is None:
            await answer.remove()
        next_step = _("/continue goes on with it, /retry answers again.") if message else _("/retry asks again.")
        await self._transcript.add(Notice(error.message, f"{hint_of(error)} {next_step}".strip(), "error"))


def _ending(message: Message) -> str:
    if message.status is MessageStatus.COMPLETE:
        return ""
    return _("Stopped.") if message.text else _("Stopped before the first word.")
