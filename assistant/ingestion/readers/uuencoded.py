"""Takes files out of the text of old mails, where they stand as uuencoded lines (POSIX.1-2017, uuencode)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Final

_BEGIN: Final = re.compile(r"begin [0-7]{3,4} (\S.{0,150})")
_END: Final = "end"


def without_files(lines: Sequence[str]) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Return the lines that are text, and (name, content) of each file between them."""
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    at = 0
    while at < len(lines):
        match = _BEGIN.fullmatch(lines[at].rstrip())
        end = _decoded(lines, at + 1) if match else None
        if match is None or end is None:
            kept.append(lines[at])
            at += 1
        else:
            at, data = end
            files.append((match[1].strip(), data))
    return kept, files


def _decoded(lines: Sequence[str], start: int) -> tuple[int, bytes] | None:
    """Return where a file ends that begins here, and its content; None if it is none."""
    pieces: list[bytes] = []
    for at in range(start, len(lines)):
        line = lines[at].rstrip("\r\n")
        if line.strip() == _END:
            return (at + 1, b"".join(pieces)) if pieces else None
        if not line:
            return None
        try:
            pieces.append(binascii.a2b_uu(line))
        except (binascii.Error, ValueError):
            return None  # A sentence that begins like one.
    return None
