"""The dialog in which a memory is written: its text, its kind, whether it is private."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from assistant.display import plain
from assistant.language import _
from assistant.tui.screens.dialog import Dialog
from memory_store.models import MemoryKind


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """What was written."""

    text: str = ""
    kind: MemoryKind = MemoryKind.NOTE
    private: bool = False


class MemoryEditor(Dialog[MemoryDraft | None]):
    """Returns what was written; None if the dialog was closed."""

    DEFAULT_CSS = """
    MemoryEditor {
        & TextArea { height: 8; max-height: 40vh; border: none; padding: 0 1; background: $panel; }
        & TextArea:focus { border: none; }
        & #marks { height: auto; margin: 1 0 0 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", show=False, priority=True),
        Binding("ctrl+t", "kind", "Kind", show=False, priority=True),
        Binding("ctrl+r", "private", "Private", show=False, priority=True),
    ]

    def __init__(self, title: str, draft: MemoryDraft | None = None) -> None:
        super().__init__()
        self._title = title
        self._draft = draft or MemoryDraft()
        self.kind = self._draft.kind
        self.private = self._draft.private

    def compose(self) -> ComposeResult:
        """Show the text to write in, and the marks."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog--title", markup=False)
            area = TextArea(plain(self._draft.text), show_line_numbers=False, highlight_cursor_line=False)
            area.cursor_blink = getattr(self.app, "blink", True)
            yield area
            yield Static(id="marks", markup=False)
            yield Static(_("Ctrl+S keeps it, Esc closes"), classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Begin at the end of the text."""
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()
        self._show_marks()

    def action_save(self) -> None:
        """Close with what was written."""
        text = self.query_one(TextArea).text.strip()
        if text:
            self.dismiss(MemoryDraft(text, self.kind, self.private))
        else:
            self.query_one(".dialog--hint", Static).update(_("A memory needs some text. Esc closes"))

    def action_kind(self) -> None:
        """Make it another kind of memory."""
        kinds = list(MemoryKind)
        self.kind = kinds[(kinds.index(self.kind) + 1) % len(kinds)]
        self._show_marks()

    def action_private(self) -> None:
        """Make it private or not; a newer version of what is private stays private."""
        self.private = self._draft.private or not self.private
        self._show_marks()

    def _show_marks(self) -> None:
        marks = (("Ctrl+T", "kind", self.kind.value), ("Ctrl+R", "private", "yes" if self.private else "no"))
        parts = [
            Content.assemble((key, "$accent"), (f" {name} ", "$foreground-muted"), value) for key, name, value in marks
        ]
        self.query_one("#marks", Static).update(Content("    ").join(parts))
