"""Has a model put words that the rules don't understand into those that they do; the user sees what came of it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from assistant.core.asking import UnfitError, ask_until_fit, note_sent, read_form
from assistant.core.assembling import without_private_titles
from assistant.core.framing import framed, quoted
from assistant.core.prompts import prompt
from assistant.core.reminders.finding import FoundDay, days_of, look_up
from assistant.core.reminders.reading import Lack, Reading, read_time
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store import Store
from memory_store.models import Hit, Purpose, Role

_TOKENS: Final = 400
_SOURCES: Final = 4
_WORD: Final = re.compile(r"[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]+")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    text: str = Field(min_length=1, max_length=1000)
    when: str = Field(default="", max_length=300)
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model made of a wish: what is to be said, when in words, what those mean, and where a date is from."""

    text: str
    words: str
    reading: Reading
    source: FoundDay | None = None


async def draft_reminder(store: Store, model: ChatModel, words: str, now: datetime, *, private: bool) -> Draft | None:
    """Return what a model makes of a wish, as of an aware moment in the user's zone; None where that is no time.

    Passages that may tell of a date go along; private ones only to a model on this machine. Where the wish is stored
    the caller notes that it was sent. Raises ModelError.
    """
    hits = await asyncio.to_thread(_find_sources, store, words, model, private)
    passages = "\n\n".join(framed(number, hit) for number, hit in enumerate(hits, start=1))
    asked = f"It is {now:%A %Y-%m-%d %H:%M} there.\n\n{quoted(words)}\n\n{passages}".rstrip()
    messages = (ChatMessage(Role.SYSTEM, prompt("reminder")), ChatMessage(Role.USER, asked))
    request = ChatRequest(messages, _TOKENS, 0.0, _Answer.model_json_schema(), purpose=Purpose.PLAN)

    def read(said: str) -> Draft | None:
        answer = read_form(said, _Answer)
        if answer is not None and not answer.when:
            return None
        if answer is not None:
            reading = read_time(answer.when, now)
            understood = reading.times or reading.lack is Lack.CLOCK
            if understood and not reading.rest:
                text = answer.text if _takes_words_of(answer.text, words) else words
                return Draft(text, answer.when, reading, _source_of(answer, hits, now))
        raise UnfitError

    await note_sent(store, model.info, tuple(hit.id for hit in hits))
    try:
        complaint = "That is none of the forms, or no JSON object. Write it once more."
        return await ask_until_fit(model, request, read, complaint)
    except UnfitError:
        return None


def _takes_words_of(text: str, words: str) -> bool:
    """Return whether a model left words out and put in none of its own."""
    said = Counter(_WORD.findall(words.casefold()))
    return Counter(_WORD.findall(text.casefold())) <= said


def _find_sources(store: Store, words: str, model: ChatModel, private: bool) -> list[Hit]:
    hits = [hit for hit in look_up(store, words, private=private) if model.info.is_private or not hit.private]
    return without_private_titles(store, hits[:_SOURCES]) if not model.info.is_private else hits[:_SOURCES]


def _source_of(answer: _Answer, hits: list[Hit], now: datetime) -> FoundDay | None:
    """Return the sentence that names the date which the model took; None where the passage that it names has none."""
    if answer.source is None or not 1 <= answer.source <= len(hits):
        return None
    dates = set(_DATE.findall(answer.when))
    return next((found for found in days_of(hits[answer.source - 1], now) if f"{found.day:%Y-%m-%d}" in dates), None)
