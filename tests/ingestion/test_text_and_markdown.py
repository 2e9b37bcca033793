"""Markdown and plain text: structure, lines, encodings, and what is refused."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import BlockKind, ReadLimits
from assistant.ingestion.readers.registry import read_document
from tests.ingestion.files import LIMITS, file_of, read, text_of

MARKDOWN = """---
title: "House book"
date: 2025-06-11
author:
  - "[[Ada]]"
---
# Home

Intro.

## Boiler
Vaillant.
Serviced.

- one
- two

```sh
# not a heading

echo
```

Router
------
| name | place |
|---|---|
| hub | study |
"""


def test_markdown_blocks_know_their_headings_and_lines() -> None:
    _, blocks = read(MARKDOWN, "home.md")
    places = {block.text.splitlines()[0]: block.locator for block in blocks}
    assert places["Vaillant."].headings == ("Home", "Boiler")
    assert (places["Vaillant."].line_start, places["Vaillant."].line_end) == (12, 13)
    assert places["- two"].line_start == 16
    assert places["name: hub | place: study"].headings == ("Home", "Router")


def test_markdown_front_matter_gives_title_date_and_author_and_stays_findable() -> None:
    document, blocks = read(MARKDOWN, "home.md")
    assert (document.title, document.author) == ("House book", "Ada")
    assert document.created_at == datetime(2025, 6, 11, tzinfo=UTC)
    assert "House book" in text_of(blocks)


def test_a_code_fence_stays_whole_and_its_comments_are_no_headings() -> None:
    _, blocks = read(MARKDOWN, "home.md")
    (code,) = [block for block in blocks if block.kind is BlockKind.CODE]
    assert code.text == "```sh\n# not a heading\n\necho\n```"
    assert code.locator.headings == ("Home", "Boiler")


def test_every_word_of_markdown_is_in_some_block() -> None:
    _, blocks = read(MARKDOWN, "home.md")
    words = re.findall(r"\w+", MARKDOWN.replace("| name | place |\n|---|---|\n| hub | study |", "name hub place study"))
    assert re.findall(r"\w+", text_of(blocks)) == words


def test_markdown_without_front_matter_takes_its_first_heading_as_title() -> None:
    assert read("text\n\n# The *garden*\n\nbeans", "g.md")[0].title == "The *garden*"


def test_a_text_file_that_opens_like_markdown_is_read_as_such() -> None:
    document, blocks = read("# Trip\n\nto Brest", "trip.txt")
    assert document.media_type == "text/markdown"
    assert blocks[1].locator.headings == ("Trip",)


def test_plain_text_keeps_wrapped_paragraphs_together_with_their_lines() -> None:
    _, blocks = read("one\ntwo\n\n\nthree\r\nfour\n", "a.txt")
    assert [(b.text, b.locator.line_start, b.locator.line_end) for b in blocks] == [
        ("one\ntwo", 1, 2),
        ("three\nfour", 5, 6),
    ]


def test_long_lines_of_plain_text_are_paragraphs_of_their_own() -> None:
    line = "A long line that no editor has wrapped. " * 5
    _, blocks = read(f"{line}\n{line}\nshort\n", "a.txt")
    assert [block.locator.line_start for block in blocks] == [1, 2, 3]


CHINESE = "置身事内，讲的是地方政府的土地财政。最有用的是第三章。\n"
JAPANESE = "日本語のメモです。来週の火曜日に歯医者へ行きます。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-be"),
        (CHINESE * 3, "utf-8-sig"),
        ("臺灣的讀書筆記，第三章最有用，說明城市怎樣融資。\n", "big5"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "utf-16"),
        ("한국어 메모입니다. 다음 주 화요일에 치과에 갑니다.\n", "cp949"),
        ("Café crème à la française, 12 €. Ça va très bien.\n", "cp1252"),
        ("Größe: fünf Äpfel, süß.\n", "latin-1"),
        ("ASCII for a long while. " * 500 + "\ncafé\n", "latin-1"),
        ("plain words\nand lines\n", "utf-16-le"),
    ],
)
def test_text_of_many_encodings_comes_out_right(text: str, encoding: str) -> None:
    _, blocks = read(text.encode(encoding), "a.txt")
    assert text_of(blocks).split() == text.split()


def test_nul_is_removed_and_terminal_escapes_are_left_alone() -> None:
    _, blocks = read(b"x" * 9000 + b"\n\nred \x1b[31malarm\x00 off\n", "a.txt")
    assert blocks[-1].text == "red \x1b[31malarm off"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.txt", "empty file"),
        (b" \n\n\t\n", "a.txt", "no text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a.txt", "a picture: its text was not recognised"),
        (bytes(range(256)) * 8, "a.md", "binary"),
        (b"\x7fELF\x02\x01\x01\x00", "tool", "not a format Keepsake reads"),
        (b"just words", "a.pdf", "no PDF inside"),
        (b"just words", "a.docx", "no Word document"),
        (b"just words", "a.epub", "no EPUB book"),
    ],
)
def test_what_is_no_text_is_refused_with_its_reason(content: bytes, name: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read(content, name)
    assert caught.value.hint


def test_a_file_that_may_not_be_read_says_so() -> None:
    def refuse() -> BinaryIO:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(ReadError, match="no permission"):
        read_document(replace(file_of("x"), open=refuse), LIMITS)


def test_a_disk_error_halfway_is_a_read_error() -> None:
    class Failing(BytesIO):
        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

        read1 = read = readinto  # type: ignore[assignment]

    with pytest.raises(ReadError, match="Input/output error"):
        list(read_document(replace(file_of("x"), open=Failing), LIMITS).blocks)


def test_a_file_above_the_limit_is_not_opened() -> None:
    with pytest.raises(ReadError, match="too large: 201 MB, the limit is 200 MB"):
        read_document(replace(file_of("x"), size=201 * 1024**2), LIMITS)


def test_a_line_above_the_limit_is_refused() -> None:
    with pytest.raises(ReadError, match="a line of more than 100 characters"):
        read("fine\n" + "x" * 101 + "\nfine", "a.txt", ReadLimits(max_line_chars=100))


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.jsonl"])
def test_a_huge_line_is_refused_in_bounded_memory(name: str) -> None:
    size = 60 * 1024**2

    class Sparse(BytesIO):
        """Endless letters that are never held."""

        at = 0

        def read(self, count: int | None = -1) -> bytes:
            wanted = size - self.at if count is None or count < 0 else count
            piece = b"x" * min(wanted, size - self.at)
            self.at += len(piece)
            return piece

        read1 = read

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            piece = self.read(len(buffer))
            buffer[: len(piece)] = piece
            return len(piece)

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset
            return offset

    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match="a line of more than 1,000,000 characters"):
            list(read_document(replace(file_of("x", name), open=Sparse, size=size), LIMITS).blocks)
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024**2
    finally:
        tracemalloc.stop()


def test_too_much_text_is_refused() -> None:
    with pytest.raises(ReadError, match="more than 50 characters of text"):
        read("some words\n\n" * 10, "a.txt", ReadLimits(max_text_chars=50))


def test_the_limits_hold_for_a_file_read_in_pieces_without_holding_it() -> None:
    data = (b"A line of a log that goes on. " * 4 + b"\n") * 50_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_document(file_of(data, "a.log"), LIMITS).blocks)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024**2
    finally:
        tracemalloc.stop()
    assert count > 500
