"""What is offered for a need: plain lines of text, in the language of the message, for the countries in question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assistant.core.care.directory import (
    ELSEWHERE,
    HelpLine,
    Kind,
    Language,
    countries,
    language_name,
    lines_in,
    words,
)
from assistant.core.care.needs import Need

# Whom a need is for, in the order in which they are named.
_KINDS: Final[dict[Need, tuple[Kind, ...]]] = {
    Need.SELF_HARM: ("emergency", "ambulance", "crisis"),
    Need.MEDICAL: ("emergency", "ambulance"),
    Need.ABUSE: ("emergency", "police", "abuse"),
}
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_JAPANESE: Final = re.compile("[\u3040-\u30ff]")
_ALWAYS: Final = "24/7"


def language_of(message: str) -> Language:
    """Return the language to offer help in: Chinese for a message with Chinese signs, English for any other."""
    return "zh" if _CHINESE.search(message) and not _JAPANESE.search(message) else "en"


def offer(need: Need, regions: Sequence[str], language: Language) -> str:
    """Return what is shown before the answer: a few words, whom to call, and where this comes from."""
    said = words(language)
    parts = [said[need], *_listed(regions, _KINDS[need], language)]
    (anywhere,) = lines_in(ELSEWHERE, ("crisis",))
    if need is not Need.MEDICAL and not any(anywhere.web in part for part in parts):
        parts.append(said["elsewhere"].format(web=anywhere.web))
    return "\n\n".join([*parts, said["closing"]])


def note(regions: Sequence[str], language: Language) -> str:
    """Return the note for many heavy days: it asks who else could know, and names those who listen."""
    said = words(language)
    return "\n\n".join([said["often"], *_listed(regions, ("crisis",), language), said["often_closing"]])


def _listed(regions: Sequence[str], kinds: tuple[Kind, ...], language: Language) -> list[str]:
    """Return for each region its name and its lines; everywhere else has no name."""
    listed = []
    for region in regions:
        lines = [described(line, language) for line in lines_in(region, kinds)]
        if lines:
            listed.append("\n".join([*([countries(language)[region]] if region else []), *lines]))
    return listed


def described(line: HelpLine, language: Language) -> str:
    """Return a line as it is read: its name, how it is reached, and in brackets which languages and when."""
    said = words(language)
    ways = [
        said["call"].format(number=line.phone) if line.phone else "",
        said["text"].format(number=line.text) if line.text and "WhatsApp" not in line.text else line.text,
        line.web,
    ]
    comma, colon, opening, closing = ("，", "：", "（", "）") if language == "zh" else (", ", ": ", " (", ")")
    spoken = [language_name(text, language) for text in line.languages]
    hours = said["day_and_night"] if line.hours == _ALWAYS else line.hours
    details = comma.join(text for text in (*spoken, hours) if text)
    name = line.name_zh if language == "zh" else line.name
    reached = comma.join(way for way in ways if way)
    return f"- {name}{colon}{reached}" + (f"{opening}{details}{closing}" if details else "")
