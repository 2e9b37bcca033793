"""A dialog to choose one thing from a list that can be narrowed by typing; what it is about may be a long text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from assistant.core.conversation.skin import Choice
from assistant.display import plain
from assistant.language import _
from assistant.tui.screens.dialog import Dialog

T = TypeVar("T")
_MOST_TITLE_LINES: Final = 8
_MOST_LINES: Final = 24
_HEIGHT: Final = 0.9  # of the screen, as the style of all dialogs has it
_TEXT_HEIGHT: Final = 0.4


class Chooser(Dialog[T | None], Generic[T]):
    """Returns the value of the chosen line; `closed` if the dialog was closed.

    Many lines of a title are a text to be read first, and the last one is asked of it. With `gives_back`, Enter on
    words that fit no line closes it too, and `unfit` has them: they were meant for another.
    """

    DEFAULT_CSS = """
    Chooser {
        & #text { height: auto; max-height: 40vh; scrollbar-size-vertical: 1; }
        & #text.-long { margin: 0 0 1 0; }
        & #text Static { height: auto; }
        & #text.-brief Static { text-style: bold; color: $primary; }
    }
    """

    def __init__(
        self, title: str, choices: Sequence[Choice[T]], closed: T | None = None, *, gives_back: bool = False
    ) -> None:
        super().__init__()
        self.unfit = ""
        self._gives_back = gives_back
        self._if_closed = closed
        self._title = title
        self._choices = list(choices)
        self._shown = list(choices)

    def compose(self) -> ComposeResult:
        """Show a title, a field to narrow the list, the list."""
        *text, asked = self._title.split("\n")
        is_long = len(text) > _MOST_TITLE_LINES
        with Vertical(classes="dialog"):
            if text:
                with VerticalScroll(id="text", classes="-long" if is_long else "-brief", can_focus=False):
                    yield Static("\n".join(text), markup=False)
            yield Static(asked, classes="dialog--title", markup=False)
            field = Input(placeholder=_("Type to narrow the list"))
            field.cursor_blink = getattr(self.app, "blink", True)
            yield field
            yield OptionList(*self._options())
            hint = _("Page Down reads on, Enter chooses, Esc closes") if is_long else _("Enter chooses, Esc closes")
            yield Static(hint, classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Begin on the first line."""
        for options in self.query(OptionList):  # none, where it was closed before it was composed
            options.highlighted = 0
        self.call_after_refresh(self._share_height)

    def on_resize(self) -> None:
        """Share the new height."""
        self.call_after_refresh(self._share_height)

    def _share_height(self) -> None:
        """Give the text and the list, which scroll, the height that the question and the keys leave."""
        for options in self.query(OptionList):
            box = self.query_one(".dialog")
            texts = list(self.query("#text"))
            fixed = [child for child in box.children if child not in (options, *texts)]
            room = int(self.size.height * _HEIGHT) - box.gutter.height
            room -= sum(child.outer_size.height + child.styles.margin.height for child in fixed)
            for text in texts:
                room -= text.styles.margin.height
                listed = min(options.virtual_size.height, room // 2)
                most = max(1, min(int(self.size.height * _TEXT_HEIGHT), room - listed))
                text.styles.max_height = most
                if text.virtual_size.height > most:
                    self.query_one(".dialog--hint", Static).update(_("Page Down reads on, Enter chooses, Esc closes"))
                room -= min(text.virtual_size.height, most)
            options.styles.max_height = max(1, min(_MOST_LINES, room))

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        words = event.value.casefold().split()
        self._shown = [choice for choice in self._choices if _fits(choice, words)]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(self._options())
        options.highlighted = 0 if self._shown else None

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._shown[highlighted].value)
        elif self._gives_back:
            self.unfit = event.value
            self.dismiss(self._if_closed)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].value)

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(self._if_closed)

    def key_pagedown(self) -> None:
        """Read on in the text above the list."""
        for text in self.query(VerticalScroll):
            text.scroll_page_down(animate=False)

    def key_pageup(self) -> None:
        """Go back in the text above the list."""
        for text in self.query(VerticalScroll):
            text.scroll_page_up(animate=False)

    def key_down(self) -> None:
        """Go down the list while the cursor stays in the field."""
        self.query_one(OptionList).action_cursor_down()

    def key_up(self) -> None:
        """Go up the list while the cursor stays in the field."""
        self.query_one(OptionList).action_cursor_up()

    def _options(self) -> list[Option]:
        if self._choices and not self._shown:
            return [Option(_("Nothing fits."), disabled=True)]
        return [
            Option(
                Content.assemble(plain(choice.name, one_line=True), ("   " + plain(choice.detail), "$foreground-muted"))
            )
            for choice in self._shown
        ]


def _fits(choice: Choice[T], words: Sequence[str]) -> bool:
    text = f"{choice.name} {choice.detail}".casefold()
    return all(word in text for word in words)
