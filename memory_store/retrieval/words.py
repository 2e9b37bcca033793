"""Words as ranking counts them: stems for scripts with spaces, bigrams for Chinese, Japanese and Korean."""

from __future__ import annotations

import functools
import threading
import unicodedata
from collections.abc import Sequence
from typing import Final

import Stemmer

from memory_store.database.fulltext import CJK_RUN, TOKEN, bigrams

# The stemmer of the full-text index, so that both count the same words. It keeps state: one caller at a time.
_STEMMER: Final = Stemmer.Stemmer("porter")
_STEMMER_LOCK: Final = threading.Lock()


@functools.lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the stem of a lower-case word."""
    with _STEMMER_LOCK:
        return str(_STEMMER.stemWord(word))


def stems(text: str) -> list[str]:
    """Return the words of a text in their order, as stems; CJK runs as overlapping bigrams, a single sign as itself."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for token in TOKEN.findall(text.casefold()):
        if token.isascii() or not CJK_RUN.match(token):
            found.append(stem(token))
        else:
            found.extend(bigrams(token)[:-1] or [token])
    return found


def matching_words(text: str, terms: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a text, in lower case, whose stems are among the terms; CJK as bigrams."""
    wanted = frozenset(terms)
    found: dict[str, None] = {}
    for token in TOKEN.findall(unicodedata.normalize("NFKC", text).casefold()):
        pieces = bigrams(token) if CJK_RUN.match(token) else [token]
        found.update((piece, None) for piece in pieces if (piece if len(pieces) > 1 else stem(piece)) in wanted)
    return tuple(found)
