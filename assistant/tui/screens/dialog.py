"""What all dialogs share: their place over the chat, their frame, and that Esc closes them."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A modal screen. Put everything into one container with the class `dialog`."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        & .dialog {
            width: 90%;
            max-width: 96;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            border: round $primary;
            background: $surface;
        }
        & .dialog--title {
            height: auto;
            max-height: 40vh;
            overflow-y: auto;
            text-style: bold;
            color: $primary;
            margin: 0 0 1 0;
        }
        & .dialog--hint { height: auto; color: $foreground-muted; margin: 1 0 0 0; }
        & Input {
            border: none;
            border-bottom: tall $panel-lighten-1;
            background: $surface;
            height: 2;
            padding: 0;
            &:focus { border: none; border-bottom: tall $primary; }
        }
        & OptionList {
            height: auto;
            max-height: 24;
            border: none;
            padding: 0;
            background: $surface;
            scrollbar-size-vertical: 1;
            &:focus { border: none; background-tint: transparent; }
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close", show=False)]

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def close_open(self) -> None:
        """Close without a result, unless it is closed already."""
        if self.is_current:
            self.action_close()
