"""Capture by rule: statements worth remembering, found without a model and with few mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from memory_store.models import MemoryKind


@dataclass(frozen=True, slots=True)
class CapturedStatement:
    """What a rule found: the user's own words, and what kind of memory they make."""

    text: str
    kind: MemoryKind


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    kind: MemoryKind


def _rule(pattern: str, kind: MemoryKind) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), kind)


# A group named `words` is what is remembered; without one it is the whole sentence.
_RULES: Final = (
    _rule(r"^(?:please\s+)?remember(?:\s+that|\s*:)\s*(?P<words>.+)$", MemoryKind.NOTE),
    _rule(r"^(?:please\s+)?(?:note|don't forget)(?:\s+that|\s*:)\s*(?P<words>.+)$", MemoryKind.NOTE),
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
                found.append(CapturedStatement(words[:1].upper() + words[1:], rule.kind))
                break
    return found
