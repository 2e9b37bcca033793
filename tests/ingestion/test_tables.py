"""A table of any format: spans filled, the names of its columns found, every row a line of names and values."""

from __future__ import annotations

import pytest

from assistant.ingestion.readers.tables import Cell, Row, fill_spans, table_lines
from tests.ingestion.files import docx_of, read, text_of
from tests.ingestion.office import pptx_of

WIDE = [f"field{n}" for n in range(1, 200)]


def lines_of(table: str, *, has_header: bool = True) -> list[str]:
    """Return the lines of a table written with `,` between cells."""
    rows = (Row(line.split(",")) for line in table.strip().splitlines())
    return [line for _, line in table_lines(rows, has_header=has_header)]


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ("Boat,Pier\nMöwe,4\nLotte,7", ["Boat: Möwe | Pier: 4", "Boat: Lotte | Pier: 7"]),
        ("name,town\nlena,kiel", ["name: lena | town: kiel"]),
        ("Item,2023,2024\nRent,900,920", ["Item: Rent | 2023: 900 | 2024: 920"]),
        ("Item,2026-01-05,2026-01-12\nRuns,3,4", ["Item: Runs | 2026-01-05: 3 | 2026-01-12: 4"]),
        ("Person,1,2,3,4\nLena,9,8,7,9", ["Person: Lena | 1: 9 | 2: 8 | 3: 7 | 4: 9"]),
        ("Porto,2019\nLyon,2021", ["Porto: 2019", "Lyon: 2021"]),
        ("2025-01-02,12.5,rent\n2025-02-02,12.5,rent", ["2025-01-02 | 12.5 | rent", "2025-02-02 | 12.5 | rent"]),
        ("Day,Sum,Day\n2026-01-05,12,2026-01-06", ["Day: 2026-01-05 | Sum: 12 | Day: 2026-01-06"]),
        (",Name,Sum\n0,Lena,12\n1,Omar,15", ["0 | Name: Lena | Sum: 12", "1 | Name: Omar | Sum: 15"]),
        ("Lena,Porto,active\nOmar,Lyon,active", ["Lena | Porto | active", "Omar | Lyon | active"]),
        ("Word\nserendipity\nsonder", ["Word", "serendipity", "sonder"]),
        ("姓名,城市\n张三,昆明", ["姓名: 张三 | 城市: 昆明"]),
        ("Only,Names", ["Only | Names"]),
        ("Name,Town,\nLena,Kiel,\n", ["Name: Lena | Town: Kiel"]),
        ("Day,Sum\n1.1.,5\nDay,Sum\n2.1.,6", ["Day: 1.1. | Sum: 5", "Day: 2.1. | Sum: 6"]),
        ("2026,Jan,Feb\nRent,1,2", ["2026: Rent | Jan: 1 | Feb: 2"]),
        ("Item,Jan,Feb\nRent,1,2\n,,\nNotes:,,\nPaid late,,", ["Item: Rent | Jan: 1 | Feb: 2", "Notes:", "Paid late"]),
        ("Name,Ada\nPhone,0431 55\nRent,940\nSince,May", ["Name: Ada", "Phone: 0431 55", "Rent: 940", "Since: May"]),
        (f"Who,{'Why was that so? ' * 8}\nAda,tired", [f"Who: Ada | {('Why was that so? ' * 8).strip()}: tired"]),
        ("Phone 1,Phone 2\n0431 5550,0431 5551", ["Phone 1: 0431 5550 | Phone 2: 0431 5551"]),
        ("a,b\n1,2,3", ["a: 1 | b: 2 | 3"]),
    ],
)  # fmt: skip
def test_the_names_of_columns_are_found(table: str, lines: list[str]) -> None:
    assert lines_of(table) == lines


BANK = "Account of Ada,,,\nIBAN: DE00 1234,,,\nFrom,01.01.2026,,\n{}Day,Purpose,Sum,Balance\n05.01.2026,Rent,-940,263\n"


@pytest.mark.parametrize("between", ["", ",,,\n", ",,,\n,,,\n"])
def test_lines_above_a_table_are_no_names(between: str) -> None:
    assert lines_of(BANK.format(between)) == [
        "Account of Ada",
        "IBAN: DE00 1234",
        "From | 01.01.2026",
        "Day: 05.01.2026 | Purpose: Rent | Sum: -940 | Balance: 263",
    ]


def test_pairs_above_a_wide_table_are_no_table_of_their_own() -> None:
    lines = lines_of("Statement,made on 5 May\n\nIBAN,DE00\nBank,of Ada\n\nOrder,by day\n\n" + BANK.partition("{}")[2])
    assert lines == [
        "Statement: made on 5 May",
        "IBAN: DE00",
        "Bank: of Ada",
        "Order: by day",
        "Day: 05.01.2026 | Purpose: Rent | Sum: -940 | Balance: 263",
    ]


def test_after_a_blank_row_another_table_begins_or_the_same_one_goes_on() -> None:
    assert lines_of("Name,Sum\nAda,3\n,\nBen,4\n,\nTool,Price\nSaw,25") == [
        "Name: Ada | Sum: 3",
        "Name: Ben | Sum: 4",
        "Tool: Saw | Price: 25",
    ]


def test_names_with_a_blank_row_below_them_are_names() -> None:
    assert lines_of("Name,Town\n,\nAda,Porto\nBen,Lyon") == ["Name: Ada | Town: Porto", "Name: Ben | Town: Lyon"]


@pytest.mark.parametrize("first", ["Tenant", "Tenant:"])
def test_two_columns_of_a_form_are_names_and_values(first: str) -> None:
    form = f"{first},Lena Brandt\nRent,940\nFrom,01.02.2026\nPets,a dog"
    assert lines_of(form, has_header=False) == ["Tenant: Lena Brandt", "Rent: 940", "From: 01.02.2026", "Pets: a dog"]


def test_two_columns_whose_first_repeats_are_no_form() -> None:
    assert lines_of("Ward,Doctor\nEar,Kranz\nEar,Oduya", has_header=False) == [
        "Ward: Ear | Doctor: Kranz",
        "Ward: Ear | Doctor: Oduya",
    ]


def test_two_rows_of_names_become_one() -> None:
    groups = [Cell("Person", rows=2), Cell("Contact", columns=2), Cell("Town", rows=2)]
    rows = [(groups, False, False), ([Cell("Phone"), Cell("Mail")], False, False)]
    rows.append(([Cell("Lena"), Cell("0431 5550"), Cell("lena@a.example"), Cell("Kiel")], False, False))
    assert [line for _, line in table_lines(fill_spans(rows))] == [
        "Person: Lena | Contact Phone: 0431 5550 | Contact Mail: lena@a.example | Town: Kiel"
    ]
    assert lines_of("Home,,Work,\nPhone,Mail,Phone,Mail\n1111,a@b.example,2222,c@d.example") == [
        "Home Phone: 1111 | Home Mail: a@b.example | Work Phone: 2222 | Work Mail: c@d.example"
    ]


def test_a_cell_that_spans_rows_is_in_each_and_one_that_spans_columns_is_once() -> None:
    rows = [([Cell("Ward"), Cell("Doctor"), Cell("Phone")], True, False)]
    rows.append(([Cell("Ear", rows=2), Cell("Kranz"), Cell("4411")], False, False))
    rows.append(([Cell("closed", columns=2)], False, False))
    assert [line for _, line in table_lines(fill_spans(rows))] == [
        "Ward: Ear | Doctor: Kranz | Phone: 4411",
        "Ward: Ear | Doctor: closed",
    ]


def test_a_long_row_becomes_lines_that_each_name_whose_they_are() -> None:
    table = ",".join(["Name", *WIDE]) + "\n" + ",".join(["Ada", *(f"value of {one}" for one in WIDE)])
    lines = lines_of(table)
    assert len(lines) > 4
    assert all(line.startswith("Name: Ada | field") and len(line) < 1000 for line in lines)
    assert all(f"{one}: value of {one}" in "\n".join(lines) for one in WIDE)


def test_absurd_spans_are_bounded() -> None:
    rows = [([Cell("x", rows=10**6, columns=10**6)] * 100, False, False)] * 3
    assert [len(row.cells) for row in fill_spans(rows)] == [16_384] * 3


PAGE = """<table><caption>Crew</caption><tr><td><b>Name</b></td><td><b>Role</b></td></tr>
<tr><td>Ada</td><td>cook</td></tr></table>
<table><tr><th colspan=2>Kiel</th></tr><tr><th>Population</th><td>247,000</td></tr><tr><th>Mayor</th><td>Ada</td></tr>
</table>
<table><thead><tr><td>Boat</td><td>Pier</td></tr></thead><tr><td>Lotte</td><td>east</td></tr></table>
<table><thead><tr><th rowspan=2>Line</th><th colspan=2>Departs</th></tr><tr><th>Mon</th><th>Sun</th></tr></thead>
<tr><td>11</td><td>8:15</td><td>9:30</td></tr></table>"""


def test_tables_of_a_page() -> None:
    assert [block.text for block in read(f"<html><body>{PAGE}", "a.html")[1]] == [
        "Crew",
        "Name: Ada | Role: cook",
        "Kiel",
        "Population: 247,000",
        "Mayor: Ada",
        "Boat: Lotte | Pier: east",
        "Line: 11 | Departs Mon: 8:15 | Departs Sun: 9:30",
    ]


def test_a_table_in_a_cell_is_part_of_its_row() -> None:
    inner = "<table><tr><td>Door<td>wide</table>"
    rows = "".join(
        f"<tr><td>{room}<td>{size}<td>{note}"
        for room, size, note in (("Room", "Size", "Note"), ("Hall", "12 m2", "new floor"), ("Bath", "6 m2", inner))
    )
    found = [block.text for block in read(f"<html><body><table>{rows}</table>", "a.html")[1]]
    assert found == ["Room: Hall | Size: 12 m2 | Note: new floor", "Room: Bath | Size: 6 m2 | Note: Door | wide"]


def test_a_table_that_arranges_a_page_is_none() -> None:
    page = "<table role=presentation><tr><td>Left<td>Right</table><table><tr><td><h2>News</h2><p>Text<td>Beside</table>"
    assert [block.text for block in read(f"<html><body>{page}", "a.html")[1]] == [
        "Left",
        "Right",
        "News",
        "Text",
        "Beside",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Tool | Shelf\n--- | ---\nDrill | 3\nSaw | 1", ["Tool: Drill | Shelf: 3", "Tool: Saw | Shelf: 1"]),
        ("Before\n| a | b |\n|:--|--:|\n| x \\| y | 2 |\nafter", ["Before", "a: x | y | b: 2", "after"]),
        ("| | |\n|-|-|\n| Rent | 940 |\n| Since | May |", ["Rent: 940", "Since: May"]),
        (
            "x\n<table>\n<tr><th>Room<th>Size</tr>\n\n<tr><td>Hall<td>12</tr></table>\ny",
            ["x", "Room: Hall | Size: 12", "y"],
        ),
        ("<table>\n<tr><td>a | b\n", ["<table>\n<tr><td>a | b"]),
        ("a | b in prose\n-----", ["a | b in prose"]),
    ],
)
def test_tables_of_markdown(text: str, lines: list[str]) -> None:
    assert [block.text for block in read(text, "a.md")[1]] == lines


def test_every_passage_of_a_long_markdown_table_names_its_columns() -> None:
    rows = "".join(f"| Bracket {n} | {n % 7}-{n} |\n" for n in range(300))
    _, blocks = read(f"# Stock\n\n| Part | Shelf |\n| --- | --- |\n{rows}", "a.md")
    assert blocks[-1].text == "Part: Bracket 299 | Shelf: 5-299"
    assert (blocks[-1].locator.line_start, blocks[-1].locator.headings) == (304, ("Stock",))


def test_a_word_table_without_marked_names_has_names() -> None:
    cells = [["Name", "Room"], ["Lena", "B12"], ["Omar", "C07"]]
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc><w:p><w:r><w:t>{cell}</w:t></w:r></w:p></w:tc>" for cell in row) + "</w:tr>"
        for row in cells
    )
    assert (
        text_of(read(docx_of(f"<w:tbl>{rows}</w:tbl>"), "a.docx")[1])
        == "Name: Lena | Room: B12\nName: Omar | Room: C07"
    )


def test_merged_cells_of_a_slide_and_its_marked_names() -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<a:tc {attributes}><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:tc>"

    rows = [
        [cell("Quarter"), cell("2024"), cell("2025")],
        [cell("First", 'rowSpan="2"'), cell("3", 'gridSpan="2"'), cell("", 'hMerge="1"')],
        [cell("", 'vMerge="1"'), cell("4"), cell("5")],
    ]
    table = "".join(f"<a:tr>{''.join(row)}</a:tr>" for row in rows)
    shapes = f'<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>{table}</a:tbl></p:graphicFrame>'
    assert text_of(read(pptx_of([shapes]), "a.pptx")[1]) == (
        "Quarter: First | 2024: 3\nQuarter: First | 2024: 4 | 2025: 5"
    )
