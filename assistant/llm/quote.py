"""Who answers without a model: quotes what of the best passages answers, with their sources, and invents nothing."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass

from assistant.llm.base import Finished, ModelEvent, ModelInfo, TextDelta, Turn
from assistant.llm.markdown_safety import as_blockquote, escape_inline
from memory_store import STOP_WORDS
from memory_store.asking import asks_something
from memory_store.folding import CJK_RUN, TOKEN, UNSPACED_RUN, bigrams, fold, other_words
from memory_store.models import Hit

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
# A sentence ends after its mark and the quotes or brackets that close with it, and at the end of a line. A full stop
# inside `3.14` or `a.b` ends nothing.
_SENTENCE = re.compile(
    r"""(?: [^.!?。！？\n] | [.!?](?!["'”’)\]]*(?:\s|$)) )*  (?: [.!?]["'”’)\]]* | [。！？]+[」』”’）]* | \n+ | $ )""",
    re.VERBOSE,
)
_STEM = 5
# Words that say nothing about where the answer is.
_STOP = STOP_WORDS | {"about", "should", "tell"}
NAME = "quote"
MAX_PASSAGES = 3
MAX_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a passage, word for word. `cut_before` and `cut_after` say whether text was left out on that side."""

    text: str
    cut_before: bool
    cut_after: bool


def is_chinese(text: str) -> bool:
    """Return whether a text is Chinese: more Han characters than words of other scripts, and no kana or hangul."""
    han = len(_HAN.findall(text))
    others = len(_WORD.findall(CJK_RUN.sub(" ", text)))
    return han > others and not _KANA_OR_HANGUL.search(text)


def best_excerpt(text: str, question: str, words: Iterable[str], passages: Sequence[str], limit: int) -> Excerpt:
    """Return at most `limit` characters (100 or more) of `text` around the sentence nearest to the question.

    `words` are matched words that recall reported; `passages` are all that are quoted: a term that stands in few of
    their sentences weighs more (inverse sentence frequency, ln(1 + N/n), as in BM25's idea of rare words). Without a
    shared term, as across languages, the beginning is returned.
    """
    start, end = _trim(text, 0, len(text))
    if end - start <= limit:
        return Excerpt(text[start:end], False, False)
    wanted = terms(question) | {term for word in words for term in terms(word)}
    weights = _weights(wanted, passages)
    spans = _sentences(text)
    scores = [sum(weights[term] for term in wanted & terms(text[a:b])) for a, b in spans]
    best = max(range(len(spans)), key=lambda index: (scores[index], -index))
    first, last = _grow(spans, scores, best, limit)
    begin, stop = _trim(text, spans[first][0], spans[last][1])
    if stop - begin > limit:
        begin, stop = _within_sentence(text, begin, stop, wanted, limit)
    return Excerpt(text[begin:stop], begin > start, stop < end)


def terms(text: str) -> set[str]:
    """Return what texts are compared by: shortened words without the commonest, and pairs of signs without spaces."""
    words = TOKEN.findall(fold(text)) + (other_words(text) or "").split()
    return {term for word in words for term in _terms_of(word)}


def _terms_of(word: str) -> list[str]:
    if UNSPACED_RUN.match(word):
        return bigrams(word)[:-1] or [word]
    return [word[:_STEM]] if word not in _STOP else []


def _weights(wanted: set[str], passages: Sequence[str]) -> dict[str, float]:
    sentences = [terms(text[a:b]) for text in passages for a, b in _sentences(text)]
    counts = {term: sum(term in sentence for sentence in sentences) for term in wanted}
    return {term: math.log(1 + len(sentences) / max(1, count)) for term, count in counts.items()}


def _sentences(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _SENTENCE.finditer(text) if match.group().strip()] or [(0, len(text))]


def _grow(spans: list[tuple[int, int]], scores: list[float], best: int, limit: int) -> tuple[int, int]:
    """Take in neighbours while they fit: the better one first; where both are equal, on the side that has less yet."""
    first = last = best
    while True:
        sides = []
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= limit:
            sides.append((scores[last + 1], spans[best][1] - spans[last][1], last + 1))
        if first > 0 and spans[last][1] - spans[first - 1][0] <= limit:
            sides.append((scores[first - 1], spans[first][0] - spans[best][0], first - 1))
        if not sides:
            return first, last
        chosen = max(sides)[2]
        first, last = min(first, chosen), max(last, chosen)


def _within_sentence(text: str, begin: int, stop: int, wanted: set[str], limit: int) -> tuple[int, int]:
    """Cut a sentence that is too long by itself around the first word that was asked for, between words if it can."""
    hits = [
        found.start() + at
        for found in TOKEN.finditer(text, begin, stop)
        for at, term in enumerate(_terms_of(fold(found.group())))
        if term in wanted
    ]
    middle = min(hits, default=begin)
    low = max(begin, min(middle - limit // 3, stop - limit))
    high = min(stop, low + limit)
    if low > begin and (space := text.find(" ", low, min(low + 40, high))) >= 0:
        low = space
    if high < stop and (space := text.rfind(" ", max(low, high - 40), high)) >= 0:
        high = space
    return _trim(text, low, high)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    stripped = text[start:end].strip()
    begin = start + len(text[start:end]) - len(text[start:end].lstrip()) if stripped else start
    return begin, begin + len(stripped)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The sentences around the quotations, in one language."""

    found: str
    nothing: str
    kept: str
    opening: str
    closing: str


_ENGLISH = _Frame(
    found="No language model is configured, so I only quote what I found:",
    nothing="I found nothing relevant in what I know. No language model is configured, so I can't say more than that.",
    kept="I keep what you tell me, and quote it when you ask. No language model is configured, so I can't say more.",
    opening=" (",
    closing=")",
)


_CHINESE = _Frame(
    found="尚未配置语言模型，以下只是我找到的原文引用：",
    nothing="在我所知道的内容里没有找到相关的信息。尚未配置语言模型，所以我无法作更多回答。",
    kept="我会保存您说的话，您问起时再引用。尚未配置语言模型，所以我无法作更多回答。",
    opening="（",
    closing="）",
)


class QuoteAnswerer:
    """Answers with at most three passages, each in a Markdown blockquote and followed by its source number.

    Everything around the quotations is in the question's language, English or Chinese. What is quoted is foreign text:
    see `markdown_safety` for how it is kept from acting as markup.
    """

    info = ModelInfo(NAME, is_private=True, endpoint=None, context_tokens=1_000_000)  # more than is ever recalled
    reads = False

    async def answer(self, turn: Turn) -> AsyncGenerator[ModelEvent, None]:
        """Yield a first line and a delta for each quotation, then `Finished`."""
        frame = _CHINESE if is_chinese(turn.question) else _ENGLISH
        chosen = _choose(turn.hits)
        nothing = frame.nothing if asks_something(turn.question) else frame.kept
        yield TextDelta(frame.found if chosen else nothing)
        texts = [hit.text for _, hit in chosen]
        for number, hit in chosen:
            excerpt = best_excerpt(hit.text, turn.question, hit.matched, texts, MAX_CHARACTERS)
            yield TextDelta(f"\n\n{_quotation(excerpt, number, hit, frame)}")
        yield Finished("stop", NAME)


def _choose(hits: tuple[Hit, ...]) -> list[tuple[int, Hit]]:
    """Return the first hits with their numbers, without empty ones and without the same text twice."""
    chosen: dict[str, tuple[int, Hit]] = {}
    for number, hit in enumerate(hits, start=1):
        text = " ".join(hit.text.split())
        if text and text not in chosen:
            chosen[text] = (number, hit)
        if len(chosen) == MAX_PASSAGES:
            break
    return list(chosen.values())


def _quotation(excerpt: Excerpt, number: int, hit: Hit, frame: _Frame) -> str:
    text = f"{'… ' if excerpt.cut_before else ''}{excerpt.text}{' …' if excerpt.cut_after else ''}"
    title, place = escape_inline(hit.source.title), escape_inline(hit.locator.label())
    where = f"{title}{frame.opening}{place}{frame.closing}" if title and place else title or place
    return f"{as_blockquote(text)}\n\n[{number}]" + (f" {where}" if where else "")
