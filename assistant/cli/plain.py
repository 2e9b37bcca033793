"""`keepsake chat --plain`: the chat as lines, without redraws, for pipes, screen readers and small terminals.

Answers go to stdout, all else to stderr. What was typed is kept by the terminal while it is open, never in a file.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from assistant import bootstrap
from assistant.cli.asking import agree_to_plan
from assistant.cli.context import WORDS_ALONE
from assistant.cli.output import complain, say, say_told, show, unexpected
from assistant.cli.searching import heading, source_line
from assistant.cli.turns import Printer, session_in, stoppable
from assistant.config import Settings
from assistant.core.conversation.commands import LINE_COMMANDS, find, parse
from assistant.core.conversation.controller import Controller
from assistant.core.conversation.learning import LEARNING
from assistant.core.conversation.server_questions import ask_field_by_field
from assistant.core.conversation.session import Session
from assistant.core.conversation.skin import AnswerArrived, Choice, ConversationOpened, Report, TurnAsked
from assistant.core.conversation.telling import describe_late
from assistant.core.profile_page import page
from assistant.display import excerpt, moment, plain
from assistant.editing import edited
from memory_store import NewMemory, Store, ids
from memory_store.errors import KeepsakeError
from memory_store.models import ErasurePlan, Memory, Message
from memory_store.wording import format_counts

if TYPE_CHECKING:
    from assistant.core.conversation.skin import ConversationEvent
    from assistant.core.tools.forms import ServerQuestion, UserAnswer

T = TypeVar("T")
_MOST_LISTED: Final = 20
_HITS: Final = 5
_FENCE: Final = "```"
_STOPPING_SECONDS: Final = 3.0


def line_chat(store: Store, settings: Settings, conversation: str | None) -> bool:
    """Answer line by line until the input ends; return whether the last answer failed.

    Lines are read outside of the loop of events, so that Ctrl+C reaches whoever reads them.
    """
    with asyncio.Runner() as runner, ExitStack() as at_the_end:
        opened = AsyncExitStack()
        session = runner.run(opened.enter_async_context(session_in(store, settings, conversation)))
        at_the_end.callback(lambda: runner.run(opened.aclose()))
        tasks = bootstrap.build_task_runner(settings, store)
        tasks.start()
        at_the_end.callback(tasks.stop, _STOPPING_SECONDS)
        chat = LineChat(settings, session)
        if sys.stdin.isatty():
            with suppress(ImportError):  # editing and history of lines, where the platform has it
                import readline  # noqa: F401
            say(f"Keepsake, answering with {session.answerer.info.name}. /help lists commands, Ctrl+D leaves.")
            runner.run(chat.controller.reviews.tell_of_due())
            runner.run(chat.tell_of_reminders())
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


def run_in_lines(store: Store, settings: Settings, work: Callable[[Controller], Awaitable[object]]) -> bool:
    """Do one thing that the chat does, in lines; return whether an answer failed. Ctrl+C stops it."""

    async def do() -> bool:
        async with session_in(store, settings, None) as session:
            chat = LineChat(settings, session)
            with stoppable(chat.controller.stop):
                await work(chat.controller)
            return chat.failed

    return asyncio.run(do())


def read_message() -> str | None:
    """Return the next message; None at the end of the input.

    A line that ends in a backslash goes on in the next one, and what begins with a fence goes on to its end.
    """
    lines: list[str] = []
    while True:
        line = _read_line("> " if not lines else "… ")
        if line is None:
            return "\n".join(lines) if lines else None
        fenced = sum(before.lstrip().startswith(_FENCE) for before in [*lines, line]) % 2 == 1
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


def _trouble(check: Callable[[str], object] | None, written: str) -> KeepsakeError | None:
    """Return why what was written can't be taken."""
    if check is not None and written:
        try:
            check(written)
        except KeepsakeError as error:
            return error
    return None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have Ctrl+C raise at once where the loop of events, which else takes it, waits for what is read."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class LineChat:
    """The skin of a conversation in lines. `failed` says whether the last answer did, `over` that it is to end."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self.controller = Controller(session, bootstrap.import_options(settings), self)
        self.failed = False
        self.over = False
        self._printer = Printer(quiet=False, reads=session.answerer.reads)
        self._told_of_embedder = False
        self._learning: Callable[[], Awaitable[None]] | None = None
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "chats": self._list_chats,
            "tasks": lambda _: self.controller.tasks.manage(),
            "search": self._search,
            "sources": self._list_sources,
            "about-me": self._show_profile,
            "help": self._help,
            "quit": self._leave,
            "exit": self._leave,
        }

    @property
    def _store(self) -> Store:
        return self.controller.store

    async def take(self, text: str) -> None:
        """Answer a message or run a command; before that, tell of answers that were waited for, and of tasks."""
        await self.controller.tell_of_answers()
        await self.controller.tasks.tell_changes()
        await self.tell_of_reminders()
        given = parse(text)
        if given is None:
            await self.answer(text)
            return
        name, argument = given
        command = find(name, LINE_COMMANDS)
        if command is None:
            say(f"There is no command /{name}; /help lists them.")
        elif command.requires_argument and not argument:
            say(f"It is written {command.usage}")
        else:
            with stoppable(self.controller.stop):
                await (self.controller.command(name) or self._commands[name])(argument)

    async def tell_of_reminders(self) -> None:
        """Tell what is due, with a bell."""
        if await self.controller.reminders.tell_due():
            sys.stderr.write("\a")

    async def answer(self, text: str) -> None:
        """Answer a message, then learn from it; Ctrl+C stops the answer and keeps what has come."""
        with stoppable(self.controller.stop):
            await self.controller.say(text)
        if self._learning is not None:
            learning, self._learning = self._learning, None
            await learning()

    def tell_of_embedder(self) -> None:
        """Say once that recall goes on by words, and once again when the embedder was back meanwhile."""
        trouble = self._store.embedding_trouble
        if trouble is not None and not self._told_of_embedder:
            say(f"{trouble.message} {WORDS_ALONE}")
        self._told_of_embedder = trouble is not None

    # -- what the conversation asks for ------------------------------------------------------------------------

    async def show(self, event: ConversationEvent) -> None:
        """Show what has happened."""
        match event:
            case ConversationOpened():
                self._show_conversation()
            case AnswerArrived(message):
                self._show_arrived(message)
            case TurnAsked():
                self._printer = Printer(quiet=False, reads=self.controller.session.answerer.reads)
                self.failed = False
            case _:
                self._printer.take(event)
        error = self._printer.error
        if error is not None and not self.failed:
            self.failed = True
            complain(error)
            say(
                "/continue goes on with it, /retry answers again."
                if self.controller.session.cut
                else "/retry asks again."
            )

    def _show_conversation(self) -> None:
        session = self.controller.session
        if session.temporary:
            say("A temporary chat: nothing of it is kept.")
        elif session.conversation is None:
            say("A new chat.")
        for message in session.messages[-4:]:
            late = self._store.late.of_message(message.id) if not message.text else None
            text = describe_late(late) if late is not None else excerpt(message.text, 300)
            say(f"{message.author.name or message.author.kind.value}: {text}")

    def _show_arrived(self, message: Message) -> None:
        """Print an answer that was waited for, with what it cites; that none comes is told."""
        if message.text:
            show(plain(message.text))
            for citation in self._store.conversations.citations(message.id):
                if citation.cited and citation.passage_id is not None:
                    show(f"[{citation.number}] {source_line(self._store.passage(citation.passage_id))}")

    async def tell(self, told: Report) -> None:
        """Say it on stderr."""
        say_told(told)

    def remark(self, text: str, *, warning: bool = False) -> None:
        """Say it on stderr."""
        say(text)

    def show_activity(self, text: str = "") -> None:
        """Nothing is drawn that would have to be drawn over."""

    def is_attended(self) -> bool:
        """Where lines come from a terminal."""
        return sys.stdin.isatty()

    async def choose(self, title: str, choices: Sequence[Choice[T]]) -> T | None:
        """List them with numbers, and read one; Ctrl+C chooses none, and stops the answer that asks."""
        *above, asked = title.split("\n")
        for line in above:
            say(line)
        for number, choice in enumerate(choices, start=1):
            is_id = isinstance(choice.value, str) and ids.prefix_of(choice.value) is not None
            say(f"{number}. {choice.name}  {choice.value if is_id else choice.detail}".rstrip())
        try:
            with _interruptible():
                written = _read_line(f"{asked} A number, or nothing: ")
        except KeyboardInterrupt:
            say("")
            self.controller.stop()
            return None
        place = int(written) if written and written.strip().isdecimal() else 0
        return choices[place - 1].value if 1 <= place <= len(choices) else None

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
        """Read a line, again where it can't be taken; Ctrl+C gives none, and stops the answer that asks."""
        for note in (hint, example and f"({example})"):
            if note:
                say(note)
        try:
            while True:
                with _interruptible():
                    written = (_read_line(f"{question} ") or "").strip()
                trouble = _trouble(check, written)
                if trouble is None:
                    return written or ("" if optional else None)
                complain(trouble)
        except KeyboardInterrupt:
            say("")
            self.controller.stop()
            return None

    async def fill_in(self, question: ServerQuestion) -> UserAnswer:
        """Ask for one thing after the other."""
        return await ask_field_by_field(self, question)

    async def write_memory(self, title: str, memory: Memory) -> NewMemory | None:
        """Read what is right."""
        text = await self.ask(title)
        if text is None:
            say("Nothing was changed.")
            return None
        return NewMemory(text, memory.kind, pinned=memory.pinned, private=memory.private)

    async def edit(self, text: str, name: str) -> str | None:
        """Give a text to the editor that VISUAL or EDITOR names."""
        return edited(text, name)

    async def agree_to_erase(self, plan: ErasurePlan, *, everything: bool) -> bool:
        """Show the plan and ask for the word. Raises StoreError if there is nobody to ask."""
        return agree_to_plan(plan)

    async def replaces(self, path: str) -> bool:
        """Never: nothing that is in lines writes a file."""
        return False

    def give_back(self, text: str) -> bool:
        """Words that were read can't be put back: they are said to the model."""
        return False

    def start(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Let what learns wait until a line is answered; nothing else goes on beside lines."""
        if name == LEARNING:
            self._learning = work

    def cancel(self, name: str) -> None:
        """Nothing goes on between two lines."""

    # -- commands of its own -----------------------------------------------------------------------------------

    async def _help(self, argument: str) -> None:
        for command in LINE_COMMANDS:
            say(f"{command.usage:<22} {command.summary}")
        say("A line that ends in \\ goes on in the next one; Ctrl+C stops an answer and keeps what has come.")

    async def _list_chats(self, argument: str) -> None:
        found = await asyncio.to_thread(self._store.conversations.all)
        found = [
            chat for chat in found if (argument or not chat.archived) and argument.casefold() in chat.title.casefold()
        ]
        for chat in found[:_MOST_LISTED]:
            say(f"{chat.id}  {moment(chat.updated_at)}  {excerpt(chat.title, 70)}")
        nothing = "No title holds that." if argument else "There is no earlier chat yet."
        say(f"{format_counts({'chats': len(found)})}. /open ID goes on with one." if found else nothing)

    async def _search(self, argument: str) -> None:
        hits = await asyncio.to_thread(self._store.recall, argument, _HITS) if argument else []
        if said := heading(hits):
            say(said)
        for number, hit in enumerate(hits, start=1):
            show(f"{number}. {source_line(hit)}")
            show(f"   {excerpt(hit.text, 300)}")

    async def _list_sources(self, argument: str) -> None:
        wanted = [source for source in self._printer.sources if not argument or str(source.number) == argument]
        for source in wanted:
            show(f"[{source.number}] {source_line(source.hit)}")
            if argument:
                show(plain(source.hit.text))
        if not wanted:
            say("There is no such source." if argument else "The last answer has no sources.")

    async def _show_profile(self, argument: str) -> None:
        sections = await self.controller.profile(argument)
        if sections is not None:
            asked = await asyncio.to_thread(self._store.learning.questions.all) if not argument else []
            show(page(sections, asked).rstrip("\n"))

    async def _leave(self, argument: str) -> None:
        self.over = True
