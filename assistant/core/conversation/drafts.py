"""What is being written and not sent yet: kept while one writes, gone in the transaction that stores the message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from assistant.core.conversation.skin import Skin
from assistant.language import _
from assistant.threads import in_thread
from memory_store import Drafts, Store
from memory_store.errors import KeepsakeError, LostRecordError

T = TypeVar("T")


class DraftKeeper:
    """Keeps one draft a conversation; where it can't be kept, that is said once and the chat goes on."""

    def __init__(self, store: Store, skin: Skin) -> None:
        self._drafts = store.drafts
        self._skin = skin
        self._lock = asyncio.Lock()
        self._told = False

    async def keep(self, read: Callable[[], tuple[str | None, str]]) -> None:
        """Keep what is being written, and in which conversation, as it stands when its turn has come."""
        await self._with_drafts(lambda drafts: drafts.keep(*read()))

    async def get(self, conversation_id: str | None) -> str | None:
        """Return what was being written in this conversation."""
        return await self._with_drafts(lambda drafts: drafts.get(conversation_id))

    async def drop(self, text: str) -> None:
        """Let go of a text that was sent and is stored nowhere."""
        await self._with_drafts(lambda drafts: drafts.drop(text))

    async def settle(self) -> None:
        """Wait until what was being kept is: the transaction that stores a message takes its draft away."""
        async with self._lock:
            pass

    async def _with_drafts(self, work: Callable[[Drafts], T]) -> T | None:
        try:
            async with self._lock:
                return await in_thread(lambda: work(self._drafts))
        except LostRecordError:
            return None  # it is kept, in the copy beside; the chat says so by itself
        except KeepsakeError as error:
            if not self._told:
                self._told = True
                words = _("What you are writing can't be kept: {message}").format(message=error.message)
                self._skin.remark(words, warning=True)
            return None
