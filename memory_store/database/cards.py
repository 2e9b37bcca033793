"""Cards in the record: questions with the answers that passages give, when each is due, and how well it was known."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database.connection import Database
from memory_store.database.rows import insert_row, insert_values, read_row
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import Author, PassageDraft

_SELECT: Final = "SELECT c.*, p.private FROM cards AS c JOIN passages AS p ON p.id = c.passage_id"
# What programs and models write for each other: quotation marks, dashes, a hyphen that shows only at a line's end.
_SET_ALIKE: Final = str.maketrans(
    {**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″", '"'), "\xad": None} | dict.fromkeys("‐‑‒–—−", "-")
)
_OWNERS: Final = {ids.DOCUMENT: "p.document_id", ids.MESSAGE: "p.message_id", ids.MEMORY: "p.memory_id"}


class Grade(StrEnum):
    """How well an answer was known, as its user says."""

    AGAIN = "again"
    """Not at all, or wrongly."""
    HARD = "hard"
    GOOD = "good"
    EASY = "easy"


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card about to be stored. `quote` are words of the passage, which say what the answer says."""

    passage_id: str
    question: str
    answer: str
    quote: str
    author: Author


@dataclass(frozen=True, slots=True)
class Card:
    """A question and its answer, resting on a passage; private where that is. `quote` are the passage's own words."""

    id: str
    passage_id: str
    question: str
    answer: str
    quote: str
    author: Author
    made_at: datetime
    due_at: datetime
    private: bool


@dataclass(frozen=True, slots=True)
class CardReview:
    """How well a card was known once."""

    card_id: str
    reviewed_at: datetime
    grade: Grade


@dataclass(frozen=True, slots=True)
class KeptCards:
    """The rows of cards, and of their reviews, that outlive the document they rest on: a newer one takes its place."""

    cards: tuple[dict[str, object], ...] = ()
    reviews: tuple[dict[str, object], ...] = ()


class Cards:
    """What can be asked of and done to cards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, cards: Iterable[NewCard]) -> list[Card]:
        """Store cards, due at once. Raises NotFoundError where a passage is gone, StoreError where it lacks a quote."""
        made_at = now()
        stored = []
        with self._database.write() as connection:
            for new in cards:
                passage = connection.execute(
                    "SELECT text, private FROM passages WHERE id = ?", (new.passage_id,)
                ).fetchone()
                if passage is None:
                    raise NotFoundError("The passage that a card is made from is gone.", "Make the card again.")
                if not stands_in(new.quote, passage["text"]):
                    raise StoreError(f"“{new.quote}” does not stand in the passage.", "Quote words of the passage.")
                card = Card(
                    ids.new_id(ids.CARD),
                    new.passage_id,
                    new.question,
                    new.answer,
                    new.quote,
                    new.author,
                    made_at,
                    made_at,
                    bool(passage["private"]),
                )
                values = {field.name: getattr(card, field.name) for field in fields(Card)}
                author = values.pop("author")
                del values["private"]
                times = {"made_at": to_text(made_at), "due_at": to_text(made_at)}
                names = {"author_kind": author.kind, "author_name": author.name}
                insert_values(connection, "cards", {**values, **names, **times})
                stored.append(card)
        return stored

    def get(self, card_id: str) -> Card:
        """Return one card. Raises NotFoundError."""
        row = self._database.fetch_one(f"{_SELECT} WHERE c.id = ?", (card_id,))
        if row is None:
            raise NotFoundError(f"There is no card {card_id}.", "The list of cards shows the ids.")
        return read_row(Card, row)

    def all(self) -> list[Card]:
        """Return all cards, the one that is due first at the front."""
        return self._find("1")

    def find_due(self, moment: datetime) -> list[Card]:
        """Return what is to be reviewed at this moment, the longest due first."""
        return self._find("c.due_at <= ?", to_text(moment))

    def count_due(self, moment: datetime) -> int:
        """Return how many cards are to be reviewed at this moment."""
        row = self._database.fetch_one("SELECT count(*) FROM cards WHERE due_at <= ?", (to_text(moment),))
        return int(row[0]) if row is not None else 0

    def find_of_source(self, source_id: str) -> list[Card]:
        """Return the cards that rest on a document, a message or a memory."""
        return self._find(_of_source(source_id), source_id)

    def find_of_passage(self, passage_id: str) -> list[Card]:
        """Return the cards that rest on a passage."""
        return self._find("c.passage_id = ?", passage_id)

    def reviews(self, card_id: str) -> list[CardReview]:
        """Return how well a card was known, the earliest review first."""
        rows = self._database.fetch_all("SELECT * FROM card_reviews WHERE card_id = ? ORDER BY reviewed_at", (card_id,))
        return [read_row(CardReview, row) for row in rows]

    def review(self, review: CardReview, due_at: datetime) -> None:
        """Keep how well a card was known, and when it is due after that. Raises NotFoundError where it is gone."""
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE cards SET due_at = ? WHERE id = ?", (to_text(due_at), review.card_id)
            ).rowcount
            if not changed:
                raise NotFoundError("The card is gone: it, or what it was made from, was erased meanwhile.")
            insert_row(connection, "card_reviews", review)

    def _find(self, condition: str, *values: str) -> list[Card]:
        rows = self._database.fetch_all(f"{_SELECT} WHERE {condition} ORDER BY c.due_at, c.rowid", values)
        return [read_row(Card, row) for row in rows]


def stands_in(quote: str, text: str) -> bool:
    """Say whether a text has these words, however they are spaced, capitalised and set (breaks of lines, `’`)."""
    words = _fold(quote)
    return bool(words) and words in _fold(text)


def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).translate(_SET_ALIKE).split()).casefold()


# -- a newer document in the place of one --------------------------------------------------------------------------


def have_any(connection: sqlite3.Connection, document_id: str) -> bool:
    """Say whether any card rests on a document."""
    return next(_rows_of(connection, document_id), None) is not None


def take_out(connection: sqlite3.Connection, document_id: str, drafts: Sequence[PassageDraft]) -> KeptCards:
    """Take out of the record the cards of a document whose quotes these new passages have as well."""
    found = _Quoted((draft.text, "") for draft in drafts)
    cards = [row for row in _rows_of(connection, document_id) if found.find(str(row["quote"])) is not None]
    reviews: list[dict[str, object]] = []
    for card in cards:
        rows = connection.execute("SELECT * FROM card_reviews WHERE card_id = ?", (card["id"],))
        reviews += [dict(row) for row in rows]
        connection.execute("DELETE FROM cards WHERE id = ?", (card["id"],))
    return KeptCards(tuple(cards), tuple(reviews))


def put_back(connection: sqlite3.Connection, kept: KeptCards, document_id: str) -> None:
    """Have cards that were taken out rest on the passages of the newer document that have their quotes."""
    if not kept.cards:
        return
    found = _Quoted(_texts_of(connection, document_id))
    for card in kept.cards:
        insert_values(connection, "cards", {**card, "passage_id": found.find(str(card["quote"]))})
    for review in kept.reviews:
        insert_values(connection, "card_reviews", review)


def find_passage(connection: sqlite3.Connection, source_id: str, quote: str) -> str | None:
    """Return the id of the first passage of a document, message or memory that has a quote; None where none has."""
    return _Quoted(_texts_of(connection, source_id)).find(quote)


class _Quoted:
    """Finds quotes among texts, each given with what it is found as. Of many, as in a deck, most are a whole text."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._texts = [(_fold(text), found_as) for text, found_as in texts]
        self._whole = dict(reversed(self._texts))

    def find(self, quote: str) -> str | None:
        """Return what the first text with this quote is found as; None where none has it."""
        words = _fold(quote)
        if words in self._whole:
            return self._whole[words]
        return next((found_as for text, found_as in self._texts if words and words in text), None)


def _of_source(source_id: str) -> str:
    return f"{_OWNERS[ids.prefix_of(source_id) or '']} = ?"


def _texts_of(connection: sqlite3.Connection, source_id: str) -> Iterator[tuple[str, str]]:
    rows = connection.execute(
        f"SELECT p.text, p.id FROM passages AS p WHERE {_of_source(source_id)} ORDER BY ordinal", (source_id,)
    )
    return ((row["text"], row["id"]) for row in rows)


def _rows_of(connection: sqlite3.Connection, document_id: str) -> Iterator[dict[str, object]]:
    rows = connection.execute(
        "SELECT c.* FROM cards AS c JOIN passages AS p ON p.id = c.passage_id WHERE p.document_id = ?", (document_id,)
    )
    return (dict(row) for row in rows)
