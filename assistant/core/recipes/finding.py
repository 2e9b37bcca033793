"""The recipes that a model may read by itself: it knows their names, and finds one by what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from assistant.core.framing import quoted
from assistant.core.prompts import prompt
from assistant.core.recipes.shelf import Known, all_recipes, name_meant, names_of_agreed
from assistant.core.recipes.using import READ_RECIPE, describe_steps
from assistant.core.tools.finding import EmbedSentences
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError
from memory_store import Store
from memory_store.errors import EmbeddingError

if TYPE_CHECKING:
    from memory_store.embedding.base import Vectors

_MOST_FOUND: Final = 3
_MOST_NAMED: Final = 60


class ReadRecipe(BaseModel):
    """Which recipe to read."""

    wanted: str = Field(min_length=1, max_length=200, description="A recipe's name, or what is to be done.")


def recipe_tool(store: Store, *, include_private: bool) -> Tool[ReadRecipe] | None:
    """Return the tool that reads recipes which the user has agreed to; None where there are none."""
    names = names_of_agreed(store, include_private=include_private)
    if not names:
        return None
    more = ", …" if len(names) > _MOST_NAMED else ""
    return Tool(
        READ_RECIPE,
        "Reads how the user wants something done. Use it first where they ask for what one of these recipes does: "
        f"{', '.join(names[:_MOST_NAMED])}{more}.",
        ReadRecipe,
        Effect.READ,
        _read_recipe,
    )


def _read_recipe(bench: Bench, asked: ReadRecipe) -> str:
    names = set(names_of_agreed(bench.store, include_private=bench.include_private))
    found = {known.name: known for known in all_recipes(bench.store) if known.name in names}
    wanted = asked.wanted.strip()
    known = found.get(name_meant(wanted))
    if known is not None:
        if known.plan:
            return f"This is a long task, which the user starts by writing /recipe {known.name}: tell them so."
        if known.is_own:
            bench.shown[known.recipe.id] = known.recipe.private
        return f"{describe_steps(known.name, known.skill.body)}\n{prompt('recipe_blanks')}"
    near = RecipeRanking(bench.store.embed_sentences).rank(wanted, list(found.values()))[:_MOST_FOUND]
    if not near:
        raise ToolError(f"There is no recipe {wanted}.")
    told = "\n".join(f"{item.name}: {item.skill.description}" for item, _score in near)
    return f"None is called so. The nearest are, to be read by their names if one fits:\n{quoted(told)}"


class RecipeRanking:
    """Ranks recipes by how near what they say of themselves, and what they ask, is to what is wanted."""

    def __init__(self, embed: EmbedSentences) -> None:
        self._embed = embed
        self._vectors: dict[str, Vectors] = {}

    def rank(self, wanted: str, recipes: Sequence[Known]) -> list[tuple[Known, float]]:
        """Return the recipes with their cosines, the nearest first; none where there is nothing that embeds."""
        texts = [_texts_of(known) for known in recipes]
        new = [text for text in dict.fromkeys(text for both in texts for text in both) if text not in self._vectors]
        try:
            made = self._embed([wanted, *new])
        except EmbeddingError:
            made = None  # then only names are known
        if made is None:
            return []
        self._vectors |= dict(zip(new, made[1:], strict=True))
        scores = [sum(float(self._vectors[text] @ made[0]) for text in both) / len(both) for both in texts]
        return sorted(zip(recipes, scores, strict=True), key=lambda pair: -pair[1])


def _texts_of(known: Known) -> list[str]:
    skill = known.skill
    ask = [skill.fill(skill.ask, {field.name: "…" for field in skill.fields})] if skill.ask else []
    return [f"{known.name.replace('-', ' ')}: {skill.description}", *ask]
