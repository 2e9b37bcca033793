"""Times as the screens show them: in the user's zone."""

from __future__ import annotations

from datetime import datetime


def day(at: datetime) -> str:
    """Return the day."""
    return f"{at.astimezone():%Y-%m-%d}"


def moment(at: datetime) -> str:
    """Return the day and the minute."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
