"""A line of Keepsake's own in the transcript: what was remembered, imported, erased, or went wrong."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

from assistant.core.conversation.skin import ReportKind
from assistant.display import plain

_SIGNS: Final = {"info": "·", "good": "✓", "warning": "!", "error": "✗"}
_COLOURS: Final = {"info": "$foreground-muted", "good": "$success", "warning": "$warning", "error": "$error"}


class Notice(Static):
    """A notice: a sign, what happened, and dimmed below it what to do next."""

    DEFAULT_CSS = """
    Notice {
        height: auto;
        width: 1fr;
        margin: 1 0 0 0;
        padding: 0 1 0 1;
        color: $foreground-muted;
    }
    """

    def __init__(self, text: str, hint: str = "", kind: ReportKind = "info", about: str | None = None) -> None:
        """`about` is the id of what it repeats: the notice goes when that is erased."""
        super().__init__(markup=False)
        self.about = about
        self.kind: ReportKind = kind
        self.text = ""
        self.show(text, hint, kind)

    def show(self, text: str, hint: str = "", kind: ReportKind | None = None) -> None:
        """Say something else."""
        self.kind = kind or self.kind
        self.text = plain(f"{text}\n{hint}" if hint else text)
        sign = (f"{_SIGNS[self.kind]} ", f"bold {_COLOURS[self.kind]}")
        body = _hanging(plain(text))
        strong = "$foreground" if self.kind in ("warning", "error") else "$foreground-muted"
        parts: list[tuple[str, str]] = [sign, (body, strong)]
        if hint:
            parts.append(("\n  " + _hanging(plain(hint)), "$foreground-muted"))
        self.update(Content.assemble(*parts))


def _hanging(text: str) -> str:
    """Indent the further lines, so that they stand under the first one's words."""
    return text.replace("\n", "\n  ")
