"""What becomes of files whose paths were pasted, dropped or typed as a message: imported, attached, or left as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.language import _, plural
from assistant.tui.actions.library import import_paths_of
from assistant.tui.mentions import Mention
from assistant.tui.screens.chooser import Choice, Chooser

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_IMPORT, _ATTACH, _TEXT = "import", "attach", "text"
_MOST_ATTACHED: Final = 10


async def offer(chat: ChatScreen, paths: Sequence[Path], keep: Callable[[], None]) -> None:
    """Ask what is to be done, and do it; closed without a choice, the paths are text, and `keep` does what follows."""
    files = [path for path in paths if path.is_file() and path.suffix.lower() != ".zip"]
    choices = [Choice(_("Import"), _("it is remembered from now on"), _IMPORT)]
    if len(files) == len(paths) <= _MOST_ATTACHED:
        choices.insert(0, Choice(_("Attach to this message"), _("it is imported, and read for this answer"), _ATTACH))
    choices.append(Choice(_("Keep as text"), "", _TEXT))
    title = plural("What is {count} file or folder for?", "What are {count} files or folders for?", len(paths))
    chosen = await chat.app.push_screen_wait(Chooser(title, choices, closed=_TEXT))
    if chosen == _IMPORT:
        await import_paths_of(chat, paths)
    elif chosen == _ATTACH:
        chat.prompt.insert("".join(f"{Mention(str(path), 'file', path).written} " for path in paths))
    else:
        keep()
    chat.focus_prompt()
