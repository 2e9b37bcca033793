"""Reads what people wrote to each other, as WhatsApp, Signal, WeChat or LINE export it: who said what, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, pairwise
from pathlib import PurePosixPath
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import first_lines, lines, open_text
from memory_store.models import Author, AuthorKind, Locator

_DATE: Final = (
    r"(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?|\d{4}\. \d{1,2}\. \d{1,2}\.|\d{4}年\d{1,2}月\d{1,2}日|"
    r"\d{4}년 \d{1,2}월 \d{1,2}일)"
)
_BETWEEN: Final = r"[,，،]?\s+(?:(?:à|às|um|kl\.|в|a las|alle)\s+)?"  # the day and the hour
_CLOCK: Final = (
    r"(?P<before>上午|下午|午前|午後|오전|오후)?\s?(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?"
    r"(?:\s?(?P<half>[APap]\.?\s?[Mm]\.?|[صم](?=[\s\]])|[πμ]\.?μ\.?|Ö[ÖS]))?"
)
# "[14/10/2025, 3:34:09 PM] Lena: words" and "05.01.26, 10:02 - Lena: words"; the marks before it turn the direction.
_BEGINS: Final = re.compile(
    rf"[\u200e\u200f\ufeff]*(?:\[{_DATE}{_BETWEEN}{_CLOCK}\]\s*|{_DATE.replace('date', 'date2')}{_BETWEEN}"
    + re.sub(r"\?P<(\w+)>", r"?P<\g<1>2>", _CLOCK)
    + r"(?:\s+[-–]\s+|,\s(?=[^:\n]{1,60} : )))(?:(?P<speaker>[^:\n]{1,60}?):(?:\s|$))?(?P<text>.*)"
)
# A line with the time and the name alone, above the words.
_ABOVE: Final = re.compile(
    rf"(?:{_DATE}\s+{_CLOCK}\s+(?P<speaker>\S.{{0,60}})|"
    rf"(?P<speaker2>\S.{{0,60}}?)\s+{_DATE.replace('date', 'date2')}\s+"
    + re.sub(r"\?P<(\w+)>", r"?P<\g<1>2>", _CLOCK)
    + r")\s*"
)
# LINE writes the day on a line of its own, and then "10:02<tab>Lena<tab>words".
_TABBED: Final = re.compile(rf"{_CLOCK}\t(?P<speaker>[^\t]{{1,60}})\t(?P<text>.*)")
# KakaoTalk writes the day between rules, and then "[Lena] [오전 10:03] words".
_BRACKETED: Final = re.compile(
    r"\[(?P<speaker>[^\[\]]{1,60})\] \[(?P<before>오전|오후)? ?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?P<second>)"
    r"(?: (?P<half>[AP]M))?\] (?P<text>.*)"
)
_DAY: Final = re.compile(
    rf"(?:-{{5,40}} )?(?:{_DATE}|(?P<date3>\d{{4}}년 \d{{1,2}}월 \d{{1,2}}일))\s*"
    r"(?:[(（].{1,9}[)）]|\w{2,9})?\s*(?:-{5,40})?"
)
_BY_DAY: Final = (_TABBED, _BRACKETED)
_MEDIA: Final = re.compile(
    r"\u200e?<[^<>]{3,120}>|\u200e?[^\n]{3,40} (?:omitted|weggelassen|ausgeschlossen|omis|omise|omesso|omitid[oa])|"
    r"\u200e?[^\n]{1,9}已?省略|"
    r"[^\n]{1,80} \((?:file attached|Datei angehängt|archivo adjunto|fichier joint)\)"
)
_EDITED: Final = re.compile(
    r"\s{0,3}\u200e?<[^<>]{0,60}(?:edited|bearbeitet|modifi|edita|bewerkt|изменено|編集|编辑)[^<>]{0,60}>$",
    re.IGNORECASE,
)
_DIRECTIONS: Final = dict.fromkeys(map(ord, "\u200e\u200f"))
_HEAD_CHARS: Final = 40
_LEVELS: Final = frozenset(("DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "TRACE", "CRITICAL"))
_LOOKED_AT: Final = 40
_SAME_BREATH: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Uttered:
    """A message; `speaker` is empty for what the program itself says. Lines are those of the file, if it has any."""

    speaker: str
    text: str
    at: datetime | None
    first_line: int | None = None
    last_line: int | None = None


def chat_blocks(messages: Iterable[Uttered]) -> Iterator[Block]:
    """Yield each message as a block with its speaker and time; what one says in one breath bears one time."""
    before: Uttered | None = None
    began: datetime | None = None
    for message in messages:
        if not message.text.strip():
            continue
        goes_on = before is not None and before.speaker == message.speaker and _soon(before.at, message.at)
        began = began if goes_on else message.at
        author = Author(AuthorKind.DOCUMENT, message.speaker or None)
        text = f"{message.speaker}: {message.text}" if message.speaker and not goes_on else message.text
        place = Locator(line_start=message.first_line, line_end=message.last_line)
        yield Block(text, place, BlockKind.LIST, author, began)
        before = message


def _soon(before: datetime | None, after: datetime | None) -> bool:
    return before is not None and after is not None and timedelta() <= after - before <= _SAME_BREATH


def may_be_chat(first: list[str]) -> bool:
    """Return whether a text file begins so that it is worth a closer look: with a date, or a name and a date."""
    opening = next((line for line in first if line.strip()), "")
    return opening.startswith("[LINE]") or "카카오톡" in opening or len(re.findall(r"\d+", opening[:80])) >= 5


def chat_document(file: SourceFile, limits: ReadLimits) -> ReadDocument | None:
    """Return a text file as a chat, or None if it is none."""
    head = [line for line in first_lines(file, limits, _LOOKED_AT) if line.strip()]
    parse = _form(head)
    if parse is None:
        return None
    # WhatsApp packs each chat as `_chat.txt` into a zip that is called after it.
    outer = PurePosixPath(file.path).parent.name.removesuffix("!")
    title = outer.removesuffix(".zip") if file.stem == "_chat" and outer.endswith(".zip") else file.stem
    return ReadDocument(chat_blocks(_messages(file, limits, parse)), title)


@dataclass(frozen=True, slots=True)
class _Begun:
    """The beginning of a message: its day and time as they are written."""

    date: str
    clock: tuple[str | None, ...]
    speaker: str
    text: str


def _form(head: list[str]) -> re.Pattern[str] | None:
    if not head:
        return None
    if _is_chat(head):
        return _BEGINS
    for form in _BY_DAY:
        if sum(form.fullmatch(line) is not None for line in head) >= 2 and any(map(_DAY.fullmatch, head[:5])):
            return form
    above = [_ABOVE.fullmatch(line) is not None for line in head]
    # In a log every line begins so; in a chat words follow each of them.
    answered = sum(named and not following for named, following in pairwise(above))
    return _ABOVE if above[0] and answered >= 2 and answered >= sum(above) - 1 else None


def _is_chat(head: list[str]) -> bool:
    found = [match for line in head if (match := _BEGINS.match(_strip_directions(line)))]
    if not _BEGINS.match(_strip_directions(head[0])) or len(found) < min(2, len(head)):
        return False
    return any(match["speaker"] and match["speaker"].strip() not in _LEVELS for match in found)


def _messages(file: SourceFile, limits: ReadLimits, form: re.Pattern[str]) -> Iterator[Uttered]:
    order = _order(file, limits, form)
    pictures = 0
    for first, last, begun, said in _read_beginnings(file, limits, form):
        if _MEDIA.fullmatch(said) and begun.speaker:
            pictures += 1
            continue
        yield Uttered(begun.speaker, _EDITED.sub("", said).replace("\u200e", ""), _moment(begun, order), first, last)
    if pictures:
        reason = f"pictures, recordings or files that the export left out: {pictures:,}"
        file.note("media", reason, "Export the chat with its media, or save those in the program.")


def _read_beginnings(
    file: SourceFile, limits: ReadLimits, form: re.Pattern[str]
) -> Iterator[tuple[int, int, _Begun, str]]:
    """Yield (first line, last line, beginning, words) of each message."""
    current: _Begun | None = None
    first, last, day = 1, 0, ""
    held: list[str] = []
    with open_text(file, limits) as stream:
        for number, line in enumerate(chain(lines(stream, limits), [None]), start=1):
            begun = _start(line, form, day) if line is not None else None
            if form in _BY_DAY and line is not None and (match := _DAY.fullmatch(line)):
                day = match["date"] or match["date3"]
                continue
            if current is not None and (begun is not None or line is None):
                yield first, last, current, "\n".join(held).strip()
                held = []
            if begun is not None:
                current, first, held = begun, number, [begun.text]
            elif line is not None and current is not None:
                held.append(line)
            last = number if line and line.strip() else last


def _start(line: str, form: re.Pattern[str], day: str) -> _Begun | None:
    match = form.match(_strip_directions(line)) if form is _BEGINS else form.fullmatch(line)
    if match is None:
        return None
    groups = match.groupdict()
    second = groups.get("hour") is None
    clock = tuple(groups.get(f"{name}2" if second else name) for name in ("hour", "minute", "second", "half", "before"))
    date = groups.get("date2" if second else "date") or day
    speaker = (groups.get("speaker") or groups.get("speaker2") or "").strip("\u200e\u200f~ \u202f")
    return _Begun(date, clock, re.sub(r"\(\d{5,}\)$|<[^<>]*>$", "", speaker).strip(), groups.get("text") or "")


def _strip_directions(line: str) -> str:
    """Return a line without the marks of direction that stand in the day and hour of an Arabic or Hebrew chat."""
    if "\u200f" not in line[:_HEAD_CHARS]:
        return line
    return line[:_HEAD_CHARS].translate(_DIRECTIONS) + line[_HEAD_CHARS:]


def _order(file: SourceFile, limits: ReadLimits, form: re.Pattern[str]) -> str:
    """Return in which order the days are written: that in which all are days and time does not go back."""
    begun = [item for _, _, item, _ in islice(_read_beginnings(file, limits, form), 2000)]
    backwards = {}
    for order in ("dmy", "mdy", "ymd"):
        moments = [_moment(item, order) for item in begun]
        if all(moments):
            known = [moment for moment in moments if moment]
            backwards[order] = sum(after < before for before, after in pairwise(known))
    american = any(re.fullmatch("[APap][Mm]", item.clock[3] or "") and "/" in item.date for item in begun)
    ways = sorted(backwards, key=lambda order: (backwards[order], (order == "dmy") == american))
    return ways[0] if ways else "dmy"


def _moment(begun: _Begun, order: str) -> datetime | None:
    numbers = [int(item) for item in re.findall(r"\d+", begun.date)]
    hour, minute, second, half, before = begun.clock
    if len(numbers) != 3 or hour is None or minute is None:
        return None
    by = dict(zip("ymd" if len(re.findall(r"\d+", begun.date)[0]) == 4 else order, numbers, strict=True))
    year = by["y"] + 2000 if by["y"] < 100 else by["y"]
    at = int(hour)
    late = (half or "").casefold().startswith(("p", "م", "μ", "ös")) or before in ("下午", "午後", "오후")
    if half or before:
        at = at % 12 + 12 * late
    try:
        return datetime(year, by["m"], by["d"], at, int(minute), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
