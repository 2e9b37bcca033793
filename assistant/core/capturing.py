"""Remembers what the user states: once, and in the place of what it makes untrue."""

from __future__ import annotations

from assistant.core.capture import CapturedStatement, about, captured_statements
from assistant.core.events import Captured
from memory_store import NewMemory, Store
from memory_store.models import AuthorKind, Memory, Message


def remember_statements(store: Store, message: Message, *, private: bool) -> list[Captured]:
    """Remember what a message of the user states; what is known word for word is not stored again.

    What the user is, has or does once at a time (a home, a name) supersedes the latest memory of the same: it stays as
    history. Only what the user said is taken back by what the user says, not what a document states.
    """
    captured: list[Captured] = []
    for statement in captured_statements(message.text):
        living = store.memories.all()
        if any(one.text.casefold() == statement.text.casefold() for one in living):
            continue
        new = NewMemory(statement.text, kind=statement.kind, private=private, sources=(message.id,))
        old = _untrue_now(statement, living)
        if old is None:
            captured.append(Captured(store.remember(new)))
            continue
        newer = NewMemory(
            statement.text, kind=statement.kind, pinned=old.pinned, private=private, sources=(message.id,)
        )
        captured.append(Captured(store.memories.supersede(old.id, newer), old))
        store.wake()
    return captured


def _untrue_now(statement: CapturedStatement, living: list[Memory]) -> Memory | None:
    """Return the latest memory that a statement takes the place of."""
    if not statement.about:
        return None
    said = (one for one in living if one.author.kind is AuthorKind.USER)
    return next((one for one in said if about(one.text) == statement.about), None)
