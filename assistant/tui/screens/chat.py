"""The chat's screen: a light frame first, then the prompt, then the memory behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from assistant.language import N_, _
from assistant.tui import commands
from assistant.tui.letters import Letters
from assistant.tui.sending import Sender
from assistant.tui.threads import in_thread
from assistant.tui.widgets.early_prompt import EarlyPrompt
from assistant.tui.widgets.notice import Notice, NoticeKind
from assistant.tui.widgets.status_line import StatusLine
from assistant.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    import threading

    from assistant.core.events import ContextPart
    from assistant.core.session import Session
    from assistant.tui.app import ChatApp
    from assistant.tui.completing import Completer
    from assistant.tui.services import Services
    from assistant.tui.status import StatusKeeper
    from assistant.tui.widgets.context_panel import ContextPanel
    from assistant.tui.widgets.prompt import Prompt
    from assistant.tui.widgets.source_list import SourceJudged, SourceOpened
    from assistant.tui.widgets.spoken import Spoken

PLACEHOLDER: Final = N_("Ask, tell, or type / for commands")
_STOPPING_SECONDS: Final = 3.0
_TURNS: Final = frozenset({"turn", "retry", "continue"})  # workers in which an answer is given
_EARLY_KEYS: Final = frozenset({"enter", "backspace", "ctrl+j"})


class ChatScreen(Screen[None]):
    """One conversation at a time. Actions and turns work through its public methods."""

    DEFAULT_CSS = """
    ChatScreen {
        background: $background;
        & > #title { height: 1; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #early-prompt, & > #prompt { margin: 1 1 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", show=False),
        Binding("alt+up", "select_message", "Select a message", show=False),
        *(
            # A key that no terminal sends stands for none: the user may give one to any command.
            Binding(one.key or f"none_{one.name}", f"command('{one.name}')", one.summary, show=False, id=one.name)
            for one in commands.COMMANDS
            if one.name != "quit"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.session: Session | None = None
        self.keeper: StatusKeeper | None = None
        self.stopping: asyncio.Event | None = None
        self.import_stop: threading.Event | None = None
        self.import_lock = asyncio.Lock()
        self.failed = False
        self.code_copied: tuple[Spoken | None, int] = (None, 0)
        self.parts: tuple[ContextPart, ...] = ()
        self.sender = Sender(self)
        self.letters = Letters(self)
        self.completer: Completer

    # -- the frame, then what is behind it ---------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Compose the first frame of what is light alone."""
        yield Static(Content.styled("Keepsake", "bold $primary"), id="title", markup=False)
        yield Transcript(id="transcript")
        yield EarlyPrompt(_(PLACEHOLDER), id="early-prompt")
        yield StatusLine(_("opening…"), id="status")

    def on_mount(self) -> None:
        """Go on once this frame is on the screen."""
        self.watch(self, "focused", self.letters.show, init=False)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self.keepsake.painted()
        self.call_later(self._start_opening)

    def _start_opening(self) -> None:
        self.run_worker(self._open(), name="opening", exit_on_error=False)

    async def _open(self) -> None:
        try:
            await in_thread(_import_prompt)
            await self._mount_prompt()
            services = await in_thread(self.keepsake.open_services)
            self.keepsake.services = services
            await in_thread(_import_conversation)
        except Exception as error:  # noqa: BLE001 — whatever keeps the memory closed is told on the screen
            await self._opening_failed(error)
            return
        from assistant.tui import opening

        await opening.opened(self, services)
        await self.sender.opened()

    async def _mount_prompt(self) -> None:
        from assistant.tui.completing import Completer
        from assistant.tui.widgets.prompt import Prompt
        from assistant.tui.widgets.suggestions import Suggestions

        early = self.query_one(EarlyPrompt)
        prompt = Prompt(_(PLACEHOLDER), id="prompt")
        self.completer = Completer(self)
        prompt.enter_completes = self.completer.takes_enter
        prompt.cursor_blink = self.keepsake.blink
        prompt.display = False
        await self.mount(Suggestions(), prompt, before=early)
        with self.app.batch_update():
            prompt.display, early.display = True, False
            self.set_focus(prompt)
            early.hand_over(prompt)
            await early.remove()

    async def _opening_failed(self, error: BaseException) -> None:
        from assistant.tui.failures import explain

        message, hint = explain(error)
        self.failed = True
        self.keepsake.failure = "\n".join(one for one in (message, hint) if one)
        await self.query("EarlyPrompt, Prompt").remove()
        await self.notice(message, hint, "error")
        await self.notice(_("Your memory could not be opened. Any key leaves."))
        self.query_one(StatusLine).update(Content(_("not open")))

    # -- what actions and turns use ----------------------------------------------------------------------------

    @property
    def keepsake(self) -> ChatApp:
        """The application."""
        return cast("ChatApp", self.app)

    @property
    def services(self) -> Services:
        """What the chat works with. Only to be asked for once the memory is open."""
        services = self.keepsake.services
        assert services is not None
        return services

    @property
    def prompt(self) -> Prompt:
        """Where the user writes. Only to be asked for once it is there."""
        return cast("Prompt", self.query_one("#prompt"))

    @property
    def transcript(self) -> Transcript:
        """Where the conversation is shown."""
        return self.query_one(Transcript)

    @property
    def is_open(self) -> bool:
        """Whether the memory is open."""
        return self.session is not None

    @property
    def is_answering(self) -> bool:
        """Whether an answer is coming."""
        return self.stopping is not None

    def show_title(self, title: str = "") -> None:
        """Show the conversation's title beside the name of the house."""
        name = ("Keepsake", "bold $primary")
        self.query_one("#title", Static).update(Content.assemble(name, ("   " + title, "$foreground-muted")))

    async def notice(self, text: str, hint: str = "", kind: NoticeKind = "info", about: str | None = None) -> Notice:
        """Put a notice at the end of the transcript; `about` is the id of what it repeats."""
        shown = Notice(text, hint, kind, about)
        await self.transcript.add(shown)
        return shown

    def background(self, work: Awaitable[None], name: str) -> None:
        """Do something beside the screen; a failure becomes a notice."""
        self.run_worker(self.guarded(work), name=name, exit_on_error=False)

    async def guarded(self, work: Awaitable[None]) -> None:
        """Do something; a failure becomes a notice."""
        from assistant.tui.failures import explain

        try:
            await work
        except Exception as error:  # noqa: BLE001 — a person is told, the chat goes on
            await self.notice(*explain(error), "error")

    # -- sending and commands ----------------------------------------------------------------------------------

    def submit(self, text: str) -> None:
        """Send what was written, or do what the command says. Nothing that can't be sent yet is lost."""
        self.sender.submit(text)

    def action_command(self, name: str) -> None:
        """Run a command by its key."""
        self.sender.choose(name)

    def action_stop(self) -> None:
        """Stop the answer, else the import, else go back to the prompt."""
        if self.stopping is not None:
            self.stopping.set()
        elif self.import_stop is not None:
            self.import_stop.set()
        elif not self.sender.give_up_edit():
            self.focus_prompt()

    async def action_select_message(self) -> None:
        """Select the latest message."""
        if self.is_open:
            from assistant.tui.actions.messages import select

            await select(self, None, 0)

    def show_parts(self, parts: tuple[ContextPart, ...]) -> None:
        """Take down what the model sees in this turn, and show it where the panel is open."""
        self.parts = parts
        for panel in self.query("#context"):
            cast("ContextPanel", panel).show(parts, self.services.model.context_tokens)

    async def toggle_context(self) -> None:
        """Open or close the panel that shows what the model sees."""
        from assistant.tui.widgets.context_panel import ContextPanel

        if self.query("#context"):
            await self.query("#context").remove()
            self.focus_prompt()
        else:
            await self.mount(ContextPanel(self.parts, self.services.model.context_tokens, id="context"))

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt, if it is there."""
        with suppress(NoMatches):  # still the first frame, whose prompt has the focus anyway
            self.set_focus(self.prompt)

    async def close_down(self) -> None:
        """Stop answer and import, and give the answer a moment to be stored."""
        if self.import_stop is not None:
            self.import_stop.set()
        if self.stopping is not None:
            self.stopping.set()
            turns = [one for one in self.workers if one.name in _TURNS and not one.is_finished]
            with suppress(TimeoutError):  # what has come is stored as partial when the worker is cancelled
                async with asyncio.timeout(_STOPPING_SECONDS):
                    await self.app.workers.wait_for_complete(turns)
        services = self.keepsake.services
        if services is not None:
            await services.model.close()

    # -- messages of the widgets -------------------------------------------------------------------------------

    def takes_first(self, event: events.Event) -> bool:
        """Let the letters of what is selected be told from the beginning of a text."""
        return self.letters.takes(event)

    def on_key(self, event: events.Key) -> None:
        """Leave after a failure; else typing anywhere goes into the prompt."""
        if self.failed:
            self.app.exit(return_code=1)
        elif (event.is_printable and event.character) or (event.key in _EARLY_KEYS and self.query(EarlyPrompt)):
            event.stop()
            self.hand_to_prompt(events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Put into the prompt what was pasted elsewhere."""
        self.hand_to_prompt(events.Paste(event.text))

    def hand_to_prompt(self, event: events.Key | events.Paste) -> None:
        """Give the prompt what reached the screen: the focus was elsewhere, or nowhere yet. Prompts keep their own."""
        for prompt in self.query("#prompt, #early-prompt").results(Widget):
            self.set_focus(prompt)
            prompt.post_message(event)
            return

    @on(events.Click, "#transcript")
    def _clicked(self) -> None:
        self.focus_prompt()

    def on_spoken_asked(self, event: Spoken.Asked) -> None:
        """Do something with a message."""
        from assistant.tui.actions.messages import ACTIONS

        action = commands.message_action(event.action)
        if action is not None and action.waits_for_answer and self.is_answering:
            self.notify(_("The answer is still coming; Esc stops it."), markup=False, timeout=4)
        else:
            self.background(ACTIONS[event.action](self, event.spoken), "turn" if event.action == "again" else "message")

    def on_source_opened(self, event: SourceOpened) -> None:
        """Open a source in place."""
        from assistant.tui.actions.sources import open_source

        self.background(open_source(self, event.source, event.answer_id), "source")

    def on_source_judged(self, event: SourceJudged) -> None:
        """Do something with a source of an answer."""
        from assistant.tui.actions.sources import ACTIONS

        self.background(ACTIONS[event.action](self, event.line), "source")

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Send what was written."""
        self.submit(event.text)

    def on_transcript_behind(self, event: Transcript.Behind) -> None:
        """Mark at the prompt that there is new text below what is read."""
        self.sender.mark_new(event.behind)

    def on_earlier_messages_asked(self) -> None:
        """Show more of a long chat."""
        from assistant.tui.actions.conversation import show_earlier

        self.background(show_earlier(self), "earlier")

    def on_prompt_scrolled(self, event: Prompt.Scrolled) -> None:
        """Page through the transcript; from its top on to what is not shown yet."""
        if event.direction < 0 and self.transcript.scroll_y == 0:
            self.on_earlier_messages_asked()
        elif event.direction < 0:
            self.transcript.scroll_page_up()
        else:
            self.transcript.scroll_page_down()

    def on_text_area_changed(self) -> None:
        """Show what fits what is typed."""
        self.completer.changed()
        self.sender.changed()

    def on_prompt_completion_key(self, event: Prompt.CompletionKey) -> None:
        """Move in the list of what fits, take from it, or close it."""
        match event.key:
            case "up" | "down":
                self.completer.move(-1 if event.key == "up" else 1)
            case "escape":
                self.completer.close()
            case _:
                self.completer.take()

    def on_prompt_paths_pasted(self, event: Prompt.PathsPasted) -> None:
        """Ask what is to become of files that were pasted or dropped."""
        from assistant.tui.actions.dropping import offer

        self.background(offer(self, event.paths, lambda: self.prompt.insert_pasted(event.text)), "dropped")


def _import_prompt() -> None:
    import assistant.tui.completing
    import assistant.tui.widgets.prompt  # noqa: F401


def _import_conversation() -> None:
    import assistant.tui.opening
    import assistant.tui.turn
    import assistant.tui.widgets.answer  # noqa: F401
