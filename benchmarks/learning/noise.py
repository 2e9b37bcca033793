"""Looks for junk: what is captured from a thousand stretches of dialogue data that nobody wrote for them.

The data are read by path and are no part of this project; nor is the sample that is written for checking by hand.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.dialogues import Dialogue, Talk, Turn, read
from benchmarks.learning.playing import capture_waiting
from memory_store import Store
from memory_store.models import USER, AuthorKind, Role

_STRETCHES: Final = 1000
_TURNS: Final = 4
_SAMPLED: Final = 100
_SEED: Final = 20250301
_JUNK: Final = "junk"
_GOOD: Final = "good"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A few turns in a row, one speaker being the user."""

    data: str
    place: str
    talk: Talk
    turns: tuple[Turn, ...]
    user: str


@dataclass(frozen=True, slots=True)
class Found:
    """A memory captured from a turn: where it stands, its text, and the whole of the turn."""

    data: str
    turn: str
    memory: str
    message: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others in a file of verdicts."""
        return self.turn, self.memory


@dataclass(frozen=True, slots=True)
class Noise:
    """What came of it. `judged` counts the verdicts, by hand, on what is captured now."""

    stretches: int
    turns: int
    memories: Mapping[str, int]
    sample: Path
    judged: Mapping[str, int]

    @property
    def junk(self) -> float | None:
        """The junk among what was judged, 0 to 1; None where nothing was."""
        judged = sum(self.judged.values())
        return self.judged.get(_JUNK, 0) / judged if judged else None

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "dialogues": self.stretches,
            "turns of the user": self.turns,
            "memories": dict(self.memories),
            "sample": str(self.sample),
            "judged": dict(self.judged),
            "junk": self.junk,
        }

    def __str__(self) -> str:
        by_data = ", ".join(f"{name} {number}" for name, number in self.memories.items()) or "none"
        lines = [
            f"Noise: {sum(self.memories.values())} memories from {self.turns} turns of the user in {self.stretches} "
            f"dialogues ({by_data}).",
            f"Sample to check by hand, each `verdict` to be {_JUNK} or {_GOOD}: {self.sample}",
        ]
        if self.junk is not None:
            lines.append(f"Junk: {self.junk:.2f} ({self.judged.get(_JUNK, 0)}/{sum(self.judged.values())})")
        return "\n".join(lines)


def measure(data: Sequence[Path], sample: Path, verdicts: Path | None) -> Noise:
    """Capture from a thousand stretches of the data, and write a sample with the verdicts that are known of it."""
    chosen = stretches(read(data))
    found = [one for stretch in chosen for one in captured(stretch)]
    known = _verdicts(verdicts) if verdicts else {}
    _write(sample, found, known)
    judged = Counter(known[one.key] for one in found if one.key in known)
    return Noise(
        len(chosen),
        sum(turn.author.name == stretch.user for stretch in chosen for turn in stretch.turns),
        Counter(one.data for one in found),
        sample,
        judged,
    )


def stretches(dialogues: Iterable[Dialogue], number: int = _STRETCHES) -> list[Stretch]:
    """Return so many stretches, always the same; where two people talk, each is the user of some."""
    every = [one for dialogue in dialogues for one in _stretches_of(dialogue)]
    return random.Random(_SEED).sample(every, min(number, len(every)))


def _stretches_of(dialogue: Dialogue) -> Iterable[Stretch]:
    # MemoryBank's users of both languages tell the same stories; LoCoMo is English.
    language = next(iter(dialogue.questions), "")
    for talk in dialogue.talks:
        for at in range(0, len(talk.turns), _TURNS):
            turns = talk.turns[at : at + _TURNS]
            users = {turn.author.name or "" for turn in turns if turn.author.kind is AuthorKind.USER}
            for user in sorted(users):
                yield Stretch(f"{dialogue.dataset} {language}", dialogue.id, talk, turns, user)


def captured(stretch: Stretch) -> list[Found]:
    """Return what is captured from the user's turns of a stretch, in a fresh store."""
    found = []
    with TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        conversation = store.conversations.start("Talk", created_at=stretch.talk.at)
        last = None
        for turn in stretch.turns:
            of_user = turn.author.name == stretch.user
            message = store.conversations.append(
                conversation.id,
                Role.USER if of_user else Role.ASSISTANT,
                turn.text,
                USER if of_user else turn.author,
                parent_id=last,
                created_at=stretch.talk.at,
                capture=of_user,
            )
            last = message.id
            if of_user:
                place = f"{stretch.place} {turn.id}"
                found += [Found(stretch.data, place, text, turn.text) for text in capture_waiting(store, None)]
    return found


def _verdicts(path: Path) -> dict[tuple[str, str], str]:
    """Return the verdicts of a sample that was checked by hand; lines without one are passed over."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return {(one["turn"], one["memory"]): one["verdict"] for one in lines if one["verdict"] in (_JUNK, _GOOD)}


def _write(path: Path, found: Sequence[Found], known: Mapping[tuple[str, str], str]) -> None:
    ordered = sorted(found, key=lambda one: one.key)
    chosen = random.Random(_SEED).sample(ordered, min(_SAMPLED, len(ordered)))
    lines = [
        {"turn": one.turn, "memory": one.memory, "message": one.message, "verdict": known.get(one.key, "")}
        for one in chosen
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text, "utf-8")
