"""CSV, TSV, JSON and JSON Lines: names and values findable, places exact, damage reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from tests.ingestion.files import LIMITS, read, text_of


def test_a_csv_row_repeats_the_names_of_its_columns_and_knows_row_and_line() -> None:
    _, blocks = read('service,paid with\nNews,"Visa\n3390"\nMusic,cash\n', "a.csv")
    assert [block.text for block in blocks] == [
        "service: News | paid with: Visa\n3390",
        "service: Music | paid with: cash",
    ]
    places = [(b.locator.part, b.locator.line_start, b.locator.line_end) for b in blocks]
    assert places == [("row 1", 2, 3), ("row 2", 4, 4)]


def test_a_csv_without_header_gives_its_values_alone() -> None:
    _, blocks = read("2025-01-02,12.50,rent\n2025-02-02,12.50,rent\n", "a.csv")
    assert blocks[0].text == "2025-01-02 | 12.50 | rent"


@pytest.mark.parametrize(("mark", "name"), [(";", "a.csv"), ("\t", "a.tsv"), ("|", "a.csv"), ("\t", "a.csv")])
def test_other_delimiters_are_found(mark: str, name: str) -> None:
    _, blocks = read(f"name{mark}city\nAda{mark}London, UK\n", name)
    assert blocks[0].text == "name: Ada | city: London, UK"


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ("Compte;1234;;1 234,56\n02/02/26;EDF;;-45,00\n01/02/26;Loyer;;-700,00\n", "02/02/26 | EDF | -45,00"),
        ("In\nMonth;Sum\nMay;100\nJune;200\n\nOut\nMonth;What;Sum\nMay;Rent;7\n", "Month: May | What: Rent | Sum: 7"),
        ("Sums\nAcct;Branch;Cur\nGiro;7;EUR\nBalance;;;1,5\nDay;Kind;To;Sum;Cur\n5.1.;Debit;Aral;-6,5;EUR\n", "Giro"),
        ("Sums\na,b,c,d,e,f\n1,2,3,4,5,6\n-----\n1 in all\n", "a: 1 | b: 2 | c: 3 | d: 4 | e: 5 | f: 6"),
        (
            "Giro;30 days\nBalance;1,5 EUR\n\nDay;Kind;Text;Sum\n5.1.26;Debit;Rent;-7\n6.1.26;Debit;Aral;-9\n",
            "Giro | 30 days",
        ),
        ('Title,ISBN\nMomo,"=""3522177509"""\n', "Title: Momo | ISBN: 3522177509"),
        ("Frage,Ja,Nein\nTee?,5,2\nMilch?,1,6\n", "Frage: Tee? | Ja: 5 | Nein: 2"),
    ],
    ids=[
        "decimal commas",
        "tables of two widths",
        "three widths",
        "a table among lines",
        "pairs above",
        "numbers as text",
        "yes and no as names",
    ],
)
def test_cells_are_told_apart_as_their_program_meant_them(table: str, lines: str) -> None:
    assert any(lines in block.text for block in read(table, "a.csv")[1])


def test_a_chinese_csv_in_gb18030_is_read() -> None:
    _, blocks = read("姓名,城市\n张三,昆明\n李四,大理\n".encode("gb18030"), "a.csv")
    assert blocks[1].text == "姓名: 李四 | 城市: 大理"


def test_a_header_without_rows_is_kept() -> None:
    assert read("name,city\n", "a.csv")[1][0].text == "name | city"


def test_a_row_of_absurdly_many_cells_is_malformed() -> None:
    with pytest.raises(ReadError, match="malformed CSV: a row of 20,001 cells"):
        read("," * 20_000 + "\nx", "a.csv")


def test_a_cell_that_never_ends_is_malformed() -> None:
    with pytest.raises(ReadError, match="malformed CSV at line"):
        read('name,note\nAda,"' + "words and words\n" * 20_000, "a.csv", replace(LIMITS, max_line_chars=200_000))


def test_a_cell_longer_than_the_csv_module_takes_by_itself_is_read() -> None:
    _, blocks = read("name,note\nAda," + "words " * 30_000, "a.csv")
    assert len(blocks[0].text) > 150_000


JSON = """[
 {"title": "Knife", "tags": ["a", "b"],
  "place": {"city": "Brest", "note": null}},
 {"title": "Starter", "open": true}
]"""


def test_json_items_are_readable_lines_located_by_path_and_line() -> None:
    _, blocks = read(JSON, "a.json")
    assert blocks[0].text == "title: Knife\ntags: a, b\nplace.city: Brest"
    assert blocks[1].text == "title: Starter\nopen: true"
    places = [(b.locator.part, b.locator.line_start, b.locator.line_end) for b in blocks]
    assert places == [("[0]", 2, 3), ("[1]", 4, 4)]


def test_records_inside_an_object_are_items_and_its_scalars_stay_together() -> None:
    _, blocks = read('{"version": 2, "name": "x", "items": [{"a": 1}, {"a": 2}], "deep": {"b": {"c": 3}}}', "a.json")
    assert [(b.locator.part, b.text) for b in blocks] == [
        (None, "version: 2"),
        (None, "name: x"),
        ("items[0]", "a: 1"),
        ("items[1]", "a: 2"),
        ("deep", "b.c: 3"),
    ]


def test_json_lines_are_records_by_line() -> None:
    _, blocks = read('{"a": 1}\n\n{"a": "二"}\n', "a.jsonl")
    assert [(b.text, b.locator.line_start) for b in blocks] == [("a: 1", 1), ("a: 二", 3)]


def test_what_can_not_be_stored_is_replaced() -> None:
    _, blocks = read('["half \\ud83d of a pair", "nul\\u0000"]', "a.json")
    assert [block.text for block in blocks] == ["half \ufffd of a pair", "nul"]


@pytest.mark.parametrize(
    ("content", "name", "kept", "reason"),
    [
        ('[{"a": 1}, {"b": 2},\n {"c" 3}]', "a.json", ["a: 1", "b: 2"], "malformed JSON at line 2"),
        ('{"a": 1}\n{"b": \n{"c": 3}\n', "a.jsonl", ["a: 1", "c: 3"], "malformed JSON at line 2"),
    ],
)
def test_what_stands_beside_malformed_json_is_read_and_the_place_named(
    content: str, name: str, kept: list[str], reason: str
) -> None:
    document, blocks = read(content, name)
    assert [block.text for block in blocks] == kept
    assert [part.reason.startswith(reason) for part in document.left_out] == [True]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ('{\n "b" 2}', "a.json", "malformed JSON at line 2"),
        ("[\n", "a.json", "malformed JSON at line 2"),
        ("{1: 2}", "a.json", "malformed JSON at line 1"),
        ("[nonsense]", "a.json", "malformed JSON at line 1"),
        ("[" + "9" * 5000 + "]", "a.json", "a number of absurd length"),
        ('\n{"a": \n', "a.jsonl", "malformed JSON at line 2"),
        ("[" * 200_000, "a.json", "nested too deeply|malformed"),
        ("[[" + "[" * 200_000, "a.jsonl", "nested too deeply"),
        ("[]", "a.json", "no text"),
    ],
)
def test_damaged_values_are_reported_with_their_line(content: str, name: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(content, name)


def test_json_of_one_endless_line_is_refused_by_its_length() -> None:
    with pytest.raises(ReadError, match="more than 1,000 characters of text"):
        read('["' + "x" * 5000 + '"]', "a.json", ReadLimits(max_text_chars=1000))


def test_json_that_an_export_wrote_in_one_long_line_is_read() -> None:
    content = '["' + "x " * 5000 + '"]'
    assert len(text_of(read(content, "a.json", ReadLimits(max_line_chars=1000))[1])) == 10_000
