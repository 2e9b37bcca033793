"""Recipes: how something is to be done again, as folders of the open format Agent Skills."""

from __future__ import annotations

from typing import Final

SKILL_FILE: Final = "SKILL.md"
PLAN_FILE: Final = "assets/plan.toml"
USED: Final = "recipe"
"""The name under which it is entered with a message that a recipe was used for it."""
