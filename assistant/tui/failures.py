"""Puts any failure into words for a person: what is wrong, and what to do next."""

from __future__ import annotations

from memory_store.errors import KeepsakeError


def explain(error: BaseException) -> tuple[str, str]:
    """Return message and hint of a failure; never a traceback."""
    if isinstance(error, KeepsakeError):
        return error.message, error.hint
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}", ""
    return (
        f"{type(error).__name__}: {error}",
        "`keepsake doctor` looks over the memory. Nothing stored is lost by this.",
    )
