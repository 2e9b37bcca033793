"""Answering by a recipe: who can follow it, which tools are offered for it, and what is entered of its use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from assistant.core.conversation.log import ConversationLog
from assistant.core.framing import estimate_tokens
from assistant.core.recipes import USED
from assistant.core.recipes.finding import recipe_tool
from assistant.core.recipes.using import FilledRecipe
from assistant.core.tools.toolbox import Toolbox, ToolOffer
from assistant.errors import ModelError
from assistant.language import _
from assistant.llm.base import Answerer, ModelInfo
from memory_store import Store
from memory_store.models import ToolOutcome


def refuse_recipe(recipe: FilledRecipe, answerer: Answerer) -> None:
    """Raise ModelError if who answers can't follow a recipe: reads none, is elsewhere, or has no room for it."""
    info = answerer.info
    if not answerer.reads:
        raise ModelError(
            "No model is set up that could follow a recipe.",
            "`keepsake model add` sets one up; without one, /search finds what is remembered.",
        )
    if recipe.private and not info.is_private:
        raise ModelError(
            f"The recipe {recipe.name} is private, and {info.name} is not on this machine.",
            "Choose a model that is, with /model.",
        )
    if estimate_tokens(recipe.instructions(with_tools=True)) > info.context_tokens // 2:
        raise ModelError(
            f"The recipe {recipe.name} is too long for the window of {info.name}.",
            "Shorten it, or choose a model with a larger window, with /model.",
        )


def note_use(log: ConversationLog, message_id: str, recipe: FilledRecipe) -> None:
    """Enter with a message of the user that a recipe is used for it. Raises NotFoundError."""
    log.end_tool_use(message_id, log.begin_tool_use(message_id, USED, recipe.arguments), ToolOutcome.DONE)


async def offer_tools(
    store: Store, toolbox: Toolbox, info: ModelInfo, question: str, recipe: FilledRecipe | None, *, uses_tools: bool
) -> AsyncGenerator[ToolOffer, None]:
    """Give the tools of a turn, if who answers uses any: those that a recipe declares; all, and recipes, without one.

    `question` is what the user wrote.
    """
    if not uses_tools:
        if recipe is not None and recipe.tools:
            told = _("{model} calls no tools here: the answer rests on what was recalled for the question.")
            yield ToolOffer((), (told.format(model=info.name),))
    elif recipe is not None:
        found = await toolbox.find(recipe.tools)
        missing = [name for name in recipe.tools if name not in found]
        told = _("The recipe declares the tool {name}, which is not here.")
        notes = [told.format(name=name) for name in missing]
        reader = recipe.file_tool()
        yield ToolOffer((*found.values(), *([reader] if reader else [])), tuple(notes))
    else:
        offer = await toolbox.open(store, info.context_tokens, question)
        recipes = await asyncio.to_thread(recipe_tool, store, include_private=info.is_private)
        yield offer if recipes is None else replace(offer, tools=(*offer.tools, recipes))
