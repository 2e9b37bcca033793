"""Writes values of JSON as readable lines, `key: value`, for retrieval and for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assistant.ingestion.base import Block, BlockKind
from memory_store.models import Locator


def value_lines(value: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each scalar in `value`, after its path: `address.city: Paris`. Null and empty are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from value_lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        if all(not isinstance(inner, dict | list) for inner in value):
            plain = ", ".join(text for inner in value if (text := scalar_text(inner)))
            if plain:
                yield f"{path}: {plain}" if path else plain
            return
        for index, inner in enumerate(value):
            yield from value_lines(inner, f"{path}[{index}]")
    elif text := scalar_text(value):
        yield f"{path}: {text}" if path else text


def scalar_text(value: Any) -> str:
    """Return a scalar as JSON writes it, strings without quotation marks; empty for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def item_block(value: Any, path: str, first: int, last: int) -> Block | None:
    """Return one value as a block that is located by its path and lines, or None if it says nothing."""
    text = "\n".join(value_lines(value))
    if not text:
        return None
    kind = BlockKind.PARAGRAPH if isinstance(value, str) else BlockKind.TABLE
    return Block(text, Locator(part=path or None, line_start=first, line_end=last), kind)
