"""Recipes in the record: how something is to be done again, as the texts of a folder of the format Agent Skills."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from memory_store import ids
from memory_store.clock import now
from memory_store.database.connection import Database
from memory_store.database.private_rule import is_private_text
from memory_store.database.rows import insert_row, left_out_to_json, read_row
from memory_store.errors import ChangedError, NotFoundError, StoreError
from memory_store.models import LeftOut


@dataclass(frozen=True, slots=True)
class NewRecipe:
    """A recipe about to be stored: the text of SKILL.md, and other texts by their paths.

    One that is made from a conversation goes with it, and is private where that or any message of it is.
    """

    name: str
    skill: str
    files: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
    private: bool = False
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as it is stored. `agreed` is the fingerprint of what the user let be used as it is."""

    id: str
    name: str
    skill: str
    files: Mapping[str, str]
    left_out: Sequence[LeftOut]
    private: bool
    made_at: datetime
    conversation_id: str | None = None
    agreed: str | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of all that is done by it: another text has to be agreed to anew."""
        told = json.dumps([self.skill, dict(sorted(self.files.items()))], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()

    @property
    def is_agreed(self) -> bool:
        """Whether the user let it be used as it is now."""
        return self.agreed == self.fingerprint


_HIDES: Final = (
    "SELECT c.private OR EXISTS (SELECT 1 FROM messages AS m WHERE m.conversation_id = c.id AND m.private = 1) "
    "AS hides FROM conversations AS c WHERE c.id = ?"
)


class Recipes:
    """What can be asked of and done to recipes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewRecipe) -> Recipe:
        """Store a recipe. Raises StoreError where there is one of this name, NotFoundError without its conversation."""
        with self._database.write() as connection:
            if _find(connection, new.name) is not None:
                raise StoreError(f"There is a recipe {new.name} already.", "Give this one another name.")
            private = new.private or _is_private(connection, new.name, new.skill, new.files, new.left_out)
            if new.conversation_id is not None:
                row = connection.execute(_HIDES, (new.conversation_id,)).fetchone()
                if row is None:
                    raise NotFoundError("The chat that this recipe is made from was erased.")
                private = private or bool(row["hides"])
            recipe = Recipe(
                ids.new_id(ids.RECIPE),
                new.name,
                new.skill,
                new.files,
                tuple(new.left_out),
                private,
                now(),
                new.conversation_id,
            )
            texts = {"files": _json(new.files), "left_out": left_out_to_json(new.left_out)}
            insert_row(connection, "recipes", recipe, **texts)
        return recipe

    def change(
        self,
        recipe_id: str,
        name: str,
        skill: str,
        files: Mapping[str, str] | None = None,
        left_out: Sequence[LeftOut] | None = None,
        *,
        private: bool = False,
        read: Recipe | None = None,
    ) -> Recipe:
        """Store another text of a recipe, under the same or another name. Raises NotFoundError or StoreError.

        What was agreed to was the text before. One that becomes private by its words stays so. Raises ChangedError
        where it is no longer as it was `read`.
        """
        with self._database.write() as connection:
            before = _get(connection, recipe_id)
            if read is not None and (before.skill, before.files) != (read.skill, read.files):
                raise ChangedError(f"The recipe {before.name} was changed meanwhile by somebody else.")
            other = _find(connection, name)
            if other is not None and other.id != recipe_id:
                raise StoreError(f"There is a recipe {name} already.", "Give this one another name.")
            kept = before.files if files is None else files
            missing = tuple(before.left_out if left_out is None else left_out)
            private = private or before.private or _is_private(connection, name, skill, kept, missing)
            connection.execute(
                "UPDATE recipes SET name = ?, skill = ?, files = ?, left_out = ?, private = ? WHERE id = ?",
                (name, skill, _json(kept), left_out_to_json(missing), private, recipe_id),
            )
        return replace(before, name=name, skill=skill, files=kept, left_out=missing, private=private)

    def mark(self, recipe_id: str, *, private: bool) -> None:
        """Make a recipe private or public. Raises NotFoundError."""
        if not self._database.execute("UPDATE recipes SET private = ? WHERE id = ?", (private, recipe_id)):
            raise NotFoundError("The recipe is gone: it was erased meanwhile.")

    def agree(self, recipe: Recipe) -> None:
        """Keep that the user lets this be used as it is."""
        self._database.execute("UPDATE recipes SET agreed = ? WHERE id = ?", (recipe.fingerprint, recipe.id))

    def get(self, recipe_id: str) -> Recipe:
        """Return one recipe. Raises NotFoundError."""
        with self._database.read() as connection:
            return _get(connection, recipe_id)

    def find(self, name: str) -> Recipe | None:
        """Return the recipe of this name."""
        with self._database.read() as connection:
            return _find(connection, name)

    def all(self) -> list[Recipe]:
        """Return all recipes by their names."""
        return [read_row(Recipe, row) for row in self._database.fetch_all("SELECT * FROM recipes ORDER BY name")]


def _find(connection: sqlite3.Connection, name: str) -> Recipe | None:
    row = connection.execute("SELECT * FROM recipes WHERE name = ?", (name,)).fetchone()
    return read_row(Recipe, row) if row is not None else None


def _get(connection: sqlite3.Connection, recipe_id: str) -> Recipe:
    row = connection.execute("SELECT * FROM recipes WHERE id = ?", (recipe_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no recipe {recipe_id}; it may have been erased.")
    return read_row(Recipe, row)


def _is_private(
    connection: sqlite3.Connection, name: str, skill: str, files: Mapping[str, str], left_out: Sequence[LeftOut]
) -> bool:
    return is_private_text(connection, name, skill, *files, *files.values(), *(part.part for part in left_out))


def _json(files: Mapping[str, str]) -> str:
    return json.dumps(dict(files), ensure_ascii=False)
