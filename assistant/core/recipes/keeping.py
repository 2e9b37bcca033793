"""Keeping recipes: each text is checked before it is stored; a chat or a task becomes one."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, Field

from assistant.core.asking import UnfitError, ask_until_fit, note_sent, read_form
from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.core.recipes import PLAN_FILE, SKILL_FILE
from assistant.core.recipes.folders import SkillFiles, check_part, write_files
from assistant.core.recipes.shelf import Known
from assistant.core.recipes.skill import ASK, BLANKS, RecipeError, read_skill
from assistant.core.tasks.plan import Plan, write_plan
from assistant.core.tools.tool import Tool
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest
from memory_store import NewRecipe, Recipe, Store
from memory_store.errors import StoreError
from memory_store.languages import Rule
from memory_store.models import Message, Purpose, Role
from memory_store.writing import refuse_inside

_NAME_CHARS: Final = 40
_DRAFT_TOKENS: Final = 2500
_MOST_CHAT_CHARS: Final = 24_000
_WORDS: Final = re.compile(r"[a-z0-9]+")
_AGAIN: Final = Rule("recipes", "again", re.IGNORECASE)


def asks_for_recipe(text: str) -> bool:
    """Say whether all that a message asks for is that what was done be done again at other times."""
    return _AGAIN.fullmatch(text.strip().rstrip(".!?。！？ ")) is not None


def keep_recipe(
    store: Store, files: SkillFiles, *, private: bool = False, conversation_id: str | None = None
) -> Recipe:
    """Store a recipe. Raises RecipeError for a text that is none, StoreError where there is one of its name."""
    name = check_recipe(files.skill, files.files)
    new = NewRecipe(name, files.skill, files.files, files.left_out, private, conversation_id)
    return store.recipes.add(new)


def change_recipe(store: Store, recipe: Recipe, text: str, part: str = SKILL_FILE) -> Recipe:
    """Store another text of a recipe, or of a file of it; of one that comes along, as the user's own of the same name.

    Raises RecipeError or PlanError for what can't be followed, ChangedError where it is no longer as it was read.
    """
    skill, files = (text, recipe.files) if part == SKILL_FILE else (recipe.skill, {**recipe.files, part: text})
    check_part(part)
    name = check_recipe(skill, files)
    if not recipe.id:
        return store.recipes.add(NewRecipe(name, skill, files))
    return store.recipes.change(recipe.id, name, skill, files, read=recipe)


def check_recipe(text: str, files: Mapping[str, str]) -> str:
    """Return the name of a recipe that can be followed. Raises RecipeError or PlanError for any other."""
    skill = read_skill(text)
    if PLAN_FILE in files:
        known = Known(_unstored(skill.name, text, files), skill)
        plan = known.read_plan({})
        taken = {name for item in plan.items for name in item} | set(plan.columns) | {step.name for step in plan.steps}
        double = next((field.name for field in skill.fields if field.name in taken), None)
        if double is not None:
            raise RecipeError(f"{double} is a blank and a name in the plan.", "Call one of them otherwise.")
    return skill.name


def export_recipe(store: Store, recipe: Recipe, path: Path) -> Path:
    """Write a recipe to a folder, or to a zip by its ending, but not among the store's own files.

    Return what was written. Raises RecipeError or ArchiveError.
    """
    refuse_inside(store.folder, path / recipe.name)
    return write_files(path, recipe.name, recipe.skill, recipe.files)


def name_from(title: str) -> str:
    """Return a name for a recipe, as the format has names, from any title."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = ""
    for word in _WORDS.findall(plain):
        if len(name) + len(word) >= _NAME_CHARS:
            break
        name = f"{name}-{word}" if name else word
    return name or "recipe"


def write_skill(
    name: str,
    description: str,
    body: str,
    *,
    ask: str = "",
    blanks: Mapping[str, Any] | None = None,
    tools: Sequence[str] = (),
) -> str:
    """Return the text of a SKILL.md."""
    lines = ["---", f"name: {name}", f"description: {_scalar(description)}"]
    if ask or blanks:
        lines.append("metadata:")
    if ask:
        lines.append(f"  {ASK}: {_scalar(ask)}")
    if blanks:
        lines.append(f"  {BLANKS}: |")
        lines += [f"    {blank}: {json.dumps(meaning, ensure_ascii=False)}" for blank, meaning in blanks.items()]
    if tools:
        lines.append(f"allowed-tools: {' '.join(tools)}")
    return "\n".join([*lines, "---", "", body.strip(), ""])


def _scalar(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)  # a string of JSON is one of YAML


def skill_of_plan(plan: Plan, name: str = "") -> SkillFiles:
    """Return a recipe that does again what a plan does; its items are asked for, or stay as an example."""
    wish = plan.wish or plan.title
    steps = "\n".join(
        f"{number}. {f'`{step.tool}`' if step.tool else ' '.join(step.ask.split())}"
        for number, step in enumerate(plan.steps, start=1)
    )
    body = f"# {plan.title}\n\nA long task; the plan is `{PLAN_FILE}`. For each item:\n\n{steps}"
    ask = wish.replace("{", "(").replace("}", ")")
    text = write_skill(name or name_from(plan.title), wish[:1000], body, ask=ask, tools=plan.tools)
    return SkillFiles(text, {PLAN_FILE: write_plan(plan)}, ())


# -- from a chat -----------------------------------------------------------------------------------------------------


class RecipeDraft(BaseModel):
    """What a model makes of a chat."""

    name: str = Field(max_length=100)
    description: str = Field(min_length=10, max_length=1000)
    ask: str = Field("", max_length=300)
    blanks: dict[str, str] = Field(default_factory=dict, max_length=8)
    tools: list[str] = Field(default_factory=list, max_length=20)
    body: str = Field(min_length=20, max_length=8000)


async def draft_recipe(
    store: Store, model: ChatModel, messages: Sequence[Message], tools: Sequence[Tool[Any]], name: str = ""
) -> str:
    """Return the SKILL.md that a model makes of a chat, checked; nothing is stored.

    Raises ModelError, and RecipeError where the model gives none that can be followed.
    """
    if not messages:
        raise RecipeError("There is nothing in this chat yet.", "Say first what is to be done, then /recipe new.")
    said = "\n\n".join(f"{message.role.value}:\n{quoted(message.text)}" for message in messages if message.text)
    offered = "\n".join(f"- {tool.name}, which {tool.effect.value}s: {tool.description}" for tool in tools)
    asked = f"The chat:\n\n{said[-_MOST_CHAT_CHARS:]}\n\nTools that there are:\n{offered}"
    request = ChatRequest(
        (ChatMessage(Role.SYSTEM, prompt("recipe_draft")), ChatMessage(Role.USER, asked)),
        _DRAFT_TOKENS,
        0.0,
        RecipeDraft.model_json_schema(),
        purpose=Purpose.PLAN,
        message_id=messages[-1].id,
    )
    there = {tool.name for tool in tools}

    def read(answer: str) -> str:
        draft = read_form(answer, RecipeDraft)
        if draft is None:
            raise UnfitError("it is no JSON object with these fields")
        text = write_skill(
            name or name_from(draft.name),
            draft.description,
            draft.body,
            ask=draft.ask,
            blanks=draft.blanks,
            tools=[tool for tool in draft.tools if tool in there],
        )
        try:
            read_skill(text)
        except RecipeError as error:
            raise UnfitError(error.message) from error
        return text

    await note_sent(store, model.info, [message.id for message in messages])
    try:
        return await ask_until_fit(model, request, read, "That can't be used: {wrong}. Write it whole once more.")
    except UnfitError as error:
        raise RecipeError(
            f"{model.info.name} wrote no recipe that can be used: {error}.",
            "Write it yourself: docs/recipes.md has an example.",
        ) from error


def begin_recipe(store: Store, name: str) -> str:
    """Return a SKILL.md to begin with. Raises StoreError where there is a recipe of this name."""
    if store.recipes.find(name) is not None:
        raise StoreError(f"There is a recipe {name} already.", f"`keepsake recipe edit {name}` changes it.")
    body = f"# {name}\n\n1. `search_memory` for {{what}}.\n2. Answer with sources; say what was not found."
    return write_skill(
        name,
        "Says what it does. Use when …",
        body,
        ask=f"{name} {{what}}",
        blanks={"what": "What for"},
        tools=["search_memory"],
    )


def _unstored(name: str, text: str, files: Mapping[str, str]) -> Recipe:
    from memory_store.clock import now

    return Recipe("", name, text, files, (), False, now())
