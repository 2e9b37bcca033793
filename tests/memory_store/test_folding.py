"""Words are found however they are written: one folding for full text, ranking, forgetting by words and excerpts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.llm.quote import best_excerpt
from memory_store import Selection, Store
from memory_store.database.fulltext import query_terms, to_searchable
from memory_store.folding import TOKEN, UNSPACED_RUN, WORD, fold, other_words, simplified_signs, spellings
from tests.memory_store.support import bytes_of

NOTES = {
    "traditional": "雜誌訂閱號碼在書櫃後面,請續訂。",
    "simplified": "医药费发票放在书房的铁盒里。",
    "wrapped": "房东说暖气押\n金下周退还。",
    "shade": "把手坏了,明天换。",
    "half width": "ｶﾞﾚｰｼﾞの暗証番号は 8833 です。",
    "full width": "Ｔｈｅ ｃａｂｉｎ ｎｕｍｂｅｒ ｉｓ ２０７４.",
    "thai": "หมายเลขตู้เซฟคือ ๗๗๑๒ อยู่ในห้องนอน",
    "hindi": "दादी की दवाई रसोई की अलमारी में रखी है।",
    "arabic": "مَوْعِدُ الطَّبِيبِ يوم الأحد، ورقم الغرفة ٤٢",
    "hebrew": "הַסִּיסְמָה של הכספת אצל דודה רבקה",
    "greek": "Το διαβατήριο του Γιώργου είναι στο συρτάρι ΤΗΣ ΚΟΥΖΊΝΑΣ.",
    "russian": "Полис и ёлочные игрушки лежат на антресолях.",
    "vietnamese": "Hộ chiếu của Đặng Thùy Trâm để ở ngăn đựng giấy.",
    "polish": "Klucz do piwnicy ma Łukasz z Łodzi.",
    "turkish": "ISPARTA'daki İREM teyze yazlık gülleri suluyor.",
    "sharp s": "Der Fuß des Schreibtisches ist lose; Maßband liegt im Keller.",
    "soft hyphen": "Der Kel\u00adler\u00adschlüs\u00adsel hängt am Haken.",
    "zero width": "Pass\u200bwort\u2060hin\ufeffweis: Tante",
    "decomposed": "Le cafe\u0301 de Zoe\u0308 ferme a\u0300 dix-huit heures.",
    "ligature": "The ﬁreﬂy lamp was brought by Æthelred.",
    "joined emoji": "Bring the cake🎈for Nils, 👩‍🍳 too",
    "fraction": "Take ¾ litre of milk and heat it to 90 ℃.",
    "snake": "Call fetch_tenant_ledger() before the parser runs.",
    "camel": "The class HTTPRetryPolicy wraps openLedgerFile.",
    "languages": "Nadia writes F# at work and hates C++ at home.",
    "account": "Deposit: GB29 NWBK 6016 1331 9268 19, keep it safe.",
    "account as one": "Gym: FR7630006000011234567890189",
    "telephone": "Roofer Osei: +44 (0)20 7946-0958, mornings.",
    "telephone as one": "Dentist 0301234567",
    "card": "Library card 6011 0009 9013 9424",
    "code": "The parcel has the code ZLX-4482 on it.",
    "code as one": "Her seat is BQ77.",
    "band": "Their record: The Them, live in 1966.",
}
FOUND = [
    ("traditional", "杂志订阅"),
    ("traditional", "书柜"),
    ("simplified", "醫藥費發票"),
    ("simplified", "鐵盒"),
    ("wrapped", "押金"),
    ("shade", "把手"),
    ("half width", "ガレージの暗証番号"),
    ("half width", "ガレージ"),
    ("full width", "cabin 2074"),
    ("thai", "ตู้เซฟ"),
    ("thai", "7712"),
    ("hindi", "दवाई"),
    ("arabic", "موعد الطبيب"),
    ("arabic", "الاحد"),
    ("arabic", "42"),
    ("hebrew", "הסיסמה"),
    ("greek", "διαβατηριο"),
    ("greek", "ΓΙΩΡΓΟΥ"),
    ("greek", "της κουζινας"),
    ("russian", "елочные"),
    ("vietnamese", "dang thuy tram"),
    ("vietnamese", "hộ chiếu"),
    ("polish", "lukasz lodzi"),
    ("turkish", "ısparta"),
    ("turkish", "irem"),
    ("turkish", "İrem"),
    ("turkish", "YAZLIK"),
    ("sharp s", "FUSS"),
    ("sharp s", "Massband"),
    ("soft hyphen", "Kellerschlüssel"),
    ("soft hyphen", "kellerschlussel"),
    ("zero width", "Passworthinweis"),
    ("zero width", "Pass\u00adwort\u200bhinweis"),
    ("decomposed", "café"),
    ("decomposed", "cafe zoe"),
    ("ligature", "firefly"),
    ("ligature", "aethelred"),
    ("joined emoji", "🎈"),
    ("joined emoji", "cake"),
    ("joined emoji", "👩🏽‍🍳"),
    ("fraction", "3/4 litre"),
    ("snake", "fetchTenantLedger"),
    ("snake", "fetch_tenant_ledger"),
    ("snake", "tenant"),
    ("camel", "http_retry_policy"),
    ("camel", "open_ledger_file"),
    ("camel", "retry policy"),
    ("languages", "F#"),
    ("languages", "c++"),
    ("account", "GB29NWBK60161331926819"),
    ("account", "gb29 nwbk60161331 926819"),
    ("account", "6016 1331 926819"),
    ("account as one", "FR76 3000 6000 0112 3456 7890 189"),
    ("telephone", "02079460958"),
    ("telephone", "+442079460958"),
    ("telephone", "0044 20 79 46 09 58"),
    ("telephone", "7946 0958"),
    ("telephone as one", "030 / 123 45 67"),
    ("telephone as one", "+49 30 1234567"),
    ("card", "6011000990139424"),
    ("code", "ZLX4482"),
    ("code", "zlx 4482"),
    ("code as one", "BQ-77"),
    ("band", "the them"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store of the notes and of others like them, without vectors: words alone find."""
    with Store.open(tmp_path_factory.mktemp("folding")) as store:
        for text in NOTES.values():
            store.remember(text)
        for text in (
            "桌子和椅子都是新的。",
            "我的妈妈在家,他在学校。",
            "The box is in the cellar.",
            "Call 12 people in 1999.",
        ):
            store.remember(text)
        yield store


@pytest.mark.parametrize(("note", "query"), FOUND)
def test_words_are_found_however_they_are_written(filled: Store, note: str, query: str) -> None:
    hit = filled.recall(query, 1)[0]
    assert hit.text == NOTES[note]
    assert hit.matched or query == "the them"


@pytest.mark.parametrize(("note", "query"), [pair for pair in FOUND if pair[1] != "the them"])
def test_forgetting_by_words_finds_what_a_search_finds(filled: Store, note: str, query: str) -> None:
    assert [one.text for one in filled.find_holding(query)] == [NOTES[note]]


def test_forgetting_by_a_number_leaves_alone_what_only_ends_alike(filled: Store) -> None:
    assert filled.find_holding("+1 202 946 0958") == []
    assert filled.find_holding("+33 20 7946 0958") == []


def test_what_is_found_by_another_spelling_is_erased_in_every_form(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        gone = store.remember("鑰匙 in der Großen Straße, renewKeyHolder, +49 (0)431 555-0177")
        kept = store.remember("Straße und 鑰匙")
        store.forget(Selection((gone.id,)))
        assert store.verify() == []
        assert [one.text for one in store.recall("钥匙", 9)] == [kept.text]
        for form in ("grossen", "renewkeyholder", "494315550177", "匙 in", "Großen"):
            assert form.encode() not in bytes_of(tmp_path)


def test_english_is_not_stored_twice(tmp_path: Path) -> None:
    plain = "It’s a café in Zürich – “naïve”, 7 May 2023, 10:30, €12… Привет, Ελλαδα"
    with Store.open(tmp_path) as store:
        store.remember(plain)
        with store._database.read() as connection:
            stored = connection.execute("SELECT search_text, search_words FROM passages").fetchone()
    assert tuple(stored) == (None, None)


def test_index_folds_the_signs_that_are_left_to_it_as_we_do() -> None:
    signs = [chr(code) for code in range(0x80, 0x10000) if not 0xD800 <= code < 0xE000]
    left = [sign for sign in signs if to_searchable(f"x {sign}") is None and WORD.search(fold(sign))]
    assert len(left) > 400
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE f USING fts5 (t, tokenize = "
            "\"porter unicode61 remove_diacritics 2 categories 'L* N* M* Co So'\")"
        )
        connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab (f, instance)")
        connection.executemany("INSERT INTO f (rowid, t) VALUES (?, ?)", [(ord(sign), sign) for sign in left])
        indexed = dict(connection.execute("SELECT doc, term FROM v").fetchall())
    assert {chr(row): term for row, term in indexed.items()} == {sign: fold(sign) for sign in left}


@given(st.text())
def test_what_is_folded_once_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(categories=("L", "M", "Nd", "Zs"))))
def test_every_query_finds_its_own_text_by_terms_that_stand_in_it(text: str) -> None:
    words = set(TOKEN.findall(fold(text)))
    for term in query_terms(text):
        assert any(term.removesuffix("*") in word for word in words) or list(spellings(text))


def test_every_simplified_sign_stays_as_it_is() -> None:
    assert len(simplified_signs()) > 3000
    assert not simplified_signs().keys() & set(simplified_signs().values())


@pytest.mark.parametrize(
    "text",
    ["on 2024-03-14 at 12:30", "14.03.2024", "2019-2021", "3 people, 12 rooms", "iPhone", "well-known", "a1 b2", "1st"],
)
def test_dates_and_plain_words_have_one_spelling(text: str) -> None:
    assert other_words(text) is None


def test_unspaced_scripts_are_told_from_others() -> None:
    assert [UNSPACED_RUN.findall(text) for text in ("กุญแจ key", "한국어 ok", "ключ", "चाबी")] == [
        ["กุญแจ"],
        ["한국어"],
        [],
        [],
    ]


def test_the_part_that_is_quoted_is_found_by_other_spellings_too() -> None:
    filler = "Nothing of note happened there on that day. " * 20
    for said, asked in (
        ("備用鑰匙在陳太太家。", "备用钥匙在哪里?"),
        ("Die Großbäckerei zahlt.", "grossbackerei"),
        ("Call getTenantLedger.", "tenant_ledger"),
    ):
        assert said in best_excerpt(f"{filler}{said} {filler}", asked, (), [filler, said], 200).text
