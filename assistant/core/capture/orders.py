"""What the user orders in words: remember this, forget what I said of that. English and Chinese rules."""

from __future__ import annotations

import re
from typing import Final

_ASKED_EN: Final = r"(?:\w+[,!.] )?(?:(?:please|pls|can you|could you|would you|will you|kindly|just|also|and),? ){0,4}"
_ASKED_ZH: Final = r"(?:请|麻烦|帮我|帮忙|你|能不能|可以|能|要|一定|给我|顺便){0,4}"
# "Remember when …" and "remember to breathe" order nothing to be kept of the user.
_REMEMBER: Final = (
    rf"{_ASKED_EN}(?:remember(?! (?:when|how|what|where|the time|to)\b)|keep in mind|bear in mind|make a note|"
    r"note(?: to self)?(?=[,:]| that\b)|don't forget(?! (?:to|about)\b)|for (?:the record|future reference))"
    r"(?: of)?(?: for (?:me|later|next time))?(?:,? (?:this|that|the fact that)\b)?[\s,:-]+(?P<words>.{4,})",
    rf"{_ASKED_ZH}(?:记住|记一下|记下来?|记好|记着|备注一下|别忘了?(?!带|去|吃|买))(?:一下|哦|啊|一件事|一点)?"
    r"[\s,，:：;；。]*(?P<words>(?!的|吗|没|怎么|什么).{2,})",
)
_FORGET: Final = (
    rf"{_ASKED_EN}(?:forget|ignore|disregard|delete|erase|remove|scrap)(?: about)? "
    r"(?:(?:(?:everything|all|anything|what)(?: that)? i(?:'ve| have)? (?:just |ever )?"
    r"(?:said|told you|wrote|mentioned)(?: \w+)? (?:about|on) |"
    r"the (?:thing|bit|part|note|memory|fact) (?:about |that |on )|that (?=i\b|i'm\b|my\b)|"
    r"(?:my|the|our) )(?P<words>.+?))(?:,? please)?",
    rf"{_ASKED_ZH}(?:就|把|都)?(?:忘了|忘掉|忘记|删掉|别记|不用记)(?:关于)?我?(?:之前|刚才|上次|以前|昨天)?"
    r"(?:说|讲|提)(?:过|到)?的?(?:关于)?(?P<words>.+?)(?:的?(?:事|话|事情|那件事))?(?:吧|了|啦)?",
    rf"{_ASKED_ZH}(?:把|将)我?(?:之前|刚才|上次|以前|昨天)?(?:说|讲|提)(?:过|到)?的?(?P<words>.+?)"
    r"(?:的?(?:事|话|那条))?(?:忘|删|划|去|抹)(?:掉|了)(?:吧)?",
)


def find_remember_order(sentence: str) -> str | None:
    """Return the words that a sentence orders to remember, as they stand in it; None where it orders nothing."""
    return _ordered(_REMEMBER, sentence)


def find_forget_order(sentence: str) -> str | None:
    """Return the words for what a sentence orders to take for true no more; None where it orders nothing."""
    return _ordered(_FORGET, sentence)


def _ordered(patterns: tuple[str, ...], sentence: str) -> str | None:
    found = next((found for pattern in patterns if (found := _match(pattern, sentence))), None)
    return sentence[slice(*found.span("words"))].strip() if found else None


def _match(pattern: str, text: str) -> re.Match[str] | None:
    """Match a pattern with all of a text but its closing marks; offsets are those of the text."""
    read = text.replace("’", "'").replace("‘", "'")
    begin = len(read) - len(read.lstrip())
    return re.compile(pattern, re.IGNORECASE).fullmatch(read, begin, len(read.rstrip(".!?。！？ \n")))
