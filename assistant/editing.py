"""Lets the user edit a text in the editor of their choice; what is written meanwhile leaves no trace on the disk."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from assistant.language import _
from memory_store.errors import KeepsakeError

_EDITORS: Final = ("nano", "vim", "vi", "emacs")


class EditorError(KeepsakeError):
    """There is no editor, or it failed; the text is as it was."""


def _editor() -> list[str]:
    """Return the command of the editor that VISUAL or EDITOR names, or of one that is there. Raises EditorError."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return shlex.split(named)
    found = next((item for item in _EDITORS if shutil.which(item)), None)
    if found is None:
        raise EditorError(_("No editor was found."), _("Name one in the environment variable EDITOR."))
    return [found]


def edited(text: str, name: str) -> str:
    """Return a text as the user leaves it in the editor, as a file of this name. Raises EditorError."""
    command = _editor()
    with tempfile.TemporaryDirectory(prefix="keepsake-", dir=_memory_folder()) as folder:
        file = Path(folder) / name
        file.write_text(text, "utf-8")
        try:
            code = subprocess.run([*command, str(file)], check=False).returncode
        except OSError as error:
            words = _("{editor} can't be started: {error}.").format(editor=command[0], error=error)
            raise EditorError(words, _("Name another one in the environment variable EDITOR.")) from error
        if code:
            words = _("{editor} ended with {code}; your text is as it was.").format(editor=command[0], code=code)
            raise EditorError(words)
        return file.read_text("utf-8", "replace")


def _memory_folder() -> str | None:
    """Return a folder that is kept in memory, where the system has one."""
    for text in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if text and os.access(text, os.W_OK):
            return text
    return None
