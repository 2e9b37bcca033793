"""`keepsake ask` and `keepsake chat`: answers on the command line, streamed, with their sources."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Final

import typer

from assistant.cli import completing
from assistant.cli.context import invocation, opened_store
from assistant.cli.output import complain, hit_json, print_json
from assistant.cli.turns import Printer, session_in, show_turn
from assistant.config import Settings
from memory_store import Store
from memory_store.errors import StoreError

_MOST_READ: Final = 1_000_000
_Conversation = Annotated[
    str | None,
    typer.Option(
        help="Go on with this conversation's id.", show_default=False, autocompletion=completing.conversations
    ),
]
_Follow = Annotated[bool, typer.Option("--follow", help="Go on with the latest conversation.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ask")(ask)
    app.command("chat")(chat)


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question; `-` reads it from stdin.", show_default=False)],
    conversation: _Conversation = None,
    follow: _Follow = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer one question from memory, with sources. The answer goes to stdout, all else to stderr.

    Ends with 1 if there was no whole answer, with 130 if Ctrl+C stopped it; what had come is kept.

    Example: git diff | keepsake ask - --follow
    """
    if question == "-":
        question = _from_stdin()
    if not question.strip():
        raise StoreError("The question is empty.", 'Ask something, as in `keepsake ask "Who has our spare key?"`.')
    with opened_store(context) as (store, settings):
        store.embed_pending()
        code = asyncio.run(_ask(store, settings, question, _going_on(store, conversation, follow), as_json))
        store.embed_pending()
    if code:
        raise typer.Exit(code)


def _from_stdin() -> str:
    text = sys.stdin.read(_MOST_READ + 1)
    if len(text) > _MOST_READ:
        raise StoreError(
            f"The question on standard input is longer than {_MOST_READ:,} characters.",
            "Put it into a file, `keepsake import` that, and ask about it.",
        )
    return text


def _going_on(store: Store, conversation: str | None, follow: bool) -> str | None:
    """Return the id of the conversation to go on with, if one was asked for."""
    if conversation is not None or not follow:
        return conversation
    latest = next(iter(store.conversations.all()), None)
    if latest is None:
        raise StoreError("There is no conversation to go on with.", "Leave out --follow.")
    return latest.id


async def _ask(store: Store, settings: Settings, question: str, conversation: str | None, as_json: bool) -> int:
    async with session_in(store, settings, conversation) as session:
        printer = Printer(quiet=as_json, quotes=session.model.quotes_only)
        await show_turn(lambda stop: session.turn(question, stop), printer)
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
    plain: Annotated[bool, typer.Option("--plain", help="Lines only: for pipes and screen readers.")] = False,
    conversation: _Conversation = None,
    follow: _Follow = False,
) -> None:
    """Chat. Without --plain this opens the same chat as `keepsake` alone; with it, /help lists the commands.

    Example: echo "Who has our spare key?" | keepsake chat --plain
    """
    if not plain:
        from assistant.tui import run_chat

        chosen = invocation(context)
        raise typer.Exit(run_chat(chosen.data_dir, chosen.config))
    from assistant.cli.plain import line_chat
    from assistant.ending import hang_up, watch_terminal

    watch_terminal(hang_up)
    with opened_store(context, tells_at_end=False) as (store, settings):
        store.start_background()
        failed = line_chat(store, settings, _going_on(store, conversation, follow))
    if failed:
        raise typer.Exit(1)
