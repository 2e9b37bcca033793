"""What a model proposes to remember of a message: how it is asked, and how its answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.core.framing import estimate_tokens, quoted
from assistant.core.prompts import prompt
from assistant.llm.base import ChatMessage, ChatRequest
from memory_store.models import MemoryKind, Message, Role

_MOST_TOKENS: Final = 800
_EXCERPT_CHARS: Final = 600
_MOST_CHANGES: Final = 20
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)


class Proposal(BaseModel):
    """One change that a model proposes; `memory` is the number of a memory that it was shown, from 1."""

    model_config = ConfigDict(extra="ignore")

    action: Literal["add", "supersede", "confirm", "contradict", "end"]
    text: str
    quote: str
    kind: MemoryKind = MemoryKind.FACT
    about: str = Field(default="", max_length=60)
    memory: int | None = None


class Proposals(BaseModel):
    """All that a model proposes of one message."""

    model_config = ConfigDict(extra="ignore")

    changes: list[Proposal] = Field(max_length=_MOST_CHANGES)


def asked(message: Message, before: Sequence[Message], known: Sequence[str]) -> ChatRequest:
    """Return the request for what is worth remembering of a message, given what came before it and what is known."""
    parts = ["What came before:"] if before else []
    parts += [f"{one.role.value}:\n{quoted(one.text[:_EXCERPT_CHARS])}" for one in before]
    parts.append("What is remembered already:" if known else "Nothing is remembered of this yet.")
    parts += [f"{number}. {' '.join(text.split())[:_EXCERPT_CHARS]}" for number, text in enumerate(known, start=1)]
    parts.append(f"The message, written by the user on {message.created_at.astimezone():%A, %Y-%m-%d}:")
    parts.append(quoted(message.text))
    messages = (ChatMessage(Role.SYSTEM, prompt("learn")), ChatMessage(Role.USER, "\n".join(parts)))
    return ChatRequest(messages, _MOST_TOKENS, 0.0, schema=Proposals.model_json_schema())


def tokens_of(request: ChatRequest) -> int:
    """Return an estimate of a request's tokens, its answer with it."""
    return _MOST_TOKENS + sum(estimate_tokens(one.content) for one in request.messages)


def read(answer: str) -> list[Proposal] | None:
    """Return what a model proposes; None where its answer can't be read. A change of a wrong shape is passed over."""
    found = _OBJECT.search(answer)
    try:
        changes = json.loads(found.group())["changes"] if found else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(changes, list):
        return None
    proposals = []
    for one in changes[:_MOST_CHANGES]:
        try:
            proposals.append(Proposal.model_validate(one))
        except ValidationError:
            continue
    return proposals
