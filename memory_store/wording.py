"""How counts of records read to a person."""

from __future__ import annotations

from collections.abc import Mapping


def format_counts(counts: Mapping[str, int]) -> str:
    """Return counts in words, such as `1 document, 3 passages`."""
    pieces = [f"{count:,} {name if count != 1 else _singular(name)}" for name, count in counts.items() if count]
    return ", ".join(pieces) or "nothing"


def _singular(name: str) -> str:
    """Return `memory` for `memories`, `answer that cites it` for `answers that cite it`."""
    first, space, rest = name.partition(" ")
    word = "memory" if first == "memories" else first.removesuffix("s")
    return word + space + rest.replace("that cite ", "that cites ").replace("that have ", "that has ")
