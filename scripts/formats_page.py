"""Writes the table of formats in docs/formats.md from what the readers say of themselves.

python scripts/formats_page.py           write it
python scripts/formats_page.py --check   only say whether it is out of date (exit code 1)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from assistant.ingestion.readers.registry import READERS

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
_HEAD = (
    "| Format | Suffixes | What is read | Located by | Title, author and time |",
    "|---|---|---|---|---|",
)
_ZIP = (
    "Zip",
    "`.zip`",
    "its members",
    "each member is a document, `archive.zip!/folder/notes.md`",
    "as its format says",
)
# Whose files need no suffix of theirs.
_BESIDE = {
    ".txt": ", and any text of another suffix",
    ".mbox": ", and mailboxes without suffix",
}


def table() -> str:
    """Return the table: a row for each reader, in the order of the registry, and one for zips."""
    rows = [*_HEAD]
    for reader in READERS:
        suffixes = " ".join(f"`{one}`" for one in reader.suffixes) + _BESIDE.get(reader.suffixes[0], "")
        about = reader.about
        rows.append(_row(about.name, suffixes, about.reads, about.located_by, about.described_by))
    return "\n".join([*rows, _row(*_ZIP)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the table, or with `--check` compare it."""
    page = PAGE.read_text("utf-8")
    begin = page.index("| Format |")
    end = page.index("\n\n", begin)
    stale = page[begin:end] != table()
    if stale and "--check" not in sys.argv[1:]:
        PAGE.write_text(page[:begin] + table() + page[end:], "utf-8")
    print(f"{PAGE.name} {'was' if '--check' not in sys.argv[1:] else 'is'} {'out of date' if stale else 'current'}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
