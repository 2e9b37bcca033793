"""Takes an answer apart into its sentences, each with the numbers of the sources that it cites."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from assistant.core.context import cited_numbers
from assistant.ingestion.sentences import sentence_pieces

_WORDS: Final = re.compile(r"[\u3400-\u9fff]|[^\W\d_]{2,}|\d+")
_MARKUP: Final = re.compile(r"^(?:[\s>#*+-]+|\d+[.)]\s+)+")
# A citation behind the full stop belongs to the sentence before it.
_CITING: Final = re.compile(r"^(?:\s*\[\d[\d,，\s]*\])+[.。]?")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer and the source numbers it cites; none where the model said it by itself."""

    text: str
    numbers: frozenset[int]


def sentences_of(answer: str) -> list[Sentence]:
    """Return the sentences of an answer, each with the numbers that it cites."""
    texts: list[str] = []
    for line in answer.splitlines():
        rest = _MARKUP.sub("", line)
        for at, piece in enumerate(sentence_pieces(rest)):
            citing = _CITING.match(piece)
            if citing and at and texts:
                texts[-1] += citing.group().rstrip()
                piece = piece[citing.end() :]
            if _WORDS.search(piece):
                texts.append(piece.strip())
    return [Sentence(text, frozenset(cited_numbers(text))) for text in texts]


def sentence_meant(sentences: list[Sentence], words: str) -> Sentence | None:
    """Return the sentence that shares most with some words; None where none shares any."""
    wanted = _words(words)
    best = max(sentences, key=lambda sentence: len(wanted & _words(sentence.text)), default=None)
    return best if best is not None and wanted & _words(best.text) else None


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORDS.findall(text)}
