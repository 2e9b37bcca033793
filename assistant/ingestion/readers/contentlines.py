"""Reads content lines, the grammar that calendars and contacts share (RFC 5545, section 3.1; RFC 6350, section 3.3)."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import lines, open_text

_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*))?')
_ESCAPE = re.compile(r"\\([\\;,nN])")
# A calendar or an address book of more than this depth is none.
_MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: its name and parameters in upper case, its value as it stands in the file."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value as text: escapes undone."""
        return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], self.value).strip()

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

    def first(self, name: str) -> Property | None:
        """Return the first property of that name."""
        return next((one for one in self.properties if one.name == name), None)

    def all(self, name: str) -> list[Property]:
        """Return every property of that name."""
        return [one for one in self.properties if one.name == name]

    def text(self, name: str) -> str:
        """Return the first property of that name as text, or an empty string."""
        found = self.first(name)
        return found.text if found else ""


def components(file: SourceFile, limits: ReadLimits, kinds: tuple[str, ...]) -> Iterator[Component]:
    """Yield each component of one of these kinds, read as it is consumed."""
    outer = "VCARD" if "VCARD" in kinds else "VCALENDAR"
    open_ones: list[str] = []
    current: Component | None = None
    depth = 0
    with open_text(file, limits) as stream:
        for number, line in _unfolded(enumerate(lines(stream, limits), start=1), limits):
            parsed = _parse(line)
            if parsed is None:
                continue
            if not open_ones and (parsed.name, parsed.value.strip().upper()) != ("BEGIN", outer):
                raise ReadError(f"malformed at line {number}: BEGIN:{outer} expected", "Export it again.")
            if parsed.name == "BEGIN":
                kind = parsed.value.strip().upper()
                open_ones.append(kind)
                if len(open_ones) > _MAX_DEPTH:
                    raise ReadError("nested too deeply to be a document", "Export it again.")
                if current is None and kind in kinds:
                    current, depth = Component(kind, number), len(open_ones)
            elif parsed.name == "END":
                if open_ones:
                    open_ones.pop()
                if current is not None and len(open_ones) < depth:
                    current.last_line = number
                    yield current
                    current = None
            elif current is not None and len(open_ones) == depth:
                current.properties.append(parsed)
    if open_ones:
        raise ReadError("torn: its end is missing", "Export it again.")


def _unfolded(numbered: Iterator[tuple[int, str]], limits: ReadLimits) -> Iterator[tuple[int, str]]:
    """Yield whole lines: a line that begins with white space goes on with the one before."""
    start, held, length = 0, [""], 0
    quotable = quoted = False
    for number, line in numbered:
        goes_on = line[:1] in (" ", "\t") and start
        if not goes_on and quoted:  # vCard 2.1: a soft break of quoted-printable; the next line needs no white space
            held[-1] = held[-1][:-1]
            held.append(line)
        elif goes_on:
            held.append(line[1:])
        else:
            if held != [""]:
                yield start, "".join(held)
            start, held, length = number, [line], 0
            quotable = "QUOTED-PRINTABLE" in line.partition(":")[0].upper()
        length += len(line)
        if length > limits.max_line_chars:
            held, length, quotable = [""], 0, False  # A picture inside the file, which is not looked at.
        quoted = quotable and held[-1].endswith("=")
    if held != [""]:
        yield start, "".join(held)


def _parse(line: str) -> Property | None:
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
        try:
            value = raw.decode(parameters.get("CHARSET", "utf-8"), errors="replace")
        except LookupError:
            value = raw.decode("utf-8", errors="replace")
    return Property(name[1].upper(), parameters, value)
