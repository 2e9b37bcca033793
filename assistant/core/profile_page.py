"""The profile as a page of Markdown that the user can read, edit and hand back: each line is a memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assistant.core.profile import ProfileLine, ProfileSection, ProfileTopic
from assistant.display import day, plain
from memory_store import NewMemory, Selection, Store
from memory_store.errors import StoreError
from memory_store.models import Erasure, Memory, MemoryKind, Question, QuestionKind

_TITLE: Final = "# What is known about you"
_EMPTY: Final = "Nothing yet. Tell it something, or import documents."
_LINE: Final = re.compile(
    r"^[-*] +(?P<text>.*?)(?: \*\((?:(?!\)\*).)*\)\*)?(?: <!-- (?P<id>mem_[a-z0-9]+) -->)? *$", re.IGNORECASE
)
_HEADING: Final = re.compile(r"^## +(?P<name>\w+) *$")
_KINDS: Final = {
    **{topic.value.capitalize(): MemoryKind.FACT for topic in ProfileTopic},
    "Tastes": MemoryKind.PREFERENCE,
    "Goals": MemoryKind.GOAL,
    "Plans": MemoryKind.EVENT,
    "Notes": MemoryKind.NOTE,
}
_QUESTIONS: Final = "Questions"


@dataclass(frozen=True, slots=True)
class PageChanges:
    """What an edited page changes: memories that say something else, that are new, and whose line is gone."""

    reworded: tuple[tuple[Memory, str], ...] = ()
    added: tuple[tuple[MemoryKind, str], ...] = ()
    removed: tuple[Memory, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reworded or self.added or self.removed)


def page(sections: Sequence[ProfileSection], questions: Sequence[Question] = ()) -> str:
    """Return the profile in Markdown: a line for each memory, with its date and source, what was before, and its id."""
    lines = [_TITLE]
    if not sections:
        lines += ["", _EMPTY]
    for section in sections:
        lines += ["", f"## {section.topic.value.capitalize()}", ""]
        for line in section.lines:
            lines.append(f"- {_text(line.memory)} *({_about(line)})* <!-- {line.memory.id} -->")
            lines += [f"  - before: {plain(text, one_line=True)}" for text in line.earlier]
        if section.more:
            lines += ["", f"… and {section.more} more, see `keepsake memory list`."]
    if questions:
        lines += ["", f"## {_QUESTIONS}", ""]
        lines += [f"> {asked_in_words(question)}" for question in questions]
    return "\n".join(lines) + "\n"


def asked_in_words(question: Question) -> str:
    """Return a question as it is put to the user."""
    text = plain(question.memory.text, one_line=True)
    if question.kind is QuestionKind.SENSITIVE or question.other is None:
        return f"“{text}” is about your health or mood. May it be remembered?"
    return f"“{text}” or “{plain(question.other.text, one_line=True)}”: which is true?"


def changes(edited: str, sections: Sequence[ProfileSection]) -> PageChanges:
    """Return what an edited page changes of what it was made from.

    Raises StoreError for a line with the id of a memory that the page was not made with, and for one under no heading.
    """
    before = {line.memory.id: line.memory for section in sections for line in section.lines}
    kind: MemoryKind | None = None
    reworded: list[tuple[Memory, str]] = []
    added: list[tuple[MemoryKind, str]] = []
    seen: set[str] = set()
    for number, line in enumerate(edited.splitlines(), start=1):
        heading, entry = _HEADING.match(line), _LINE.match(line)
        if heading is not None:
            kind = _KINDS.get(heading["name"].capitalize())
        if entry is None or not entry["text"].strip():
            continue
        text, memory_id = entry["text"].strip(), entry["id"]
        if memory_id is None and kind is None:
            raise StoreError(f"Line {number} stands under no heading: {text}", f"Put it under one of {_headings()}.")
        if memory_id is None and kind is not None:
            added.append((kind, text))
            continue
        memory = before.get(memory_id)
        if memory is None:
            raise StoreError(
                f"Line {number} is of {memory_id}, which is not on this page now.", "Take the page anew, and edit that."
            )
        if memory_id in seen:
            raise StoreError(f"Line {number} has the id of an earlier line: {memory_id}.", "Leave out the id of one.")
        seen.add(memory_id)
        if text != _text(memory):
            reworded.append((memory, text))
    removed = tuple(item for item in before.values() if item.id not in seen)
    return PageChanges(tuple(reworded), tuple(added), removed)


def apply(store: Store, wanted: PageChanges) -> Erasure | None:
    """Store what a page changes; return what was erased with the lines that are gone, if any are.

    Other words make a newer version, the user's own; a new line makes a memory written by hand.
    """
    for memory, text in wanted.reworded:
        store.memories.supersede(
            memory.id,
            NewMemory(text, memory.kind, pinned=memory.pinned, valid_to=memory.valid_to),
        )
    for kind, text in wanted.added:
        store.memories.add(NewMemory(text, kind))
    erased = store.forget(Selection(tuple(item.id for item in wanted.removed))) if wanted.removed else None
    store.wake()
    return erased


def _text(memory: Memory) -> str:
    return plain(memory.text, one_line=True)


def _about(line: ProfileLine) -> str:
    where = ", ".join(f"“{plain(source, one_line=True)}”" for source in line.sources) or "written by hand"
    marks = [name for name in ("pinned", "private") if getattr(line.memory, name)]
    until = [f"until {day(line.memory.valid_to)}"] if line.memory.valid_to else []
    goal = [
        f"{name}: {plain(text, one_line=True)}"
        for name, text in (("what for", line.memory.why), ("until when", line.memory.horizon))
        if text
    ]
    return "; ".join([day(line.since), f"from {where}", *until, *goal, *marks])


def _headings() -> str:
    return ", ".join(f"“## {name}”" for name in _KINDS)
