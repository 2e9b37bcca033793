"""Makes broken files of every format, imports them, and prints what became of each kind.

python -m scripts.break_files                 300 files from seed 1; ends with 1 if one is not named, slow or large
python -m scripts.break_files --samples DIR   only write a whole sample of every format and export
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from unittest.mock import patch

from assistant.ingestion.isolation import ReadingProcess
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from memory_store import Store
from tests.ingestion.conversations.exports import (
    claude_chat,
    claude_message,
    gpt_chat,
    llm_database,
    oterm_database,
    said,
    webui_chat,
    webui_message,
)
from tests.ingestion.conversations.test_databases_and_archives import LOGS
from tests.ingestion.files import docx_of, docx_paragraph, epub_of, zip_of
from tests.ingestion.fuzzing import damaged
from tests.ingestion.office import ics_of, odt_of, vcf_of, xlsx_of
from tests.ingestion.test_damage import WHOLE
from tests.support.embedder import HashEmbedder

MOST_SECONDS: Final = 60.0
MOST_MEGABYTES: Final = 2500
SIGNS: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~。，：；？！（「\n\t \r"
_SIZE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken file: what was done to it, its name, its bytes."""

    kind: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one: the statuses of its outcomes, the first reason, the seconds, and what ended the import."""

    broken: Broken
    statuses: tuple[str, ...]
    reason: str
    seconds: float
    ended_by: str = ""


def samples() -> dict[str, bytes]:
    """Return a small whole file of every format, and an export of every assistant."""
    claude = claude_chat(claude_message("human", said("How?"), uuid="q"), claude_message("assistant", said("So.")))
    webui = webui_chat(webui_message("q", "user", "How?"), webui_message("a", "assistant", "So.", "q"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        oterm = oterm_database(folder / "store.db", {"Boiler": [("user", "How?"), ("assistant", "So.")]}).read_bytes()
        llm = llm_database(folder / "logs.db", LOGS).read_bytes()
    return {
        **WHOLE,
        "notes.zip": zip_of({"a.md": "# A\n\nWords.", "b/c.txt": "Other words."}),
        "chatgpt.zip": zip_of({"conversations.json": json.dumps([gpt_chat("a"), gpt_chat("b")])}),
        "claude.zip": zip_of({"conversations.json": json.dumps([claude])}),
        "webui.json": json.dumps([webui]).encode(),
        "oterm.db": oterm,
        "llm.db": llm,
    }


def make(count: int, seed: int, *, heavy: bool = True) -> Iterator[Broken]:
    """Yield broken files: those that are made by hand, the heavy ones too, then as many damaged samples as are missing.

    If fewer are asked for, they are drawn from those.
    """
    made = list(_by_hand(random.Random(seed), heavy=heavy))
    dice = random.Random(seed)
    if count < len(made):
        yield from dice.sample(made, count)
        return
    yield from made
    whole = sorted(samples().items())
    ways: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("cut short", lambda data: data[: dice.randrange(1, len(data))]),
        ("bits flipped", lambda data: _flipped(data, dice)),
        ("damaged in several places", lambda data: damaged(data, dice)),
        ("a stretch of zeros", lambda data: _zeroed(data, dice)),
        ("beginning lost", lambda data: data[dice.randrange(1, len(data)) :]),
        ("wrong suffix", lambda data: data),
    ]
    for number in range(count - len(made)):
        name, data = whole[number % len(whole)]
        kind, way = ways[dice.randrange(len(ways))]
        suffix = PurePosixPath(dice.choice(whole)[0]).suffix if kind == "wrong suffix" else PurePosixPath(name).suffix
        yield Broken(kind, f"{number}{suffix}", way(data))


def _by_hand(dice: random.Random, *, heavy: bool) -> Iterator[Broken]:
    whole = samples()
    for suffix in sorted({PurePosixPath(name).suffix for name in whole}):
        yield Broken("empty", f"empty{suffix}", b"")
        yield Broken("random bytes", f"random{suffix}", dice.randbytes(200_000))
        yield Broken("zeros", f"zeros{suffix}", bytes(200_000))
    for name, data in sorted(whole.items()):
        if data[:2] == b"PK":
            yield Broken("wrong check sum", f"sum-{name}", _wrong_sums(data))
            yield Broken("absurd lengths in a zip", f"length-{name}", _absurd_lengths(data))
            yield Broken("torn zip", f"torn-{name}", data[: len(data) * 2 // 3])
    yield from _lies()
    if not heavy:
        return
    for number, sign in enumerate(SIGNS):
        suffix = (".md", ".txt", ".html", ".csv", ".json", ".rtf", ".eml", ".ics")[number % 8]
        yield Broken("a run of one sign", f"run-{number}{suffix}", _opening(suffix) + sign.encode() * _SIZE)
    yield from _nested()
    yield from _bombs()


def _opening(suffix: str) -> bytes:
    return {
        ".html": b"<html><body><p>",
        ".rtf": b"{\\rtf1 ",
        ".eml": b"From: ann@example.org\nSubject: Run\n\n",
        ".ics": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:",
    }.get(suffix, b"")


def _nested() -> Iterator[Broken]:
    deep = 200_000
    nested: dict[str, bytes] = {
        "brackets.json": b"[" * _SIZE,
        "objects.json": b'{"a":' * deep + b"1" + b"}" * deep,
        "brackets.jsonl": b"[" * _SIZE,
        "export.json": b'[{"mapping": ' + b'{"a":' * deep,
        "div.html": b"<div>" * deep + b"words",
        "table.html": b"<table><tr><td>" * deep,
        "span.html": b"<span>" * deep + b"words",
        "groups.rtf": b"{\\rtf1 " + b"{" * deep + b"words" + b"}" * deep + b"}",
        "quotes.md": b">" * deep + b" words",
        "list.md": b"".join(b" " * number + b"- a\n" for number in range(1000)),
        "parts.eml": _nested_mail(),
        "begin.ics": b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * deep,
        "xml.docx": docx_of("<w:tbl><w:tr><w:tc>" * 20_000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 20_000),
        "table.odt": odt_of(
            "<table:table><table:table-row><table:table-cell>" * 70
            + "<text:p>words</text:p>"
            + "</table:table-cell></table:table-row></table:table>" * 70
        ),
        "page.epub": epub_of(["<html><body>" + "<div>" * deep + "words"]),
        "zips.zip": _nested_zip(),
    }
    for name, data in nested.items():
        yield Broken("nested without end", f"nested-{name}", data)


def _nested_mail() -> bytes:
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(3000))
    return b"From: ann@example.org\nSubject: Deep\n" + opening + b"\nwords"


def _nested_zip() -> bytes:
    data = zip_of({"a.md": "words"})
    for number in range(20):
        data = zip_of({f"{number}.zip": data})
    return data


def _bombs() -> Iterator[Broken]:
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    )
    bombs: dict[str, bytes] = {
        "blanks.zip": zip_of({"a.txt": b" " * 300_000_000}),
        "many.zip": zip_of({f"{number}.md": "words" for number in range(12_000)}),
        "entities.html": entities + b"]><html><body>&j;</body></html>",
        "entities.docx": docx_of("", {"word/document.xml": entities + b"]><w>&j;</w>"}),
        "entities.epub": epub_of([(entities + b"]><html><body>&j;</body></html>").decode()]),
        "far.xlsx": xlsx_of({"A": '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'}),
        "blanks.docx": docx_of(docx_paragraph("word " * 2_000_000)),
        "spaces.odt": odt_of('<text:p>a<text:s text:c="999999999"/>b</text:p>' * 50_000),
        "attributes.html": b"<p " + b" ".join(b"a%d" % n for n in range(100_000)) + b">words",
        "comments.html": b"<!---->" * 100_000,
        "comments": b"<!---->" * 1_000,
        "cells.csv": b"," * _SIZE,
        "quote.csv": b'a,b\n1,"' + b"words\n" * 300_000,
        "columns.csv": b"\n".join(b",".join(b"c" for _ in range(2000)) for _ in range(500)),
        "scalars.json": b"[" + b"1," * 2_000_000 + b"1]",
        "lists.json": b"[" + b"[1]," * 500_000 + b"[1]]",
        "key.json": b'{"' + b"k" * 500_000 + b'": [' + b"[1]," * 20_000 + b"[1]]}",
        "headings.md": (b"# " + b"h" * 500_000 + b"\n\n") + b"words\n\n" * 20_000,
        "items.md": b"- a\n" * 250_000,
        "folded.ics": b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:" + b"a\n " * 300_000 + b"\nEND:VEVENT\nEND:VCALENDAR\n",
        "types.vcf": vcf_of("FN:Ada\nTEL" + ";TYPE=home" * 80_000 + ":1").encode(),
        "days.ics": ics_of("SUMMARY:x\nRRULE:FREQ=MONTHLY;BYMONTHDAY=" + "--1," * 100_000).encode(),
        "to.eml": b"From: a@example.org\nTo: " + b"(" * _SIZE + b"\n\nwords",
        "type.eml": b"From: a@example.org\nContent-Type: text/plain; " + b";" * _SIZE + b"\n\nwords",
        "words.eml": b"Subject: " + b"=?utf-8?q?a?= " * 70_000 + b"\nFrom: a@example.org\n\nwords",
        "mails.mbox": b"From a\nSubject: x\n\nwords\n\n" * 30_000,
        "ticks.md": b"[[ " + b"`" * _SIZE,
        "links.md": b"[[a|" * 250_000,
        "cells.rtf": b"{\\rtf1 " + b"\\cell\\row " * 100_000 + b"}",
        "fields.rtf": b"{\\rtf1 " + b'{\\field{\\*\\fldinst{HYPERLINK "a"' * 3_000 + b"}",
    }
    for name, data in bombs.items():
        yield Broken("a bomb", f"bomb-{name}", data)


def _lies() -> Iterator[Broken]:
    lies: dict[str, bytes] = {
        "utf16.txt": b"\xff\xfe" + "words and words".encode("utf-16-be") + b"\x00",
        "utf8.txt": b"\xef\xbb\xbf\xff\xfe\xfd words",
        "charset.html": b'<meta charset="utf-16"><p>words</p>',
        "unknown.html": b'<meta charset="x-klingon"><p>words \xe9\xe8</p>',
        "charset.eml": b"From: a@b.c\nContent-Type: text/plain; charset=klingon\n\nwords \xff",
        "base64.eml": b"From: a@b.c\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!",
        "surrogate.json": b'["\\ud83d", {"\\udc00": "\\u0000"}]',
        "gb.csv": "名字,城市\n".encode("gb18030") + b"\x81\n",
        "length.pdf": b"%PDF-1.7\n1 0 obj<</Length 99999999999>>stream\nx\nendstream endobj\nstartxref\n9999\n%%EOF",
        "pages.pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 99999999>>endobj\n"
        b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF",
        "ole.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000),
        "bin.rtf": b"{\\rtf1 \\bin999999999 x}",
        "rule.ics": ics_of("SUMMARY:x\nDTSTART:99999999\nRRULE:FREQ=YEARLY;BYMONTHDAY=--1;BYSETPOS=-+3").encode(),
        "date.eml": b"From: a@b.c\nDate: Mon, 99 Foo 99999 99:99:99 +9999\n\nwords",
        "page.db": b"SQLite format 3\x00" + struct.pack(">H", 1) + bytes(4000),
    }
    for name, data in lies.items():
        yield Broken("lies about itself", f"lie-{name}", data)


def _flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(max(1, len(data) // 200)):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _zeroed(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    length = min(len(data) - at, len(data) // 4 + 1)
    return data[:at] + bytes(length) + data[at + length :]


def _wrong_sums(data: bytes) -> bytes:
    return _overwritten(data, {b"PK\x03\x04": 14, b"PK\x01\x02": 16}, b"\x01\x02\x03\x04")


def _absurd_lengths(data: bytes) -> bytes:
    return _overwritten(data, {b"PK\x03\x04": 22, b"PK\x01\x02": 24}, b"\xf0\xff\xff\x7f")


def _overwritten(data: bytes, places: dict[bytes, int], value: bytes) -> bytes:
    changed = bytearray(data)
    for signature, offset in places.items():
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset : at + offset + len(value)] = value
            at = changed.find(signature, at + 4)
    return bytes(changed)


class _Kept(ReadingProcess):
    """One process for all imports, so that each file's time is that of its reading."""

    def close(self) -> None:
        """Stay for the next import."""

    def end(self) -> None:
        """End at last."""
        super().close()


def import_each(files: Iterator[Broken], folder: Path, told: Callable[[Result], None]) -> list[Result]:
    """Import each file by itself, then all at once, and return what became of each."""
    inside = folder / "files"
    inside.mkdir()
    kept = _Kept()
    results: list[Result] = []
    try:
        with (
            patch("assistant.ingestion.pipeline.ReadingProcess", lambda: kept),
            Store.open(folder / "memory", HashEmbedder()) as store,
        ):
            for number, broken in enumerate(files):
                place = inside / f"{number:03}"
                place.mkdir()
                (place / broken.name).write_bytes(broken.data)
                results.append(_imported(store, place, broken))
                told(results[-1])
            results.append(_imported(store, inside, Broken("all at once", "all", b"")))
            told(results[-1])
    finally:
        kept.end()
    return results


def _imported(store: Store, place: Path, broken: Broken) -> Result:
    began = time.monotonic()
    ended_by = ""
    outcomes = []
    try:
        outcomes = list(import_paths(store, [place], ImportOptions()))
    except Exception as error:  # noqa: BLE001 - whatever ends an import is what is looked for here
        ended_by = repr(error)
    reasons = [one.reason for one in outcomes if one.status is FileStatus.FAILED and one.reason]
    statuses = tuple(one.status.value for one in outcomes)
    return Result(broken, statuses, reasons[0] if reasons else "", time.monotonic() - began, ended_by)


def faults(result: Result) -> list[str]:
    """Return what must not be: an import that ended, a file without a word, one that took too long."""
    found = []
    if result.ended_by:
        found.append(f"ended the import: {result.ended_by}")
    elif not result.statuses or (set(result.statuses) == {"failed"} and not result.reason):
        found.append("is neither read nor named")
    if result.seconds > MOST_SECONDS and result.broken.kind != "all at once":
        found.append(f"took {result.seconds:.0f} s")
    return found


def table(results: list[Result]) -> str:
    """Return a table in Markdown: each kind with its number, how many were read, how many named, and the slowest."""
    lines = ["| What was done | files | read | named with a reason | slowest |", "|---|---|---|---|---|"]
    for kind in dict.fromkeys(one.broken.kind for one in results):
        of_kind = [one for one in results if one.broken.kind == kind]
        named = sum(1 for one in of_kind if set(one.statuses) == {"failed"})
        slowest = max(one.seconds for one in of_kind)
        lines.append(f"| {kind} | {len(of_kind)} | {len(of_kind) - named} | {named} | {slowest:.1f} s |")
    return "\n".join(lines)


def main() -> int:
    """Make the files, import them, print the table and what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, metavar="DIR")
    parser.add_argument("--slow", type=float, default=5.0, help="name each file that took so many seconds")
    given = parser.parse_args()
    if given.samples:
        given.samples.mkdir(parents=True, exist_ok=True)
        for name, data in samples().items():
            (given.samples / name).write_bytes(data)
        return 0

    def told(result: Result) -> None:
        words = faults(result) or ([f"took {result.seconds:.1f} s"] if result.seconds > given.slow else [])
        if words:
            print(f"{result.broken.name} ({result.broken.kind}): {'; '.join(words)} {result.reason}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        results = import_each(make(given.files, given.seed), Path(name), told)
    print(table(results))
    megabytes = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"\nMost memory: {megabytes[0]:,.0f} MB here, {megabytes[1]:,.0f} MB in the process that reads.")
    wrong = sum(1 for one in results if faults(one)) + sum(size > MOST_MEGABYTES for size in megabytes)
    print(f"{len(results) - 1} files, {wrong} wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
