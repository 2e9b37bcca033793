"""Reads JSON Lines: each line a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from assistant.ingestion.base import About, Block, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import lines, open_text
from assistant.ingestion.readers.notes_json import are_lines_of_chat, chat_of_lines
from assistant.ingestion.readers.signal import is_of_signal, signal_blocks
from assistant.ingestion.readers.structured import item_block

_MOST_NAMED = 20
_LOOKED_AT = 20


class JsonLinesReader:
    """JSON Lines, located by line."""

    media_type = "application/jsonl"
    suffixes = (".jsonl", ".ndjson")
    about = About(
        "JSON Lines",
        "the same, a record a line; chats, as those of Signal",
        "`record 3`, line",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the records as they are consumed; messages of people as such."""
        first = [value for _, value in islice(_values(file, limits, []), _LOOKED_AT)]
        left_out: list[LeftOut] = []
        values = _values(file, limits, left_out)
        blocks = (
            signal_blocks(values, left_out)
            if is_of_signal(first)
            else chat_of_lines((value for _, value in values), left_out)
            if are_lines_of_chat(first)
            else _records(values)
        )
        return ReadDocument(file.stem, self.media_type, blocks, left_out=left_out)


def _records(values: Iterator[tuple[int, Any]]) -> Iterator[Block]:
    for number, value in values:
        block = item_block(value, f"record {number}", number, number)
        if block is not None:
            yield block


def _values(file: SourceFile, limits: ReadLimits, left_out: list[LeftOut]) -> Iterator[tuple[int, Any]]:
    """Yield (line number, value)."""
    with open_text(file, limits) as stream:
        for number, line in enumerate(lines(stream, limits), start=1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line, strict=False)
            except ValueError as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number of absurd length"
                if len(left_out) < _MOST_NAMED:  # A file of other content has no end of them.
                    reason = f"malformed JSON at line {number}: {reason}"
                    left_out.append(LeftOut(f"line {number}", reason, "Export it again, or mend that line."))
