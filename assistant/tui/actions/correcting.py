"""Corrections in the conversation: "forget that" and the like find the memory that is meant, show it, and ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.core.corrections import Correction, correction_in, latest_question, memories_meant
from assistant.display import excerpt
from assistant.language import _
from assistant.tui.actions.forgetting import forget
from assistant.tui.actions.sources import correct_memory
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_EXCERPT_CHARS: Final = 120
_TO_THE_MODEL: Final = ""


async def was_correction(chat: ChatScreen, text: str) -> bool:
    """Do what a message asks to be done with a memory; return whether it was such a message, and is done with.

    Where nothing that is remembered can be meant, or the user says so, the message is one for the model.
    """
    correction = correction_in(text)
    if correction is None:
        return False
    session = chat.session
    memories = await in_thread(lambda: memories_meant(chat.services.store, session)) if session else []
    if not memories:
        return False
    choices = [Choice(excerpt(one.text, _EXCERPT_CHARS), _(one.kind.value), one.id) for one in memories]
    choices.append(Choice(_("None of these"), _("it is said to the model"), _TO_THE_MODEL))
    title = _("What is wrong?") if correction is Correction.WRONG else _("What shall be forgotten?")
    chosen = await chat.app.push_screen_wait(Chooser(title, choices))
    if chosen == _TO_THE_MODEL:
        return False
    if chosen is None:
        chat.prompt.replace_all(text)  # closed: nothing is done, and nothing said
    elif correction is Correction.WRONG:
        corrected = await correct_memory(chat, chosen)
        if corrected is not None:
            await chat.notice(_("Put right: {text}").format(text=corrected.text), kind="good")
    else:
        # With what was said just now: it would be recalled otherwise.
        memory = next(one for one in memories if one.id == chosen)
        said = [one for one in latest_question(session) if one in memory.sources] if session else []
        await forget(chat, " ".join([chosen, *said]))
    return True
