"""What a task has found: a row for each item, sorted, as a table and as a report."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from assistant.core.context import cited_numbers
from assistant.core.places import place_of
from assistant.core.tasks.plan import MOST_ITEMS, PLACE, Plan
from assistant.display import excerpt
from assistant.language import _
from memory_store import ItemState, Store, Task, TaskItem, Unit, Window, amount_text
from memory_store.errors import NotFoundError

_MOST_ROWS: Final = 50
_CELL_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of an item, by column; None where it was not found."""

    item: TaskItem
    values: dict[str, Any]


def results_of(plan: Plan, items: Sequence[TaskItem]) -> list[Result]:
    """Return the items that are done, the best first: as the judge said, and then as the plan says what is best."""
    results = sort_results(items, plan.best)
    return sorted(results, key=lambda result: result.values.get(PLACE) or MOST_ITEMS) if plan.judge else results


def sort_results(items: Sequence[TaskItem], by: str) -> list[Result]:
    """Return the items that are done, by a column, from its least if a `-` is before it; what is unknown comes last.

    Without a column they stand in their own order.
    """
    done = [Result(item, json.loads(item.result or "{}")) for item in items if item.state is ItemState.DONE]
    column = by.lstrip("-")
    if not column:
        return done
    known = [result for result in done if result.values.get(column) is not None]
    unknown = [result for result in done if result.values.get(column) is None]
    known.sort(key=lambda result: _rank(result.values[column]), reverse=not by.startswith("-"))
    return known + unknown


def _rank(value: object) -> tuple[int, float, str]:
    """Return what sorts numbers by their size, also those that are written as text, before words."""
    try:
        number = float(str(value).replace(",", ".").strip(" €$%"))
    except ValueError:
        number = math.nan
    return (1, number, "") if math.isfinite(number) else (0, 0.0, str(value).casefold())


def cells_of(plan: Plan, result: Result) -> list[str]:
    """Return a row of the table: the item's name, and what was found of it."""
    return [result.item.key, *(_cell(result.values.get(column), column in plan.cited) for column in plan.columns)]


def _cell(value: object, cites: bool) -> str:
    return "–" if value is None else _cut(words_of(value), cites)


def words_of(value: object) -> str:
    """Return a value as a person would write it; nothing for what is unknown."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return "; ".join(map(words_of, value))
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _cut(text: str, cites: bool) -> str:
    """Return the beginning of a text, with the sources that it cites in what is cut."""
    cut = excerpt(text, _CELL_CHARS)
    lost = cited_numbers(text) - cited_numbers(cut) if cites else set()
    return f"{cut} [{', '.join(map(str, sorted(lost)))}]" if lost else cut


def sources_of(store: Store, task: Task, plan: Plan, results: Sequence[Result]) -> list[str]:
    """Return the sources that results cite, a line each: its number and where it is from, or that it was erased."""
    values = [str(result.values.get(column)) for result in results for column in plan.cited]
    cited = cited_numbers(" ".join(values))
    lines = []
    for citation in store.conversations.citations(task.message_id):
        if citation.number in cited:
            try:
                place = place_of(store.passage(citation.passage_id or ""))
            except NotFoundError:
                place = _("erased since")
            lines.append(f"[{citation.number}] {place}")
    return lines


def read_report(store: Store, task: Task, plan: Plan) -> str:
    """Return what the latest report says in words, above its table; empty where there is none."""
    asked = store.conversations.message(task.message_id)
    reports = [other for other in store.conversations.messages(asked.conversation_id) if other.parent_id == asked.id]
    return reports[-1].text.partition(_heading(plan))[0].strip() if reports and plan.report else ""


def _heading(plan: Plan) -> str:
    return f"**{_escape(plan.title, cites=False)}**"


def estimate_rest(store: Store, task: Task, plan: Plan, items: Sequence[TaskItem]) -> str:
    """Return how long what is left of a task takes and what it costs if it goes as with the items that are done.

    Empty where none is done, or none is left.
    """
    done = [item for item in items if item.state is ItemState.DONE]
    left = sum(item.state is ItemState.WAITING for item in items)
    if not (done and left):
        return ""
    steps = [step for item in done for step in store.tasks.steps(item.id)]
    seconds = sum((step.ended_at - step.begun_at).total_seconds() for step in steps if step.begun_at and step.ended_at)
    spent = store.ledger.spent(Window.CHAT, store.conversations.message(task.message_id).conversation_id)
    part = left / len(done)
    amounts = [(Unit.TOKENS, spent.tokens), (Unit.USD, spent.cost)]
    takes = [_length(seconds * part / min(plan.workers, left))]
    takes += [amount_text(unit, round(amount * part)) for unit, amount in amounts if amount]
    return _("{count:,} more like these: about {what}.").format(count=left, what=", ".join(takes))


def _length(seconds: float) -> str:
    if seconds < 90:
        return _("{count} s").format(count=max(1, round(seconds)))
    minutes = seconds / 60
    return (
        _("{count} min").format(count=round(minutes))
        if minutes < 90
        else _("{count} h").format(count=round(minutes / 60))
    )


def build_report(plan: Plan, results: Sequence[Result]) -> str:
    """Return the results as a Markdown table with a word on what is missing."""
    names = ["", *plan.columns]
    cited = [name in plan.cited for name in names]
    lines = [_heading(plan), "", _line(names), _line(["---"] * len(names))]
    lines += [_line(cells_of(plan, result), cited) for result in results[:_MOST_ROWS]]
    there = {result.item.key for result in results}
    missing = sum(item["name"].strip() not in there for item in plan.items)
    if len(results) > _MOST_ROWS:
        lines += ["", f"{len(results) - _MOST_ROWS} more rows are in `keepsake task show`."]
    if missing:
        lines += ["", f"Of {missing} of {len(plan.items)} nothing was found: `keepsake task show` says why."]
    return "\n".join(lines)


def _line(cells: Sequence[str], cited: Sequence[bool] = ()) -> str:
    both = zip_longest(cells, cited, fillvalue=False)
    return f"| {' | '.join(_escape(str(cell), cites=bool(cites)) for cell, cites in both)} |"


def _escape(text: str, *, cites: bool) -> str:
    """Return a text that nothing in it makes Markdown of; where it `cites`, numbers of sources stay what they are."""
    escaped = "".join(f"\\{sign}" if sign in "\\|`*_[]<>#!" else sign for sign in " ".join(text.split()))
    return re.sub(r"\\\[(\d+(?:, \d+)*)\\\]", r"[\1]", escaped) if cites else escaped
