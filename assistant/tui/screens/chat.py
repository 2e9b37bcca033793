"""The chat's screen: a light frame first, then the prompt, then the memory behind it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from assistant.core.conversation import commands
from assistant.language import N_, _
from assistant.threads import in_thread
from assistant.tui.letters import Letters
from assistant.tui.widgets.early_prompt import EarlyPrompt
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.status_line import StatusLine
from assistant.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.core.conversation.session import Session
    from assistant.core.conversation.skin import Report
    from assistant.tui.screens.chat_skin import ChatSkin
    from assistant.tui.services import Opener, Services
    from assistant.tui.status import StatusKeeper
    from assistant.tui.widgets.completer import Completer
    from assistant.tui.widgets.prompt import Prompt
    from assistant.tui.widgets.source_list import SourceJudged, SourceOpened
    from assistant.tui.widgets.spoken import Spoken

_PLACEHOLDER: Final = N_("Ask, tell, or type / for commands")
_EARLY_KEYS: Final = frozenset({"enter", "backspace", "ctrl+j"})


class ChatScreen(Screen[None]):
    """One conversation at a time. `failure` is what kept the memory from being opened.

    `open_services` is called in a thread once the first frame is on the screen, after `painted`. `dress` puts settings
    for looks and keys in force, and returns what there is to say of those that can't be.
    """

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
            Binding(
                command.key or f"none_{command.name}",
                f"command('{command.name}')",
                command.summary,
                show=False,
                id=command.name,
            )
            for command in commands.SCREEN_COMMANDS
            if command.name != "quit"
        ),
    ]

    def __init__(
        self, open_services: Opener, dress: Callable[[Settings], list[Report]], painted: Callable[[], None]
    ) -> None:
        super().__init__()
        self.opened_services: Services | None = None
        self.skin: ChatSkin | None = None
        self.failure = ""
        self._open_services = open_services
        self._dress_app = dress
        self._tell_painted = painted
        self._commands = {"theme": self._choose_theme, "help": self._show_help, "quit": self._leave}
        self._send_when_open = False
        self._letters = Letters(self, self._hand_to_prompt)
        self._completer: Completer

    # -- the frame, then what is behind it ---------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Compose the first frame of what is light alone."""
        yield Static(Content.styled("Keepsake", "bold $primary"), id="title", markup=False)
        yield Transcript(id="transcript")
        yield EarlyPrompt(_(_PLACEHOLDER), id="early-prompt")
        yield StatusLine(_("opening…"), id="status")

    def on_mount(self) -> None:
        """Go on once this frame is on the screen."""
        self.watch(self, "focused", self._letters.show, init=False)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._tell_painted()
        self.call_later(self._start_opening)

    def _start_opening(self) -> None:
        self.run_worker(self._open(), name="opening", exit_on_error=False)

    async def _open(self) -> None:
        try:
            await in_thread(_import_prompt)
            await self._mount_prompt()
            services = await in_thread(self._open_services)
            self.opened_services = services
            await in_thread(_import_skin)
        except Exception as error:  # noqa: BLE001 — whatever keeps the memory closed is told on the screen
            await self._opening_failed(error)
            return
        from assistant.tui.screens.chat_skin import ChatSkin

        skin = ChatSkin(self, services, self._completer, self.dress, self._commands)
        await self.dress(services.settings)
        self._completer.store = services.store
        self.skin = skin
        await skin.begin()
        if self._send_when_open:
            self._send_when_open = False
            self.submit(self.prompt.text)

    async def _mount_prompt(self) -> None:
        from assistant.tui.widgets.completer import Completer
        from assistant.tui.widgets.prompt import Prompt
        from assistant.tui.widgets.suggestions import Suggestions

        early = self.query_one(EarlyPrompt)
        prompt, suggestions = Prompt(_(_PLACEHOLDER), id="prompt"), Suggestions()
        self._completer = Completer(prompt, suggestions)
        prompt.cursor_blink = getattr(self.app, "blink", True)
        prompt.display = False
        await self.mount(suggestions, prompt, before=early)
        early.hand_over(prompt)

    async def _opening_failed(self, error: BaseException) -> None:
        from assistant.failures import explain

        message, hint = explain(error)
        self.failure = "\n".join(part for part in (message, hint) if part)
        await self.query("EarlyPrompt, Prompt").remove()
        await self.transcript.add(Notice(message, hint, "error"))
        await self.transcript.add(Notice(_("Your memory could not be opened. Any key leaves.")))
        self.query_one(StatusLine).update(Content(_("not open")))

    async def dress(self, settings: Settings) -> None:
        """Put the settings for looks and keys in force; what can't be is told."""
        wrong = self._dress_app(settings)
        self.prompt.placeholder = _(_PLACEHOLDER)
        for told in wrong:
            await self.transcript.add(Notice(told.text, told.hint, told.kind))

    # -- what is shown and what goes on ------------------------------------------------------------------------

    @property
    def prompt(self) -> Prompt:
        """Where the user writes. Only to be asked for once it is there."""
        return cast("Prompt", self.query_one("#prompt"))

    def blink(self, blink: bool) -> None:
        """Let the cursor blink, or not."""
        for prompt in self.query("#prompt"):
            cast("Prompt", prompt).cursor_blink = blink

    @property
    def transcript(self) -> Transcript:
        """Where the conversation is shown."""
        return self.query_one(Transcript)

    @property
    def services(self) -> Services:
        """What the chat works with. Only to be asked for once the memory is open."""
        assert self.opened_services is not None
        return self.opened_services

    @property
    def is_open(self) -> bool:
        """Whether the memory is open."""
        return self.skin is not None

    @property
    def session(self) -> Session | None:
        """The conversation in view; None before the memory is open."""
        return self.skin.controller.session if self.skin is not None else None

    @property
    def keeper(self) -> StatusKeeper | None:
        """What keeps the status line true; None before the memory is open."""
        return self.skin.status if self.skin is not None else None

    @property
    def is_answering(self) -> bool:
        """Whether an answer is coming."""
        return self.skin is not None and self.skin.controller.is_answering

    # -- sending and commands ----------------------------------------------------------------------------------

    def submit(self, text: str) -> None:
        """Send what was written, or do what the command says. Nothing that can't be sent yet is lost."""
        if not text.strip():
            return
        parsed = commands.parse(text)
        if parsed is not None:
            self._submit_command(*parsed)
        elif self.skin is None:
            self._send_when_open = True
            self.notify(_("Your memory is still opening; this is sent when it is open."), markup=False, timeout=3)
        else:
            self.skin.submit(text)

    def _submit_command(self, name: str, argument: str) -> None:
        command = commands.find(name)
        if command is None and not argument and len(begun := commands.completions(f"/{name}")) == 1:
            command = begun[0]  # the one that is shown above the prompt
        if command is None:
            near = commands.nearest(name)
            hint = _("Did you mean /{name}?").format(name=near.name) if near else _("/help lists the commands.")
            words = _("There is no command /{name}. {hint}").format(name=name, hint=hint)
            self.notify(words, severity="warning", markup=False)
        elif command.requires_argument and not argument:
            self.notify(_("It is written {usage}").format(usage=command.usage), severity="warning", markup=False)
        elif self._may_run(command):
            argument, written = self.prompt.unfold(argument, on_own_lines=True), self.prompt.unfold(self.prompt.text)
            self.prompt.clear_sent(self.prompt.text)
            self.transcript.anchor()  # what comes of it stands at the end
            self._run(command, argument, written)

    def choose(self, name: str) -> None:
        """Run a command without an argument, or put it into the prompt if it needs one."""
        command = commands.find(name)
        assert command is not None
        if command.requires_argument:
            self.prompt.replace_all(f"/{command.name} ")
            self.focus_prompt()
        elif self._may_run(command):
            self._run(command, "")

    def _may_run(self, command: commands.Command) -> bool:
        if self.failure or (command.needs_memory and self.skin is None):
            self.notify(_("Your memory is still opening."), markup=False, timeout=3)
            return False
        if command.waits_for_answer and self.is_answering:
            self.notify(_("The answer is still coming; Esc stops it."), markup=False, timeout=4)
            return False
        return True

    def _run(self, command: commands.Command, argument: str, written: str = "") -> None:
        if self.skin is not None:
            self.skin.run(command.name, argument, written)
            return
        self.run_worker(self._commands[command.name](argument), name=command.name, exit_on_error=False)

    async def _choose_theme(self, argument: str) -> None:
        from assistant.tui.screens.theme import choose_theme

        config_file = self.opened_services.config_file if self.opened_services is not None else None
        for told in await choose_theme(self.app, argument, config_file):
            await self.transcript.add(Notice(told.text, told.hint, told.kind))

    async def _show_help(self, argument: str) -> None:
        from assistant.tui.screens.help import HelpScreen

        await self.app.push_screen(HelpScreen())

    async def _leave(self, argument: str) -> None:
        """Leave. The worker that runs this is part of what ends, so the app does it by itself."""
        self.app.call_later(self.app.action_quit)

    def action_command(self, name: str) -> None:
        """Run a command by its key."""
        self.choose(name)

    def action_stop(self) -> None:
        """Stop the answer, else the import, else go back to the prompt."""
        if self.skin is None or not self.skin.stop():
            self.focus_prompt()

    def action_select_message(self) -> None:
        """Select the latest message."""
        if self.is_open:
            self.transcript.select(None)

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt, if it is there."""
        with suppress(NoMatches):  # still the first frame, whose prompt has the focus anyway
            self.set_focus(self.prompt)

    async def close_down(self) -> None:
        """Stop answer and import, and give the answer a moment to be stored."""
        if self.skin is not None:
            await self.skin.close()
        elif self.opened_services is not None:
            await self.opened_services.models.close()

    # -- keys and pastes ---------------------------------------------------------------------------------------

    def takes_first(self, event: events.Event) -> bool:
        """Let the letters of what is selected be told from the beginning of a text."""
        return self._letters.takes(event)

    def on_key(self, event: events.Key) -> None:
        """Leave after a failure; else typing anywhere goes into the prompt."""
        if self.failure:
            self.app.exit(return_code=1)
        elif (event.is_printable and event.character) or (event.key in _EARLY_KEYS and self.query(EarlyPrompt)):
            event.stop()
            self._hand_to_prompt(events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Put into the prompt what was pasted elsewhere."""
        self._hand_to_prompt(events.Paste(event.text))

    def _hand_to_prompt(self, event: events.Key | events.Paste) -> None:
        """Give the prompt what reached the screen: the focus was elsewhere, or nowhere yet. Prompts keep their own."""
        for prompt in self.query("#prompt, #early-prompt").results(Widget):
            self.set_focus(prompt)
            prompt.post_message(event)
            return

    # -- messages of the widgets -------------------------------------------------------------------------------

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Send what was written."""
        self.submit(event.text)

    def on_prompt_scrolled(self, event: Prompt.Scrolled) -> None:
        """Page through the transcript; from its top on to what is not shown yet."""
        if event.direction < 0 and self.transcript.scroll_y == 0:
            self.on_earlier_messages_asked()
        elif event.direction < 0:
            self.transcript.scroll_page_up()
        else:
            self.transcript.scroll_page_down()

    def on_text_area_changed(self) -> None:
        """Show what fits what is typed, and keep it once the writing rests."""
        self._completer.look()
        if self.skin is not None:
            self.skin.keep_draft_soon()

    def on_prompt_completion_key(self, event: Prompt.CompletionKey) -> None:
        """Move in the list of what fits, take from it, or close it."""
        self._completer.take_key(event.key)

    def on_prompt_paths_pasted(self, event: Prompt.PathsPasted) -> None:
        """Ask what is to become of files that were pasted or dropped."""
        if self.skin is not None:
            self.skin.offer_paths(event.paths, lambda: self.prompt.insert_pasted(event.text))
        else:
            self.prompt.insert_pasted(event.text)

    def on_transcript_left(self) -> None:
        """Go back to the prompt."""
        self.focus_prompt()

    def on_transcript_behind(self, event: Transcript.Behind) -> None:
        """Mark at the prompt that there is new text below what is read."""
        if self.skin is not None:
            self.skin.mark_new(event.behind)

    def on_earlier_messages_asked(self) -> None:
        """Show more of a long chat."""
        if self.skin is not None:
            self.skin.show_earlier()

    def on_spoken_asked(self, event: Spoken.Asked) -> None:
        """Do something with a message."""
        if self.skin is not None:
            self.skin.work_on_message(event.spoken, event.action)

    def on_source_opened(self, event: SourceOpened) -> None:
        """Open a source in place."""
        if self.skin is not None:
            self.skin.open_source(event.source, event.answer_id)

    def on_source_judged(self, event: SourceJudged) -> None:
        """Do something with a source of an answer."""
        if self.skin is not None:
            self.skin.judge(event.line, event.action)


def _import_prompt() -> None:
    import assistant.tui.widgets.completer
    import assistant.tui.widgets.prompt  # noqa: F401


def _import_skin() -> None:
    import assistant.tui.screens.chat_skin  # noqa: F401
