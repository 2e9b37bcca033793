"""All recipes: the user's own, in the record, and those that come along, for which one of the user's can stand in."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Final

from assistant.core.recipes import PLAN_FILE, SKILL_FILE
from memory_store import Recipe, Store
from memory_store.errors import NotFoundError

# A model that is told the names of recipes waits for nothing that reads one.
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from assistant.core.recipes.skill import Skill
    from assistant.core.tasks.plan import Plan

_FOLDER: Final = "recipes"
_ITEM_SEPARATOR: Final = ";"


@dataclass(frozen=True)
class Known:
    """A recipe with what its SKILL.md says."""

    recipe: Recipe
    skill: Skill

    @property
    def name(self) -> str:
        """What it is called."""
        return self.recipe.name

    @property
    def is_own(self) -> bool:
        """Whether it is in the record; those that come along are not."""
        return bool(self.recipe.id)

    @cached_property
    def plan(self) -> str:
        """The plan of a long task, as TOML with blanks; empty where it is a way of answering."""
        return self.recipe.files.get(PLAN_FILE, "")

    @property
    def asks_for_items(self) -> bool:
        """Whether the form asks for its items: they have names and nothing else."""
        return bool(self.plan) and all(set(item) == {"name"} for item in self.read_plan({}).items)

    def read_plan(self, values: Mapping[str, str], items: Sequence[Mapping[str, str]] = ()) -> Plan:
        """Return its plan with its blanks filled in. Raises PlanError."""
        from assistant.core.tasks.plan import read_plan

        known = dict.fromkeys((field.name for field in self.skill.fields), "–") | dict(values)
        return read_plan(self.plan, items, known)


def name_meant(written: str) -> str:
    """Return the name that is meant by one that is written as words."""
    return "-".join(written.casefold().replace("_", " ").replace("-", " ").split())


def item_names(text: str) -> list[dict[str, str]]:
    """Return the items that a line of names means, with `;` between."""
    names = dict.fromkeys(" ".join(part.split()) for part in text.split(_ITEM_SEPARATOR))
    return [{"name": name} for name in names if name]


def join_names(plan: Plan) -> str:
    """Return the names of a plan's items on a line."""
    return f"{_ITEM_SEPARATOR} ".join(item["name"] for item in plan.items)


def all_recipes(store: Store) -> list[Known]:
    """Return all recipes by their names; of two that are called the same the user's own."""
    found = {recipe.name: recipe for recipe in (*_packaged(), *store.recipes.all())}
    return [_know_anyhow(recipe) for _name, recipe in sorted(found.items())]


def names_of_agreed(store: Store, *, include_private: bool) -> list[str]:
    """Return the names of the recipes that the user has agreed to, those that come along among them."""
    found = {recipe.name: recipe for recipe in (*_packaged(), *store.recipes.all())}
    return [
        name for name, recipe in sorted(found.items()) if recipe.is_agreed and (include_private or not recipe.private)
    ]


def find_recipe(store: Store, name: str) -> Known:
    """Return the recipe of this name. Raises NotFoundError naming the nearest."""
    for written in (name, name_meant(name)):
        known = store.recipes.find(written) or next((recipe for recipe in _packaged() if recipe.name == written), None)
        if known is not None:
            return know(known)
    names = [recipe.name for recipe in (*_packaged(), *store.recipes.all())]
    near = difflib.get_close_matches(name, names, 1)
    raise NotFoundError(
        f"There is no recipe {name}.", f"Did you mean {near[0]}?" if near else "`keepsake recipe list` shows them all."
    )


def know(recipe: Recipe) -> Known:
    """Return a recipe with what its SKILL.md says. Raises RecipeError."""
    from assistant.core.recipes.skill import read_skill

    return Known(recipe, read_skill(recipe.skill, f"{recipe.name}/{SKILL_FILE}"))


def _know_anyhow(recipe: Recipe) -> Known:
    """Return a recipe; one that can't be read, as an archive may bring it, says so of itself."""
    from assistant.core.recipes.skill import RecipeError, Skill

    try:
        return know(recipe)
    except RecipeError as error:
        return Known(recipe, Skill.model_construct(name=recipe.name, description=error.message, body=recipe.skill))


def packaged_names() -> list[str]:
    """Return the names of those that come along."""
    return [recipe.name for recipe in _packaged()]


@cache
def _packaged() -> tuple[Recipe, ...]:
    """Return the recipes that come along: what is in the package needs no agreement."""
    found = []
    for folder in sorted((resources.files("assistant") / _FOLDER).iterdir(), key=lambda item: item.name):
        if folder.is_dir() and (folder / SKILL_FILE).is_file():
            files = dict(_texts(folder, ""))
            recipe = Recipe("", folder.name, files.pop(SKILL_FILE), files, (), False, datetime(2026, 1, 1, tzinfo=UTC))
            found.append(replace(recipe, agreed=recipe.fingerprint))
    return tuple(found)


def _texts(folder: Traversable, above: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _texts(item, f"{above}{item.name}/")
        else:
            found.append((f"{above}{item.name}", item.read_text("utf-8")))
    return found
