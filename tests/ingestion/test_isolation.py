"""A hostile file can neither hang nor kill the assistant; the next file is read as if nothing had happened."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import ReadError
from assistant.ingestion import isolation
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.isolation import ReadingProcess
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from assistant.ingestion.readers.registry import READERS, is_parsed_apart, read_document
from memory_store import Store
from tests.ingestion.files import LIMITS, docx_of, docx_paragraph, epub_of, file_of
from tests.ingestion.office import odt_of, pptx_of, row, shape, xlsx_of
from tests.ingestion.test_mail import mail, mailbox
from tests.ingestion.test_pages_and_books import PAGE, page, pdf_of

QUICK = replace(LIMITS, max_seconds=1.5, max_memory_bytes=1024**3)
PATIENT = replace(LIMITS, max_memory_bytes=1024**3, max_text_chars=1_000_000)
EVERY = {
    "a.pdf": pdf_of("Some words.", outline=True),
    "a.docx": docx_of(docx_paragraph("Some words.")),
    "a.epub": epub_of([page("x", "<p>Some words.</p>")]),
    "a.html": PAGE.encode(),
    "a.eml": mail(html="<p>words</p>").as_bytes(),
    "a.mbox": mailbox(mail(), mail()),
    "a.pptx": pptx_of([shape("Some words.")]),
    "a.xlsx": xlsx_of({"A": row(1, "Some words.")}),
    "a.odt": odt_of("<text:p>Some words.</text:p>"),
    "a.rtf": rb"{\rtf1 Some words.}",
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


def test_every_format_with_a_big_parser_is_tried_here() -> None:
    apart = {suffix for reader in READERS if is_parsed_apart(reader) for suffix in reader.suffixes[:1]}
    assert apart == {Path(name).suffix for name in EVERY}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_file_read_apart_is_the_same_as_read_here(process: ReadingProcess, name: str) -> None:
    apart, here = (reads(file_of(EVERY[name], name), LIMITS) for reads in (process.read, read_document))
    assert (apart.title, apart.media_type, apart.author, apart.created_at) == (
        here.title,
        here.media_type,
        here.author,
        here.created_at,
    )
    assert list(apart.blocks) == list(here.blocks)


def test_a_plain_file_starts_no_process() -> None:
    with ReadingProcess() as fresh:
        assert list(fresh.read(file_of("words", "a.txt"), LIMITS).blocks)
        assert fresh._process is None


def test_one_process_serves_file_after_file(process: ReadingProcess) -> None:
    def number() -> int:
        process.read(file_of(PAGE, "a.html"), LIMITS)
        assert process._process is not None
        return process._process.pid

    first = number()
    with pytest.raises(ReadError, match="torn or damaged PDF"):
        process.read(file_of(b"%PDF-1.7 torn", "a.pdf"), LIMITS)
    assert number() == first


@pytest.mark.parametrize(
    ("words", "limits", "reason"),
    [
        ("HANG", QUICK, "reading it took longer than 1.5 s"),
        ("CRASH", PATIENT, "it crashed or ran out of memory"),
        ("FLOOD", PATIENT, "it holds more than 1,000,000 characters of text"),
        pytest.param("EAT", PATIENT, "more memory|ran out of memory", marks=pytest.mark.skipif(
            sys.platform != "linux", reason="only Linux bounds the memory")),
        pytest.param("ONE BITE", PATIENT, "more memory|ran out of memory", marks=pytest.mark.skipif(
            sys.platform != "linux", reason="only Linux bounds the memory")),
    ],
)  # fmt: skip
def test_a_hostile_file_is_reported_and_the_next_one_is_read(
    hostile: ReadingProcess, words: str, limits: ReadLimits, reason: str
) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        hostile.read(file_of(f"<html><body>{words}</body></html>", "a.html"), limits)
    assert caught.value.hint
    assert [block.text for block in hostile.read(file_of("<p>fine</p>", "b.html"), LIMITS).blocks] == ["fine"]


def test_what_a_library_prints_does_not_disturb_the_protocol(hostile: ReadingProcess) -> None:
    document = hostile.read(file_of("<html><body>PRINT this</body></html>", "a.html"), LIMITS)
    assert [block.text for block in document.blocks] == ["PRINT this"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_process_can_write_no_file(hostile: ReadingProcess) -> None:
    with pytest.raises(ReadError):
        hostile.read(file_of("<html><body>WRITE</body></html>", "a.html"), LIMITS)


def test_the_process_gets_no_keys(process: ReadingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    process.close()
    process.read(file_of(PAGE, "a.html"), LIMITS)
    environment = Path(f"/proc/{process._process.pid}/environ") if process._process else Path()
    if environment.exists():
        assert b"OPENAI_API_KEY" not in environment.read_bytes()


def test_a_file_that_shrinks_while_it_is_read_is_reported(process: ReadingProcess) -> None:
    whole = file_of(PAGE, "a.html")
    with pytest.raises(ReadError, match="it changed while it was read"):
        process.read(replace(whole, size=whole.size + 10), LIMITS)
    assert list(process.read(whole, LIMITS).blocks)


def test_a_file_that_can_not_be_opened_is_reported(process: ReadingProcess, tmp_path: Path) -> None:
    gone = replace(file_of("x", "gone.pdf"), open=lambda: (tmp_path / "gone.pdf").open("rb"))
    with pytest.raises(ReadError, match="it is gone"):
        process.read(gone, LIMITS)


def test_many_threads_share_one_process(process: ReadingProcess) -> None:
    results: list[int] = []

    def work() -> None:
        results.append(len(list(process.read(file_of(PAGE, "a.html"), LIMITS).blocks)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [9] * 6


def test_an_import_goes_on_after_hostile_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_MODULE", "tests.ingestion.hostile_process")
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
