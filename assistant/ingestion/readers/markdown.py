"""Reads Markdown: the path of headings above each block, code fences and tables whole, front matter kept.

The notes of an Obsidian vault are Markdown: their wikilinks and embeds become the text that Obsidian shows for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from itertools import chain, islice
from typing import Any, Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.conversations.values import moment
from assistant.ingestion.readers.dates import parse_date, parse_words, to_utc
from assistant.ingestion.readers.encodings import first_lines
from assistant.ingestion.readers.paragraphs import LIST_ITEM, Line, Outline, lines_block, numbered_lines, paragraphs
from assistant.ingestion.readers.speakers import chat_document, may_be_chat
from assistant.ingestion.readers.tables import Row, table_lines
from memory_store.models import Locator

_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_HTML_TABLE, _HTML_LINES = "<table", 2000
_STROKE = re.compile(r"(?<!\\)\|")
# `[[Note]]`, `[[Note#Heading|shown]]`, `![[picture.png|300]]`; inside a table the stroke is escaped. Code is no link.
_CODE_OR_LINK = re.compile(r"(`++)|(!?)\[\[([^\s\[\]|][^\[\]|\n]*+)(?:\|([^\[\]\n]*+))?\]\]")
# Marks that only programs read: names of blocks, of Obsidian and Logseq, whether one is folded, when it was worked on.
_OF_PROGRAMS = re.compile(
    r"[ \t]\^[A-Za-z0-9-]{4,12}(?=[ \t]*$)|"
    r"\n?^[ \t]*(?:id:: [0-9a-f-]{36}|collapsed:: (?:true|false)|:LOGBOOK:|:END:|CLOCK: \[.*)[ \t]*$",
    re.MULTILINE,
)
# Logseq shows a block of a page elsewhere: `((id))`, `{{embed ((id))}}`, or as a link to it, `[shown](((id)))`.
_REFERENCE = re.compile(r"(\{\{embed )?(?:\[([^\[\]\n]++)\]\()?\(\(([0-9a-f-]{36})\)\)(?(2)\))(?(1)\}\})")
_EMBEDDED = re.compile(r"\{\{embed (\[\[[^\[\]\n]++\]\])\}\}")
_PROPERTY = re.compile(r"\s*([\w-]+):: ?(.*)")
_REFERRED_CHARS = 500  # of a block that a reference shows; the whole of it stands in its own place
_ITEM_MARK = re.compile(r"\s*(?:[-*+] )?(?:#{1,6} )?")
_DRAWING = re.compile(r"[`~]{3,}(?:compressed-json|excalidraw)")
_TICKS = re.compile(r"`++")
_SIZE = re.compile(r"\d+(?:x\d+)?$")
# Front matter longer than this is a document that merely opens with a rule.
_FRONT_MATTER_LINES = 200
_KEY: Final = re.compile(r"([A-Za-z_][\w -]*):\s*(.*)$")
_FENCES: Final = {"---": ("---", "..."), "+++": ("+++",)}
_TITLES: Final = ("title",)
_AUTHORS: Final = ("author", "authors", "creator", "by")
_DATES: Final = (
    *("date", "created", "published", "created_at", "date created", "created time", "creation date", "datecreated"),
    *("created-at", "createdat", "creationdate", "pubdate", "publishdate", "published_at", "datetime"),
)
_LINK_MARKS: Final = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_YEAR_2000_SECONDS: Final = 9e8
_PAGE_PROPERTY: Final = re.compile(r"([A-Za-z][\w-]*)::[ \t]+(\S.*)")


def read_markdown(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """Markdown: title and date from its front matter or first heading, line numbers, heading paths.

    Only the top is read ahead, for the title.
    """
    head = first_lines(file, limits, _FRONT_MATTER_LINES)
    dated = bool(head) and head[0].startswith("[") and may_be_chat(head[:1])
    if dated and (chat := chat_document(file, limits)):
        return chat  # As Signal's messages are exported.
    front = front_matter(head)
    # The first heading of a drawing of Excalidraw is the same in all of them.
    heading = None if file.path.endswith(".excalidraw.md") else _first_heading(head[len(front.lines) :])
    title = _replace_links(front.title or heading or file.stem)
    # A daily note is called by its day.
    created_at = front.created_at or parse_date(file.stem)
    return ReadDocument(_blocks(file, limits, front), title, front.author or None, created_at, "text/markdown")


MARKDOWN = Reader("text/markdown", (".md", ".markdown", ".mdown", ".mkd"), read_markdown)


def opens_like_markdown(first: list[str]) -> bool:
    """Return whether the first three lines of a text file are front matter or a heading with a blank line after it."""
    if opens_front_matter(first):
        return True
    return len(first) >= 2 and re.match(r"#{1,6} \S", first[0]) is not None and not first[1].strip()


def _first_heading(head: list[str]) -> str | None:
    fenced = False
    for index, line in enumerate(head):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (heading := _heading(line)) and heading[1]:
            return heading[1]
        elif not fenced and index and re.match(r"=+\s*$", line) and head[index - 1].strip():
            return head[index - 1].strip()
    return None


def _blocks(file: SourceFile, limits: ReadLimits, front: FrontMatter) -> Iterator[Block]:
    named = cache(partial(_blocks_by_id, file, limits))
    numbered = numbered_lines(file, limits)
    inner = list(islice(numbered, len(front.lines)))[1:-1]
    if any(line.text.strip() for line in inner):
        yield _resolve_links(lines_block(inner, BlockKind.PARAGRAPH, ()), named)
    for block in markdown_blocks(numbered):
        if block.kind is BlockKind.CODE and _DRAWING.match(block.text):
            continue  # A drawing of Excalidraw, packed; its words stand above.
        yield _resolve_links(block, named)


def _blocks_by_id(file: SourceFile, limits: ReadLimits) -> dict[str, str]:
    """Return the first line of each block that a page of Logseq gives an id, which stands below it."""
    named: dict[str, str] = {}
    words = ""
    for line in numbered_lines(file, limits):
        match = _PROPERTY.fullmatch(line.text)
        if match is None:
            words = line.text
        elif match[1] == "id" and words.strip():
            named[match[2].strip()] = _replace_links(_ITEM_MARK.sub("", words, count=1)).strip()[:_REFERRED_CHARS]
    return named


def _resolve_links(block: Block, named: Callable[[], dict[str, str]]) -> Block:
    """Return a block with its wikilinks and references as they are shown, in its text and in the headings above it."""
    locator = block.locator
    if any("[[" in heading for heading in locator.headings):
        locator = replace(locator, headings=tuple(_replace_links(heading) for heading in locator.headings))
    text = block.text
    if block.kind is not BlockKind.CODE:
        text = _EMBEDDED.sub(r"\1", text) if "{{embed" in text else text
        text = _replace_links(_OF_PROGRAMS.sub("", text)) if "[[" in text or _OF_PROGRAMS.search(text) else text
        if "((" in text and _REFERENCE.search(text):
            text = _REFERENCE.sub(lambda found: found[2] or named().get(found[3], found[0]), text)
    return block if text is block.text and locator is block.locator else replace(block, text=text, locator=locator)


def _replace_links(text: str) -> str:
    if "[[" not in text:
        return text
    code_ends = _code_ends(text)
    pieces: list[str] = []
    kept = at = 0
    while match := _CODE_OR_LINK.search(text, at):
        at = match.end()
        if match[1]:
            at = code_ends.get(match.start(), at)
        else:
            pieces += text[kept : match.start()], _link_text(bool(match[2]), match[3], match[4])
            kept = at
    return "".join((*pieces, text[kept:]))


def _code_ends(text: str) -> dict[int, int]:
    """Return where the code ends that a run of backticks begins: after the next run of the same length."""
    ends: dict[int, int] = {}
    nearest: dict[int, int] = {}
    for run in reversed(list(_TICKS.finditer(text))):
        length = run.end() - run.start()
        if length in nearest:
            ends[run.start()] = nearest[length]
        nearest[length] = run.end()
    return ends


def _link_text(embedded: bool, target: str, shown: str | None) -> str:
    target = target.removesuffix("\\").strip() if shown is not None else target.strip()
    shown = (shown or "").strip()
    if shown and not (embedded and _SIZE.match(shown)):
        return shown
    # A heading or a block of a note stands after its name; of the same note, it stands alone.
    return " > ".join(piece.strip() for piece in target.replace("#^", "#").split("#") if piece.strip()) or target


def _heading(line: str) -> tuple[int, str] | None:
    """Return the level and title of a line that is a heading (CommonMark, section 4.2)."""
    marked = line.lstrip(" ")
    title = marked.lstrip("#")
    level = len(marked) - len(title)
    if not 1 <= level <= 6 or len(line) - len(marked) > 3 or title[:1] not in ("", " ", "\t"):
        return None
    title = title.strip(" \t")
    open_ended = title.rstrip("#")
    if open_ended[-1:] in (" ", "\t"):  # The marks that close a heading stand apart from it.
        title = open_ended.rstrip(" \t")
    return level, title


def markdown_blocks(numbered: Iterator[Line]) -> Iterator[Block]:
    """Yield the blocks of Markdown lines."""
    outline = Outline()
    run: list[Line] = []
    after_table: list[Line] = []
    while line := after_table.pop() if after_table else next(numbered, None):
        if heading := _heading(line.text):
            yield from _prose(run, outline)
            run = []
            yield from outline.heading(*heading, line.number, line.number)
        elif fence := _FENCE.match(line.text):
            yield from _prose(run, outline)
            run = []
            yield lines_block(_read_fence(line, fence[1], numbered), BlockKind.CODE, outline.path)
        elif line.text.lstrip()[: len(_HTML_TABLE)].lower() == _HTML_TABLE:
            yield from _prose(run, outline)
            run = []
            yield from _html_table(line, numbered, outline.path)
        elif run and _begins_table(run[-1].text, line.text):
            yield from _prose(run[:-1], outline)
            yield from _table(run[-1], numbered, outline.path, after_table)
            run = []
        elif run and (underline := _UNDERLINE.match(line.text)) and _can_be_heading(run):
            level = 1 if underline[1].startswith("=") else 2
            yield from outline.heading(level, run[0].text.strip(), run[0].number, line.number)
            run = []
        elif not line.text.strip() or len(run) >= 64:
            yield from _prose(run, outline)
            run = [line] if line.text.strip() else []
        else:
            run.append(line)
    yield from _prose(run, outline)


def _can_be_heading(run: list[Line]) -> bool:
    # CommonMark lets a heading span lines; in notes, a paragraph above a rule without blank line is the likelier case.
    text = run[0].text
    return len(run) == 1 and not _TABLE_ROW.match(text) and not LIST_ITEM.match(text) and not text.startswith(">")


def _read_fence(opening: Line, fence: str, numbered: Iterator[Line]) -> list[Line]:
    piece = [opening]
    for line in numbered:
        piece.append(line)
        closing = line.text.strip()
        if closing.startswith(fence) and not closing.strip(fence[0]):
            break
    return piece


def _begins_table(names: str, line: str) -> bool:
    """Say whether a line is the rule between the names of a table's columns and its rows."""
    return "|" in names and _TABLE_RULE.match(line) is not None and len(_cells(line)) == len(_cells(names))


def _table(names: Line, numbered: Iterator[Line], path: tuple[str, ...], after_table: list[Line]) -> Iterator[Block]:
    """Yield a table's rows with the names of their columns; the line that ends it goes to `after_table`."""

    def rows() -> Iterator[Row]:
        yield Row(_cells(names.text), names.number, marked=True)
        for line in numbered:
            if "|" not in line.text or _heading(line.text) or _FENCE.match(line.text):
                after_table.append(line)
                return
            yield Row(_cells(line.text), line.number)

    for row, text in table_lines(rows(), has_header=False):
        locator = Locator(headings=path, line_start=row.number, line_end=row.number)
        yield Block(text, locator, BlockKind.TABLE)


def _html_table(opening: Line, numbered: Iterator[Line], path: tuple[str, ...]) -> Iterator[Block]:
    """Yield a table that is written as HTML, or its lines where it does not end."""
    piece = [opening]
    while "</table" not in piece[-1].text.lower() and len(piece) < _HTML_LINES and (line := next(numbered, None)):
        piece.append(line)
    if "</table" not in piece[-1].text.lower():
        yield from paragraphs(iter(piece), path)
        return
    from assistant.ingestion.readers.markup import parse, walk  # most notes need no parser of HTML

    locator = Locator(headings=path, line_start=opening.number, line_end=piece[-1].number)
    for found in walk(parse("\n".join(line.text for line in piece))):
        yield Block(found.text, locator, found.kind)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.replace("\\|", "|").strip() for cell in _STROKE.split(inner)]


def _prose(run: list[Line], outline: Outline) -> Iterator[Block]:
    """Yield a run of lines without blank ones: table rows, indented code, or paragraphs and list items."""
    if not run:
        return
    if all(_TABLE_ROW.match(line.text) for line in run):
        for line in run:
            yield lines_block([line], BlockKind.TABLE, outline.path)
    else:
        yield from paragraphs(chain(run), outline.path)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands at the top of a note: its lines, and what they say of title, author and time."""

    lines: list[Line] = field(default_factory=list)
    title: str = ""
    author: str = ""
    created_at: datetime | None = None


def opens_front_matter(first: list[str]) -> bool:
    """Return whether the first lines of a text file are front matter: a fence, and a key under it."""
    return len(first) >= 2 and first[0] == "---" and _KEY.match(first[1]) is not None


def front_matter(head: list[str]) -> FrontMatter:
    """Return the front matter of a note whose first lines these are; an empty one if it has none."""
    ends = _FENCES.get(head[0].rstrip()) if head else None
    if ends is None:
        return _of_properties(head)
    end = next((index for index, line in enumerate(head[1:], 1) if line.rstrip() in ends), None)
    if end is None:
        return FrontMatter()
    inner = head[1:end]
    values = _parse_values("\n".join(inner), head[0].rstrip())
    if values is None:
        values = _by_lines(inner)
    numbered = [Line(number, line) for number, line in enumerate(head[: end + 1], 1)]
    return _describe(values, numbered)


def _describe(values: dict[str, Any], lines: list[Line]) -> FrontMatter:
    lowered = {str(key).strip().lower(): value for key, value in values.items()}
    title = next((words for key in _TITLES if (words := _words(lowered.get(key)))), "")
    author = next((words for key in _AUTHORS if (words := _words(lowered.get(key)))), "")
    created = next((found for key in _DATES if (found := _moment(lowered.get(key)))), None)
    return FrontMatter(lines, title, author, created)


def _of_properties(head: list[str]) -> FrontMatter:
    """Return the properties of a page of Logseq's, `title:: Boat`, which need no fence and stay part of its text."""
    values: dict[str, Any] = {}
    for line in head:
        match = _PAGE_PROPERTY.fullmatch(line.rstrip())
        if match is None:
            break
        values[match[1]] = match[2]
    return _describe(values, [])


def _parse_values(text: str, fence: str) -> dict[str, Any] | None:
    """Return the values of front matter, or None if it is malformed."""
    if fence == "+++":
        import tomllib

        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            return None
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
    import yaml

    try:
        # The safe loader makes plain values alone, and an alias no copy of what it stands for.
        value = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError, OverflowError):
        return None
    return value if isinstance(value, dict) else None


def _by_lines(lines: list[str]) -> dict[str, Any]:
    """Return what is plainly `key: value` in YAML that is malformed, as a template or a wikilink makes it."""
    values: dict[str, Any] = {}
    key = ""
    for line in lines:
        if match := _KEY.match(line):
            key = match[1].strip().lower()
            values[key] = match[2].strip().strip("\"'")
        elif line.lstrip().startswith("- ") and not values.get(key):
            values[key] = line.strip()[2:].strip("\"' ")
    return values


def _words(value: object) -> str:
    """Return a value as words: a list is named after each other, an object by its name."""
    return ", ".join(dict.fromkeys(_each(value, 0)))


def _each(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, list) and depth < 3:
        # `[[Ada]]` is a wikilink to a person, and to YAML a list in a list.
        for item in value[:50]:
            yield from _each(item, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        yield from _each(value.get("name") or value.get("title"), depth + 1)
    elif isinstance(value, str | int | float | date) and not isinstance(value, bool):
        words = " ".join(_LINK_MARKS.sub(r"\1", str(value)).split())
        yield from [words] if words else []


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return to_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float):
        return moment(value) if value > _YEAR_2000_SECONDS else None
    if isinstance(value, list) and value:
        return _moment(value[0])
    # "Tuesday, March 4th 2025, 10:22:33 am", as a plugin of Obsidian writes it.
    return parse_words(value) if isinstance(value, str) else None
