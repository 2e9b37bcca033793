"""`keepsake ask` and `keepsake chat`: answers on the command line, streamed, with their sources."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import typer

from assistant import bootstrap
from assistant.cli.context import invocation, opened_store
from assistant.cli.output import complain, hit_json, print_json, say, show
from assistant.cli.searching import source_line
from assistant.config import Settings
from assistant.core.events import (
    AnswerDelta,
    Captured,
    NumberedSource,
    Recalled,
    ThinkingDelta,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.core.session import Session
from assistant.display import plain
from assistant.llm.markdown_safety import unescape
from memory_store import Store
from memory_store.errors import KeepsakeError, StoreError

_Conversation = Annotated[str | None, typer.Option(help="Go on with this conversation's id.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ask")(ask)
    app.command("chat")(chat)


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    conversation: _Conversation = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer one question from memory, with sources.

    Example: keepsake ask "What do I do when the boiler loses pressure?"
    """
    if not question.strip():
        raise StoreError("The question is empty.", 'Ask something, as in `keepsake ask "Who has our spare key?"`.')
    with opened_store(context) as (store, settings):
        store.embed_pending()
        code = asyncio.run(_ask(store, settings, question, conversation, as_json))
        store.embed_pending()
    if code:
        raise typer.Exit(code)


async def _ask(store: Store, settings: Settings, question: str, conversation: str | None, as_json: bool) -> int:
    async with _session(store, settings, conversation) as session:
        printer = _Printer(quiet=as_json, quotes=session.model.quotes_only)
        await _turn(session, question, printer)
        if printer.error is not None:
            complain(printer.error)
        if as_json and session.conversation is not None and (printer.error is None or printer.answer):
            print_json(
                {
                    "answer": printer.answer,
                    "model": session.model.name,
                    "sources": [
                        {**hit_json(one.hit), "number": one.number, "cited": one.cited} for one in printer.sources
                    ],
                    "conversation_id": session.conversation.id,
                }
            )
    if printer.interrupted:
        return 130
    return 1 if printer.error else 0


def chat(
    context: typer.Context,
    plain_: Annotated[bool, typer.Option("--plain", help="Lines only: for pipes and screen readers.")] = False,
    conversation: _Conversation = None,
) -> None:
    """Chat. Without --plain this opens the same chat as `keepsake` alone.

    Example: echo "Who has our spare key?" | keepsake chat --plain
    """
    if not plain_:
        from assistant.tui import run_chat

        chosen = invocation(context)
        raise typer.Exit(run_chat(chosen.data_dir, chosen.config))
    with opened_store(context) as (store, settings):
        store.start_background()
        failed = asyncio.run(_chat(store, settings, conversation))
    if failed:
        raise typer.Exit(1)


async def _chat(store: Store, settings: Settings, conversation: str | None) -> bool:
    """Answer line by line until the input ends; return whether the last answer failed."""
    failed = False
    async with _session(store, settings, conversation) as session:
        if sys.stdin.isatty():
            say(f"Keepsake, answering with {session.model.name}. An empty line or Ctrl+D ends; Ctrl+C stops an answer.")
        while True:
            line = await asyncio.to_thread(_read_line)
            if line is None:
                return failed
            printer = _Printer(quiet=False, quotes=session.model.quotes_only)
            await _turn(session, line, printer)
            failed = printer.error is not None
            if printer.error is not None:
                complain(printer.error)


def _read_line() -> str | None:
    """Return the next line with something in it; None at the end of the input."""
    while True:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line or (sys.stdin.isatty() and not line.strip()):
            return None
        if line.strip():
            return line.strip()


@asynccontextmanager
async def _session(store: Store, settings: Settings, conversation: str | None) -> AsyncIterator[Session]:
    model = bootstrap.build_model(settings)
    try:
        if conversation is None:
            yield Session(store, model, bootstrap.turn_settings(settings))
        else:
            identifier = await asyncio.to_thread(store.resolve, conversation)
            yield await Session.open(store, model, bootstrap.turn_settings(settings), identifier)
    finally:
        await model.close()


class _Printer:
    """Shows a turn as it happens, unless it is quiet, and keeps what came of it."""

    def __init__(self, *, quiet: bool, quotes: bool) -> None:
        self._quiet = quiet
        self._quotes = quotes
        self.answer = ""
        self.sources: tuple[NumberedSource, ...] = ()
        self.error: KeepsakeError | None = None
        self.interrupted = False

    def delta(self, text: str) -> None:
        """Take a piece of the answer."""
        self.answer += text
        if not self._quiet:
            # Quotations are escaped for Markdown; a terminal shows the words as they stand in the source.
            sys.stdout.write(plain(unescape(text) if self._quotes else text))
            sys.stdout.flush()

    def end(self, sources: tuple[NumberedSource, ...]) -> None:
        """Take the sources, and list those that the answer cites (all of them where it cites none)."""
        self.sources = sources
        if self._quiet:
            return
        if self.answer:
            show()
        for one in [source for source in sources if source.cited]:
            show(f"[{one.number}] {source_line(one.hit)}")


async def _turn(session: Session, text: str, printer: _Printer) -> None:
    """Run one turn; Ctrl+C stops the answer and keeps what has come."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        printer.interrupted = True
        stop.set()

    # Without signal handlers (another platform, another thread) Ctrl+C ends the program instead.
    with suppress(NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        async for event in session.turn(text, stop):
            match event:
                case AnswerDelta(piece):
                    printer.delta(piece)
                case Captured(memory):
                    say(f"Remembered: {memory.text}")
                case TurnFinished(_, sources):
                    printer.end(sources)
                case TurnFailed(error, _, sources):
                    printer.end(sources)
                    printer.error = error
                case TurnStarted() | Recalled() | ThinkingDelta():
                    pass
    finally:
        with suppress(NotImplementedError, RuntimeError):
            loop.remove_signal_handler(signal.SIGINT)
