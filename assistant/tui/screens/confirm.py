"""The dialog before an erasure: what will go, and whether it shall."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from assistant.core.forgetting import plan_lines
from assistant.display import excerpt, plain
from assistant.language import _
from assistant.tui.screens.dialog import Dialog
from assistant.tui.terms import counted
from memory_store.models import ErasurePlan

_TITLE_CHARS: Final = 70


class ConfirmForget(Dialog[bool]):
    """Returns true only if the user said so; the safe answer has the focus."""

    DEFAULT_CSS = """
    ConfirmForget {
        & .dialog { border: round $error; max-width: 80; }
        & .dialog--title { color: $error; }
        & VerticalScroll { height: auto; max-height: 30vh; }
        & VerticalScroll > Static { height: auto; }
        & Horizontal { height: auto; margin: 1 0 0 0; align-horizontal: right; }
        & Button { margin: 0 0 0 2; }
        & #keep { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Erase", show=False),
        Binding("n,escape", "answer(False)", "Keep", show=False),
    ]

    def __init__(self, plan: ErasurePlan, *, everything: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._everything = everything

    def compose(self) -> ComposeResult:
        """Show what goes, and two buttons."""
        title = _("Erase everything that Keepsake remembers?") if self._everything else _("Erase this for good?")
        with Vertical(classes="dialog"):
            yield Static(title, classes="dialog--title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(self.description(), markup=False)
            yield Static(_("It goes from the disk and can't be brought back."), classes="dialog--hint", markup=False)
            with Horizontal():
                yield Button(Content(_("Keep (n)")), id="keep", flat=True)
                yield Button(Content(_("Erase (y)")), id="erase", variant="error", flat=True)

    def on_mount(self) -> None:
        """Focus the safe answer."""
        self.query_one("#keep").focus()

    def description(self) -> Content:
        """Return what goes, in words: titles first, then how many of each kind, and what stays."""
        titles = "".join(f"• {excerpt(title, _TITLE_CHARS)}\n" for title in self._plan.titles)
        more = "".join(f"\n{line}" for line in plan_lines(self._plan))
        return Content.assemble(titles, ("\n" if titles else "") + counted(self._plan.counts), plain(more))

    def action_answer(self, agreed: bool) -> None:
        """Close with the answer."""
        self.dismiss(agreed)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "erase")
