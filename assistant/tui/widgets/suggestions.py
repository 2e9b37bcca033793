"""What fits what is being typed, above the prompt: slash commands, or what `@` may mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.widgets import Static

from assistant.language import _

_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line: what it is called, what more there is to say, and what takes the place of what is typed."""

    name: str
    detail: str
    value: object


class Suggestions(Static):
    """A short list with a highlighted line; `at` is its number, None where none is highlighted."""

    DEFAULT_CSS = """
    Suggestions {
        height: auto;
        max-height: 12;
        padding: 0 2;
        display: none;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    Suggestions.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.items: tuple[Suggestion, ...] = ()
        self.at: int | None = None

    def show(self, items: Sequence[Suggestion], at: int | None = None) -> None:
        """Show these; none hides the list."""
        self.items, self.at = tuple(items), at if items else None
        self.set_class(bool(items), "-shown")
        self._draw()

    def move(self, step: int) -> None:
        """Highlight another line."""
        if self.items:
            begin = -1 if self.at is None and step > 0 else self.at or 0
            self.at = (begin + step) % len(self.items)
            self._draw()

    @property
    def chosen(self) -> Suggestion | None:
        """The highlighted line, else the first."""
        return self.items[self.at or 0] if self.items else None

    def _draw(self) -> None:
        width = max((len(suggestion.name) for suggestion in self.items), default=0)
        # The list is a window that follows the highlighted line.
        rows = _MOST if len(self.items) <= _MOST else _MOST - 1
        first = min(max(0, (self.at or 0) - rows + 1), max(0, len(self.items) - rows))
        shown = self.items[first : first + rows]
        lines = [
            Content.assemble(
                (f"{suggestion.name:<{width}}", "bold $accent" if number == self.at else "$primary"),
                ("  " + suggestion.detail, "$foreground" if number == self.at else "$foreground-muted"),
            )
            for number, suggestion in enumerate(shown, start=first)
        ]
        if len(shown) < len(self.items):
            more = _("… and {count} more: type a letter, or go on with the arrow keys").format(
                count=len(self.items) - len(shown)
            )
            lines.append(Content.styled(more, "$foreground-muted"))
        self.update(Content("\n").join(lines))
