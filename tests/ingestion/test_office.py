"""PPTX, XLSX, ODT and RTF: their text and places, and every damage named in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import BlockKind, ReadLimits
from tests.ingestion.files import mark_encrypted, read, text_of, zip_of
from tests.ingestion.office import ODP, odt_of, pptx_of, row, shape, slide_table, xlsx_of

SLIDES = pptx_of(
    [
        shape("Harbour", role="ctrTitle") + shape("12 March", role="dt") + shape("Two berths", "One crane"),
        shape("Costs", role="title")
        + slide_table(["Item", "Price"], ["Crane", "9000"])
        + shape("Draft", hidden=True)
        + shape("Paid by Ines."),
    ],
    notes=shape("Ask the harbour master.", role="body") + shape("1", role="sldNum"),
)


def test_a_presentation_is_read_slide_by_slide_with_its_notes() -> None:
    document, blocks = read(SLIDES, "plan.pptx")
    assert (document.title, document.author) == ("Harbour plan", "Ada")
    assert document.created_at == datetime(2025, 3, 4, 10, tzinfo=UTC)
    assert [(b.locator.part, b.locator.headings, b.kind, b.text) for b in blocks] == [
        ("slide 1", ("Harbour",), BlockKind.HEADING, "Harbour"),
        ("slide 1", ("Harbour",), BlockKind.LIST, "Two berths"),
        ("slide 1", ("Harbour",), BlockKind.LIST, "One crane"),
        ("slide 1", ("Harbour", "Notes"), BlockKind.PARAGRAPH, "Ask the harbour master."),
        ("slide 2", ("Costs",), BlockKind.HEADING, "Costs"),
        ("slide 2", ("Costs",), BlockKind.TABLE, "Item: Crane | Price: 9000"),
        ("slide 2", ("Costs",), BlockKind.PARAGRAPH, "Paid by Ines."),
    ]


MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def test_what_stands_in_other_parts_of_a_slide_is_read_and_a_slide_of_a_picture_named() -> None:
    formula = f"<a:p><m:oMath xmlns:m='{MATH}'><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r>"
    link = "<a:r><a:rPr><a:hlinkClick r:id='link'/></a:rPr><a:t>tides</a:t></a:r></a:p>"
    text = shape("y").replace("</a:p>", link).replace("</a:p>", f"</a:p>{formula}</m:sup></m:sSup></m:oMath></a:p>")
    kinds = {"chart": "../charts/c.xml", "comments": "../comments/c.xml"}
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "".join(f'<Relationship Id="{one}" Type="{office}/{one}" Target="{at}"/>' for one, at in kinds.items())
    relations += '<Relationship Id="link" Type="hyperlink" Target="https://tides.example" TargetMode="External"/>'
    extra = {
        "ppt/slides/_rels/slide2.xml.rels": f"<Relationships>{relations}</Relationships>",
        "ppt/charts/c.xml": '<c xmlns:a="a"><title><a:p><a:t>Costs</a:t></a:p></title><ser>'
        '<tx><pt idx="0"><v>Rent</v></pt></tx>'
        '<cat><pt idx="0"><v>May</v></pt></cat><val><pt idx="0"><v>940</v></pt></val></ser></c>',
        "ppt/comments/c.xml": '<p xmlns:p="p"><p:cm><p:text>Ask Ines</p:text></p:cm></p>',
    }
    document, blocks = read(pptx_of([text, "<p:pic/>" + shape("2", role="sldNum")], extra=extra), "a.pptx")
    assert [block.text for block in blocks] == [
        "ytides (https://tides.example)",
        "x^2",
        "Costs",
        "May | Rent: 940",
        "comment: Ask Ines",
    ]
    assert [(one.part, one.reason) for one in document.left_out] == [("slide 2", "it holds only a picture")]


WORKBOOK = xlsx_of(
    {
        "Electricity": row(2, "Meter", "Read on", "Value")
        + row(3, "Hall", 45720, 12.5, date_at=1)
        + row(5, "Attic", 45721, 40, date_at=1),
        "Hidden": row(1, "secret"),
        "Empty": "",
        "Names": row(1, "Only", "Headers"),
    }
)


def test_a_workbook_is_read_row_by_row_under_its_sheets() -> None:
    document, blocks = read(WORKBOOK, "meters.xlsx")
    assert (document.title, document.author) == ("Meters", "Ada")
    assert [(b.locator.headings, b.locator.part, b.text) for b in blocks] == [
        (("Electricity",), "row 3", "Meter: Hall | Read on: 2025-03-04 | Value: 12.5"),
        (("Electricity",), "row 5", "Meter: Attic | Read on: 2025-03-05 | Value: 40"),
        (("Names",), "row 1", "Only | Headers"),
    ]


def test_what_stands_beside_the_text_of_rich_text_follows_it() -> None:
    markup = (
        rb"{\rtf1\ansi\ansicpg1250{\info{\title Za\'bf\'f3\'b3\'e6}}"
        rb"{\header Letterhead}{\headerf Letterhead}"
        rb"\pard Paid\chftn{\footnote\pard\plain By {\b card}.} late.{\*\annotation {\*\atnref 1}Why?}\par}"
    )
    document, blocks = read(markup, "letter.rtf")
    assert document.title == "Zażółć"
    assert [one.text for one in blocks] == ["Paid[1] late.[2]", "Letterhead", "[1] By card.", "[2] Why?"]


@pytest.mark.parametrize("place", ["XFD1048576", "xfd1048576", "streamA3", "A99999999999", "ZZZZ9"])
def test_a_sheet_with_a_cell_far_out_is_refused_before_it_is_unrolled(place: str) -> None:
    far = f'<row r="1048576"><c r = "{place}"><v>1</v></c></row>'
    with pytest.raises(ReadError, match=r"a sheet of .* rows and .* columns") as caught:
        read(xlsx_of({"A": row(1, "x") + far}), "a.xlsx")
    assert "Delete the cells" in caught.value.hint


TEXT = odt_of(
    '<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="1">Lease</text:h>'
    "<text:p>Two<text:s text:c='2'/>months<text:line-break/>of <text:span>notice</text:span>.<office:annotation>"
    "<text:p>remark</text:p></office:annotation></text:p><text:list><text:list-item><text:p>Keys</text:p>"
    "</text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>Meter</text:p>"
    "</table:table-cell><table:table-cell><text:p>Value</text:p></table:table-cell></table:table-row><table:table-row>"
    "<table:table-cell><text:p>Gas</text:p></table:table-cell><table:table-cell><text:p>09917</text:p>"
    "</table:table-cell></table:table-row></table:table>"
)


def test_an_opendocument_text_gives_headings_lists_table_rows_and_remarks_without_deleted_text() -> None:
    document, blocks = read(TEXT, "lease.odt")
    assert (document.title, document.author) == ("Lease", "Ada")
    assert document.created_at == datetime(2025, 3, 4, 10, tzinfo=UTC)
    assert [(b.kind, b.text) for b in blocks] == [
        (BlockKind.HEADING, "Lease"),
        (BlockKind.PARAGRAPH, "Two  months\nof notice."),
        (BlockKind.PARAGRAPH, "comment: remark"),
        (BlockKind.LIST, "Keys"),
        (BlockKind.TABLE, "Meter: Gas | Value: 09917"),
    ]
    assert blocks[1].locator.headings == ("Lease",)


def test_fields_formulas_charts_headers_and_boxes_of_an_opendocument_text_are_read() -> None:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    kinds = ("office", "text", "table", "style", "form")
    names = " ".join(f'xmlns:{one}="{space}:{one}:1.0"' for one in kinds) + ' xmlns:x="http://www.w3.org/1999/xlink"'
    fields = (
        "<form:text form:label='Name' form:current-value='Ada'/><form:checkbox form:name='Pets' "
        "form:current-state='checked'/><form:checkbox form:name='Car' form:current-state='unchecked'/>"
    )
    formula, table = (f"<d:frame xmlns:d='d' {names}><d:object x:href='./Object {n}'/></d:frame>" for n in (1, 2))
    box = "<d:frame xmlns:d='d'><d:text-box><text:p>In a box</text:p></d:text-box></d:frame>"
    body = f"<office:forms {names}><form:form>{fields}</form:form></office:forms>"
    body += f"<text:p>Area {formula}.{table}{box}</text:p>"
    chart = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in pair)
        + "</table:table-row>"
        for pair in (("Month", "Rent"), ("May", "940"))
    )
    extra = {
        "Object 1/content.xml": "<math><mi>a</mi><mo>=</mo><mn>12.5</mn></math>",
        "Object 2/content.xml": f"<c {names}><table:table>{chart}</table:table></c>",
        "styles.xml": f"<s {names}><style:header><text:p>File 4471</text:p></style:header>"
        "<style:header-left><text:p>File 4471</text:p></style:header-left>"
        "<style:footer><text:p>Confidential</text:p><text:p>3</text:p></style:footer></s>",
    }
    assert [block.text for block in read(odt_of(body, extra), "a.odt")[1]] == [
        "File 4471",
        "Area a = 12.5.",
        "In a box",
        "Month: May | Rent: 940",
        "Name: Ada",
        "Pets: ☒",
        "Confidential",
    ]


def test_an_opendocument_presentation_is_read_slide_by_slide_with_its_notes() -> None:
    document, blocks = read(ODP, "plan.odp")
    assert [(b.locator.part, b.locator.headings, b.text) for b in blocks] == [
        ("slide 1", ("Harbour",), "Harbour"),
        ("slide 1", ("Harbour",), "Two berths"),
        ("slide 1", ("Harbour", "Notes"), "Ask the harbour master."),
        ("slide 3", (), "The end"),
    ]
    assert [(one.part, one.reason) for one in document.left_out] == [("slide 2", "it holds only a picture")]


RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}}{\info{\title Letter}{\author Ada}"
    rb"{\creatim\yr2025\mo3\dy4}}\pard Dear Ren\'e9,\par The price is 3 \u8364?.\par"
    rb"\trowd Gas\cell 09917\cell\row{\*\generator Word}}"
)


def test_rich_text_gives_its_paragraphs_title_and_author() -> None:
    document, blocks = read(RTF, "letter.rtf")
    assert (document.title, document.author) == ("Letter", "Ada")
    assert document.created_at == datetime(2025, 3, 4, tzinfo=UTC)
    assert [block.text for block in blocks] == ["Dear René,", "The price is 3 €.", "Gas: 09917"]


@pytest.mark.parametrize("name", ["plan.txt", "plan", "plan.docx"])
def test_the_content_decides_how_an_office_file_is_read(name: str) -> None:
    assert "Two berths" in text_of(read(SLIDES, name)[1])
    assert "09917" in text_of(read(WORKBOOK, name)[1]) or "Hall" in text_of(read(WORKBOOK, name)[1])
    assert "René" in text_of(read(RTF, name)[1])
    assert "notice" in text_of(read(TEXT, name)[1])


BOMB = b"\0" * (3 * 1024**2)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (pptx_of([]), "a.pptx", "lists no slides"),
        (pptx_of([shape("x")], extra={"ppt/slides/slide1.xml": "<broken"}), "a.pptx", "its slide 1 is malformed"),
        (pptx_of(["x"], extra={"ppt/presentation.xml": "<broken"}), "a.pptx", "its presentation is malformed"),
        (pptx_of([shape("x")], extra={"ppt/media/image.bin": BOMB}), "a.pptx", "it would unpack to .* times its size"),
        (pptx_of([""]), "a.pptx", "no text"),
        (SLIDES[: len(SLIDES) // 2], "a.pptx", "damaged"),
        (mark_encrypted(SLIDES), "a.pptx", "encrypted"),
        (OLE, "a.pptx", "encrypted: the PowerPoint presentation needs a password"),
        (OLE, "a.xlsx", "encrypted: the Excel workbook needs a password"),
        (zip_of({"a.txt": "x"}), "a.xlsx", "no Excel workbook inside"),
        (xlsx_of({"A": "<row"}), "a.xlsx", "damaged: its content is malformed"),
        (xlsx_of({"A": ""}), "a.xlsx", "no text"),
        (xlsx_of({"A": row(1, "x")}, {"xl/media/image.bin": BOMB}), "a.xlsx", "it would unpack to .* times its size"),
        (b"words", "a.xlsm", "it is no Excel workbook inside"),
        (odt_of("<text:p>x</text:p>", {"content.xml": "<broken"}), "a.odt", "its content is malformed"),
        (odt_of("", {"META-INF/manifest.xml": "<manifest:encryption-data/>"}), "a.odt", "encrypted: the OpenDocument"),
        (odt_of("<text:p>x</text:p>", {"Pictures/a": BOMB}), "a.odt", "it would unpack to .* times its size"),
        (odt_of("<text:list>" * 400 + "x" + "</text:list>" * 400), "a.odt", "its content is malformed"),
        (zip_of({"mimetype": "application/vnd.oasis.opendocument.chart", "content.xml": "<x/>"}), "a.odf",
         "an OpenDocument file that is no text, spreadsheet"),
        (RTF[:-20], "a.rtf", "torn or damaged RTF"),
        (b"words", "a.rtf", "it is no RTF document inside"),
        (rb"{\rtf1 }", "a.rtf", "no text"),
    ],
)  # fmt: skip
def test_a_bad_office_file_is_refused_with_its_reason(content: bytes, name: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read(content, name)
    assert caught.value.hint


def test_a_footnote_of_an_opendocument_text_is_read_where_it_stands() -> None:
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>In writing.</text:p>"
    body = f"<text:p>Two months{note}</text:note-body></text:note> of notice.</text:p>"
    assert text_of(read(odt_of(body), "a.odt")[1]) == "Two months In writing.  of notice."


def test_office_markup_above_its_limit_is_refused() -> None:
    small = ReadLimits(max_markup_bytes=150)
    for content, name in ((SLIDES, "a.pptx"), (TEXT, "a.odt"), (RTF, "a.rtf")):
        with pytest.raises(ReadError, match="of markup"):
            read(content, name, small)


def test_entities_of_an_office_file_are_never_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>'
    body = '<x xmlns:t="y"><office:text xmlns:office="o"><t:p>words &e11;</t:p></office:text></x>'
    with pytest.raises(ReadError, match="its content is malformed"):
        read(odt_of("", {"content.xml": head + body}), "a.odt")
