"""Reads the front matter of notes: YAML, TOML or JSON at the top, by the libraries of those languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from assistant.ingestion.readers.dates import in_utc, parse_words
from assistant.ingestion.readers.paragraphs import Line

_KEY: Final = re.compile(r"([A-Za-z_][\w -]*):\s*(.*)$")
_FENCES: Final = {"---": ("---", "..."), "+++": ("+++",)}
_TITLES: Final = ("title",)
_AUTHORS: Final = ("author", "authors", "creator", "by")
_DATES: Final = (
    *("date", "created", "published", "created_at", "date created", "created time", "creation date", "datecreated"),
    *("created-at", "createdat", "creationdate", "pubdate", "publishdate", "published_at", "datetime"),
)
_LINK_MARKS: Final = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_MOST_SECONDS: Final = 1e11
_YEAR_2000_SECONDS: Final = 9e8
_PROPERTY: Final = re.compile(r"([A-Za-z][\w-]*)::[ \t]+(\S.*)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands at the top of a note: its lines, and what they say of title, author and time."""

    lines: list[Line] = field(default_factory=list)
    title: str = ""
    author: str = ""
    created_at: datetime | None = None


def opens_front_matter(first: list[str]) -> bool:
    """Return whether the first lines of a text file are front matter: a fence, and a key under it."""
    return len(first) >= 2 and first[0] == "---" and _KEY.match(first[1]) is not None


def front_matter(head: list[str]) -> FrontMatter:
    """Return the front matter of a note whose first lines these are; an empty one if it has none."""
    ends = _FENCES.get(head[0].rstrip()) if head else None
    if ends is None:
        return _of_properties(head)
    end = next((index for index, line in enumerate(head[1:], 1) if line.rstrip() in ends), None)
    if end is None:
        return FrontMatter()
    inner = head[1:end]
    values = _parsed("\n".join(inner), head[0].rstrip())
    if values is None:
        values = _by_lines(inner)
    numbered = [Line(number, line) for number, line in enumerate(head[: end + 1], 1)]
    return _told(values, numbered)


def _told(values: dict[str, Any], lines: list[Line]) -> FrontMatter:
    lowered = {str(key).strip().lower(): value for key, value in values.items()}
    title = next((words for key in _TITLES if (words := _words(lowered.get(key)))), "")
    author = next((words for key in _AUTHORS if (words := _words(lowered.get(key)))), "")
    created = next((found for key in _DATES if (found := _moment(lowered.get(key)))), None)
    return FrontMatter(lines, title, author, created)


def _of_properties(head: list[str]) -> FrontMatter:
    """Return the properties of a page of Logseq's, `title:: Boat`, which need no fence and stay part of its text."""
    values: dict[str, Any] = {}
    for line in head:
        match = _PROPERTY.fullmatch(line.rstrip())
        if match is None:
            break
        values[match[1]] = match[2]
    return _told(values, [])


def _parsed(text: str, fence: str) -> dict[str, Any] | None:
    """Return the values of front matter, or None if it is malformed."""
    if fence == "+++":
        import tomllib

        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            return None
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
    import yaml

    try:
        # The safe loader makes plain values alone, and an alias no copy of what it stands for.
        value = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    return value if isinstance(value, dict) else None


def _by_lines(lines: list[str]) -> dict[str, Any]:
    """Return what is plainly `key: value` in YAML that is malformed, as a template or a wikilink makes it."""
    values: dict[str, Any] = {}
    key = ""
    for line in lines:
        if match := _KEY.match(line):
            key = match[1].strip().lower()
            values[key] = match[2].strip().strip("\"'")
        elif line.lstrip().startswith("- ") and not values.get(key):
            values[key] = line.strip()[2:].strip("\"' ")
    return values


def _words(value: object) -> str:
    """Return a value as words: a list is named after each other, an object by its name."""
    return ", ".join(dict.fromkeys(_each(value, 0)))


def _each(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, list) and depth < 3:
        # `[[Ada]]` is a wikilink to a person, and to YAML a list in a list.
        for item in value[:50]:
            yield from _each(item, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        yield from _each(value.get("name") or value.get("title"), depth + 1)
    elif isinstance(value, str | int | float | date) and not isinstance(value, bool):
        words = " ".join(_LINK_MARKS.sub(r"\1", str(value)).split())
        yield from [words] if words else []


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > _MOST_SECONDS else value
        try:
            return datetime.fromtimestamp(seconds, UTC) if seconds > _YEAR_2000_SECONDS else None
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, list) and value:
        return _moment(value[0])
    # "Tuesday, March 4th 2025, 10:22:33 am", as a plugin of Obsidian writes it.
    return parse_words(value) if isinstance(value, str) else None
