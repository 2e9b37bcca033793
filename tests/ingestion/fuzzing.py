"""Damages small valid files: bytes flipped, cut, doubled and put in, also inside of zips; values of JSON exchanged."""

from __future__ import annotations

import io
import json
import random
import zipfile
from typing import Any

from tests.ingestion.files import zip_of

# What parsers stumble over, put in whole.
_PIECES = (
    b"",
    b"\x00", b"\xff" * 8, b"\n\n", b"\r", b'"', b"'", b"<", b">", b"&", b"]]>", b"<!--", b"\\u8364?", b"{", b"}" * 3,
    b"[" * 50, b"-1", b"99999999999999999999", b"1e999", b"NaN", b"null", b"BEGIN:VEVENT\n", b"END:VCARD\n", b"=\n",
    b"From x\n", b"%PDF-", b"PK\x03\x04", b"<x>" * 20, b"\xed\xa0\x80", b"\xe2\x80\xae", b"Content-Type: text/html\n",
    b"endobj", b"stream", b":", b";", b",", b"/" * 9, b"../", b"\\bin99", b"{\\pict", b"r=\"ZZZ9999999\"", b"\t", b"=",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, 0, -1, 1, 1e308, -0.5, 2**70, True, "", "x", "\ud83d", "\x00", [], {}, [None], {"": None}, ["x"], [[[]]],
    {"role": "user"}, "2025-13-45", "0001-01-01T00:00:00+23:59", 1e12, {"id": {"id": []}},
)  # fmt: skip


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return `data` with one to four damages, in a member of it if it is a zip, half of the time."""
    if data[:2] == b"PK" and dice.random() < 0.7:
        members = _members(data)
        name = dice.choice(sorted(members))
        members[name] = _bytes_damaged(members[name], dice)
        if dice.random() < 0.1:
            del members[name]
        return zip_of(members)
    return _bytes_damaged(data, dice)


def _members(data: bytes) -> dict[str, bytes | str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _bytes_damaged(data: bytes | str, dice: random.Random) -> bytes:
    changed = bytearray(data.encode() if isinstance(data, str) else data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed) + 1)
        size = dice.choice((1, 1, 2, 4, 16, 100, 1000))
        match dice.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[max(0, at - size) : at] * dice.choice((1, 2, 50))
            case 3:
                changed[at:at] = dice.choice(_PIECES)
            case _:
                del changed[at:]
    return bytes(changed)


def exchanged(value: Any, dice: random.Random) -> Any:
    """Return JSON with one to three of its values exchanged for others, or their keys taken away."""
    copy = json.loads(json.dumps(value))
    for _ in range(dice.randint(1, 3)):
        places: list[tuple[Any, Any]] = []
        _walk(copy, places)
        if not places:
            return copy
        holder, key = dice.choice(places)
        if isinstance(holder, dict) and dice.random() < 0.2:
            del holder[key]
        else:
            holder[key] = json.loads(json.dumps(dice.choice(_VALUES)))
    return copy


def _walk(value: Any, places: list[tuple[Any, Any]]) -> None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        places.append((value, key))
        _walk(inner, places)
