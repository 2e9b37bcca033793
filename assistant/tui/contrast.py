"""Keeps every theme readable: colours that write are moved towards black or white until WCAG's AA holds.

Source: WCAG 2.2, success criterion 1.4.3 and the definitions of contrast ratio and relative luminance.
"""

from __future__ import annotations

from typing import Final

from textual.color import Color

AA: Final = 4.5  # the least ratio of text to what is behind it
_COLORS: Final = ("primary", "secondary", "accent", "success", "warning", "error")
_WRITES: Final = ("foreground", "foreground-muted", *_COLORS, *(f"text-{name}" for name in _COLORS))
_FAINT: Final = ("text-muted", "text-disabled")  # Textual's, for placeholders and the like
_BEHIND: Final = ("background", "surface", "panel")
_MARKED: Final = 0.25  # how much of the primary colour lies over what is highlighted
_STEPS: Final = 20


def luminance(color: Color) -> float:
    """Return the relative luminance of an opaque colour, from 0 to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (color.r / 255, color.g / 255, color.b / 255)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(color: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours, from 1 to 21."""
    darker, lighter = sorted((luminance(color), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(variables: dict[str, str], *, dark: bool) -> dict[str, str]:
    """Return a theme's variables with those that write readable on all that they may stand on.

    `marked` is added: what lies behind the highlighted line of a list.
    """
    behind = [Color.parse(variables[name]) for name in _BEHIND]
    marked = behind[0].blend(Color.parse(variables["primary"]), _MARKED)
    behind.append(marked)
    towards = Color(255, 255, 255) if dark else Color(0, 0, 0)
    written = {name: _moved(Color.parse(variables[name]), behind, towards).hex for name in _WRITES if name in variables}
    faint = dict.fromkeys(_FAINT, written["foreground-muted"])
    cursor = {"input-cursor-background": written["foreground"], "input-cursor-foreground": variables["background"]}
    return {**variables, **written, **faint, **cursor, "marked": marked.hex}


def _moved(color: Color, behind: list[Color], towards: Color) -> Color:
    solid = behind[0].blend(color.with_alpha(1.0), color.a)
    for step in range(_STEPS + 1):
        moved = solid.blend(towards, step / _STEPS)
        if all(ratio(moved, pair) >= AA for pair in behind):
            return moved
    return towards
