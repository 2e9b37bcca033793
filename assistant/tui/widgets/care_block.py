"""Whom to call, calmly, before the answer to a message that speaks of an emergency."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from assistant.display import plain


class CareBlock(Static):
    """Keepsake's own words in full colour, so that they are read; no sign of alarm, nothing to dismiss."""

    DEFAULT_CSS = """
    CareBlock {
        height: auto;
        width: 1fr;
        margin: 1 0 0 0;
        padding: 0 1 0 2;
        border-left: outer $foreground-muted;
        color: $foreground;
    }
    """

    def __init__(self, text: str) -> None:
        super().__init__(markup=False)
        self.text = text
        self.update(Content(plain(text)))
