"""Capture by rule: statements worth remembering, found without a model and with few mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from memory_store.models import MemoryKind


@dataclass(frozen=True, slots=True)
class CapturedStatement:
    """What a rule found: the user's own words, what kind of memory they make, and what of the user they are about.

    `about` is such as `home`: of that there is one at a time, and a newer statement takes the place of an older one. It
    is empty for all else.
    """

    text: str
    kind: MemoryKind
    about: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    kind: MemoryKind
    about: str = ""


def _rule(pattern: str, kind: MemoryKind, about: str = "") -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), kind, about)


def _fact(pattern: str, about: str) -> _Rule:
    """A fact about the user of which there is one at a time; it may begin as a correction ("no, …")."""
    return _rule(rf"^(?:(?:no|actually|sorry)[,.]?\s+|不[是对]?[，,]\s*)*{pattern}$", MemoryKind.FACT, about)


# A place is written with a capital; what else one moves to with one is no place.
_NO_PLACE: Final = (
    r"(?!(?:linux|windows|mac|macos|ubuntu|debian|fedora|android|ios|iphone|python|java|rust|excel|word|chrome|firefox|"
    r"google|gmail|outlook|slack|teams|github|gitlab|notion|obsidian|postgres|mysql|kubernetes|docker|aws|azure|"
    r"claude|chatgpt|gpt|gemini|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b)"
)
_PLACE: Final = rf"{_NO_PLACE}(?-i:[A-Z])\S.*"


# A group named `words` is what is remembered; without one it is the whole sentence.
_RULES: Final = (
    _rule(r"^(?:please\s+)?remember(?:\s+that|\s*:)\s*(?P<words>.+)$", MemoryKind.NOTE),
    _rule(r"^(?:please\s+)?(?:note|don't forget)(?:\s+that|\s*:)\s*(?P<words>.+)$", MemoryKind.NOTE),
    _fact(r"my\s+(?:full\s+|first\s+)?name\s+is\s+\S.*", "name"),
    _fact(r"my\s+birthday\s+is\s+\S.*", "birthday"),
    _fact(r"my\s+(?:new\s+)?(?:phone|mobile)\s+number\s+is\s+\S.*", "phone number"),
    _fact(r"my\s+(?:new\s+)?e-?mail(?:\s+address)?\s+is\s+\S.*", "e-mail address"),
    _fact(rf"(?:i|we)\s+(?:now\s+|currently\s+)?live\s+(?:now\s+)?(?:in|at)\s+{_PLACE}", "home"),
    _fact(
        r"(?:i|we)(?:'ve|\s+have)?\s+(?:just\s+|recently\s+)?moved\s+(?:house\s+)?(?:from\s+\S.{0,40}?\s+)?"
        rf"to\s+{_PLACE}",
        "home",
    ),
    _fact(rf"i\s+(?:now\s+|currently\s+)?work\s+(?:at|for)\s+{_PLACE}", "work"),
    _fact(r"我(?:的名字)?叫(?!.*[什么谁]).{1,12}", "name"),
    _fact(r"我的生日是.+", "birthday"),
    _fact(r"我的(?:手机号码?|电话(?:号码)?)是.+", "phone number"),
    _fact(r"我的(?:电子)?邮箱(?:地址)?是.+", "e-mail address"),
    _fact(r"我(?:现在|目前)?住在.+", "home"),
    _fact(r"我(?:们)?(?:已经|刚刚?|最近)?搬(?:家)?[到去]了?(?!下|别).+", "home"),
    _fact(r"我(?:现在|目前)?在.{1,20}(?:工作|上班)了?[。！]?", "work"),
    _rule(r"^(?:i'm|i am)\s+allergic\s+to\s+\S.*$", MemoryKind.FACT),
    _rule(
        r"^my\s+(?!question|point|guess|problem|bad\b)[\w' -]{1,40}?\s+(?:is|are)\s+(?!not sure|that\b)\S.*$",
        MemoryKind.FACT,
    ),
    _rule(
        r"^i\s+(?:really\s+)?(?:like|love|prefer|hate|dislike)\s+(?!to know|it\b|this\b|that\b|your\b)\S.*$",
        MemoryKind.PREFERENCE,
    ),
    _rule(r"^(?:请)?(?:记住|记一下|记下来|别忘了)[,，:：\s]*(?P<words>.+)$", MemoryKind.NOTE),
    _rule(r"^我对.{1,20}过敏.*$", MemoryKind.FACT),
    _rule(r"^我的(?!问题|意思|想法).{1,20}(?:是|叫|在).+$", MemoryKind.FACT),
    _rule(r"^我(?:很|最|非常)?(?:喜欢|讨厌)(?!你).+$", MemoryKind.PREFERENCE),
)
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+(?:[.](?=\S)[^.!?。！？\n]*)*[.!?。！？]*")
# Conditions and reported speech are not the user's own facts.
_HEDGE: Final = re.compile(r"\b(?:if|suppose|imagine|pretend|what if|would be)\b|如果|假如|要是|假设", re.IGNORECASE)
_QUESTION: Final = re.compile(r"[?？]\s*$|(?:吗|呢)[。\s]*$")
_MAX_CHARS: Final = 500


def captured_statements(message: str) -> list[CapturedStatement]:
    """Return the statements of a message that a rule takes for worth remembering, in the user's own words."""
    found: list[CapturedStatement] = []
    for match in _SENTENCE.finditer(message):
        sentence = match.group().strip()
        if not sentence or len(sentence) > _MAX_CHARS or _QUESTION.search(sentence) or _HEDGE.search(sentence):
            continue
        for rule in _RULES:
            fit = rule.pattern.match(sentence)
            if fit:
                words = (fit.groupdict().get("words") or sentence).strip()
                found.append(CapturedStatement(words[:1].upper() + words[1:], rule.kind, rule.about))
                break
    return found


def about(text: str) -> str:
    """Return what of the user a memory is about, of which there is one at a time; empty for all else."""
    statements = captured_statements(text)
    return statements[0].about if len(statements) == 1 else ""
