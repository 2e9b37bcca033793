"""Offers a model those of many tools that fit what it needs: some by the question, others as it looks for them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from assistant.core.framing import estimate_tokens, quoted
from assistant.core.tools.tool import Bench, Effect, Tool
from memory_store import STOP_WORDS, stems
from memory_store.errors import EmbeddingError

if TYPE_CHECKING:
    from memory_store.embedding.base import Vectors

FIND_TOOLS: Final = "find_tools"
_MOST_FOUND: Final = 5
_TOLD_CHARS: Final = 120  # of a description: the whole of it comes with the tool

EmbedSentences = Callable[[Sequence[str]], "Vectors | None"]


class FindTools(BaseModel):
    """What is to be done."""

    query: str = Field(min_length=1, max_length=300, description="What the tool should do, in a few words of English.")


class ToolRanking:
    """Ranks tools by how near what they say of themselves is to what is wanted, or by the words that both share.

    What was made of a description is kept in memory for as long as this is, and nowhere else.
    """

    def __init__(self, embed: EmbedSentences) -> None:
        self._embed = embed
        self._vectors: dict[str, Vectors] = {}

    def rank(self, wanted: str, tools: Sequence[Tool[Any]]) -> list[Tool[Any]]:
        """Return the tools, the one that fits best first."""
        texts = [_text_of(tool) for tool in tools]
        scores = self._nearness(wanted, texts) or _shared_words(wanted, texts)
        order = sorted(range(len(tools)), key=scores.__getitem__, reverse=True)
        return [tools[at] for at in order]

    def _nearness(self, wanted: str, texts: Sequence[str]) -> list[float] | None:
        """Return the cosine of each; None where there is nothing that embeds."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        try:
            made = self._embed([wanted, *new])
        except EmbeddingError:
            made = None  # the words will do
        if made is None:
            return None
        self._vectors |= dict(zip(new, made[1:], strict=True))
        return [float(self._vectors[text] @ made[0]) for text in texts]


class ToolShelf:
    """All tools of servers. `loaded` are those that a model is offered now: they take no more than `room` tokens."""

    def __init__(self, tools: Iterable[Tool[Any]], room: int, ranking: ToolRanking) -> None:
        self._tools = list(tools)
        self._tokens = {tool.name: tokens_of(tool) for tool in self._tools}
        self._ranking = ranking
        self.finder: Tool[FindTools] = Tool(
            FIND_TOOLS,
            f"Looks among {len(self._tools)} more tools, of other programs, for what is to be done. "
            "Those that fit can be called afterwards.",
            FindTools,
            Effect.READ,
            self._find,
        )
        self._room = room - tokens_of(self.finder)
        self.loaded: dict[str, Tool[Any]] = {}

    @property
    def too_long(self) -> list[str]:
        """The names of tools that no model can be offered: each takes more than the whole room."""
        return [name for name, tokens in self._tokens.items() if tokens > self._room]

    def begin(self, question: str, used: Sequence[str] = ()) -> None:
        """Load the tools that were `used` before, by their names, and what fits the question.

        What is looked for later takes the place of what fits it least.
        """
        before = [tool for name in used for tool in self._tools if tool.name == name]
        self._load([*before, *self._ranking.rank(question, self._tools)])

    def _find(self, _: Bench, asked: FindTools) -> str:
        found = self._ranking.rank(asked.query, self._tools)[:_MOST_FOUND]
        self._load([*found, *self.loaded.values()])
        told = [f"{tool.name}: {tool.description[:_TOLD_CHARS]}" for tool in found if tool.name in self.loaded]
        if not told:
            return "Nothing that fits is short enough to be offered."
        return "These can be called now, if one of them fits:\n" + quoted("\n".join(told))

    def _load(self, tools: Iterable[Tool[Any]]) -> None:
        """Take as many as there is room for, in their order."""
        room, chosen = self._room, dict[str, Tool[Any]]()
        for tool in tools:
            if tool.name not in chosen and (tokens := self._tokens[tool.name]) <= room:
                room -= tokens
                chosen[tool.name] = tool
        self.loaded.clear()
        self.loaded |= chosen


def tokens_of(tool: Tool[Any]) -> int:
    """Return an estimate of what offering a tool takes of a window."""
    return estimate_tokens(json.dumps([tool.name, tool.description, tool.spec.parameters]))


def _text_of(tool: Tool[Any]) -> str:
    return f"{tool.name.replace('_', ' ')}: {tool.description}"


def _shared_words(wanted: str, texts: Sequence[str]) -> list[float]:
    """Return of each text how much the words say that it shares: rare ones more."""
    words = [_words(text) for text in texts]
    texts_with = Counter(word for held in words for word in held)
    sought = _words(wanted)
    return [sum(math.log(1 + len(texts) / texts_with[word]) for word in held & sought) for held in words]


def _words(text: str) -> set[str]:
    return set(stems(text)) - _stop_words()


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(stems(" ".join(STOP_WORDS)))
