"""The line of filters over a list: each has a number that is its key, and stands at one of its choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message

from assistant.language import _
from assistant.tui.widgets.flow import Flow


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: the names of its choices in their order, the first being where it begins."""

    name: str
    choices: tuple[str, ...]


class FilterLine(Flow):
    """Shows where each filter stands; a click on one moves it on."""

    DEFAULT_CSS = """
    FilterLine { display: none; }
    FilterLine.-shown { display: block; }
    """

    @dataclass
    class Changed(Message):
        """A filter stands elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._filters: tuple[Filter, ...] = ()
        self._at: dict[str, int] = {}

    def offer(self, filters: Sequence[Filter]) -> None:
        """Offer these filters, each at its first choice."""
        self._filters = tuple(filters)
        self._at = {item.name: 0 for item in filters}
        self.set_class(bool(filters), "-shown")
        self._draw()

    def choice(self, name: str) -> int:
        """Return the number of the choice at which a filter stands."""
        return self._at.get(name, 0)

    def turn(self, number: int) -> None:
        """Move a filter to its next choice; they count from 0."""
        if 0 <= number < len(self._filters):
            item = self._filters[number]
            self._at[item.name] = (self._at[item.name] + 1) % len(item.choices)
            self._draw()
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Move the filter that was clicked."""
        offset = event.get_content_offset(self)
        number = self.piece_at(offset.x, offset.y) if offset is not None else None
        if number is not None:
            self.turn(number)

    def _draw(self) -> None:
        pieces = []
        for number, item in enumerate(self._filters):
            at = self._at[item.name]
            colour = "bold $foreground" if at else "$foreground-muted"
            pieces.append(Content.assemble((f"{number + 1} ", "$accent"), (_(item.choices[at]), colour)))
        self.flow(pieces)
