"""Spreadsheets: values as the sheet shows them, with their comments and links, and what is not read named."""

from __future__ import annotations

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import ReadDocument
from assistant.ingestion.readers.number_formats import format_number
from tests.ingestion.files import read, text_of, zip_of
from tests.ingestion.office import ods_cell, ods_of, ods_row, old_excel, row, xlsx_of

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.25, "0%", "25%"),
        (0.123, "0.0%", "12.3%"),
        (1067, "00000", "01067"),
        (1203.44, '#,##0.00 "€"', "1,203.44 €"),
        (12, r"_-* #,##0.00\ [$€-407]_-;-* #,##0.00\ [$€-407]_-", "12.00 €"),
        (-5, "0;[Red](0)", "(5)"),
        (-5.5, "0.0", "-5.5"),
        (0, '0;-0;"none"', "none"),
        (431555000, "0# ## ## ## ##", "04 31 55 50 00"),
        (123456789, "000-00-0000", "123-45-6789"),
        (2500000, '0.0,,"M"', "2.5M"),
        (1.5, "0.##", "1.5"),
        (12, 'General "kg"', "12 kg"),
        (0.1 + 0.2, "", "0.3"),
        (7, "d mmm yyyy", "7"),
        (-5, r'"$"#,##0.00_);[Red]\("$"#,##0.00\)', "($5.00)"),
        (1500, '[>=1000]#,##0,"K";0', "1500"),
        (1e300, "0.00", "1e+300"),
    ],
)
def test_a_number_is_shown_as_its_format_says(value: float, code: str, text: str) -> None:
    assert format_number(float(value), code) == text


STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="00000"/><numFmt numFmtId="171" '
    'formatCode="[h]:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/>'
    '<xf numFmtId="9"/><xf numFmtId="171"/></cellXfs></styleSheet>'
)


def number(place: str, style: int, value: float) -> str:
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def noted_workbook() -> bytes:
    """A sheet of formatted numbers with a comment, a thread, a link, a text box, a footer and formulas, and no more."""
    names = row(1, "Who", "Zip", "Share", "Time")
    values = number("B2", 2, 1067) + number("C2", 3, 0.25) + number("D2", 4, 0.0625)
    second = '<row r="2"><c r="A2" t="inlineStr"><is><t>Lena</t></is></c>' + values + "</row>"
    third = '<row r="3"><c r="A3"><f>1+1</f><v></v></c><c r="B3" t="str"><f>""</f><v></v></c></row>'
    third += '<row r="4"><c r="B4" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'
        for n, (kind, target, mode) in enumerate(
            [
                ("hyperlink", "https://lena.example", ' TargetMode="External"'),
                ("comments", "../comments1.xml", ""),
                ("drawing", "../drawings/drawing1.xml", ""),
            ]
        )
    )
    remark = "<text><t>Calls after five</t></text>"
    far = "<text><t>Far out</t></text>"
    drawing = "<x:wsDr xmlns:x='d' xmlns:a='a'><x:sp><a:p><a:t>In a box</a:t></a:p></x:sp></x:wsDr>"
    end = f'</sheetData><hyperlinks xmlns:r="{OFFICE}"><hyperlink ref="A2" r:id="r0"/></hyperlinks>'
    end += '<headerFooter><oddFooter>&amp;L&amp;"Arial,Bold"&amp;12Printed for Ada &amp;P</oddFooter></headerFooter>'
    return xlsx_of(
        {"People": names + second + third + end + "<sheetData>", "Hidden": row(1, "secret")},
        {
            "xl/styles.xml": STYLES,
            "xl/worksheets/_rels/sheet1.xml.rels": "<Relationships xmlns='http://schemas.openxmlformats.org/package/"
            f"2006/relationships'>{relations}</Relationships>",
            "xl/comments1.xml": f'<comments xmlns="{MAIN}"><authors><author>Omar</author></authors><commentList>'
            f'<comment ref="A2" authorId="0">{remark}</comment><comment ref="Z90" authorId="9">{far}</comment>'
            "</commentList></comments>",
            "xl/drawings/drawing1.xml": drawing,
        },
    )


def told(document: ReadDocument) -> list[str]:
    return [f"{one.part}: {one.reason}" for one in document.left_out]


def test_a_sheet_is_read_as_it_is_shown_with_all_that_stands_beside_its_values() -> None:
    document, blocks = read(noted_workbook(), "a.xlsx")
    assert [block.text for block in blocks] == [
        "Who: Lena (https://lena.example; comment by Omar: Calls after five) | Zip: 01067 | Share: 25% | Time: 1:30",
        "#DIV/0!",
        "Printed for Ada",
        "In a box",
        "row 90: comment: Far out",
    ]
    assert told(document) == ["sheet People: 1 formula has no stored result", "sheet Hidden: it is hidden"]
    assert all(one.hint for one in document.left_out)


def test_merged_cells_of_a_workbook_name_their_columns() -> None:
    rows = row(1, "Person", "Contact") + row(2, "", "Phone", "Mail") + row(3, "Lena", "0431 5550", "lena@a.example")
    merged = '</sheetData><mergeCells><mergeCell ref="B1:C1"/><mergeCell ref="A1:A2"/></mergeCells><sheetData>'
    _, blocks = read(xlsx_of({"A": rows + merged}), "a.xlsx")
    assert text_of(blocks) == "Person: Lena | Contact Phone: 0431 5550 | Contact Mail: lena@a.example"


HIDING = '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
REMARK = "<office:annotation><text:p>Calls after five</text:p></office:annotation>"
COVERED = "<table:covered-table-cell/>"
SHEET = (
    '<table:table table:name="People">'
    + ods_row(ods_cell("People of the pier", 'table:number-columns-spanned="3"'), COVERED, COVERED)
    + ods_row("", attributes='table:number-rows-repeated="5"')
    + ods_row("Who", "Share", "Town")
    + ods_row(
        ods_cell('<text:a x:href="https://lena.example">Lena</text:a>', inside=REMARK),
        ods_cell("25 %", 'office:value-type="percentage" office:value="0.25"'),
        ods_cell("Kiel", 'table:number-rows-spanned="2"'),
    )
    + ods_row("Omar", ods_cell("", 'table:formula="of:=1/4"'), COVERED)
    + ods_row("", attributes='table:number-rows-repeated="1048000"')
    + "</table:table>"
)  # fmt: skip


def test_an_opendocument_spreadsheet_is_read_as_it_is_shown() -> None:
    hidden = f'<table:table table:name="Secret" table:style-name="h">{ods_row("secret")}</table:table>'
    document, blocks = read(ods_of(SHEET, hidden, styles=HIDING), "a.ods")
    assert [(block.locator.part, block.text) for block in blocks] == [
        ("row 1", "People of the pier"),
        ("row 8", "Who: Lena (https://lena.example) (comment: Calls after five) | Share: 25 % | Town: Kiel"),
        ("row 9", "Who: Omar | Town: Kiel"),
    ]
    assert blocks[0].locator.headings == ("People",)
    assert told(document) == ["sheet People: 1 formula has no stored result", "sheet Secret: it is hidden"]


def test_a_workbook_of_excel_97_is_read() -> None:
    document, blocks = read(old_excel(), "a.xls")
    assert [block.text for block in blocks] == [
        "Harbour stock",
        "Part: Winch | Shelf: 12.5 | Since: 2024-05-06",
        "Part: 锚 | Shelf: 3 | Since: 2025-01-02",
    ]
    assert told(document) == ["sheet Secret: it is hidden"]


@pytest.mark.parametrize(
    "content", ["<html><table><tr><th>Day<th>Sum<tr><td>Monday<td>12</table>", "Day\tSum\nMonday\t12\n"]
)
def test_a_table_that_was_saved_as_if_it_were_excel_is_read(content: str) -> None:
    assert text_of(read(content, "export.xls")[1]) == "Day: Monday | Sum: 12"


@pytest.mark.parametrize(
    ("content", "name", "hint"),
    [
        (zip_of({"Index/Document.iwa": b"x"}), "a.numbers", "Numbers as Excel or CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.doc", "save it as DOCX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xls", "save it"),
    ],
)
def test_what_is_not_read_is_named_with_how_to_convert_it(content: bytes, name: str, hint: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(content, name)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("sep=;\nName;Town\nLena;Kiel\n", ["Name: Lena | Town: Kiel"]),
        ("Word\nserendipity, n.\nsonder\n", ["Word", "serendipity, n.", "sonder"]),
        (
            "Statement\nFor Ada\n\nDay;Sum\n05.01.;-9,40\n06.01.;1,20\n",
            ["Statement", "For Ada", "Day: 05.01. | Sum: -9,40", "Day: 06.01. | Sum: 1,20"],
        ),
        ("name,town\nLena,Ki\0el\n", ["name: Lena | town: Kiel"]),
        ("Title;Remark\nOne;good, quick, cheap\n", ["Title: One | Remark: good, quick, cheap"]),
    ],
)  # fmt: skip
def test_csv_as_programs_write_it(content: str, texts: list[str]) -> None:
    assert [block.text for block in read(content, "a.csv")[1]] == texts


@pytest.mark.parametrize(("at", "value"), [(0, 0), (3, 2)])
def test_a_chain_of_sectors_that_leads_in_a_circle_is_not_followed(at: int, value: int) -> None:
    data = bytearray(old_excel())
    table = (int.from_bytes(data[76:80], "little") + 1) * 512
    data[table + 4 * at : table + 4 * at + 4] = value.to_bytes(4, "little")
    with pytest.raises(ReadError, match="malformed"):
        read(bytes(data), "a.xls")
