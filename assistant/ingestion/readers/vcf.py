"""Reads contacts (vCard 2.1 to 4.0): each contact a block."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind, ReadDocument, ReadLimits, SourceFile
from assistant.ingestion.readers.contentlines import Component, Property, components
from memory_store.models import Locator

_LABELS = {
    "NICKNAME": "Nickname",
    "ORG": "Organization",
    "TITLE": "Title",
    "ROLE": "Role",
    "TEL": "Phone",
    "EMAIL": "Email",
    "ADR": "Address",
    "URL": "Link",
    "IMPP": "Chat",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "X-ANNIVERSARY": "Anniversary",
    "RELATED": "Related",
    "CATEGORIES": "Tags",
    "NOTE": "Note",
}
_TYPES = frozenset(("home", "work", "cell", "mobile", "main", "fax", "pager", "other", "school"))


class VcfReader:
    """VCF, as address books export it; pictures and sounds are passed over."""

    media_type = "text/vcard"
    suffixes = (".vcf", ".vcard")

    def read(self, file: SourceFile, limits: ReadLimits) -> ReadDocument:
        """Return the contacts as they are consumed."""
        with file.open() as stream:
            head = stream.read(64).decode("utf-8", errors="replace").lstrip("\ufeff \r\n")
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
    for one in card.properties:
        label = _LABELS.get(one.name)
        value = _value(one) if label else ""
        if value:
            kinds = [kind for kind in one.parameters.get("TYPE", "").lower().split(",") if kind in _TYPES]
            yield f"{label} ({', '.join(kinds)}): {value}" if kinds else f"{label}: {value}"


def _value(one: Property) -> str:
    if one.name in ("ADR", "ORG"):
        return ", ".join(" ".join(piece.split()) for piece in one.fields() if piece)
    return one.text.removeprefix("tel:").removeprefix("mailto:")
