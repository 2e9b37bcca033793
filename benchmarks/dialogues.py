"""Reads the two formats of dialogue data: who said what and when, and which turns answer each question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from memory_store.models import Author, AuthorKind

# LoCoMo's category of questions that name the wrong person.
ADVERSARIAL: Final = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said, with the caption of the picture that came with it, if any."""

    id: str
    author: Author
    text: str
    caption: str


@dataclass(frozen=True, slots=True)
class Talk:
    """One session: its turns in order, at one time."""

    id: str
    at: datetime
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the turns that answer it: each piece of evidence is a set of ids, any of which counts.

    `category` is LoCoMo's (1 several facts, 2 time, 3 open domain, 4 one fact, 5 adversarial), 0 for MemoryBank.
    """

    text: str
    category: int
    evidence: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """All that two partners said, and the questions about it, by the language pair that was asked."""

    id: str
    dataset: str
    people: tuple[str, ...]
    talks: tuple[Talk, ...]
    questions: Mapping[str, tuple[Question, ...]]

    def asked(self) -> Iterator[tuple[str, Question]]:
        """Yield each question with the language pair it is asked in."""
        for language, questions in self.questions.items():
            for question in questions:
                yield language, question

    def session_of(self) -> dict[str, str]:
        """Return the session of each turn, by their ids."""
        return {turn.id: talk.id for talk in self.talks for turn in talk.turns}


def read(paths: Sequence[Path]) -> list[Dialogue]:
    """Return the dialogues of the files, in either format. Raises ValueError for another one."""
    dialogues: list[Dialogue] = []
    for path in paths:
        data = json.loads(path.read_text("utf-8"))
        if "conversations" in data:
            dialogues.extend(_locomo(one) for one in data["conversations"])
        elif "zh" in data or "en" in data:
            dialogues.extend(_memorybank(data))
        else:
            raise ValueError(f"{path} is in neither of the two formats: it has neither `conversations` nor `zh`/`en`.")
    return dialogues


def _locomo(data: Mapping[str, Any]) -> Dialogue:
    talks = []
    for session in data["sessions"]:
        at = datetime.strptime(session["date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        turns = tuple(
            Turn(
                one["id"],
                Author(AuthorKind.USER, one["speaker"]),
                one["text"],
                one.get("blip_caption") or "",
            )
            for one in session["turns"]
        )
        talks.append(Talk(str(session["id"]), at, turns))
    known = {turn.id for talk in talks for turn in talk.turns}
    questions = tuple(
        Question(one["question"], int(one["category"]), evidence)
        for one in data["questions"]
        if (evidence := tuple(frozenset({turn}) for turn in one["evidence"] if turn in known))
    )
    return Dialogue(str(data["id"]), "LoCoMo", tuple(data["speakers"]), tuple(talks), {"English": questions})


def _memorybank(data: Mapping[str, Any]) -> Iterator[Dialogue]:
    for language, label in (("zh", "Chinese"), ("en", "English")):
        for user in data.get(language, {}).get("users", ()):
            talks = tuple(
                Talk(
                    str(session["id"]),
                    datetime.fromisoformat(session["date"]).replace(tzinfo=UTC, hour=12),
                    tuple(_said(one, user["name"]) for one in session["turns"]),
                )
                for session in user["sessions"]
            )
            questions = {label: _asked(user["questions"])}
            if user.get("questions_en"):
                questions["English over Chinese"] = _asked(user["questions_en"])
            yield Dialogue(str(user["name"]), "MemoryBank", (user["name"],), talks, questions)


def _said(turn: Mapping[str, Any], name: str) -> Turn:
    author = Author(AuthorKind.USER, name) if turn["role"] == "user" else Author(AuthorKind.MODEL)
    return Turn(turn["id"], author, turn["text"], "")


def _asked(questions: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    return tuple(
        Question(one["question"], 0, evidence)
        for one in questions
        if (evidence := tuple(frozenset({turn, *_equivalents(one, turn)}) for turn in one["evidence"]))
    )


def _equivalents(question: Mapping[str, Any], turn: str) -> Sequence[str]:
    """Return the turns that repeat the same answer."""
    return list((question.get("equivalent") or {}).get(turn, ()))
