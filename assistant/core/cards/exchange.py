"""Exchange with Anki: its notes in plain text, a line a note, as it exports and imports them.

docs.ankiweb.net/importing/text-files.html says what the lines that begin with # mean. What Anki calls a package (.apkg)
is not read: it is its own database.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from assistant.errors import ReadError
from memory_store import Card, NewCard, NewDocument, Store
from memory_store.clock import now
from memory_store.models import USER, Locator, PassageDraft

_SEPARATORS: Final = {
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "space": " ",
    "pipe": "|",
    "colon": ":",
}
_CLOZE: Final = re.compile(r"\{\{c(\d+)::(.*?)(?:::(.*?))?\}\}", re.DOTALL)
_SOUND: Final = re.compile(r"\[sound:[^\]]*\]")
_COLUMN: Final = re.compile(r"(guid|notetype|deck|tags) column", re.IGNORECASE)
_MEDIA_TYPE: Final = "text/x-anki-notes"
# What tables have on their first line.
_HEADINGS: Final = frozenset({("question", "answer"), ("front", "back"), ("问题", "答案"), ("正面", "背面")})
_TAG: Final = "keepsake"
_GAP: Final = "[…]"
_MOST_FIELD_CHARS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Note:
    """A question and its answer as they came, the line of the file that they stand in, from 1, and what they are
    known by to the program that wrote it."""

    question: str
    answer: str
    line: int
    known_as: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import brought: cards that are new, how many notes the file has a card of already, and lines without a
    question or an answer."""

    cards: Sequence[Card]
    known: int
    empty: int


def write_notes(cards: Sequence[Card], sources: Sequence[str]) -> Iterator[str]:
    """Yield a file that Anki imports: the id of each card, by which it knows it again, question, answer, source, a tag.

    Without a column of tags Anki takes the first column that no field is left for as that: the source's words. The
    columns have no names, for Anki fills a field only from a column of its own name then, which differs by language.
    """
    yield "#separator:tab\n#html:false\n#guid column:1\n#tags column:5\n"
    for card, source in zip(cards, sources, strict=True):
        buffer = io.StringIO()
        # Every field is quoted: one that begins with # would be taken for a line about the file.
        writer = csv.writer(buffer, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow((card.id, card.question, card.answer, source, _TAG))
        yield buffer.getvalue()


def read_notes(text: str) -> tuple[list[Note], int]:
    """Return the notes of a file of Anki's, and how many lines have no question or no answer. Raises ReadError."""
    head, at = {}, 0
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    while at < len(lines) and lines[at].startswith("#"):
        name, _, value = lines[at][1:].rstrip("\r\n").partition(":")
        head[name.strip().lower()] = value.strip() or value.rstrip("\r\n")
        at += 1
    known_by = head.get("guid column", "")
    aside = {int(value) - 1 for name, value in head.items() if _COLUMN.fullmatch(name) and value.isdecimal()}
    in_html = head.get("html", "false").lower() == "true"
    notes: list[Note] = []
    empty = 0
    reader = csv.reader(io.StringIO("".join(lines[at:]), newline=""), delimiter=_separator(head, lines[at:]))
    begins = at + 1
    try:
        for row in reader:
            fields = [_words(cell, in_html) for column, cell in enumerate(row) if column not in aside]
            known_as = row[int(known_by) - 1] if known_by.isdecimal() and 0 < int(known_by) <= len(row) else ""
            made = [replace(note, known_as=known_as) for note in _notes_of(fields, begins)]
            notes += made
            empty += not made and any(fields)
            begins = at + reader.line_num + 1
    except csv.Error as error:
        raise ReadError(
            f"Line {at + reader.line_num} is no line of notes: {error}.", "Export them from Anki as plain text."
        ) from error
    is_heading = bool(notes) and (notes[0].question.casefold(), notes[0].answer.casefold()) in _HEADINGS
    return notes[is_heading:], empty


def _separator(head: dict[str, str], lines: Sequence[str]) -> str:
    named = head.get("separator", "")
    if named:
        found = _SEPARATORS.get(named.lower(), named if len(named) == 1 else "")
        if not found:
            raise ReadError(f"{named} is no separator.", "Anki knows tab, comma, semicolon, space, pipe and colon.")
        return found
    first = next((line for line in lines if line.strip()), "")
    return next((sign for sign in "\t;," if sign in first), "\t")


def _words(cell: str, in_html: bool) -> str:
    text = _SOUND.sub("", cell[:_MOST_FIELD_CHARS])
    if in_html and ("<" in text or "&" in text):
        from bs4 import BeautifulSoup

        page = BeautifulSoup(text, "html.parser")
        for broken in page.find_all(["br", "div", "p", "li"]):
            broken.insert_before("\n")
        text = page.get_text()
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _notes_of(fields: Sequence[str], line: int) -> Iterator[Note]:
    """Yield a note a gap where the first field is a text with gaps, else one of the first two fields."""
    if not fields:
        return
    gaps = dict.fromkeys(number for number, _, _ in _CLOZE.findall(fields[0]))
    for number in gaps:
        answers = [words for found, words, _ in _CLOZE.findall(fields[0]) if found == number]
        yield Note(_with_gap(fields[0], number), " … ".join(answers), line)
    if not gaps and len(fields) > 1 and fields[0] and fields[1]:
        yield Note(fields[0], fields[1], line)


def _with_gap(text: str, number: str) -> str:
    def shown(found: re.Match[str]) -> str:
        if found[1] != number:
            return found[2]
        return f"[{found[3]}]" if found[3] else _GAP

    return _CLOZE.sub(shown, text)


def bring(store: Store, path: Path, most_bytes: int) -> Brought:
    """Import a file of notes: it becomes a document, with a card on each of its passages.

    Imported again, what it still says keeps its reviews. Raises ReadError for what is no such file.
    """
    path = path.expanduser().absolute()
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise ReadError(
                f"{path} is larger than {most_bytes // (1024 * 1024)} MB.", "Raise max_file_mb under [importing]."
            )
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise ReadError(f"{path} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{path} is not text in UTF-8.", "Export from Anki as “Notes in Plain Text”, not as a package."
        ) from error
    notes, empty = read_notes(text)
    if not notes:
        raise ReadError(
            f"There is no note in {path}.", "Each line holds a question and its answer, with a tab between."
        )
    ours = {card.id for card in store.cards.all()}
    others = [note for note in notes if note.known_as not in ours]
    if not others:  # all of it came from here
        return Brought([], len(notes), empty)
    digest = hashlib.sha256(data).hexdigest()
    if store.documents.is_forgotten(str(path), digest):
        raise ReadError(f"{path} was forgotten, and stays away.", "`keepsake import --again` lets it in once more.")
    stored = store.documents.find_by_path(str(path))
    if stored is None or (stored.content_hash, stored.media_type) != (digest, _MEDIA_TYPE):
        new = NewDocument(str(path), path.name, _MEDIA_TYPE, digest, len(data), now())
        drafts = [
            PassageDraft(f"{note.question}\n{note.answer}", Locator(line_start=note.line, line_end=note.line))
            for note in others
        ]
        stored = store.documents.add(new, drafts)
    there = {card.passage_id for card in store.cards.find_of_source(stored.id)}
    passages = {passage.text: passage.id for passage in store.documents.passages(stored.id)}
    fresh = [
        NewCard(passages[text], note.question, note.answer, text, USER)
        for note in others
        if passages.get(text := f"{note.question}\n{note.answer}") not in there
    ]
    brought = Brought(store.cards.add(fresh), len(notes) - len(fresh), empty)
    store.wake()
    return brought
