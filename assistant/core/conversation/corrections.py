"""What a user says of what is remembered: forget that, that's wrong, I never said that.

The rules of each language are in its corrections.txt. The memory that is meant is found, shown and asked about before
anything is done with it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from assistant.core.conversation.forgetting import Eraser
from assistant.core.conversation.session import Session
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.display import excerpt
from assistant.language import _
from assistant.threads import in_thread
from memory_store import Store
from memory_store.languages import rules
from memory_store.models import Memory, Role, SourceKind

_EXCERPT_CHARS: Final = 120
_TO_THE_MODEL: Final = ""


class Correction(StrEnum):
    """What is to be done with the memory that is meant."""

    FORGET = "forget"
    WRONG = "wrong"
    NEVER_SAID = "never said"


def correction_in(text: str) -> Correction | None:
    """Return what a message asks for, if that is all it says; None for any other message."""
    said = text.strip().rstrip(".!。！ ").replace("’", "'")
    known = rules("corrections", re.IGNORECASE)
    return next((kind for kind in Correction if any(rule.fullmatch(said) for rule in known[kind])), None)


def latest_question(session: Session) -> list[str]:
    """Return the id of the user's latest message; none before the first."""
    return [message.id for message in session.messages if message.role is Role.USER][-1:]


def find_meant_memories(store: Store, session: Session) -> list[Memory]:
    """Return the memories that the last turn made, then those that its answer had as sources; each once."""
    latest = set(latest_question(session))
    every = store.memories.all(include_superseded=True)
    living = {memory.id: memory for memory in every if memory.is_living}
    newest = [store.memories.newest(memory.id) for memory in every if latest & set(memory.sources)]
    made = [memory for memory in newest if memory.id in living]
    answers = [message for message in session.messages if message.role is Role.ASSISTANT]
    cited = session.log.citations(answers[-1].id) if answers else []
    used = []
    for citation in sorted(cited, key=lambda citation: not citation.cited):
        source = store.passage(citation.passage_id).source if citation.passage_id else None
        if source is not None and source.kind is SourceKind.MEMORY and source.id in living:
            used.append(living[source.id])
    return list({memory.id: memory for memory in [*made, *used]}.values())


class Corrections:
    """Does what a message asks to be done with a memory."""

    def __init__(self, store: Store, skin: Skin, eraser: Eraser) -> None:
        self._store = store
        self._skin = skin
        self._eraser = eraser

    async def take(self, session: Session, text: str) -> bool:
        """Return whether a message asks for something to be done with a memory, and is done with.

        Where nothing that is remembered can be meant, or the user says so, the message is one for the model; without
        one the user is told.
        """
        correction = correction_in(text)
        if correction is None:
            return False
        memories = await in_thread(lambda: find_meant_memories(self._store, session))
        if not memories:
            if session.answerer.reads:
                return False
            hint = _("`/forget matching WORDS` erases what has those words, after asking.")
            await self._skin.tell(Report(_("The last turn made and used no memory that can be meant."), hint))
            return True
        choices = [Choice(excerpt(memory.text, _EXCERPT_CHARS), _(memory.kind.value), memory.id) for memory in memories]
        choices.append(Choice(_("None of these"), _("it is said to the model"), _TO_THE_MODEL))
        title = _("What is wrong?") if correction is Correction.WRONG else _("What shall be forgotten?")
        chosen = await self._skin.choose(title, choices)
        if chosen == _TO_THE_MODEL:
            return False
        if chosen is None:
            return self._skin.give_back(text)  # closed: nothing is done, and nothing said
        if correction is Correction.WRONG:
            corrected = await self.put_right(chosen)
            if corrected is not None:
                await self._skin.tell(Report(_("Put right: {text}").format(text=corrected.text), kind="good"))
            return True
        # With what was said just now: it would be recalled otherwise.
        memory = next(memory for memory in memories if memory.id == chosen)
        await self._eraser.erase_ids(
            chosen, *(message_id for message_id in latest_question(session) if message_id in memory.sources)
        )
        return True

    async def put_right(self, memory_id: str) -> Memory | None:
        """Let the user write what is right in place of a memory; return the newer version, None without one."""
        store = self._store
        old = await in_thread(lambda: store.memories.newest(memory_id))
        new = await self._skin.write_memory(_("What is right?"), old)
        if new is None:
            return None
        stored = await in_thread(lambda: store.memories.supersede(old.id, new))
        store.wake()
        return stored
