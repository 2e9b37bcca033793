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


class Chooser(Dialog[T | None], Generic[T]):
    """Returns the value of the chosen line; `closed` if the dialog was closed.

    Many lines of a title are a text to be read first, and the last one is asked of it. With `gives_back`, Enter on
    words that fit no line closes it too, and `unfit` has them: they were meant for another.
    """

    DEFAULT_CSS = """
    Chooser {
        & #text { height: auto; max-height: 40vh; margin: 0 0 1 0; scrollbar-size-vertical: 1; }
        & #text Static { height: auto; }
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
            if is_long:
                with VerticalScroll(id="text", can_focus=False):
                    yield Static("\n".join(text), markup=False)
            yield Static(asked if is_long else self._title, classes="dialog--title", markup=False)
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
