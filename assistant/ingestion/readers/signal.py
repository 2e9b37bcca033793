"""Reads what Signal exports as plain JSON Lines: people, chats and messages, which name each other by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assistant.ingestion.base import Block, LeftOut
from assistant.ingestion.conversations.values import key, mapping, moment, one_line, sequence, text
from assistant.ingestion.readers.speakers import Uttered, chat_blocks

_NAMES: Final = (("systemGivenName", "systemFamilyName"), ("profileGivenName", "profileFamilyName"))
_BESIDE: Final = "It lies in the folder that was exported with it, or in Signal."


@dataclass(slots=True)
class _Chat:
    messages: list[Uttered] = field(default_factory=list)
    media: int = 0
    shortened: int = 0


def is_of_signal(first: Iterable[Any]) -> bool:
    """Return whether the first lines of a file are an export of Signal: each one thing, with people among them."""
    lines = [mapping(item) for item in first]
    return any("recipient" in line and "id" in mapping(line["recipient"]) for line in lines) and all(
        len(line) == 1 or "backupTimeMs" in line for line in lines
    )


def signal_blocks(lines: Iterable[tuple[int, Any]], left_out: list[LeftOut]) -> Iterator[Block]:
    """Yield the messages of (line number, value), chat by chat, each with its speaker and time."""
    names: dict[str | None, str] = {}
    titles: dict[str | None, str] = {}
    chats: dict[str | None, _Chat] = {}
    own = "Me"
    for number, value in lines:
        frame = mapping(value)
        if account := mapping(frame.get("account")):
            own = _joined(account, "givenName", "familyName") or own
        elif recipient := mapping(frame.get("recipient")):
            names[key(recipient.get("id"))] = own if "self" in recipient else _name(recipient)
        elif chat := mapping(frame.get("chat")):
            titles[key(chat.get("id"))] = names.get(key(chat.get("recipientId")), "")
        elif item := mapping(frame.get("chatItem")):
            _take(chats.setdefault(key(item.get("chatId")), _Chat()), item, number, names)
    for identity, found in chats.items():
        title = titles.get(identity, "")
        yield from _chat(found, title, left_out, is_only=len(chats) == 1)


def _chat(found: _Chat, title: str, left_out: list[LeftOut], *, is_only: bool) -> Iterator[Block]:
    if found.media:
        reason = f"pictures, recordings or files that are not read: {found.media:,}"
        left_out.append(LeftOut(title or "media", reason, _BESIDE))
    if found.shortened:
        reason = f"long messages of which only the beginning stands in the file: {found.shortened:,}"
        left_out.append(LeftOut(title or "messages", reason, _BESIDE))
    for block in chat_blocks(sorted(found.messages, key=lambda message: message.at.timestamp() if message.at else 0.0)):
        yield block if is_only or not title else replace(block, locator=replace(block.locator, part=title))


def _take(chat: _Chat, item: dict[str, Any], number: int, names: dict[str | None, str]) -> None:
    said = mapping(item.get("standardMessage"))
    words = [text(mapping(said.get("text")).get("body"))]
    for page in map(mapping, sequence(said.get("linkPreview"))):
        words += (text(page.get(name)) for name in ("title", "description"))
    contact = mapping(mapping(item.get("contactMessage")).get("contact"))
    words.append(_joined(mapping(contact.get("name")), "givenName", "familyName"))
    words += (
        text(mapping(entry).get("value")) for name in ("number", "email") for entry in sequence(contact.get(name))
    )
    poll = mapping(item.get("poll"))
    words.append(text(poll.get("question")))
    words += (f"- {text(mapping(entry).get('option'))}" for entry in sequence(poll.get("options")))
    chat.media += len(sequence(said.get("attachments"))) + ("viewOnceMessage" in item)
    chat.shortened += "longText" in said
    sent = text(item.get("dateSent")) or key(item.get("dateSent")) or ""
    at = moment(float(sent)) if sent.isdecimal() and len(sent) < 20 else None
    whole = "\n".join(dict.fromkeys(line for line in words if line.strip()))
    chat.messages.append(Uttered(names.get(key(item.get("authorId")), ""), whole, at, number, number))


def _name(recipient: dict[str, Any]) -> str:
    """Return what a person or a group is called: as the user calls it, as it calls itself, or by its number."""
    contact, group = mapping(recipient.get("contact")), mapping(recipient.get("group"))
    called = [_joined(mapping(contact.get("nickname")), "given", "family")]
    called += (_joined(contact, *pair) for pair in _NAMES)
    phone = key(contact.get("e164")) or ""
    title = mapping(mapping(group.get("snapshot")).get("title"))
    called += (
        one_line(contact.get("username")),
        f"+{phone.lstrip('+')}" if phone else "",
        one_line(title.get("title")),
    )
    return next((name for name in called if name), "Signal" if "releaseNotes" in recipient else "")


def _joined(value: dict[str, Any], *names: str) -> str:
    return " ".join(filter(None, (one_line(value.get(name)) for name in names)))
