"""Keeps the path of headings that stand above the place a reader has come to."""

from __future__ import annotations


class Outline:
    """The headings in force. A heading closes those of its own level and of deeper ones."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The titles from the outermost heading to the innermost."""
        return tuple(title for _, title in self._open)

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Put a heading in force and return the path that ends in it; an empty title only closes others."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        if title:
            self._open.append((level, title))
        return self.path
