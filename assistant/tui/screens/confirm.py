"""The dialog before an erasure: what will go, and whether it shall."""

from __future__ import annotations

import time
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from assistant.core.conversation.forgetting import ERASE_WORD, UNREAD_SECONDS, means_erase, plan_lines
from assistant.display import excerpt, plain
from assistant.language import _
from assistant.tui.screens.dialog import Dialog
from assistant.tui.terms import counted
from memory_store.models import ErasurePlan

_TITLE_CHARS: Final = 70


class ConfirmForget(Dialog[bool]):
    """Returns true only if the user typed the word for it; nothing answers right after it opens.

    `seen_at` is the application's clock when it stood on the screen; None before.
    """

    DEFAULT_CSS = """
    ConfirmForget {
        & .dialog { border: round $error; max-width: 80; }
        & .dialog--title { color: $error; }
        & VerticalScroll { height: auto; max-height: 25vh; }
        & VerticalScroll > Static { height: auto; }
        & Input { margin: 1 0 0 0; &:focus { border-bottom: tall $error; } }
        & #answer-hint { margin: 0; }
    }
    """

    def __init__(self, plan: ErasurePlan, *, everything: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._everything = everything
        self.seen_at: float | None = None

    def compose(self) -> ComposeResult:
        """Show what goes, and a field for the word."""
        title = _("Erase everything that Keepsake remembers?") if self._everything else _("Erase this for good?")
        with Vertical(classes="dialog"):
            yield Static(title, classes="dialog--title", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(self.description(), markup=False)
            yield Static(_("It goes from the disk and can't be brought back."), classes="dialog--hint", markup=False)
            field = Input(placeholder=_("Type “{word}” to erase it").format(word=ERASE_WORD))
            field.cursor_blink = getattr(self.app, "blink", True)
            yield field
            hint = _("“{word}” and Enter erases, Esc keeps it").format(word=ERASE_WORD)
            yield Static(hint, id="answer-hint", classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Take down when it can be read."""
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self.seen_at = self._now()

    def _now(self) -> float:
        seconds: float = getattr(self.app, "clock", time.monotonic)()
        return seconds

    def takes_first(self, event: events.Event) -> bool:
        """Let nothing answer that was under way before the question could be read."""
        return self.seen_at is None or self._now() - self.seen_at < UNREAD_SECONDS

    def description(self) -> Content:
        """Return what goes, in words: titles first, then how many of each kind, and what stays."""
        titles = "".join(f"• {excerpt(title, _TITLE_CHARS)}\n" for title in self._plan.titles)
        more = "".join(f"\n{line}" for line in plan_lines(self._plan, counted))
        return Content.assemble(titles, ("\n" if titles else "") + counted(self._plan.counts), plain(more))

    def action_close(self) -> None:
        """Close, and keep it."""
        self.dismiss(False)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        if means_erase(event.value):
            self.dismiss(True)
        else:
            event.input.clear()
            words = _("Nothing was erased: only the word “{word}” erases. Esc keeps it").format(word=ERASE_WORD)
            self.query_one("#answer-hint", Static).update(Content.styled(words, "$error"))
