"""What is known of languages, a folder a language: another language is another folder.

A folder holds `words.py`, the words of times, `times.py`, the rules that read them, and rules in text files, one for a
topic. There a line is `NAME: PATTERN`, a regular expression, and may go on in indented lines. `let PART: PATTERN` gives
a part a name that patterns below it use as `{PART}`. Lines that begin with # are comments.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from memory_store.expression import Expression

_FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = tuple(sorted(file.parent.name for file in _FOLDER.glob("*/words.py")))
_NAMED_PART: Final = re.compile(r"\{([a-z_]+)\}")
_GROUP: Final = re.compile(r"\(\?P<(\w+)>")


@cache
def patterns(topic: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the patterns of a topic by their names, each with its language. Raises KeyError for an unknown part."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for language in LANGUAGES:
        if not (_FOLDER / language / f"{topic}.txt").is_file():
            continue
        parts: dict[str, str] = {}
        for line in _whole_lines(read_data(language, f"{topic}.txt")):
            name, _, written = line.partition(": ")
            pattern = _NAMED_PART.sub(lambda part, known=parts: f"(?:{known[part.group(1)]})", written)  # type: ignore[misc]
            if name.startswith("let "):
                parts[name.removeprefix("let ")] = pattern
            else:
                found[name].append((language, pattern))
    return {name: tuple(pairs) for name, pairs in found.items()}


@cache
def rules(topic: str, flags: int = 0) -> Mapping[str, tuple[re.Pattern[str], ...]]:
    """Return the rules of a topic by their names, one for each line."""
    return {name: tuple(re.compile(text, flags) for _, text in pairs) for name, pairs in patterns(topic).items()}


@cache
def word_list(topic: str, name: str) -> frozenset[str]:
    """Return the words of a list that is written as a rule: `a|an|the`."""
    return frozenset(word for _, text in patterns(topic)[name] for word in text.split("|"))


def join(pairs: Iterable[tuple[str, str]]) -> str:
    """Return one pattern for several, each with its language; their groups are named `group_language0` and so on."""
    return "|".join(
        _GROUP.sub(rf"(?P<\1_{language}{at}>", f"(?:{pattern})") for at, (language, pattern) in enumerate(pairs)
    )


def groups(found: re.Match[str]) -> dict[str, str]:
    """Return what the groups of a joined pattern found, by their own names; none that found nothing."""
    return {name.rpartition("_")[0]: text for name, text in found.groupdict().items() if text is not None}


class Rule(Expression):
    """The rules of one name of a topic as one expression, read and compiled at its first use."""

    def __init__(self, topic: str, name: str, flags: int = 0) -> None:
        super().__init__("", flags)
        self._source = (topic, name)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        topic, name = self._source
        return re.compile(join(patterns(topic)[name]), self._flags)


def read_data(language: str, file: str) -> str:
    """Return the text of a file of a language's folder."""
    return (_FOLDER / language / file).read_text("utf-8")


def read_pairs(language: str, file: str) -> dict[str, str]:
    """Return the pairs of signs of a file: what is read as what."""
    lines = _whole_lines(read_data(language, file))
    return dict(pair for line in lines for pair in line.split())  # type: ignore[misc]


def _whole_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            lines[-1] += line.strip(" ")
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines
