"""Times as they are stored: UTC text of a fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return `2026-05-02T09:30:00.000000Z` for an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone can't be stored")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """Return the aware datetime that `to_text` wrote."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def optional_time(text: str | None) -> datetime | None:
    """Return `from_text(text)`, or None for None."""
    return None if text is None else from_text(text)


def as_local(moment: datetime | None) -> datetime:
    """Return a moment, by default now, in the zone of this machine."""
    return (moment or datetime.now()).astimezone()
