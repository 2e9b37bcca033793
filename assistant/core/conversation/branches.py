"""A conversation as a tree: the path in view, the branches beside a message, and where a branch ends."""

from __future__ import annotations

from collections.abc import Sequence

from memory_store.models import Message


def branch_of(messages: Sequence[Message], current_id: str | None = None) -> list[Message]:
    """Return the path from the first message to the one in view, or else the latest, out of the whole tree."""
    by_id = {message.id: message for message in messages}
    path: list[Message] = []
    at: Message | None = by_id.get(current_id or "") or (messages[-1] if messages else None)
    while at is not None:
        path.append(at)
        at = by_id.get(at.parent_id) if at.parent_id else None
    return path[::-1]


def beside(messages: Sequence[Message]) -> dict[str, tuple[str, ...]]:
    """Return of each message, by its id, those that answer the same one, in the order they were written, it too."""
    answering: dict[str | None, list[str]] = {}
    for message in messages:
        answering.setdefault(message.parent_id, []).append(message.id)
    return {text: tuple(ids) for ids in answering.values() for text in ids}


def end_below(messages: Sequence[Message], message_id: str) -> str:
    """Return the last message of the branch through this one that was gone on with latest."""
    children: dict[str, list[str]] = {}
    for message in messages:
        if message.parent_id is not None:
            children.setdefault(message.parent_id, []).append(message.id)
    written = {message.id: number for number, message in enumerate(messages)}
    below, waiting = message_id, [message_id]
    while waiting:
        at = waiting.pop()
        below = max(below, at, key=written.__getitem__)
        waiting += children.get(at, [])
    return below
