"""Reads exports that are lists or trees of messages as JSON, known by their fields, or else by their shape alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Node, Said, Skipped, Thread, torn
from assistant.ingestion.conversations.exports import (
    ALL_LINES,
    EACH_LINE,
    Export,
    Member,
    conversation_members,
    conversations,
    items,
    keys_until,
)
from assistant.ingestion.conversations.values import digest, key, mapping, moment, one_line, sequence, text
from memory_store.models import Role

_LOOKED_AT: Final = 3
_HEAD_BYTES: Final = 1024 * 1024
_ASKS: Final = re.compile(
    rb'"(?:role|sender|author|from|speaker|isCreatedByUser|fragments|query|query_str|prompt|question|inserted_at|is_user)"'
)
LISTS: Final = (
    *("messages", "responses", "chat_messages", "turns", "history", "entries", "chat", "log", "conversation", "chunks"),
    "msgs",
)
"""What the list of a conversation's messages is called."""
ROLES: Final = ("role", "sender", "author", "from", "speaker", "isCreatedByUser", "is_user", "type", "fragments")
TEXTS: Final = (
    *("content", "text", "message", "body", "parts", "value", "contentChunks", "contentParts", "fragments", "say"),
    *("mes", "versions", "steps"),
)
_PAIRS: Final = (
    *(("query", "answer"), ("query_str", "text"), ("query_str", "answer"), ("prompt", "response")),
    *(("question", "answer"), ("input", "output")),
)
_TIMES: Final = (
    *("created_at", "createdAt", "create_time", "timestamp", "time", "date", "inserted_at", "insertedAt", "datetime"),
    *("createTime", "created", "sent_at", "send_date", "updated_at", "updatedAt", "modify_time"),
)
_IDS: Final = ("id", "_id", "uuid", "messageId", "message_id", "conversationId", "conversation_id", "chatId")
_PARENTS: Final = ("parentMessageId", "parent_response_id", "parent_id", "parentId", "parent", "parentUuid")
_MODELS: Final = ("model", "model_slug", "modelName", "model_name", "modelId", "bot", "botName")
_CITED: Final = ("sources", "citations", "web_results", "references")
_MOST_CITED: Final = 50
_TITLES: Final = ("title", "name", "subject", "topic")
_USER: Final = frozenset(("user", "human", "you", "me", "request", "prompt", "customer", "用户", "我", "ich"))
_MODEL: Final = frozenset(
    (
        *("assistant", "ai", "bot", "model", "response", "agent", "llm", "助手", "chatgpt", "gpt", "claude", "gemini"),
        *("copilot", "grok", "deepseek", "mistral", "le chat", "perplexity", "poe"),
    )
)
_MODELISH: Final = re.compile(
    r"\b(?:gpt|chatgpt|claude|gemini|llama|mistral|mixtral|qwen|deepseek|grok|sonar|perplexity|gemma|phi|o[134])\b"
)
_OTHERS: Final = {
    **dict.fromkeys(("system", "developer", "instructions"), Skipped.SYSTEM),
    **dict.fromkeys(("tool", "function", "tool_result", "tool_use", "ipython"), Skipped.TOOL),
    **dict.fromkeys(("thinking", "reasoning", "think"), Skipped.THINKING),
}
_MOST_NESTED: Final = 200_000


@dataclass(frozen=True, slots=True)
class ByShapeFormat:
    """Conversations as JSON: of an assistant whose own fields stand in each of them, or without such of any."""

    key: str
    name: str
    fields: frozenset[str] = frozenset()

    def recognises(self, export: Export) -> bool:
        return bool(self.members(export))

    def members(self, export: Export) -> list[Member]:
        named = conversation_members(export) or [member for member in export.members if member.name.endswith(".json")]
        return [member for member in named if self._fits(member, export)]

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        name = self.name if self.fields else "assistant"
        parse = partial(conversation, key_of_format=self.key, model_of_format=name)
        for member in self.members(export):
            yield from conversations(export, [member], limits, parse, _place(member, export))

    def _fits(self, member: Member, export: Export) -> bool:
        place = _place(member, export)
        if place is None:
            return False
        return not self.fields or self.fields <= export.keys[member.name + _FIELDS]


_FIELDS: Final = "\0fields"


def _place(member: Member, export: Export) -> str | None:
    """Return where in a file its conversations stand, as a path of ijson's; None if there are none."""
    if member.name + _FIELDS not in export.keys:
        place, fields = _find_chats(member)
        export.keys[member.name + _FIELDS] = fields
        export.places[member.name] = place
    return export.places[member.name]


def _find_chats(member: Member) -> tuple[str | None, frozenset[str]]:
    if member.name.endswith(".jsonl"):
        return _find_chats_in_lines(member)
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


def _find_chats_in_lines(member: Member) -> tuple[str | None, frozenset[str]]:
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


@dataclass(frozen=True, slots=True)
class _Entry:
    """One message as the export has it, and its place among the others."""

    name: str
    parent: str | None
    fields: dict[str, Any]
    depth: int


def conversation(value: Any, otherwise: datetime, key_of_format: str, model_of_format: str) -> ImportedConversation:
    """Return a conversation; raise `ReadError` if it holds nothing that was said."""
    outer = mapping(value)
    about = {**outer, **mapping(outer.get("conversation"))}
    entries = entries_of(value)
    if not entries:
        raise torn("it has no messages")
    thread = Thread()
    model = _first_line(about, _MODELS) or one_line(mapping(outer.get("options")).get("model")) or model_of_format
    for entry in entries:
        _add(entry, model, thread)
    started = _first_moment(about, _TIMES) or next((item.said.created_at for item in thread.nodes if item.said), None)
    messages = thread.messages(started or otherwise, otherwise)
    identity = _first_key(about, _IDS) or digest(messages[0].text, messages[0].created_at.isoformat())
    return thread.conversation(
        f"{key_of_format}:{identity}",
        next((about[name] for name in _TITLES if text(about.get(name)).strip()), ""),
        messages,
        created_at=started,
        current=key(about.get("currentId")) or key(about.get("current_node")),
    )


def entries_of(value: Any) -> list[_Entry]:
    """Return the messages of a conversation that is a list of them, or holds a list or a tree."""
    if isinstance(value, list):
        return _read_list(value)
    outer = mapping(value)
    if isinstance(outer.get("mapping"), dict):
        return _read_mapping(outer["mapping"])
    # Some wrap the list once more, such as `{"chunkedPrompt": {"chunks": [...]}}`.
    holders = [outer, *(inner for inner in outer.values() if isinstance(inner, dict))]
    lists = (sequence(holder.get(name)) for holder in holders for name in LISTS)
    return next((found for item in lists if (found := _read_list(item))), [])


def looks_like_chat(value: Any) -> bool:
    """Return whether a value is a conversation: nearly all in it are messages of a person or an assistant."""
    entries = [entry for entry in entries_of(value) if entry.fields]
    pairs = sum(_pair(entry.fields) is not None for entry in entries)
    known = sum(_role(entry) is not None and any(name in entry.fields for name in TEXTS) for entry in entries)
    if pairs:
        # Questions with answers may be a lesson or a test; only a chat says when they were asked.
        dated = any(_first_moment(entry.fields, _TIMES) for entry in entries)
        return dated and pairs >= 0.8 * len(entries)
    # One of them may tell of the others, as the first line of some logs does.
    mostly = known >= 2 and known >= min(0.8 * len(entries), max(2, len(entries) - 1))
    return mostly and any(_role(entry) is Role.USER for entry in entries)


def _pair(fields: dict[str, Any]) -> tuple[str, str] | None:
    """Return a question with its answer, where a message holds both."""
    found = ((fields.get(asked), fields.get(answered)) for asked, answered in _PAIRS)
    return next((pair for pair in found if isinstance(pair[0], str) and isinstance(pair[1], str)), None)  # type: ignore[return-value]


def _read_list(values: list[Any]) -> list[_Entry]:
    """Return the messages of a list, and those that are nested in them as answers."""
    entries: list[_Entry] = []
    waiting: list[tuple[dict[str, Any], str | None, int]]
    waiting = [(item, None, 0) for item in reversed(values) if isinstance(item, dict)]
    tree = any(name in _unwrap(entry) for entry, _, _ in waiting for name in _PARENTS)
    while waiting and len(entries) < _MOST_NESTED:
        fields, above, depth = waiting.pop()
        fields = _unwrap(fields)
        name = _first_key(fields, _IDS[:5]) or f"#{len(entries)}"
        before = above or (entries[-1].name if entries and not tree else None)
        entries.append(_Entry(name, _first_key(fields, _PARENTS) or before, fields, depth))
        inner = sequence(fields.get("children"))
        waiting += [(item, name, depth + 1) for item in reversed(inner) if isinstance(item, dict)]
    return entries


def _read_mapping(nodes: dict[str, Any]) -> list[_Entry]:
    depths: dict[str, int] = {}
    entries = []
    for name, node in nodes.items():
        parent = key(mapping(node).get("parent"))
        depths[name] = depths.get(parent or "", -1) + 1
        entries.append(_Entry(name, parent, mapping(mapping(node).get("message")), depths[name]))
    return entries


def _unwrap(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a message without what is wrapped around it."""
    for name in ("response", "message", "payload"):
        inner = fields.get(name)
        if isinstance(inner, dict):
            return {**fields, **inner}
    versions = sequence(fields.get("versions"))  # Of an answer that was asked for again; one of them is in view.
    at = fields.get("currentlySelected")
    if versions:
        chosen = versions[at] if isinstance(at, int) and 0 <= at < len(versions) else versions[-1]
        return {**{name: value for name, value in fields.items() if name != "versions"}, **mapping(chosen)}
    return fields


def _add(entry: _Entry, model: str, thread: Thread) -> None:
    """Add a message to its conversation, or a question and its answer where it holds both."""
    fields, when = entry.fields, _first_moment(entry.fields, _TIMES)
    named = (text(fields.get(name)) for name in ("sender", "author", "from", "speaker"))
    called = next((one_line(name) for name in named if _MODELISH.search(name.casefold())), "")
    writer = _first_line(fields, _MODELS) or called or model
    if pair := _pair(fields):
        question = thread.said(Role.USER, text(pair[0]), "", when)
        answer = thread.said(Role.ASSISTANT, text(_append_cited(pair[1], fields)), writer, when)
        thread.nodes += [Node(f"{entry.name}/q", entry.parent, question), Node(entry.name, f"{entry.name}/q", answer)]
        return
    role = _role(entry)
    said: Said | None = None
    if isinstance(role, Role):
        words = _words(fields, thread.skipped)
        if role is Role.ASSISTANT:
            words = _append_cited(words, fields)
        said = thread.said(role, text(words), writer, when)
    elif fields:
        thread.skipped[role or Skipped.EMPTY] += 1
    thread.nodes.append(Node(entry.name, entry.parent, said))


def _append_cited(answer: str, fields: dict[str, Any]) -> str:
    """Return an answer with the pages that it cites and does not name itself, a line each."""
    lines = []
    for cited in (item for name in _CITED for item in sequence(fields.get(name))[:_MOST_CITED]):
        address = one_line(cited) if isinstance(cited, str) else one_line(mapping(cited).get("url"))
        if address.startswith(("http://", "https://")) and address not in answer:
            title = one_line(mapping(cited).get("title")) or one_line(mapping(cited).get("name"))
            lines.append(f"{title} ({address})" if title else address)
    return "\n\n".join(filter(None, (answer, "\n".join(dict.fromkeys(lines))))) if answer.strip() else answer


def _role(entry: _Entry) -> Role | Skipped | None:
    found = _role_of(entry.fields)
    if found is None and entry.fields and "reasoning_content" in entry.fields:
        return Role.USER if entry.depth % 2 else Role.ASSISTANT  # A tree whose nodes say nothing but what was said.
    return found


def _role_of(fields: dict[str, Any]) -> Role | Skipped | None:
    if fields.get("isThought"):
        return Skipped.THINKING
    for name in ("isCreatedByUser", "is_user", "isUser"):
        if isinstance(fields.get(name), bool):
            return Role.USER if fields[name] else Role.ASSISTANT
    kinds = [text(mapping(item).get("type")) for item in sequence(fields.get("fragments"))]
    named = [fields.get(name) for name in ("role", "sender", "author", "from", "speaker", "type")]
    named = [
        mapping(item).get("role") or mapping(item).get("name") if isinstance(item, dict) else item for item in named
    ]
    for item in (*named, *kinds[-1:]):
        word = text(item).strip().casefold()
        if word in _USER or word in _MODEL:
            return Role.USER if word in _USER else Role.ASSISTANT
        if word in _OTHERS:
            return _OTHERS[word]
        if _MODELISH.search(word):
            return Role.ASSISTANT
    return None


def _words(fields: dict[str, Any], skipped: Counter[Skipped]) -> str:
    for name in TEXTS:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value
        pieces = [_piece(item, skipped) for item in sequence(value)]
        if words := "\n\n".join(piece for piece in pieces if piece):
            return words
    return ""


def _piece(value: object, skipped: Counter[Skipped]) -> str:
    if isinstance(value, str):
        return value.strip()
    part = mapping(value)
    kind = text(part.get("type")).casefold()
    if kind in _OTHERS:
        skipped[_OTHERS[kind]] += 1
        return ""
    inner = part.get("text")
    words = text(inner) or text(mapping(inner).get("value")) or text(part.get("content"))
    if not words and isinstance(part.get("content"), list):  # A step, whose content is parts again.
        words = "\n\n".join(piece for item in part["content"] if (piece := _piece(item, skipped)))
    return words.strip()


def _first_key(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := key(fields.get(name)))), None)


def _first_line(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    return one_line(*(fields.get(name) for name in names))


def _first_moment(fields: dict[str, Any], names: tuple[str, ...]) -> datetime | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, dict):  # As MongoDB writes it.
            value = value.get("$date", value)
            value = value.get("$numberLong", value) if isinstance(value, dict) else value
            value = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 16 else value
        if found := moment(value):
            return found
    return None
