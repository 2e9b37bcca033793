"""Calls for the user's attention: by the terminal's bell, and on the desktop while another window is in front."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Literal

from textual.app import App

from assistant.display import excerpt, plain

_MOST_CHARS: Final = 200
_TITLE: Final = "Keepsake"
# These know rxvt's OSC 777 and not iTerm2's OSC 9, which all others that show notices know.
_BY_777: Final = ("foot", "rxvt", "urxvt")


def call_for_attention(app: App[Any], text: str, notices: Literal["none", "bell", "desktop"]) -> None:
    """Ring the bell, and have the terminal show a notice where the user looks at another window, as far as wanted."""
    if notices == "none":
        return
    app.bell()
    if notices == "desktop" and not app.app_focus and app._driver is not None:
        app._driver.write(desktop_notice(text, os.environ))


def desktop_notice(text: str, environment: Mapping[str, str]) -> str:
    """Return the sequence that has this terminal show a notice; one that doesn't know it shows nothing.

    `environment` tells the terminal; within tmux it reaches it where `allow-passthrough` is on.
    """
    words = excerpt(plain(text, one_line=True), _MOST_CHARS)
    knows_777 = environment.get("TERM", "").startswith(_BY_777) or "VTE_VERSION" in environment
    body = f"777;notify;{_TITLE};{words.replace(';', ',')}" if knows_777 else f"9;{_TITLE}: {words}"
    sequence = f"\x1b]{body}\x1b\\"
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\" if environment.get("TMUX") else sequence
