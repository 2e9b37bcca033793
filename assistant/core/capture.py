"""Capture by rule: what a message says that is worth remembering, found without a model and with few mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Final

from assistant.core.clauses import Clause, told
from assistant.core.learning import words
from assistant.core.planned import until
from assistant.core.rules import rules
from assistant.core.said import normalised
from memory_store.models import MemoryKind
from memory_store.times.expressions import time_spans

_FILES: Final = ("statements_en", "statements_zh")
_ENDS: Final = "ends"
_APOSTROPHE: Final = re.compile(r"\b(?:(i)(m|ve)|(don|doesn|didn|isn|can|won)(t)|(he|she)(s)|(they|you)(re))\b")
# Who does it where a clause does not say so, by the names of the groups of the rules for it.
_LEFT_OUT: Final = {"i": "I ", "am": "I'm ", "wo": "我"}
# A plan is an event that lies ahead.
_PLAN: Final = "plan"
_MOST_WORDS: Final = 8
_BETWEEN_SIGNS: Final = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a rule found: the user's own words, what kind of memory they make, and what of the user they are about.

    `about` is such as `home`: of that there is one at a time, and a newer statement takes the place of an older one. It
    is empty for all else. A plan holds until `valid_to`; a goal may have a reason and a horizon. `asked_for` says that
    the user asked to remember it, and `instead_of` are words that it says are wrong ("…, not to penicillin").
    """

    text: str
    kind: MemoryKind
    about: str = ""
    valid_to: datetime | None = None
    why: str | None = None
    horizon: str | None = None
    asked_for: bool = False
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the user says is no longer so: in words, or by what it is about."""

    text: str
    words: str = ""
    about: str = ""


def statements(message: str, said_at: datetime | None = None) -> list[Statement | Ended]:
    """Return what a message states and what it ends, in its order and the user's own words.

    A plan needs a time that lies ahead of `said_at`, an aware datetime; without one no plan is found.
    """
    found: list[Statement | Ended] = []
    for clauses in told(message):
        found += _of_sentence(clauses, said_at)
    return found


def about(text: str) -> str:
    """Return what of the user a memory is about, of which there is one at a time; empty for all else."""
    said = statements(text)
    return said[0].about if len(said) == 1 and isinstance(said[0], Statement) else ""


def _of_sentence(clauses: Sequence[Clause], said_at: datetime | None) -> Iterator[Statement | Ended]:
    at = 0
    while at < len(clauses):
        end = at + 1
        while end < len(clauses) and clauses[end].goes_on and _fit(clauses[end], said_at) is None:
            end += 1
        made = _fit(clauses[at], said_at)
        if isinstance(made, Statement) and made.kind is MemoryKind.GOAL:
            goal = _explained(made, clauses[at], clauses[at + 1 : at + 2], said_at)
            yield goal
            at += 1 + (goal.why is not None)
            continue
        # A date may stand behind a comma; what a clause says by itself counts before what it says with the next.
        for last in range(at + 2, end + 1):
            made = made or _fit(_joined(clauses[at:last]), said_at)
        if isinstance(made, Statement) and end > at + 1:
            made = replace(made, text=_capital(_joined(clauses[at:end]).text))
        if made is not None:
            yield _corrected(made)
            at = end
        else:
            at += 1


def _corrected(made: Statement | Ended) -> Statement | Ended:
    """Return a statement with the words that it says are wrong."""
    found = next((found for rule in rules("told")["not that"] if (found := rule.search(made.text))), None)
    return replace(made, instead_of=found["other"]) if found and isinstance(made, Statement) else made


def _explained(goal: Statement, clause: Clause, after: Sequence[Clause], said_at: datetime | None) -> Statement:
    """Return the goal of a clause with its horizon, and with why, if the next clause says so."""
    horizon = max((one.words for one in time_spans(clause.read, said_at)), key=len, default=None) if said_at else None
    why = after[0].text.rstrip(",，.。!！ ") if after and after[0].is_reason else None
    return replace(goal, why=why, horizon=horizon)


def _joined(clauses: Sequence[Clause]) -> Clause:
    join = "，" if re.search(r"[\u4e00-\u9fff]$", clauses[0].text.rstrip(",，")) else ", "
    texts = [one.text.rstrip(",，;； ") for one in clauses]
    reads = [one.read.rstrip(",; ") for one in clauses]
    read = ",".join(reads) if join == "，" else ", ".join(reads)
    return replace(clauses[0], text=join.join(texts), read=read, end=clauses[-1].end)


def _fit(clause: Clause, said_at: datetime | None) -> Statement | Ended | None:
    """Return what the first rule that fits makes of a clause, or of one whose "I" was left out."""
    text, read = clause.text, _spelled(clause.read)
    if clause.subject:
        gap = " " if clause.subject.isascii() else ""
        rest = re.sub(r"^and\s+", "", text, flags=re.IGNORECASE)
        text, read = f"{clause.subject}{gap}{rest}", f"{clause.subject}{gap}{re.sub(r'^and ', '', read)}"
    made = _by_rule(text, read, said_at)
    if made is None and clause.is_first:
        for rule in rules("told")["left out"]:
            found = rule.match(read)
            who = next((name for name, part in found.groupdict().items() if part), "") if found else ""
            if who:
                left_out = _LEFT_OUT[who]
                made = made or _by_rule(f"{left_out}{text[:1].lower()}{text[1:]}", f"{left_out.lower()}{read}", said_at)
    return made


def _by_rule(text: str, read: str, said_at: datetime | None) -> Statement | Ended | None:
    for name, rule in _rules():
        fit = rule.match(read)
        if fit is None:
            continue
        kind, _, of = name.partition(" ")
        groups = fit.groupdict()
        if kind == _ENDS:
            return Ended(text, groups.get("of") or "", of)
        if kind == MemoryKind.NOTE:
            return _note(text[-len(groups["words"]) :].strip(), said_at)
        about = _about(of, groups.get("of") or "")
        if kind != _PLAN:
            return Statement(_capital(text), MemoryKind(kind), about)
        valid_to = until(read, said_at) if said_at is not None else None
        if said_at is None or valid_to is not None:
            return Statement(_capital(text), MemoryKind.EVENT, about, valid_to)
    return None


def _note(text: str, said_at: datetime | None) -> Statement:
    """Return what the user asked to remember: of the kind that its words tell, a note otherwise."""
    inner = _of_sentence([Clause(text, normalised(text))], said_at)
    stated = next((one for one in inner if isinstance(one, Statement)), Statement(text, MemoryKind.NOTE))
    return replace(stated, text=_capital(text), asked_for=True)


def _spelled(read: str) -> str:
    """Return a clause with the apostrophes that are often left out, and with one sign for 了."""
    return _APOSTROPHE.sub(lambda found: "'".join(filter(None, found.groups())), read.replace("啦", "了"))


def _about(name: str, of: str) -> str:
    said = " ".join(words.content(words.tokens(of))[:_MOST_WORDS])
    return f"{name} {_BETWEEN_SIGNS.sub('', said)}".strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _rules() -> list[tuple[str, re.Pattern[str]]]:
    """Return the rules by the names of what they make: those that end something, then those that tell what of."""
    named = [(name, rule) for file in _FILES for name, found in rules(file).items() for rule in found]

    def place(one: tuple[str, re.Pattern[str]]) -> tuple[bool, bool, bool]:
        name, rule = one
        return not name.startswith(_ENDS), name != MemoryKind.NOTE, " " not in name and "of" not in rule.groupindex

    return sorted(named, key=place)
