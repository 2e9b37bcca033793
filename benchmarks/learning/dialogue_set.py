"""Reads the dialogues, each with what should be remembered at its end: `LANGUAGE/CATEGORY.toml` in a set's folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memory_store.models import Role

_HERE: Final = Path(__file__).parent
FITTED: Final = "fitted"
FRESH: Final = "fresh"
THIRD: Final = "third"
SETS: Final = {FITTED: _HERE / "dialogues", FRESH: _HERE / "fresh", THIRD: _HERE / "third"}
"""The sets by name: to the dialogues of the first the heads that capture were fitted, to the others nothing was.

The third was written when all else was done, and measured once.
"""

CATEGORIES: Final = (
    "fact",
    "update",
    "retraction",
    "correction",
    "time_bound",
    "hypothetical",
    "joke",
    "quote",
    "suggestion",
    "question",
    "negation",
    "third_person",
)
# So that several turns of one day have an order in time.
_BETWEEN_TURNS: Final = timedelta(seconds=20)
_NOON: Final = time(12, tzinfo=UTC)

Words = tuple[str, ...]
"""Words, or runs of words, that a memory must hold, each of them."""


class Turn(BaseModel):
    """One thing said, in the file as `["2025-03-02", "user", "Hello."]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: Date
    role: Role
    text: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return dict(zip(("day", "role", "text"), value, strict=True)) if isinstance(value, list) else value


class Dialogue(BaseModel):
    """A dialogue and what should be remembered of it.

    `living` is what should be remembered at the end, `ended` what should have been once and no more be true; `allowed`
    is neither demanded nor counted wrong. `first` are words of the memory that `question` recalls first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    category: str
    id: str
    turns: tuple[Turn, ...] = Field(min_length=1)
    living: tuple[Words, ...] = ()
    ended: tuple[Words, ...] = ()
    allowed: tuple[Words, ...] = ()
    question: str = ""
    first: Words = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.question) != bool(self.first):
            raise ValueError(f"{self.name}: `question` and `first` go together.")
        if self.turns[-1].role is not Role.USER:
            raise ValueError(f"{self.name}: the last turn must be the user's.")
        return self

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return f"{self.language} {self.category} {self.id}"

    @property
    def is_negative(self) -> bool:
        """Whether nothing at all should be remembered of it."""
        return not self.living and not self.ended

    def moments(self) -> Iterable[tuple[Turn, datetime]]:
        """Yield each turn with the moment it is said at: at noon, UTC, and a little later each time."""
        for number, turn in enumerate(self.turns):
            yield turn, datetime.combine(turn.day, _NOON) + number * _BETWEEN_TURNS


def read_all(folder: Path) -> list[Dialogue]:
    """Return the dialogues of all files of a set's folder. Raises ValueError for one that is not whole."""
    dialogues = []
    for path in sorted(folder.glob("*/*.toml")):
        place = {"language": path.parent.name, "category": path.stem}
        dialogues += [
            Dialogue.model_validate({**place, **one}) for one in tomllib.loads(path.read_text("utf-8"))["dialogue"]
        ]
    return dialogues
