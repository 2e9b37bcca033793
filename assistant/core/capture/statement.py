"""What capture finds: a sentence of the user, word for word, with what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from assistant.ingestion.sentences import sentence_ends
from memory_store.models import MemoryKind

_MOST_CHARS: Final = 500
# Longer messages are pasted texts: hardly all of it is about the user.
_MOST_MESSAGE_CHARS: Final = 4000
# A quoted line, and the lines at the head of a mail: from there on it is somebody else's.
_QUOTED: Final = re.compile(r"^[ \t]*>", re.MULTILINE)
_MAIL: Final = re.compile(r"^(?:From|To|Subject|Von|An|Betreff|发件人|收件人|主题)[:：]", re.MULTILINE)


class About(StrEnum):
    """What of a person a memory is about; the list is published in docs/learning.md."""

    NAME = "name"
    AGE = "age"
    ORIGIN = "origin"
    LANGUAGE = "language"
    HOME = "home"
    PARTNER = "partner"
    FAMILY = "family"
    FRIEND = "friend"
    PET = "pet"
    WORK = "work"
    STUDY = "study"
    MONEY = "money"
    HEALTH = "health"
    DIET = "diet"
    FOOD = "food"
    DRINK = "drink"
    SPORT = "sport"
    HOBBY = "hobby"
    MUSIC = "music"
    ENTERTAINMENT = "entertainment"
    TRAVEL = "travel"
    TRANSPORT = "transport"
    BELONGING = "belonging"
    ROUTINE = "routine"
    CHARACTER = "character"
    OTHER = "other"


# Of these most people have one at a time: they tell who somebody is.
SINGULAR: Final = frozenset({About.NAME, About.AGE, About.HOME, About.PARTNER, About.WORK, About.DIET})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a message as it stands there, from `begin` to `end` (offsets in characters)."""

    text: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that is worth remembering, or a few in a row, word for word.

    `ends` says that it only tells of something that is no more so, `is_doubtful` that it is of use only where it makes
    something untrue that is remembered. A model that pointed at it (`is_pointed`) says as well which memory it replaces
    (or ends), contradicts or repeats, by id; for any other `relate_statement` looks.
    `is_ordered` says that the user asked to remember it, `is_order_to_forget` that the text are the user's words for
    what is true no more, `is_sensitive` that it touches health or mood.
    """

    text: str
    kind: MemoryKind
    about: About
    ends: bool = False
    is_doubtful: bool = False
    is_pointed: bool = False
    replaces: str | None = None
    contradicts: str | None = None
    repeats: str | None = None
    true_from: datetime | None = None
    is_ordered: bool = False
    is_order_to_forget: bool = False
    is_sensitive: bool = False


def split_sentences(message: str) -> list[Sentence]:
    """Return the sentences of a message that have words, by marks and lines; none of one that is a pasted text."""
    if len(message) > _MOST_MESSAGE_CHARS:
        return []
    mail = _MAIL.search(message)
    message = message[: mail.start()] if mail else message
    ends = sorted({*sentence_ends(message), *(at + 1 for at, sign in enumerate(message) if sign == "\n"), len(message)})
    found = []
    begin = 0
    for end in ends:
        text = message[begin:end]
        if any(map(str.isalnum, text)) and len(text) <= _MOST_CHARS and not _QUOTED.match(text):
            at = begin + len(text) - len(text.lstrip())
            found.append(Sentence(text.strip(), at, at + len(text.strip())))
        begin = end
    return found


def join_sentences(message: str, sentences: Sequence[Sentence]) -> str:
    """Return what a message says from the first to the last of some of its sentences, word for word."""
    return message[sentences[0].begin : sentences[-1].end]
