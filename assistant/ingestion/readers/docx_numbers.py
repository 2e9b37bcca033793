"""Counts the numbered paragraphs of a Word document as Word does: `4.2` stands in no text, and people cite it.

ECMA-376 part 1, 17.9: a paragraph names a list and a level, itself or by its style; each level says how it counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from assistant.ingestion.readers.page_elements import counted

_MOST_LEVELS: Final = 9
_MOST_LABEL: Final = 60
_DEEPEST_STYLE: Final = 10
_KINDS: Final = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}
_NO_NUMBERS: Final = frozenset(("bullet", "none"))


@dataclass(slots=True)
class _Level:
    """How a level of a list counts: from which number on, in which signs, and what stands around them."""

    start: int = 1
    kind: str = "decimal"
    text: str = ""


@dataclass(slots=True)
class _List:
    """A list as paragraphs name it: the levels that it shares with others, and where it starts anew."""

    shared: str
    starts: dict[int, int] = field(default_factory=dict)
    used: bool = False


class Numbering:
    """The lists of a document, and how far each has been counted."""

    def __init__(self, numbering: Any, styles: Any | None) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._styles: dict[str, tuple[str, str, str]] = {}
        for item in numbering.iter("{*}abstractNum"):
            levels = {_number(level, "ilvl"): _level(level) for level in item.iter("{*}lvl")}
            self._levels[_value(item, "abstractNumId")] = levels
        for item in numbering.iter("{*}num"):
            shared = next((_value(link) for link in item.iter("{*}abstractNumId")), "")
            found = _List(shared)
            for override in item.iter("{*}lvlOverride"):
                for start in override.iter("{*}startOverride"):
                    found.starts[_number(override, "ilvl")] = _number(start, "val")
            self._lists[_value(item, "numId")] = found
        for style in styles.iter("{*}style") if styles is not None else ():
            named = _named(next(style.iter("{*}pPr"), None))
            base = next((_value(item) for item in style.iter("{*}basedOn")), "")
            self._styles[_value(style, "styleId")] = (*(named or ("", "")), base)

    def label(self, paragraph: Any) -> str:
        """Return the number of a paragraph as it is shown, and count it; empty where it has none."""
        properties = next((item for item in paragraph if item.tag.endswith("}pPr")), None)
        identity, level = self._of(properties)
        found = self._lists.get(identity)
        if found is None or not 0 <= level < _MOST_LEVELS:
            return ""
        levels, counts = self._levels.get(found.shared, {}), self._counts.setdefault(found.shared, {})
        if not found.used and found.starts:
            counts.clear()
        found.used = True
        start = found.starts.get(level, levels.get(level, _Level()).start)
        counts[level] = counts[level] + 1 if level in counts else start
        for deeper in [count for count in counts if count > level]:
            del counts[deeper]
        if levels.get(level, _Level()).kind in _NO_NUMBERS:
            return ""
        text = levels.get(level, _Level()).text
        for at in range(_MOST_LEVELS):
            if f"%{at + 1}" in text:
                item = levels.get(at, _Level())
                text = text.replace(f"%{at + 1}", _shown(counts.get(at, item.start), item.kind))
        return text.strip()[:_MOST_LABEL]

    def _of(self, properties: Any | None) -> tuple[str, int]:
        """Return the list and the level of a paragraph: its own, else those of its style and of what that rests on."""
        identity, level = _named(properties) or ("", "")
        style = "" if properties is None else next((_value(item) for item in properties.iter("{*}pStyle")), "")
        for _ in range(_DEEPEST_STYLE):
            if identity or style not in self._styles:
                break
            identity, of_style, style = self._styles[style]
            level = level or of_style
        return identity, int(level) if level.isdecimal() else 0


def _named(properties: Any | None) -> tuple[str, str] | None:
    for item in properties.iter("{*}numPr") if properties is not None else ():
        identity = next((_value(found) for found in item.iter("{*}numId")), "")
        return identity, next((_value(found) for found in item.iter("{*}ilvl")), "")
    return None


def _level(element: Any) -> _Level:
    def first(name: str, otherwise: str) -> str:
        return next((_value(item) for item in element.iter(f"{{*}}{name}")), otherwise)

    start = first("start", "1")
    return _Level(
        int(start) if start.isdecimal() and len(start) < 7 else 1, first("numFmt", "decimal"), first("lvlText", "")
    )


def _shown(number: int, kind: str) -> str:
    if kind == "decimalZero":
        return f"{number:02}"
    return counted(number, _KINDS.get(kind, "1"))


def _number(element: Any, name: str) -> int:
    value = _value(element, name)
    return int(value) if value.isdecimal() and len(value) < 7 else 0


def _value(element: Any, name: str = "val") -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
