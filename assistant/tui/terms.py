"""The words that stand in the data (kinds, marks, what became of a file, counts), for the catalogues of languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.language import N_, NN_, _, plural
from memory_store import wording

# Values of enums and names of marks, which are shown through `_`.
WORDS: Final = (
    N_("note"),
    N_("fact"),
    N_("preference"),
    N_("event"),
    N_("goal"),
    N_("private"),
    N_("pinned"),
    N_("superseded"),
    N_("none"),
    N_("document"),
    N_("chat"),
    N_("file"),
    N_("folder"),
    N_("imported"),
    N_("unchanged"),
    N_("updated"),
    N_("forgotten"),
    N_("failed"),
    N_("missing"),
)
_NOUNS: Final = {
    "documents": NN_("{count} document", "{count} documents"),
    "conversations": NN_("{count} conversation", "{count} conversations"),
    "messages": NN_("{count} message", "{count} messages"),
    "memories": NN_("{count} memory", "{count} memories"),
    "cards": NN_("{count} card", "{count} cards"),
    "recipes": NN_("{count} recipe", "{count} recipes"),
    "passages": NN_("{count} passage", "{count} passages"),
    "notes": NN_("{count} note", "{count} notes"),
    "facts": NN_("{count} fact", "{count} facts"),
    "preferences": NN_("{count} preference", "{count} preferences"),
    "events": NN_("{count} event", "{count} events"),
    "goals": NN_("{count} goal", "{count} goals"),
    "answers that cite it": NN_("{count} answer that cites it", "{count} answers that cite it"),
    "messages it was taken from": NN_("{count} message it was taken from", "{count} messages it was taken from"),
    "memories that have another source": NN_(
        "{count} memory that has another source", "{count} memories that have another source"
    ),
    "answers that cite them": NN_("{count} answer that cites them", "{count} answers that cite them"),
}


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in words, such as `1 document, 3 passages`."""
    pieces = [
        plural(*_NOUNS[name], count) if name in _NOUNS else wording.format_counts({name: count})
        for name, count in counts.items()
        if count
    ]
    return ", ".join(pieces) or _("nothing")
