"""The tools of a chat, opened for each turn: those that come along, and those that whoever builds on this one adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The tools of a turn, and in a sentence each what is to be told about those that are missing."""

    tools: tuple[Tool[Any], ...] = BUILT_IN
    notes: tuple[str, ...] = ()


class Toolbox:
    """The tools that come along. Nothing has to be opened or closed for them."""

    async def open(self, context_tokens: int) -> ToolOffer:
        """Return the tools of a turn for a model with this window; what can't be had is left out and told."""
        return ToolOffer()

    async def close(self) -> None:
        """Let go of all that was opened."""
