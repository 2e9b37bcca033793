"""Turns rows into the frozen types of `models`, and those into rows: a field is the column of its name."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, get_args, get_type_hints

from memory_store.clock import optional_time, to_text
from memory_store.models import Author, AuthorKind, LeftOut, Locator

_Record = TypeVar("_Record")


_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SPACES: Final = frozenset("btnfr")


def unescape(text: str) -> str:
    """Return a text of JSON or TOML with the words of its strings as they read: behind `\\n` a word begins."""

    def replace(match: re.Match[str]) -> str:
        sign = match[1]
        return chr(int(sign[1:], 16)) if len(sign) > 1 else " " if sign in _SPACES else sign

    return _ESCAPE.sub(replace, text)


def locator_to_json(locator: Locator) -> str:
    """Return the known fields of a locator as JSON."""
    fields = dataclasses.asdict(locator)
    return json.dumps({name: value for name, value in fields.items() if value not in (None, ())}, ensure_ascii=False)


def locator_from_json(text: str) -> Locator:
    """Return the locator that `locator_to_json` wrote."""
    fields = json.loads(text)
    known = {field.name: fields.get(field.name) for field in dataclasses.fields(Locator)}
    return Locator(**known | {"headings": tuple(known["headings"] or ())})


def left_out_to_json(parts: Iterable[LeftOut]) -> str | None:
    """Return what could not be read of a document as it is stored."""
    found = [[part.part, part.reason, part.hint] for part in parts]
    # A name of a part may hold bytes that are no text.
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode() if found else None


def left_out_from_json(text: str | None) -> tuple[LeftOut, ...]:
    """Return what `left_out_to_json` wrote."""
    return tuple(LeftOut(*fields) for fields in json.loads(text)) if text else ()


def author_of(row: sqlite3.Row | Mapping[str, Any]) -> Author:
    """Return who made what the row holds."""
    return Author(AuthorKind(row["author_kind"]), row["author_name"])


# Fields that are read from their column in a way of their own.
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "left_out": left_out_from_json,
    "locator": locator_from_json,
    "counts": json.loads,
    "files": json.loads,
    "about": lambda text: text or "",
    "sources": lambda text: tuple(text.split(",")) if text else (),  # ids with commas between
}
# Fields that are no columns: a query puts them beside the columns.
_COMPUTED: Final = frozenset({"passage_count", "message_count", "sources"})


def read_row(kind: Callable[..., _Record], row: sqlite3.Row | Mapping[str, Any]) -> _Record:
    """Return a row as a record of this type; the row may have more columns."""
    values = {name: reader(row[name]) if reader else author_of(row) for name, reader in _readers(kind)}
    return kind(**values)


@functools.cache
def _readers(kind: Callable[..., object]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple(
        (name, None if name == "author" else _READERS.get(name) or _reader_of(hint))
        for name, hint in get_type_hints(kind).items()
    )


def _reader_of(hint: Any) -> Callable[[Any], Any]:
    """Return what turns a stored value into one of this type, which may be optional."""
    kind = next(iter(get_args(hint)), hint)
    if kind is datetime:
        return optional_time
    if kind is bool or issubclass(kind, StrEnum):
        return lambda value: None if value is None else kind(value)
    return lambda value: value


def insert_row(connection: sqlite3.Connection, table: str, record: Any, **others: object) -> None:
    """Insert a record; `others` are columns that it has not, or in another form."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.name == "author":
            values |= {"author_kind": value.kind, "author_name": value.name}
        elif field.name not in _COMPUTED:
            values[field.name] = to_text(value) if isinstance(value, datetime) else value
    insert_values(connection, table, values | others)


def insert_values(connection: sqlite3.Connection, table: str, values: Mapping[str, object]) -> None:
    """Insert a row of these columns."""
    connection.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})", values
    )
