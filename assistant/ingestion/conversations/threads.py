"""Turns the nodes of an export into a tree of messages: what is left out is closed over, circles are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assistant.ingestion.conversations.base import ImportedMessage
from memory_store.models import Author, Role


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in a node. A time that is not known is that of what came before."""

    role: Role
    text: str
    author: Author
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a conversation's tree; `said` is None for one that is left out."""

    key: str
    parent: str | None
    said: Said | None


def link(nodes: Sequence[Node], started: datetime) -> tuple[ImportedMessage, ...]:
    """Return the messages, parents first and otherwise in their order, each with its nearest parent that is kept."""
    by_key: dict[str, Node] = {}
    for node in nodes:
        by_key.setdefault(node.key, node)
    done: dict[str, str | None] = {}
    """For every node that was looked at: itself if it is kept, else its nearest ancestor that is."""
    times: dict[str, datetime] = {}
    messages: list[ImportedMessage] = []
    for node in by_key.values():
        for item in _chain(node, by_key, done):
            parent = done.get(item.parent) if item.parent is not None else None
            if item.said is None:
                done[item.key] = parent
                continue
            done[item.key] = item.key
            moment = item.said.created_at or (times[parent] if parent else started)
            times[item.key] = moment
            messages.append(ImportedMessage(item.key, parent, item.said.role, item.said.text, item.said.author, moment))
    return tuple(messages)


def _chain(node: Node, by_key: Mapping[str, Node], done: Mapping[str, str | None]) -> list[Node]:
    """Return the node and those of its ancestors that were not looked at, eldest first."""
    chain: list[Node] = []
    seen: set[str] = set()
    at: Node | None = node
    while at is not None and at.key not in done and at.key not in seen:
        seen.add(at.key)
        chain.append(at)
        at = by_key.get(at.parent) if at.parent is not None else None
    return chain[::-1]


def visible_end(nodes: Sequence[Node], current: str | None, messages: Sequence[ImportedMessage]) -> str | None:
    """Return the message that ends the path in view: the one named, or its nearest that is kept, or the last one."""
    kept = {message.origin for message in messages}
    by_key = {node.key: node for node in nodes}
    seen: set[str] = set()
    while current is not None and current in by_key and current not in seen:
        if current in kept:
            return current
        seen.add(current)
        current = by_key[current].parent
    return messages[-1].origin if messages else None
