"""Who answers without a model: quotes the best passages, with their sources, and invents nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from assistant.llm.answering import Turn
from assistant.llm.base import Finished, ModelEvent, ModelInfo, TextDelta
from assistant.llm.excerpts import Excerpt, best_excerpt, is_chinese
from assistant.llm.markdown_safety import as_blockquote, escape_inline
from memory_store.asking import asks_something
from memory_store.models import Hit

NAME = "quote"
MAX_PASSAGES = 3
MAX_CHARACTERS = 600


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
