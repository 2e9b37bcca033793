"""The prompts, as text files beside this module."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def prompt(name: str) -> str:
    """Return the text of a prompt, without its last line break."""
    return (resources.files(__package__) / f"{name}.txt").read_text("utf-8").removesuffix("\n")
