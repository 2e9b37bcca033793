"""Keepsake's own colours, a dark and a light set, beside the themes that Textual brings."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="keepsake-dark",
    primary="#7aa2c8",
    secondary="#b7a5d6",
    accent="#e0b070",
    foreground="#d6d9dd",
    background="#14171b",
    surface="#1b1f25",
    panel="#232932",
    success="#8fb98a",
    warning="#e0b070",
    error="#d97f7f",
    dark=True,
)
LIGHT: Final = Theme(
    name="keepsake-light",
    primary="#2f6690",
    secondary="#6b568f",
    accent="#9a5b13",
    foreground="#24292f",
    background="#fbfaf7",
    surface="#f3f1eb",
    panel="#e8e5dc",
    success="#3f7a3d",
    warning="#9a5b13",
    error="#b03a3a",
    dark=False,
)
THEMES: Final = (DARK, LIGHT)
DEFAULT_THEME: Final = DARK.name
