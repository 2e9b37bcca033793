"""Compares the best results of a task pair by pair, each pair both ways round, and gives them their places."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from typing import Final, Literal

from pydantic import BaseModel

from assistant.core.prompts import prompt
from assistant.core.tasks.plan import BECAUSE, PLACE, Judge
from assistant.core.tasks.results import Result, sort_results
from assistant.core.tasks.steps import Run, Unreadable, all_of, ask_form, json_text
from assistant.language import _
from memory_store import ItemState, StepOutcome, TaskItem

FIRST_COMPARISON: Final = 100
"""From this number on, a step is a comparison of the item that is shown first; a plan has fewer steps."""
_WON: Final = 2  # one for each way round

Enter = Callable[[Run, TaskItem, int, str, Callable[[], Awaitable[str]]], Awaitable[str | None]]
"""Enters a step of an item, does it, and enters what came of it; None where the task is not to run on as it is."""


class Verdict(BaseModel):
    """Which of two is better, and why."""

    better: Literal["first", "second", "neither"]
    because: str = ""


async def judge_best(run: Run, judge: Judge, items: Sequence[TaskItem], enter: Enter, stop: asyncio.Event) -> bool:
    """Have a model compare the best items, each with each, and store their places; return whether it came to an end.

    Who comes first in a question has an advantage with models: each pair is asked about both ways round, and only who
    is better both times has won. What was compared before, with the same results, is not asked about again.
    """
    results = [_without_place(result) for result in sort_results(items, run.plan.best)]
    candidates = results[: judge.among]
    slots = asyncio.Semaphore(run.plan.workers)

    async def compare(first: Result, second: Result) -> Verdict | None:
        async with slots:
            number = FIRST_COMPARISON + second.item.number
            asked = json_text(
                {
                    "step": "judge",
                    "ask": judge.ask,
                    "first": {"name": first.item.key, **first.values},
                    "second": {"name": second.item.key, **second.values},
                    "repeats": True,
                }
            )
            steps = {step.number: step for step in await asyncio.to_thread(run.store.tasks.steps, first.item.id)}
            before = steps.get(number)
            if before is not None and before.outcome is StepOutcome.DONE and before.request == asked:
                return Verdict.model_validate_json(before.result or "{}")
            if stop.is_set() or run.resting.is_set():
                return None
            try:
                said = await enter(run, first.item, number, asked, partial(_ask, run, judge, first, second))
            except Unreadable:
                return None
            return None if said is None else Verdict.model_validate_json(said)

    pairs = list(permutations(candidates, 2))
    verdicts = await all_of([compare(first, second) for first, second in pairs])
    if stop.is_set() or run.resting.is_set():
        return False
    unread = Counter(
        result.item.id for pair, verdict in zip(pairs, verdicts, strict=True) if verdict is None for result in pair
    )
    await asyncio.to_thread(_store_places, run, results, len(candidates), _winners(pairs, verdicts), unread)
    return True


async def _ask(run: Run, judge: Judge, first: Result, second: Result) -> str:
    known = {"first": _describe(first), "second": _describe(second)}
    verdict = await ask_form(run, judge.model, prompt("task_pair"), judge.ask, known, Verdict)
    return verdict.model_dump_json()


def _describe(result: Result) -> str:
    values = {"name": result.item.key, **result.values}
    return "\n".join(f"{name}: {value}" for name, value in values.items() if value is not None)


def _without_place(result: Result) -> Result:
    """Return a result as it was found: an earlier place is no argument."""
    return Result(result.item, {name: value for name, value in result.values.items() if name not in (PLACE, BECAUSE)})


def _winners(
    pairs: Sequence[tuple[Result, Result]], verdicts: Sequence[Verdict | None]
) -> dict[tuple[str, str], list[str]]:
    """Return for each who beat whom, by their ids, the reasons: one where it depended on the order, two where not."""
    beaten: dict[tuple[str, str], list[str]] = {}
    for (first, second), verdict in zip(pairs, verdicts, strict=True):
        if verdict is not None and verdict.better != "neither":
            winner, loser = (first, second) if verdict.better == "first" else (second, first)
            beaten.setdefault((winner.item.id, loser.item.id), []).append(verdict.because)
    return {pair: reasons for pair, reasons in beaten.items() if len(reasons) == _WON}


def _store_places(
    run: Run,
    results: Sequence[Result],
    compared: int,
    beaten: dict[tuple[str, str], list[str]],
    unread: Mapping[str, int],
) -> None:
    """Store with each item that was compared its place, by how many it beat, and why; as many wins, the same place.

    `unread` counts, by item, the comparisons whose answer could not be read: that is said, and who has no other has no
    place.
    """
    wins = Counter(winner for winner, _loser in beaten)
    candidates = results[:compared]
    for result in candidates:
        own = wins[result.item.id]
        place = 1 + sum(wins[other.item.id] > own for other in candidates)
        reasons = [reasons[0] for (winner, _loser), reasons in beaten.items() if winner == result.item.id][:1]
        missing, all_of_it = unread.get(result.item.id, 0), 2 * (compared - 1)
        if missing:
            told = _("{count} of {total} comparisons gave no answer that can be read")
            reasons.append(told.format(count=missing, total=all_of_it))
        because = "; ".join(filter(None, reasons)) or None
        values = {PLACE: place if missing < all_of_it else None, BECAUSE: because, **result.values}
        run.store.tasks.end_item(result.item.id, ItemState.DONE, json_text(values))
    for result in results[compared:]:
        if PLACE in json.loads(result.item.result or "{}"):  # it was among the best before others were tried again
            run.store.tasks.end_item(result.item.id, ItemState.DONE, json_text(result.values))
