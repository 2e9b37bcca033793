"""What a query asks: its words without the persons it names, of whom it speaks, and what kind of answer it wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from memory_store.database.fulltext import STOP_WORDS, query_terms
from memory_store.folding import CJK, TOKEN, fold, spellings
from memory_store.languages import Rule
from memory_store.retrieval.words import stems
from memory_store.times.expressions import TimeSpan, time_spans

MAX_QUERY_CHARS: Final = 2000


class Wanted(StrEnum):
    """What kind of answer a question wants."""

    TIME = "time"
    NUMBER = "number"
    TITLE = "title"
    NAME = "name"


_WANTED: Final = {wanted: Rule("query", wanted, re.IGNORECASE) for wanted in Wanted}
_FIRST_PERSON: Final = Rule("query", "first person", re.IGNORECASE)
_SECOND_PERSON: Final = Rule("query", "second person", re.IGNORECASE)
_QUOTED: Final = re.compile('"([^"]{2,60})"|“([^”]{2,60})”|《([^》]{1,60})》|「([^」]{1,60})」|‘([^’]{2,60})’')
# Letters with digits ("INV-2034", not "18th") or at least five digits: what is looked up, not read.
_CODE: Final = re.compile(
    r"\b(?!\d+(?:st|nd|rd|th)\b)(?=[\w./-]*\d)(?:(?=[\w./-]*[A-Za-z])[\w./-]{2,}\w|\d[\d./-]{3,}\d)\b"
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query, looked at once.

    `bare` is its text without the persons it names: names pull up what addresses a person, not what that person said.
    `terms` are the stems worth counting, `search_terms` what full text searches for. `people` speak in the store.
    """

    text: str
    bare: str
    terms: tuple[str, ...]
    search_terms: tuple[str, ...]
    people: frozenset[str]
    first_person: bool
    second_person: bool
    wanted: frozenset[Wanted]
    quoted: tuple[str, ...]
    codes: tuple[str, ...]
    spans: tuple[TimeSpan, ...]


def understand(text: str, people: Sequence[str], asked_at: datetime) -> Query:
    """Look at a query, given the names of those who speak in the store. Longer ones are cut to 2,000 characters."""
    text = text[:MAX_QUERY_CHARS]
    lower = text.lower()
    near = [name for name in people if name.strip() and name.split()[0].lower() in lower]
    named = frozenset(name for name in near if _name_pattern(name, careless=text == lower).search(text))
    bare = text
    for name in sorted(named, key=len, reverse=True):
        # A name found by its letters alone may be a word after all ("bill"): it stays among the words.
        bare = _name_pattern(name, careless=False).sub(" ", bare)
    bare = " ".join(bare.split())
    search_terms = query_terms(bare) if TOKEN.search(fold(bare)) else []
    if not search_terms:
        bare, search_terms = text, query_terms(text)
    second = _SECOND_PERSON.search(text) is not None
    return Query(
        text=text,
        bare=bare,
        terms=tuple(dict.fromkeys(stem for term in search_terms for stem in stems(term.removesuffix("*")))),
        search_terms=tuple(search_terms),
        people=named,
        first_person=not second and _FIRST_PERSON.search(text) is not None,
        second_person=second,
        wanted=frozenset(kind for kind, pattern in _WANTED.items() if pattern.search(text)),
        quoted=tuple(fold(next(filter(None, found))) for found in _QUOTED.findall(text)),
        codes=_codes(text),
        spans=time_spans(text, asked_at),
    )


def _codes(text: str) -> tuple[str, ...]:
    """Return the numbers and codes of a query, those that are written in several ways as one word."""
    names = tuple(spelling.whole for spelling in spellings(text) if any(map(str.isdigit, spelling.whole)))
    return names or tuple(map(fold, _CODE.findall(text)))


def _name_pattern(name: str, *, careless: bool) -> re.Pattern[str]:
    """Return what finds a person in a query: the whole name or the first word of it, with a possessive ending.

    Case counts, because many names are words too ("Will", "Grace"), unless the query is carelessly typed in lower case
    and the name is no word that every query may hold.
    """
    name = name.strip()
    if re.search(f"[{CJK}]", name):
        return re.compile(re.escape(name))
    first = name.split()[0]
    forms = {name, first} if len(first) > 1 else {name}
    choices = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    ending = r"(?:['’]s?)?(?!\w)"
    if first.lower() in STOP_WORDS | {"may"}:
        # "Will she come?" begins with a capital too.
        return re.compile(rf"(?<!\w){re.escape(name)}{ending}|(?<=[^\s.!?]\s){re.escape(first)}{ending}")
    return re.compile(rf"(?<!\w)(?:{choices}){ending}", re.IGNORECASE if careless else 0)
