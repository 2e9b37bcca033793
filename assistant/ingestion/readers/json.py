"""Reads JSON and JSON Lines: notes and chats of people as such, of Google Keep, Obsidian's canvas, Telegram, Signal
and the like; of anything else each item as a block of `key: value` lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.conversations.values import key, mapping, moment, one_line, sequence, text
from assistant.ingestion.readers.dates import parse_words
from assistant.ingestion.readers.encodings import read_text
from assistant.ingestion.readers.paragraphs import Line, numbered_lines, paragraphs
from assistant.ingestion.readers.speakers import Uttered, chat_blocks
from memory_store.models import Locator

_SPACE = re.compile(r"[ \t\r\n]*")
_MOST_NAMED = 20
_LOOKED_AT = 20
_HEAD_CHARS: Final = 65536
_SPEAKERS: Final = (
    *("user_profile", "creator", "from", "sender_name", "sender", "author", "from_name", "nickName", "nickname"),
    *("talker", "user", "name"),
)
_WORDS: Final = ("text", "content", "message", "body", "msg", "StrContent")
_TIMES: Final = ("date_unixtime", "date", "timestamp_ms", "timestamp", "ts", "time", "CreateTime", "createTime",
                 "created_at", "created_date", "originalarrivaltime", "sent_at", "datetime")  # fmt: skip
_LISTS: Final = ("messages", "list", "chats", "data", "conversation", "conversations", "MessageList")
_MEDIA: Final = ("photo", "file", "media_type", "photos", "videos", "audio_files", "attachments", "sticker", "gifs")
_OF_MESSAGES: Final = frozenset((*_SPEAKERS, *_WORDS, *_TIMES, *_MEDIA, "id", "type", "quote", "reactions"))
_MAY_BE: Final = re.compile(
    r'"(?:isTrashed|textContent|nodes|messages|sender(?:_name)?|talker|nickName|MessageList|user_profile|creator)"\s*:'
)
_DAYTIME: Final = re.compile(r"\s+at\s+|,\s*")
_CHAT_NAMES: Final = ("name", "title", "chat_name", "chatName", "remark", "nickname", "displayName")
_NAMES: Final = (("systemGivenName", "systemFamilyName"), ("profileGivenName", "profileFamilyName"))
_BESIDE: Final = "It lies in the folder that was exported with it, or in Signal."


def read_json(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """JSON, and several values one after another. Only one item at a time becomes objects.

    Notes, cards and messages of people are read as such.
    """
    text = read_text(file, limits)
    if found := read_as_notes(text, file):
        return found
    return ReadDocument(_note_malformed(_Cursor(text).documents(), file))


JSON = Reader("application/json", (".json", ".geojson", ".webmanifest", ".canvas"), read_json)


def _note_malformed(blocks: Iterator[Block], file: SourceFile) -> Iterator[Block]:
    """Yield what comes before the place where JSON is malformed, which is named; a file of nothing else is an error."""
    try:
        yield from blocks
    except ReadError as error:
        file.note("what follows", error.message, error.hint)


class _Cursor:
    """Walks through JSON text one item at a time and knows the line it is at."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(strict=False)
        self._at = 0
        self._counted = 0
        self._line = 1

    def documents(self) -> Iterator[Block]:
        """Yield the blocks of every value in the text; a file mostly has one."""
        self._skip_space()
        while self._at < len(self._text):
            yield from self._container("")
            self._skip_space()

    def _container(self, path: str) -> Iterator[Block]:
        if self._peek() == "[":
            for index in self._items("]"):
                yield from self._entry(f"{path}[{index}]", listed=True)
        elif self._peek() == "{":
            for _ in self._items("}"):
                key = self._value()
                if not isinstance(key, str):
                    raise self._malformed("a key must be in quotation marks")
                self._expect(":")
                yield from self._entry(f"{path}.{key}" if path else key, listed=False)
        else:
            yield from self._entry(path, listed=True)

    def _entry(self, path: str, *, listed: bool) -> Iterator[Block]:
        """Yield what stands at the cursor. A list inside the outermost object is where exports keep their records."""
        if not listed and self._peek() == "[" and "[" not in path and path.count(".") < 2:
            yield from self._container(path)
            return
        first = self._line_here()
        value = self._value()
        last = self._line_here()
        if isinstance(value, dict | list):
            block = item_block(value, path, first, last)
        else:
            # Scalars side by side belong together, so they carry no path of their own that would part them.
            block = item_block(value if listed else {path.rpartition(".")[2]: value}, "", first, last)
        if block is not None:
            yield block

    def _items(self, closing: str) -> Iterator[int]:
        self._at += 1
        self._skip_space()
        if self._peek() == closing:
            self._at += 1
            return
        index = 0
        while True:
            yield index
            index += 1
            self._skip_space()
            if self._peek() == closing:
                self._at += 1
                return
            self._expect(",")

    def _value(self) -> Any:
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise ReadError(
                f"malformed JSON at line {error.lineno}: {error.msg}", "Export it again, or mend that line."
            ) from error
        except ValueError as error:
            raise self._malformed("a number of absurd length") from error
        return value

    def _expect(self, mark: str) -> None:
        self._skip_space()
        if self._peek() != mark:
            raise self._malformed(f"'{mark}' expected")
        self._at += 1
        self._skip_space()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _malformed(self, why: str) -> ReadError:
        return ReadError(f"malformed JSON at line {self._line_here()}: {why}", "Export it again, or mend that line.")


def read_json_lines(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """JSON Lines, located by line; messages of people are read as such."""
    values = _values(file, limits)
    looked_at = list(islice(values, _LOOKED_AT))
    values, first = chain(looked_at, values), [value for _, value in looked_at]
    blocks = (
        signal_blocks(values, file)
        if is_of_signal(first)
        else chat_of_lines((value for _, value in values), file)
        if are_lines_of_chat(first)
        else _records(values)
    )
    return ReadDocument(blocks)


JSON_LINES = Reader("application/jsonl", (".jsonl", ".ndjson"), read_json_lines)


def _records(values: Iterator[tuple[int, Any]]) -> Iterator[Block]:
    for number, value in values:
        block = item_block(value, f"record {number}", number, number)
        if block is not None:
            yield block


def _values(file: SourceFile, limits: ReadLimits) -> Iterator[tuple[int, Any]]:
    """Yield (line number, value)."""
    for line in numbered_lines(file, limits):
        if not line.text.strip():
            continue
        try:
            yield line.number, json.loads(line.text, strict=False)
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number of absurd length"
            if len(file.left_out) < _MOST_NAMED:  # A file of other content has no end of them.
                reason = f"malformed JSON at line {line.number}: {reason}"
                file.note(f"line {line.number}", reason, "Export it again, or mend that line.")


def value_lines(value: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each scalar in `value`, after its path: `address.city: Paris`. Null and empty are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from value_lines(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        if all(not isinstance(inner, dict | list) for inner in value):
            plain = ", ".join(text for inner in value if (text := scalar_text(inner)))
            if plain:
                yield f"{path}: {plain}" if path else plain
            return
        for index, inner in enumerate(value):
            yield from value_lines(inner, f"{path}[{index}]")
    elif text := scalar_text(value):
        yield f"{path}: {text}" if path else text


def scalar_text(value: Any) -> str:
    """Return a scalar as JSON writes it, strings without quotation marks; empty for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def item_block(value: Any, path: str, first: int, last: int) -> Block | None:
    """Return one value as a block that is located by its path and lines, or None if it says nothing."""
    text = "\n".join(value_lines(value))
    if not text:
        return None
    kind = BlockKind.PARAGRAPH if isinstance(value, str) else BlockKind.TABLE
    return Block(text, Locator(part=path or None, line_start=first, line_end=last), kind)


def read_as_notes(text: str, file: SourceFile) -> ReadDocument | None:
    """Return JSON as the notes or messages that it holds, or None if it is none of these."""
    if not _MAY_BE.search(text[:_HEAD_CHARS]) and file.suffix != ".canvas":
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return _of_lines(text, file)
    if isinstance(value, dict) and "isTrashed" in value and ("textContent" in value or "listContent" in value):
        return _of_keep(value, file)
    if isinstance(value, dict) and isinstance(value.get("nodes"), list) and isinstance(value.get("edges"), list):
        cards = [entry for entry in map(mapping, value["nodes"]) if "type" in entry]
        return ReadDocument(_of_canvas(cards, value["edges"])) if cards else None
    return _of_chats(value, file)


def _of_lines(text: str, file: SourceFile) -> ReadDocument | None:
    """Return lines of which each is a message, as signal-export writes them; whoever reads JSON says what is wrong."""
    try:
        entries = [json.loads(line, strict=False) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None
    if not are_lines_of_chat(entries):
        return None
    return ReadDocument(chat_of_lines(entries, file))


def _of_keep(note: dict[str, Any], file: SourceFile) -> ReadDocument:
    if note["isTrashed"]:
        raise ReadError("in the bin of Google Keep", "Restore the note there and export again if it matters.")
    items = [
        f"[{'x' if entry.get('isChecked') else ' '}] {entry.get('text')}"
        for entry in map(mapping, sequence(note.get("listContent")))
        if str(entry.get("text") or "").strip()
    ]
    labels = ", ".join(name for item in sequence(note.get("labels")) if (name := one_line(mapping(item).get("name"))))
    links = [f"{one_line(entry.get('title'))} {one_line(entry.get('url'))}".strip()
             for entry in map(mapping, sequence(note.get("annotations")))]  # fmt: skip
    title = one_line(note.get("title"))
    pieces = [title, str(note.get("textContent") or ""), "\n".join(items), "\n".join(links)]
    pieces.append(f"Labels: {labels}" if labels else "")
    for item in map(mapping, sequence(note.get("attachments"))):
        file.note(one_line(item.get("filePath")), "pictures and recordings are not read", "It lies beside the note.")
    stamps = (note.get("createdTimestampUsec"), note.get("userEditedTimestampUsec"))
    created = next((found for stamp in stamps if isinstance(stamp, int) and (found := moment(stamp / 1e6))), None)
    blocks = (
        Block(block.text, Locator(headings=(title,) if title else ()), block.kind)
        for piece in pieces
        for block in paragraphs(Line(number, line) for number, line in enumerate(piece.splitlines(), 1))
    )
    return ReadDocument(blocks, title, created_at=created)


def _of_canvas(cards: list[dict[str, Any]], edges: list[Any]) -> Iterator[Block]:
    """Yield the text of each card, and which cards are joined."""
    names: dict[str, str] = {}
    # As a person reads them: by rows, then from the left.
    for card in sorted(cards, key=lambda entry: (_number(entry.get("y")), _number(entry.get("x")))):
        words = str(card.get("text") or card.get("file") or card.get("url") or card.get("label") or "")
        names[str(card.get("id"))] = next((line.lstrip("# ") for line in words.splitlines() if line.strip()), "")[:80]
        for block in paragraphs(Line(number, line) for number, line in enumerate(words.splitlines(), 1)):
            yield Block(block.text, Locator(part=f"card {len(names)}"), block.kind)
    for edge in map(mapping, edges):
        ends = [names.get(str(edge.get(end)), "") for end in ("fromNode", "toNode")]
        if all(ends):
            label = one_line(edge.get("label"))
            yield Block(
                f"{ends[0]} → {ends[1]}" + (f": {label}" if label else ""), Locator(part="links"), BlockKind.LIST
            )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _of_chats(value: Any, file: SourceFile) -> ReadDocument | None:
    chats = list(_chats(value, 0))
    if not chats:
        return None
    title = next((name for name, _ in chats if name), "") if len(chats) == 1 else ""
    return ReadDocument(_blocks(chats, file), title)


def _chats(value: Any, depth: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (name, messages) of each chat between people."""
    if isinstance(value, list):
        entries = [item for item in value if isinstance(item, dict)]
        if _are_messages(entries):
            yield "", entries
        elif depth < 4:
            for entry in entries:
                yield from _chats(entry, depth + 1)
        return
    outer = mapping(value)
    for name in _LISTS:
        inner = outer.get(name)
        if isinstance(inner, list | dict) and depth < 4:
            for title, entries in _chats(inner, depth + 1):
                yield title or _mend(one_line(*(outer.get(key) for key in _CHAT_NAMES))), entries


def _are_messages(entries: list[dict[str, Any]]) -> bool:
    said = [entry for entry in entries if entry.get("type") != "service"]
    told = [entry for entry in said if _speaker(entry) and _at(entry) is not None]
    known = sum(any(key in entry for key in (*_WORDS, *_MEDIA)) for entry in told)
    return known >= 0.8 * len(said) and any(key in entry for entry in told for key in _WORDS)


def are_lines_of_chat(entries: list[Any]) -> bool:
    """Return whether values that stand on lines of their own are messages, and nothing besides that would be lost."""
    said = [entry for entry in entries if isinstance(entry, dict)]
    besides = {name for entry in said for name, value in entry.items() if value}.difference(_OF_MESSAGES)
    return len(said) == len(entries) > 0 and not besides and _are_messages(said)


def chat_of_lines(entries: Iterable[Any], file: SourceFile) -> Iterator[Block]:
    """Yield the messages of a chat of which each is a line of its own."""
    return _blocks([("", (entry for entry in entries if isinstance(entry, dict)))], file)


def _blocks(chats: Sequence[tuple[str, Iterable[dict[str, Any]]]], file: SourceFile) -> Iterator[Block]:
    for title, entries in chats:
        messages: list[Uttered] = []
        pictures = 0
        for entry in entries:
            messages.append(Uttered(_speaker(entry), _words(entry), _at(entry)))
            pictures += any(entry.get(key) for key in _MEDIA)
        if len(messages) > 1 and all(message.at for message in messages):
            # Some exports begin with the newest.
            messages.sort(key=lambda message: message.at.timestamp() if message.at else 0.0)
        if pictures:
            reason = f"pictures, recordings or files that are not read: {pictures:,}"
            file.note(title or "media", reason, "They lie beside the export, or in the program.")
        for block in chat_blocks(messages):
            part = title if len(chats) > 1 and title else None
            yield Block(block.text, Locator(part=part), block.kind, block.author, block.created_at)


def _speaker(entry: dict[str, Any]) -> str:
    for field_name in _SPEAKERS:
        value = entry.get(field_name)
        if isinstance(value, dict):
            value = value.get("real_name") or value.get("name") or value.get("displayName") or value.get("username")
        if name := one_line(value):
            return _mend(name)
    return ""


def _words(entry: dict[str, Any]) -> str:
    said = next((words for key in _WORDS if (words := _flat(entry.get(key)))), "")
    origin = one_line(entry.get("forwarded_from"))
    pieces = [f"{origin}: {said}" if origin and said else said, *(line for line in _besides(entry) if line not in said)]
    return _mend("\n".join(piece for piece in pieces if piece))


def _flat(value: Any) -> str:
    """Return a text that Telegram parts where its form changes; links keep their addresses."""
    if not isinstance(value, list):
        return value if isinstance(value, str) and value.strip() else ""
    pieces = []
    for part in value:
        words, address = str(mapping(part).get("text") or ""), one_line(mapping(part).get("href"))
        pieces.append(part if isinstance(part, str) else f"{words} ({address})" if address else words)
    return "".join(pieces) if any(piece.strip() for piece in pieces) else ""


def _besides(item: dict[str, Any]) -> Iterator[str]:
    """Yield what a message shows besides its words: a poll, a person, a place, the summary of a page."""
    if item.get("type") == "service" and item.get("title"):
        yield one_line(item["title"])  # what a group is called
    poll = mapping(item.get("poll"))
    yield _flat(poll.get("question"))
    for answer in map(mapping, sequence(poll.get("answers"))):
        yield f"{_flat(answer.get('text'))}: {answer.get('voters', 0)}"
    person, place, share = (mapping(item.get(key)) for key in ("contact_information", "location_information", "share"))
    yield " ".join(filter(None, (one_line(person.get(key)) for key in ("first_name", "last_name", "phone_number"))))
    where = [one_line(item.get(key)) for key in ("place_name", "address")]
    yield ", ".join(filter(None, [*where, *(str(at) for at in place.values() if isinstance(at, float))]))
    yield " ".join(filter(None, (one_line(share.get(key)) for key in ("share_text", "link"))))
    for holder in ("embeds", "attachments"):
        for card in map(mapping, sequence(item.get(holder))):
            yield "\n".join(words for name in ("title", "description", "text") if (words := _flat(card.get(name))))
            for entry in map(mapping, sequence(card.get("fields"))):
                name = one_line(entry.get("name")) or one_line(entry.get("title"))
                yield f"{name}: {one_line(entry.get('value'))}"


def _mend(text: str) -> str:
    """Return text whose bytes of UTF-8 were written as characters, as Facebook does, as what it is."""
    try:
        return text.encode("latin-1").decode("utf-8") if not text.isascii() else text
    except UnicodeError:
        return text


def _at(entry: dict[str, Any]) -> datetime | None:
    for field_name in _TIMES:
        value = entry.get(field_name)
        if isinstance(value, str) and re.fullmatch(r"\d{9,13}(?:\.\d+)?", value):
            value = float(value)
        if found := moment(value) or (parse_words(_DAYTIME.sub(" ", value)) if isinstance(value, str) else None):
            return found
    return None


@dataclass(slots=True)
class _SignalChat:
    messages: list[Uttered] = field(default_factory=list)
    media: int = 0
    shortened: int = 0


def is_of_signal(first: Iterable[Any]) -> bool:
    """Return whether the first lines of a file are an export of Signal: each one thing, with people among them."""
    lines = [mapping(item) for item in first]
    return any("recipient" in line and "id" in mapping(line["recipient"]) for line in lines) and all(
        len(line) == 1 or "backupTimeMs" in line for line in lines
    )


def signal_blocks(lines: Iterable[tuple[int, Any]], file: SourceFile) -> Iterator[Block]:
    """Yield the messages of (line number, value), chat by chat, each with its speaker and time."""
    names: dict[str | None, str] = {}
    titles: dict[str | None, str] = {}
    chats: dict[str | None, _SignalChat] = {}
    own = "Me"
    for number, value in lines:
        frame = mapping(value)
        if account := mapping(frame.get("account")):
            own = _join_fields(account, "givenName", "familyName") or own
        elif recipient := mapping(frame.get("recipient")):
            names[key(recipient.get("id"))] = own if "self" in recipient else _name(recipient)
        elif chat := mapping(frame.get("chat")):
            titles[key(chat.get("id"))] = names.get(key(chat.get("recipientId")), "")
        elif item := mapping(frame.get("chatItem")):
            _take(chats.setdefault(key(item.get("chatId")), _SignalChat()), item, number, names)
    for identity, found in chats.items():
        title = titles.get(identity, "")
        yield from _signal_chat(found, title, file, is_only=len(chats) == 1)


def _signal_chat(found: _SignalChat, title: str, file: SourceFile, *, is_only: bool) -> Iterator[Block]:
    if found.media:
        reason = f"pictures, recordings or files that are not read: {found.media:,}"
        file.note(title or "media", reason, _BESIDE)
    if found.shortened:
        reason = f"long messages of which only the beginning stands in the file: {found.shortened:,}"
        file.note(title or "messages", reason, _BESIDE)
    for block in chat_blocks(sorted(found.messages, key=lambda message: message.at.timestamp() if message.at else 0.0)):
        yield block if is_only or not title else replace(block, locator=replace(block.locator, part=title))


def _take(chat: _SignalChat, item: dict[str, Any], number: int, names: dict[str | None, str]) -> None:
    said = mapping(item.get("standardMessage"))
    words = [text(mapping(said.get("text")).get("body"))]
    for page in map(mapping, sequence(said.get("linkPreview"))):
        words += (text(page.get(name)) for name in ("title", "description"))
    contact = mapping(mapping(item.get("contactMessage")).get("contact"))
    words.append(_join_fields(mapping(contact.get("name")), "givenName", "familyName"))
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
    called = [_join_fields(mapping(contact.get("nickname")), "given", "family")]
    called += (_join_fields(contact, *pair) for pair in _NAMES)
    phone = key(contact.get("e164")) or ""
    title = mapping(mapping(group.get("snapshot")).get("title"))
    called += (
        one_line(contact.get("username")),
        f"+{phone.lstrip('+')}" if phone else "",
        one_line(title.get("title")),
    )
    return next((name for name in called if name), "Signal" if "releaseNotes" in recipient else "")


def _join_fields(value: dict[str, Any], *names: str) -> str:
    return " ".join(filter(None, (one_line(value.get(name)) for name in names)))
