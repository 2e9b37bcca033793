"""What a message tells, clause by clause: without what is asked, supposed, reported of others, made up or pasted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assistant.core.learning import words
from assistant.core.rules import rules
from assistant.core.said import finds, normalised
from assistant.ingestion.sentences import sentence_pieces

_MAX_CHARS: Final = 500
# What is longer is a pasted text: hardly all of it is about the user.
_MOST_CHARS: Final = 1500
_FILE: Final = "told"
_JOINTS: Final = ",，;；:：、—- "


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a message: its own words, and as rules read it, in lower case and without what leads in to it.

    `subject` is who does it where an earlier clause says so ("I live in Porto and work at Acme"); `goes_on` says that
    it only adds to the one before it. Of a clause that gives a reason, `text` and `read` are without the "because", and
    `is_reason` says so.
    """

    text: str
    read: str
    subject: str = ""
    goes_on: bool = False
    is_reason: bool = False


def told(message: str) -> list[list[Clause]]:
    """Return the sentences of a message that tell something, each as its clauses; none of a message meant as a joke."""
    whole = normalised(message)
    if len(message) > _MOST_CHARS or words.JOKING.search(whole) or finds(_FILE, "text work", whole):
        return []
    sentences = []
    for line in _own_words(message).splitlines():
        for sentence in sentence_pieces(line):
            clauses = _clauses(sentence.strip()) if len(sentence) <= _MAX_CHARS else []
            if clauses:
                sentences.append(clauses)
    return sentences


def _own_words(message: str) -> str:
    """Return a message without code, quoted lines, and what is said in quotes."""
    for rule in rules(_FILE)["not own"]:
        message = rule.sub(" ", message)
    return message


def _clauses(sentence: str) -> list[Clause]:
    whole = normalised(sentence)
    if finds(_FILE, "told to remember", whole):
        return [_clause(sentence.rstrip("?？吗 "), "")]
    if any(finds(_FILE, name, whole) for name in ("supposed", "reported")) or words.is_supposed(whole):
        return []
    if finds("made_up", "made up", whole):
        return []
    pieces = [piece for piece in _cut(sentence) if piece.strip(_JOINTS)]
    asks = finds(_FILE, "asks", whole)
    if asks and (len(pieces) == 1 or finds(_FILE, "asks from the start", whole) or finds(_FILE, "tag", whole)):
        return []
    if asks:
        del pieces[-1]
    clauses: list[Clause] = []
    subject = ""
    for piece in pieces:
        clause = _clause(piece, subject)
        clauses.append(clause)
        found = next((one.match(clause.read) for one in rules(_FILE)["subject"] if one.match(clause.read)), None)
        subject = found.group().strip() if found else subject
    return clauses


def _cut(sentence: str) -> list[str]:
    """Cut a sentence where a clause begins that can be understood by itself."""
    cuts = sorted({found.start() for rule in rules(_FILE)["cut"] for found in rule.finditer(sentence)})
    return [sentence[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(sentence)], strict=True)]


def _clause(piece: str, subject: str) -> Clause:
    text = piece.strip(_JOINTS)
    while True:
        led = next((one.match(normalised(text)) for one in rules(_FILE)["lead"] if one.match(normalised(text))), None)
        if led is None or led.end() >= len(text) or not led.end():
            break
        text = text[led.end() :].lstrip(_JOINTS)
    read = normalised(text).strip()
    goes_on = finds(_FILE, "goes on", read)
    reason = next((one.match(read) for one in rules(_FILE)["reason"] if one.match(read)), None)
    if reason is not None and reason.end() < len(text):
        text, read = text[reason.end() :], read[reason.end() :]
    without = finds(_FILE, "without subject", read)
    return Clause(text, read, subject if without else "", goes_on, reason is not None)
