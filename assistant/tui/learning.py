"""Learning beside the chat: after an answer the model reads what waits; a new message comes first."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from assistant.core.events import NoLongerTrue, Noted
from assistant.display import excerpt
from assistant.language import _
from assistant.tui.widgets.notice import Notice
from memory_store.errors import KeepsakeError

if TYPE_CHECKING:
    from assistant.core.learning.consolidation import Merged
    from assistant.tui.screens.chat import ChatScreen
    from memory_store.learned import Summary

_GROUP: Final = "learning"
_EXCERPT_CHARS: Final = 160


def pause(chat: ChatScreen) -> None:
    """Let the model answer: what was being learned from waits on, and is read again from its beginning."""
    chat.workers.cancel_group(chat, _GROUP)


def go_on(chat: ChatScreen, *, consolidating: bool = False) -> None:
    """Capture from the messages that wait, in the background; `consolidating` also merges duplicates and sums up."""
    if chat.session is not None and chat.session.settings.learn:
        chat.run_worker(_in_background(chat, consolidating), name=_GROUP, group=_GROUP, exit_on_error=False)


async def learn_now(chat: ChatScreen) -> int:
    """Learn all that there is to learn, and tell it; return how much that was. Raises ModelError."""
    from assistant.core.learning.consolidation import consolidate
    from assistant.core.learning.learner import learn

    session = chat.session
    assert session is not None
    count = 0
    async with aclosing(learn(chat.services.store, session.model)) as captured:
        async for one in captured:
            count += 1
            await _tell(chat, noted(one))
    async with aclosing(consolidate(chat.services.store, session.model)) as consolidated:
        async for two in consolidated:
            count += 1
            await _tell(chat, _consolidated(two))
    return count


async def _in_background(chat: ChatScreen, consolidating: bool) -> None:
    from assistant.core.learning.consolidation import consolidate
    from assistant.core.learning.learner import learn

    session = chat.session
    assert session is not None
    try:
        async with aclosing(learn(chat.services.store, session.model)) as captured:
            async for one in captured:
                if chat.session is session:
                    await _tell(chat, noted(one))
        if consolidating:
            async with aclosing(consolidate(chat.services.store, session.model)) as consolidated:
                async for _done in consolidated:
                    pass  # it changes nothing of what is known: the profile and /context show it
    except KeepsakeError:
        return  # who answers can't be asked now: the messages wait on


async def _tell(chat: ChatScreen, notice: Notice) -> None:
    await chat.transcript.add(notice)


def noted(event: Noted) -> Notice:
    """Return the notice of a new memory, or of one that the user took back."""
    if isinstance(event, NoLongerTrue):
        hint = _("It stays as history; /forget {id} erases it.").format(id=event.memory.id[:8])
        return Notice(_("No longer true: {text}").format(text=event.memory.text), hint, "good", event.memory.id)
    old = event.instead_of
    hints = [_("In place of: {text}").format(text=old.text)] if old else []
    if event.memory.private:
        hints.append(_("Private: never sent to another machine."))
    if event.is_asked_about:
        hints.append(_("Only you can say whether it may stay: /questions"))
    return Notice(_("Remembered: {text}").format(text=event.memory.text), "\n".join(hints), "good", event.memory.id)


def _consolidated(done: Merged | Summary) -> Notice:
    from assistant.core.learning.consolidation import Merged

    if isinstance(done, Merged):
        return Notice(_("Merged what said the same: {text}").format(text=done.memory.text), "", "good", done.memory.id)
    told = _("Summed up: {text}").format(text=excerpt(done.text, _EXCERPT_CHARS))
    return Notice(told, "", "good", done.conversation_id)
