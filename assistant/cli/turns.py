"""Turns on the command line: an answer streamed to stdout with its sources below, everything else on stderr."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant import bootstrap
from assistant.cli.output import say, show
from assistant.cli.searching import source_line
from assistant.config import Settings
from assistant.core.conversation.session import Session
from assistant.core.conversation.telling import describe_handed_in, describe_invented, describe_retry
from assistant.core.events import (
    AnswerChecked,
    CareOffered,
    Event,
    LookedFurther,
    NumberedSource,
    Recalled,
    ToolsMissed,
    TurnFailed,
    TurnFinished,
    TurnHandedIn,
)
from assistant.display import excerpt, plain
from assistant.llm.base import Retrying, TextDelta, ToolEnded, WasThinking
from assistant.llm.markdown_safety import unescape
from assistant.llm.roles import ModelRole
from memory_store import Store
from memory_store.errors import KeepsakeError
from memory_store.models import Effort, ToolOutcome

if TYPE_CHECKING:
    from assistant.core.conversation.skin import ConversationEvent


@asynccontextmanager
async def session_in(
    store: Store,
    settings: Settings,
    conversation: str | None,
    *,
    recall: bool = True,
    temporary: bool = False,
    from_shell: bool = False,
    effort: Effort | None = None,
) -> AsyncIterator[Session]:
    """Give a session for a new conversation, or for one that is gone on with, and close its model at the end.

    `temporary` and `from_shell` are for a new one. Without `recall` memory is not looked into. `effort` is for this
    time, whatever the chat or the settings say.
    """
    models = bootstrap.build_models(settings, store)
    if ModelRole.CHAT in models.errors:
        raise models.errors[ModelRole.CHAT]
    turns = replace(bootstrap.turn_settings(settings), recall=recall)
    toolbox, collector = bootstrap.build_toolbox(settings), bootstrap.build_collector(settings, store)
    collector.start()
    try:
        if conversation is None:
            session = Session(store, models, turns, temporary=temporary, from_shell=from_shell)
        else:
            identifier = await asyncio.to_thread(store.resolve, conversation)
            session = await Session.open(store, models, turns, identifier)
        session.chosen_effort, session.toolbox = effort, toolbox
        yield session
    finally:
        collector.stop()
        await toolbox.close()
        await models.close()


class Printer:
    """Shows a turn as it happens, unless it is quiet, and keeps what came of it."""

    def __init__(self, *, quiet: bool, reads: bool) -> None:
        self._quiet = quiet
        self._reads = reads
        self.answer = ""
        self.sources: tuple[NumberedSource, ...] = ()
        self.error: KeepsakeError | None = None
        self.interrupted = False
        self.handed_in = False
        self.unsupported: tuple[str, ...] = ()

    def take(self, event: ConversationEvent) -> None:
        """Show one event of the turn."""
        match event:
            case TextDelta(piece):
                self._delta(piece)
            case WasThinking():
                self._was_thinking()
            case Retrying(reason, pause_s):
                say(describe_retry(reason, pause_s))
            case CareOffered(_, text):
                say(f"{text}\n")
            case ToolEnded(call, text, outcome):
                used = f"[{excerpt(call.name, 60)}: {excerpt(call.words, 120)}]"
                say(f"{used} {excerpt(text, 200)}" if outcome is not ToolOutcome.DONE else used)
            case LookedFurther(questions):
                say(f"Looked for as well: {' · '.join(questions)}")
            case ToolsMissed(notes):
                say("\n".join(notes))
            case AnswerChecked(unsupported):
                self._tell_of_check(unsupported)
            case TurnFinished(_, sources):
                self._end(sources)
            case TurnHandedIn(_, trouble):
                self.handed_in = True
                say(f"{describe_handed_in(trouble)} `keepsake later` says how it stands.")
            case TurnFailed(error, _, sources):
                self._end(sources)
                self.error = error
            case Recalled():
                self._tell_of_recall(event)
            case _:
                pass

    def _tell_of_recall(self, event: Recalled) -> None:
        if event.left_out:
            say(f"Not attached, as it is private and this model is not on this machine: {', '.join(event.left_out)}")
        if event.shortened:
            say(f"Attached in part, as there is no room for all of it: {', '.join(event.shortened)}")
        if event.withheld:
            say(withheld_line(event.withheld))

    def _tell_of_check(self, unsupported: tuple[str, ...]) -> None:
        if not self._quiet:
            show()
        self.unsupported = unsupported
        for sentence in unsupported:
            say(f"In none of the sources: {sentence}")

    def _delta(self, text: str) -> None:
        self.answer += text
        if not self._quiet:
            # Quotations are escaped for Markdown; a terminal shows the words as they stand in the source.
            sys.stdout.write(plain(text if self._reads else unescape(text)))
            sys.stdout.flush()

    def _was_thinking(self) -> None:
        self.answer = ""
        if not self._quiet:
            show()
            say("What stands above was what the model thought; this is its answer:")

    def _end(self, sources: tuple[NumberedSource, ...]) -> None:
        self.sources = sources
        if self._quiet:
            return
        if self.answer:
            show()
        for item in [source for source in sources if source.cited]:
            show(f"[{item.number}] {source_line(item.hit)}")
        if invented := describe_invented(self.answer, [source.number for source in sources]):
            say(invented)


def withheld_line(count: int) -> str:
    """Say that so many private passages were left out."""
    passages = "1 private passage was" if count == 1 else f"{count} private passages were"
    return f"{passages} left out: this model is not on this machine."


async def show_turn(turn: Callable[[asyncio.Event], AsyncGenerator[Event, None]], printer: Printer) -> None:
    """Show the events of one turn, begun with what stops it; Ctrl+C stops the answer and keeps what has come."""
    stop = asyncio.Event()

    def interrupt() -> None:
        printer.interrupted = True
        stop.set()

    with stoppable(interrupt):
        async with aclosing(turn(stop)) as events:
            async for event in events:
                printer.take(event)


@contextmanager
def stoppable(interrupt: Callable[[], object]) -> Iterator[None]:
    """Call `interrupt` at Ctrl+C. Where there are no signal handlers (another platform) it ends the program instead."""
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)
