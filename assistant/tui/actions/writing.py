"""What helps to write: what was sent before, and the editor of one's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from assistant.display import excerpt, moment
from assistant.editing import EditorError, edited
from assistant.language import _
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_MOST_LISTED: Final = 500
_EXCERPT_CHARS: Final = 120


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
    written = written_in_editor(chat, chat.prompt.unfolded(chat.prompt.text), "message.md")
    if written is not None:
        chat.prompt.replace_all(written.rstrip("\n"))
        chat.focus_prompt()


def written_in_editor(chat: ChatScreen, text: str, name: str) -> str | None:
    """Return a text as the user leaves it in their editor; None where that failed, which is told."""
    try:
        # The editor has the terminal: nothing is to be drawn meanwhile.
        with chat.app.suspend():
            written = edited(text, name)
    except SuspendNotSupported:
        chat.notify(_("Here no editor can be started."), severity="error", markup=False)
        return None
    except EditorError as error:
        chat.notify(f"{error.message} {error.hint}", severity="warning", markup=False, timeout=5)
        return None
    finally:
        chat.app.refresh()
    return written
