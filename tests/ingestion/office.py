"""Makes small office files, calendars and contacts, in memory, for the tests of ingestion."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.ingestion.files import zip_of

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HIDDEN = " hidden='1'"
HIDDEN_SHEET = " state='hidden'"
_CORE = (
    '<c:coreProperties xmlns:c="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/"><dc:title>{title}</dc:title>'
    "<dc:creator>Ada</dc:creator><t:created>2025-03-04T10:00:00Z</t:created></c:coreProperties>"
)


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def shape(*lines: str, role: str = "", hidden: bool = False) -> str:
    """Return a shape of a slide with these paragraphs."""
    paragraphs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
    placeholder = f'<p:ph type="{role}"/>' if role else ""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"{HIDDEN if hidden else ""}/><p:nvPr>{placeholder}</p:nvPr>'
        f"</p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"
    )


def slide_table(*rows: Sequence[str]) -> str:
    """Return a table on a slide."""
    cells = "".join(
        "<a:tr>" + "".join(f"<a:tc><a:p><a:r><a:t>{cell}</a:t></a:r></a:p></a:tc>" for cell in row) + "</a:tr>"
        for row in rows
    )
    return f"<p:graphicFrame><a:tbl>{cells}</a:tbl></p:graphicFrame>"


def pptx_of(slides: Sequence[str], notes: str = "", extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return a presentation with these shapes a slide; `notes` belong to the first. Slides are stored backwards."""
    names = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="' + _OFFICE + '"'
    names += ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    count = len(slides)
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(count))
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "docProps/core.xml": _CORE.format(title="Harbour plan"),
        "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _relations(
            {f"r{n}": ("slide", f"slides/slide{count - n}.xml") for n in range(count)}
        ),
    }
    for n, shapes in enumerate(slides):
        members[f"ppt/slides/slide{count - n}.xml"] = f"<p:sld {names}><p:spTree>{shapes}</p:spTree></p:sld>"
    if notes:
        members[f"ppt/slides/_rels/slide{count}.xml.rels"] = _relations(
            {"r1": ("notesSlide", "../notesSlides/notesSlide1.xml")}
        )
        members["ppt/notesSlides/notesSlide1.xml"] = f"<p:notes {names}><p:spTree>{notes}</p:spTree></p:notes>"
    return zip_of({**members, **(extra or {})})


def xlsx_of(sheets: Mapping[str, str], extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return a workbook with this inside each `sheetData`; style 1 is a date."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"{HIDDEN_SHEET if name == "Hidden" else ""}/>'
        for n, name in enumerate(sheets, 1)
    )
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kinds}.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    return zip_of(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
            f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"'
            f"/>{overrides}</Types>",
            "_rels/.rels": _relations({"r1": ("officeDocument", "xl/workbook.xml")}),
            "docProps/core.xml": _CORE.format(title="Meters"),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations(
                {f"r{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)}
                | {"r90": ("styles", "styles.xml")}
            ),
            "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>",
            **{
                f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>'
                for n, data in enumerate(sheets.values(), 1)
            },
            **(extra or {}),
        }
    )


def row(number: int, *cells: str | float, date_at: int = -1) -> str:
    """Return a row of a sheet; the cell at `date_at` is a date by its day number."""
    inner = ""
    for index, cell in enumerate(cells):
        place = f"{chr(65 + index)}{number}"
        if isinstance(cell, str):
            inner += f'<c r="{place}" t="inlineStr"><is><t>{cell}</t></is></c>'
        else:
            inner += f'<c r="{place}" s="{int(index == date_at)}"><v>{cell}</v></c>'
    return f'<row r="{number}">{inner}</row>'


def odt_of(body: str, extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return an OpenDocument text with this inside `office:text`."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    names = f'xmlns:office="{space}:office:1.0" xmlns:text="{space}:text:1.0" xmlns:table="{space}:table:1.0"'
    return zip_of(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {names}><office:body><office:text>{body}</office:text>"
            "</office:body></office:document-content>",
            "meta.xml": f'<office:document-meta {names} xmlns:meta="{space}:meta:1.0" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><meta:initial-creator>Ada</meta:initial-creator>'
            "<dc:creator>Ben</dc:creator><meta:creation-date>2025-03-04T10:00:00</meta:creation-date></office:meta>"
            "</office:document-meta>",
            **(extra or {}),
        }
    )


def ods_of(*sheets: str, styles: str = "", extra: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return an OpenDocument spreadsheet with these tables."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    kinds = ("office", "text", "table", "style")
    names = " ".join(f'xmlns:{one}="{space}:{one}:1.0"' for one in kinds) + ' xmlns:x="http://www.w3.org/1999/xlink"'
    return zip_of(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"<office:document-content {names}><office:automatic-styles>{styles}"
            f"</office:automatic-styles><office:body><office:spreadsheet>{''.join(sheets)}</office:spreadsheet>"
            "</office:body></office:document-content>",
            **(extra or {}),
        }
    )


def ods_cell(text: str, attributes: str = "", inside: str = "") -> str:
    """Return a cell of an OpenDocument spreadsheet."""
    paragraph = f"<text:p>{text}</text:p>" if text else ""
    return f"<table:table-cell {attributes}>{inside}{paragraph}</table:table-cell>"


def ods_row(*cells: str, attributes: str = "") -> str:
    """Return a row of an OpenDocument spreadsheet; what is no cell yet becomes one."""
    made = (cell if cell.startswith("<") else ods_cell(cell) for cell in cells)
    return f"<table:table-row {attributes}>{''.join(made)}</table:table-row>"


def odp_of(*slides: str) -> bytes:
    """Return an OpenDocument presentation with this inside its slides."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    kinds = ("office", "text", "table", "presentation")
    names = " ".join(f'xmlns:{one}="{space}:{one}:1.0"' for one in kinds) + f' xmlns:draw="{space}:drawing:1.0"'
    pages = "".join(f"<draw:page>{slide}</draw:page>" for slide in slides)
    return zip_of(
        {
            "mimetype": "application/vnd.oasis.opendocument.presentation",
            "content.xml": f"<office:document-content {names}><office:body><office:presentation>{pages}"
            "</office:presentation></office:body></office:document-content>",
        }
    )


def odp_box(text: str, role: str = "") -> str:
    """Return a frame of text on a slide of an OpenDocument presentation."""
    kind = f' presentation:class="{role}"' if role else ""
    return f"<draw:frame{kind}><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"


ODP = odp_of(
    odp_box("Harbour", "title")
    + odp_box("Two berths")
    + f"<presentation:notes>{odp_box('Ask the harbour master.')}</presentation:notes>",
    "<draw:frame><draw:image/></draw:frame>",
    odp_box("The end"),
)


def old_excel() -> bytes:
    """Return a workbook in the format of Excel 97: a title over a table, and a hidden sheet."""
    return gzip.decompress((Path(__file__).parent.parent / "fixtures" / "old-excel.xls.gz").read_bytes())


def ics_of(*events: str) -> str:
    """Return a calendar with these lines inside its events."""
    inner = "".join(f"BEGIN:VEVENT\r\n{event.strip()}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Family\r\n{inner}END:VCALENDAR\r\n"


def vcf_of(*cards: str) -> str:
    """Return contacts with these lines inside."""
    return "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{card.strip()}\r\nEND:VCARD\r\n" for card in cards)
