"""Reads contacts (vCard 2.1 to 4.0): each contact a block."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import About, Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.contentlines import Component, Property, components, decode_head
from assistant.ingestion.readers.ics import MONTHS
from memory_store.models import Locator

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
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ].*)?$")
_NO_YEAR = re.compile(r"--(\d\d)-?(\d\d)$")
_NOBODYS_YEAR = 1604  # What Apple writes where no year is known, since 29 February needs one.


class VcfReader:
    """VCF, as address books export it; pictures and sounds are passed over."""

    media_type = "text/vcard"
    suffixes = (".vcf", ".vcard")
    about = About(
        "Contacts",
        "all properties, with the person's own labels",
        "`contact 3: Ada Lovelace`, lines",
        "the file's name",
    )

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        with file.open() as stream:
            head = decode_head(stream.read(64))
        if not head.upper().startswith("BEGIN:VCARD"):
            raise ReadError("not a contact: it does not begin with BEGIN:VCARD", "Export the contacts again.")
        return ReadDocument(file.stem, self.media_type, _contacts(file, limits))


def _contacts(file: SourceFile, limits: ReadLimits) -> Iterator[Block]:
    for number, card in enumerate(components(file, limits, ("VCARD",)), start=1):
        name = _name(card)
        text = "\n".join(line for line in (name, *_lines(card)) if line)
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


def _lines(card: Component) -> Iterator[str]:
    given = {entry.group: _APPLES.sub(r"\1", entry.text) for entry in card.all("X-ABLABEL") if entry.group}
    seen: set[str] = set()
    for entry in card.properties:
        line = _of_android(entry) if entry.name == "X-ANDROID-CUSTOM" else _line(entry, given.get(entry.group, ""))
        if line and line not in seen:
            seen.add(line)
            yield line


def _line(entry: Property, own_label: str) -> str:
    label = _LABELS.get(entry.name) or ("Chat" if entry.name in _CHATS else _unknown(entry.name))
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


def _unknown(name: str) -> str:
    """Return a label for a property that only some program knows: a person may have filled it in."""
    if not name.startswith("X-") or _PASSED_OVER.match(name):
        return ""
    return name.removeprefix("X-").replace("-", " ").capitalize()


def _value(entry: Property) -> str:
    if entry.name in _LISTED:
        return ", ".join(" ".join(piece.split()) for piece in entry.fields() if piece)
    if entry.name in _DATES:
        return _day(entry.text)
    return re.sub(r"^(?:tel|mailto|geo):", "", entry.text, flags=re.IGNORECASE)


def _day(text: str) -> str:
    """Return a date as far as it is known: `2014-06-21`, or `14 March` where no year was given."""
    if match := _NO_YEAR.match(text):
        year, month, day = 0, int(match[1]), int(match[2])
    elif match := _DATE.match(text):
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
    return f"{own or label}: {_day(value)}"
