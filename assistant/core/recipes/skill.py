"""A skill: SKILL.md as the open format has it (https://agentskills.io/specification), with what Keepsake adds to it.

What is added stands where the format leaves room, so that other programs read the same file: under `metadata`,
`keepsake-ask` is what the user says by using it, and `keepsake-blanks` are its blanks as YAML. A plan of a long task is
the file `assets/plan.toml`, for whose items `keepsake-items` asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from assistant.core.recipes import SKILL_FILE
from assistant.core.tasks.plan import blanks, fill_some
from assistant.core.tools.forms import FormField, fields_of
from memory_store.errors import KeepsakeError

ASK: Final = "keepsake-ask"
BLANKS: Final = "keepsake-blanks"
ITEMS: Final = "keepsake-items"
MOST_CHARS: Final = 100_000
_MOST_FRONT_CHARS: Final = 16_000
_FENCED: Final = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)(.*)\Z", re.DOTALL | re.MULTILINE)
_NAME: Final = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
_TAKEN: Final = frozenset({"recipe", "items"})
_BLANK: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class RecipeError(KeepsakeError):
    """A recipe can't be taken or used: the message says where and why."""


class Skill(BaseModel):
    """What SKILL.md says. `tools` are those that it declares; fields of other programs are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    name: str = Field(min_length=1, max_length=64, pattern=_NAME)
    description: str = Field(min_length=1, max_length=1024)
    license: str = ""
    compatibility: str = Field("", max_length=500)
    metadata: Mapping[str, str] = Field(default_factory=dict)
    tools: tuple[str, ...] = Field((), alias="allowed-tools", max_length=50)
    body: str = Field(min_length=1)

    @field_validator("tools", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("description", "body")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("it is empty")
        return value.strip()

    @model_validator(mode="after")
    def _knows_its_blanks(self) -> Skill:
        names = {field.name for field in self.fields}
        unknown = next((name for name in blanks(self.ask) if name not in names), None)
        if unknown is not None:
            raise ValueError(f"{ASK} has the blank {{{unknown}}}, which {BLANKS} does not describe")
        return self

    @property
    def ask(self) -> str:
        """What the user says by using it, with its blanks; empty where it does not say."""
        return " ".join(self.metadata.get(ASK, "").split())

    @property
    def asks_items(self) -> str:
        """The words by which the items of its plan are asked for, if it has any."""
        return " ".join(self.metadata.get(ITEMS, "").split())

    @cached_property
    def fields(self) -> tuple[FormField, ...]:
        """Its blanks, as the fields of a form."""
        text = self.metadata.get(BLANKS, "").strip()
        return _fields(text) if text else ()

    def fill(self, text: str, values: Mapping[str, str]) -> str:
        """Return a text with its own blanks filled in; whatever else stands in braces stays."""
        return fill_some(text, dict.fromkeys((field.name for field in self.fields), "") | dict(values))


def read_skill(text: str, where: str = SKILL_FILE) -> Skill:
    """Return what the text of a SKILL.md says. Raises RecipeError naming `where`, the reason and the next step."""
    if len(text) > MOST_CHARS:
        raise RecipeError(f"{where} is too long: {len(text):,} signs, and {MOST_CHARS:,} are the most.", _SHORTEN)
    found = _FENCED.match(text)
    if found is None:
        raise RecipeError(f"{where} does not begin with its front matter, between two lines of ---.", _EXAMPLE)
    if len(found[1]) > _MOST_FRONT_CHARS:
        raise RecipeError(f"The front matter of {where} is too long.", _SHORTEN)
    given = _read_yaml(found[1], where)
    try:
        return Skill.model_validate({**given, "body": found[2]})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        told = first["msg"].removeprefix("Value error, ").rstrip(".")
        field = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{where}: {f'{field}: ' if field else ''}{told[:300]}.", _EXAMPLE) from error


_EXAMPLE: Final = "Mend it: docs/recipes.md has an example."
_SHORTEN: Final = "Move what is seldom needed to files beside it, as the format means it."


def _read_yaml(text: str, where: str) -> dict[str, Any]:
    """Return front matter, all of whose values are texts. Raises RecipeError."""
    value = _load(text, where, "BaseLoader")
    if not isinstance(value, dict):
        raise RecipeError(f"The front matter of {where} is no list of fields.", _EXAMPLE)
    return {str(name): given for name, given in value.items()}


def _load(text: str, where: str, loader: str) -> Any:
    import yaml

    kind = getattr(yaml, f"C{loader}", getattr(yaml, loader))
    try:
        # An alias may stand for what holds others: a few lines that are millions once they are read.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=kind)):
            raise RecipeError(f"{where} has aliases in its YAML, which are not read.", "Write their values out.")
        return yaml.load(text, Loader=kind)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark is not None else ""
        reason = str(getattr(error, "problem", None) or "it can't be read")
        raise RecipeError(f"The YAML of {where} is wrong{line}: {reason}.", _EXAMPLE) from error
    except (RecursionError, ValueError, TypeError) as error:
        raise RecipeError(f"The YAML of {where} can't be read.", _EXAMPLE) from error


def _fields(text: str) -> tuple[FormField, ...]:
    """Return the fields of a form. Raises ValueError for what is none."""
    try:
        given = _load(text, BLANKS, "SafeLoader")
    except RecipeError as error:
        raise ValueError(error.message) from error
    if not isinstance(given, dict):
        raise ValueError(f"{BLANKS} is no list of names with what each means")
    properties: dict[str, dict[str, Any]] = {}
    for name, meaning in given.items():
        if not isinstance(name, str) or not _BLANK.fullmatch(name):
            raise ValueError(f"a blank is called by small letters, digits and _, not {str(name)[:60]!r}")
        if name in _TAKEN:
            raise ValueError(f"no blank is called {name}: Keepsake has that name for itself")
        schema = {"title": meaning} if isinstance(meaning, str) else meaning
        if not isinstance(schema, dict) or not all(isinstance(key, str) for key in schema):
            raise ValueError(f"the blank {name} needs a title, or title, type, enum and default")
        default = schema.get("default")
        properties[name] = {"type": "string", **schema}
        if isinstance(default, date):
            properties[name]["default"] = default.isoformat()
    needed = [name for name, schema in properties.items() if "default" not in schema and not schema.get("optional")]
    return fields_of({"properties": properties, "required": needed})
