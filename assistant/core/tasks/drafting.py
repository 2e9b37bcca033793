"""Drafts a plan of what somebody wants done, by a model; it is checked, and the user reads it before it runs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from assistant.core.asking import UnfitError, ask_until_fit, find_object
from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.core.tasks.plan import MOST_ITEMS, Plan, PlanError
from assistant.core.tools.tool import Tool
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store.models import Purpose, Role

_PLAN_TOKENS: Final = 3000
_COLUMN: Final = "Write one a line, or a table with a column `name`."
_LEAST_LISTED: Final = 5
_LISTED_CHARS: Final = 200
_ENDS: Final = tuple(".:?!。：？！")
_MARK: Final = re.compile(r"^\s*(?:[-*•]|\d{1,4}[.)])\s+")


async def draft_plan(
    model: ChatModel,
    wish: str,
    tools: Sequence[Tool[Any]],
    items: Sequence[Mapping[str, str]] = (),
) -> Plan:
    """Return a plan for a wish, for these items or those that it names. Raises ModelError, and PlanError where the
    model gives no plan that can be followed."""
    fields = f"\n\nThe items are known, with the fields {', '.join(items[0])}: give one as an example." if items else ""
    offered = "\n".join(_describe(tool) for tool in tools)
    asked = f"{quoted(wish)}{fields}\n\nTools:\n{offered}"
    messages = (ChatMessage(Role.SYSTEM, prompt("task_plan")), ChatMessage(Role.USER, asked))
    request = ChatRequest(messages, _PLAN_TOKENS, 0.0, purpose=Purpose.PLAN)

    def read(said: str) -> Plan:
        try:
            return _read(said, wish, items)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"{' '.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}".strip(": ")
            raise UnfitError(wrong) from error
        except (ValueError, RecursionError) as error:
            raise UnfitError(str(error)) from error

    try:
        complaint = "That plan can't be followed: {wrong}. Write it whole once more."
        return await ask_until_fit(model, request, read, complaint)
    except UnfitError as error:
        raise PlanError(
            f"{model.info.name} wrote no plan that can be followed: {error}.",
            "Say it in other words, or write the plan yourself: docs/tasks.md has an example.",
        ) from error


def _read(said: str, wish: str, items: Sequence[Mapping[str, str]]) -> Plan:
    found = find_object(said)
    if found is None:
        raise ValueError("there is no JSON object")
    given = json.loads(found)
    if not isinstance(given, dict):
        raise ValueError("there is no JSON object")
    kept = {
        name: given[name]
        for name in ("title", "best", "judge", "report", "steps", "items")
        if given.get(name) is not None
    }
    if items:
        kept["items"] = list(items)
    return Plan.model_validate({**kept, "wish": wish})


def _describe(tool: Tool[Any]) -> str:
    parameters = tool.spec.parameters.get("properties", {})
    return f"- {tool.name}({', '.join(parameters)}), which {tool.effect.value}s: {tool.description}"


def read_items(text: str, *, is_table: bool = False) -> list[dict[str, str]]:
    """Return the items of a list: a table with commas, semicolons or tabs and a row of names, or a name a line.

    What is there twice is taken once. Raises PlanError where there is none, or one that can't be told from others.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise PlanError("The list of items is empty.", _COLUMN)
    delimiter = next((sign for sign in ("\t", ";", ",") if sign in lines[0]), ",")
    names = [name.strip().lower() for name in _rows(lines[0], delimiter)[0]]
    if "name" in names:
        items = _read_rows(text, delimiter, names)
    elif is_table and len(names) > 1:
        raise PlanError(f"The table of items has no column `name`, but {', '.join(names)}.", _COLUMN)
    else:
        items = [{"name": line.strip()} for line in lines]
    items = [dict(item) for item in dict.fromkeys(tuple(item.items()) for item in items)]
    if len(items) > MOST_ITEMS:
        raise PlanError(
            f"There are {len(items):,} items, and a task has {MOST_ITEMS:,} at most.", "Make several tasks."
        )
    double, times = Counter(item["name"] for item in items).most_common(1)[0]
    if times > 1:
        raise PlanError(f"Two items are called {double}, and differ.", "Give each a name of its own.")
    return items


def is_table(file: Path) -> bool:
    """Return whether a file is a table by its name."""
    return file.suffix.lower() in (".csv", ".tsv")


def _read_rows(text: str, delimiter: str, names: Sequence[str]) -> list[dict[str, str]]:
    keys = [re.sub(r"[^a-z0-9_]+", "_", name).strip("_") or f"column_{at}" for at, name in enumerate(names, start=1)]
    double, times = Counter(keys).most_common(1)[0]
    if times > 1:
        raise PlanError(f"Two columns of the table of items are called {double}.", "Give each a name of its own.")
    rows = _rows(text, delimiter, strict=True)[1:]  # a quotation mark that is left open takes in all that follows
    items = [
        {key: row[at].strip() if at < len(row) else "" for at, key in enumerate(keys)}
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    nameless = next((number for number, item in enumerate(items, start=1) if not item["name"]), None)
    if nameless is not None:
        raise PlanError(f"Item {nameless} of the list has no name.", "Give it one, or leave the row out.")
    return items


def _rows(text: str, delimiter: str, *, strict: bool = False) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=strict))
    except csv.Error as error:
        raise PlanError(f"The list of items can't be read: {error}.", "Mend it: it is read as CSV.") from error


def split_list(wish: str) -> tuple[str, list[dict[str, str]]]:
    """Return a wish without the list that was pasted with it, and what that lists: a model would have to write it all
    down again, and could lose some of it. Fewer than five short lines behind one another are no list."""
    lines = wish.splitlines()
    runs = [
        list(run)
        for short, run in groupby(range(len(lines)), lambda at: 0 < len(lines[at].strip()) <= _LISTED_CHARS)
        if short
    ]
    longest = max(runs, key=len, default=[])
    while longest and (longest[0] == 0 or lines[longest[0]].rstrip().endswith(_ENDS)):
        longest = longest[1:]
    listed = [_MARK.sub("", lines[at]).strip() for at in longest]
    rest = "\n".join(line for at, line in enumerate(lines) if at not in set(longest)).strip()
    return (rest, read_items("\n".join(listed))) if len(listed) >= _LEAST_LISTED else (wish, [])
