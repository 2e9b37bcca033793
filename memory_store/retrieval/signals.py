"""Signals: what a passage's own form says about how well it can answer. Each is a pure function."""

from __future__ import annotations

import re
from typing import Final

from memory_store.models import AuthorKind, SourceKind

_QUESTION: Final = re.compile(r"[?？]\s*$|(?:吗|呢)\s*$")


def is_asked(kind: SourceKind, author: AuthorKind, text: str) -> bool:
    """Return whether a passage is a question the user once asked: easily found again, and answering nothing."""
    return kind is SourceKind.CONVERSATION and author is AuthorKind.USER and _QUESTION.search(text) is not None
