"""Damage anywhere in any file gives its text or a `ReadError`, and no other exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import ReadError
from tests.ingestion.files import read
from tests.ingestion.office import ics_of, vcf_of
from tests.ingestion.test_isolation import EVERY
from tests.ingestion.test_office import RTF, SLIDES, TEXT, WORKBOOK
from tests.ingestion.test_pages_and_books import pdf_of

WHOLE = {
    **EVERY,
    "a.pdf": pdf_of("Some words.", "More words.", outline=True),
    "a.pptx": SLIDES,
    "a.xlsx": WORKBOOK,
    "a.odt": TEXT,
    "a.rtf": RTF,
    "a.ics": ics_of(
        "SUMMARY:Dentist\r\nDTSTART;TZID=Europe/Berlin:20250304T100000\r\nDURATION:PT1H\r\n"
        "RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=5\r\nEXDATE:20250311T100000"
    ).encode(),
    "a.vcf": vcf_of("FN;ENCODING=QUOTED-PRINTABLE:Ren=C3=A9\r\nADR;TYPE=HOME:;;1 Road;Ulm;;\r\nORG:Engines;D").encode(),
    "a.json": b'[{"a": [1, 2, {"b": "words"}]}, 3]',
    "a.jsonl": b'{"a": 1}\n{"b": [2]}\n',
    "a.csv": b'name,city\n"Ada",London\n',
    "a.md": b"---\ntitle: x\n---\n# A\n\n- b\n```\nc\n```\n",
    "a.txt": "中文，文字。".encode("gb18030"),
}
CHANGES = st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.sampled_from(sorted(WHOLE)), CHANGES, st.sampled_from([1.0, 0.9, 0.5]))
def test_damaged_bytes_under_any_suffix_give_text_or_a_read_error(
    content: str, name: str, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(WHOLE[content])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        _, blocks = read(bytes(data[: int(len(data) * keep)]), name)
    except ReadError as error:
        assert error.message  # noqa: PT017 - both outcomes are right
        assert error.hint  # noqa: PT017
        return
    assert any(block.text.strip() for block in blocks)
