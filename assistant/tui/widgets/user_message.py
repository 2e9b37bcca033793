"""A message of the user in the transcript."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from assistant.display import plain


class UserMessage(Static):
    """What the user wrote, word for word."""

    DEFAULT_CSS = """
    UserMessage {
        height: auto;
        width: 1fr;
        margin: 1 0 0 0;
        padding: 0 1 0 2;
        border-left: outer $primary;
        color: $foreground;
    }
    """

    def __init__(self, text: str) -> None:
        super().__init__(
            Content.assemble(("You\n", "bold $primary"), plain(text).strip("\n")),
            markup=False,
        )
        self.text = text
