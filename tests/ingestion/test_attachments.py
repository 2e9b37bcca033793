"""What is attached to a mail is imported as documents of its own, under the limits of a zip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.ingestion.pipeline import ImportOptions, import_paths
from memory_store import Store
from memory_store.models import LeftOut
from tests.ingestion.files import zip_of
from tests.ingestion.test_mail import mail, mailbox


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


def imported(store: Store, path: Path) -> dict[str, str]:
    return {one.path.removeprefix(f"{path.parent}/"): one.status.value for one in import_paths(store, [path], QUICK)}


def holes(store: Store, path: Path) -> tuple[LeftOut, ...]:
    document = store.documents.find_by_path(str(path))
    assert document is not None
    return document.left_out


QUICK = ImportOptions()


def test_attachments_are_documents_and_those_of_a_zip_too(store: Store, tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(b"The plan.", maintype="text", subtype="plain", filename="plan.txt")
    inner = zip_of({"a.md": "# Words", "deep.zip": zip_of({"b.md": "# Deep"})})
    message.add_attachment(inner, maintype="application", subtype="zip", filename="all.zip")
    message.add_attachment(b"\x89PNG\r\n\0", maintype="application", subtype="octet-stream", filename="x.bin")
    attached = mail("Told before.\n")
    attached.add_attachment(b"Deeper.", maintype="text", subtype="plain", filename="plan.txt")
    message.add_attachment(attached.as_bytes(), maintype="application", subtype="octet-stream", filename="old.eml")
    path = tmp_path / "a.eml"
    path.write_bytes(message.as_bytes())
    assert imported(store, path) == {
        "a.eml": "imported",
        "a.eml!/plan.txt": "imported",
        "a.eml!/all.zip!/a.md": "imported",
        "a.eml!/all.zip!/deep.zip": "failed",
        "a.eml!/x.bin": "failed",
        "a.eml!/old.eml": "imported",
        "a.eml!/old.eml!/plan.txt": "imported",
    }
    document = store.documents.find_by_path(f"{path}!/plan.txt")
    assert document is not None
    assert document.created_at == store.documents.find_by_path(str(path)).created_at  # type: ignore[union-attr]
    assert {one.part: one.reason.partition(":")[0] for one in holes(store, path)} == {
        "all.zip!/deep.zip": "zips nested more than 2 deep",
        "x.bin": "not a format Keepsake reads (a PNG image)",
    }
    assert set(imported(store, path).values()) == {"unchanged"}


def test_an_import_that_ends_among_the_attachments_goes_on_with_them(store: Store, tmp_path: Path) -> None:
    message = mail()
    for name in ("plan.txt", "list.txt"):
        message.add_attachment(name.encode(), maintype="text", subtype="plain", filename=name)
    path = tmp_path / "a.eml"
    path.write_bytes(message.as_bytes())
    outcomes = import_paths(store, [path], QUICK)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    imported(store, path)
    assert {one.path.rpartition("/")[2] for one in store.documents.all()} == {"a.eml", "plan.txt", "list.txt"}


def test_what_could_not_be_read_of_a_mailbox_is_told_of_it_until_it_can(store: Store, tmp_path: Path) -> None:
    second = mail(subject="two")
    second.add_attachment(b"{\\rtf1", maintype="application", subtype="pdf", filename="plan.pdf")
    path = tmp_path / "a.mbox"
    path.write_bytes(mailbox(mail(), second))
    imported(store, path)
    (hole,) = holes(store, path)
    assert (hole.part, bool(hole.reason), bool(hole.hint)) == ("message 2/plan.pdf", True, True)
    path.write_bytes(mailbox(mail(), mail(subject="three")))
    imported(store, path)
    assert holes(store, path) == ()


def test_a_mailbox_brings_what_is_attached_to_its_messages(store: Store, tmp_path: Path) -> None:
    second = mail(subject="two")
    second.add_attachment(b"The plan.", maintype="text", subtype="plain", filename="plan.txt")
    path = tmp_path / "a.mbox"
    path.write_bytes(mailbox(mail(), second))
    assert imported(store, path) == {"a.mbox": "imported", "a.mbox!/message 2/plan.txt": "imported"}
