"""What is shown before an answer: help lines where a message speaks of an emergency, else a note on many heavy days."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from assistant.core.care.needs import care_needed
from assistant.core.care.offering import language_of, note, offer
from assistant.core.care.often import WINDOW_DAYS, heavy_days, is_due
from assistant.core.care.region import regions
from assistant.core.care.settings import CareSettings
from assistant.core.conversation.log import ConversationLog
from assistant.core.events import CareOffered
from assistant.core.sensitive import is_low
from memory_store.models import Message

# The window of the first day of a week, and the days of that week before today.
_LOOKED_BACK: Final = timedelta(days=WINDOW_DAYS + 7)
_MOST_LOOKED_AT: Final = 5000


def before_answer(log: ConversationLog, settings: CareSettings, question: Message) -> list[CareOffered]:
    """Return what is to be shown before the answer to a message of the user. Reads the log for the note alone."""
    offered = offered_for(question.text, settings)
    if offered is not None:
        return [offered]
    if not settings.note_often or not is_low(question.text):
        return []
    moment = question.created_at
    written = log.get_written_since(moment - _LOOKED_BACK, _MOST_LOOKED_AT)
    earlier = [message for message in written if message.created_at < moment and message.id != question.id]
    if not is_due(heavy_days(earlier), moment.astimezone().date()):
        return []
    return [CareOffered(None, note(regions(settings.region), language_of(question.text)))]


def offered_for(text: str, settings: CareSettings) -> CareOffered | None:
    """Return the help lines for a message; None where it needs none, or the user wants none."""
    need = care_needed(text) if settings.resources else None
    if need is None:
        return None
    return CareOffered(need, offer(need, regions(settings.region), language_of(text)))
