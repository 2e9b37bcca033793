"""Reads content lines, the grammar that calendars and contacts share (RFC 5545, section 3.1; RFC 6350, section 3.3)."""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import decode_declared, encoding_by_lines, lines, open_text, raw_lines

_NAME = re.compile(r"([A-Za-z0-9_-]+\.)?([A-Za-z0-9-]+)")
_CHARSET = re.compile(rb"[^:]{0,200};CHARSET=([\w-]{1,40})[^:]{0,200}:", re.IGNORECASE)
_OF_CONTACTS = frozenset(
    (
        *("ADR", "ANNIVERSARY", "BDAY", "CATEGORIES", "EMAIL", "FN", "IMPP", "LABEL", "N", "NICKNAME", "NOTE", "ORG"),
        *("PHOTO", "PRODID", "RELATED", "REV", "ROLE", "TEL", "TITLE", "UID", "URL", "VERSION"),
    )
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*))?')
# How Android writes a label of the person's own.
_CUSTOM = re.compile(
    r";X-CUSTOM\((?:CHARSET=([\w-]{1,40}),ENCODING=QUOTED-PRINTABLE,)?([^():]{1,200})\)", re.IGNORECASE
)
_ESCAPE = re.compile(r'\\([\\;,:"nN])')
# A calendar or an address book of more than this depth is none.
_MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: its name and parameters in upper case, its value as it stands in the file."""

    name: str
    parameters: dict[str, str]
    value: str
    group: str = ""
    """What stands before the name, such as `item1`: properties of one group belong together."""

    @property
    def text(self) -> str:
        """The value as text: escapes undone."""
        return (
            _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], self.value).replace("\r\n", "\n").strip()
        )

    def fields(self) -> list[str]:
        """Return the parts of a value that semicolons part, as text."""
        pieces = re.split(r"(?<!\\);", self.value)
        return [_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], piece).strip() for piece in pieces]


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END; components inside of it, such as alarms, are left out."""

    kind: str
    first_line: int
    last_line: int = 0
    properties: list[Property] = field(default_factory=list)
    capitals: bool = True
    """Whether names are written in capitals in it."""

    def go_on(self, line: str) -> None:
        """Add a line to the value of the last property."""
        if self.properties:
            last = self.properties[-1]
            self.properties[-1] = replace(last, value=f"{last.value}\n{line}")

    def first(self, name: str) -> Property | None:
        """Return the first property of that name."""
        return next((entry for entry in self.properties if entry.name == name), None)

    def all(self, name: str) -> list[Property]:
        """Return every property of that name."""
        return [entry for entry in self.properties if entry.name == name]

    def text(self, name: str) -> str:
        """Return the first property of that name as text, or an empty string."""
        found = self.first(name)
        return found.text if found else ""


def components(file: SourceFile, limits: ReadLimits, kinds: tuple[str, ...]) -> Iterator[Component]:
    """Yield each component of one of these kinds, read as it is consumed; what is torn is yielded as far as it goes."""
    nesting = _Nesting(kinds, file)
    number = 0
    for number, line in _lines(file, limits):
        if ended := nesting.take(number, line):
            yield ended
    if torn := nesting.end(number):
        yield torn


class _Nesting:
    """Follows which components are open, and gathers the properties of the one that is asked for."""

    def __init__(self, kinds: tuple[str, ...], file: SourceFile) -> None:
        self._kinds = kinds
        self._file = file
        self._outer = "VCARD" if "VCARD" in kinds else "VCALENDAR"
        self._open: list[str] = []
        self._current: Component | None = None
        self._depth = 0
        self._astray = False

    def take(self, number: int, line: str) -> Component | None:
        """Take a line; return the component that it ends."""
        parsed, current = _parse(line), self._current
        if not self._open and not (parsed and parsed.name == "BEGIN" and _kind(parsed) in (self._outer, *self._kinds)):
            if not self._astray:  # The first line of such a run is named.
                reason = f"malformed at line {number}: BEGIN:{self._outer} expected"
                self._file.note(f"line {number}", reason, "Export it again.")
            self._astray = True
        elif parsed is None or _goes_on(line, parsed, current):
            if current is not None and len(self._open) == self._depth:
                current.go_on(line)
        elif parsed.name == "BEGIN":
            return self._begin(number, _kind(parsed), capitals=line[:5].isupper())
        elif parsed.name == "END":
            self._open.pop()
            if current is not None and len(self._open) < self._depth:
                current.last_line = number
                self._current = None
                return current
        elif current is not None and len(self._open) == self._depth:
            current.properties.append(parsed)
        return None

    def _begin(self, number: int, kind: str, *, capitals: bool) -> Component | None:
        """Open a component; one of the same kind that is open lacks its end and is returned."""
        self._astray = False
        torn = self._current
        if torn is not None and torn.properties and kind == torn.kind and len(self._open) == self._depth:
            self._note_torn(torn, number)
            self._open.pop()
            self._current = None
        else:
            torn = None
        self._open.append(kind)
        if len(self._open) > _MAX_DEPTH:
            raise ReadError("nested too deeply to be a document", "Export it again.")
        if self._current is None and kind in self._kinds:
            self._current, self._depth = Component(kind, number, capitals=capitals), len(self._open)
        return torn

    def end(self, number: int) -> Component | None:
        """Return the component that lacks its end, and name the tear."""
        if self._open:
            self._note_torn(self._current, number)
        return self._current

    def _note_torn(self, current: Component | None, number: int) -> None:
        part = "the end"
        if current is not None:
            current.last_line = number
            name = " ".join((current.text("SUMMARY") or current.text("FN")).split())[:80]
            part = f"lines {current.first_line}–{number}" + (f": {name}" if name else "")
        self._file.note(part, "torn: its end is missing", "Export it again.")


def _kind(parsed: Property) -> str:
    return parsed.value.strip().upper()


def decode_head(head: bytes) -> str:
    """Return how a file begins, as far as it is needed to know what it is."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16" if wide else "utf-8", errors="replace").lstrip("\ufeff \r\n")


def _goes_on(line: str, parsed: Property, current: Component | None) -> bool:
    """Return whether a line is no property but the text of the one above, whose program did not fold it.

    Such a text may hold a colon; names of properties are in capitals where those above it are.
    """
    if current is None or not current.properties or parsed.name in ("BEGIN", "END"):
        return False
    if current.kind == "VCARD" and parsed.name in _OF_CONTACTS:
        return False
    return current.capitals and not parsed.group and not line[: len(parsed.name)].isupper()


def _lines(file: SourceFile, limits: ReadLimits) -> Iterator[tuple[int, str]]:
    """Yield whole lines as text: put together as bytes, because programs break them inside of characters."""
    with file.open() as stream:
        wide = stream.read(4).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))

    def numbered() -> Iterator[tuple[int, bytes]]:
        if wide:
            with open_text(file, limits) as text:
                raws = (line.encode("utf-8") for line in lines(text, limits))
                yield from _unfolded(enumerate(raws, start=1), limits)
            return
        with file.open() as stream:
            raws = (raw.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8) for raw in raw_lines(stream))
            yield from _unfolded(enumerate(raws, start=1), limits)

    encoding = encoding_by_lines(numbered, file)
    for number, raw in numbered():
        declared = _CHARSET.match(raw)
        text = decode_declared(raw, declared[1].decode("ascii")) if declared else encoding.line(raw)[0]
        if text.strip():
            yield number, text


def _unfolded(numbered: Iterator[tuple[int, bytes]], limits: ReadLimits) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines: a line that begins with white space goes on with the one before."""
    start, held, length = 0, [b""], 0
    quotable = quoted = False
    for number, line in numbered:
        goes_on = line[:1] in (b" ", b"\t") and start
        if not goes_on and quoted:  # vCard 2.1: a soft break of quoted-printable; the next line needs no white space
            held[-1] = held[-1][:-1]
            held.append(line)
        elif goes_on:
            held.append(line[1:])
        else:
            if held != [b""]:
                yield start, b"".join(held)
            start, held, length = number, [line], 0
            quotable = b"QUOTED-PRINTABLE" in line.partition(b":")[0].upper()
        length += len(line)
        if length > limits.max_line_chars:
            held, length, quotable = [b""], 0, False  # A picture inside the file, which is not looked at.
        quoted = quotable and held[-1].endswith(b"=")
    if held != [b""]:
        yield start, b"".join(held)


def _custom(match: re.Match[str]) -> str:
    label = match[2]
    if match[1]:
        label = decode_declared(quopri.decodestring(label.encode("utf-8", errors="replace")), match[1])
    return ';TYPE="{}"'.format(label.replace('"', ""))


def _parse(line: str) -> Property | None:
    line = _CUSTOM.sub(_custom, line, count=1) if ";X-CUSTOM(" in line else line
    name = _NAME.match(line)
    if name is None:
        return None
    at = name.end()
    found: dict[str, list[str]] = {}
    while match := _PARAMETER.match(line, at):
        key, value = match[1].upper(), match[2]
        if value is None:  # vCard 2.1 writes types without their name.
            key, value = "TYPE", match[1]
        found.setdefault(key, []).append(value.replace('"', ""))
        at = match.end()
    if line[at : at + 1] != ":":
        return None
    value = line[at + 1 :]
    parameters = {key: ",".join(values) for key, values in found.items()}
    encoding = parameters.get("ENCODING", parameters.get("TYPE", "")).upper()
    if "QUOTED-PRINTABLE" in encoding:
        raw = quopri.decodestring(value.encode("utf-8", errors="replace"))
        value = decode_declared(raw, parameters.get("CHARSET", "utf-8"))
    return Property(name[2].upper(), parameters, value, (name[1] or "").rstrip(".").lower())
