"""Reads calendars (iCalendar) and contacts (vCard 2.1 to 4.0): an event, a task or a contact a block, dates in words.

Both are made of content lines (RFC 5545, section 3.1; RFC 6350, section 3.3).
"""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.encodings import decode_declared, encoding_by_lines, lines, open_text, raw_lines
from assistant.ingestion.readers.icalendar_times import read_length, read_moment
from assistant.ingestion.readers.markup import parse, walk
from memory_store.models import Locator

_KINDS = {"VEVENT": "event", "VTODO": "task", "VJOURNAL": "entry", "VFREEBUSY": "times"}
_TIMES = frozenset(
    ("DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "TRANSP")
)
_BEGINNINGS = frozenset(("DTSTART", "DUE"))
_MOST_TIMES = 200
_TIMES_CHARS = 20_000
_HEAD_BYTES = 8192
_ANSWERS = ("accepted", "declined", "tentative", "delegated")
_STATUS = {"CANCELLED": "cancelled", "TENTATIVE": "tentative"}
_LINKS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
_TAGS = re.compile(r"</?(?:html|body|p|br|div|span|a|b|i|u|ul|ol|li|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r'href="(https?://[^"\s]{1,2000})"', re.IGNORECASE)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BY_CODE = {name[:2].upper(): name for name in _DAYS}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second last"}
_UNITS = {"SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day", "WEEKLY": "week",
          "MONTHLY": "month", "YEARLY": "year"}  # fmt: skip
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$")
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})\s*")
_LABELS = {
    "NICKNAME": "Nickname", "ORG": "Organization", "TITLE": "Title", "ROLE": "Role", "TEL": "Phone", "EMAIL": "Email",
    "ADR": "Address", "LABEL": "Address", "URL": "Link", "IMPP": "Chat", "BDAY": "Birthday", "DEATHDATE": "Died",
    "BIRTHPLACE": "Born in", "ANNIVERSARY": "Anniversary", "X-ANNIVERSARY": "Anniversary", "X-ABDATE": "Date",
    "X-ABRELATEDNAMES": "Related", "X-SPOUSE": "Spouse", "X-SOCIALPROFILE": "Profile", "SOCIALPROFILE": "Profile",
    "RELATED": "Related", "MEMBER": "Member", "CATEGORIES": "Tags", "LANG": "Language", "EXPERTISE": "Expertise",
    "HOBBY": "Hobby", "INTEREST": "Interest", "GEO": "Place", "CALURI": "Calendar", "NOTE": "Note",
}  # fmt: skip
_CHAT_PROGRAMS = ("AIM", "ICQ", "MSN", "Jabber", "Skype", "Yahoo", "QQ", "Gtalk", "Matrix")
_CHATS = {
    **{f"X-{name.upper()}": name for name in _CHAT_PROGRAMS},
    **{"X-SKYPE-USERNAME": "Skype", "X-GOOGLE-TALK": "Gtalk", "X-GROUPWISE": "GroupWise", "X-TWITTER": "Twitter"},
}
_DATES = frozenset(("BDAY", "DEATHDATE", "ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE"))
_LISTED = frozenset(("ADR", "ORG"))
# A label of the person's own stands in the place of these.
_NAMED_BY_LABEL = frozenset(("X-ABDATE", "X-ABRELATEDNAMES", "RELATED"))
# What programs note for themselves, and pictures.
_PASSED_OVER = re.compile(
    r"X-(?:AB(?!DATE|RELATEDNAMES)|IMAGE|SHARED|ADDRESSING|ACTIVITY|PICTURE|EVOLUTION-(?:FILE|WEBDAV|REV)|GENDER|ACCOUNT|"
    r"WP-|MS-|PRODID|CATEGORY-|CLASS|ICQ-STATUS|APPLE|CARDDAV|SOGO|RADICALE|THUNDERBIRD|COUCHDB|ETAG|ID$|FC-)"
)
_NO_LABEL = re.compile(
    r"(?:pref|internet|voice|msg|text|textphone|dom|intl|postal|parcel|x400|quoted-printable|base64|b|uri|vcard|"
    r"jpeg|png|utf-8|\d+bit)?$"
)
_APPLES = re.compile(r"_\$!<(.*?)>!\$_")
_DATE_OF_CONTACT = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ].*)?$")
_NO_YEAR = re.compile(r"--(\d\d)-?(\d\d)$")
_NOBODYS_YEAR = 1604  # What Apple writes where no year is known, since 29 February needs one.
_NAME = re.compile(r"([A-Za-z0-9_-]+\.)?([A-Za-z0-9-]+)")
_DECLARED = re.compile(rb"[^:]{0,200};CHARSET=([\w-]{1,40})[^:]{0,200}:", re.IGNORECASE)
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


def read_ics(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """ICS, as Apple's and Google's calendars export it; alarms and zones are passed over.

    An event's date stands in its text: it may lie in the future.
    """
    with file.open() as stream:
        head = decode_head(stream.read(_HEAD_BYTES))
    # An event alone is what some programs attach to a mail.
    if not head.upper().startswith(("BEGIN:VCALENDAR", *(f"BEGIN:{kind}" for kind in _KINDS))):
        raise ReadError("not a calendar: it does not begin with BEGIN:VCALENDAR", "Export the calendar again.")
    name = next((line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("X-WR-CALNAME")), "")
    return ReadDocument(_events(file, limits), name)


ICS = Reader("text/calendar", (".ics", ".ical", ".ifb"), read_ics)


def _events(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    series: dict[str, int] = {}
    for number, event in enumerate(components(file, limits, tuple(_KINDS)), start=1):
        text = _text(event)
        if text:
            summary = " ".join(event.text("SUMMARY").split())[:80]
            part = f"{_KINDS[event.kind]} {number}" + (f": {summary}" if summary else "")
            times = _times(event, series.setdefault(event.text("UID"), len(series) + 1))
            locator = Locator(part=part, line_start=event.first_line, line_end=event.last_line, times=times)
            yield Block(text, locator, BlockKind.PARAGRAPH)


def _times(event: Component, series: int) -> str | None:
    """Return the lines that say when an event is, with a number in place of its UID; None where none does."""
    found = [entry for entry in event.properties if entry.name in _TIMES][:_MOST_TIMES]
    if not any(entry.name in _BEGINNINGS for entry in found):
        return None
    lines = [f"UID:{series}", *(entry.line() for entry in found)]
    return "\n".join(lines) if sum(map(len, lines)) <= _TIMES_CHARS else None


def _text(event: Component) -> str:
    people = [_person(entry.parameters.get("CN", ""), entry.text, _answer(entry)) for entry in event.all("ATTENDEE")]
    organizer = event.first("ORGANIZER")
    progress = event.text("PERCENT-COMPLETE")
    rows = [
        ("", event.text("SUMMARY")),
        ("When", describe_time(event)),
        ("Replaces", describe_moment(event.first("RECURRENCE-ID"))),
        ("Repeats", describe_repetition(event)),
        ("Due", describe_moment(event.first("DUE"))),
        ("Done", describe_moment(event.first("COMPLETED")) or (f"{progress} %" if progress.isdecimal() else "")),
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
        ("Busy", describe_busy(event)),
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


def describe_time(event: Component) -> str:
    """Return an event's time, such as `2025-03-04 (Tuesday) 10:00–11:00, Europe/Berlin`; empty if it names none.

    Times stay as the calendar writes them, in the zone it names: that is how the person knows them. Their forms are
    those of RFC 5545, sections 3.3.4 to 3.3.10.
    """
    start = event.first("DTSTART")
    begin = _moment(start)
    if start is None or begin is None:
        return start.text if start is not None else ""  # as it is written, where it is no date
    end = _moment(event.first("DTEND"))
    if end is None and (length := read_length(event.text("DURATION"))) is not None:
        try:
            end = begin + length
        except OverflowError:
            end = None  # A length that leaves the calendar says nothing.
    zone = ", UTC" if start.value.strip().endswith("Z") else ""
    zone = f", {start.parameters['TZID']}" if start.parameters.get("TZID") else zone
    if not isinstance(begin, datetime):
        last = _date(end) - timedelta(days=1) if end is not None and _date(end) > begin else begin  # DTEND is exclusive
        return _day(begin) + (f" to {_day(last)}" if last > begin else "") + ", all day"
    clock = f"{begin:%H:%M}"
    if isinstance(end, datetime) and end > begin:
        same = end.date() == begin.date()
        clock += f"–{end:%H:%M}" if same else f" to {_day(end.date())} {end:%H:%M}"
    return f"{_day(begin.date())} {clock}{zone}"


def describe_moment(found: Property | None) -> str:
    """Return a single date or time in words, such as a task's due date; empty if there is none."""
    moment = _moment(found)
    if moment is None:
        return found.text if found is not None else ""
    return f"{_day(_date(moment))} {moment:%H:%M}" if isinstance(moment, datetime) else _day(moment)


def describe_busy(event: Component) -> str:
    """Return the periods in which someone is busy, such as `2025-03-04 (Tuesday) 10:00 to 11:00`; empty if none."""
    spoken = []
    for found in event.all("FREEBUSY"):
        if found.parameters.get("FBTYPE", "").upper() == "FREE":
            continue
        for period in found.value.split(",")[:200]:
            start, _, end = period.partition("/")
            begin, until = (_moment(Property("FREEBUSY", {}, text)) for text in (start, end))
            if isinstance(begin, datetime):
                clock = f" to {until:%H:%M}" if isinstance(until, datetime) else ""
                spoken.append(f"{_day(begin.date())} {begin:%H:%M}{clock}")
    return ", ".join(spoken)


def describe_repetition(event: Component) -> str:
    """Return how an event repeats, such as `every 2 weeks on Monday and Friday, until 2025-06-01`; empty if not."""
    pieces = []
    rule = event.first("RRULE")
    if rule is not None and (words := _rule(rule.value)):
        pieces.append(words)
    extra = [text for entry in event.all("RDATE") for text in _dates(entry)]
    if extra:
        pieces.append("also on " + _join_words(extra[:50]))
    left_out = [text for entry in event.all("EXDATE") for text in _dates(entry)]
    if left_out and pieces:
        pieces.append("except on " + _join_words(left_out[:50]))
    return ", ".join(pieces)


def _rule(value: str) -> str:
    parts = {key.upper(): text.upper() for key, _, text in (piece.partition("=") for piece in value.split(";"))}
    unit = _UNITS.get(parts.get("FREQ", ""))
    if unit is None:
        return ""
    interval = _number(parts.get("INTERVAL", "")) or 1
    words = f"every {interval} {unit}s" if interval > 1 else f"every {unit}"
    months = [MONTHS[number - 1] for number in _numbers(parts.get("BYMONTH", "")) if 1 <= number <= 12]
    if months:
        words += " in " + _join_words(months)
    position = _number(parts.get("BYSETPOS", ""))
    days = [text for part in parts.get("BYDAY", "").split(",") if (text := _weekday(part, position))]
    if days:
        words += " on " + _join_words(days)
    month_days = [_month_day(number) for number in _numbers(parts.get("BYMONTHDAY", "")) if number]
    if month_days:
        words += " on " + _join_words(month_days)
    if (count := _number(parts.get("COUNT", ""))) is not None and count > 0:
        words += f", {count} times"
    if until := _moment(Property("UNTIL", {}, parts.get("UNTIL", ""))):
        words += f", until {_date(until).isoformat()}"
    return words


def _numbers(text: str) -> list[int]:
    """Return the whole numbers of a list; what is none is left out."""
    return [number for part in text.split(",") if (number := _number(part)) is not None]


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _weekday(code: str, position: int | None) -> str:
    match = _WEEKDAY.match(code.strip())
    if match is None:
        return ""
    ordinal = _ORDINALS.get(int(match[1]) if match[1] else position or 0)
    return f"the {ordinal} {_BY_CODE[match[2]]}" if ordinal else _BY_CODE[match[2]]


def _month_day(day: int) -> str:
    return "the last day" if day == -1 else f"day {day}" if day > 0 else f"day {-day} from the end"


def _dates(found: Property) -> list[str]:
    moments = (_moment(Property(found.name, found.parameters, part)) for part in found.value.split(","))
    return [_date(moment).isoformat() for moment in moments if moment is not None]


def _moment(found: Property | None) -> date | datetime | None:
    return read_moment(found.value) if found else None


def _date(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _day(day: date) -> str:
    return f"{day.isoformat()} ({_DAYS[day.weekday()]})"


def _join_words(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def read_vcf(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """VCF, as address books export it; pictures and sounds are passed over."""
    with file.open() as stream:
        head = decode_head(stream.read(64))
    if not head.upper().startswith("BEGIN:VCARD"):
        raise ReadError("not a contact: it does not begin with BEGIN:VCARD", "Export the contacts again.")
    return ReadDocument(_contacts(file, limits))


VCF = Reader("text/vcard", (".vcf", ".vcard"), read_vcf)


def _contacts(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    for number, card in enumerate(components(file, limits, ("VCARD",)), start=1):
        name = _name(card)
        text = "\n".join(line for line in (name, *_lines_of_contact(card)) if line)
        if text:
            part = f"contact {number}" + (f": {name[:80]}" if name else "")
            yield Block(
                text, Locator(part=part, line_start=card.first_line, line_end=card.last_line), BlockKind.PARAGRAPH
            )


def _name(card: Component) -> str:
    if full := " ".join(card.text("FN").split()):
        return full
    found = card.first("N")
    if found is None:
        return " ".join(card.text("ORG").split())
    family, given, middle, prefix, suffix = (*found.fields(), "", "", "", "", "")[:5]
    return " ".join(piece for piece in (prefix, given, middle, family, suffix) if piece)


def _lines_of_contact(card: Component) -> Iterator[str]:
    given = {entry.group: _APPLES.sub(r"\1", entry.text) for entry in card.all("X-ABLABEL") if entry.group}
    seen: set[str] = set()
    for entry in card.properties:
        line = _of_android(entry) if entry.name == "X-ANDROID-CUSTOM" else _line(entry, given.get(entry.group, ""))
        if line and line not in seen:
            seen.add(line)
            yield line


def _line(entry: Property, own_label: str) -> str:
    label = _LABELS.get(entry.name) or ("Chat" if entry.name in _CHATS else _label_unknown(entry.name))
    value = _value(entry) if label else ""
    if not value:
        return ""
    kinds = [kind.removeprefix("x-") for kind in entry.parameters.get("TYPE", "").lower().split(",")]
    kinds = [kind for kind in dict.fromkeys(kinds) if not _NO_LABEL.match(kind)]
    service = (
        entry.parameters.get("X-SERVICE-TYPE") or entry.parameters.get("SERVICE-TYPE") or _CHATS.get(entry.name, "")
    )
    if entry.name in _NAMED_BY_LABEL and (own_label or kinds):
        return f"{own_label or kinds[0].capitalize()}: {value}"
    notes = ", ".join(note for note in (own_label, service, *kinds) if note)
    return f"{label} ({notes}): {value}" if notes else f"{label}: {value}"


def _label_unknown(name: str) -> str:
    """Return a label for a property that only some program knows: a person may have filled it in."""
    if not name.startswith("X-") or _PASSED_OVER.match(name):
        return ""
    return name.removeprefix("X-").replace("-", " ").capitalize()


def _value(entry: Property) -> str:
    if entry.name in _LISTED:
        return ", ".join(" ".join(piece.split()) for piece in entry.fields() if piece)
    if entry.name in _DATES:
        return _date_of_contact(entry.text)
    return re.sub(r"^(?:tel|mailto|geo):", "", entry.text, flags=re.IGNORECASE)


def _date_of_contact(text: str) -> str:
    """Return a date as far as it is known: `2014-06-21`, or `14 March` where no year was given."""
    if match := _NO_YEAR.match(text):
        year, month, day = 0, int(match[1]), int(match[2])
    elif match := _DATE_OF_CONTACT.match(text):
        year, month, day = (int(piece) for piece in match.groups())
    else:
        return text
    if not 1 <= month <= 12:
        return text
    return f"{day} {MONTHS[month - 1]}" if year in (0, _NOBODYS_YEAR) else f"{year:04}-{month:02}-{day:02}"


def _of_android(entry: Property) -> str:
    """Return what Android keeps of a contact beside the standard: kind, value, and the name of its type."""
    kind, value, *rest = (*entry.fields(), "", "")
    if not value:
        return ""
    label = kind.rpartition("/")[2].replace("_", " ").capitalize()
    own = next((text for text in rest[1:] if text), "")
    return f"{own or label}: {_date_of_contact(value)}"


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

    def line(self) -> str:
        """Return it as a content line, with the zone that it names and whether it is a day alone."""
        kept = [f';{name}="{self.parameters[name]}"' for name in ("TZID", "VALUE") if name in self.parameters]
        return f"{self.name}{''.join(kept)}:{' '.join(self.value.split())}"

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
                yield from _unfold(enumerate(raws, start=1), limits)
            return
        with file.open() as stream:
            raws = (raw.rstrip(b"\r\n").removeprefix(codecs.BOM_UTF8) for raw in raw_lines(stream))
            yield from _unfold(enumerate(raws, start=1), limits)

    encoding = encoding_by_lines(numbered, file)
    for number, raw in numbered():
        declared = _DECLARED.match(raw)
        text = decode_declared(raw, declared[1].decode("ascii")) if declared else encoding.line(raw)[0]
        if text.strip():
            yield number, text


def _unfold(numbered: Iterator[tuple[int, bytes]], limits: ReadLimits) -> Iterator[tuple[int, bytes]]:
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
