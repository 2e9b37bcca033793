"""Words as ranking counts them: stems for scripts with spaces, bigrams for those without, such as Chinese."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import Stemmer

from memory_store.folding import EMOJI, TOKEN, UNSPACED_RUN, WORD, bigrams, fold, other_words

# The stemmer of the full-text index, so that both count the same words. It keeps state: one caller at a time.
_STEMMER: Final = Stemmer.Stemmer("porter")
_STEMMER_LOCK: Final = threading.Lock()
# FTS5_PORTER_MAX_TOKEN and the shortest token that FTS5's porter tokenizer looks at, in bytes.
_SHORTEST: Final = 3
_LONGEST: Final = 64


@functools.lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the stem of a lower-case word; like the full-text index it leaves very short and very long ones alone."""
    if not _SHORTEST <= len(word.encode()) <= _LONGEST:
        return word
    with _STEMMER_LOCK:
        return str(_STEMMER.stemWord(word))


def stems(text: str) -> list[str]:
    """Return the words of a text in their order, as stems; unspaced runs as bigrams, a single sign as itself."""
    found: list[str] = []
    for token in TOKEN.findall(fold(text)):
        if token.isascii() or not UNSPACED_RUN.match(token):
            found.append(stem(token))
        else:
            found.extend(bigrams(token)[:-1] or [token])
    return found


def length(text: str) -> int:
    """Return about how many words a folded text has: spaces and, in unspaced runs, signs are counted."""
    words = text.count(" ") + text.count("\n") + 1
    return words if text.isascii() else words + sum(map(len, UNSPACED_RUN.findall(text)))


class Matcher:
    """Finds the words of a text that have one of the wanted stems.

    A recall looks at hundreds of passages for a few words, so it searches for what such a word begins with, about six
    times faster than taking every passage apart. Porter's stemmer changes at most the last letter of what it leaves.
    """

    def __init__(self, terms: Sequence[str]) -> None:
        self._signs = [(at, term) for at, term in enumerate(terms) if _without_spaces(term)]
        prefixes: dict[str, None] = {}
        for term in terms:
            if not _without_spaces(term):
                prefixes[term[:-1] if len(term) > 1 else term] = None
        self._prefixes = tuple(prefixes)
        self._column = {term: at for at, term in enumerate(terms)}

    def find(self, text: str) -> Iterator[tuple[int, str, int]]:
        """Yield (number of the term, word as it stands there, its place) of every match in a folded text, by term."""
        for at, term in self._signs:
            start = text.find(term)
            while start >= 0:
                yield at, term, start
                start = text.find(term, start + len(term))
        seen: set[int] = set()
        for prefix in self._prefixes:
            start = text.find(prefix)
            while start >= 0:
                if start not in seen and not (start and WORD.match(text[start - 1])):
                    seen.add(start)
                    word = WORD.match(text, start)
                    if word is not None:
                        column = self._column.get(stem(word.group()))
                        if column is not None:
                            yield column, word.group(), start
                start = text.find(prefix, start + len(prefix))


def matching_words(text: str, terms: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a text, folded, whose stems are among the terms, in their order; unspaced ones as bigrams.

    Other spellings of the text's names are among its words.
    """
    return matching_in("\n".join(filter(None, (fold(text), other_words(text)))), Matcher(terms))


def matching_in(text: str, matcher: Matcher) -> tuple[str, ...]:
    """Return the words of a folded text that a matcher finds, each once, in the order of the matcher's terms."""
    return tuple(dict.fromkeys(word for _, word, _ in sorted(matcher.find(text), key=lambda found: found[0])))


def _without_spaces(term: str) -> bool:
    return not term.isascii() and (UNSPACED_RUN.match(term) or EMOJI.match(term)) is not None
