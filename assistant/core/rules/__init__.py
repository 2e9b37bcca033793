"""Rules that find something in what was said, as text files beside this module: regular expressions with names.

A line is `NAME: PATTERN`, and may go on in indented lines. `let PART: PATTERN` gives a part a name that patterns below
it use as `{PART}`. Lines that begin with # are comments.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from memory_store import folding

_NAMED_PART: Final = re.compile(r"\{([a-z_]+)\}")


@cache
def rules(file: str) -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return the rules of a file by their names. Raises KeyError for a part that has no name."""
    parts: dict[str, str] = {}
    found: defaultdict[str, list[re.Pattern[str]]] = defaultdict(list)
    for line in _whole_lines(_text(file)):
        name, _, written = line.partition(": ")
        pattern = _NAMED_PART.sub(lambda part: f"(?:{parts[part.group(1)]})", written)
        if name.startswith("let "):
            parts[name.removeprefix("let ")] = pattern
        else:
            found[name].append(re.compile(pattern))
    return {name: tuple(patterns) for name, patterns in found.items()}


@cache
def simplified() -> Mapping[int, str]:
    """Return the simplified sign of each traditional one, and of those the rules add, for `str.translate`."""
    added = (pair for line in _whole_lines(_text("simplified")) for pair in line.split())
    return {ord(sign): simple for sign, simple in (*folding.simplified().items(), *added)}


def _text(file: str) -> str:
    return (resources.files(__package__) / f"{file}.txt").read_text("utf-8")


def _whole_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            lines[-1] += line.strip(" ")
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines
