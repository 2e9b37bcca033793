"""What a turn may use, as the settings say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What a turn may use: passages to recall, their share of the window, the longest answer in tokens.

    `capture` remembers what the user plainly states, `learn` lets each message wait for a model to capture from it,
    `titles` lets who answers name a new chat.
    """

    passages: int = 8
    context_share: float = 0.5
    max_answer_tokens: int = 1024
    temperature: float | None = None
    capture: bool = True
    learn: bool = True
    titles: bool = True
