"""Puts into words what was remembered of a conversation, and what became of answers that come later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from assistant.core.context import invented_numbers
from assistant.core.conversation.skin import Report
from assistant.core.events import Captured, NoLongerTrue, Noted, NothingMeant
from assistant.display import excerpt, moment, plain
from assistant.language import _, plural
from memory_store import LateRequest, LateState
from memory_store.errors import NotFoundError
from memory_store.models import Summary

if TYPE_CHECKING:
    from assistant.core.learning.consolidation import Merged
    from memory_store import Store

    Learned = Noted | Merged | Summary
_SUMMARY_CHARS: Final = 160
_QUESTION_CHARS: Final = 80


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


def describe_invented(answer: str, numbers: Iterable[int]) -> str:
    """Return that an answer cites what has none of these numbers; empty where all that it cites is a source."""
    invented = ", ".join(f"[{number}]" for number in invented_numbers(answer, numbers))
    return _("There is no source for {numbers}.").format(numbers=invented) if invented else ""


def describe_retry(reason: str, pause_s: float) -> str:
    """Return why an answer is late: nothing came of a request, and it is sent again after a pause."""
    again = plural("Trying again in {count} second.", "Trying again in {count} seconds.", max(round(pause_s), 1))
    return f"{plain(reason, one_line=True).rstrip('.')}. {again}"


def describe_handed_in(trouble: str) -> str:
    """Return how it stands with a question that was just handed in; `trouble` is empty where the service has it."""
    if not trouble:
        return _("Handed in: the answer will be here within a day.")
    unclear = _("The service has not confirmed that it has this, and is asked again in some minutes.")
    return f"{unclear} {plain(trouble, one_line=True)}"


def describe_late(late: LateRequest, *, in_shell: bool = False) -> str:
    """Return how it stands with an answer that comes later, and what can be done; empty once it is there."""
    again = f"`keepsake later again {late.id}` asks again." if in_shell else _("/retry asks again.")
    trouble = plain(late.trouble or "", one_line=True)
    match late.state:
        case LateState.INTENDED:
            return describe_handed_in(trouble or _("Its answer did not come back here."))
        case LateState.SUBMITTED:
            return _("Handed in ({time}): the answer will be here within a day.").format(time=moment(late.intended_at))
        case LateState.UNCERTAIN:
            drops = _("{command} drops it.").format(command=f"`keepsake later cancel {late.id}`")
            return " ".join((_("The service may have this, and nobody can tell."), again, drops))
        case LateState.EXPIRED:
            return " ".join((_("It was not answered within a day."), again))
        case LateState.CANCELLED:
            return " ".join((_("It was taken back."), again))
        case LateState.FAILED:
            return " ".join((_("It was not answered."), *([trouble] if trouble else []), again))
        case LateState.ANSWERED:
            return ""


def report_late(store: Store, late: LateRequest, *, in_view: bool = False, in_shell: bool = False) -> Report:
    """Say that an answer has arrived, or why none comes; the hint leads there unless its chat is `in_view`."""
    try:
        answer = store.conversations.message(late.message_id or "")
        asked = store.conversations.message(answer.parent_id or "").text
        chat = store.conversations.get(answer.conversation_id).title
    except NotFoundError:  # erased since
        return Report(_("What an answer was waited for is erased."))
    question = excerpt(asked, _QUESTION_CHARS)
    words = describe_late(late, in_shell=in_shell)
    there = _("It is in “{title}”: /chats leads there.").format(title=excerpt(chat, _QUESTION_CHARS))
    hint = f"`keepsake show {answer.id}` prints it." if in_shell else "" if in_view else there
    if words:
        return Report(f"“{question}”: {words}", "" if in_shell else hint, "warning", answer.id)
    return Report(_("The answer to “{question}” is here.").format(question=question), hint, "good", answer.id)
