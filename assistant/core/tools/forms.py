"""What a server of MCP may ask the user for while one of its tools runs: a flat form, or to open an address."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal

FormValue = str | int | float | bool | list[str]
_MOST_FIELDS: Final = 20
_MOST_CHOICES: Final = 200
_MOST_DEFAULT_CHARS: Final = 1000
_FORMATS: Final[Mapping[str, Callable[[str], object]]] = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "email": lambda text: _fits(r"[^@\s]+@[^@\s]+", text),
    "uri": lambda text: _fits(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", text),
}


class FieldKind(StrEnum):
    """What a field of a form holds."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `choices` are its values with their titles, `bounds` the least and most of a number or of signs.

    `default` is the server's own; nothing else fills a field in but the user.
    """

    name: str
    title: str
    kind: FieldKind
    description: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)
    format: str = ""
    default: FormValue | None = None

    def read(self, text: str) -> FormValue:
        """Return the value that a text means. Raises ValueError."""
        match self.kind:
            case FieldKind.INTEGER:
                return self._bounded(int(text), int(text))
            case FieldKind.NUMBER:
                number = float(text)
                return self._bounded(number, number)
            case FieldKind.CHOICES:
                known = {name.casefold(): value for value, title in self.choices for name in (value, title)}
                chosen = [known[part.strip().casefold()] for part in text.split(",") if part.strip()]
                return self._bounded(list(dict.fromkeys(chosen)), len(chosen))
            case _:
                _FORMATS.get(self.format, str)(text)
                return self._bounded(text, len(text))

    def _bounded(self, value: FormValue, size: float) -> FormValue:
        least, most = self.bounds
        if not least <= size <= most:
            raise ValueError(f"not from {least} to {most}")
        return value


@dataclass(frozen=True, slots=True)
class ServerQuestion:
    """What a server asks the user: to fill in `fields`, or, where there is a `url`, to open it.

    Without a `server` it is Keepsake itself that asks, and nothing leaves it by the answer.
    """

    server: str
    message: str
    fields: tuple[FormField, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class UserAnswer:
    """What the user did with a question, and what they filled in."""

    action: Literal["accept", "decline", "cancel"]
    values: Mapping[str, FormValue] | None = None


AskUser = Callable[[ServerQuestion], Awaitable[UserAnswer]]


async def decline(question: ServerQuestion) -> UserAnswer:
    """Decline: there is nobody to ask."""
    return UserAnswer("decline")


def fields_of(schema: Mapping[str, Any]) -> tuple[FormField, ...]:
    """Return the fields of a flat JSON schema, as the protocol has it. Raises ValueError for any other."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not 0 < len(properties) <= _MOST_FIELDS:
        raise ValueError("no fields, or too many")
    required = schema.get("required")
    needed = required if isinstance(required, list) else ()
    return tuple(_field(name, inner, name in needed) for name, inner in properties.items())


def _field(name: str, schema: Any, required: bool) -> FormField:
    if not isinstance(schema, dict):
        raise ValueError(f"{name} is no schema")
    kind, choices = _kind_of(schema)
    low, high = {
        FieldKind.TEXT: ("minLength", "maxLength"),
        FieldKind.CHOICES: ("minItems", "maxItems"),
    }.get(kind, ("minimum", "maximum"))
    return FormField(
        name,
        str(schema.get("title") or name),
        kind,
        str(schema.get("description") or ""),
        required,
        choices,
        (_bound(schema.get(low), -math.inf), _bound(schema.get(high), math.inf)),
        str(schema.get("format") or ""),
        _default(kind, choices, schema.get("default")),
    )


def _default(kind: FieldKind, choices: Sequence[tuple[str, str]], given: Any) -> FormValue | None:
    """Return what a field begins as; None where that is nothing that it can hold."""
    values = [value for value, _title in choices]
    match given:
        case bool():
            fits = kind is FieldKind.SWITCH
        case int() | float():
            fits = kind in (FieldKind.INTEGER, FieldKind.NUMBER)
        case str():
            fits = given in values if choices else kind is FieldKind.TEXT and len(given) <= _MOST_DEFAULT_CHARS
        case list():
            fits = kind is FieldKind.CHOICES and all(value in values for value in given)
        case _:
            fits = False
    return given if fits else None


def _kind_of(schema: Mapping[str, Any]) -> tuple[FieldKind, tuple[tuple[str, str], ...]]:
    match schema.get("type"):
        case "boolean":
            return FieldKind.SWITCH, ()
        case "integer":
            return FieldKind.INTEGER, ()
        case "number":
            return FieldKind.NUMBER, ()
        case "array" if isinstance(schema.get("items"), dict) and (choices := _choices(schema["items"])):
            return FieldKind.CHOICES, choices
        case "string" if choices := _choices(schema):
            return FieldKind.CHOICE, choices
        case "string":
            return FieldKind.TEXT, ()
    raise ValueError("a type that no form has")


def _choices(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the values that may be chosen, each with its title."""
    titled = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(titled, list):
        found = [
            (str(entry["const"]), str(entry.get("title") or entry["const"]))
            for entry in titled
            if isinstance(entry, dict) and "const" in entry
        ]
    else:
        listed = schema.get("enum")
        values = [str(value) for value in listed] if isinstance(listed, list) else []
        names = schema.get("enumNames")
        found = list(zip(values, map(str, names) if isinstance(names, list) else values, strict=False))
    if len(found) > _MOST_CHOICES:
        raise ValueError("too many choices")
    return tuple(found)


def _bound(given: Any, otherwise: float) -> float:
    return given if isinstance(given, int | float) else otherwise


def _fits(pattern: str, text: str) -> None:
    if re.fullmatch(pattern, text) is None:
        raise ValueError("another form")
