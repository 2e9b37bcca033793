"""Puts any failure into words for a person: what is wrong, and what to do next."""

from __future__ import annotations

from assistant import crash_log
from assistant.language import _
from memory_store.errors import KeepsakeError


def explain(error: BaseException) -> tuple[str, str]:
    """Return message and hint of a failure; never a traceback. What nobody expected is logged."""
    if isinstance(error, KeepsakeError):
        return error.message, error.hint
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}", ""
    file = crash_log.note(error)
    logged = _("Where it happened is in {file}, without a word of yours.").format(file=file) if file else ""
    return (
        _("Something went wrong that nobody expected: {kind}.").format(kind=type(error).__name__),
        " ".join(
            text for text in (_("Nothing stored is lost by this; /doctor looks over the memory."), logged) if text
        ),
    )
