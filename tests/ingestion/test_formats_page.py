"""docs/formats.md says what the readers do: every suffix, every assistant, every limit and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.config import ImportConfig
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.registry import FORMATS
from assistant.ingestion.readers.registry import READERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "formats.md").read_text("utf-8")


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_reader_has_a_row_of_its_suffixes_in_the_table() -> None:
    lines = [line for line in section("Formats and locators").splitlines() if line.startswith("| ")]
    rows = [tuple(re.findall(r"`(\.\w+)`", line.split("|")[2])) for line in lines[1:]]
    assert rows == [*(reader.suffixes for reader in READERS), (".zip",)]
    assert all(cell.strip() for line in lines for cell in line.split("|")[1:-1])


def test_every_assistant_has_its_steps() -> None:
    rows = section("Arriving from another assistant").splitlines()
    assert [row.split("|")[1].strip() for row in rows if row.startswith("| ")][1:] == [
        *(one.name for one in FORMATS if one.key != "keepsake"),
        "Keepsake",
    ]


def test_the_limits_are_those_in_force() -> None:
    limits, settings, page = ReadLimits(), ImportConfig(), section("Limits")
    assert limits.max_file_bytes == settings.max_file_mb * 1024**2
    assert limits.max_markup_bytes == settings.max_markup_mb * 1024**2
    assert limits.max_memory_bytes == settings.max_memory_mb * 1024**2
    assert (limits.max_line_chars, limits.max_seconds) == (settings.max_line_chars, settings.max_seconds)
    for words in (
        f"| {settings.max_file_mb} MB |",
        f"| {settings.max_markup_mb} MB |",
        f"| {limits.max_text_chars:,} characters |",
        f"| {limits.max_line_chars:,} characters |",
        f"| {limits.max_members:,} |",
        f"| {limits.max_decompressed_bytes // 1024**2:,} MB |",
        f"| {limits.max_ratio} times |",
        f"| {limits.max_nesting} deep",
        f"| {settings.max_seconds:g} s (`max_seconds`) and {settings.max_memory_mb:,} MB",
    ):
        assert words in page, words


@pytest.mark.parametrize("path", sorted((ROOT / "assistant" / "ingestion").rglob("*.py")), ids=lambda path: path.name)
def test_every_reason_that_a_reader_gives_stands_on_the_page(path: Path) -> None:
    """A reason's first three words, up to what is put into it, are on the page."""
    page = re.sub(r"\s+", " ", PAGE)
    for reason in re.findall(r'(?:ReadError|torn|_torn)\(\s*f?"([^"]+)"', path.read_text("utf-8")):
        words = " ".join(re.split(r"[{:;(]| at ", reason)[0].split()[:3])
        if path.name == "pdf.py" and "torn or damaged" not in reason and "_torn" in path.read_text("utf-8"):
            continue  # These complete "torn or damaged PDF: …".
        assert words in page, reason
