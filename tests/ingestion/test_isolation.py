"""A hostile file can neither hang nor kill the assistant; the next file is read as if nothing had happened."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import ReadError
from assistant.ingestion import isolation, pipeline
from assistant.ingestion.base import Cutting, ReadFile, ReadLimits, SourceFile
from assistant.ingestion.chunking import chunk
from assistant.ingestion.isolation import ReadingProcess
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from assistant.ingestion.readers.registry import READERS, read_document
from memory_store import Store
from tests.ingestion.compound import compound_file, outlook_mail
from tests.ingestion.files import LIMITS, docx_of, docx_paragraph, enex_of, epub_of, file_of, jex_of
from tests.ingestion.office import ODP, ics_of, ods_of, ods_row, odt_of, old_excel, pptx_of, row, shape, vcf_of, xlsx_of
from tests.ingestion.test_mail import mail, mailbox
from tests.ingestion.test_pages_and_books import PAGE, page, pdf_of
from tests.ingestion.test_web_pages import MHTML

QUICK = replace(LIMITS, max_seconds=1.5, max_memory_bytes=512 * 1024**2)
PATIENT = replace(LIMITS, max_memory_bytes=512 * 1024**2, max_text_chars=1_000_000)
EVERY = {
    "a.pdf": pdf_of("Some words.", outline=True),
    "a.docx": docx_of(docx_paragraph("Some words.")),
    "a.epub": epub_of([page("x", "<p>Some words.</p>")]),
    "a.html": PAGE.encode(),
    "a.mhtml": MHTML,
    "a.eml": mail(html="<p>words</p>").as_bytes(),
    "a.mbox": mailbox(mail(), mail()),
    "a.msg": compound_file(
        outlook_mail({0x37: "x", 0x1000: "Some words.", 0x0C1A: "Ann"}, attached={"a.txt": b"words"})
    ),
    "a.pptx": pptx_of([shape("Some words.")]),
    "a.xlsx": xlsx_of({"A": row(1, "Some words.")}),
    "a.odt": odt_of("<text:p>Some words.</text:p>"),
    "a.ods": ods_of(f"<table:table>{ods_row('Some words.')}</table:table>"),
    "a.xls": old_excel(),
    "a.odp": ODP,
    "a.rtf": rb"{\rtf1 Some words.}",
    "a.md": b"# A\n\nSome words.\n",
    "a.txt": b"Some words.\n",
    "a.csv": b"name,city\nAda,London\n",
    "a.json": b'[{"a": "words"}, {"b": "\\ud83d"}]',
    "a.jsonl": b'{"a": 1}\n',
    "a.ics": ics_of("SUMMARY:Dentist\r\nDTSTART:20250304T100000").encode(),
    "a.vcf": vcf_of("FN:Ada").encode(),
    "a.enex": enex_of("<title>A</title><content>Some words.</content>"),
    "a.org": b"* A\n\nSome words.\n",
    "a.tex": b"\\section{A}\n\nSome words.\n",
    "a.rst": b"A\n=\n\nSome words.\n",
    "a.jex": jex_of({"a.md": "A\n\nSome words.\n\nid: a\ntype_: 1"}),
    "a.srt": b"1\n00:00:01,000 --> 00:00:02,000\nSome words.\n",
}


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    with ReadingProcess() as opened:
        yield opened


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadingProcess]:
    monkeypatch.setattr(isolation, "_MODULE", "tests.ingestion.hostile_process")
    with ReadingProcess() as opened:
        yield opened


def read_apart(process: ReadingProcess, file: SourceFile, limits: ReadLimits = LIMITS) -> ReadFile:
    return process.read(file, limits, Cutting())


def texts(process: ReadingProcess, file: SourceFile, limits: ReadLimits = LIMITS) -> list[str]:
    return [passage.text for passage in read_apart(process, file, limits).passages]


def test_every_format_is_tried_here() -> None:
    # Pictures need the extra `ocr`, and are tried in tests/extras.
    assert {reader.suffixes[0] for reader in READERS} - {".png"} == {Path(name).suffix for name in EVERY}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_file_of_any_format_is_read_apart_and_the_same_as_read_here(process: ReadingProcess, name: str) -> None:
    apart, here = read_apart(process, file_of(EVERY[name], name)), read_document(file_of(EVERY[name], name), LIMITS)
    assert (apart.title, apart.media_type, apart.author, apart.created_at) == (
        here.title,
        here.media_type,
        here.author,
        here.created_at,
    )
    assert apart.passages == tuple(chunk(here.blocks))
    assert process._process is not None


def test_one_process_serves_file_after_file(process: ReadingProcess) -> None:
    def number() -> int:
        read_apart(process, file_of(PAGE, "a.html"))
        assert process._process is not None
        return process._process.pid

    first = number()
    with pytest.raises(ReadError, match="torn or damaged PDF"):
        read_apart(process, file_of(b"%PDF-1.7 torn", "a.pdf"))
    assert number() == first


only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory")


@pytest.mark.parametrize(
    ("words", "name", "limits", "reason"),
    [
        ("HANG", "a.txt", QUICK, "reading it took longer than 1.5 s"),
        ("CRASH", "a.md", PATIENT, "it crashed or ran out of memory"),
        ("FLOOD", "a.csv", PATIENT, "it holds more than 1,000,000 characters of text"),
        pytest.param("EAT", "a.jsonl", PATIENT, "more memory|ran out of memory", marks=only_linux),
        pytest.param("ONE BITE", "a.html", PATIENT, "more memory|ran out of memory", marks=only_linux),
        ("STRANGE", "a.txt", PATIENT, "its reader can't make sense of it: TypeError: what is this?"),
        ("PANIC", "a.txt", PATIENT, "its reader can't make sense of it: PanicException: index out of bounds"),
        ("EXIT", "a.txt", PATIENT, "it crashed or ran out of memory"),
        (
            "MISSING",
            "a.html",
            PATIENT,
            "a library that reads this format is missing: No module named",
        ),
    ],
)
def test_a_hostile_file_is_reported_and_the_next_one_is_read(
    hostile: ReadingProcess, words: str, name: str, limits: ReadLimits, reason: str
) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read_apart(hostile, file_of(f'["{words}"]', name), limits)
    assert caught.value.hint
    assert ("hostile" in caught.value.hint) == ("it crashed" in str(caught.value))
    assert "fine" in texts(hostile, file_of('["fine"]', name))[0]


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(hostile: ReadingProcess) -> None:
    with pytest.raises(ReadError) as caught:
        read_apart(hostile, file_of("MISSING", "a.html"))
    assert f"{sys.executable} -m pip install lxml-html-clean" in caught.value.hint
    assert caught.value.hint.startswith("Nothing is wrong with the file.")


def test_a_process_that_does_not_start_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_MODULE", "tests.ingestion.no_such_module")
    with (
        ReadingProcess() as process,
        pytest.raises(ReadError, match="does not start") as caught,
    ):
        read_apart(process, file_of("words"))
    assert caught.value.hint.startswith("Nothing is wrong with the file.")


def test_what_a_library_prints_does_not_disturb_the_protocol(hostile: ReadingProcess) -> None:
    assert texts(hostile, file_of("PRINT this")) == ["PRINT this"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_process_can_write_no_file(hostile: ReadingProcess) -> None:
    with pytest.raises(ReadError):
        read_apart(hostile, file_of("WRITE"))


def test_the_process_gets_no_keys(process: ReadingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    process.close()
    read_apart(process, file_of("words"))
    environment = Path(f"/proc/{process._process.pid}/environ") if process._process else Path()
    if environment.exists():
        assert b"OPENAI_API_KEY" not in environment.read_bytes()


def test_a_file_that_shrinks_while_it_is_read_is_reported(process: ReadingProcess) -> None:
    whole = file_of(PAGE, "a.html")
    with pytest.raises(ReadError, match="it changed while it was read"):
        read_apart(process, replace(whole, size=whole.size + 10))
    assert texts(process, whole)


def test_a_file_that_can_not_be_opened_is_reported(process: ReadingProcess, tmp_path: Path) -> None:
    gone = replace(file_of("x", "gone.pdf"), open=lambda: (tmp_path / "gone.pdf").open("rb"))
    with pytest.raises(ReadError, match="it is gone"):
        read_apart(process, gone)


def test_many_threads_share_one_process(process: ReadingProcess) -> None:
    results: list[int] = []

    def work() -> None:
        results.append(len(read_apart(process, file_of(PAGE, "a.html")).passages))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [2] * 6


def test_an_import_goes_on_after_hostile_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_MODULE", "tests.ingestion.hostile_process")
    monkeypatch.setattr(pipeline, "ReadingProcess", ReadingProcess)
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("a CRASH", "b fine", "c HANG", "d fine"):
        (folder / f"{name}.html").write_text(f"<p>{name}</p>")
    with Store.open(tmp_path / "data") as store:
        outcomes = list(import_paths(store, [folder], ImportOptions(limits=QUICK)))
    assert [one.status for one in outcomes] == [
        FileStatus.FAILED,
        FileStatus.IMPORTED,
        FileStatus.FAILED,
        FileStatus.IMPORTED,
    ]
    assert all(one.path and one.reason and one.hint for one in outcomes if one.status is FileStatus.FAILED)


def test_a_link_that_leads_back_into_its_folder_is_not_followed_round(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("words")
    (folder / "again").symlink_to(folder)
    (tmp_path / "loop").symlink_to("loop")
    with Store.open(tmp_path / "data") as store:
        outcomes = list(import_paths(store, [folder, folder / "again", tmp_path / "loop"], ImportOptions()))
    assert [(Path(one.path).name, one.status) for one in outcomes] == [
        ("a.md", FileStatus.IMPORTED),
        ("loop", FileStatus.FAILED),
    ]
