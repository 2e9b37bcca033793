"""Puts into words what was remembered of a conversation, for every skin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.core.conversation.skin import Report
from assistant.core.events import Captured, NoLongerTrue, Noted, NothingMeant
from assistant.display import excerpt
from assistant.language import _
from memory_store.models import Summary

if TYPE_CHECKING:
    from assistant.core.learning.consolidation import Merged

    Learned = Noted | Merged | Summary
_SUMMARY_CHARS: Final = 160


def report_learned(learned: Learned, *, in_shell: bool = False) -> Report:
    """Put into words what was remembered, what the user took back, what was merged or summed up.

    `in_shell` names the next step as a command of the shell, not of the chat.
    """
    match learned:
        case NoLongerTrue(memory):
            erases = _("It stays as history; /forget {id} erases it.").format(id=memory.id[:8])
            hint = f"It stays as history: {memory.id}" if in_shell else erases
            return Report(_("No longer true: {text}").format(text=memory.text), hint, "good", memory.id)
        case Captured(memory, old):
            hints = [_("In place of: {text}").format(text=old.text)] if old else []
            if memory.private:
                hints.append(_("Private: never sent to another machine."))
            if learned.is_asked_about:
                in_chat = _("Only you can say whether it may stay: /questions")
                in_shells = f"Only you can say whether it may stay: keepsake questions answer {memory.id}"
                hints.append(in_shells if in_shell else in_chat)
            return Report(_("Remembered: {text}").format(text=memory.text), "\n".join(hints), "good", memory.id)
        case NothingMeant(about):
            return Report(
                _("Nothing is remembered of “{words}”.").format(words=about), _("/forget finds words anywhere.")
            )
        case Summary():
            words = _("Summed up: {text}").format(text=excerpt(learned.text, _SUMMARY_CHARS))
            return Report(words, "", "good", learned.conversation_id)
        case _:
            memory = learned.memory
            return Report(_("Merged what said the same: {text}").format(text=memory.text), "", "good", memory.id)
