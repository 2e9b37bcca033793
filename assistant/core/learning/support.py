"""The check without a model: whether the words of a message support a memory that a model made of them.

A memory passes if it says what the user said, in the user's words and order, of whom the user said it. What was asked,
supposed, quoted, reported of others, meant as a joke, denied or weakened does not become a fact by leaving that out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from assistant.core.clauses import Clause, is_joke, own_words, told
from assistant.core.learning import words
from assistant.core.said import finds

_MOST_CHARS: Final = 300
_SIGNS: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def why_unsupported(text: str, quote: str, message: str) -> str | None:
    """Return why a message of the user does not support a memory by these of its words; None where it does."""
    text, quote = (" ".join(one.translate(_SIGNS).split()) for one in (text, quote))
    if not text or len(text) > _MOST_CHARS:
        return "it says nothing, or too much"
    clauses = _told(quote, message)
    if isinstance(clauses, str):
        return clauses
    if is_joke(message) or any(finds("told", "taken back", one.read) for one in clauses):
        return "the words are a joke, or take something back"
    meant = words.tokens(text)
    if not words.content(meant):
        return "it says nothing"
    return _invented(words.tokens(quote), meant) or _misread(clauses, meant)


def why_not_ended(memory: str, quote: str, message: str) -> str | None:
    """Return why these words of a message do not say that a memory is true no more; None where they do.

    They must deny or take back something, and name what the memory is of.
    """
    quote = " ".join(quote.translate(_SIGNS).split())
    clauses = _told(quote, message)
    if isinstance(clauses, str):
        return clauses
    said = words.tokens(quote)
    ends = words.denials(said) or set(said) & words.ENDING
    if not ends and not any(finds("told", "taken back", one.read) for one in clauses):
        return "the words take nothing back"
    known = words.content(words.tokens(memory))
    return None if set(words.content(said)) & set(known) else "the words are of another thing"


def _told(quote: str, message: str) -> list[Clause] | str:
    """Return the clauses that a quote is in, or why the message does not tell it."""
    at = _place(quote, message.translate(_SIGNS))
    if at is None:
        return "its quote is not in the message"
    if own_words(message)[slice(*at)].strip() != message[slice(*at)].strip():
        return "the words are of somebody else"
    return _covering(at, message) or "the words ask, suppose or report"


def _place(quote: str, message: str) -> tuple[int, int] | None:
    """Return where a quote stands in a message, however its white space is."""
    if not quote:
        return None
    found = re.search(r"\s+".join(map(re.escape, quote.split())), message, re.IGNORECASE)
    return found.span() if found else None


def _covering(at: tuple[int, int], message: str) -> list[Clause]:
    """Return the clauses of the one sentence that a part of a message is in; none where it is not in one that tells."""
    begin, end = at
    for clauses in told(message):
        over = [one for one in clauses if one.begin < end and begin < one.end]
        if over and over[0].begin <= begin and end <= over[-1].end:
            return over if all(one.end == after.begin for one, after in pairwise(over)) else []
    return []


def _invented(said: Sequence[str], meant: Sequence[str]) -> str | None:
    """Return the first word of a memory that was not said, or not there in the order."""
    rest = iter(said)
    for one in meant:
        if one not in words.GLUE and not any(one == other for other in rest):
            return f"“{one}” was not said so"
    return None


def _misread(clauses: Sequence[Clause], meant: Sequence[str]) -> str | None:
    """Return what a memory gets wrong of the clauses that it takes words from: who is meant, or what is denied."""
    left = list(meant)
    is_begun = False
    for clause in clauses:
        said = words.tokens(clause.text)
        taken = _taken(said, left)
        del left[: len(taken)]
        content = words.content(taken)
        if words.denials(taken) and not content:
            return "it denies another thing"
        if not content:
            continue
        goes_on = is_begun and not set(said) & (words.FIRST_PERSON | words.OTHERS)
        whose = [*words.tokens(clause.subject), *said]
        if not goes_on and not clause.asked_for and not _is_of_the_user(whose, content, meant):
            return "the words are of somebody else"
        if wrong := _weakened(said, taken):
            return wrong
        is_begun = True
    return None if is_begun else "it says nothing"


def _taken(said: Sequence[str], meant: Sequence[str]) -> list[str]:
    """Return the words that a memory goes on with and that this clause has, in its order."""
    taken: list[str] = []
    rest = iter(said)
    for one in meant:
        if one in words.GLUE or any(one == other for other in rest):
            taken.append(one)
        else:
            break
    return taken


def _weakened(said: Sequence[str], meant: Sequence[str]) -> str | None:
    """Return what a memory leaves out to say more than was said: a denial, a doubt, a plan, or what was denied."""
    for of in (words.denials, words.doubts):
        if lost := of(said) - of(meant):
            return f"it leaves out “{min(lost)}”"
    for at, one in enumerate(said):
        if words.denials([one]):
            denied = words.content(said[at + 1 :])
            if denied and not set(denied[:3]) & set(meant):
                return f"it takes “{one}” from another thing"
    return None


def _is_of_the_user(said: Sequence[str], content: Sequence[str], meant: Sequence[str]) -> bool:
    """Say whether the words are of the user, or of somebody of the user's whom the memory names as well."""
    where = next((at for at, one in enumerate(said) if one == content[0]), len(said) - 1)
    for at in range(where, -1, -1):
        if said[at] in words.OTHERS:
            return False
        if said[at] in words.POSSESSIVE:
            return _owned(said, at) in meant
        if said[at] in words.SUBJECT:
            return not _kin_of(said, at) or _kin_of(said, at) <= set(meant)
    # What stands behind it says whose it is, as in “Lyon is my home”.
    behind = meant[meant.index(content[0]) :] if content[0] in meant else []
    return any(one in words.FIRST_PERSON for one in said[where:]) and bool(set(behind) & words.PERSON)


def _owned(said: Sequence[str], at: int) -> str:
    """Return what is the user's: the first word of it."""
    return next((one for one in said[at + 1 :] if one not in words.GLUE), "")


def _kin_of(said: Sequence[str], at: int) -> set[str]:
    """Return the signs that name somebody of the user's where a Chinese 我 stands before them; none else."""
    if said[at] not in {"我", "咱"}:
        return set()
    after = "".join(one for one in said[at + 1 : at + 6] if one not in {"的", "们"})
    after = after[1:] if after.startswith("家") and not after.startswith("家人") else after
    kin = words.KIN.match(after)
    return set(kin.group()) if kin else set()
