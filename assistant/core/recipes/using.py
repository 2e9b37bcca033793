"""Using a recipe: filled in, shown before its first use, and given to a turn with no more than it declares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pydantic import BaseModel, Field

from assistant.core.framing import plain_text, quoted
from assistant.core.prompts import prompt
from assistant.core.recipes import USED
from assistant.core.recipes.shelf import Known, all_recipes, find_recipe, name_meant
from assistant.core.tools.forms import FormField, FormValue
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError
from memory_store import Store
from memory_store.errors import NotFoundError
from memory_store.models import ToolUse

READ_FILE: Final = "read_recipe_file"
READ_RECIPE: Final = "read_recipe"
ITEMS: Final = "items"
_NAMED: Final = "recipe"


@dataclass(frozen=True, slots=True)
class FilledRecipe:
    """A recipe as it is used in a turn: what the user says, how it is to be answered, and the tools it declares.

    One that comes along has no `id`.
    """

    id: str
    name: str
    values: Mapping[str, str]
    question: str
    body: str
    tools: tuple[str, ...]
    files: Mapping[str, str]
    private: bool

    @property
    def arguments(self) -> str:
        """What is entered with the message, as JSON."""
        return json.dumps({_NAMED: self.name, **self.values}, ensure_ascii=False)

    def instructions(self, *, with_tools: bool) -> str:
        """Return what a model reads of it, beside the question."""
        if not with_tools:
            alone = f"\n{prompt('recipe_alone')}" if self.tools or self.files else ""
            return describe_steps(self.name, self.body) + alone
        names = "\n".join(sorted(self.files))
        more = f"\n\nIts files, read with {READ_FILE}:\n{quoted(names)}" if names else ""
        return describe_steps(self.name, self.body) + more

    def file_tool(self) -> Tool[ReadRecipeFile] | None:
        """Return the tool that reads its other texts; None where it has none."""
        if not self.files:
            return None
        return Tool(
            READ_FILE,
            "Reads one of the files that belong to the recipe of this turn, where the recipe says that it matters.",
            ReadRecipeFile,
            Effect.READ,
            partial(_read_file, self.files),
        )


def describe_steps(name: str, body: str) -> str:
    """Return how something is to be done as a model reads it: marked otherwise than sources, which are no instructions,
    and such that nothing in it can end its frame."""
    lines = "\n".join("| " + line for line in plain_text(body).splitlines())
    return prompt("recipe").format(name=name, body=lines)


class ReadRecipeFile(BaseModel):
    """Which file to read."""

    path: str = Field(min_length=1, max_length=200, description="The file's path, as the recipe names it.")


def _read_file(files: Mapping[str, str], _bench: Bench, asked: ReadRecipeFile) -> str:
    text = files.get(asked.path.strip().removeprefix("./"))
    if text is None:
        raise ToolError(f"The recipe has no file {asked.path}.")
    return quoted(text)


def fill_recipe(known: Known, values: Mapping[str, str], words: str = "") -> FilledRecipe:
    """Return a way of answering with its blanks filled in. What it asks, or these `words`, is what the user says."""
    skill, recipe = known.skill, known.recipe
    told = ", ".join(value for value in values.values() if value)
    question = words or skill.fill(skill.ask, values) or (f"{recipe.name}: {told}" if told else recipe.name)
    body = skill.fill(skill.body, values)
    return FilledRecipe(recipe.id, recipe.name, values, question, body, skill.tools, recipe.files, recipe.private)


def recipe_of_message(store: Store, uses: Sequence[ToolUse], text: str) -> FilledRecipe | None:
    """Return the recipe that was used for a message of the user with this text, as it is now; None where none was.

    Raises RecipeError where it is gone, or was changed and not agreed to since.
    """
    use = next((use for use in uses if use.tool == USED), None)
    if use is None:
        return None
    given = {name: str(value) for name, value in json.loads(use.arguments).items()}
    known = find_recipe(store, given.pop(_NAMED))
    if not known.recipe.is_agreed:
        from assistant.core.recipes.skill import RecipeError

        raise RecipeError(
            f"The recipe {known.name} was changed since.", f"/recipe {known.name} shows it, and uses it again."
        )
    return fill_recipe(known, given, text)


def recipes_behind(store: Store, answer_id: str) -> list[str]:
    """Return the names of the recipes that an answer follows: the user's for its question, and those the model read."""
    log = store.conversations
    try:
        parent_id = log.message(answer_id).parent_id
    except NotFoundError:
        return []  # of a temporary chat nothing is kept
    uses = [*(log.tool_uses(parent_id) if parent_id else ()), *log.tool_uses(answer_id)]
    names = [_name_in(use.arguments) for use in uses if use.tool in (USED, READ_RECIPE)]
    there = {known.name for known in all_recipes(store)}
    return [name for name in dict.fromkeys(map(name_meant, names)) if name in there]


def _name_in(arguments: str) -> str:
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        return ""  # a model wrote it
    return str(given.get(_NAMED) or given.get("wanted") or "") if isinstance(given, dict) else ""


def text_values(fields: Sequence[FormField], given: Mapping[str, FormValue]) -> dict[str, str]:
    """Return what was filled into a form as texts: nothing where nothing was."""
    values: dict[str, str] = {}
    for field in fields:
        value = given.get(field.name, field.default)
        if isinstance(value, bool):
            values[field.name] = "yes" if value else "no"
        else:
            values[field.name] = ", ".join(value) if isinstance(value, list) else "" if value is None else f"{value}"
    return values


def take_words(fields: Sequence[FormField], words: str) -> tuple[FormField, ...]:
    """Return the fields of a form with words as what the first that is needed begins with; else the very first.

    Raises ValueError or KeyError for words that do not fit.
    """
    chosen = next((field for field in fields if field.required and field.default is None), None) or fields[0]
    value = chosen.read(words)
    if chosen.choices and isinstance(value, str):
        value = {name.casefold(): key for key, title in chosen.choices for name in (key, title)}[value.casefold()]
    return tuple(replace(field, default=value) if field is chosen else field for field in fields)
