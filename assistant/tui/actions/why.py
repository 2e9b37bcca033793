"""The command that explains the last answer, or a sentence of it: what it rests on, and what it doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.core.events import PartKind
from assistant.core.explaining import sentence_meant, sentences_of
from assistant.core.provenance import provenance
from assistant.language import NN_, _, plural
from assistant.tui.screens.why import Ground, WhyScreen
from assistant.tui.threads import in_thread
from assistant.tui.widgets.answer import Answer
from memory_store.errors import NotFoundError
from memory_store.models import SourceKind

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen
    from assistant.tui.sources import SourceView


async def why(chat: ChatScreen, argument: str) -> None:
    """Explain the last answer; with words, the sentence of it that shares most with them."""
    answers = list(chat.query(Answer))
    if not answers:
        chat.notify(_("There is nothing to explain yet."), markup=False, timeout=3)
        return
    answer = answers[-1]
    said, sources = answer.text, [one for one in answer.sources if one.cited]
    if argument:
        sentence = sentence_meant(sentences_of(answer.text), argument)
        if sentence is None:
            chat.notify(_("The last answer says nothing like that."), markup=False, timeout=4)
            return
        said, sources = sentence.text, [one for one in answer.sources if one.number in sentence.numbers]
    grounds = await in_thread(lambda: [_ground(chat, one) for one in sources])
    await chat.app.push_screen(WhyScreen(said, grounds, _beside(chat)))


def _ground(chat: ChatScreen, source: SourceView) -> Ground:
    if source.kind is not SourceKind.MEMORY:
        return Ground(source)
    try:
        store = chat.services.store
        origins = provenance(store, source.source_id, whole=False).origins
        rests_on = tuple(one for one in origins if one.at is not None and one.relation == "rests on")
        return Ground(source, tuple(store.memories.earlier(source.source_id)), rests_on)
    except NotFoundError:
        return Ground(source)  # erased since the answer


def _beside(chat: ChatScreen) -> str:
    """Return what else the model saw in the last turn, in words."""
    kinds = [part.kind for part in chat.parts]
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
