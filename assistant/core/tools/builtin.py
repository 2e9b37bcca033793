"""The tools that come along: look into memory again, read a source whole, reckon with dates, keep a note."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from assistant.core.assembling import without_private_titles
from assistant.core.framing import estimate_tokens, fit, one_line
from assistant.core.relevance import worth_telling
from assistant.core.tools.calendar import LIST_EVENTS
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError
from memory_store import NewMemory
from memory_store.clock import now
from memory_store.models import Hit, RecallFilters, SourceKind

REMEMBER: Final = "remember"
"""The name of the tool that keeps a note."""
_MOST_FOUND: Final = 6
_MOST_READ_TOKENS: Final = 3000
_MOST_LISTED: Final = 40
_MOST_NOTE_CHARS: Final = 600
_FARTHEST_YEARS: Final = 500


class SearchMemory(BaseModel):
    """What to look for in memory."""

    query: str = Field(min_length=1, max_length=500, description="Words or a question, in the user's language.")
    since: date | None = Field(None, description="Not older than this day, as 2026-03-01.")
    until: date | None = Field(None, description="Not younger than this day.")
    kind: Literal["document", "conversation", "memory"] | None = Field(None, description="Only of this kind.")


class ReadSource(BaseModel):
    """Which source to read."""

    number: int = Field(description="The number of a source that you were shown.")


class ListWritten(BaseModel):
    """From which day to which to look back."""

    since: date = Field(description="The first day, as 2026-03-01.")
    until: date | None = Field(None, description="The last day; today if left out.")
    kind: Literal["document", "conversation", "memory"] | None = Field(None, description="Only of this kind.")


class ComputeDate(BaseModel):
    """A day, and what to reckon from it."""

    start: date = Field(description="A day, as 2026-03-01.")
    end: date | None = Field(None, description="Another day: how far is it from the first?")
    days: int = Field(0, ge=-200_000, le=200_000)
    weeks: int = Field(0, ge=-30_000, le=30_000)
    months: int = Field(0, ge=-6_000, le=6_000)
    years: int = Field(0, ge=-_FARTHEST_YEARS, le=_FARTHEST_YEARS)


class Remember(BaseModel):
    """What to keep."""

    text: str = Field(min_length=3, max_length=_MOST_NOTE_CHARS, description="One plain sentence.")


def _search_memory(bench: Bench, asked: SearchMemory) -> str:
    filters = RecallFilters(
        kinds=frozenset({SourceKind(asked.kind)}) if asked.kind else frozenset(),
        since=_midnight(asked.since),
        until=_midnight(asked.until, days=1),
        include_private=bench.include_private,
    )
    hits = worth_telling(bench.store.recall(asked.query, _MOST_FOUND, filters, private=bench.is_private))
    if not bench.include_private:
        hits = without_private_titles(bench.store, hits)
    own = [hit for hit in hits if bench.question_id is None or hit.message_id != bench.question_id]
    return bench.show(own) or "Nothing was found."


def _read_source(bench: Bench, asked: ReadSource) -> str:
    hit = bench.find(asked.number)
    if hit is None:
        raise ToolError(f"There is no source {asked.number}.")
    passages = [
        passage.as_hit()
        for passage in bench.store.passages_in(hit.source)
        if bench.include_private or not passage.private
    ]
    places = [passage.id for passage in passages]
    middle = places.index(hit.id) if hit.id in places else 0
    # Outwards from the passage that was found, as far as there is room.
    order = sorted(range(len(passages)), key=lambda at: abs(at - middle))
    kept, _ = fit(order, [estimate_tokens(passages[at].text) + 4 for at in order], _MOST_READ_TOKENS)
    read = bench.read(passages[at] for at in sorted(kept))
    left = len(passages) - len(kept)
    return f"Source {asked.number}, {'in part' if left else 'whole'}:\n{read}" + (
        f"\n({left} more passages are not shown.)" if left else ""
    )


def _list_written(bench: Bench, asked: ListWritten) -> str:
    filters = RecallFilters(
        kinds=frozenset({SourceKind(asked.kind)}) if asked.kind else frozenset(),
        since=_midnight(asked.since),
        until=_midnight(asked.until, days=1),
        include_private=bench.include_private,
    )
    # One more tells that there are more; what was said and is kept as well says the same twice.
    passages = bench.store.passages_of_time(filters, 2 * _MOST_LISTED + 1)
    hits = list({passage.text.strip(): passage.as_hit() for passage in passages}.values())
    hits = [hit for hit in hits if bench.question_id is None or hit.message_id != bench.question_id]
    if not bench.include_private:
        hits = without_private_titles(bench.store, hits)
    lines = [bench.cite(hit, _line_of(hit)) for hit in hits[:_MOST_LISTED]]
    if len(hits) > _MOST_LISTED:
        lines.append("(There is more: ask for fewer days, or for one kind.)")
    return "\n".join(lines) or "Nothing was written then."


def _line_of(hit: Hit) -> str:
    words = one_line(hit.text)
    title = one_line(hit.source.title) if hit.kind is SourceKind.DOCUMENT else ""
    return f"{hit.created_at.astimezone():%a, %Y-%m-%d} | {hit.kind.value} | {title + ' | ' if title else ''}{words}"


def _compute_date(bench: Bench, asked: ComputeDate) -> str:
    try:
        total = asked.start.year * 12 + asked.start.month - 1 + 12 * asked.years + asked.months
        year, month = divmod(total, 12)
        moved = date(year, month + 1, min(asked.start.day, monthrange(year, month + 1)[1]))
        moved += timedelta(days=asked.days + 7 * asked.weeks)
    except (ValueError, OverflowError) as error:
        raise ToolError("That is beyond the calendar.") from error
    told = [f"{moved:%A, %Y-%m-%d}"]
    if asked.end is not None:
        away = (asked.end - moved).days
        told.append(f"{asked.end:%A, %Y-%m-%d} is {abs(away)} days {'after' if away >= 0 else 'before'} it")
    today = now().astimezone().date()
    away = (moved - today).days
    told.append(f"today is {today:%A, %Y-%m-%d}, {abs(away)} days {'before' if away >= 0 else 'after'} it")
    return "; ".join(told) + "."


def _remember(bench: Bench, asked: Remember) -> str:
    sources = (bench.question_id,) if bench.question_id else ()
    bench.store.remember(NewMemory(asked.text, author=bench.author, private=bench.is_private, sources=sources))
    bench.store.wake()
    return "It is kept."


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    """Return the beginning of the day so many days later; None for no bound, as the ends of the calendar are."""
    try:
        return None if day is None else datetime.combine(day + timedelta(days=days), time()).astimezone()
    except (ValueError, OverflowError):
        return None


BUILT_IN: Final[tuple[Tool[Any], ...]] = (
    Tool(
        "search_memory",
        "Looks into the user's notes, documents and earlier conversations once more, with other words, for a time or a "
        "kind of source. Use it where the sources at hand do not answer. What it finds is cited by its number.",
        SearchMemory,
        Effect.READ,
        _search_memory,
    ),
    Tool(
        "read_source",
        "Reads the whole document or conversation that a numbered source is from, where a passage is not enough.",
        ReadSource,
        Effect.READ,
        _read_source,
    ),
    Tool(
        "list_written",
        "Lists what the user noted and said from one day to another, and the documents and mails of these days, the "
        "latest first, each with its beginning. Use it to look back over a time: nothing is left out for not fitting a "
        "query. What it lists is cited by its number.",
        ListWritten,
        Effect.READ,
        _list_written,
    ),
    Tool(
        "compute_date",
        "Adds days, weeks, months and years to a day, or counts the days to another one; tells weekdays, and today.",
        ComputeDate,
        Effect.READ,
        _compute_date,
    ),
    LIST_EVENTS,
    Tool(
        REMEMBER,
        "Keeps a note for the user, for years. Only where the user asks for it; they are asked before it is kept.",
        Remember,
        Effect.WRITE,
        _remember,
    ),
)
