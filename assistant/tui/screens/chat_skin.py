"""The skin of a conversation in the terminal: shows its events in widgets, asks by dialogs, has commands of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from textual.app import SuspendNotSupported
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from assistant import bootstrap
from assistant import config as configuration
from assistant.config import Settings
from assistant.core.conversation.commands import absolute_path, parse, split_words
from assistant.core.conversation.mentions import Mention
from assistant.core.conversation.pasting import pasted_paths
from assistant.core.conversation.skin import (
    AnswerArrived,
    BranchChanged,
    Choice,
    ConversationOpened,
    EffortChanged,
    MemoryChanged,
    PrivacyChanged,
    Report,
    TitleChanged,
)
from assistant.core.events import ContextPart, Recalled, TurnFailed, TurnFinished, TurnHandedIn, TurnStarted
from assistant.core.explaining import sentence_meant, sentences_of
from assistant.core.recipes.using import recipes_behind
from assistant.core.tools.forms import ServerQuestion, UserAnswer
from assistant.display import excerpt, moment, plain
from assistant.editing import EditorError, edited
from assistant.errors import BudgetError
from assistant.failures import explain, hint_of
from assistant.language import N_, _, plural
from assistant.llm.roles import ModelRole
from assistant.portable_settings import portable
from assistant.setting import keep
from assistant.threads import in_thread
from assistant.tui import pauses
from assistant.tui.actions import message_action
from assistant.tui.attention import call_for_attention
from assistant.tui.guide import Guide
from assistant.tui.model_choice import ModelChoice
from assistant.tui.screens.about_me import ANSWER, EDIT, AboutMeScreen
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chats import ChatsScreen
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.dialog import Dialog
from assistant.tui.screens.doctor import DoctorScreen
from assistant.tui.screens.documents import DocumentsScreen
from assistant.tui.screens.form import FormScreen
from assistant.tui.screens.memory import MemoryScreen
from assistant.tui.screens.memory_editor import MemoryDraft, MemoryEditor
from assistant.tui.screens.receipts import ReceiptsScreen
from assistant.tui.screens.recipes import RecipesScreen
from assistant.tui.screens.search import SearchScreen
from assistant.tui.screens.settings import SettingsScreen
from assistant.tui.screens.source import SourceScreen
from assistant.tui.screens.tasks import TasksScreen
from assistant.tui.screens.why import WhyScreen, grounds_of, seen_beside
from assistant.tui.sources import SourceView
from assistant.tui.status import POLL_SECONDS, StatusKeeper
from assistant.tui.widgets import turns
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.completer import Completer
from assistant.tui.widgets.context_panel import ContextPanel
from assistant.tui.widgets.earlier import EarlierMessages
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.prompt import Prompt
from assistant.tui.widgets.source_list import SourceLine
from assistant.tui.widgets.spoken import Spoken
from assistant.tui.widgets.status_line import StatusLine
from assistant.tui.widgets.transcript import Transcript
from assistant.tui.widgets.user_message import UserMessage
from memory_store import NewMemory
from memory_store.errors import KeepsakeError, StoreError
from memory_store.models import Effort, ErasurePlan, Memory, Message
from memory_store.version import version

if TYPE_CHECKING:
    from textual.timer import Timer

    from assistant.core.conversation.skin import ConversationEvent
    from assistant.tui.services import Services

T = TypeVar("T")
_TEMPORARY: Final = N_("temporary: nothing of this chat is kept")
_PRIVATE: Final = N_("private: stays on this machine")
_NOT_STORED: Final = N_("This message is not stored yet.")
_TURNS: Final = frozenset({"turn", "retry", "continue"})  # workers in which an answer is given
_STOPPING_SECONDS: Final = 3.0
_REST_SECONDS: Final = 0.7  # how long the writing has to rest until it is kept
_READING_SECONDS: Final = 1.0
_ANSWERS_SECONDS: Final = 2.0
_MOST_LISTED: Final = 500
_EXCERPT_CHARS: Final = 120
_MOST_ATTACHED: Final = 10
_FROM_NEXT_START: Final = ("data_dir", "embedder", "tools", "tasks", "mcp")


class ChatSkin:
    """Shows one conversation at a time on a screen that holds a transcript, a prompt and a status line.

    `dress` puts settings for looks and keys in force; `commands` are those that the screen has by itself.
    """

    def __init__(
        self,
        screen: Screen[None],
        services: Services,
        completer: Completer,
        dress: Callable[[Settings], Awaitable[None]],
        commands: Mapping[str, Callable[[str], Awaitable[None]]],
    ) -> None:
        self._screen = screen
        self._app = screen.app
        self._services = services
        self._completer = completer
        self._dress = dress
        self._transcript = screen.query_one(Transcript)
        self._prompt = screen.query_one(Prompt)
        self._turns = turns.TurnView(self._transcript)
        self._parts: tuple[ContextPart, ...] = ()
        self._editing: str | None = None
        self._set_aside = ""  # what was being written when a sent message was taken to be edited
        self._keeping: Timer | None = None
        self.controller = bootstrap.controller(services.store, services.models, services.settings, self)
        self.status = StatusKeeper(services, screen.query_one(StatusLine), self.tell)
        self._models = ModelChoice(services, self, self.apply)
        self._collector = bootstrap.build_collector(services.settings, services.store)
        self._runner = bootstrap.build_task_runner(services.settings, services.store)
        self._looking = False  # for answers that come later
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            **commands,
            "chats": self._list_chats,
            "watch": self._watch,
            "search": lambda query: self._push(SearchScreen(services.store, query)),
            "memory": lambda query: self._push(MemoryScreen(self.controller, query)),
            "documents": lambda query: self._push(DocumentsScreen(self.controller, query)),
            "history": self._bring_back,
            "editor": self._write_in_editor,
            "context": self._toggle_context,
            "why": self._explain,
            "about-me": self._show_profile,
            "tasks": lambda query: self._push(TasksScreen(self.controller, query)),
            "recipes": self._list_recipes,
            "receipts": lambda query: self._push(ReceiptsScreen(self.controller, query)),
            "doctor": lambda query: self._push(DoctorScreen(self.controller, query)),
            "stats": self._show_statistics,
            "export": self._export,
            "model": self._models.choose,
            "guide": self._lead_through,
            "settings": self._change_settings,
        }

    async def begin(self) -> None:
        """Show the conversation that was begun, with notices where something is less than it could be."""
        services, controller = self._services, self.controller
        self._show_model()
        self._screen.set_interval(POLL_SECONDS, self.status.look)
        self._screen.set_interval(_ANSWERS_SECONDS, self._look_for_answers)
        self._collector.start()
        self._runner.start()
        await self.status.look(recount=True)
        if services.conversation is not None:
            await controller.open(services.conversation)
        if services.first_start:
            await self._guide().welcome()
            if not self._prompt.text:  # who writes already is not to be interrupted; /guide comes when called
                self._work(self._lead_through(), "guide")
        for note in services.notes:
            await self.tell(Report(note, kind="warning"))
        for role, error in services.models.errors.items():
            hint = error.hint
            if role is ModelRole.CHAT:
                hint = _("{hint} Until then answers are quotations; /model chooses.").format(hint=error.hint)
            await self.tell(Report(error.message, hint, "error"))
        await controller.tell_of_drafts()
        await controller.reviews.tell_of_due()
        if told := await controller.reminders.tell_due():
            self._call_for_attention(told)
        self._work(self._warm_up(), "warming up")
        controller.imports.watch(services.settings.importing.watch)
        if not controller.is_answering:  # who wrote at once is answered first
            controller.learning.go_on(controller.session, consolidating=True)
        await self._bring_draft()

    async def _look_for_answers(self) -> None:
        """Tell of answers that were waited for; what keeps the record closed is told by the status line."""
        if not self._looking:
            self._looking = True
            try:
                await self.controller.tell_of_answers()
                told = [*await self.controller.tasks.tell_changes(), *await self.controller.reminders.tell_due()]
                if told:
                    self._call_for_attention(told)
            except StoreError:
                pass
            finally:
                self._looking = False

    def _call_for_attention(self, told: Sequence[str]) -> None:
        call_for_attention(self._app, "; ".join(told), self._services.settings.chat.notices)

    async def _warm_up(self) -> None:
        """Load the embedder and the vectors, so that the first question need not wait for them."""
        await in_thread(self._services.store.warm_up)
        await in_thread(pauses.loaded)

    async def close(self) -> None:
        """Keep what is being written, stop answer and import, and give the answer a moment to be stored."""
        controller = self.controller
        if self._keeping is not None:
            self._keeping.stop()
            await self._keep_draft()
        if controller.imports.stop is not None:
            controller.imports.stop.set()
        if controller.stopping is not None:
            controller.stopping.set()
            running = [worker for worker in self._screen.workers if worker.name in _TURNS and not worker.is_finished]
            with suppress(TimeoutError):  # what has come is stored as partial when the worker is cancelled
                async with asyncio.timeout(_STOPPING_SECONDS):
                    await self._app.workers.wait_for_complete(running)
        self._collector.stop()
        await in_thread(lambda: self._runner.stop(_STOPPING_SECONDS))
        await controller.toolbox.close()
        await self._services.models.close()

    # -- what the conversation asks for ------------------------------------------------------------------------

    async def show(self, event: ConversationEvent) -> None:
        """Show what has happened."""
        match event:
            case ConversationOpened():
                await self._show_conversation()
                self._show_model()
            case BranchChanged():
                await self._show_branch()
                self._focus_prompt()
            case TitleChanged(title):
                self._show_title(title)
            case PrivacyChanged():
                self._show_kept()
            case EffortChanged():
                self._show_model()
            case AnswerArrived(message):
                await self._show_arrived(message)
            case MemoryChanged(erased):
                await self._take_away_erased(erased)
                await self.status.look(recount=True)
            case _:
                await self._show_turn(event)

    async def _show_arrived(self, message: Message) -> None:
        """Show an answer that was waited for in its place, with its sources."""
        waiting = self._transcript.find(message.id)
        if waiting is None:
            return
        store, care = self._services.store, self.controller.session.settings.care
        stored = await in_thread(lambda: turns.read_messages(store, [message], care))
        with self._app.batch_update():
            await self._transcript.add(*turns.widgets_of(stored, 0), before=waiting)
            await waiting.remove()
        self._transcript.show_branches(self.controller.session.beside())

    def _show_model(self) -> None:
        session = self.controller.session
        self.status.show_model(session.answerer, session.effort)

    async def _show_turn(self, event: ConversationEvent) -> None:
        match event:
            case TurnStarted(conversation):
                self._show_title(conversation.title)
            case Recalled():
                self._show_parts(event.parts)
                self.status.show_context(event.context_tokens)
        await self._turns.show(event)
        if isinstance(event, TurnFinished | TurnHandedIn | TurnFailed):
            session = self.controller.session
            self._transcript.show_branches(session.beside())
            places = {message.id: place for place, message in enumerate(session.messages)}
            await turns.put_away_old(self._transcript, places)
            self._screen.set_timer(_READING_SECONDS, pauses.rest)
        if isinstance(event, TurnFailed) and isinstance(event.error, BudgetError):
            self.start(self._offer_to_go_on, "budget")

    async def _offer_to_go_on(self) -> None:
        """Ask how to go on where a budget has no room for an answer."""
        controller = self.controller
        choices = [
            Choice(_("Choose another model"), _("a cheaper one, or one on this machine"), "model"),
            Choice(_("Change the budget"), _("[budget] in the settings"), "settings"),
            Choice(_("Leave it"), _("/retry asks again"), ""),
        ]
        effort, efforts = controller.session.effort, {"instant": Effort.INSTANT, "later": Effort.LATER}
        if effort is not Effort.LATER and self._services.models.later is not None:
            choices.insert(0, Choice(_("Have it answered later"), _("within a day, mostly at half the price"), "later"))
        if effort is not Effort.INSTANT:
            least = Choice(_("Answer with the least effort"), _("the fast model, little recalled"), "instant")
            choices.insert(0, least)
        chosen = await self.choose(_("A budget has no room for this answer."), choices)
        if chosen in efforts:
            await controller.choose_effort(efforts[chosen])
            await controller.retry()
        elif chosen:
            await self.command(chosen)("")

    async def tell(self, told: Report) -> None:
        """Put a notice at the end of the transcript."""
        await self._transcript.add(Notice(told.text, told.hint, told.kind, told.about))

    def remark(self, text: str, *, warning: bool = False) -> None:
        """Say something that passes."""
        self._screen.notify(text, severity="warning" if warning else "information", markup=False, timeout=4)

    def show_activity(self, text: str = "") -> None:
        """Show what is being done in the status line."""
        self.status.show_activity(text)

    def is_attended(self) -> bool:
        """Always: there is a screen."""
        return True

    async def choose(self, title: str, choices: Sequence[Choice[T]]) -> T | None:
        """Ask by a list."""
        return await self._wait_for(Chooser(title, choices))

    async def _wait_for(self, dialog: Dialog[T | None]) -> T | None:
        """Show a dialog until it is answered, or whoever asks needs no answer any more."""
        try:
            return await self._app.push_screen_wait(dialog)
        except asyncio.CancelledError:
            dialog.call_after_refresh(dialog.close_open)  # not while its widgets are still being made
            raise

    async def choose_or_type(self, title: str, choices: Sequence[Choice[T]]) -> tuple[T | None, str]:
        """Ask by a list that can be written into; return the words that fit no line, too."""
        dialog = Chooser(title, choices, gives_back=True)
        chosen = await self._app.push_screen_wait(dialog)
        return chosen, dialog.unfit

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
        """Ask for a line."""
        return await self._wait_for(
            AskScreen(question, example, hint=hint, check=check, secret=secret, optional=optional)
        )

    async def fill_in(self, question: ServerQuestion) -> UserAnswer:
        """Ask by a form."""
        return await self._wait_for(FormScreen(question)) or UserAnswer("cancel")

    async def write_memory(self, title: str, memory: Memory) -> NewMemory | None:
        """Ask by the editor of memories."""
        before = MemoryDraft(memory.text, memory.kind, memory.private)
        draft = await self._app.push_screen_wait(MemoryEditor(title, before))
        if draft is None or draft == before:
            return None
        return NewMemory(draft.text, draft.kind, pinned=memory.pinned, private=draft.private)

    async def edit(self, text: str, name: str) -> str | None:
        """Give a text to the editor that VISUAL or EDITOR names."""
        try:
            # The editor has the terminal: nothing is to be drawn meanwhile.
            with self._app.suspend():
                written = edited(text, name)
        except SuspendNotSupported:
            self._screen.notify(_("Here no editor can be started."), severity="error", markup=False)
            return None
        except EditorError as error:
            self.remark(f"{error.message} {error.hint}", warning=True)
            return None
        finally:
            self._app.refresh()
        return written

    async def agree_to_erase(self, plan: ErasurePlan, *, everything: bool) -> bool:
        """Ask by the dialog that takes a word."""
        agreed = await self._app.push_screen_wait(ConfirmForget(plan, everything=everything))
        return agreed

    async def replaces(self, path: str) -> bool:
        """Ask whether a file that is there may be replaced."""
        choices = [Choice(_("Keep it"), _("nothing is written"), False), Choice(_("Replace it"), "", True)]
        chosen = await self.choose(_("{path} exists.").format(path=path), choices)
        return bool(chosen)

    def give_back(self, text: str) -> bool:
        """Put words back into the prompt."""
        self._prompt.replace_all(text)
        return True

    def take_typed(self, text: str) -> None:
        """Send words that were written into a list and meant for the prompt.

        One word alone may be a name that is not in the list: it is put into the prompt.
        """
        if len(text.split()) > 1 or text.startswith("/") or not text.isascii():
            self._prompt.post_message(Prompt.Submitted(text))
        else:
            self.give_back(text)
            self.remark(_("Enter sends it."))

    def start(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Do something beside the screen; a failure becomes a notice."""
        self._work(work(), name, group=name)

    def cancel(self, name: str) -> None:
        """End what goes on under this name."""
        self._screen.workers.cancel_group(self._screen, name)

    def _work(self, work: Awaitable[None], name: str, group: str = "") -> None:
        guarded = self._guarded(work)
        self._screen.run_worker(
            guarded, name=name, group=group or "default", exclusive=bool(group), exit_on_error=False
        )

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 — a person is told, the chat goes on
            await self.tell(Report(*explain(error), "error"))

    # -- what is in view ---------------------------------------------------------------------------------------

    async def _show_conversation(self) -> None:
        self._show_kept()
        self._show_parts(())
        if self.controller.conversation_id is None:
            await self._transcript.replace([])
            self._show_title("")
        else:
            await self._bring_draft()
            await self._show_branch()
        self.status.show_context(None)
        self._focus_prompt()

    async def _show_branch(self) -> None:
        """Show the latest messages of the branch in view, with their sources."""
        session = self.controller.session
        await self._transcript.replace(await self._read(len(session.messages), turns.SHOWN_AT_FIRST))
        self._transcript.show_branches(session.beside())
        if session.conversation is not None:
            self._show_title(session.conversation.title)

    async def _read(self, end: int, most: int) -> list[Any]:
        """Return what shows so many messages before this place, and what stands for those before them."""
        session, store = self.controller.session, self._services.store
        begin = max(0, end - most)
        shown = session.messages[begin:end]
        stored = await in_thread(lambda: turns.read_messages(store, shown, session.settings.care))
        return turns.widgets_of(stored, begin)

    def show_earlier(self) -> None:
        """Show more of a long chat above what is shown, which stays where it is on the screen."""
        self._work(self._show_earlier(), "earlier")

    async def _show_earlier(self) -> None:
        transcript = self._transcript
        above = transcript.column.query_children(EarlierMessages)
        if not above:
            return
        widgets = await self._read(above.first().count, turns.SHOWN_MORE)
        before = transcript.virtual_size.height
        with self._app.batch_update():
            await above.remove()
            await transcript.add(*widgets, before=0)
        transcript.show_branches(self.controller.session.beside())

        def stay() -> None:
            transcript.scroll_to(y=transcript.scroll_y + transcript.virtual_size.height - before, animate=False)

        self._screen.call_after_refresh(stay)

    def _show_title(self, title: str) -> None:
        """Show the conversation's title beside the name of the house."""
        shown = [("   " + plain(title, one_line=True), "$foreground-muted")] if title else []
        self._screen.query_one("#title", Static).update(Content.assemble(("Keepsake", "bold $primary"), *shown))

    def _show_kept(self) -> None:
        """Show at the prompt that nothing of this chat is kept, or that it stays on this machine."""
        session = self.controller.session
        mark = _TEMPORARY if session.temporary else _PRIVATE if session.is_private else ""
        self._prompt.border_subtitle = _(mark) if mark else None

    async def _take_away_erased(self, erased: bool) -> None:
        """Take notices from the screen that repeat what was erased."""
        if not erased:
            return
        column, store = self._transcript.column, self._services.store
        repeating = {notice: notice.about for notice in column.query_children(Notice) if notice.about}
        gone = await in_thread(lambda: [notice for notice, about in repeating.items() if not store.holds(about)])
        await column.remove_children(gone)

    def _show_parts(self, parts: tuple[ContextPart, ...]) -> None:
        """Take down what the model sees in this turn, and show it where the panel is open."""
        self._parts = parts
        for panel in self._screen.query(ContextPanel):
            panel.show(parts, self._services.answerer.info.context_tokens)

    def _focus_prompt(self) -> None:
        self._screen.set_focus(self._prompt)

    # -- what is written and sent ------------------------------------------------------------------------------

    def submit(self, text: str) -> None:
        """Send what was written; what can't be sent yet stays in the prompt."""
        if self.controller.is_answering:
            self.remark(_("The answer is still coming. Esc stops it; your text stays here."))
        elif self._editing is None and (paths := pasted_paths(text)):
            self._prompt.replace_all("")
            self.offer_paths(paths, lambda: self._send(text))
        elif not self._is_refused():
            self._send(text)

    def _is_refused(self) -> bool:
        """Say why a private chat is not sent elsewhere; the text stays in the prompt."""
        try:
            self.controller.session.refuse_elsewhere()
        except KeepsakeError as error:
            self._screen.notify(f"{error.message} {hint_of(error)}", severity="warning", markup=False, timeout=8)
            return True
        return False

    def _send(self, text: str) -> None:
        whole, editing = self._prompt.unfold(text), self._editing
        self._prompt.clear_sent(text)
        self._end_edit()
        self._work(self.controller.say(whole, editing, self._completer.mentioned), "turn")

    def run(self, name: str, argument: str, written: str = "") -> None:
        """Run a command; `written` is what was typed for it, which is no draft any more."""
        self._work(self._run(name, argument, written), name)

    async def _run(self, name: str, argument: str, written: str) -> None:
        if written:  # with a message it goes in the transaction that stores that
            await self.controller.drafts.drop(written)
        await self.command(name)(argument)

    def command(self, name: str) -> Callable[[str], Awaitable[None]]:
        """Return what a command does with its argument."""
        return self.controller.command(name) or self._commands[name]

    def stop(self) -> bool:
        """Stop the answer, the import or the edit; return whether there was any."""
        return self.controller.stop() or self._give_up_edit()

    def keep_draft_soon(self) -> None:
        """Keep what is being written, once the writing rests for a moment. Of a temporary chat nothing is kept."""
        if self._keeping is not None:
            self._keeping.stop()
            self._keeping = None
        if not self.controller.session.temporary:
            self._keeping = self._screen.set_timer(_REST_SECONDS, self._keep_draft)

    async def _keep_draft(self) -> None:
        self._keeping = None
        await self.controller.drafts.keep(lambda: (self.controller.conversation_id, self._written()))

    def _written(self) -> str:
        """Return what is being written; of a command alone nothing could be lost."""
        text = self._prompt.unfold(self._prompt.text)
        command = parse(text)
        return "" if command and not command[1] else text

    async def _bring_draft(self) -> None:
        """Put what was being written in this chat into the prompt, if that is empty."""
        text = await self.controller.drafts.get(self.controller.conversation_id)
        if text and not self._prompt.text:
            self._prompt.replace_all(text)

    def _give_up_edit(self) -> bool:
        is_editing = self._editing is not None
        self._end_edit()
        return is_editing

    def _end_edit(self) -> None:
        if self._editing is not None:
            self._prompt.replace_all(self._set_aside)
        self._editing, self._set_aside = None, ""
        self._prompt.border_title = None

    def mark_new(self, new: bool) -> None:
        """Mark above the prompt that there is new text below what the reader sees."""
        if self._editing is None:
            self._prompt.border_title = _("↓ new text below: Page Down") if new else None

    def offer_paths(self, paths: Sequence[Path], keep_text: Callable[[], None]) -> None:
        """Ask what files that were pasted, dropped or typed are for: to import, to attach, or, by `keep_text`, text."""
        self._work(self._offer_paths(paths, keep_text), "dropped")

    async def _offer_paths(self, paths: Sequence[Path], keep_text: Callable[[], None]) -> None:
        files = [path for path in paths if path.is_file() and path.suffix.lower() != ".zip"]
        choices = [Choice(_("Import"), _("it is remembered from now on"), "import")]
        if len(files) == len(paths) <= _MOST_ATTACHED:
            attach = Choice(_("Attach to this message"), _("it is imported, and read for this answer"), "attach")
            choices.insert(0, attach)
        choices.append(Choice(_("Keep as text"), "", "text"))
        title = plural("What is {count} file or folder for?", "What are {count} files or folders for?", len(paths))
        match await self.choose(title, choices):
            case "import":
                await self.controller.imports.import_paths(paths)
            case "attach":
                self._prompt.insert("".join(f"{Mention(str(path), 'file', path).written} " for path in paths))
            case _:
                keep_text()
        self._focus_prompt()

    # -- messages and sources ----------------------------------------------------------------------------------

    def work_on_message(self, spoken: Spoken, name: str) -> None:
        """Do something with a message that is more than a matter of view."""
        if message_action(name).waits_for_answer and self.controller.is_answering:
            self.remark(_("The answer is still coming; Esc stops it."))
        elif name == "pin" and not spoken.text:
            self.remark(_("There is nothing to keep yet: this answer is still to come."))
        elif name == "edit" and (not isinstance(spoken, UserMessage) or spoken.message_id is None):
            self.remark(_("Only what you wrote can be edited."))
        elif spoken.message_id is None:
            self.remark(_(_NOT_STORED))
        elif name == "edit":
            self._begin_edit(spoken.message_id, spoken.text)
        else:
            self._work(self._work_on_message(spoken.message_id, name), "turn" if name == "again" else "message")

    def _begin_edit(self, message_id: str, text: str) -> None:
        """Put a sent message into the prompt, to be sent in its place on a branch of its own."""
        if self._editing is None:
            self._set_aside = self._prompt.text
        self._editing = message_id
        self._prompt.replace_all(text)
        self._prompt.border_title = _("Editing: Enter sends it as a branch, Esc gives it up")
        self._focus_prompt()

    async def _work_on_message(self, message_id: str, name: str) -> None:
        controller = self.controller
        match name:
            case "again":
                await controller.answer_again(message_id)
            case "left" | "right":
                beside = await controller.walk(message_id, 1 if name == "right" else -1)
                if (spoken := self._transcript.find(beside)) is not None:
                    self._transcript.select(spoken)
            case "branch":
                await controller.branch_from(message_id)
            case "pin":
                await controller.pin(message_id)
            case "cost":
                await controller.tell_cost_of(message_id)
            case "forget":
                await controller.eraser.erase_ids(message_id)

    def open_source(self, source: SourceView, answer_id: str | None) -> None:
        """Show a source in place; a source of an answer can be judged there."""
        line = self._line_of(source, answer_id)

        def closed(action: str | None) -> None:
            if action is not None and line is not None:
                self.judge(line, action)

        self._app.push_screen(SourceScreen(self._services.store, source, judgeable=line is not None), closed)

    def _line_of(self, source: SourceView, answer_id: str | None) -> SourceLine | None:
        """Return the line under the answer at which a source stands; None where it is no source of a stored answer."""
        if answer_id is None or source.number is None or source.passage_id is None:
            return None
        lines = self._screen.query(SourceLine).results()
        found = (line for line in lines if line.answer_id == answer_id and line.source.number == source.number)
        return next(found, None) or SourceLine(source, answer_id)  # it may be among those that are folded

    def judge(self, line: SourceLine, name: str) -> None:
        """Call a source not relevant for its question, or put right what it says."""
        self._work(self._dismiss(line) if name == "dismiss" else self._correct(line), "source")

    async def _dismiss(self, line: SourceLine) -> None:
        """Never recall it for this question again, or take that back."""
        await self._mark_dismissed(line, dismissed=not line.source.dismissed)
        self.remark(
            _("Not relevant: it is not recalled for this question again.")
            if line.source.dismissed
            else _("It may be recalled for this question again.")
        )

    async def _correct(self, line: SourceLine) -> None:
        source = line.source
        corrected, stays = await self.controller.put_source_right(source.kind, source.source_id, source.private)
        if corrected is not None and stays:
            await self._mark_dismissed(line, dismissed=True)

    async def _mark_dismissed(self, line: SourceLine, *, dismissed: bool) -> None:
        store, answer_id, number = self._services.store, line.answer_id, line.source.number
        assert answer_id is not None
        assert number is not None
        await in_thread(lambda: store.conversations.dismiss(answer_id, number, dismissed=dismissed))
        line.show(replace(line.source, dismissed=dismissed))

    # -- commands that are screens -----------------------------------------------------------------------------

    async def _push(self, screen: Screen[Any]) -> None:
        await self._app.push_screen(screen)

    async def _list_chats(self, argument: str) -> None:
        if not await in_thread(self._services.store.conversations.all):
            await self.tell(Report(_("There is no earlier chat yet.")))
            return
        chosen = await self._app.push_screen_wait(ChatsScreen(self.controller, argument))
        if chosen is not None:
            await self.controller.open(chosen)

    async def _list_recipes(self, argument: str) -> None:
        chosen = await self._app.push_screen_wait(RecipesScreen(self.controller, argument))
        if chosen is not None:
            await self.controller.use_recipe(chosen)

    async def _show_statistics(self, argument: str) -> None:
        await in_thread(_import_plots)
        from assistant.tui.screens.stats import StatsScreen

        await self._app.push_screen(StatsScreen(self._services.store))

    async def _show_profile(self, argument: str) -> None:
        """Show what is known about the user; let them edit the page, or answer the questions that are open."""
        sections = await self.controller.profile(argument)
        if sections is None:
            return
        if argument:
            title = _("What was known to be true on {day}").format(day=argument)
            await self._app.push_screen(AboutMeScreen(sections, title=title))
            return
        asked = await in_thread(self._services.store.learning.questions.all)
        chosen = await self._app.push_screen_wait(AboutMeScreen(sections, len(asked)))
        if chosen == EDIT:
            await self.controller.learning.edit_page()
        elif chosen == ANSWER:
            await self.controller.learning.ask_questions()

    async def _explain(self, argument: str) -> None:
        """Explain the last answer; with words, the sentence of it that shares most with them."""
        answers = list(self._screen.query(Answer))
        if not answers:
            self.remark(_("There is nothing to explain yet."))
            return
        text, sources = answers[-1].text, [source for source in answers[-1].sources if source.cited]
        if argument:
            sentence = sentence_meant(sentences_of(text), argument)
            if sentence is None:
                self.remark(_("The last answer says nothing like that."))
                return
            text, sources = (
                sentence.text,
                [source for source in answers[-1].sources if source.number in sentence.numbers],
            )
        grounds = await in_thread(lambda: grounds_of(self._services.store, sources))
        message_id = answers[-1].message_id
        recipes = await in_thread(lambda: recipes_behind(self._services.store, message_id)) if message_id else []
        by = _("Answered by the recipe {names}.").format(names=", ".join(recipes)) if recipes else ""
        beside = " ".join(filter(None, (by, seen_beside(self._parts))))
        await self._app.push_screen(WhyScreen(text, grounds, beside))

    async def _toggle_context(self, argument: str) -> None:
        """Open or close the panel that shows what the model sees."""
        panels = self._screen.query(ContextPanel)
        if panels:
            await panels.remove()
            self._focus_prompt()
        else:
            await self._screen.mount(
                ContextPanel(self._parts, self._services.answerer.info.context_tokens, id="context")
            )

    async def _bring_back(self, argument: str) -> None:
        """List what was sent in any chat, the latest first, and put the chosen text into the prompt."""
        sent = await in_thread(lambda: self._services.store.conversations.get_sent(_MOST_LISTED))
        if not sent:
            self.remark(_("Nothing has been sent yet."))
            return
        choices = [
            Choice(excerpt(message.text, _EXCERPT_CHARS), moment(message.created_at), message.text) for message in sent
        ]
        chosen = await self.choose(_("What you sent"), choices)
        if chosen is not None:
            self._prompt.replace_all(chosen)
            self._focus_prompt()

    async def _write_in_editor(self, argument: str) -> None:
        written = await self.edit(self._prompt.unfold(self._prompt.text), "message.md")
        if written is not None:
            self._prompt.replace_all(written.rstrip("\n"))
            self._focus_prompt()

    # -- commands that change or read the settings -------------------------------------------------------------

    async def apply(self, settings: Settings, *, choose: bool = False) -> None:
        """Put settings in force; `choose` builds the model anew even if nothing changed, as a key may be there now.

        Raises ConfigError or CredentialError for a model that can't be built; all stays as it is then.
        """
        services, controller = self._services, self.controller
        before = services.settings
        if choose or _who_answers(settings) != _who_answers(before):
            models = await in_thread(lambda: bootstrap.build_models(settings, services.store))
            if ModelRole.CHAT in models.errors:
                raise models.errors[ModelRole.CHAT]
            await services.models.close()
            services.models = models
            self._collector.stop()
            self._collector = bootstrap.build_collector(settings, services.store)
            self._collector.start()
            self._runner.stop()
            self._runner = bootstrap.build_task_runner(settings, services.store)
            self._runner.start()
        services.settings = settings
        if settings.private != before.private:
            await in_thread(lambda: bootstrap.keep_private(services.store, settings))
        controller.use(services.models, bootstrap.turn_settings(settings), bootstrap.import_options(settings))
        if settings.importing.watch != before.importing.watch:
            controller.imports.watch(settings.importing.watch)
        await self._dress(settings)
        self._show_model()
        self.status.show_context(None)

    async def _change_settings(self, argument: str) -> None:
        """Show the settings; what was changed is in force afterwards, or with the next start."""
        screen = SettingsScreen(self._services.settings, self._services.config_file)
        if await self._app.push_screen_wait(screen):
            await self._read_settings_again()
        if screen.wants_model:
            await self._models.choose("")

    async def _read_settings_again(self) -> None:
        before, file = self._services.settings, self._services.config_file
        await self.apply(await in_thread(lambda: configuration.load(file, {"data_dir": before.data_dir})))
        in_file = await in_thread(lambda: configuration.load(file))
        later = [name for name in _FROM_NEXT_START if getattr(in_file, name) != getattr(before, name)]
        if later:
            await self.tell(Report(_("Changed from the next start on: {names}.").format(names=", ".join(later))))

    def _guide(self) -> Guide:
        return Guide(self._services, self, self.controller.imports, self._models)

    async def _lead_through(self, argument: str = "") -> None:
        """Lead through the first steps."""
        await self._guide().lead()
        self._focus_prompt()

    async def _watch(self, argument: str) -> None:
        """Watch a folder from now on, or no longer if it is watched; without one, say which are. The choice is kept."""
        services = self._services
        folders = list(services.settings.importing.watch)
        if not argument:
            shown = _("Watched folders: {folders}").format(folders="\n".join(folders) or _("none"))
            await self.tell(Report(shown, _("/watch FOLDER adds or ends one.")))
            return
        path = absolute_path(" ".join(split_words(argument)))
        if not await in_thread(path.is_dir):
            await self.tell(Report(_("{path} is no folder.").format(path=path), kind="warning"))
            return
        known = next((folder for folder in folders if absolute_path(folder) == path), None)
        if known is None:
            folders.append(str(path))
        else:
            folders.remove(known)
        await in_thread(lambda: keep(services.config_file, "import", {"watch": folders}))
        importing = replace(services.settings.importing, watch=folders)
        services.settings = replace(services.settings, importing=importing)
        self.controller.imports.watch(folders)
        told = _("Watched from now on: {path}") if known is None else _("No longer watched: {path}")
        await self.tell(Report(told.format(path=path), kind="good"))

    async def _export(self, argument: str) -> None:
        """Write everything to one zip."""
        store, file = self._services.store, self._services.config_file
        path = absolute_path(" ".join(split_words(argument)))
        if await in_thread(path.exists) and not await self.replaces(str(path)):
            return
        self.show_activity(f"export: {path.name}")
        try:
            await in_thread(lambda: store.export(path, version(), portable(file)))
        finally:
            self.show_activity()
        told = _("Everything is written to {path}.").format(path=path)
        await self.tell(Report(told, _("It holds your memory unencrypted."), "good"))


def _who_answers(settings: Settings) -> tuple[object, ...]:
    """Return what models are built of."""
    return settings.model, settings.models, settings.prices, settings.budget


def _import_plots() -> None:
    import assistant.tui.screens.stats  # noqa: F401 — loads plotext, which takes a while
