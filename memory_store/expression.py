"""Regular expressions that are compiled when they are first needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property


class Expression:
    """A regular expression that is compiled at its first use: together they take longer than a recall."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = pattern
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, self._flags)

    @property
    def search(self) -> Callable[..., re.Match[str] | None]:
        """As that of re.Pattern."""
        return self._compiled.search

    @property
    def match(self) -> Callable[..., re.Match[str] | None]:
        """As that of re.Pattern."""
        return self._compiled.match

    @property
    def fullmatch(self) -> Callable[..., re.Match[str] | None]:
        """As that of re.Pattern."""
        return self._compiled.fullmatch

    @property
    def sub(self) -> Callable[..., str]:
        """As that of re.Pattern."""
        return self._compiled.sub

    @property
    def finditer(self) -> Callable[..., Iterator[re.Match[str]]]:
        """As that of re.Pattern."""
        return self._compiled.finditer

    @property
    def findall(self) -> Callable[..., list[str]]:
        """As that of re.Pattern; for expressions with one group or none."""
        return self._compiled.findall
