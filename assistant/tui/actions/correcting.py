"""Corrections in the conversation: "forget that" and the like find the memory that is meant, show it, and ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.core.corrections import Correction, correction_in
from assistant.display import excerpt
from assistant.language import _
from assistant.tui.actions.forgetting import forget
from assistant.tui.actions.sources import correct_memory
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store.models import Memory, Role, SourceKind

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
    memories = await in_thread(lambda: _meant(chat))
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
        said = [one for one in _latest_question(chat) if one in memory.sources]
        await forget(chat, " ".join([chosen, *said]))
    return True


def _latest_question(chat: ChatScreen) -> list[str]:
    assert chat.session is not None
    return [one.id for one in chat.session.messages if one.role is Role.USER][-1:]


def _meant(chat: ChatScreen) -> list[Memory]:
    """Return the memories that the last turn made, then those that its answer had as sources; each once."""
    store, session = chat.services.store, chat.session
    if session is None:
        return []
    living = {one.id: one for one in store.memories.all()}
    made = [one for one in living.values() if set(_latest_question(chat)) & set(one.sources)]
    answers = [one for one in session.messages if one.role is Role.ASSISTANT]
    cited = store.conversations.citations(answers[-1].id) if answers and not session.temporary else []
    used = []
    for one in sorted(cited, key=lambda one: not one.cited):
        source = store.passage(one.passage_id).source if one.passage_id else None
        if source is not None and source.kind is SourceKind.MEMORY and source.id in living:
            used.append(living[source.id])
    return list({one.id: one for one in [*made, *used]}.values())
