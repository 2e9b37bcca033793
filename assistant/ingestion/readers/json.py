"""Reads JSON, each item of the outermost list or object a block of `key: value` lines, and JSON Lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import read_text
from assistant.ingestion.readers.notes_json import (
    are_lines_of_chat,
    chat_of_lines,
    is_of_signal,
    readable,
    signal_blocks,
)
from assistant.ingestion.readers.paragraphs import numbered_lines
from memory_store.models import Locator

_SPACE = re.compile(r"[ \t\r\n]*")
_MOST_NAMED = 20
_LOOKED_AT = 20


class JsonReader:
    """JSON, and several values one after another. Only one item at a time becomes objects."""

    media_type = "application/json"
    suffixes = (".json", ".geojson", ".webmanifest", ".canvas")
    about = About(
        "JSON",
        "all values under their keys; chats by their shape; notes of Google Keep, cards of a canvas",
        "path such as `items[3]`, lines",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the items as they are consumed; notes, cards and messages of people as such."""
        text = read_text(file, limits)
        if found := readable(text, file, self.media_type):
            return found
        return ReadDocument(file.stem, self.media_type, _kept(_Cursor(text).documents(), file))


def _kept(blocks: Iterator[Block], file: SourceFile) -> Iterator[Block]:
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


class JsonLinesReader:
    """JSON Lines, located by line."""

    media_type = "application/jsonl"
    suffixes = (".jsonl", ".ndjson")
    about = About(
        "JSON Lines", "the same, a record a line; chats, as those of Signal", "`record 3`, line", "the file's name"
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the records as they are consumed; messages of people as such."""
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
        return ReadDocument(file.stem, self.media_type, blocks)


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
