"""What a turn may use: the defaults of the settings stand here."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.core.care.settings import CareSettings
from assistant.llm.settings import ModelConfig
from memory_store.models import Effort


@dataclass(frozen=True, slots=True)
class Shares:
    """The largest parts of the window that each sort of what is known may take, from 0 to 1; 0 leaves it out."""

    facts: float = 0.08
    goals: float = 0.04
    summaries: float = 0.08


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a turn may use: passages to recall, their share of the window, the longest answer in tokens.

    `effort` is how the dial stands. `recall` looks into memory at all, `learn` remembers what the user states, once it
    is answered, `titles` lets a model name a new chat. `to_the_point` asks the model not to flatter and not to end with
    offers and questions. `shares` are the parts of the window that what is known of the user may take. `care` says what
    is offered before an answer.
    """

    effort: Effort = Effort.BALANCED
    recall: bool = True
    passages: int = 8
    context_share: float = 0.5
    max_answer_tokens: int = ModelConfig().max_answer_tokens
    temperature: float | None = None
    learn: bool = True
    titles: bool = True
    to_the_point: bool = True
    shares: Shares = field(default_factory=Shares)
    care: CareSettings = field(default_factory=CareSettings)
