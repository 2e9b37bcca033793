"""Reads the activity of Gemini as Google's Takeout gives it: each prompt with its answer, as JSON or as a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Said, Skipped, Thread, Torn
from assistant.ingestion.conversations.exports import Export, Member, items, keys_until
from assistant.ingestion.conversations.values import digest, mapping, moment, sequence, text
from assistant.ingestion.readers.dates import parse_words
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.packages import check_markup_size
from memory_store.models import USER, Author, AuthorKind, Role

if TYPE_CHECKING:
    from bs4.element import Tag

_GEMINI: Final = Author(AuthorKind.MODEL, "Gemini")
_KEYS: Final = frozenset(("header", "title", "time", "products"))
_PROMPTED: Final = re.compile(
    r"(?:Prompted|Said|Asked|Eingegebener Prompt|Eingabe|Prompt saisi|Prompt inviato|Prompt|Instrucción|Requête"
    r"|提示|已提示|プロンプト)[:：]?\s+",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"\d{1,2}[:.]\d\d")
_ITS_NAME: Final = re.compile(rb'header-cell">(?:<[^>]*>)*[^<>]{0,40}Gemini')  # "Gemini-Apps", "Applications Gemini"
_HEAD_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Turn:
    """A prompt, and its answer where the export has one."""

    prompt: str
    answer: str
    at: datetime | None


class GeminiFormat:
    """`MyActivity.json` or `MyActivity.html` of the Gemini apps, under whatever name Takeout gives it."""

    key = "gemini"
    name = "Gemini"

    def recognises(self, export: Export) -> bool:
        return bool(self.members(export))

    def members(self, export: Export) -> list[Member]:
        listed = [member for member in export.members if member.name.endswith(".json") and _is_activity(member)]
        return listed + [table for table in export.tables if table.name.lower().endswith(".html") and _is_page(table)]

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield a conversation for each day: the activity does not say which prompts belong together."""
        for member in self.members(export):
            skipped: Counter[Skipped] = Counter()
            of_kind = _of_page if member.name.lower().endswith(".html") else _of_json
            turns = of_kind(member, limits, skipped)
            yield from _by_day(turns, member, export.modified_at, skipped)


def _is_activity(member: Member) -> bool:
    with member.open() as stream:
        if b'"header"' not in stream.read(_HEAD_BYTES):
            return False
    found = keys_until(member.open, lambda keys: keys >= _KEYS)
    if not found >= _KEYS:
        return False
    try:
        first = mapping(next(items(member.open, ReadLimits()), None))
    except ReadError:
        return False  # Whoever reads the file says why.
    return "gemini" in f"{first.get('header')} {first.get('products')}".casefold()


def _is_page(member: Member) -> bool:
    with member.open() as stream:
        head = stream.read(_HEAD_BYTES)
    return b"mdl-typography" in head and _ITS_NAME.search(head) is not None


def _by_day(
    turns: Iterable[_Turn], member: Member, otherwise: datetime, skipped: Counter[Skipped]
) -> Iterator[ImportedConversation | Torn]:
    count = 0
    try:
        for day, group in groupby(turns, key=lambda turn: (turn.at or otherwise).date()):
            count += 1
            thread = Thread()
            for turn in sorted(group, key=lambda turn: turn.at or otherwise):
                name = digest(turn.prompt, str(turn.at))
                thread.add(name, Said(Role.USER, turn.prompt, USER, turn.at))
                if turn.answer:
                    thread.add(f"{name}/a", Said(Role.ASSISTANT, turn.answer, _GEMINI, turn.at))
            thread.skipped.update(skipped)
            skipped.clear()  # Report once.
            messages = thread.messages(otherwise, otherwise)
            yield thread.conversation(f"gemini:{day}", f"{day}: {messages[0].text}"[:80], messages)
    except ReadError as error:
        yield Torn(count + 1, "", f"{member.name}: {error.message}", error.hint)


def _of_json(member: Member, limits: ReadLimits, skipped: Counter[Skipped]) -> Iterator[_Turn]:
    for value in map(mapping, items(member.open, limits)):
        details = {
            text(entry.get("name")): text(entry.get("value")) for entry in map(mapping, sequence(value.get("details")))
        }
        title = text(value.get("title")).strip()
        prompt = details.get("Request") or (_PROMPTED.sub("", title, count=1) if _PROMPTED.match(title) else "")
        pages = [text(mapping(item).get("html")) for item in sequence(value.get("safeHtmlItem"))]
        answer = details.get("Response") or "\n\n".join(_plain(page) for page in pages if page.strip())
        if not prompt and answer:
            prompt = title
        if prompt:
            yield _Turn(prompt.strip(), answer.strip(), moment(value.get("time")))
        else:
            skipped[Skipped.EMPTY] += 1


def _plain(markup: str) -> str:
    from assistant.ingestion.readers.markup import parse, walk

    return "\n".join(piece.text for piece in walk(parse(markup)))


def _of_page(member: Member, limits: ReadLimits, skipped: Counter[Skipped]) -> Iterator[_Turn]:
    from assistant.ingestion.readers.markup import decode, parse

    check_markup_size(member.size, limits)
    with translate_failures():
        with member.open() as stream:
            page = parse(decode(stream.read()))
        for cell in page.select("div.outer-cell"):
            body = cell.select_one("div.content-cell")
            turn = _of_cell(body) if body is not None else None
            if turn is None:
                skipped[Skipped.EMPTY] += 1
            else:
                yield turn


def _of_cell(body: Tag) -> _Turn | None:
    """Return the turn of a cell: the prompt, the time, the answer, with line breaks between them."""
    from bs4.element import Tag

    from assistant.ingestion.readers.markup import walk

    children = list(body.children)
    breaks = [at for at, child in enumerate(children) if isinstance(child, Tag) and child.name == "br"]
    for before, after in zip([-1, *breaks], breaks, strict=False):
        when = _time("".join(child.get_text() for child in children[before + 1 : after]))
        if when is None:
            continue
        prompt = "\n".join(
            line for line in ("".join(c.get_text() or "\n" for c in children[:before])).split("\n") if line.strip()
        )
        for child in children[: after + 1]:
            child.extract()
        answer = "\n".join(piece.text for piece in walk(body))
        match = _PROMPTED.match(prompt)
        if match is None and not answer.strip():
            return None
        return _Turn(prompt[match.end() :] if match else prompt, answer.strip(), when)
    return None


def _time(words: str) -> datetime | None:
    """Return the time that a line consists of, in whatever language Takeout writes it."""
    words = " ".join(words.split())
    # A prompt may hold a number too; a time of day holds most of what it needs.
    return parse_words(words) if len(words) <= 60 and _CLOCK.search(words) else None
