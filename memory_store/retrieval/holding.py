"""Every passage that holds some words: not the best of them, as in a recall, but all, history and twins too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from memory_store.database import fulltext, passages
from memory_store.database.cards import Card, Cards
from memory_store.database.connection import Database
from memory_store.database.conversations import texts_of_tool_uses
from memory_store.database.fulltext import Sought
from memory_store.database.passages import StoredPassage
from memory_store.database.recipes import Recipe, Recipes
from memory_store.database.schedules import texts_of_schedules
from memory_store.database.tasks import texts_of_tasks
from memory_store.folding import spellings
from memory_store.retrieval.words import matching_words, stems

_BATCH: Final = 500


def find_holding(database: Database, words: str) -> list[StoredPassage]:
    """Return all passages that hold each of these words, in the text or in its title and headings, the latest first.

    A word may have another ending there, but not a shorter one: `key` is found in "keys". Words such as "the" are
    passed over; Chinese, Japanese and Korean are looked for as pairs of signs. A name that is written in several ways
    is found in each; a telephone number without its country's prefix too, but not one that only ends alike. Of a long
    task or a reminder that holds them, and of what a tool or a recipe was given, the message is found with which it
    goes.
    """
    sought, wanted = _understand(words)
    found: list[StoredPassage] = []
    with database.read() as connection:
        rows = fulltext.find_all(connection, sought)
        for at in range(0, len(rows), _BATCH):
            by_row = passages.by_rows(connection, rows[at : at + _BATCH])
            found += [by_row[row] for row in rows[at : at + _BATCH] if row in by_row]
        # The index also holds dates in words, which are not the passage's own; and a stem is shared by different words.
        found = [item for item in found if _holds(f"{item.text}\n{item.context}", sought, wanted)]
        there = {item.message_id for item in found}
        beside = (texts_of_tasks(connection), texts_of_schedules(connection), texts_of_tool_uses(connection))
        for message_id, texts in itertools.chain(*beside):
            if message_id not in there and any(_holds(text, sought, wanted) for text in texts):
                there.add(message_id)
                found += passages.of_message(connection, message_id)
    return found


def find_cards_holding(database: Database, words: str) -> list[Card]:
    """Return all cards that hold each of these words themselves, as a user or a model put them."""
    sought, wanted = _understand(words)
    return [
        card
        for card in Cards(database).all()
        if _holds("\n".join((card.question, card.answer, card.quote)), sought, wanted)
    ]


def find_recipes_holding(database: Database, words: str) -> list[Recipe]:
    """Return all recipes that hold each of these words in one of their texts."""
    sought, wanted = _understand(words)
    return [
        recipe for recipe in Recipes(database).all() if any(_holds(text, sought, wanted) for text in _texts_of(recipe))
    ]


def _texts_of(recipe: Recipe) -> Iterator[str]:
    yield f"{recipe.name}\n{recipe.skill}"
    for path, text in recipe.files.items():
        yield f"{path}\n{text}"
    for left_out in recipe.left_out:
        yield left_out.part


def _understand(words: str) -> tuple[Sequence[Sought], list[str]]:
    """Return what has to stand in a text, and the stems of it."""
    sought = fulltext.words_to_hold(words)
    terms = {term.removesuffix("*") for pair in sought for terms in pair.alternatives for term in terms}
    return sought, [stem for term in terms for stem in stems(term)]


def _holds(text: str, sought: Sequence[Sought], wanted: Sequence[str]) -> bool:
    there = matching_words(text, wanted)
    return all(
        _has_number(text, pair.number)
        if pair.number
        else any(all(_stands(term.removesuffix("*"), there) for term in terms) for terms in pair.alternatives)
        for pair in sought
    )


def _stands(term: str, there: Sequence[str]) -> bool:
    return any(term in word for word in there)


def _has_number(text: str, number: str) -> bool:
    """Say whether a text holds a number, with or without what stands before it elsewhere: the prefix of a country."""
    there = [spelling.whole for spelling in spellings(text) if spelling.local]
    return any(item.endswith(number) or number.endswith(item) for item in there)
