"""`keepsake ask` and `keepsake chat`: answers on the command line, streamed, with their sources."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from assistant import bootstrap
from assistant.cli import completing
from assistant.cli.context import invocation, opened_store
from assistant.cli.output import complain, hit_json, print_json, say, say_told
from assistant.cli.turns import Printer, session_in, show_turn
from assistant.config import Settings
from assistant.core.conversation.learning import learn_all
from assistant.core.conversation.telling import report_late, report_learned
from assistant.errors import ConfigError
from memory_store import Store
from memory_store.errors import KeepsakeError, StoreError
from memory_store.models import Effort, Source

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
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="Have this file read, too; it is imported for that.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Ask this model instead of the configured one.", show_default=False)
    ] = None,
    effort: Annotated[Effort | None, typer.Option(help="How much effort the answer takes.", show_default=False)] = None,
    temporary: Annotated[bool, typer.Option("--temporary", help="Keep nothing of it.")] = False,
    no_recall: Annotated[bool, typer.Option("--no-recall", help="Ask without looking into memory.")] = False,
    conversation: _Conversation = None,
    follow: _Follow = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Answer one question from memory, with sources. The answer goes to stdout, all else to stderr.

    Each question stands alone; all are kept in one conversation, “Asked from the shell”, a branch for each.
    Ends with 1 if there was no whole answer, with 130 if Ctrl+C stopped it; what had come is kept.

    Example: git diff | keepsake ask - --follow

    Example: keepsake ask "When does the contract end?" -f contract.pdf
    """
    if question == "-":
        question = _from_stdin()
    if not question.strip():
        raise StoreError("The question is empty.", 'Ask something, as in `keepsake ask "Who has our spare key?"`.')
    if temporary and (files or follow or conversation is not None):
        raise ConfigError(
            "--temporary keeps nothing: no file can be imported for it, and no conversation gone on with.",
            "Leave out --temporary, or --file, --follow and --conversation.",
        )
    with opened_store(context) as (store, settings):
        settings = settings if model is None else bootstrap.with_model(settings, model)
        store.embed_pending()
        attached = [_attached(store, settings, path) for path in files or ()]
        asked = _Asked(question, _going_on(store, conversation, follow), attached, temporary, not no_recall, effort)
        code = asyncio.run(_ask(store, settings, asked, as_json))
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
    latest = next((chat for chat in store.conversations.all() if not chat.archived), None)
    if latest is None:
        raise StoreError("There is no conversation to go on with.", "Leave out --follow.")
    return latest.id


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, the id of the conversation it goes on with, what is attached to it, and how it is answered."""

    question: str
    conversation: str | None
    attached: Sequence[Source]
    temporary: bool
    recall: bool
    effort: Effort | None


def _attached(store: Store, settings: Settings, path: Path) -> Source:
    """Return a file as it is stored, imported if it is new. Raises StoreError."""
    from assistant.ingestion.pipeline import attached_file  # the readers of files, which most questions don't need

    if not path.is_file():
        raise StoreError(f"{path} is no file that can be attached.", "Import a folder with `keepsake import`.")
    file = attached_file(store, path, bootstrap.import_options(settings))
    if file.source is None:
        raise StoreError(f"{path} can't be attached: {file.reason}", "See docs/formats.md for what is read.")
    if file.is_new:
        say(f"Imported to be attached: {file.source.title}")
        store.embed_pending()
    return file.source


async def _ask(store: Store, settings: Settings, asked: _Asked, as_json: bool) -> int:
    async with session_in(
        store,
        settings,
        asked.conversation,
        recall=asked.recall,
        temporary=asked.temporary,
        from_shell=True,
        effort=asked.effort,
    ) as session:
        printer = Printer(quiet=as_json, reads=session.answerer.reads)
        await show_turn(lambda stop: session.turn(asked.question, stop, attached=asked.attached), printer)
        if printer.error is not None:
            complain(printer.error)
        if session.settings.learn and not asked.temporary and not printer.interrupted:
            with suppress(KeepsakeError):  # who answers can't be asked now: the message waits
                async with aclosing(learn_all(store, session.models, consolidating=False)) as events:
                    async for learned in events:
                        say_told(report_learned(learned, in_shell=True))
        for late in await asyncio.to_thread(store.late.claim_news):
            say_told(report_late(store, late, in_shell=True))
        if as_json and session.conversation is not None and (printer.error is None or printer.answer):
            print_json(
                {
                    "answer": printer.answer,
                    "model": session.answerer.info.name,
                    "sources": [
                        {**hit_json(source.hit), "number": source.number, "cited": source.cited}
                        for source in printer.sources
                    ],
                    "in_no_source": list(printer.unsupported),
                    "handed_in": printer.handed_in,
                    "conversation_id": None if asked.temporary else session.conversation.id,
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

    Example: keepsake chat --follow
    """
    if not plain:
        from assistant.tui import run_chat

        chosen = invocation(context)
        going_on = partial(_going_on, conversation=conversation, follow=follow)
        raise typer.Exit(run_chat(chosen.data_dir, chosen.config, going_on))
    from assistant.cli.plain import line_chat
    from assistant.ending import hang_up, watch_terminal

    watch_terminal(hang_up)
    with opened_store(context, tells_at_end=False) as (store, settings):
        store.start_background()
        failed = line_chat(store, settings, _going_on(store, conversation, follow))
    if failed:
        raise typer.Exit(1)
