"""The dial of effort: who answers, how hard they think, and how much is looked up for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from assistant.core.turn_settings import TurnSettings
from assistant.llm.base import Reasoning
from assistant.llm.roles import ModelRole
from memory_store.models import Effort


@dataclass(frozen=True, slots=True)
class Dial:
    """What one effort means: who answers, and how many passages and how much of the window, as parts of the settings.

    `reasoning` is asked of models that can be told how hard to think, None for their own way. `looks_again` splits a
    question and looks for each part and for what is missing, and reads what stands around all that was found; `checks`
    holds the answer against its sources. `tools` offers tools to a model that calls them, `names` lets a model name a
    new chat.
    """

    role: ModelRole = ModelRole.CHAT
    passages: float = 1.0
    context_share: float = 1.0
    reasoning: Reasoning | None = None
    looks_again: bool = False
    checks: bool = False
    tools: bool = True
    names: bool = True


DIALS: Final[Mapping[Effort, Dial]] = {
    Effort.INSTANT: Dial(ModelRole.FAST, passages=0.5, context_share=0.5, reasoning="low", tools=False, names=False),
    Effort.BALANCED: Dial(),
    Effort.THOROUGH: Dial(passages=1.5, context_share=1.5, reasoning="high", looks_again=True, checks=True),
    Effort.LATER: Dial(ModelRole.LATER, tools=False, names=False),
}
_LARGEST_SHARE: Final = 0.75


def dialled(settings: TurnSettings, effort: Effort) -> TurnSettings:
    """Return what a turn of this effort may use."""
    dial = DIALS[effort]
    return replace(
        settings,
        passages=max(1, round(settings.passages * dial.passages)),
        context_share=min(max(settings.context_share, _LARGEST_SHARE), settings.context_share * dial.context_share),
        titles=settings.titles and dial.names,
        effort=effort,
    )
