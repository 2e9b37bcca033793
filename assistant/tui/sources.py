"""A source as the screens show it, whether it comes from a fresh recall or from a stored citation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from assistant.core.events import NumberedSource
from assistant.core.framing import author_label, when_meant
from assistant.core.places import label_of
from assistant.display import excerpt, plain
from assistant.language import _
from memory_store import Store, StoredPassage
from memory_store.errors import NotFoundError
from memory_store.ids import DOCUMENT, prefix_of
from memory_store.models import Author, AuthorKind, Citation, Hit, Reason, SourceKind

_MEMORY_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class SourceView:
    """A passage with where it is from, free of anything a terminal could act on. `passage_id` is None once erased."""

    number: int | None
    cited: bool
    passage_id: str | None
    source_id: str
    kind: SourceKind | None
    title: str
    place: str
    path: str
    author: str
    created_at: datetime | None
    text: str
    private: bool = False
    reasons: tuple[Reason, ...] = ()
    matched: tuple[str, ...] = ()
    dismissed: bool = False


def _place(hit: Hit) -> Iterator[str]:
    """Yield where a passage stands, and the dates that its relative words mean."""
    if label := label_of(hit.locator):
        yield label
    yield from (f"“{words}”: {dates}" for words, dates in when_meant(hit))


def of_hit(hit: Hit, number: int | None = None, cited: bool = False) -> SourceView:
    """Return a hit as it is shown."""
    return SourceView(
        number,
        cited,
        hit.id,
        hit.source.id,
        hit.kind,
        _title(hit),
        plain(" · ".join(_place(hit)), one_line=True),
        plain(hit.source.path or "", one_line=True),
        _author(hit),
        hit.created_at,
        plain(hit.text),
        hit.private,
        hit.reasons,
        hit.matched,
    )


def of_numbered(sources: tuple[NumberedSource, ...]) -> list[SourceView]:
    """Return the sources of a fresh answer as they are shown."""
    return [of_hit(source.hit, source.number, source.cited) for source in sources]


def of_passage(passage: StoredPassage, number: int | None = None, cited: bool = False) -> SourceView:
    """Return a stored passage as it is shown."""
    return of_hit(passage.as_hit(), number, cited)


def of_citation(store: Store, citation: Citation) -> SourceView:
    """Return a stored citation as it is shown; reads the store."""
    if citation.passage_id is not None:
        try:
            view = of_passage(store.passage(citation.passage_id), citation.number, citation.cited)
            return replace(view, dismissed=citation.dismissed)
        except NotFoundError:
            pass  # erased since the citation was read; shown as what it is now
    return SourceView(citation.number, citation.cited, None, "", None, "erased", "", "", "", None, "")


def of_memory_sources(store: Store, ids: tuple[str, ...]) -> list[SourceView]:
    """Return the messages and documents that a memory was made from as they are shown; reads the store."""
    found: list[SourceView] = []
    for item in ids:
        try:
            if prefix_of(item) == DOCUMENT:
                passages = store.documents.passages(item)
                found += [replace(of_passage(first), place="") for first in passages[:1]]
            else:
                passages = store.conversations.passages(item)
                text = plain(store.conversations.message(item).text)
                found += [replace(of_passage(first), place="", text=text) for first in passages[:1]]
        except NotFoundError:
            continue  # erased since the memory was read
    return found


def author_name(author: Author) -> str:
    """Return who made a memory or message, in a word, safe to show."""
    if author.kind is AuthorKind.USER and not author.name:
        return _("you")
    if author.kind is AuthorKind.MODEL:
        name = plain(author.name or "", one_line=True)
        return _("the model {name}").format(name=name) if name else _("a model")
    if author.kind is AuthorKind.DOCUMENT and not author.name:
        return _("the document")
    return plain(author_label(author), one_line=True)


def _author(hit: Hit) -> str:
    """Return who made a passage; empty for a document that names nobody, whose title says it all."""
    if hit.author.kind is AuthorKind.DOCUMENT and not hit.author.name:
        return ""
    return author_name(hit.author)


def _title(hit: Hit) -> str:
    title = plain(hit.source.title, one_line=True)
    if hit.kind is SourceKind.CONVERSATION:
        return _("Conversation: {title}").format(title=title) if title else _("An earlier conversation")
    if hit.kind is SourceKind.MEMORY:
        return _("Your {kind}: {text}").format(kind=_(title or "memory"), text=excerpt(hit.text, _MEMORY_CHARS))
    return title or _("An untitled document")
