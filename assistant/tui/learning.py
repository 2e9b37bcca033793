"""Learning beside the chat: after an answer the model reads what waits; a new message comes first."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from assistant.core.events import Captured
from assistant.language import _
from assistant.tui.widgets.notice import Notice
from memory_store.errors import KeepsakeError

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_GROUP: Final = "learning"


def pause(chat: ChatScreen) -> None:
    """Let the model answer: what was being learned from waits on, and is read again from its beginning."""
    chat.workers.cancel_group(chat, _GROUP)


def go_on(chat: ChatScreen) -> None:
    """Capture from the messages that wait, in the background."""
    if chat.session is not None and chat.session.settings.learn:
        chat.run_worker(_learn(chat), name=_GROUP, group=_GROUP, exit_on_error=False)


async def _learn(chat: ChatScreen) -> None:
    from assistant.core.learning.learner import learn

    session = chat.session
    assert session is not None
    try:
        async with aclosing(learn(chat.services.store, session.model)) as captured:
            async for one in captured:
                if chat.session is session:
                    await chat.transcript.add(remembered(one))
    except KeepsakeError:
        return  # who answers can't be asked now: the messages wait on


def remembered(captured: Captured) -> Notice:
    """Return the notice of a new memory."""
    old = captured.instead_of
    hints = [_("In place of: {text}").format(text=old.text)] if old else []
    if captured.memory.private:
        hints.append(_("Private: never sent to another machine."))
    return Notice(_("Remembered: {text}").format(text=captured.memory.text), "\n".join(hints), "good")
