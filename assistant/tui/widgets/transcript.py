"""The conversation on the screen: messages, answers and notices, the newest at the bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size, Spacing
from textual.message import Message

from assistant.language import _

if TYPE_CHECKING:
    from textual.widget import Widget

    from assistant.tui.widgets.answer import Answer
    from assistant.tui.widgets.answer_text import AnswerText
    from assistant.tui.widgets.spoken import Spoken


class Transcript(VerticalScroll, can_focus=False):
    """Stays at its end while something is added, unless the reader has scrolled up."""

    # The column is never lower than the view: Textual would scroll to below zero to keep a short one at the end.
    DEFAULT_CSS = """
    Transcript {
        width: 100%;
        height: 1fr;
        padding: 0 1;
        align-horizontal: center;
        scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        & > #column { height: auto; min-height: 100%; max-width: 104; }
    }
    """

    @dataclass
    class Behind(Message):
        """Something new stands below what the reader sees; or no longer."""

        behind: bool

    @dataclass
    class Left(Message):
        """The reader goes back from the messages to the prompt."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folded: list[AnswerText] = []

    _behind = False
    _code_copied: tuple[Spoken | None, int] = (None, 0)

    def watch_virtual_size(self, before: Size, now: Size) -> None:
        """Tell that there is something new, where the reader is further up; show what comes into view by a removal."""
        if self._folded and now.height < before.height:
            self.call_after_refresh(self._unfold_near)
        if now.height > before.height and not self.is_vertical_scroll_end:
            self._tell(True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that the reader has come to the end."""
        super().watch_scroll_y(old_value, new_value)
        if self._behind and self.is_vertical_scroll_end:
            self._tell(False)
        if self._folded and new_value < old_value:
            self.call_after_refresh(self._unfold_near)

    def on_answer_part_finished(self, event: Answer.PartFinished) -> None:
        """Fold what stands above the view, once it has its height: each frame lays out every block of the screen."""
        self.call_after_refresh(self._fold, event.finished)

    async def _fold(self, finished: Sequence[AnswerText]) -> None:
        for part in finished:
            if not part.is_folded and part.region.bottom < self.region.y:
                await part.fold()
                self._folded.append(part)

    async def _unfold_near(self) -> None:
        """Show the words again that the reader comes near to."""
        near = self.region.grow(Spacing.vertical(2 * self.size.height))
        folded, self._folded = self._folded, []
        for part in folded:
            if part.is_attached and part.region.overlaps(near):
                await part.unfold()
            elif part.is_attached:
                self._folded.append(part)

    def _tell(self, behind: bool) -> None:
        if behind != self._behind:
            self._behind = behind
            self.post_message(self.Behind(behind))

    def compose(self) -> ComposeResult:
        """Begin empty."""
        yield Vertical(id="column")

    def on_mount(self) -> None:
        """Keep to the end from the start."""
        self.anchor()

    @property
    def column(self) -> Vertical:
        """What holds the messages."""
        return self.query_one("#column", Vertical)

    async def add(self, *widgets: Widget, before: Widget | int | None = None) -> None:
        """Put widgets at the end, or before one that is there, or before the one at this place."""
        await self.column.mount(*widgets, before=before)

    @property
    def spoken(self) -> list[Spoken]:
        """The messages in their order."""
        from assistant.tui.widgets.spoken import Spoken

        return list(self.column.query_children(Spoken))

    def find(self, message_id: str | None) -> Spoken | None:
        """Return the message of this id; None where it is not shown."""
        return next(
            (spoken for spoken in self.spoken if message_id is not None and spoken.message_id == message_id), None
        )

    def show_branches(self, beside: Mapping[str, Sequence[str]]) -> None:
        """Show beside each message how many branches there are at its place, and which this is."""
        for spoken in self.spoken:
            branches = beside.get(spoken.message_id or "")
            if branches and spoken.message_id is not None:
                spoken.stand(branches.index(spoken.message_id) + 1, len(branches))

    async def cut(self, first: Widget) -> None:
        """Take away a widget and everything after it."""
        children = list(self.column.children)
        await self.column.remove_children(children[children.index(first) :])

    async def replace(self, widgets: list[Widget]) -> None:
        """Show other widgets instead of all that are here, from their end."""
        with self.app.batch_update():
            await self.column.remove_children()
            if widgets:
                await self.column.mount_all(widgets)
        self.anchor()

    # -- what is done with a message here ----------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Go back to the prompt."""
        self.post_message(self.Left())

    def select(self, at: Spoken | None, step: int = 0) -> None:
        """Select the message a step away, the latest one to begin with; below that is the prompt."""
        spoken = self.spoken
        place = spoken.index(at) + step if at is not None else len(spoken) - 1
        if 0 <= place < len(spoken):
            spoken[place].select()
            spoken[place].scroll_visible(animate=False)
        elif place >= len(spoken):
            self.post_message(self.Left())

    async def on_spoken_asked(self, event: Spoken.Asked) -> None:
        """Do what concerns nothing but the view; the rest goes on up."""
        spoken = event.spoken
        match event.action:
            case "earlier" | "later":
                self.select(spoken, 1 if event.action == "later" else -1)
            case "back":
                self.anchor()
                self.post_message(self.Left())
            case "sources":
                self._go_to_sources(spoken)
            case "copy":
                self.run_worker(self._copy(spoken.text, _("Copied.")), exit_on_error=False)
            case "code":
                self._copy_code(spoken)
            case _:
                return
        event.stop()

    def _go_to_sources(self, spoken: Spoken) -> None:
        lines = spoken.query("SourceLine")
        if lines:
            lines.first().focus()
        else:
            self.notify(_("This message has no sources."), markup=False, timeout=3)

    def _copy_code(self, spoken: Spoken) -> None:
        """Copy a code block, the next one each time."""
        from markdown_it import MarkdownIt

        blocks = [token.content for token in MarkdownIt().parse(spoken.text) if token.type in ("fence", "code_block")]
        if not blocks:
            self.notify(_("There is no code block in this message."), markup=False, timeout=3)
            return
        before, number = self._code_copied
        self._code_copied = spoken, number + 1 if before is spoken else 0
        number = self._code_copied[1] % len(blocks)
        words = _("Copied code block {number} of {total}.").format(number=number + 1, total=len(blocks))
        self.run_worker(self._copy(blocks[number].removesuffix("\n"), words), exit_on_error=False)

    async def _copy(self, text: str, words: str) -> None:
        from assistant.tui.clipboard import copy

        await copy(self.app, text)
        self.notify(words, markup=False, timeout=2)
