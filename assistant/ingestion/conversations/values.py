"""Takes values out of JSON that others wrote, where anything may be missing, null or of another type."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, datetime
from typing import Any

from assistant.ingestion.base import make_storable
from assistant.ingestion.readers.dates import to_utc

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_TITLE_CHARS = 60
# Seconds of the year 5138; a larger number counts milliseconds.
_MOST_SECONDS = 1e11


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a JSON array, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a string that can be stored, or an empty one."""
    return make_storable(value) if isinstance(value, str) else ""


def key(value: object) -> str | None:
    """Return what names a thing: a string that is not empty, or a whole number as such."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value) or None


def moment(value: object) -> datetime | None:
    """Return a time, from seconds or milliseconds since 1970 or from ISO text; None for null, 0 and nonsense."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            seconds = float(value)
            if not math.isfinite(seconds) or seconds <= 0:
                return None
            return datetime.fromtimestamp(seconds / 1000 if seconds > _MOST_SECONDS else seconds, UTC)
        return to_utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None  # A number beyond the calendar, or words: it dates nothing.


def strip_thinking(answer: str) -> tuple[str, bool]:
    """Return an answer without the reasoning that some models write into it, and whether there was any."""
    if "<think" not in answer and "<reasoning>" not in answer:
        return answer, False
    kept = _THINKING.sub("", answer).strip()
    return kept, kept != answer.strip()


def title_from(title: object, first_text: str) -> str:
    """Return a title for one line, or the beginning of what was said first."""
    given = " ".join(text(title).split())[:200]
    return given or " ".join(first_text.split())[:_TITLE_CHARS].strip() or "Untitled"


def one_line(*values: object) -> str:
    """Return the first of these that names something, such as a model, on one line."""
    return next((line for value in values if (line := " ".join(text(value).split())[:100])), "")


def digest(*pieces: str) -> str:
    """Return a short name for a text that has no name of its own in an export."""
    return hashlib.sha256("\x1f".join(pieces).encode("utf-8", errors="replace")).hexdigest()[:20]
