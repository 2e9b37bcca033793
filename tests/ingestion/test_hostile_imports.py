"""Whatever lies in a folder, its import ends with a line for each file, and reads what can be read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from assistant.ingestion.pipeline import FileOutcome, FileStatus, ImportOptions, import_paths
from memory_store import Store
from tests.ingestion.files import zip_of
from tests.ingestion.office import ics_of
from tests.ingestion.test_mail import mail, mailbox


def imported(store: Store, *paths: Path) -> dict[str, FileOutcome]:
    outcomes = list(import_paths(store, paths, ImportOptions()))
    assert len({one.path for one in outcomes}) == len(outcomes)
    return {one.path.removeprefix(f"{paths[0]}{os.sep}"): one for one in outcomes}


def with_wrong_sum() -> bytes:
    """Return a zip of two notes of which the first does not have the check sum that its directory gives."""
    data = bytearray(zip_of({"a.md": "# A", "b.md": "# B"}, zipfile.ZIP_STORED))
    at = data.index(b"# A")
    data[at : at + 3] = b"# X"
    return bytes(data)


def with_twins() -> bytes:
    """Return a zip of three members of one name, and one with the name that the second would get."""
    members = {"a.md": "first words", "b.md": "second words", "c.md": "third words", "a (2).md": "other words"}
    return zip_of(members).replace(b"b.md", b"a.md").replace(b"c.md", b"a.md")


def test_each_hostile_file_costs_itself_alone(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    deep = "<div>" * 20_000
    for name, data in {
        "a.json": b"[" * 300_000,
        "b.zip": with_wrong_sum(),
        "c.csv": b"name,note\nAda," + b"words " * 30_000,
        "d.ics": ics_of("SUMMARY:Rent\r\nDTSTART:20250304\r\nRRULE:FREQ=MONTHLY;BYMONTHDAY=--1,5").encode(),
        "e.mbox": mailbox(mail("one"), mail("", html=deep), mail("three")),
        "f.zip": with_twins(),
        "g.json": b'{"\\ud83d": [{"\\u0000": "words"}]}',
        "h.txt": b"words",
    }.items():
        (folder / name).write_bytes(data)
    outcomes = imported(store, folder)
    assert {name: one.status.value for name, one in outcomes.items()} == {
        "a.json": "failed",
        "b.zip!/a.md": "failed",
        "b.zip!/b.md": "imported",
        "c.csv": "imported",
        "d.ics": "imported",
        "e.mbox": "imported",
        "e.mbox: message 2: Car 车": "missing",
        "f.zip!/a (2).md": "imported",
        "f.zip!/a (3).md": "imported",
        "f.zip!/a (4).md": "imported",
        "f.zip!/a.md": "imported",
        "g.json": "imported",
        "h.txt": "imported",
    }
    assert outcomes["a.json"].reason == "nested too deeply to be a document"
    assert outcomes["b.zip!/a.md"].reason == "damaged: its packed content doesn't unpack"
    assert outcomes["e.mbox: message 2: Car 车"].reason == "its markup is nested too deeply"
    rule = store.documents.find_by_path(str(folder / "d.ics"))
    assert rule is not None
    assert "every month on day 5" in store.documents.passages(rule.id)[0].text
    zipped = [one for one in store.documents.all() if "f.zip" in one.path]
    found = {store.documents.passages(one.id)[0].text for one in zipped}
    assert found == {"first words", "second words", "third words", "other words"}


def test_folders_are_walked_to_any_depth(store: Store, tmp_path: Path) -> None:
    top = tmp_path / "deep"
    top.mkdir()
    before = Path.cwd()
    try:
        os.chdir(top)
        for _ in range(900):
            Path("a").mkdir()
            os.chdir("a")
        Path("note.md").write_text("words")
        os.chdir(top)
        outcomes = imported(store, top)
    finally:
        os.chdir(before)
    assert [one.status for one in outcomes.values()] == [FileStatus.IMPORTED]
    assert next(iter(outcomes)).count("/") == 900
