"""Where a passage stands, in words for a person."""

from __future__ import annotations

from assistant.display import plain
from memory_store import StoredPassage


def place_of(passage: StoredPassage) -> str:
    """Return where a passage stands, in words; a document's title is often its first heading, and said once."""
    title = plain(passage.source.title or passage.source.kind.value, one_line=True)
    pieces = [title, *passage.locator.label().split(" › ")]
    return " › ".join(piece for at, piece in enumerate(pieces) if piece and (at == 0 or piece != pieces[at - 1]))
