"""What is done with single messages: copied, edited, answered again, pinned, erased; and the walk among branches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

from assistant.language import N_, _
from assistant.tui.actions.conversation import show_branch
from assistant.tui.actions.forgetting import forget as erase
from assistant.tui.clipboard import copy as to_clipboard
from assistant.tui.threads import in_thread
from assistant.tui.turn import answer_again
from assistant.tui.widgets.source_list import SourceLine
from assistant.tui.widgets.spoken import Spoken
from assistant.tui.widgets.user_message import UserMessage
from memory_store import NewMemory

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_NOT_STORED: Final = N_("This message is not stored yet.")


async def select(chat: ChatScreen, at: Spoken | None, step: int) -> None:
    """Select the message a step away; below the last one is the prompt."""
    spoken = chat.transcript.spoken
    place = spoken.index(at) + step if at is not None else len(spoken) - 1
    if 0 <= place < len(spoken):
        spoken[place].select()
        spoken[place].scroll_visible(animate=False)
    elif place >= len(spoken):
        chat.focus_prompt()


async def earlier(chat: ChatScreen, spoken: Spoken) -> None:
    """Select the message before."""
    await select(chat, spoken, -1)


async def later(chat: ChatScreen, spoken: Spoken) -> None:
    """Select the message after, or go back to the prompt."""
    await select(chat, spoken, 1)


async def back(chat: ChatScreen, spoken: Spoken) -> None:
    """Go back to the prompt."""
    chat.transcript.anchor()
    chat.focus_prompt()


async def copy(chat: ChatScreen, spoken: Spoken) -> None:
    """Copy the whole message."""
    await to_clipboard(chat.app, spoken.text)
    chat.notify(_("Copied."), markup=False, timeout=2)


async def code(chat: ChatScreen, spoken: Spoken) -> None:
    """Copy a code block, the next one each time."""
    blocks = [one.content for one in MarkdownIt().parse(spoken.text) if one.type in ("fence", "code_block")]
    if not blocks:
        chat.notify(_("There is no code block in this message."), markup=False, timeout=3)
        return
    chat.code_copied = (spoken, chat.code_copied[1] + 1 if chat.code_copied[0] is spoken else 0)
    number = chat.code_copied[1] % len(blocks)
    await to_clipboard(chat.app, blocks[number].removesuffix("\n"))
    chat.notify(
        _("Copied code block {number} of {total}.").format(number=number + 1, total=len(blocks)),
        markup=False,
        timeout=2,
    )


async def edit(chat: ChatScreen, spoken: Spoken) -> None:
    """Put what the user wrote into the prompt; sent, it begins a branch beside it."""
    if not isinstance(spoken, UserMessage) or spoken.message_id is None:
        chat.notify(_("Only what you wrote can be edited."), markup=False, timeout=3)
        return
    chat.sender.edit(spoken.message_id, spoken.text)


async def again(chat: ChatScreen, spoken: Spoken) -> None:
    """Answer once more, on a branch of its own."""
    if spoken.message_id is None:
        chat.notify(_(_NOT_STORED), markup=False, timeout=3)
        return
    await answer_again(chat, spoken)


async def left(chat: ChatScreen, spoken: Spoken) -> None:
    """Go to the branch before."""
    await _walk(chat, spoken, -1)


async def right(chat: ChatScreen, spoken: Spoken) -> None:
    """Go to the branch after."""
    await _walk(chat, spoken, 1)


async def branch(chat: ChatScreen, spoken: Spoken) -> None:
    """Let the conversation go on from here; what came after it stays on its branch."""
    session = chat.session
    if spoken.message_id is None or session is None:
        chat.notify(_(_NOT_STORED), markup=False, timeout=3)
        return
    await session.end_at(spoken.message_id)
    await show_branch(chat)
    chat.notify(_("What you write now goes on from here."), markup=False, timeout=4)
    chat.focus_prompt()


async def pin(chat: ChatScreen, spoken: Spoken) -> None:
    """Keep the words of a message as a pinned memory."""
    store, message_id = chat.services.store, spoken.message_id
    if message_id is None:
        chat.notify(_(_NOT_STORED), markup=False, timeout=3)
        return

    def keep() -> None:
        message = store.conversations.message(message_id)
        new = NewMemory(
            message.text, author=message.author, pinned=True, private=message.private, sources=(message_id,)
        )
        store.remember(new)

    await in_thread(keep)
    chat.notify(_("Kept as a pinned memory."), markup=False, timeout=3)
    if chat.keeper is not None:
        await chat.keeper.look(recount=True)


async def forget(chat: ChatScreen, spoken: Spoken) -> None:
    """Erase a message, after asking."""
    if spoken.message_id is not None:
        await erase(chat, spoken.message_id)


async def sources(chat: ChatScreen, spoken: Spoken) -> None:
    """Go to the first source of an answer."""
    lines = spoken.query(SourceLine)
    if lines:
        lines.first().focus()
    else:
        chat.notify(_("This message has no sources."), markup=False, timeout=3)


async def retry(chat: ChatScreen, argument: str = "") -> None:
    """Answer the last message of the user again."""
    spoken = [one for one in chat.transcript.spoken if one.message_id is not None]
    if not spoken:
        chat.notify(_("There is nothing to answer yet."), markup=False, timeout=3)
        return
    await answer_again(chat, spoken[-1])


async def go_on(chat: ChatScreen, argument: str = "") -> None:
    """Go on with the last answer where it was cut."""
    cut = chat.session.cut if chat.session is not None else None
    spoken = [one for one in chat.transcript.spoken if cut is not None and one.message_id == cut.id]
    if not spoken:
        chat.notify(_("The last answer is whole; /retry answers again."), markup=False, timeout=4)
        return
    await answer_again(chat, spoken[0], go_on=True)


async def _walk(chat: ChatScreen, spoken: Spoken, step: int) -> None:
    session = chat.session
    if session is None or spoken.message_id is None:
        return
    branches = session.beside().get(spoken.message_id, (spoken.message_id,))
    place = branches.index(spoken.message_id) + step
    if not 0 <= place < len(branches):
        words = _("There is only this one.") if len(branches) == 1 else _("There is no further one on this side.")
        chat.notify(words, markup=False, timeout=2)
        return
    await session.view(branches[place])
    await show_branch(chat)
    for one in chat.transcript.spoken:
        if one.message_id == branches[place]:
            one.select()
            one.scroll_visible(animate=False)


ACTIONS: Final[dict[str, Callable[[ChatScreen, Spoken], Awaitable[None]]]] = {
    one.__name__: one
    for one in (earlier, later, back, copy, code, edit, again, left, right, branch, pin, forget, sources)
}
