"""The check without a model: whether the words of a message support a memory that a model made of them.

A memory passes if it says what the user said, in the user's words and order, of whom the user said it. What was asked,
supposed, reported of others, meant as a joke, denied or weakened does not become a fact by leaving those words out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from assistant.core.learning import words
from assistant.ingestion.sentences import sentence_ends

_MOST_CHARS: Final = 300
_SIGNS: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})
_CLAUSE_END: Final = re.compile(r"[,;:，；：、]\s*|\s+(?=(?:but|because|although|while)\b)|(?=但是?|因为|不过)")


def why_unsupported(text: str, quote: str, message: str) -> str | None:
    """Return why a message of the user does not support a memory by these of its words; None where it does."""
    text, quote, message = (" ".join(one.translate(_SIGNS).split()) for one in (text, quote, message))
    at = message.lower().find(quote.lower()) if quote else -1
    if at < 0:
        return "its quote is not in the message"
    if not text or len(text) > _MOST_CHARS:
        return "it says nothing, or too much"
    sentence, begin = _around(message, at, at + len(quote), sentence_ends(message))
    # Of a long sentence, only the part that was quoted need be said, not what is beside a comma.
    clause, _ = _around(
        sentence, at - begin, at - begin + len(quote), (one.end() for one in _CLAUSE_END.finditer(sentence))
    )
    if words.JOKING.search(message.lower()) or words.is_supposed(sentence) or words.ASKING.search(sentence.lower()):
        return "the words ask, suppose or joke"
    said, meant = words.tokens(clause), words.tokens(text)
    content = words.content(meant)
    if not content:
        return "it says nothing"
    if _reported(words.tokens(sentence)) or not _is_of_the_user(said, content, set(meant)):
        return "the words are of somebody else"
    return _invented(said, meant) or _weakened(said, meant)


def _around(text: str, begin: int, end: int, ends: Iterable[int]) -> tuple[str, int]:
    """Return the pieces of a text that a part of it is in, and where they begin."""
    cuts = sorted({*ends, len(text)})
    first = max((one for one in cuts if one <= begin), default=0)
    last = min((one for one in cuts if one >= end), default=len(text))
    return text[first:last], first


def _invented(said: Sequence[str], meant: Sequence[str]) -> str | None:
    """Return the first word of a memory that was not said, or not there in the order."""
    rest = iter(said)
    for one in meant:
        if one not in words.GLUE and not any(one == other for other in rest):
            return f"“{one}” was not said so"
    return None


def _weakened(said: Sequence[str], meant: Sequence[str]) -> str | None:
    """Return what a memory leaves out to say more than was said: a denial, a doubt, a plan."""
    for of in (words.denials, words.doubts):
        if lost := of(said) - of(meant):
            return f"it leaves out “{min(lost)}”"
    return None


def _reported(sentence: Sequence[str]) -> bool:
    """Say whether somebody other than the user says, thinks or writes it."""
    return any(
        one in words.REPORTING and not set(sentence[max(0, at - 2) : at]) & words.SUBJECT
        for at, one in enumerate(sentence)
    )


def _is_of_the_user(said: Sequence[str], content: Sequence[str], named: set[str]) -> bool:
    """Say whether the words are of the user, or of somebody of the user's whom the memory names as well."""
    where = next((at for at, one in enumerate(said) if one == content[0]), len(said) - 1)
    for at in range(where, -1, -1):
        if said[at] in words.OTHERS:
            return False
        if said[at] in words.POSSESSIVE:
            return _owned(said, at) in named
        if said[at] in words.SUBJECT:
            return not _kin_of(said, at) or _kin_of(said, at) <= named
    # What stands behind it says whose it is, as in “Lyon is my home”.
    return any(one in words.FIRST_PERSON for one in said[where:])


def _owned(said: Sequence[str], at: int) -> str:
    """Return what is the user's: the first word of it."""
    return next((one for one in said[at + 1 :] if one not in words.GLUE), "")


def _kin_of(said: Sequence[str], at: int) -> set[str]:
    """Return the signs that name somebody of the user's where a Chinese 我 stands before them; none else."""
    if said[at] not in {"我", "咱"}:
        return set()
    after = "".join(one for one in said[at + 1 : at + 6] if one not in {"的", "们"})
    kin = words.KIN.match(after)
    return set(kin.group()) if kin else set()
