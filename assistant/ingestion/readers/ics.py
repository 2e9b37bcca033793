"""Reads calendars (iCalendar): each event, task or journal entry a block, its date and repetition in words."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.contentlines import Component, components
from assistant.ingestion.readers.recurrence import moment_text, repeats, when
from memory_store.models import Locator

_KINDS = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "entry"}
_HEAD_BYTES = 8192


class IcsReader:
    """ICS, as Apple's and Google's calendars export it; alarms and zones are passed over."""

    media_type = "text/calendar"
    suffixes = (".ics", ".ical", ".ifb")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the events as they are consumed. An event's date stands in its text: it may lie in the future."""
        with file.open() as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8", errors="replace").lstrip("\ufeff \r\n")
        if not head.upper().startswith("BEGIN:VCALENDAR"):
            raise ReadError("not a calendar: it does not begin with BEGIN:VCALENDAR", "Export the calendar again.")
        name = next(
            (line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("X-WR-CALNAME")), ""
        )
        return ReadDocument(name or file.stem, self.media_type, _events(file, limits))


def _events(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    for number, event in enumerate(components(file, limits, tuple(_KINDS)), start=1):
        text = _text(event)
        if text:
            summary = " ".join(event.text("SUMMARY").split())[:80]
            part = f"{_KINDS[event.kind]} {number}" + (f": {summary}" if summary else "")
            locator = Locator(part=part, line_start=event.first_line, line_end=event.last_line)
            yield Block(text, locator, BlockKind.PARAGRAPH)


def _text(event: Component) -> str:
    people = [_person(one.parameters.get("CN", ""), one.text) for one in event.all("ATTENDEE")]
    organizer = event.first("ORGANIZER")
    rows = [
        ("", event.text("SUMMARY")),
        ("When", when(event)),
        ("Repeats", repeats(event)),
        ("Due", moment_text(event.first("DUE"))),
        ("Done", moment_text(event.first("COMPLETED"))),
        ("Where", event.text("LOCATION")),
        ("Organized by", _person(organizer.parameters.get("CN", ""), organizer.text) if organizer else ""),
        ("With", ", ".join(person for person in people if person)),
        ("Status", "cancelled" if event.text("STATUS").upper() == "CANCELLED" else ""),
        ("Tags", ", ".join(one.text for one in event.all("CATEGORIES"))),
        ("Link", event.text("URL")),
        ("", event.text("DESCRIPTION")),
    ]
    return "\n".join(f"{label}: {value}" if label else value for label, value in rows if value)


def _person(name: str, address: str) -> str:
    return name.strip() or address.removeprefix("mailto:").removeprefix("MAILTO:")
