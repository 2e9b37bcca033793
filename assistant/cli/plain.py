"""`keepsake chat --plain`: the chat as lines, without redraws, for pipes, screen readers and small terminals.

Answers go to stdout, all else to stderr. What was typed is kept by the terminal while it is open, never in a file.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from typing import Final

from assistant import bootstrap
from assistant.cli.context import WORDS_ALONE
from assistant.cli.forgetting import chosen, erase
from assistant.cli.output import complain, say, show, unexpected
from assistant.cli.searching import source_line
from assistant.cli.turns import Printer, session_in, show_turn
from assistant.config import Settings
from assistant.core.corrections import Correction, correction_in, latest_question, memories_meant
from assistant.core.events import Event, NumberedSource
from assistant.core.profile import profile
from assistant.core.profile_page import page
from assistant.core.session import Session
from assistant.display import excerpt, moment
from memory_store import NewMemory, Selection, Store
from memory_store.errors import KeepsakeError
from memory_store.models import Role

_MOST_LISTED: Final = 20
_HITS: Final = 5
_FENCE: Final = "```"


def line_chat(store: Store, settings: Settings, conversation: str | None) -> bool:
    """Answer line by line until the input ends; return whether the last answer failed.

    Lines are read outside of the loop of events, so that Ctrl+C reaches whoever reads them.
    """
    with asyncio.Runner() as runner, ExitStack() as at_the_end:
        opened = AsyncExitStack()
        session = runner.run(opened.enter_async_context(session_in(store, settings, conversation)))
        at_the_end.callback(lambda: runner.run(opened.aclose()))
        chat = LineChat(store, settings, session)
        if sys.stdin.isatty():
            with suppress(ImportError):  # editing and history of lines, where the platform has it
                import readline  # noqa: F401
            say(f"Keepsake, answering with {session.model.name}. /help lists commands, Ctrl+D leaves.")
        while True:
            try:
                text = read_message()
                if text is not None:
                    runner.run(chat.take(text))
                    chat.tell_of_embedder()
                if text is None or chat.over:
                    return chat.failed
            except KeepsakeError as error:
                complain(error)
                chat.failed = True
            except Exception as error:  # noqa: BLE001 — it is one answer's trouble: what is typed next is answered
                complain(unexpected(error))
                chat.failed = True
            except KeyboardInterrupt:  # while nothing was answered that it could have stopped
                say("\nCtrl+D leaves.")


def read_message() -> str | None:
    """Return the next message; None at the end of the input.

    A line that ends in a backslash goes on in the next one, and what begins with a fence goes on to its end.
    """
    lines: list[str] = []
    while True:
        line = _read_line("> " if not lines else "… ")
        if line is None:
            return "\n".join(lines) if lines else None
        fenced = sum(one.lstrip().startswith(_FENCE) for one in [*lines, line]) % 2 == 1
        if line.endswith("\\") and not fenced:
            lines.append(line[:-1])
        elif fenced:
            lines.append(line)
        elif (message := "\n".join([*lines, line])).strip():
            return message


def _read_line(sign: str) -> str | None:
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        return line.removesuffix("\n") if line else None
    try:
        sys.stderr.flush()
        return input(sign)
    except EOFError:
        return None


@dataclass(frozen=True, slots=True)
class LineCommand:
    """A command: how it is written, what it does."""

    usage: str
    summary: str
    run: Callable[[LineChat, str], Awaitable[None]]

    @property
    def name(self) -> str:
        """The word behind the slash."""
        return self.usage.split()[0].removeprefix("/")


class LineChat:
    """A chat whose messages come line by line. `failed` says whether the last answer did, `over` that it is to end."""

    def __init__(self, store: Store, settings: Settings, session: Session) -> None:
        self.store = store
        self.settings = settings
        self.session = session
        self.sources: tuple[NumberedSource, ...] = ()
        self.failed = False
        self.over = False
        self._told_of_embedder = False

    async def take(self, text: str) -> None:
        """Answer a message or run a command."""
        name, _, argument = text.strip().partition(" ")
        if not text.startswith("/") or "/" in name[1:]:
            if not await _was_correction(self, text):
                await self.answer(lambda stop: self.session.turn(text, stop))
            return
        command = next((one for one in COMMANDS if one.name == name[1:].lower()), None)
        if command is None:
            say(f"There is no command {name}; /help lists them.")
        else:
            await command.run(self, argument.strip())

    def tell_of_embedder(self) -> None:
        """Say once that recall goes on by words, and once again when the embedder was back meanwhile."""
        trouble = self.store.embedding_trouble
        if trouble is not None and not self._told_of_embedder:
            say(f"{trouble.message} {WORDS_ALONE}")
        self._told_of_embedder = trouble is not None

    async def answer(self, turn: Callable[[asyncio.Event], AsyncGenerator[Event, None]]) -> None:
        """Show one turn."""
        printer = Printer(quiet=False, quotes=self.session.model.quotes_only)
        await show_turn(turn, printer)
        self.sources = printer.sources
        self.failed = printer.error is not None
        if printer.error is not None:
            complain(printer.error)
            say("/continue goes on with it, /retry answers again." if printer.answer else "/retry asks again.")


async def _was_correction(chat: LineChat, text: str) -> bool:
    """Do what a message asks to be done with a memory ("forget that"); return whether it was such a message."""
    correction = correction_in(text)
    if correction is None:
        return False
    found = await asyncio.to_thread(memories_meant, chat.store, chat.session)
    if not found:
        return False
    for number, one in enumerate(found, start=1):
        say(f"{number}. {excerpt(one.text, 200)}  {one.id}")
    chosen = _read_line("Which one? Its number, or nothing to say it to the model: ")
    place = int(chosen) if chosen and chosen.strip().isdecimal() else 0
    if not 1 <= place <= len(found):
        return False
    memory = found[place - 1]
    if correction is Correction.WRONG:
        right = _read_line("What is right? ")
        if not right or not right.strip():
            say("Nothing was changed.")
            return True
        new = NewMemory(right.strip(), memory.kind, pinned=memory.pinned, private=memory.private)
        corrected = await asyncio.to_thread(chat.store.memories.supersede, memory.id, new)
        chat.store.wake()
        say(f"Put right: {corrected.text}")
        return True
    # With what was said just now: it would be recalled otherwise.
    said = [one for one in latest_question(chat.session) if one in memory.sources]
    await _forget(chat, " ".join([memory.id, *said]))
    return True


async def _help(chat: LineChat, argument: str) -> None:
    for command in COMMANDS:
        say(f"{command.usage:<22} {command.summary}")
    say("A line that ends in \\ goes on in the next one; Ctrl+C stops an answer and keeps what has come.")


async def _new(chat: LineChat, argument: str) -> None:
    chat.session = bootstrap.new_session(chat.store, chat.session.model, chat.settings)
    say("A new chat.")


async def _temporary(chat: LineChat, argument: str) -> None:
    chat.session = bootstrap.new_session(chat.store, chat.session.model, chat.settings, temporary=True)
    say("A temporary chat: nothing of it is kept.")


async def _chats(chat: LineChat, argument: str) -> None:
    found = await asyncio.to_thread(chat.store.conversations.all)
    for one in found[:_MOST_LISTED]:
        say(f"{one.id}  {moment(one.updated_at)}  {excerpt(one.title, 70)}")
    say(f"{len(found):,} chats. /open ID goes on with one." if found else "There is no earlier chat yet.")


async def _open(chat: LineChat, argument: str) -> None:
    identifier = await asyncio.to_thread(chat.store.resolve, argument)
    turns = bootstrap.turn_settings(chat.settings)
    chat.session = await Session.open(chat.store, chat.session.model, turns, identifier)
    for message in chat.session.messages[-4:]:
        say(f"{message.author.name or message.author.kind.value}: {excerpt(message.text, 300)}")


async def _search(chat: LineChat, argument: str) -> None:
    hits = await asyncio.to_thread(chat.store.recall, argument, _HITS)
    for number, hit in enumerate(hits, start=1):
        show(f"{number}. {source_line(hit)}")
        show(f"   {excerpt(hit.text, 300)}")
    if not hits:
        say("Nothing was found.")


async def _remember(chat: LineChat, argument: str) -> None:
    if argument:
        memory = await asyncio.to_thread(chat.store.remember, argument)
        say(f"Remembered: {memory.text}")
    else:
        say("It is written /remember TEXT")


async def _forget(chat: LineChat, argument: str) -> None:
    words = argument.removeprefix("matching ") if argument.startswith("matching ") else None
    ids = argument.split() if words is None else []
    selected = await asyncio.to_thread(chosen, chat.store, ids, [], words)
    if not selected:
        say("Nothing to forget was named. It is written /forget ID or /forget matching WORDS")
        return
    try:
        await asyncio.to_thread(erase, chat.store, Selection(selected))
    finally:  # what could not be verified is gone from the record all the same, and so from view
        conversation = chat.session.conversation
        if conversation is not None and not chat.session.temporary:
            known = {one.id for one in await asyncio.to_thread(chat.store.conversations.all)}
            await (_open(chat, conversation.id) if conversation.id in known else _new(chat, ""))


async def _retry(chat: LineChat, argument: str) -> None:
    if not chat.session.messages:
        say("There is nothing to answer yet.")
        return
    last = chat.session.messages[-1].id
    await chat.answer(lambda stop: chat.session.again(last, stop))


async def _continue(chat: LineChat, argument: str) -> None:
    cut = chat.session.cut
    if cut is None:
        say("The last answer is whole; /retry answers again.")
        return
    await chat.answer(lambda stop: chat.session.again(cut.id, stop, go_on=True))


async def _edit(chat: LineChat, argument: str) -> None:
    mine = [one for one in chat.session.messages if one.role is Role.USER]
    if not mine or not argument:
        say("It is written /edit TEXT, and sends the text in place of your last message, on a branch of its own.")
        return
    await chat.answer(lambda stop: chat.session.turn(argument, stop, instead_of=mine[-1].id))


async def _sources(chat: LineChat, argument: str) -> None:
    wanted = [one for one in chat.sources if not argument or str(one.number) == argument]
    for one in wanted:
        show(f"[{one.number}] {source_line(one.hit)}")
        if argument:
            show(one.hit.text)
    if not wanted:
        say("There is no such source." if argument else "The last answer has no sources.")


async def _private(chat: LineChat, argument: str) -> None:
    if chat.session.temporary:
        say("A temporary chat is kept nowhere; who answers still sees it.")
        return
    await chat.session.keep_private(private=not chat.session.is_private)
    private = chat.session.is_private
    say("Private: nothing of it is sent to another machine." if private else "Public again; its answers stay private.")


async def _about_me(chat: LineChat, argument: str) -> None:
    sections = await asyncio.to_thread(profile, chat.store)
    show(page(sections, await asyncio.to_thread(chat.store.learning.questions.all)).rstrip("\n"))


async def _quit(chat: LineChat, argument: str) -> None:
    chat.over = True


COMMANDS: Final = (
    LineCommand("/new", "Start a new chat", _new),
    LineCommand("/temporary", "Start a chat that is kept nowhere", _temporary),
    LineCommand("/chats", "List earlier chats", _chats),
    LineCommand("/open ID", "Go on with an earlier chat", _open),
    LineCommand("/search WORDS", "Search everything that is remembered", _search),
    LineCommand("/remember TEXT", "Keep a note", _remember),
    LineCommand("/forget ID…", "Erase by ids, or `/forget matching WORDS`, after asking", _forget),
    LineCommand("/about-me", "See what is known about you, with its sources", _about_me),
    LineCommand("/private", "Keep this chat to this machine; again ends that", _private),
    LineCommand("/sources [N]", "List the sources of the last answer, or read one", _sources),
    LineCommand("/edit TEXT", "Send this in place of your last message, on a branch of its own", _edit),
    LineCommand("/retry", "Answer your last message again", _retry),
    LineCommand("/continue", "Go on with an answer that was cut", _continue),
    LineCommand("/help", "List the commands", _help),
    LineCommand("/quit", "Leave", _quit),
    LineCommand("/exit", "The same", _quit),
)
