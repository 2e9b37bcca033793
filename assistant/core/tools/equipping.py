"""The tools of a turn: whether a model is offered any, what they work with, and who answers with them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from typing import Final

from assistant.core.context import Context
from assistant.core.tools.answering import ToolAnswerer
from assistant.core.tools.forms import AskUser
from assistant.core.tools.tool import Approve, Bench
from assistant.core.tools.toolbox import ToolOffer
from assistant.llm.base import Answerer, ChatModel, ModelInfo
from memory_store import Store
from memory_store.models import Author, AuthorKind, Message, ToolUse

# What part of the window is left for tools: for what they are, and what they give back.
_FOR_TOOLS: Final = 4
_LEAST_FOR_TOOLS: Final = 3000


def can_use_tools(model: ChatModel | None) -> bool:
    """Return whether a model calls tools, and has room for what they give back."""
    return model is not None and model.info.calls_tools and model.info.context_tokens >= _LEAST_FOR_TOOLS


def room_for_tools(info: ModelInfo) -> int:
    """Return the tokens of its window that a model keeps for tools."""
    return info.context_tokens // _FOR_TOOLS


def set_up_bench(
    store: Store,
    question: Message,
    context: Context,
    info: ModelInfo,
    *,
    private: bool,
    passages: int,
    kept: Sequence[str],
    ask_user: AskUser,
) -> Bench:
    """Return what tools work with in a turn; what they find is numbered behind all `passages` that may be recalled.

    `kept` are the ids of what is stored of the question, which goes along with what was recalled.
    """
    numbered = dict(context.numbered)
    return Bench(
        store,
        info.is_private,
        context.private or question.private or private,
        question.id if question.id in kept else None,
        Author(AuthorKind.MODEL, info.name),
        numbered,
        max([passages, *numbered]) + 1,
        question=question.text,
        given=(*context.items, *kept),
        ask_user=ask_user,
    )


def equip(
    answerer: Answerer,
    model: ChatModel | None,
    offer: ToolOffer,
    bench: Bench,
    approve: Approve,
    earlier: Sequence[ToolUse],
) -> Answerer:
    """Return who answers, with the tools that its model is offered, if any."""
    if model is None or not offer.tools:
        return answerer
    tools = ChainMap(offer.loaded, {tool.name: tool for tool in offer.tools})
    return ToolAnswerer(model, tools, bench, approve, earlier)
