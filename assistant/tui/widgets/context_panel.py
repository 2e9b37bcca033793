"""The side panel: what the model sees in this turn, and how much room each part of it takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.core.events import ContextPart, PartKind
from assistant.display import excerpt
from assistant.language import N_, _

_NAMES: Final = {
    PartKind.RULES: N_("Rules"),
    PartKind.PINNED: N_("Pinned memories"),
    PartKind.ATTACHED: N_("Attached"),
    PartKind.RECALLED: N_("Recalled"),
    PartKind.KNOWN: N_("Known of you"),
    PartKind.GOALS: N_("Your goals"),
    PartKind.TOUCHING: N_("What you said before that may touch it"),
    PartKind.SUMMARIES: N_("Earlier chats, in short"),
    PartKind.RECENT: N_("Recent messages"),
    PartKind.RECIPE: N_("The recipe"),
    PartKind.QUESTION: N_("Your message"),
}
# What the model can cite, in the order of its numbers.
_NUMBERED: Final = frozenset({PartKind.ATTACHED, PartKind.RECALLED, PartKind.KNOWN, PartKind.GOALS})
_EXCERPT_CHARS: Final = 90
_NOTHING: Final = N_("Nothing has been asked in this chat yet. Here stands what the model is given with each message.")


class ContextPanel(VerticalScroll, can_focus=True):
    """Hidden until it is asked for."""

    DEFAULT_CSS = """
    ContextPanel {
        dock: right;
        width: 40%;
        min-width: 28;
        max-width: 52;
        height: 1fr;
        padding: 0 1;
        border-left: outer $panel-lighten-1;
        background: $surface;
        scrollbar-size-vertical: 1;
        & > Static { height: auto; }
    }
    """

    def __init__(self, parts: Sequence[ContextPart], limit: int, id: str | None = None) -> None:
        super().__init__(id=id)
        self._words = Static(markup=False)
        self.show(parts, limit)

    def compose(self) -> ComposeResult:
        """Show what is known so far."""
        yield self._words

    def show(self, parts: Sequence[ContextPart], limit: int) -> None:
        """Show another turn's parts; `limit` is the size of the context window in tokens."""
        self.text = _described(parts, limit)
        self._words.update(self.text)


def _described(parts: Sequence[ContextPart], limit: int) -> Content:
    if not parts:
        return Content.styled(_(_NOTHING), "$foreground-muted")
    total = sum(part.tokens for part in parts)
    lines: list[Content] = [
        Content.styled(_("What the model sees"), "bold $primary"),
        Content.styled(_("about {total:,} of {limit:,} tokens").format(total=total, limit=limit), "$foreground-muted"),
    ]
    numbers = itertools.count(1)
    for kind, name in _NAMES.items():
        of_kind = [part for part in parts if part.kind is kind]
        if not of_kind:
            continue
        count = f" ({len(of_kind)})" if len(of_kind) > 1 else ""
        tokens = sum(part.tokens for part in of_kind)
        lines.append(
            Content.assemble("\n", (f"{_(name)}{count}", "bold $secondary"), (f"  {tokens:,}", "$foreground-muted"))
        )
        for part in of_kind:
            if kind is PartKind.RULES:
                continue
            sign = f"[{next(numbers)}]" if kind in _NUMBERED else "·"
            words = f"{sign} {excerpt(part.text, _EXCERPT_CHARS)}"
            lines.append(Content.assemble(words, (f"  {part.tokens:,}", "$foreground-muted")))
    return Content("\n").join(lines)
