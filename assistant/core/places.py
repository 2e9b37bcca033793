"""Where a passage stands, in words for a person."""

from __future__ import annotations

from assistant.display import plain
from assistant.language import _
from memory_store import StoredPassage
from memory_store.models import Locator


def label_of(locator: Locator) -> str:
    """Return where a passage stands in its document, in the language of the chat; empty if unknown."""
    return locator.label(page=_("page {number}"), line=_("line {number}"), lines=_("lines {first}–{last}"))


def place_of(passage: StoredPassage) -> str:
    """Return where a passage stands, in words; a document's title is often its first heading, and said once."""
    title = plain(passage.source.title or passage.source.kind.value, one_line=True)
    pieces = [title, *label_of(passage.locator).split(" › ")]
    return " › ".join(piece for at, piece in enumerate(pieces) if piece and (at == 0 or piece != pieces[at - 1]))
