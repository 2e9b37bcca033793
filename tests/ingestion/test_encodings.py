"""Text of every encoding: told apart by its language, and read on behind a torn byte or a foreign line."""

from __future__ import annotations

import pytest

from assistant.ingestion.readers.encodings import codec_of, decode_declared
from tests.ingestion.files import read, text_of

SHORT = [
    ("cp1250", "Stanisław Żółć ma klucz, Łódź, ulica Krótka."),
    ("cp1250", "A kulcs a szomszédnál van, őrizd meg."),
    ("iso8859_2", "Klíče má Jiří v Třebíči, dveře číslo šest."),
    ("cp1254", "Anahtar komşuda, şifre dört yedi, İstanbul."),
    ("cp1255", "הפגישה עם הרופא ביום שלישי."),
    ("cp1256", "المفتاح عند الجارة سوفيا، والموعد يوم الثلاثاء."),
    ("mac_roman", "La clé est chez Hélène, à côté de l’école."),
    ("mac_roman", "Café naïve résumé — “quoted” œuvre\nüber größe"),
    ("cp850", "Der Schlüssel liegt bei Jürgen, Größe 43."),
    ("cp437", "El señor Muñoz tiene la llave del baño."),
    ("cp1252", "Schlüssel"),
    ("cp1252", "The “blue” boat costs 1.200 € – it’s yours."),
    ("cp932", "日付,内容\n1月5日,歯医者"),
    ("cp932", "会議室は三階"),
    ("euc_jp", "鍵は田中さんが持っています。"),
    ("iso2022_jp", "鍵は田中さんが持っています。"),
    ("iso2022_kr", "열쇠는 옆집 김민수 씨에게 있습니다."),
    ("gbk", "合同第三稿"),
    ("gbk", "姓名,电话\n王芳,1380"),
    ("big5", "合約第三版"),
    ("cp949", "회의는 삼층"),
    ("koi8_r", "Ключ у соседки Софии, дверь номер три."),
    ("cp866", "Ключ у соседки Софии, дверь номер три."),
    ("cp1253", "Το κλειδί είναι στη Σοφία."),
    ("utf-32", "The key is with Sofia, 钥匙"),
    ("utf-32-le", "The key is with Sofia, 钥匙"),
]


@pytest.mark.parametrize(("encoding", "text"), SHORT)
def test_a_short_text_is_read_in_its_own_encoding(encoding: str, text: str) -> None:
    document, blocks = read(text.encode(encoding), "a.txt")
    assert text_of(blocks) == text
    assert document.left_out == []


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "合同编号是七七四二。\n钥匙在王芳那里，会议改到周五。\n"),
        ("gb18030", "合同编号是七七四二，请寄回签字的副本。\n钥匙在王芳那里，会议改到周五。\n"),
        ("cp949", "회의는 삼층에서 열 시에 시작합니다.\n열쇠는 옆집 김민수 씨에게 있습니다.\n"),
    ],
)
def test_one_torn_byte_costs_one_place_which_is_named(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    document, blocks = read(data[:1] + data[2:], "a.txt")
    assert text.splitlines()[1] in text_of(blocks)
    assert "\ufffd" in text_of(blocks)
    assert [part.part for part in document.left_out] == ["line 1"]


def test_a_foreign_line_is_read_in_its_own_encoding_and_named() -> None:
    lines = ["Der Schlüssel liegt bei Jürgen.", "Größe 43, Farbe grün.", "Für Ärger ist übrigens keine Zeit."]
    for main, other in (("utf-8", "cp1252"), ("cp1252", "utf-8")):
        data = b"\n".join(line.encode(other if line == lines[1] else main) for line in lines)
        document, blocks = read(data, "a.txt")
        assert text_of(blocks).split("\n") == lines
        (odd,) = document.left_out
        assert (odd.part, odd.reason.split(";")[0]) == ("line 2", f"not in the encoding of the rest, {main}")


def test_a_row_of_many_damaged_lines_is_named_in_short() -> None:
    document, _ = read("合同编号是七七四二\n".encode()[:-2].join([b"\n"] * 20), "a.txt")
    assert document.left_out[0].part == "lines 2, 3, 4, 5, 6, 7, 8, 9 and 11 more"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (b"\x1b$B-!-j8+@Q\x1b(B 5", "iso-2022-jp", "①㈱見積 5"),
        (b"\x1b$B80\x1b(B", None, "鍵"),
        (b"\x1b(I1\x1b$B80\x1b(B", "iso-2022-jp", "ｱ鍵"),
        (b"\x1b$)C\x0e3*\x0f1", "iso-2022-kr", "나1"),
        (b"\x93blue\x94 \x80", "iso-8859-1", "“blue” €"),
        ("“blue”".encode(), "us-ascii", "“blue”"),
        ("합격".encode("cp949"), "ks_c_5601-1987", "합격"),
        ("①".encode("cp932"), "shift_jis", "①"),
        ("镕".encode("gbk"), "gb2312", "镕"),
        (b"Gr+APYA3w-e", "unicode-1-1-utf-7", "Größe"),
        ("Größe".encode(), "no-such-charset", "Größe"),
        ("Größe".encode(), "utf-8;format=flowed", "Größe"),
    ],
)
def test_a_declaration_means_what_the_web_takes_it_for(data: bytes, declared: str | None, text: str) -> None:
    assert decode_declared(data, declared) == text


def test_what_is_no_charset_has_no_codec() -> None:
    assert [codec_of(name) for name in ("", None, "x-nothing", "\x00", "utf-8 ")] == [None, None, None, None, "utf-8"]
