"""How texts stand in a prompt: quoted, in numbered frames, within a room of so many tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from assistant.core.events import ContextPart, PartKind
from memory_store.models import Author, AuthorKind, Hit, SourceKind
from memory_store.times.meant import dates_meant

T = TypeVar("T")

_WIDE: Final = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
# What chat templates of local models take for their own marks, wherever it stands: a text that holds them could end its
# frame and speak as the system. A blank after the first sign makes them plain text.
_TEMPLATE_MARK: Final = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|pad|unk)>|(?:start|end)_of_turn>|</?SYS>>)|"
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
# Copies of ASCII that no font shows and every tokenizer reads (the Unicode block Tags).
_INVISIBLE: Final = re.compile("[\U000e0000-\U000e007f]")
_BAR: Final = re.compile("[|\u00a6\u01c0\u2223\u23d0\u2502\u2758\uff5c]")  # what looks like the bar between pieces
_TAKEN: Final = re.compile(r"\W*(?:(?:the|a|your|an) )*(?:user|model|system|assistant|keepsake)\b", re.IGNORECASE)
_PLACE_CHARS: Final = 240
_CUT: Final = "\n(The rest is cut: there is no more room for it.)"


def estimate_tokens(text: str) -> int:
    """Return an estimate of a text's tokens, on the high side: one for 3.5 Latin characters, one for each CJK sign."""
    wide = len(_WIDE.findall(text))
    return wide + int((len(text) - wide) / 3.5) + 1


def part(kind: PartKind, text: str, identifier: str | None) -> ContextPart:
    """Return a part with its estimated tokens."""
    return ContextPart(kind, text, estimate_tokens(text), identifier)


def fit(items: Sequence[T], costs: Sequence[int], room: int) -> tuple[list[T], int]:
    """Take items in their order until one does not fit; return them and the room that is left."""
    kept: list[T] = []
    for item, cost in zip(items, costs, strict=True):
        if cost > room:
            break
        room -= cost
        kept.append(item)
    return kept, room


def shorten(text: str, room: int) -> str:
    """Return as much of a text as there are tokens for, with a word where it was cut."""
    if estimate_tokens(text) <= room:
        return text
    room = max(0, room - estimate_tokens(_CUT))
    while text and (needed := estimate_tokens(text)) > room:
        text = text[: min(len(text) - 1, len(text) * room // needed)]
    return text + _CUT


def framed(number: int, hit: Hit, text: str = "") -> str:
    """Return a hit as a numbered source: where it is from on one line, its words each on a line marked as quoted.

    `text` stands in place of its words.
    """
    pieces = [
        hit.source.title or hit.source.kind.value,
        hit.locator.label(),
        _when(hit),
        *(f"“{words}” is {dates}" for words, dates in when_meant(hit)),
        f"by {author_label(hit.author)}" + (", unchecked" if _is_unchecked(hit) else ""),
    ]
    line = " | ".join(_BAR.sub("/", one_line(piece)) for piece in pieces if piece)
    return f"[{number}] {line}\n{quoted(text or hit.text)}"


def _when(hit: Hit) -> str:
    """Return the day it was made, with its weekday where somebody speaks: "on Monday" is said of this day."""
    speaks = hit.kind is not SourceKind.DOCUMENT or bool(hit.author.name)
    return f"{hit.created_at.astimezone():{'%Y-%m-%d, %a' if speaks else '%Y-%m-%d'}}"


def when_meant(hit: Hit) -> tuple[tuple[str, str], ...]:
    """Return the relative words of what somebody said ("on Monday"), each with the dates it meant when it was said."""
    if hit.kind is SourceKind.DOCUMENT:
        return ()
    return tuple((one_line(words), dates) for words, dates in dates_meant(hit.text, hit.created_at.astimezone()))


def framed_briefly(number: int, hit: Hit) -> str:
    """Return what the user said as a numbered source by its day alone, for much that may or may not matter."""
    return f"[{number}] {hit.created_at.astimezone():%Y-%m-%d}\n{quoted(hit.text)}"


def _is_unchecked(hit: Hit) -> bool:
    """Say whether a model said this in a chat, and nobody has taken it over: it is no evidence of anything."""
    return hit.author.kind is AuthorKind.MODEL and hit.kind is SourceKind.CONVERSATION


def quoted(text: str) -> str:
    """Return a text with each line marked as quoted, so that nothing in it can end its frame."""
    return "\n".join("> " + line for line in plain_text(text).splitlines())


def one_line(text: str) -> str:
    """Return a name or place that a document gave: on one line, and too short to say much."""
    return plain_text(" ".join(text.split()))[:_PLACE_CHARS]


def plain_text(text: str) -> str:
    """Return a text in which no mark of a chat template is one any more, and nothing that only a model would see."""
    return _TEMPLATE_MARK.sub(lambda match: match[0] + " ", _INVISIBLE.sub("", text))


def author_label(author: Author) -> str:
    """Return who made a passage, in words."""
    if author.kind is AuthorKind.USER:
        return author.name or "the user"
    if author.kind is AuthorKind.MODEL:
        return f"the model {author.name}" if author.name else "a model"
    # A document may call its author what it likes, but not the user or the model.
    return "the document" if not author.name or _TAKEN.match(author.name) else author.name
