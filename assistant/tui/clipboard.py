"""Copying: to the terminal's clipboard (OSC 52, over a remote shell too) and to that of this machine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assistant.threads import in_thread

if TYPE_CHECKING:
    from textual.app import App


async def copy(app: App[Any], text: str) -> None:
    """Copy a text wherever it can be copied to. A machine without a clipboard is no error."""
    app.copy_to_clipboard(text)
    await in_thread(lambda: _copy_here(text))


def _copy_here(text: str) -> None:
    import pyperclip

    with suppress(pyperclip.PyperclipException, OSError):
        pyperclip.copy(text)
