"""The tools of a chat, opened for each turn: those that come along, and those that whoever builds on this one adds."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.tool import Tool
from memory_store import Store


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The tools of a turn, and in a sentence each what is to be told about those that are missing.

    `loaded` are, by their names, those beside `tools` that a tool itself may change while the turn goes on.
    """

    tools: tuple[Tool[Any], ...]
    notes: tuple[str, ...] = ()
    loaded: MutableMapping[str, Tool[Any]] = field(default_factory=dict)


class Toolbox:
    """The tools of our own. Nothing has to be opened or closed for them."""

    def __init__(self, own: Sequence[Tool[Any]] = BUILT_IN) -> None:
        self._own = tuple(own)

    @property
    def own(self) -> tuple[Tool[Any], ...]:
        """Our own tools."""
        return self._own

    async def open(self, store: Store, context_tokens: int, question: str) -> ToolOffer:
        """Return the tools of a turn for a model with this window; what can't be had is left out and told."""
        return ToolOffer(self._own)

    async def find(self, names: Sequence[str]) -> dict[str, Tool[Any]]:
        """Return the tools of these names; those that are not there are left out."""
        return {tool.name: tool for tool in self._own if tool.name in names}

    async def close(self) -> None:
        """Let go of all that was opened."""
