"""Writes compound files (MS-CFB), such as Outlook's mails are, for the tests of what reads them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TypeAlias

Tree: TypeAlias = "Mapping[str, bytes | Tree]"

_SECTOR, _SMALL, _LARGE_FROM = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


class _Chains:
    """Sectors of one size, and the table of which follows which."""

    def __init__(self, size: int) -> None:
        self.size, self.sectors, self.table = size, list[bytes](), list[int]()

    def stored(self, data: bytes) -> int:
        """Add a stream and return its first sector."""
        if not data:
            return _END
        first = len(self.sectors)
        pieces = [data[at : at + self.size].ljust(self.size, b"\0") for at in range(0, len(data), self.size)]
        self.sectors += pieces
        self.table += [*range(first + 1, first + len(pieces)), _END]
        return first


def compound_file(tree: Tree) -> bytes:
    """Return a compound file with these streams, and storages of streams."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, b""]]
    _add(tree, 0, entries)
    large, small = _Chains(_SECTOR), _Chains(_SMALL)
    starts = [
        (small if len(data) < _LARGE_FROM else large).stored(data) for data in (_data(entry) for entry in entries[1:])
    ]
    entries[0][4] = b"".join(small.sectors)
    directory = b"".join(map(_entry, entries, [large.stored(_data(entries[0])), *starts]))
    at_directory = large.stored(directory)
    at_small = large.stored(_packed(small.table))
    count = -(-(len(large.sectors) + 8) // 128)
    first = len(large.sectors)
    large.table += [_FAT] * count
    table = _packed(large.table).ljust(count * _SECTOR, b"\xff")
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, count, at_directory, 0),
        *(_LARGE_FROM, at_small, -(-len(small.table) // 128), _END, 0),
    )
    places = [first + number for number in range(count)]
    return header + _packed([*places, *[_FREE] * (109 - count)]) + b"".join(large.sectors) + table


def _packed(numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _data(entry: list[object]) -> bytes:
    assert isinstance(entry[4], bytes)
    return entry[4]


def _add(tree: Tree, parent: int, entries: list[list[object]]) -> None:
    """Append the entries of a storage, each the right neighbour of the one before: a tree without any balance."""
    before = None
    for name in sorted(tree, key=lambda name: (len(name), name.upper())):
        value = tree[name]
        number = len(entries)
        entries.append([name, 2 if isinstance(value, bytes) else 1, _FREE, _FREE, value])
        if before is None:
            entries[parent][3] = number
        else:
            entries[before][2] = number
        before = number
        if not isinstance(value, bytes):
            entries[number][4] = b""
            _add(value, number, entries)


def _entry(entry: list[object], start: int) -> bytes:
    name, kind, right, child, data = entry
    assert isinstance(name, str)
    assert isinstance(data, bytes)
    encoded = (name + "\0").encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        *(encoded, len(encoded), kind, 1, _FREE, right, child, b"", 0, 0, 0, start, len(data)),
    )


def outlook_mail(
    texts: Mapping[int, str], *, attached: Mapping[str, bytes] | None = None, inner: Tree | None = None, head: int = 32
) -> dict[str, bytes | Tree]:
    """Return a mail of Outlook's: its texts by their property, the files with it, and a mail that is attached."""
    mail: dict[str, bytes | Tree] = {
        f"__substg1.0_{identity:04X}001F": text.encode("utf-16-le") for identity, text in texts.items()
    }
    sent = struct.pack("<HHIQ", 0x0040, 0x0039, 6, 133_807_860_000_000_000)  # 2025-01-06 10:00
    mail["__properties_version1.0"] = b"\0" * head + sent
    for number, (name, data) in enumerate((attached or {}).items()):
        mail[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": b"\0" * 8,
            "__substg1.0_3707001F": name.encode("utf-16-le"),
            "__substg1.0_37010102": data,
        }
    if inner is not None:
        mail["__attach_version1.0_#000000FF"] = {"__properties_version1.0": b"\0" * 8, "__substg1.0_3701000D": inner}
    return mail
