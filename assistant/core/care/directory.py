"""The list of help lines that comes with Keepsake: which there are in a country, and the words around them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

Language = Literal["en", "zh"]
Kind = Literal["emergency", "ambulance", "police", "crisis", "abuse"]
# A region of the list: everywhere that has no lines of its own.
ELSEWHERE: Final = ""
EUROPEAN_UNION: Final = "EU"
_ALIASES: Final = {"UK": "GB", "EL": "GR"}


@dataclass(frozen=True, slots=True)
class HelpLine:
    """Whom to call, and how: `phone`, `text` (SMS or WhatsApp) and `web` are empty where there is none.

    `languages` are codes; `hours` is empty where they are not known. `source` is the page that says so, read on the day
    `checked`.
    """

    region: str
    kind: Kind
    name: str
    name_zh: str
    source: str
    checked: date
    phone: str = ""
    text: str = ""
    web: str = ""
    hours: str = ""
    languages: tuple[str, ...] = ()


@cache
def _list() -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / "resources.toml").read_text("utf-8"))


@cache
def help_lines() -> tuple[HelpLine, ...]:
    """Return every line of the list, in its order."""
    return tuple(HelpLine(**{**item, "languages": tuple(item.get("languages", ()))}) for item in _list()["resource"])


def countries(language: Language = "en") -> dict[str, str]:
    """Return the codes of the regions with lines of their own, with their names."""
    return {code: item[language] for code, item in _list()["countries"].items()}


def zones() -> dict[str, tuple[str, ...]]:
    """Return the patterns of the time zones that tell of a region, by its code."""
    return {code: tuple(item["zones"]) for code, item in _list()["countries"].items()}


def words(language: Language) -> dict[str, str]:
    """Return the words around the lines by their names."""
    found: dict[str, str] = _list()["words"][language]
    return found


def language_name(code: str, language: Language) -> str:
    """Return what a language is called."""
    return str(_list()["languages"][code][language])


def region_of(code: str) -> str:
    """Return the region of the list that a country's code belongs to: its own, the European Union, or elsewhere."""
    country = _ALIASES.get(code.upper(), code.upper())
    if country in countries():
        return country
    members = _list()["countries"][EUROPEAN_UNION]["members"]
    return EUROPEAN_UNION if country in members else ELSEWHERE


def lines_in(region: str, kinds: tuple[Kind, ...]) -> list[HelpLine]:
    """Return the lines of these kinds in a region, by the order of the kinds; those for elsewhere where it has none."""
    found: list[HelpLine] = []
    for kind in kinds:
        here = [line for line in help_lines() if line.kind == kind and line.region == region]
        found += here or [line for line in help_lines() if line.kind == kind and line.region == ELSEWHERE]
    has_own = any(line.kind in ("ambulance", "police") and line.region == region for line in help_lines())
    return [line for line in found if not (has_own and line.kind == "emergency")]
