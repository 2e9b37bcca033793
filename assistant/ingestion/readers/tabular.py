"""Writes a row of a table as text in which both the names of its columns and its values can be found."""

from __future__ import annotations

from collections.abc import Sequence

SEPARATOR = " | "


def row_text(cells: Sequence[str], headers: Sequence[str] = ()) -> str:
    """Return `header: value | header: value` for the cells that are not empty; without headers, the values alone."""
    pieces = []
    for index, cell in enumerate(cells):
        value = cell.strip()
        if not value:
            continue
        header = headers[index].strip() if index < len(headers) else ""
        pieces.append(f"{header}: {value}" if header else value)
    return SEPARATOR.join(pieces)


def looks_like_header(cells: Sequence[str]) -> bool:
    """Return whether a first row names columns: every cell filled, all different, none a number or a date."""
    names = [cell.strip() for cell in cells]
    if len(set(names)) != len(names) or not all(names):
        return False
    return not any(_is_value(name) for name in names)


def _is_value(name: str) -> bool:
    if "@" in name or "://" in name:
        return True
    digits = sum(character.isdigit() for character in name)
    return digits * 2 > len(name)
