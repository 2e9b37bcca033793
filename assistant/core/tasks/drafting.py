"""Drafts a plan of what somebody wants done, by a model; it is checked, and the user reads it before it runs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from assistant.core.asking import whole_answer
from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.core.tasks.plan import MOST_ITEMS, Plan, PlanError
from assistant.core.tools.tool import Tool
from assistant.errors import ModelError
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store.models import Purpose, Role

_PLAN_TOKENS: Final = 3000
_TRIES: Final = 2
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)


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
    messages = [ChatMessage(Role.SYSTEM, prompt("task_plan")), ChatMessage(Role.USER, asked)]
    wrong = ""
    for _ in range(_TRIES):
        request = ChatRequest(tuple(messages), _PLAN_TOKENS, 0.0, purpose=Purpose.PLAN)
        said = (await whole_answer(model, request)).text
        try:
            return _read(said, wish, items)
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"{' '.join(map(str, first['loc']))}: {first['msg']}".strip(": ")
        except (ValueError, RecursionError) as error:
            wrong = str(error)
        complaint = f"That plan can't be followed: {wrong}. Write it whole once more."
        messages += [ChatMessage(Role.ASSISTANT, said), ChatMessage(Role.USER, complaint)]
    raise PlanError(
        f"{model.info.name} wrote no plan that can be followed: {wrong}.",
        "Say it in other words, or write the plan yourself: docs/tasks.md has an example.",
    )


def _read(said: str, wish: str, items: Sequence[Mapping[str, str]]) -> Plan:
    found = _OBJECT.search(said)
    if found is None:
        raise ValueError("there is no JSON object")
    given = json.loads(found.group())
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


def read_items(text: str) -> list[dict[str, str]]:
    """Return the items of a list: a table with commas, semicolons or tabs and a row of names, or a name a line.

    Raises PlanError where there is none.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise PlanError("The list of items is empty.", "Write one a line, or a table with a column `name`.")
    delimiter = next((sign for sign in ("\t", ";", ",") if sign in lines[0]), "")
    names = [name.strip().lower() for name in next(csv.reader([lines[0]], delimiter=delimiter or ","))]
    if "name" not in names:
        items = [{"name": line.strip()} for line in lines]
    else:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter or ",")
        keys = [
            re.sub(r"[^a-z0-9_]+", "_", name).strip("_") or f"column_{at}" for at, name in enumerate(names, start=1)
        ]
        items = [
            {key: row[at].strip() if at < len(row) else "" for at, key in enumerate(keys)}
            for row in list(rows)[1:]
            if any(cell.strip() for cell in row)
        ]
    if len(items) > MOST_ITEMS:
        raise PlanError(
            f"There are {len(items):,} items, and a task has {MOST_ITEMS:,} at most.", "Make several tasks."
        )
    return items


def require_model(model: ChatModel | None) -> ChatModel:
    """Return the model. Raises ModelError where there is none that may be asked."""
    if model is None:
        raise ModelError(
            "No model is set up that can write a plan.", "`keepsake model add`, or write it: docs/tasks.md."
        )
    return model
