"""Short pieces of text in as many lines as they need; no piece is broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import events
from textual.content import Content
from textual.widgets import Static

_GAP: Final = 3


class Flow(Static):
    """Lays its pieces out for the width it has, and knows which of them stands where."""

    DEFAULT_CSS = """
    Flow { height: auto; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; }
    """

    def __init__(self, pieces: Sequence[Content] = (), id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._pieces = list(pieces)
        self._lines: list[list[int]] = []

    def flow(self, pieces: Sequence[Content]) -> None:
        """Show other pieces."""
        self._pieces = list(pieces)
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the pieces out for another width."""
        self._lay_out()

    def piece_at(self, x: int, y: int) -> int | None:
        """Return the number of the piece that stands at a place inside the padding; None between pieces."""
        if not 0 <= y < len(self._lines):
            return None
        start = 0
        for number in self._lines[y]:
            end = start + self._pieces[number].cell_length
            if start <= x < end:
                return number
            start = end + _GAP
        return None

    def _lay_out(self) -> None:
        lines: list[list[int]] = [[]]
        used = 0
        for number, piece in enumerate(self._pieces):
            width = piece.cell_length + (_GAP if lines[-1] else 0)
            if lines[-1] and used + width > max(self.content_size.width, 1):
                lines.append([])
                used, width = 0, piece.cell_length
            lines[-1].append(number)
            used += width
        if lines != self._lines or self._pieces:
            self._lines = lines
            gap = Content(" " * _GAP)
            self.update(Content("\n").join(gap.join(self._pieces[number] for number in line) for line in lines))
