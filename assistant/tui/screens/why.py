"""Why the last answer says what it says: its sources with their reasons, and memories with their history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from assistant.core.events import ContextPart, PartKind
from assistant.core.provenance import Origin, provenance
from assistant.display import excerpt, main_signals, moment, plain
from assistant.language import NN_, _, plural
from assistant.llm.markdown_safety import unescape
from assistant.tui.screens.dialog import Dialog
from assistant.tui.sources import SourceView
from memory_store import Store
from memory_store.errors import NotFoundError
from memory_store.models import Memory, SourceKind

_EXCERPT_CHARS: Final = 400
# On one line the marks of quoted lines would stand among the words.
_QUOTED: Final = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ground:
    """One source that the answer rests on; for a memory, what that was made from, and its earlier versions.

    The earlier versions stand the latest first.
    """

    source: SourceView
    earlier: tuple[Memory, ...] = ()
    origins: tuple[Origin, ...] = ()


class WhyScreen(Dialog[None]):
    """Lists what an answer, or one sentence of it, rests on."""

    DEFAULT_CSS = """
    WhyScreen {
        & VerticalScroll { height: auto; max-height: 70vh; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; margin: 0 0 1 0; }
    }
    """

    def __init__(self, said: str, grounds: Sequence[Ground], beside: str) -> None:
        """`said` is what is explained, `beside` what else the model saw, in a sentence."""
        super().__init__()
        self._said = said
        self._grounds = tuple(grounds)
        self._beside = beside

    def compose(self) -> ComposeResult:
        """Show what was said, then each ground."""
        with VerticalScroll(classes="dialog"):
            yield Static(_("Why this answer"), classes="dialog--title", markup=False)
            yield Static(
                Content.styled(
                    excerpt(unescape(_QUOTED.sub("", self._said)), _EXCERPT_CHARS), "italic $foreground-muted"
                ),
                markup=False,
            )
            if not self._grounds:
                yield Static(
                    _("Nothing that is remembered is cited for this: the model said it by itself."), markup=False
                )
            for ground in self._grounds:
                yield Static(_described(ground), classes="why--ground", markup=False)
            if self._beside:
                yield Static(Content.styled(self._beside, "$foreground-muted"), markup=False)
            yield Static(_("Esc closes"), classes="dialog--hint", markup=False)


def _described(ground: Ground) -> Content:
    source = ground.source
    number = f"[{source.number}] " if source.number is not None else ""
    place = f"  {source.place}" if source.place else ""
    lines = [Content.assemble((number, "bold $accent"), (source.title, "bold"), (place, "$foreground-muted"))]
    text = source.text if source.passage_id else _("This passage was erased; the answer that cites it is left.")
    lines.append(Content(excerpt(text, _EXCERPT_CHARS)))
    why = [_("the words {words}").format(words=", ".join(source.matched))] if source.matched else []
    why += main_signals(source.reasons)
    if why:
        lines.append(Content.styled(_("Found by {signals}").format(signals=plain("; ".join(why))), "$foreground-muted"))
    for origin in ground.origins:
        words = excerpt(origin.quote or origin.text, 200)
        when = moment(origin.at) if origin.at else ""
        rests = _("rests on {place}, {when}: “{words}”").format(place=plain(origin.place), when=when, words=words)
        lines.append(Content.styled(rests, "$foreground-muted"))
    for memory in ground.earlier:
        before = _("before {when}: {text}").format(
            when=moment(memory.valid_to or memory.recorded_at), text=excerpt(memory.text, 200)
        )
        lines.append(Content.styled(before, "$foreground-muted"))
    return Content("\n").join(lines)


def grounds_of(store: Store, sources: Sequence[SourceView]) -> list[Ground]:
    """Return sources with what they rest on themselves; reads the store."""
    return [_ground(store, source) for source in sources]


def _ground(store: Store, source: SourceView) -> Ground:
    if source.kind is not SourceKind.MEMORY:
        return Ground(source)
    try:
        origins = provenance(store, source.source_id, whole=False).origins
        rests_on = tuple(origin for origin in origins if origin.at is not None and origin.relation == "rests on")
        return Ground(source, tuple(store.memories.get_earlier(source.source_id)), rests_on)
    except NotFoundError:
        return Ground(source)  # erased since the answer


def seen_beside(parts: Sequence[ContextPart]) -> str:
    """Return what the model saw in a turn beside the sources, in words."""
    kinds = [part.kind for part in parts]
    counted = (
        (PartKind.PINNED, NN_("{count} pinned memory", "{count} pinned memories")),
        (PartKind.KNOWN, NN_("{count} thing known of you", "{count} things known of you")),
        (PartKind.GOALS, NN_("{count} goal", "{count} goals")),
        (PartKind.TOUCHING, NN_("{count} thing you said before", "{count} things you said before")),
        (PartKind.SUMMARIES, NN_("{count} summary", "{count} summaries")),
        (PartKind.RECENT, NN_("{count} earlier message", "{count} earlier messages")),
    )
    seen = [plural(*forms, kinds.count(kind)) for kind, forms in counted if kind in kinds]
    return _("It also saw {parts}; Ctrl+B shows all of it.").format(parts=", ".join(seen)) if seen else ""
