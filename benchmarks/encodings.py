"""How many labelled texts are read right: `python -m benchmarks.encodings FOLDER`.

FOLDER holds a folder for each encoding, such as the `tests` of the chardet project: `windows-1250-czech/a.txt`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import ISO2022, codec_of, decode, read_text


def main() -> None:
    """Print the share of texts that are read as their label says, and the folders of the others."""
    wrong: Counter[str] = Counter()
    total = 0
    for label, path in _texts(Path(sys.argv[1])):
        total += 1
        if _read(path) not in _meant(path.read_bytes(), label):
            wrong[path.parent.name] += 1
    print(json.dumps({"texts": total, "right": total - wrong.total(), "wrong": dict(wrong)}))


def _texts(folder: Path) -> Iterator[tuple[str, Path]]:
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(inner.iterdir()):
            yield _label(inner.name), path


def _label(name: str) -> str:
    """Return the encoding that a folder is named after; a language may follow it."""
    label = name.lower()
    while codec_of(label) is None and "-" in label:
        label = label.rpartition("-")[0]
    return label


def _read(path: Path) -> str:
    data = path.read_bytes()
    file = SourceFile(path.name, lambda: BytesIO(data), len(data), ".txt", datetime.now(UTC))
    try:
        return read_text(file, ReadLimits())
    except ReadError:
        return ""


def _meant(data: bytes, label: str) -> set[str]:
    """Return the text by its label, and by the superset of that encoding which the web takes it for."""
    meant = set()
    for name in {label, codec_of(label) or label, ISO2022 if label.startswith("iso-2022") else label}:
        try:
            text = decode(data, name, "replace").removeprefix("\ufeff")
        except LookupError:
            continue  # No codec of Python's: no text is right.
        meant.add(text.replace("\r\n", "\n").replace("\r", "\n"))
    return meant


if __name__ == "__main__":
    main()
