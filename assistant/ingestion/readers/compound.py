"""Checks a compound file (the container of old Office files) before a parser follows its chains of sectors.

A chain that leads in a circle makes calamine gather sectors until the memory is full. Layout: [MS-CFB] 2.2 to 2.4.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from assistant.errors import ReadError

_RESERVED: Final = 0xFFFFFFFA  # from here on a number is no sector: the end of a chain, a free sector and the like


def check_chains(data: bytes) -> None:
    """Raise `ReadError` if a chain of sectors leads in a circle, or out of the file."""
    if len(data) < 512:
        raise _damaged()
    shift = int.from_bytes(data[30:32], "little")
    if shift not in (9, 12):
        raise _damaged()
    size = 1 << shift
    count = len(data) // size
    listed = list(struct.unpack_from("<109I", data, 76))
    (following,) = struct.unpack_from("<I", data, 68)
    steps = 0
    while following < _RESERVED:
        numbers = _sector(data, following, size)
        listed += numbers[:-1]
        following = numbers[-1]
        steps += 1
        if steps > count:
            raise _damaged()
    table: list[int] = []
    for number in listed:
        if number < _RESERVED:
            table += _sector(data, number, size)
        if len(table) > count + size:
            break
    _check(table, count)
    (first_small,) = struct.unpack_from("<I", data, 60)
    small: list[int] = []
    while first_small < _RESERVED and first_small < len(table):
        small += _sector(data, first_small, size)
        first_small = table[first_small]
    _check(small, len(data) // 64)


def _sector(data: bytes, number: int, size: int) -> Sequence[int]:
    start = (number + 1) * size
    if start + size > len(data):
        raise _damaged()
    return struct.unpack_from(f"<{size // 4}I", data, start)


def _check(table: Sequence[int], count: int) -> None:
    """Raise `ReadError` unless every chain of a table of sectors comes to an end."""
    ends = bytearray(len(table))  # 1: on the way now, 2: known to end
    for start in range(min(len(table), count)):
        way = []
        at = start
        while at < len(table) and not ends[at]:
            ends[at] = 1
            way.append(at)
            at = table[at]
        if at < len(table) and ends[at] == 1:
            raise _damaged()
        for number in way:
            ends[number] = 2


def _damaged() -> ReadError:
    return ReadError("damaged: its content is malformed", "Open it in a spreadsheet program and save it.")
