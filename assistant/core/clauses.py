"""What a message tells, clause by clause: without what is asked, supposed, reported of others, made up or pasted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from assistant.core.learning import words
from assistant.core.rules import rules
from assistant.core.said import beginning, finds, normalised

_MAX_CHARS: Final = 500
# What is longer is a pasted text: hardly all of it is about the user.
_MOST_CHARS: Final = 2500
_FILE: Final = "told"
_JOINTS: Final = ",，;；:：、—-~～ "
_SPEAKER: Final = re.compile(r"(?m)^[ \t]*[A-Z\u4e00-\u9fff][\w ]{0,20}[:：][ \t]*\S.*$")
_ABBREVIATION: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|e\.g|i\.e|etc|No|approx)\.$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a message: its own words, and as rules read it, in lower case and without what leads in to it.

    `begin` and `end` are where it stands in the message. `subject` is who does it where an earlier clause says so ("I
    live in Porto and work at Acme"); `goes_on` says that it only adds to the one before it. Of a clause that gives a
    reason, `text` and `read` are without the "because", and `is_reason` says so. `is_first` begins its sentence.
    """

    text: str
    read: str
    begin: int = 0
    end: int = 0
    subject: str = ""
    goes_on: bool = False
    is_reason: bool = False
    asked_for: bool = False
    is_first: bool = False


def told(message: str) -> list[list[Clause]]:
    """Return the sentences of a message that tell something, each as its clauses; none of a text to work on."""
    if len(message) > _MOST_CHARS or finds(_FILE, "text work", normalised(message)):
        return []
    own = own_words(message)
    found: list[list[Clause]] = []
    for begin, end in _sentences(own):
        piece = normalised(own[begin:end]).strip()
        if finds(_FILE, "joke before", piece):
            found.clear()  # what came before it was not meant
        if finds(_FILE, "only laughing", piece):
            del found[-1:]
        elif end - begin <= _MAX_CHARS:
            found.append(_clauses(own, begin, end))
    return [one for one in found if one]


def is_joke(message: str) -> bool:
    """Say whether a message says of itself that it is not meant."""
    return finds(_FILE, "joking", normalised(message))


def own_words(message: str) -> str:
    """Return a message with blanks in the place of code, quoted lines, talk of others and what is said in quotes."""
    for rule in rules(_FILE)["not own"]:
        message = rule.sub(lambda found: " " * len(found.group()), message)
    spoken = list(_SPEAKER.finditer(message))
    for found in spoken if len(spoken) > 1 else []:
        message = message[: found.start()] + " " * len(found.group()) + message[found.end() :]
    return message


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for found in rules(_FILE)["sentence end"][0].finditer(text):
        if _ABBREVIATION.search(text[max(0, found.start() - 8) : found.start() + 1]):
            continue
        yield begin, found.end()
        begin = found.end()
    yield begin, len(text)


def _clauses(message: str, begin: int, end: int) -> list[Clause]:
    """Return the clauses of a sentence, which stands in the message from `begin` to `end`."""
    sentence = message[begin:end]
    whole = normalised(sentence).strip()
    if not whole:
        return []
    if finds(_FILE, "told to remember", whole):
        text = sentence.rstrip("?？吗 \n")
        return [_clause(text, begin, "", asked_for=True)]
    for polite in rules(_FILE)["polite"]:
        whole = polite.sub(" ", whole)
    if finds(_FILE, "supposed", whole) or words.is_supposed(whole):
        return []
    if finds("made_up", "made up", whole):
        return []
    spans = [(at, to) for at, to in _cut(sentence) if sentence[at:to].strip(_JOINTS + "\n")]
    if finds(_FILE, "asks", whole):
        if len(spans) == 1 or finds(_FILE, "asks from the start", whole) or finds(_FILE, "tag", whole):
            return []
        del spans[-1]
    spans = _before_report(sentence, spans)
    clauses: list[Clause] = []
    subject = ""
    for number, (at, to) in enumerate(spans):
        after = sentence[slice(*spans[number + 1])] if number + 1 < len(spans) else ""
        clause = replace(_clause(sentence[at:to], begin + at, subject), is_first=number == 0)
        piece = normalised(sentence[at:to]).strip()
        if finds(_FILE, "only laughing", piece):
            clauses.clear()
        if any(finds(_FILE, name, clause.read) for name in ("doubted", "requested", "asks")) or _laughs(piece, after):
            continue
        clauses.append(clause)
        found = beginning(_FILE, "subject", clause.read)
        if found is not None:
            subject = found.group().strip()
        elif set(words.tokens(clause.read)) & words.OTHERS:
            subject = ""
    return clauses


def _before_report(sentence: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the clauses before one that reports somebody's words; none where it only names who said them."""
    for number, (at, to) in enumerate(spans):
        piece = normalised(sentence[at:to]).strip(_JOINTS)
        if finds(_FILE, "reported", piece):
            return [] if finds(_FILE, "only reported", piece) else spans[:number]
    return spans


def _laughs(piece: str, after: str) -> bool:
    """Say whether a clause is laughed at, in itself or by what comes after it."""
    return finds(_FILE, "laughing", piece) or finds(_FILE, "only laughing", normalised(after).strip(_JOINTS))


def _cut(sentence: str) -> list[tuple[int, int]]:
    """Cut a sentence where a clause begins that can be understood by itself."""
    cuts = sorted({found.start() for rule in rules(_FILE)["cut"] for found in rule.finditer(sentence)})
    return list(zip([0, *cuts], [*cuts, len(sentence)], strict=True))


def _clause(piece: str, begin: int, subject: str, *, asked_for: bool = False) -> Clause:
    text = piece.strip(_JOINTS + "\n")
    while True:
        led = beginning(_FILE, "lead", normalised(text))
        if led is None or led.end() >= len(text) or not led.end():
            break
        text = text[led.end() :].lstrip(_JOINTS)
    read = normalised(text).strip()
    goes_on = finds(_FILE, "goes on", read)
    reason = beginning(_FILE, "reason", read)
    if reason is not None and reason.end() < len(text):
        text, read = text[reason.end() :], read[reason.end() :]
    without = bool(subject) and finds(_FILE, "without subject", read)
    own = without and finds(_FILE, "own subject", subject)
    return Clause(
        text,
        read,
        begin,
        begin + len(piece),
        subject if own else "",
        goes_on or (without and not own),
        reason is not None,
        asked_for,
    )
