"""A vault of Obsidian: links as they are shown, tags and aliases kept, its settings passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.discovery import discover
from assistant.ingestion.readers.registry import read_document
from tests.ingestion.files import read, text_of


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("See [[Boiler]].", "See Boiler."),
        ("See [[notes/Boiler|the boiler]].", "See the boiler."),
        ("See [[Boiler#Pressure]] and [[#Pressure]].", "See Boiler > Pressure and Pressure."),
        ("See [[Boiler#^a1b2]].", "See Boiler > a1b2."),
        ("![[boiler.png]]", "boiler.png"),
        ("![[boiler.png|300x200]]", "boiler.png"),
        ("![[Boiler|The manual]]", "The manual"),
        ("| [[Boiler\\|b]] | x |", "| b | x |"),
        ("Run `[[ -f x ]]` and `[[Boiler]]`.", "Run `[[ -f x ]]` and `[[Boiler]]`."),
        ("if [[ -f x ]]; then", "if [[ -f x ]]; then"),
        ("```\n[[Boiler]]\n```", "```\n[[Boiler]]\n```"),
        ("A [[broken link", "A [[broken link"),
        ("[[]] [[|]] [[a]]", "[[]] [[|]] a"),
    ],
)
def test_wikilinks_and_embeds_are_read_as_they_are_shown(written: str, shown: str) -> None:
    assert text_of(read(written, "a.md")[1]) == shown


def test_headings_and_titles_show_their_links_and_lines_stay_where_they_are() -> None:
    document, blocks = read("# About [[Boiler|it]]\n\nFirst [[A]]\nsecond [[B]].\n", "a.md")
    assert document.title == "About it"
    assert (blocks[1].locator.headings, blocks[1].locator.line_start, blocks[1].locator.line_end) == (
        ("About it",),
        3,
        4,
    )


def test_tags_and_aliases_are_text() -> None:
    _, blocks = read("---\ntags: [home, heating]\naliases:\n  - the beast\n---\nIt leaks. #urgent\n", "a.md")
    assert text_of(blocks) == "tags: [home, heating]\naliases:\n  - the beast\nIt leaks. #urgent"


def test_a_vault_gives_its_notes_and_names_attachments_as_not_read(tmp_path: Path) -> None:
    for name, content in {
        "Boiler.md": b"words",
        ".obsidian/app.json": b"{}",
        ".trash/Old.md": b"old",
        "files/boiler.png": b"\x89PNG\r\n\x1a\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = list(discover([tmp_path], ReadLimits()))
    assert [Path(item.path).name for item in found] == ["Boiler.md", "boiler.png"]
    with pytest.raises(ReadError, match="a picture"):
        read_document(found[1], ReadLimits())  # type: ignore[arg-type]
