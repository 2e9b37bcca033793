"""Reads JSON arrays of any length one item at a time, through ijson, and tells what sort of array it is."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.readers.failures import translated

# How much of a file is looked at to tell its format: more than a very long first conversation.
_SIGNATURE_BYTES = 16 * 1024 * 1024
_SIGNATURE_EVENTS = 200_000
_SIGNATURE_ITEMS = 20
_BOM = b"\xef\xbb\xbf"
_DEPTH = 8
# ijson keeps the path of every level, so that its memory is the square of the depth.
_MOST_NESTED = 500
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+("|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{]++|[\]}]++")


class _Nesting:
    """Follows how deep JSON is nested, in pieces of any size and in time that grows with their length alone."""

    def __init__(self) -> None:
        self._depth = 0
        self._open_string = b""

    def follow(self, data: bytes) -> None:
        """Take the next bytes. Raise `ReadError` if they go too deep."""
        # A string becomes its closing mark; one that goes on in the next piece becomes nothing, or its last backslash.
        rest, strings = _STRING.subn(rb"\1", self._open_string + data)
        self._open_string = b""
        if strings > rest.count(b'"'):
            self._open_string = b'"\\' if rest.endswith(b"\\") else b'"'
        opened = rest.count(b"[") + rest.count(b"{")
        if self._depth + opened <= _MOST_NESTED:
            self._depth += opened - rest.count(b"]") - rest.count(b"}")
            return
        for run in _BRACKETS.findall(rest):
            self._depth += len(run) if run[:1] in (b"[", b"{") else -len(run)
            if self._depth > _MOST_NESTED:
                raise ReadError("nested too deeply to be a document", "Get a fresh copy of the export.")


class _Metered:
    """A stream that knows how much was read since the last item, and refuses to go on far beyond it, or too deep."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._most = most
        self._nesting = _Nesting()
        self.since = 0
        self._held = stream.read(3).removeprefix(_BOM)
        self.torn = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def peek(self) -> bytes:
        """Return the first byte that is no white space; the stream stays where it is."""
        while not self._held.strip() and (more := self._stream.read(4096)):
            self._held += more
        return self._held.strip()[:1]

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes. Raise `ReadError` if one item is too large to be held."""
        if size == 0:
            return b""
        data, self._held = (self._held, b"") if self._held else (self._stream.read(size), b"")
        if not data.isascii() or self._decoder.getstate()[0]:
            # A torn character is one sign of damage, not the end of the export.
            text = self._decoder.decode(data, final=not data)
            self.torn += max(0, text.count("\ufffd") - data.count(b"\xef\xbf\xbd"))
            data = text.encode("utf-8") or (b"" if not data else self.read(size))
        self.since += len(data)
        if self.since > self._most:
            raise ReadError(
                f"an item of more than {self._most / 1024**2:,.0f} MB", "Raise max_markup_mb in the settings."
            )
        self._nesting.follow(data)
        return data


EACH_LINE: Final = "\0line"
ALL_LINES: Final = "\0lines"


def items(opened: Callable[[], BinaryIO], limits: ReadLimits, place: str | None = None) -> Iterator[Any]:
    """Yield the items of an array, or the object that a file is. Raise `ReadError` where the JSON is malformed.

    `place` is a path of ijson's for what stands elsewhere, or says that each line is a value, or one of a list.
    """
    import ijson

    if place in (EACH_LINE, ALL_LINES):
        yield from _of_lines(opened, limits, whole=place == ALL_LINES)
        return
    with translated(), opened() as stream:
        metered = _Metered(stream, limits.max_markup_bytes)
        if place is None:
            place = "item" if metered.peek() == b"[" else ""
        try:
            for item in ijson.items(metered, place, use_float=True):
                yield item
                metered.since = 0
            if metered.torn:  # All was read; that some of it is damaged is still to be said.
                raise ReadError(f"damaged characters, shown as �: {metered.torn:,}", "Compare it with the original.")
        except (ijson.JSONError, ValueError, OverflowError) as error:
            reason = "the file ends in the middle" if isinstance(error, ijson.IncompleteJSONError) else "malformed JSON"
            raise ReadError(f"{reason}; what follows can't be read", "Get a fresh copy of the export.") from error


def _of_lines(opened: Callable[[], BinaryIO], limits: ReadLimits, *, whole: bool) -> Iterator[Any]:
    """Yield the value of each line, or all of them as a list."""
    values: list[Any] = []
    held = 0
    with translated(), opened() as stream:
        while line := stream.readline(limits.max_markup_bytes + 1):
            held = held + len(line) if whole else len(line)
            if held > limits.max_markup_bytes:
                most = limits.max_markup_bytes / 1024**2
                raise ReadError(f"an item of more than {most:,.0f} MB", "Raise max_markup_mb in the settings.")
            if not line.strip():
                continue
            nesting = _Nesting()
            nesting.follow(line)
            try:
                value = json.loads(line, strict=False)
            except ValueError as error:
                raise ReadError("malformed JSON; what follows can't be read", "Get a fresh copy.") from error
            if whole:
                values.append(value)
            else:
                yield value
    if values:
        yield values


def keys_until(opened: Callable[[], BinaryIO], decided: Callable[[frozenset[str]], bool]) -> frozenset[str]:
    """Return the paths of keys, such as `chat.history`, near the beginning of a file, as far as is needed to decide.

    An object and an array of objects have the same paths. Malformed JSON has those that come before the damage.
    """
    import ijson

    found: set[str] = set()
    ended = 0
    with translated(), opened() as stream:
        metered = _Metered(stream, _SIGNATURE_BYTES)
        if metered.peek() not in (b"[", b"{"):
            return frozenset()
        listed = metered.peek() == b"["
        try:
            for count, (prefix, event, value) in enumerate(ijson.parse(metered, use_float=True)):
                if count > _SIGNATURE_EVENTS:
                    break
                if listed and prefix == "item" and event == "end_map":
                    ended += 1
                    if ended >= _SIGNATURE_ITEMS:
                        break
                if event != "map_key" or (listed and not prefix.startswith("item")):
                    continue
                path = f"{prefix}.{value}".removeprefix("item.") if listed else f"{prefix}.{value}".removeprefix(".")
                if path.count(".") < _DEPTH and path not in found:
                    found.add(path)
                    if decided(frozenset(found)):
                        break
        except (ijson.JSONError, ReadError, ValueError, OverflowError):
            pass  # What was seen so far decides; whoever reads the file reports the damage.
    return frozenset(found)
