"""PDF: everything on a page is read in the order in which people read it, and a page that is a picture is named."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from fpdf import FPDF

from assistant.errors import ReadError
from assistant.ingestion.base import BlockKind
from assistant.ingestion.readers.pdf import Hyphens
from assistant.ingestion.readers.pdf_layout import Column, Span, Table, arrange, word_from_right
from assistant.ingestion.readers.registry import read_document
from tests.ingestion.files import LIMITS, file_of, read, text_of


def pdf(draw: Callable[[FPDF], object]) -> bytes:
    """Return a PDF that is drawn on a first page."""
    paper = FPDF(unit="pt")
    paper.set_font("helvetica", size=10)
    paper.add_page()
    draw(paper)
    return bytes(paper.output())


def png() -> BytesIO:
    """Return a picture of one dark dot."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    inner = part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0\0")) + part(b"IEND", b"")
    return BytesIO(b"\x89PNG\r\n\x1a\n" + inner)


FORM = b"""%PDF-1.7
1 0 obj<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R 6 0 R 7 0 R 8 0 R]>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R/Resources<</Font<</F 9 0 R>>>>
/Annots[5 0 R 6 0 R 7 0 R 8 0 R]>>endobj
4 0 obj<</Length 72>>stream
BT /F 10 Tf 50 300 Td (Deposit:) Tj ET BT /F 10 Tf 70 250 Td (Pets) Tj ET
endstream endobj
5 0 obj<</Type/Annot/Subtype/Widget/FT/Tx/T(x.name\\[0\\])/TU(Your name)/V(Ada Brandt)/Rect[100 340 200 350]>>endobj
6 0 obj<</Type/Annot/Subtype/Widget/FT/Tx/T(dep)/V(2340 EUR)/Rect[100 298 200 310]>>endobj
7 0 obj<</Type/Annot/Subtype/Widget/FT/Btn/T(c1)/V/Yes/AS/Yes/Rect[50 248 60 258]>>endobj
8 0 obj<</Type/Annot/Subtype/Widget/FT/Btn/T(c2)/V/Off/AS/Off/Rect[50 148 60 158]>>endobj
9 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
startxref
0
%%EOF"""


def test_what_is_written_into_a_form_is_read_with_the_words_beside_it() -> None:
    _, blocks = read(FORM, "a.pdf")
    assert [block.text for block in blocks] == [
        "Deposit:",
        "Pets",
        "Your name: Ada Brandt",
        "Deposit: 2340 EUR",
        "Pets: ☒",
    ]


def test_remarks_are_read_with_their_author_and_what_they_are_on() -> None:
    def draw(paper: FPDF) -> None:
        paper.text(50, 100, "The lease runs until 2028.")
        paper.text_annotation(200, 90, "Ask about the notice", title="Lena")
        paper.text(50, 200, "Two months of notice")
        with paper.highlight("Too short", title="Omar"):
            paper.set_xy(50, 290)
            paper.cell(text="Deposit of 900")

    text = text_of(read(pdf(draw), "a.pdf")[1])
    assert "comment by Lena: Ask about the notice" in text
    assert "comment by Omar on “Deposit of 900”: Too short" in text


def test_links_keep_their_addresses_where_the_page_does_not_show_them() -> None:
    def draw(paper: FPDF) -> None:
        paper.text(50, 100, "See the tide tables.")
        paper.link(50, 90, 100, 14, "https://tides.example/kiel")
        paper.text(50, 200, "https://shown.example")
        paper.link(50, 190, 120, 14, "https://shown.example/")

    assert [block.text for block in read(pdf(draw), "a.pdf")[1]][2:] == [
        "See the tide tables. (https://tides.example/kiel)"
    ]


def test_embedded_files_come_along() -> None:
    data = pdf(
        lambda paper: (paper.text(50, 50, "See the list."), paper.embed_file(basename="a.csv", bytes=b"a,b\n1,2"))
    )
    document = read_document(file_of(data, "a.pdf"), LIMITS)
    list(document.blocks)
    [attached] = document.attached
    assert (attached.path, attached.suffix, attached.open().read()) == ("/home/me/a.pdf!/a.csv", ".csv", b"a,b\n1,2")


def test_an_embedded_file_larger_than_the_pdf_is_named() -> None:
    big = b"words " * 50_000
    data = pdf(lambda paper: (paper.text(50, 50, "See."), paper.embed_file(basename="b.txt", bytes=big, compress=True)))
    document = read_document(file_of(data, "a.pdf"), LIMITS)
    list(document.blocks)
    assert not document.attached
    assert [(one.part, one.reason) for one in document.left_out] == [
        ("attachment b.txt", "it unpacks to more than the PDF itself")
    ]


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("", ("pages 2–3", "they hold only a picture")),
        ("Received 3 May", ("pages 2–3", "they are pictures but for a few words")),
    ],
)
def test_pages_that_are_pictures_are_named(stamp: str, told: tuple[str, str]) -> None:
    def draw(paper: FPDF) -> None:
        paper.text(50, 50, "The cover of the lease.")
        for _ in range(2):
            paper.add_page()
            paper.image(png(), 0, 0, 595, 842)
            if stamp:
                paper.text(50, 50, stamp)
        paper.add_page()

    document, _ = read(pdf(draw), "a.pdf")
    assert [(one.part, one.reason) for one in document.left_out] == [told]
    assert all("[ocr]" in one.hint for one in document.left_out)


def test_a_pdf_of_pictures_alone_is_refused() -> None:
    with pytest.raises(ReadError, match="no text layer"):
        read(pdf(lambda paper: paper.image(png(), 0, 0, 595, 842)), "a.pdf")


LEFT = [
    "The left column speaks of bees and their",
    "winter stores. A hive needs nine kilos of",
    "honey to live until March.",
]
RIGHT = ["The right column is about boats. The hull", "was painted in May with two coats of red", "antifouling paint."]


def test_columns_are_read_one_after_the_other() -> None:
    def draw(paper: FPDF) -> None:
        paper.text(200, 60, "News of the pier")
        for at, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            paper.text(50, 100 + 14 * at, left)
            paper.text(320, 100 + 14 * at, right)

    assert [block.text for block in read(pdf(draw), "a.pdf")[1]] == [
        "News of the pier",
        " ".join(LEFT),
        " ".join(RIGHT),
    ]


def test_the_rows_of_a_table_stay_apart_and_name_their_columns() -> None:
    rows = [("Article", "Size", "Price"), ("Tile grey", "20x20", "12.50"), ("Tile white", "30x30", "14.00")]

    def draw(paper: FPDF) -> None:
        paper.text(50, 60, "Price list")
        for at, row in enumerate([*rows, ("Grout", "5 kg", "9.00")]):
            for place, cell in zip((50, 200, 300), row, strict=True):
                paper.text(place, 100 + 16 * at, cell)
        paper.text(50, 220, "All prices in euro.")

    blocks = read(pdf(draw), "a.pdf")[1]
    assert [(block.kind, block.text) for block in blocks] == [
        (BlockKind.PARAGRAPH, "Price list"),
        (BlockKind.TABLE, "Article: Tile grey | Size: 20x20 | Price: 12.50"),
        (BlockKind.TABLE, "Article: Tile white | Size: 30x30 | Price: 14.00"),
        (BlockKind.TABLE, "Article: Grout | Size: 5 kg | Price: 9.00"),
        (BlockKind.PARAGRAPH, "All prices in euro."),
    ]


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_page_that_is_written_sideways_is_read_along_its_lines(angle: int) -> None:
    def draw(page: FPDF) -> None:
        with page.rotation(angle, 300, 300):
            for at, cells in enumerate([("Month", "Posting", "Sum"), ("May", "Rent", "-700"), ("June", "Pay", "900")]):
                for x, cell in zip((200, 300, 400), cells, strict=True):
                    page.text(x, 200 + 20 * at, cell)

    words = text_of(read(pdf(draw), "a.pdf")[1])
    assert words == "Month: May | Posting: Rent | Sum: -700\nMonth: June | Posting: Pay | Sum: 900"


def test_a_table_in_one_column_of_a_page_is_no_part_of_the_other() -> None:
    def draw(paper: FPDF) -> None:
        for at, (left, right) in enumerate(
            zip((("Year", "Town"), ("1999", "Kiel"), ("2004", "Porto")), RIGHT, strict=True)
        ):
            paper.text(50, 100 + 14 * at, left[0])
            paper.text(150, 100 + 14 * at, left[1])
            paper.text(320, 100 + 14 * at, right)
        paper.text(50, 160, "A line of text below them, as wide as the page and so across both of its columns.")

    found = [block.text for block in read(pdf(draw), "a.pdf")[1]]
    assert found[:3] == ["Year: 1999 | Town: Kiel", "Year: 2004 | Town: Porto", " ".join(RIGHT)]


def test_letters_set_close_are_read_once() -> None:
    def draw(paper: FPDF) -> None:
        paper.set_char_spacing(-2.5)
        for at, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            paper.text(50, 100 + 14 * at, left)
            paper.text(320, 100 + 14 * at, right)

    text = text_of(read(pdf(draw), "a.pdf")[1]).replace(" ", "")
    assert "".join(LEFT).replace(" ", "") in text


def test_a_table_over_pages_names_its_columns_on_each() -> None:
    def draw(paper: FPDF) -> None:
        for number in range(3):
            if number:
                paper.add_page()
            for at, row in enumerate(
                [("Date", "Text", "Sum"), *((f"0{n}.01.2026", f"Bread {number}{n}", f"{n}.50") for n in range(1, 5))]
            ):
                for place, cell in zip((100, 160, 300), row, strict=True):
                    paper.text(place, 100 + 20 * at, cell)

    found = [block.text for block in read(pdf(draw), "a.pdf")[1]]
    assert found[-1] == "Date: 04.01.2026 | Text: Bread 24 | Sum: 4.50"
    assert len(found) == 12


def test_the_lines_of_a_cell_are_put_together() -> None:
    def draw(paper: FPDF) -> None:
        lines = [
            (60, ("Pos", "Work", "Sum")),
            (90, ("", "Inspection of the heating", "")),
            (101, ("1", "in the cellar", "120.00")),
        ]
        lines += [(130, ("2", "Travel", "25.00")), (200, ("Thank you for your order", "", ""))]
        for height, row in lines:
            for place, cell in zip((50, 90, 300), row, strict=True):
                paper.text(place, height, cell)

    assert [block.text for block in read(pdf(draw), "a.pdf")[1]] == [
        "Pos: 1 | Work: Inspection of the heating in the cellar | Sum: 120.00",
        "Pos: 2 | Work: Travel | Sum: 25.00",
        "Thank you for your order",
    ]


def test_a_list_is_no_table() -> None:
    def draw(paper: FPDF) -> None:
        for at in range(4):
            paper.text(50, 100 + 14 * at, f"{at + 1}.")
            paper.text(90, 100 + 14 * at, f"Bring item {at}")

    assert text_of(read(pdf(draw), "a.pdf")[1]).splitlines()[0] == "1. Bring item 0"


def test_what_stands_at_the_top_and_foot_of_every_page_is_read_once() -> None:
    def draw(paper: FPDF) -> None:
        for number in range(4):
            if number:
                paper.add_page()
            paper.text(50, 30, "Lease 4471, confidential")
            paper.text(50, 100, f"Paragraph {number} of the lease.")
            paper.text(50, 114, "The same words stand on every page.")
            paper.text(50, 800, f"Page {number + 1} of 4")

    text = text_of(read(pdf(draw), "a.pdf")[1])
    assert (text.count("confidential"), text.count("of 4"), text.count("The same words")) == (1, 1, 4)
    assert all(f"Paragraph {number}" in text for number in range(4))


def test_a_sum_at_the_foot_of_every_page_is_read_on_each() -> None:
    def draw(paper: FPDF) -> None:
        for number in range(4):
            if number:
                paper.add_page()
            paper.text(50, 30, f"Report of the year - {number + 1} -")
            for at in range(4):
                paper.text(50, 100 + 14 * at, f"Line {at} of month {number}")
            paper.text(50, 300, f"Total {number * 37 + 12}.50")

    text = text_of(read(pdf(draw), "a.pdf")[1])
    assert text.count("Report of the year") == 1
    assert all(f"Total {number * 37 + 12}.50" in text for number in range(4))


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("earth\x02quake", "earthquake"),
        ("well\x02known", "well-known"),
        ("Baden\x02Baden", "Baden-Baden"),
        ("12\x0214 pages", "12-14 pages"),
        ("sub\x02\nstantial", "substantial"),
        ("wind\x02mill and a wind-mill", "wind-mill and a wind-mill"),
        ("a long\x02boat, another longboat", "a longboat, another longboat"),
    ],
)
def test_a_word_that_a_lines_end_broke_keeps_a_hyphen_of_its_own(broken: str, whole: str) -> None:
    assert Hyphens([broken]).joined(broken) == whole


@pytest.mark.parametrize("shown", ["14-ב", "םולש", "3.5-ל"])
def test_words_from_the_right_are_read_from_the_right(shown: str) -> None:
    expected = {"14-ב": "ב-14", "םולש": "שלום", "3.5-ל": "ל-3.5"}[shown]
    assert word_from_right([(float(at), character) for at, character in enumerate(shown)]) == expected


def test_a_page_of_lines_alone_keeps_its_own_order() -> None:
    assert arrange([Span(50, 700 - 14 * at, 300, 710 - 14 * at, f"Line {at}") for at in range(5)]) is None


def test_columns_written_from_the_right_begin_with_the_right_one() -> None:
    hebrew = "המפתחות נמצאים אצל סופיה במשרד"
    spans = [
        Span(left, 700 - 14 * at, left + 200, 710 - 14 * at, f"{hebrew} {left}")
        for at in range(4)
        for left in (50, 320)
    ]
    parts = arrange(spans)
    assert parts is not None
    assert [isinstance(part, Column) and part.lines[0][-3:].strip() for part in parts] == ["320", "50"]


def test_lines_written_from_the_top_begin_at_the_right() -> None:
    spans = [Span(left, 600, left + 12, 780, text) for left, text in ((300, "十時から始まる"), (330, "明日の会議は"))]
    assert arrange(spans) == [Column(["明日の会議は", "十時から始まる"])]
    signs = [
        Span(left, 700 - 20 * at, left + 12, 712 - 20 * at, sign)
        for left in (300, 330)
        for at, sign in enumerate("明日の")
    ]
    assert arrange(signs) is None


def test_a_line_across_a_table_ends_it() -> None:
    spans = [Span(left, 700 - 14 * at, left + 40, 708 - 14 * at, f"{at}") for at in range(3) for left in (50, 150, 250)]
    spans.append(Span(50, 658, 300, 666, "A line across all of it"))
    parts = arrange(spans)
    assert parts is not None
    assert [type(part) for part in parts] == [Table, Column]
