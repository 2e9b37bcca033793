"""Keepsake's own colours beside Textual's themes: a dark and a light set, one of high contrast, one without colours."""

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
CONTRAST: Final = Theme(
    name="keepsake-contrast",
    primary="#ffd75f",
    secondary="#8ad7ff",
    accent="#8ad7ff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    success="#87ff87",
    warning="#ffd75f",
    error="#ff9e9e",
    dark=True,
    variables={"foreground-muted": "#d7d7d7", "border-blurred": "#a8a8a8"},
)
PLAIN: Final = Theme(
    name="keepsake-plain",
    primary="#e4e4e4",
    secondary="#c6c6c6",
    accent="#ffffff",
    foreground="#dadada",
    background="#121212",
    surface="#1c1c1c",
    panel="#303030",
    success="#dadada",
    warning="#ffffff",
    error="#ffffff",
    dark=True,
)
THEMES: Final = (DARK, LIGHT, CONTRAST, PLAIN)
DEFAULT_THEME: Final = DARK.name
