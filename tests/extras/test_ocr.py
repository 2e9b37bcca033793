"""The ocr extra: pictures of text and scanned pages are read, marked as such; without it the report names the extra."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from assistant.ingestion.readers.recognition import is_available
from memory_store import Store
from memory_store.models import PassageDraft
from tests.ingestion.test_mail import mail

needs_engine = pytest.mark.skipif(not is_available(), reason="the extra is installed in an environment of its own")
LINES = ("The spare key is with Ines at number 12.", "Meter reading: 10 482 kWh on 3 May 2025")


def picture(*lines: str, turned: float = 0.0) -> Image.Image:
    """Return lines of text on white, some turned by so many degrees as a photograph may be."""
    drawn = Image.new("RGB", (1240, 1754), "white")
    pen = ImageDraw.Draw(drawn)
    for at, line in enumerate(lines):
        pen.text((80, 80 + 60 * at), line, fill="black", font=ImageFont.load_default(36))
    return drawn.rotate(turned, fillcolor="white")


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def scanned(*pages: Image.Image | str) -> bytes:
    """Return a PDF of which each page is a picture, or holds text of its own."""
    pdf = FPDF()
    for page in pages:
        pdf.add_page()
        if isinstance(page, str):
            pdf.set_font("Helvetica", size=12)
            pdf.cell(text=page)
        else:
            pdf.image(BytesIO(saved(page, "PNG")), x=0, y=0, w=210, h=297)
    return bytes(pdf.output())


def imported(tmp_path: Path, name: str, data: bytes) -> tuple[list[PassageDraft], list[str]]:
    """Import one file; return its passages and what the report says of what is missing."""
    file = tmp_path / name
    file.write_bytes(data)
    with Store.open(tmp_path / "store") as store:
        outcomes = list(import_paths(store, [file], ImportOptions()))
        told = [f"{one.reason} {one.hint}" for one in outcomes if one.status is not FileStatus.IMPORTED]
        found = [store.documents.passages(one.id) for one in store.documents.all()]
        return [PassageDraft(one.text, one.locator) for passages in found for one in passages], told


@needs_engine
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", saved(picture(*LINES), "PNG")),
        ("a.webp", saved(picture(*LINES), "WEBP")),
        ("photo.jpg", saved(picture(*LINES, turned=3), "JPEG", quality=70)),
        ("fax.tif", saved(picture(LINES[0]), "TIFF", save_all=True, append_images=[picture(LINES[1])])),
    ],
)
def test_text_of_a_picture_is_read_and_marked_with_how_sure_it_is(tmp_path: Path, name: str, data: bytes) -> None:
    passages, told = imported(tmp_path, name, data)
    text = "\n".join(one.text for one in passages)
    assert all(line in text for line in LINES)
    assert passages
    assert all((one.locator.part or "").startswith("read by OCR, 9") for one in passages)
    assert told == []


@needs_engine
def test_scanned_pages_are_read_beside_those_with_text(tmp_path: Path) -> None:
    passages, told = imported(tmp_path, "lease.pdf", scanned("The cover of the lease.", picture(*LINES)))
    assert [one.locator.page for one in passages] == [1, 2]
    assert passages[0].locator.part is None
    assert LINES[0] in passages[1].text
    assert told == []


@needs_engine
def test_what_was_hard_to_read_is_named(tmp_path: Path) -> None:
    stretched = picture(*LINES).crop((0, 0, 1240, 500)).resize((1240, 1754))
    passages, told = imported(tmp_path, "stretched.png", saved(stretched, "PNG"))
    assert passages
    assert "hard to recognise" in " ".join(told)


@needs_engine
def test_a_picture_without_text_or_damaged_is_named(tmp_path: Path) -> None:
    assert imported(tmp_path, "white.png", saved(Image.new("RGB", (300, 300), "white"), "PNG"))[1] == [
        "no text in it There is nothing to remember in it."
    ]
    (told,) = imported(tmp_path, "torn.png", saved(picture(*LINES), "PNG")[:400])[1]
    assert told.startswith("damaged")


def with_pictures(name: str, *pictures: bytes) -> bytes:
    """Return a mail, or a note of Evernote without names of files, to which pictures are attached."""
    if name.endswith(".eml"):
        message = mail()
        for data in pictures:
            message.add_attachment(data, maintype="image", subtype="png", filename="scan.png")
        return message.as_bytes()
    resources = "".join(
        f"<resource><data>{b64encode(data).decode()}</data><mime>image/png</mime></resource>" for data in pictures
    )
    return f"<en-export><note><title>Meter</title>{resources}</note></en-export>".encode()


LOGO = saved(Image.new("RGB", (300, 700), "white"), "PNG")


@needs_engine
@pytest.mark.parametrize("name", ["a.eml", "a.enex"])
def test_pictures_that_came_with_a_mail_or_a_note_are_read_unless_they_are_logos(tmp_path: Path, name: str) -> None:
    scans = [saved(picture(line), "PNG") for line in LINES]
    passages, told = imported(tmp_path, name, with_pictures(name, *scans, LOGO))
    words = " ".join(one.text for one in passages)
    assert "with Ines at number 12" in words
    assert "10 482 kWh" in words
    assert len(told) == 1
    assert "not read" in told[0]


@pytest.mark.skipif(is_available(), reason="the extra is installed here")
@pytest.mark.parametrize("name", ["a.eml", "a.enex"])
@pytest.mark.parametrize(("data", "names_extra"), [(bytes(50_000), True), (LOGO, False)])
def test_without_the_extra_a_picture_that_is_no_logo_names_it(
    tmp_path: Path, name: str, data: bytes, names_extra: bool
) -> None:
    (told,) = imported(tmp_path, name, with_pictures(name, data))[1]
    assert ("[ocr]" in told) is names_extra


@pytest.mark.skipif(is_available(), reason="the extra is installed here")
@pytest.mark.parametrize(
    ("name", "data"), [("a.png", saved(picture(*LINES), "PNG")), ("a.pdf", scanned(picture(*LINES)))]
)
def test_without_the_extra_the_report_names_it(tmp_path: Path, name: str, data: bytes) -> None:
    (told,) = imported(tmp_path, name, data)[1]
    assert 'pip install "keepsake-assistant[ocr]"' in told
