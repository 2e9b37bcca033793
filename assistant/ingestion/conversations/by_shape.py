"""Reads exports of assistants that are JSON of conversations, known by their fields, or else by their shape alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation
from assistant.ingestion.conversations.exports import Export, Member
from assistant.ingestion.conversations.json_export import conversation_members, conversations
from assistant.ingestion.conversations.json_stream import ALL_LINES, EACH_LINE, items, keys_until
from assistant.ingestion.conversations.messages import LISTS, ROLES, TEXTS, conversation, entries_of, looks_like_chat
from assistant.ingestion.conversations.values import mapping

_LOOKED_AT: Final = 3
_HEAD_BYTES: Final = 1024 * 1024
_ASKS: Final = re.compile(
    rb'"(?:role|sender|author|from|speaker|isCreatedByUser|fragments|query|query_str|prompt|question|inserted_at|is_user)"'
)


@dataclass(frozen=True, slots=True)
class ByShapeFormat:
    """Conversations as JSON: of an assistant whose own fields stand in each of them, or without such of any."""

    key: str
    name: str
    fields: frozenset[str] = frozenset()

    def recognises(self, export: Export) -> bool:
        """Return whether a member holds conversations with these fields."""
        return bool(self.members(export))

    def members(self, export: Export) -> list[Member]:
        """Return the members that hold conversations."""
        named = conversation_members(export) or [member for member in export.members if member.name.endswith(".json")]
        return [member for member in named if self._fits(member, export)]

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations."""
        parse = partial(_parsed, format_key=self.key, name=self.name if self.fields else "assistant")
        for member in self.members(export):
            yield from conversations(export, [member], limits, parse, _place(member, export))

    def _fits(self, member: Member, export: Export) -> bool:
        place = _place(member, export)
        if place is None:
            return False
        return not self.fields or self.fields <= export.keys[member.name + _FIELDS]


_FIELDS: Final = "\0fields"


def _parsed(value: Any, otherwise: datetime, *, format_key: str, name: str) -> ImportedConversation:
    return conversation(value, otherwise, format_key, name)


def _place(member: Member, export: Export) -> str | None:
    """Return where in a file its conversations stand, as a path of ijson's; None if there are none."""
    if member.name + _FIELDS not in export.keys:
        place, fields = _found(member)
        export.keys[member.name + _FIELDS] = fields
        export.places[member.name] = place
    return export.places[member.name]


def _found(member: Member) -> tuple[str | None, frozenset[str]]:
    if member.name.endswith(".jsonl"):
        return _found_in_lines(member)
    with member.open() as stream:  # Parsing takes far longer, and most JSON holds nobody's words.
        if not _ASKS.search(stream.read(_HEAD_BYTES)):
            return None, frozenset()
    keys = keys_until(member.open, _may_hold_chats)
    if not _may_hold_chats(keys):
        return None, frozenset()
    for place in (*_holders(keys), "item", ""):
        first: list[Any] = []
        with suppress(ReadError):  # Whoever reads the file reports the damage.
            first.extend(islice(items(member.open, ReadLimits(), place), _LOOKED_AT))
        if any(looks_like_chat(item) for item in first):
            fields = {name for item in first for name in mapping(item)}
            fields |= {name for item in first for entry in entries_of(item)[:4] for name in entry.fields}
            return place, frozenset(fields)
    return None, frozenset()


def _holders(keys: frozenset[str]) -> list[str]:
    """Return where lists stand whose items hold lists of messages, the outermost first."""
    found = {path.rpartition(".")[0] for path in keys if path.rpartition(".")[2] in (*LISTS, "mapping")}
    return sorted((place for place in found if place.endswith(".item")), key=len)


def _found_in_lines(member: Member) -> tuple[str | None, frozenset[str]]:
    """Tell whether each line is a conversation, or all of them together are one."""
    try:
        first = list(islice(items(member.open, ReadLimits(), EACH_LINE), 20))
    except ReadError:
        return None, frozenset()
    if first and all(looks_like_chat(item) for item in first):
        return EACH_LINE, frozenset()
    return (ALL_LINES if looks_like_chat(first) else None), frozenset()


def _may_hold_chats(keys: frozenset[str]) -> bool:
    names = {path.rpartition(".")[2] for path in keys}
    has_messages = not names.isdisjoint((*LISTS, "mapping", "role", "sender", "author", "from", "speaker"))
    asks = not names.isdisjoint((*ROLES, "query", "query_str", "prompt", "question", "inserted_at"))
    return has_messages and asks and not names.isdisjoint((*TEXTS, "answer", "response"))
