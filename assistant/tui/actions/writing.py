"""What helps to write: what was sent before, and the editor of one's choice."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from assistant.display import excerpt, moment
from assistant.language import _
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_MOST_LISTED: Final = 500
_EXCERPT_CHARS: Final = 120
_EDITORS: Final = ("nano", "vim", "vi", "emacs")


async def history(chat: ChatScreen, argument: str = "") -> None:
    """List what was sent in any chat, the latest first, and put the chosen text into the prompt."""
    sent = await in_thread(lambda: chat.services.store.conversations.sent(_MOST_LISTED))
    if not sent:
        chat.notify(_("Nothing has been sent yet."), markup=False, timeout=3)
        return
    choices = [Choice(excerpt(one.text, _EXCERPT_CHARS), moment(one.created_at), one.text) for one in sent]
    chosen = await chat.app.push_screen_wait(Chooser(_("What you sent"), choices))
    if chosen is not None:
        chat.prompt.replace_all(chosen)
        chat.focus_prompt()


async def editor(chat: ChatScreen, argument: str = "") -> None:
    """Write the prompt in the editor that VISUAL or EDITOR names."""
    command = _editor()
    if command is None:
        chat.notify(_("No editor was found. Name one in the environment variable EDITOR."), markup=False, timeout=5)
        return
    text = chat.prompt.unfolded(chat.prompt.text)
    with tempfile.TemporaryDirectory(prefix="keepsake-", dir=_memory_folder()) as folder:
        file = Path(folder) / "message.md"
        file.write_text(text, "utf-8")
        try:
            with chat.app.suspend():
                # The editor has the terminal: nothing is to be drawn meanwhile.
                code = subprocess.run([*command, str(file)], check=False).returncode  # noqa: ASYNC221
        except (SuspendNotSupported, OSError) as error:
            chat.notify(
                _("{editor} can't be started: {error}.").format(editor=command[0], error=error),
                severity="error",
                markup=False,
            )
            return
        written = file.read_text("utf-8", "replace")
    chat.app.refresh()
    if code:
        chat.notify(
            _("{editor} ended with {code}; your text is as it was.").format(editor=command[0], code=code),
            severity="warning",
            markup=False,
        )
        return
    chat.prompt.replace_all(written.rstrip("\n"))
    chat.focus_prompt()


def _editor() -> list[str] | None:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return shlex.split(named)
    found = next((one for one in _EDITORS if shutil.which(one)), None)
    return [found] if found else None


def _memory_folder() -> str | None:
    """Return a folder that is kept in memory, where the system has one: what is written there leaves no trace."""
    for one in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if one and os.access(one, os.W_OK):
            return one
    return None
