"""A plan: what is done for each of many items, step by step, within which budget; TOML, as the user edits it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from memory_store.errors import KeepsakeError

MOST_ITEMS: Final = 2000
_BLANK: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"


class PlanError(KeepsakeError):
    """A plan can't be followed: the message says where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Step(_Strict):
    """One thing done for an item: a tool is used, or a model is asked. `{name}` stands for what is known of the item.

    `arguments` are what the tool is given; `columns` what the model is to find, each with what it means.
    """

    name: str = Field(pattern=_NAME)
    tool: str = ""
    arguments: Mapping[str, str] = Field(default_factory=dict, alias="with")
    ask: str = ""
    columns: Mapping[str, str] = Field(default_factory=dict)
    role: Literal["chat", "fast"] = "chat"

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Step:
        if bool(self.tool) == bool(self.ask):
            raise ValueError("a step has either a tool or something to ask a model")
        if self.ask and not self.columns:
            raise ValueError("what is asked of a model needs columns: what it is to find")
        wrong = next((name for name in self.columns if not re.fullmatch(_NAME, name)), None)
        if wrong is not None:
            raise ValueError(f"a column is called by small letters, digits and _, not {wrong!r}")
        return self


class Budget(_Strict):
    """The most that a task may take, all of it together; 0 is no limit."""

    usd: float = Field(default=0.0, ge=0)
    tokens: int = Field(default=0, ge=0)
    wh: float = Field(default=0.0, ge=0)


class Plan(_Strict):
    """A task as it is to be done. `best` is the column by which results are sorted, from the end with a `-` before it.

    So many `workers` work on items at once; of a `trial` the user sees the first items before the others are begun.
    """

    title: str = Field(min_length=1, max_length=200)
    wish: str = ""
    workers: int = Field(8, ge=1, le=30)
    trial: int = Field(3, ge=0)
    best: str = ""
    budget: Budget = Budget()
    steps: Sequence[Step] = Field(min_length=1, max_length=12)
    items: Sequence[Mapping[str, str]] = Field(min_length=1, max_length=MOST_ITEMS)

    @field_validator("items")
    @classmethod
    def _has_names(cls, items: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
        names = [item.get("name", "").strip() for item in items]
        if not all(names):
            raise ValueError(f"item {names.index('') + 1} has no name")
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two items are called {double}")
        return items

    @model_validator(mode="after")
    def _knows_its_blanks(self) -> Plan:
        known = set.intersection(*(set(item) for item in self.items))
        for step in self.steps:
            for text in (*step.arguments.values(), step.ask):
                unknown = next((name for name in blanks(text) if name not in known), None)
                if unknown is not None:
                    told = ", ".join(sorted(known))
                    raise ValueError(f"in the step {step.name}, {{{unknown}}} is not known by then; known are {told}")
            taken = next((name for name in (step.name, *step.columns) if name in known), None)
            if taken is not None:
                raise ValueError(f"{taken} is the name of two things")
            known |= {step.name, *step.columns}
        if self.best and self.best.lstrip("-") not in self.columns:
            raise ValueError(f"best is {self.best}, which is no column")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """What is found of each item, in the order of the steps."""
        return tuple(name for step in self.steps for name in step.columns)

    def keyed_items(self) -> list[tuple[str, str]]:
        """Return the items as they are stored: each by its name, with what is known of it."""
        return [(item["name"].strip(), json.dumps(dict(item), ensure_ascii=False)) for item in self.items]


def read_plan(text: str, items: Sequence[Mapping[str, str]] = ()) -> Plan:
    """Return the plan of a text, for these items if there are any. Raises PlanError saying what is wrong and where."""
    try:
        given = tomllib.loads(text)
        return Plan.model_validate({**given, "items": list(items)} if items else given)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"The plan is no valid TOML: {error}.", "Mend the line: docs/tasks.md shows one.") from error
    except ValidationError as error:
        first = error.errors()[0]
        told = first["msg"].removeprefix("Value error, ")
        where = " ".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise PlanError(
            f"The plan can't be followed: {f'{where}: ' if where else ''}{told}.", "docs/tasks.md has an example."
        ) from error


def write_plan(plan: Plan) -> str:
    """Return a plan as TOML."""
    import tomlkit

    given: dict[str, Any] = plan.model_dump(by_alias=True, exclude_defaults=True)
    document = tomlkit.document()
    for name in ("title", "wish", "workers", "trial", "best"):
        if name in given:
            document.add(name, given[name])
    if "budget" in given:
        document.add("budget", given["budget"])
    for name in ("steps", "items"):
        tables = tomlkit.aot()
        for values in given[name]:
            table = tomlkit.table()
            for key, value in values.items():
                table.add(key, _inline(value) if isinstance(value, dict) else value)
            tables.append(table)
        document.add(name, tables)
    return tomlkit.dumps(document)


def _inline(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(values)
    return table


def blanks(text: str) -> Iterator[str]:
    """Yield the names of what is to be filled in."""
    yield from _BLANK.findall(text)


def fill(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its blanks filled in, once: what is filled in has none."""
    return _BLANK.sub(lambda match: known.get(match[1], ""), text)
