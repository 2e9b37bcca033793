"""Recall's filters as SQL conditions over a passage `p`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from memory_store.clock import to_text
from memory_store.models import RecallFilters, SourceKind

if TYPE_CHECKING:
    from memory_store.database.passages import RankedPassage, StoredPassage

_COLUMN: Final = {
    SourceKind.DOCUMENT: "p.document_id",
    SourceKind.CONVERSATION: "p.message_id",
    SourceKind.MEMORY: "p.memory_id",
}


@dataclass(frozen=True, slots=True)
class FilterSql:
    """A condition and its parameters; false when there is nothing to filter."""

    where: str
    parameters: tuple[object, ...]

    def __bool__(self) -> bool:
        return bool(self.where)


NO_FILTER: Final = FilterSql("", ())
# A memory `y` was true at a moment, given twice.
TRUE_AT: Final = "coalesce(y.valid_from, y.recorded_at) <= ? AND (y.valid_to IS NULL OR y.valid_to > ?)"


def may_be_shown(passage: RankedPassage | StoredPassage, filters: RecallFilters) -> bool:
    """Return whether a passage, however it was reached, is neither superseded, nor in view, nor private to these.

    What was true at an earlier moment may be superseded since.
    """
    return (
        (filters.as_of is not None or not passage.superseded)
        and (filters.include_private or not passage.private)
        and passage.message_id not in filters.exclude_message_ids
    )


def filter_sql(filters: RecallFilters) -> FilterSql:
    """Translate filters. Messages in view are not among them: they are few, and are dropped after the search."""
    conditions: list[str] = []
    parameters: list[object] = []
    if filters.kinds:
        columns = (f"{_COLUMN[kind]} IS NOT NULL" for kind in sorted(filters.kinds))
        conditions.append("(" + " OR ".join(columns) + ")")
    if filters.source_ids:
        ids = sorted(filters.source_ids)
        marks = ", ".join("?" for _ in ids)
        conditions.append(
            f"(p.document_id IN ({marks}) OR p.memory_id IN ({marks}) OR p.message_id IN "
            f"(SELECT m.id FROM messages AS m WHERE m.conversation_id IN ({marks})))"
        )
        parameters.extend(ids * 3)
    if filters.authors:
        conditions.append(f"p.author_name IN ({', '.join('?' for _ in filters.authors)})")
        parameters.extend(sorted(filters.authors))
    if filters.since is not None:
        conditions.append("p.created_at >= ?")
        parameters.append(to_text(filters.since))
    if filters.until is not None:
        conditions.append("p.created_at < ?")
        parameters.append(to_text(filters.until))
    if not filters.include_private:
        conditions.append("p.private = 0")
    if filters.as_of is not None:
        moment = to_text(filters.as_of)
        conditions.append(
            "(p.memory_id IS NULL AND p.created_at <= ? OR "
            f"p.memory_id IN (SELECT y.id FROM memories AS y WHERE {TRUE_AT}))"
        )
        parameters.extend((moment, moment, moment))
    return FilterSql(" AND ".join(conditions), tuple(parameters)) if conditions else NO_FILTER
