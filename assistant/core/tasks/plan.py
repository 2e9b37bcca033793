"""A plan: what is done for each of many items, step by step, within which budget; TOML, as the user edits it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from memory_store import Limit, Unit, Window
from memory_store.errors import KeepsakeError

MOST_ITEMS: Final = 2000
_BLANK: Final = re.compile(r"\{([^{}]*)\}")
PLACE: Final = "place"
BECAUSE: Final = "because"
"""What a judge says of an item: where it stands among the others, and why."""
_NO_BRACES: Final = str.maketrans("{}", "()")
_NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"


class PlanError(KeepsakeError):
    """A plan can't be followed: the message says where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


_TYPES: Final[Mapping[str, Any]] = {
    "any": bool | int | float | str,
    "text": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "date": date,
    "list": list[str],
}
ModelChoice = Literal["chat", "fast"]


class Column(_Strict):
    """Something that a model finds: what it means, and of which type it is, or one of which words. Never guessed: it
    may always be unknown. In a plan, its meaning alone will do."""

    means: str = Field(min_length=1)
    type: Literal["any", "text", "number", "integer", "boolean", "date", "list"] = "any"
    one_of: Sequence[str] = ()

    @model_validator(mode="before")
    @classmethod
    def _takes_its_meaning(cls, given: Any) -> Any:
        return {"means": given} if isinstance(given, str) else given

    @model_serializer
    def _write(self) -> Any:
        told = {"means": self.means, "type": self.type, "one_of": list(self.one_of)}
        kept = {name: value for name, value in told.items() if value and value != "any"}
        return self.means if len(kept) == 1 else kept

    @property
    def form(self) -> Any:
        """The Python type of its values."""
        return (Literal[tuple(self.one_of)] if self.one_of else _TYPES[self.type]) | None

    @property
    def words(self) -> str:
        """What a model is told of it."""
        kind = "one of: " + ", ".join(self.one_of) if self.one_of else self.type
        return self.means if kind == "any" else f"{self.means} ({kind})"


class Step(_Strict):
    """One thing done for an item: a tool is used, or a model is asked. `{name}` stands for what is known of the item.

    `arguments` are what the tool is given. `columns` are what the model in its `role` hands over; `tools` what a finder
    may look into by itself. It is handed what the steps that it `needs` found, or all steps before it where that is
    None; steps that do not need each other are done at the same time.
    """

    name: str = Field(pattern=_NAME)
    tool: str = ""
    arguments: Mapping[str, str] = Field(default_factory=dict, alias="with")
    ask: str = ""
    columns: Mapping[str, Column] = Field(default_factory=dict)
    role: Literal["finder", "reader", "judge", "writer"] = "reader"
    tools: Sequence[str] = ()
    needs: Sequence[str] | None = None
    model: ModelChoice = "chat"

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Step:
        if bool(self.tool) == bool(self.ask):
            raise ValueError("a step has either a tool or something to ask a model")
        if self.ask and not self.columns:
            raise ValueError("what is asked of a model needs columns: what it is to find")
        if self.tool and (self.columns or self.tools):
            raise ValueError("columns and tools are of a step that asks a model")
        if self.tools and self.role != "finder":
            raise ValueError("only a finder uses tools by itself")
        wrong = next((name for name in self.columns if not re.fullmatch(_NAME, name)), None)
        if wrong is not None:
            raise ValueError(f"a column is called by small letters, digits and _, not {wrong!r}")
        return self

    @cached_property
    def form(self) -> type[BaseModel]:
        """What is handed over, as a type: each column, or None where it is unknown."""
        fields: dict[str, Any] = {name: (column.form, None) for name, column in self.columns.items()}
        return create_model("Found", **fields)

    @property
    def gives(self) -> tuple[str, ...]:
        """The names of what is known after it: its columns, or its own for what its tool gave back."""
        return tuple(self.columns) or (self.name,)


class Judge(_Strict):
    """Who compares the best results pair by pair in the end: `among` so many each with each, both ways round."""

    ask: str = Field(min_length=1)
    among: int = Field(6, ge=2, le=12)
    model: ModelChoice = "chat"


class Budget(_Strict):
    """The most that a task may take, all of it together; 0 is no limit."""

    usd: float = Field(default=0.0, ge=0)
    tokens: int = Field(default=0, ge=0)
    wh: float = Field(default=0.0, ge=0)


class Plan(_Strict):
    """A task as it is to be done. `best` is the column by which results are sorted, from the end with a `-` before it.

    So many `workers` work on items at once; of a `trial` the user sees the first items before the others are begun. In
    the end a `judge` gives the best of them their places, and a model writes what the `report` asks for.
    """

    title: str = Field(min_length=1, max_length=200)
    wish: str = ""
    workers: int = Field(8, ge=1, le=30)
    trial: int = Field(3, ge=0)
    best: str = ""
    report: str = ""
    budget: Budget = Budget()
    judge: Judge | None = None
    steps: Sequence[Step] = Field(min_length=1, max_length=12)
    items: Sequence[Mapping[str, str]] = Field(min_length=1, max_length=MOST_ITEMS)

    @field_validator("items")
    @classmethod
    def _has_names(cls, items: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
        names = [item.get("name", "").strip() for item in items]
        if not all(names):
            raise ValueError(f"item {names.index('') + 1} has no name")
        double, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise ValueError(f"two items are called {double}")
        return items

    @model_validator(mode="after")
    def _knows_its_blanks(self) -> Plan:
        fields = set.intersection(*(set(item) for item in self.items))
        taken = fields | {PLACE, BECAUSE}
        before: dict[str, tuple[str, ...]] = {}
        for step in self.steps:
            strange = next((name for name in step.needs or () if name not in before), None)
            if strange is not None:
                raise ValueError(f"the step {step.name} needs {strange}, which is no step before it")
            needed = before if step.needs is None else {name: before[name] for name in step.needs}
            known = fields.union(*needed.values())
            for text in (*step.arguments.values(), step.ask):
                unknown = next((name for name in blanks(text) if name not in known), None)
                if unknown is not None:
                    told = ", ".join(sorted(known))
                    raise ValueError(f"in the step {step.name}, {{{unknown}}} is not known by then; known are {told}")
            names = {step.name, *step.columns}  # a column may be called as its step is
            if names & taken:
                raise ValueError(f"{min(names & taken)} is the name of two things")
            taken = taken | names
            before[step.name] = step.gives
        if self.best and self.best.lstrip("-") not in self.columns:
            raise ValueError(f"best is {self.best}, which is no column")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """What is found of each item, in the order of the steps, between what the judge says of it."""
        found = tuple(name for step in self.steps for name in step.columns)
        return (PLACE, *found, BECAUSE) if self.judge else found

    @property
    def cited(self) -> frozenset[str]:
        """The columns in which a finder names its sources by number."""
        return frozenset(name for step in self.steps if step.tools for name in step.columns)

    @property
    def tools(self) -> list[str]:
        """The names of all tools that it uses."""
        return list(dict.fromkeys(name for step in self.steps for name in (step.tool, *step.tools) if name))

    def names_before(self, step: Step) -> list[str]:
        """Return the names of the steps before one."""
        names = [other.name for other in self.steps]
        return names[: names.index(step.name)]

    def needs_of(self, step: Step) -> Sequence[str]:
        """Return the names of the steps whose findings a step is handed."""
        return self.names_before(step) if step.needs is None else step.needs

    @property
    def tried(self) -> int | None:
        """How many items are tried before the others are begun; None where all are begun at once."""
        return self.trial if 0 < self.trial < len(self.items) else None

    def keyed_items(self) -> list[tuple[str, str]]:
        """Return the items as they are stored: each by its name, with what is known of it."""
        return [(item["name"].strip(), json.dumps(dict(item), ensure_ascii=False)) for item in self.items]


def read_plan(text: str, items: Sequence[Mapping[str, str]] = (), values: Mapping[str, str] | None = None) -> Plan:
    """Return the plan of a text, for these items if there are any, with the blanks filled in that have `values`.

    Raises PlanError saying what is wrong and where.
    """
    try:
        given = tomllib.loads(text)
        if values:
            # What is filled in has no blanks of its own.
            plain = {name: value.translate(_NO_BRACES) for name, value in values.items()}
            given = _fill_all(given, plain)
        return Plan.model_validate({**given, "items": list(items)} if items else given)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"The plan is no valid TOML: {error}.", "Mend the line: docs/tasks.md shows one.") from error
    except ValidationError as error:
        first = error.errors()[0]
        told = first["msg"].removeprefix("Value error, ")
        where = " ".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise PlanError(
            f"The plan can't be followed: {f'{where}: ' if where else ''}{told}.", "docs/tasks.md has an example."
        ) from error
    except ValueError as error:
        raise PlanError(f"The plan has a number that is too long: {error}.", "Shorten it.") from error


def plan_to_show(text: str) -> Plan:
    """Return the plan of a text; one that can't be followed, as an archive may bring it, says so by its title."""
    try:
        return read_plan(text)
    except PlanError as error:
        return Plan.model_construct(title=error.message, steps=(), items=())


def write_plan(plan: Plan) -> str:
    """Return a plan as TOML."""
    import tomlkit

    given: dict[str, Any] = plan.model_dump(by_alias=True, exclude_defaults=True)
    document = tomlkit.document()
    for name in ("title", "wish", "workers", "trial", "best", "report", "budget", "judge"):
        if name in given:
            document.add(name, given[name])
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


def limits_of(plan: Plan) -> tuple[Limit, ...]:
    """Return the budget of a plan as limits of the conversation that its task has to itself."""
    amounts = {Unit.USD: plan.budget.usd * 1_000_000, Unit.TOKENS: plan.budget.tokens, Unit.WH: plan.budget.wh * 1000}
    return tuple(Limit(Window.CHAT, unit, round(amount)) for unit, amount in amounts.items() if amount)


def blanks(text: str) -> Iterator[str]:
    """Yield the names of what is to be filled in."""
    yield from _BLANK.findall(text)


def fill_some(text: str, known: Mapping[str, str]) -> str:
    """Return a text with these blanks filled in; whatever else stands in braces stays."""
    return _BLANK.sub(lambda match: known.get(match[1], match[0]), text)


def _fill_all(given: Any, known: Mapping[str, str]) -> Any:
    if isinstance(given, str):
        return fill_some(given, known)
    if isinstance(given, list):
        return [_fill_all(item, known) for item in given]
    return {name: _fill_all(item, known) for name, item in given.items()} if isinstance(given, dict) else given


def fill(text: str, known: Mapping[str, str]) -> str:
    """Return a text with its blanks filled in, once: what is filled in has none."""
    return _BLANK.sub(lambda match: known.get(match[1], ""), text)
