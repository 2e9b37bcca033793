"""Where a session writes what is said: the store's conversations, or a log that forgets, for a temporary chat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from memory_store import Conversations, ids
from memory_store.clock import now
from memory_store.models import (
    Author,
    Citation,
    Conversation,
    Message,
    MessageStatus,
    PassageDraft,
    Role,
    ToolOutcome,
    ToolUse,
)


class ForgettingLog:
    """Holds one conversation in memory alone, with the methods of `Conversations` that a session uses."""

    def __init__(self, covers: Callable[[str], bool]) -> None:
        """`covers` says of a text whether it is private by the user's rule."""
        self._covers = covers
        self._messages: dict[str, Message] = {}

    def start(self, title: str) -> Conversation:
        """Return a new, empty conversation."""
        moment = now()
        return Conversation(ids.new_id(ids.CONVERSATION), title, moment, moment, False, 0)

    def append(
        self,
        conversation_id: str,
        role: Role,
        text: str,
        author: Author,
        *,
        parent_id: str | None,
        status: MessageStatus,
        private: bool,
        drafts: Sequence[PassageDraft] | None,
        capture: bool,
        citations: Iterable[Citation],
    ) -> Message:
        """Hold a message; it never becomes passages, and nothing is captured from it."""
        private = private or (role is not Role.ASSISTANT and self._covers(text))
        message = Message(
            ids.new_id(ids.MESSAGE), conversation_id, parent_id, role, text, author, status, now(), private
        )
        self._messages[message.id] = message
        return message

    def save_partial(self, message_id: str, text: str, *, private: bool = False) -> None:
        """Hold how far an answer has come."""
        begun = self._messages[message_id]
        self._messages[message_id] = replace(begun, text=text, private=begun.private or private)

    def finish(
        self,
        message_id: str,
        text: str,
        author: Author,
        status: MessageStatus,
        *,
        citations: Iterable[Citation],
        input_tokens: int | None,
        output_tokens: int | None,
        drafts: Sequence[PassageDraft] | None,
        private: bool,
    ) -> Message:
        """Hold the last form of an answer."""
        begun = self._messages[message_id]
        finished = replace(
            begun,
            text=text,
            author=author,
            status=status,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            private=begun.private or private,
        )
        self._messages[message_id] = finished
        return finished

    def begin_tool_use(self, message_id: str, tool: str, arguments: str) -> int:
        """Keep nothing: whoever is looking has seen it."""
        return 0

    def end_tool_use(self, message_id: str, number: int, outcome: ToolOutcome) -> None:
        """Keep nothing."""

    def tool_uses(self, message_id: str) -> list[ToolUse]:
        """Return nothing."""
        return []

    def discard(self, message_id: str) -> Message | None:
        """Let go of an answer of which nothing was written."""
        del self._messages[message_id]
        return None

    def view(self, conversation_id: str, message_id: str) -> None:
        """The branch in view is the session's own affair."""

    def messages(self, conversation_id: str) -> list[Message]:
        """Return the messages in the order they were written."""
        return list(self._messages.values())

    def citations(self, message_id: str) -> list[Citation]:
        """Of sources nothing is kept."""
        return []

    def get_written_since(self, moment: datetime, most: int) -> list[Message]:
        """Of what was written elsewhere nothing is looked at here."""
        return []


ConversationLog = Conversations | ForgettingLog
