"""What the formats made of JSON share: which members hold conversations, and one conversation after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import ImportedConversation, Torn
from assistant.ingestion.conversations.exports import Export, Member, numbered
from assistant.ingestion.conversations.json_stream import items, keys_until
from assistant.ingestion.conversations.values import mapping, text

# Keys of which one set opens every conversation of a known format.
_SIGNATURES: dict[str, tuple[frozenset[str], ...]] = {
    "chatgpt": tuple(frozenset(("mapping", other)) for other in ("current_node", "create_time")),
    "claude": tuple(frozenset(("chat_messages", other)) for other in ("uuid", "name")),
    "open-webui": (
        frozenset(("chat.history.messages",)),
        frozenset(("chat.messages", "chat.title")),
        frozenset(("history.messages", "history.currentId")),
        frozenset(("chat.history", "user_id")),
    ),
}
Parse = Callable[[Any, datetime], ImportedConversation]


def conversation_members(export: Export) -> list[Member]:
    """Return the members that may hold conversations: those of the name that exports use, or the file named."""
    if len(export.members) == 1:
        return list(export.members)
    return numbered(export.members, "conversations")


def format_key(export: Export) -> str | None:
    """Return the key of the JSON format that an export is of, by the first of its files that tells."""
    for member in conversation_members(export):
        keys = export.keys.get(member.name)
        if keys is None:
            keys = export.keys[member.name] = keys_until(member.open, lambda found: _signed(found) is not None)
        if key := _signed(keys):
            return key
    return None


def _signed(keys: frozenset[str]) -> str | None:
    return next((key for key, sets in _SIGNATURES.items() if any(item <= keys for item in sets)), None)


def conversations(
    export: Export, members: Sequence[Member], limits: ReadLimits, parse: Parse, place: str | None = None
) -> Iterator[ImportedConversation | Torn]:
    """Yield each conversation of the members, or why it can't be imported; `place` is where they stand in a file."""
    number = 0
    for member in members:
        try:
            for value in items(member.open, limits, place):
                number += 1
                try:
                    conversation = parse(value, export.modified_at)
                    _check_size(conversation, limits)
                    yield conversation
                except ReadError as error:
                    yield Torn(number, title_of(value), error.message, error.hint)
        except ReadError as error:
            yield Torn(number + 1, "", f"{member.name}: {error.message}", error.hint)


def title_of(value: object) -> str:
    """Return the title of a conversation that can't be read, if it has one."""
    outer = mapping(value)
    return " ".join((text(outer.get("title")) or text(outer.get("name"))).split())[:80]


def torn(reason: str) -> ReadError:
    """Return the error for one conversation that is not as its format has it."""
    return ReadError(reason, "The rest is imported. Export again if it matters.")


def _check_size(conversation: ImportedConversation, limits: ReadLimits) -> None:
    if sum(len(message.text) for message in conversation.messages) > limits.max_text_chars:
        raise torn(f"it holds more than {limits.max_text_chars:,} characters of text")
