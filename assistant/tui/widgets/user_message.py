"""A message of the user in the transcript."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from assistant.display import plain
from assistant.language import _
from assistant.tui.widgets.spoken import Spoken


class UserMessage(Spoken, Static):
    """What the user wrote, word for word."""

    DEFAULT_CSS = """
    UserMessage {
        height: auto;
        width: 1fr;
        margin: 1 0 0 0;
        padding: 0 1 0 2;
        border-left: outer $primary;
        color: $foreground;
        &:focus { background: $panel; }
    }
    """

    def __init__(self, text: str, message_id: str | None = None) -> None:
        super().__init__(markup=False)
        self.text = text
        self.message_id = message_id
        self.show_branch("")

    def show_branch(self, words: str) -> None:
        """Show beside the author on which branch this stands."""
        branch = (f"   {words}", "$foreground-muted")
        self.update(Content.assemble((_("You"), "bold $primary"), branch, "\n", plain(self.text).strip("\n")))
