"""What the value of a setting may be: its kind and its limits, and what is said of a value that is neither.

Every command reads the settings before it does anything, so they are checked here, in a millisecond: a library for
models of data takes twice as long to import as the command line's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Final, Literal, get_args, get_origin

_WRITTEN: Final = "written"
_ON: Final = frozenset({"1", "on", "t", "true", "y", "yes"})
_OFF: Final = frozenset({"0", "off", "f", "false", "n", "no"})


class WrongValueError(ValueError):
    """A value is not what its setting takes. `path` leads to it inside of what was given; `given` is the value."""

    def __init__(self, message: str, given: object, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.given = given
        self.path = path

    def inside(self, name: str) -> WrongValueError:
        """Return the same of what holds the value under this name."""
        return WrongValueError(self.message, self.given, (name, *self.path))


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a number, and the pattern that a text must match from its beginning to its end."""

    at_least: float = -math.inf
    more_than: float = -math.inf
    at_most: float = math.inf
    less_than: float = math.inf
    pattern: str = ""

    def broken_by(self, value: Any) -> str:
        """Return which limit a value breaks, in words; empty if none. What is not a number breaks all."""
        if self.pattern:
            return "" if re.fullmatch(self.pattern, value) else f"String should match pattern '{self.pattern}'"
        for keeps, bound, words in (
            (value >= self.at_least, self.at_least, "greater than or equal to"),
            (value > self.more_than, self.more_than, "greater than"),
            (value <= self.at_most, self.at_most, "less than or equal to"),
            (value < self.less_than, self.less_than, "less than"),
        ):
            if not keeps and not math.isinf(bound):
                return f"Input should be {words} {bound:g}"
        return ""


Count = Annotated[int, Limits(at_least=0)]
Seconds = Annotated[float, Limits(more_than=0)]
Address = Annotated[str, Limits(pattern=r"(https?://[^\s/?#]\S*)?")]


def written_name(name: str) -> dict[str, str]:
    """Return the metadata of a field that the file knows by another name."""
    return {_WRITTEN: name}


def is_section(kind: Any) -> bool:
    """Say whether a kind is a dataclass of settings."""
    return is_dataclass(kind)


def kinds_of(section: Any) -> dict[str, Any]:
    """Return the kind of each setting of a section, by its name in the file."""
    return {_written(field): field.type for field in fields(section)}


def _written(field: Field[Any]) -> str:
    return str(field.metadata.get(_WRITTEN, field.name))


def checked(kind: Any, given: object) -> Any:
    """Return a value as a setting of this kind takes it; text from the environment may stand for a number or a switch.

    A kind is str, int, float, bool, a Literal of texts, a list of one kind, a dict from texts to one kind, one of them
    Annotated with Limits, or a dataclass of such, which is a table in the file. Raises WrongValueError.
    """
    if is_section(kind):
        return _section(kind, given)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        value = checked(arguments[0], given)
        if broken := arguments[1].broken_by(value):
            raise WrongValueError(broken, given)
        return value
    if origin is Literal:
        return _one_of(arguments, given)
    if origin is list:
        if not isinstance(given, list):
            raise WrongValueError("Input should be a valid list", given)
        return [_checked_inside(arguments[0], item, str(at)) for at, item in enumerate(given)]
    if origin is dict:
        return {name: _checked_inside(arguments[1], item, name) for name, item in _table(given).items()}
    return _PLAIN[kind](given)


def _checked_inside(kind: Any, given: object, name: str) -> Any:
    try:
        return checked(kind, given)
    except WrongValueError as error:
        raise error.inside(name) from error


def _section(kind: Any, given: object) -> Any:
    table = _table(given)
    values = {
        field.name: _checked_inside(field.type, table[_written(field)], _written(field))
        for field in fields(kind)
        if _written(field) in table
    }
    for name in table.keys() - kinds_of(kind).keys():
        raise WrongValueError("Extra inputs are not permitted", table[name], (name,))
    return kind(**values)


def _table(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise WrongValueError("Input should be a table", given)
    return given


def _one_of(choices: tuple[str, ...], given: object) -> str:
    if given not in choices:
        *others, last = map(repr, choices)
        raise WrongValueError(f"Input should be {', '.join(others)} or {last}", given)
    return str(given)


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise WrongValueError("Input should be a valid string", given)
    return given


def _switch(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if not isinstance(given, str | int):
        raise WrongValueError("Input should be a valid boolean", given)
    said = str(given).lower()
    if said not in _ON | _OFF:
        raise WrongValueError("Input should be a valid boolean, unable to interpret input", given)
    return said in _ON


def _whole_number(given: object) -> int:
    if isinstance(given, int):
        return int(given)
    number = _as_float(given, "integer")
    if not number.is_integer():
        raise WrongValueError("Input should be a valid integer, got a number with a fractional part", given)
    return int(number)


def _number(given: object) -> float:
    return _as_float(given, "number")


def _as_float(given: object, kind: str) -> float:
    if not isinstance(given, str | int | float):
        raise WrongValueError(f"Input should be a valid {kind}", given)
    try:
        return float(given)
    except (ValueError, OverflowError) as error:
        article = "an" if kind == "integer" else "a"
        told = f"Input should be a valid {kind}, unable to parse string as {article} {kind}"
        raise WrongValueError(told, given) from error


_PLAIN: Final[dict[Any, Callable[[object], Any]]] = {
    str: _text,
    bool: _switch,
    int: _whole_number,
    float: _number,
}
