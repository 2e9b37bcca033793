"""Roles: which model does what. One that is not set falls back to another, and private text only to one at home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from assistant.llm.base import ChatModel, LateModel
from memory_store.errors import KeepsakeError

if TYPE_CHECKING:
    from memory_store import Limit


class ModelRole(StrEnum):
    """What a model is for. A model of [models] that has the name of a role has that role."""

    CHAT = "chat"
    """Answers."""
    FAST = "fast"
    """Titles, summaries, and answers that are to be instant."""
    LEARN = "learn"
    """Points at what is worth remembering."""
    LATER = "later"
    """Answers within a day, through a batch API."""


FALLBACKS: Final[Mapping[ModelRole, ModelRole]] = {
    ModelRole.FAST: ModelRole.CHAT,
    ModelRole.LEARN: ModelRole.FAST,
    ModelRole.LATER: ModelRole.CHAT,
}
"""Who does what a role that is not set is for."""


@dataclass(slots=True)
class Models:
    """The models by their roles; without one that chats answers are quotations.

    `others` have a role of their own, `later` is who answers within a day, None where no endpoint that is set up has a
    batch API. `errors` say why one that is set could not be built. `limits` are the budgets that requests keep to.
    """

    chat: ChatModel | None = None
    others: dict[ModelRole, ChatModel] = field(default_factory=dict)
    errors: dict[ModelRole, KeepsakeError] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    later: LateModel | None = None

    def find(self, role: ModelRole, *, private: bool = False) -> ChatModel | None:
        """Return who has a role, or who stands in; for what is private only a model on this machine. None for none."""
        for wanted in fallbacks(role):
            model = self.chat if wanted is ModelRole.CHAT else self.others.get(wanted)
            if model is not None and (model.info.is_private or not private):
                return model
        return None

    async def close(self) -> None:
        """Release the connections, threads and memory of all."""
        for model in (self.chat, *self.others.values()):
            if model is not None:
                await model.close()
        if self.later is not None:
            self.later.close()


def fallbacks(role: ModelRole) -> Iterator[ModelRole]:
    """Yield a role, and those that stand in for it, the nearest first."""
    at: ModelRole | None = role
    while at is not None:
        yield at
        at = FALLBACKS.get(at)
