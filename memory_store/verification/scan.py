"""The scan: one pass over every byte of a folder, for all needles at once.

It opens and closes the files of the database, so it runs only where no connection to it is open (see `apart`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_store.errors import StoreError
from memory_store.verification.needles import LONG, SCAN_STRIDE, SHORT, Hashes, ScanKey

_BLOCK: Final = 1024 * 1024
# What one step looks at stays in the processor's cache.
_STEP: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """A needle met in a file: its hash, the file's name inside the folder, and the offset in bytes (-1: its name)."""

    needle: int
    file: str
    offset: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a pass saw: every file with its size in bytes as it was read, and where needles were met."""

    files: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]


class HashSet:
    """A set of 64-bit hashes that a million others are looked up in at once: a table of flags before a search.

    The table has some 64 flags for each hash, so that few others pass it; a small one stays in the cache.
    """

    def __init__(self, hashes: Hashes) -> None:
        self._sorted = np.sort(hashes)
        self._shift = np.uint64(64 - min(26, max(12, len(hashes).bit_length() + 6)))
        self._filter = np.zeros(1 << (64 - int(self._shift)), dtype=np.bool_)
        self._filter[self._sorted >> self._shift] = True

    def __len__(self) -> int:
        return len(self._sorted)

    def members(self, hashes: Hashes) -> NDArray[np.intp]:
        """Return the positions of those hashes that are in the set."""
        if not len(self._sorted):
            return np.zeros(0, dtype=np.intp)
        maybe = np.flatnonzero(self._filter[hashes >> self._shift])
        at = np.searchsorted(self._sorted, hashes[maybe])
        found: NDArray[np.intp] = maybe[self._sorted[np.minimum(at, len(self._sorted) - 1)] == hashes[maybe]]
        return found


@dataclass(frozen=True, slots=True)
class Sought:
    """What a scan looks for: long windows and short ones at every eighth offset, the shortest texts' at each."""

    key: ScanKey
    long: HashSet
    short: HashSet
    shortest: HashSet


def scan(folder: Path, sought: Sought) -> Scan:
    """Read every file under a folder and compare its bytes, and its name, with all needles.

    Raises StoreError for a file that can't be read.
    """
    files = list(_files(folder))
    jobs = [(path, start) for path, size in files for start in range(0, max(size, 1), _BLOCK)]
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="keepsake-scan") as workers:
        found = workers.map(lambda job: _block(folder, job[0], job[1], sought), jobs)
        findings = [finding for part in found for finding in part]
    for path, _ in files:
        name = _name_of(folder, path)
        findings += [
            Finding(finding.needle, name, -1)
            for finding in search(os.fsencode(path.relative_to(folder)), sought, name, 0)
        ]
    findings = list(
        {(finding.needle, finding.file): finding for finding in reversed(findings)}.values()
    )  # where each is met first
    return Scan(tuple((_name_of(folder, path), size) for path, size in files), tuple(findings))


def _name_of(folder: Path, path: Path) -> str:
    """Return the name of a file inside the folder; bytes that are no UTF-8 are shown as question marks."""
    return str(path.relative_to(folder)).encode("utf-8", "replace").decode()


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(root) / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # a journal or a segment that was removed meanwhile holds nothing any more
            if stat.S_ISREG(status.st_mode):
                yield path, status.st_size


def _block(folder: Path, path: Path, start: int, sought: Sought) -> list[Finding]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(_BLOCK + LONG + SHORT)  # over the edge: a window may lie across two blocks
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"{path} can't be read: {error.strerror or error}.", "Make it readable for you; then run it again."
        ) from error
    return search(data, sought, _name_of(folder, path), start)


def search(data: bytes, sought: Sought, file: str, start: int) -> list[Finding]:
    """Return what needles stand in these bytes, which begin at `start` of a file."""
    findings: list[Finding] = []
    padded = data + bytes(-len(data) % SCAN_STRIDE + LONG)
    for begin in range(0, len(data), _STEP):
        piece = memoryview(padded)[begin : begin + _STEP + LONG]
        for hashes, wanted, shift in _hashes(piece, sought):
            first = start + begin + shift
            findings += [Finding(int(hashes[at]), file, first + int(at) * SCAN_STRIDE) for at in wanted.members(hashes)]
    return findings


def _hashes(piece: memoryview, sought: Sought) -> Iterator[tuple[Hashes, HashSet, int]]:
    """Yield the hashes of windows, what they are compared with, and the offset of the first."""
    words: Hashes = np.frombuffer(piece, dtype="<u8")
    if len(sought.long):
        yield sought.key.long(words[:-1], words[1:]), sought.long, 0
    if len(sought.short):
        yield sought.key.short(words), sought.short, 0
    for shift in range(SCAN_STRIDE if len(sought.shortest) else 0):
        shifted: Hashes = np.frombuffer(piece, dtype="<u8", offset=shift, count=(len(piece) - shift) // SHORT)
        yield sought.key.short(shifted), sought.shortest, shift
