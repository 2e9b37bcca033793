"""A run of any sign costs each reader time in proportion to its length, never to its square."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from html import escape

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import Block, BlockKind
from assistant.ingestion.chunking import chunk
from assistant.ingestion.readers.registry import READERS
from assistant.ingestion.sentences import sentence_ends
from memory_store.models import Locator
from tests.ingestion.compound import compound_file, outlook_mail
from tests.ingestion.files import docx_of, docx_paragraph, enex_of, epub_of, jex_of, read
from tests.ingestion.office import (
    ics_of,
    odp_box,
    odp_of,
    ods_of,
    ods_row,
    odt_of,
    old_excel,
    pptx_of,
    row,
    shape,
    vcf_of,
    xlsx_of,
)
from tests.ingestion.test_pages_and_books import page, pdf_of
from tests.ingestion.test_web_pages import MHTML

SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~。，、：；？！…「」（）“”  \t#a"
PACKED = ("pdf", "docx", "pptx", "xlsx", "xls", "ods", "odp", "odt", "epub", "eml")
MAKERS: dict[str, Callable[[str], bytes]] = {
    "a.md": lambda run: f"# {run}\n\n{run} [[x\n\n- {run}x\n".encode(),
    "a.txt": lambda run: f"{run}x\n".encode(),
    "a.html": lambda run: f"<p>{run}x</p><p>{escape(run)}</p>".encode(),
    "a.mhtml": lambda run: MHTML.replace(b"In a frame", run.encode("latin-1", "ignore")),
    "a.csv": lambda run: f"a,b\n1,{run}\n".encode(),
    "a.json": lambda run: json.dumps([run, {run: 1}]).encode(),
    "a.jsonl": lambda run: json.dumps([run]).encode(),
    "a.ics": lambda run: ics_of(f"SUMMARY:{run}\r\nRRULE:FREQ=DAILY;BYDAY={run}\r\nLOCATION;A={run}:x").encode(),
    "a.vcf": lambda run: vcf_of(f"FN:{run}\r\nORG:{run}\r\nTEL;{run}:1").encode(),
    "a.eml": lambda run: f"From: {run}\nSubject: {run}\nContent-Type: text/plain; {run}\n\n{run}x\n".encode(),
    "a.msg": lambda run: compound_file(outlook_mail({0x37: run, 0x1000: f"{run}x\n", 0x0C1A: run, 0x7D: f"To: {run}"})),
    "a.mbox": lambda run: f"From a\nSubject: {run}\n\n{run}\n".encode(),
    "a.enex": lambda run: enex_of(f"<title>{escape(run)}</title><content>{escape(run)}</content>"),
    "a.srt": lambda run: f"1\n00:00:01,000 --> 00:00:02,000\n{run}x\n".encode(),
    "a.org": lambda run: f"* {run}\n\n{run} [[x\n#+TITLE: {run}\n".encode(),
    "a.tex": lambda run: f"\\title{{{run}}}\n\\begin{{document}}\n{run}x\n\n\\section{{{run}}}\n".encode(),
    "a.rst": lambda run: f"{run}\n\n{run}`x <\n".encode(),
    "a.jex": lambda run: jex_of({"a.md": f"{run}\n\n{run}x\n\nid: a\n{run}: x\ntype_: 1"}),
    "a.rtf": lambda run: b"{\\rtf1 " + run.encode("ascii", "ignore").replace(b"\\", b"\\'5c") + b" x}",
    "a.docx": lambda run: docx_of(docx_paragraph(escape(run))),
    "a.pptx": lambda run: pptx_of([shape(escape(run))]),
    "a.xlsx": lambda run: xlsx_of({"A": row(1, escape(run))}),
    "a.ods": lambda run: ods_of(f"<table:table>{ods_row(escape(run) + 'x', 'y')}</table:table>"),
    "a.xls": lambda _: old_excel(),
    "a.odp": lambda run: odp_of(odp_box(escape(run) + "x")),
    "a.odt": lambda run: odt_of(f"<text:p>{escape(run)}x</text:p>"),
    "a.epub": lambda run: epub_of([page("x", f"<p>{escape(run)}x</p>")]),
    "a.pdf": lambda run: pdf_of(run.encode("ascii", "ignore").decode().replace("\t", " ")),
}


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's time for a piece of work, in which other programs have no part."""
    began = time.process_time()
    work()
    return time.process_time() - began


def grows_with_its_length(work: Callable[[int], object], short: int = 1_000, long: int = 8_000) -> bool:
    """Return whether work on more takes nearer to so many times as long than to the square of that.

    What takes less than 0.05 s is not looked at closer: a run of 8,000 that is tried from each of its signs takes 0.7.
    """
    # Another program may slow down one measurement, and never all.
    return any(_grows_with_its_length(work, short, long) for _ in range(3))


def _grows_with_its_length(work: Callable[[int], object], short: int, long: int) -> bool:
    taken = seconds(lambda: work(long))
    return taken < 0.05 or taken < 3 * long / short * max(0.001, seconds(lambda: work(short)))


def take(name: str, data: bytes) -> None:
    try:
        _, blocks = read(data, name)
        list(chunk(blocks))
    except ReadError as error:
        assert error.hint  # noqa: PT017 - both outcomes are right


def test_every_format_has_its_maker() -> None:
    assert {reader.suffixes[0] for reader in READERS} - {".png"} == {f".{name[2:]}" for name in MAKERS}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_run_of_any_sign_is_read_in_time_that_grows_with_its_length(name: str) -> None:
    take(name, MAKERS[name]("words "))
    # The text of packed formats goes one way for all of them, so that each takes some of the signs.
    signs = SIGNS[ord(name[2]) % 5 :: 5] if name[2:] in PACKED else SIGNS
    slow = [s for s in signs if not grows_with_its_length(lambda n, s=s: take(name, MAKERS[name](s * n)))]  # type: ignore[misc]
    assert slow == []


def test_a_run_of_any_sign_is_cut_in_time_that_grows_with_its_length() -> None:
    def cut(run: str) -> None:
        list(chunk([Block(f"{run}x", Locator(line_start=1, line_end=1 + run.count("\n")), BlockKind.CODE)]))
        list(sentence_ends(run))

    pairs = [first + second for first in SIGNS + "\n" for second in ("", '"')]
    assert [pair for pair in pairs if not grows_with_its_length(lambda n, pair=pair: cut(pair * n))] == []  # type: ignore[misc]
