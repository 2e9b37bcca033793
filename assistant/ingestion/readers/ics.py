"""Reads calendars (iCalendar): each event, task or journal entry a block, its date and repetition in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, LeftOut, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.contentlines import Component, Property, components, decode_head
from assistant.ingestion.readers.markup import parse, walk
from assistant.ingestion.readers.recurrence import busy, moment_text, repeats, when
from memory_store.models import Locator

_KINDS = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "entry", "VFREEBUSY": "times"}
_HEAD_BYTES = 8192
_ANSWERS = ("accepted", "declined", "tentative", "delegated")
_STATUS = {"CANCELLED": "cancelled", "TENTATIVE": "tentative"}
_LINKS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
_TAGS = re.compile(r"</?(?:html|body|p|br|div|span|a|b|i|u|ul|ol|li|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r'href="(https?://[^"\s]{1,2000})"', re.IGNORECASE)


class IcsReader:
    """ICS, as Apple's and Google's calendars export it; alarms and zones are passed over."""

    media_type = "text/calendar"
    suffixes = (".ics", ".ical", ".ifb")
    about = About(
        "Calendar",
        "events, tasks and entries: time, repetition, place, people, description",
        "`event 3: Dentist`, lines",
        "the calendar's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the events as they are consumed. An event's date stands in its text: it may lie in the future."""
        with file.open() as stream:
            head = decode_head(stream.read(_HEAD_BYTES))
        # An event alone is what some programs attach to a mail.
        if not head.upper().startswith(("BEGIN:VCALENDAR", *(f"BEGIN:{kind}" for kind in _KINDS))):
            raise ReadError("not a calendar: it does not begin with BEGIN:VCALENDAR", "Export the calendar again.")
        name = next(
            (line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("X-WR-CALNAME")), ""
        )
        left_out: list[LeftOut] = []
        return ReadDocument(name or file.stem, self.media_type, _events(file, limits, left_out), left_out=left_out)


def _events(file: SourceFile, limits: ReadLimits, left_out: list[LeftOut]) -> Iterator[Block]:
    for number, event in enumerate(components(file, limits, tuple(_KINDS), left_out), start=1):
        text = _text(event)
        if text:
            summary = " ".join(event.text("SUMMARY").split())[:80]
            part = f"{_KINDS[event.kind]} {number}" + (f": {summary}" if summary else "")
            locator = Locator(part=part, line_start=event.first_line, line_end=event.last_line)
            yield Block(text, locator, BlockKind.PARAGRAPH)


def _text(event: Component) -> str:
    people = [_person(entry.parameters.get("CN", ""), entry.text, _answer(entry)) for entry in event.all("ATTENDEE")]
    organizer = event.first("ORGANIZER")
    progress = event.text("PERCENT-COMPLETE")
    rows = [
        ("", event.text("SUMMARY")),
        ("When", when(event)),
        ("Replaces", moment_text(event.first("RECURRENCE-ID"))),
        ("Repeats", repeats(event)),
        ("Due", moment_text(event.first("DUE"))),
        ("Done", moment_text(event.first("COMPLETED")) or (f"{progress} %" if progress.isdecimal() else "")),
        ("Where", event.text("LOCATION")),
        ("Organized by", _person(organizer.parameters.get("CN", ""), organizer.text) if organizer else ""),
        ("With", ", ".join(person for person in people if person)),
        ("Contact", _each(event, "CONTACT")),
        ("Status", _STATUS.get(event.text("STATUS").upper(), "")),
        ("Tags", _each(event, "CATEGORIES")),
        ("Resources", _each(event, "RESOURCES")),
        ("Link", _each(event, "URL", *_LINKS)),
        ("Attached", _each(event, "ATTACH")),
        ("", _description(event)),
        ("Comment", _each(event, "COMMENT")),
        ("Busy", busy(event)),
    ]
    return "\n".join(f"{label}: {value}" if label else value for label, value in rows if value)


def _each(event: Component, *names: str) -> str:
    # What is attached may be the file itself, as Base64, which is no text.
    found = [
        entry.text
        for name in names
        for entry in event.all(name)
        if entry.parameters.get("VALUE", "").upper() != "BINARY"
    ]
    return ", ".join(dict.fromkeys(text for text in found if text))


def _description(event: Component) -> str:
    """Return the description without tags, which some programs write into it."""
    text = event.text("DESCRIPTION")
    if not text:
        text = next(
            (entry.text for entry in event.all("X-ALT-DESC") if "html" in entry.parameters.get("FMTTYPE", "")), ""
        )
    if not _TAGS.search(text):
        return text
    shown = "\n".join(piece.text for piece in walk(parse(text)))
    addresses = [item for item in dict.fromkeys(_ADDRESS.findall(text)) if item not in shown]
    return "\n".join((shown, *addresses))


def _person(name: str, address: str, answer: str = "") -> str:
    shown = name.strip() or address.removeprefix("mailto:").removeprefix("MAILTO:")
    return f"{shown} ({answer})" if shown and answer else shown


def _answer(attendee: Property) -> str:
    """Return what someone who is invited said to it; nothing while they said nothing."""
    answer = attendee.parameters.get("PARTSTAT", "").lower()
    return answer if answer in _ANSWERS else ""
