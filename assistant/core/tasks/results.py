"""What a task has found: a row for each item, sorted, as a table and as a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assistant.core.tasks.plan import MOST_ITEMS, PLACE, Plan
from assistant.display import excerpt
from memory_store import ItemState, TaskItem

_MOST_ROWS: Final = 50
_CELL_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of an item, by column; None where it was not found."""

    item: TaskItem
    values: dict[str, Any]


def results_of(plan: Plan, items: Sequence[TaskItem]) -> list[Result]:
    """Return the items that are done, the best first: as the judge said, and then as the plan says what is best."""
    return sorted(results_by_best(plan, items), key=lambda result: result.values.get(PLACE) or MOST_ITEMS)


def results_by_best(plan: Plan, items: Sequence[TaskItem]) -> list[Result]:
    """Return the items that are done, the best first as the plan says what is best, whatever a judge said."""
    done = [Result(item, json.loads(item.result or "{}")) for item in items if item.state is ItemState.DONE]
    column = plan.best.lstrip("-")
    if not column:
        return done
    known = [result for result in done if result.values.get(column) is not None]
    unknown = [result for result in done if result.values.get(column) is None]
    known.sort(key=lambda result: _rank(result.values[column]), reverse=not plan.best.startswith("-"))
    return known + unknown


def _rank(value: object) -> tuple[int, float, str]:
    """Return what sorts numbers by their size, also those that are written as text, before words."""
    try:
        return (1, float(str(value).replace(",", ".").strip(" €$%")), "")
    except ValueError:
        return (0, 0.0, str(value).casefold())


def cells_of(plan: Plan, result: Result) -> list[str]:
    """Return a row of the table: the item's name, and what was found of it."""
    return [result.item.key, *(_cell(result.values.get(column)) for column in plan.columns)]


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list():
            return excerpt("; ".join(map(str, value)), _CELL_CHARS)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return excerpt(str(value), _CELL_CHARS)


def build_report(plan: Plan, results: Sequence[Result]) -> str:
    """Return the results as a Markdown table with a word on what is missing."""
    names = ["", *plan.columns]
    lines = [f"**{_escape(plan.title)}**", "", _line(names), _line(["---"] * len(names))]
    lines += [_line(cells_of(plan, result)) for result in results[:_MOST_ROWS]]
    missing = len(plan.items) - len(results)
    if len(results) > _MOST_ROWS:
        lines += ["", f"{len(results) - _MOST_ROWS} more rows are in `keepsake task show`."]
    if missing:
        lines += ["", f"Of {missing} of {len(plan.items)} nothing was found: `keepsake task show` says why."]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escape(cell) for cell in cells)} |"


def _escape(text: str) -> str:
    """Return a text that nothing in it makes Markdown of."""
    return "".join(f"\\{sign}" if sign in "\\|`*_[]<>#!" else sign for sign in " ".join(text.split()))
