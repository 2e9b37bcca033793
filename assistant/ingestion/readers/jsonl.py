"""Reads JSON Lines: each line a record."""

from __future__ import annotations

import json
from collections.abc import Iterator

from assistant.ingestion.base import About, Block, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import lines, open_text
from assistant.ingestion.readers.structured import item_block

_MOST_NAMED = 20


class JsonLinesReader:
    """JSON Lines, located by line."""

    media_type = "application/jsonl"
    suffixes = (".jsonl", ".ndjson")
    about = About(
        "JSON Lines",
        "the same, a record a line",
        "`record 3`, line",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the records as they are consumed."""
        left_out: list[LeftOut] = []
        return ReadDocument(file.stem, self.media_type, _records(file, limits, left_out), left_out=left_out)


def _records(file: SourceFile, limits: ReadLimits, left_out: list[LeftOut]) -> Iterator[Block]:
    with open_text(file, limits) as stream:
        for number, line in enumerate(lines(stream, limits), start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line, strict=False)
            except ValueError as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number of absurd length"
                if len(left_out) < _MOST_NAMED:  # A file of other content has no end of them.
                    reason = f"malformed JSON at line {number}: {reason}"
                    left_out.append(LeftOut(f"line {number}", reason, "Export it again, or mend that line."))
                continue
            block = item_block(value, f"record {number}", number, number)
            if block is not None:
                yield block
