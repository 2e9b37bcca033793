"""Keeps the status line true: counts, work in the background, how full the context is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from assistant.core.conversation.skin import Report
from assistant.display import plain
from assistant.failures import hint_of
from assistant.language import _
from assistant.threads import in_thread
from assistant.tui.widgets.status_line import Status, StatusLine
from memory_store.errors import KeepsakeError
from memory_store.models import Effort
from memory_store.network import host_of

if TYPE_CHECKING:
    from assistant.llm.base import Answerer
    from assistant.tui.services import Services

POLL_SECONDS: Final = 1.0
# The background thread needs a moment to become the owner; before that nobody else need be it.
_POLLS_BEFORE_OTHER_OWNER: Final = 3


class StatusKeeper:
    """Looks at the store whenever `look` is called, and at its counts only when something may have changed."""

    def __init__(self, services: Services, line: StatusLine, tell: Callable[[Report], Awaitable[None]]) -> None:
        self._services = services
        self._line = line
        self._tell = tell
        self._status = Status()
        self._counted_at = (0, 0)
        self._polls = 0
        self._looking = False
        self._recount = False
        self._told_of_embedder = False
        self._told_of_loss = False

    def show_model(self, answerer: Answerer, effort: Effort) -> None:
        """Show who answers, where, and with what effort where that is not the usual one."""
        where = [where_of(answerer)] if effort is Effort.BALANCED else [where_of(answerer), _(effort.value)]
        self._set(model=plain(answerer.info.name, one_line=True), where=" · ".join(where))

    def show_context(self, tokens: int | None) -> None:
        """Show how much of the context the last request took; None before the first."""
        answerer = self._services.answerer
        self._set(context_tokens=tokens if answerer.reads else None, context_limit=answerer.info.context_tokens)

    def show_activity(self, text: str = "") -> None:
        """Show what is being done; an empty text when it is done."""
        self._set(activity=plain(text, one_line=True))

    async def look(self, *, recount: bool = False) -> None:
        """Look at the store; with `recount`, also where nothing seems to have changed. Whoever looks now does it."""
        self._recount = self._recount or recount
        if self._looking:
            return
        self._looking = True
        try:
            again = True
            while again:
                recount, self._recount = self._recount, False
                await self._look(recount)
                again = self._recount
        except KeepsakeError as error:
            self._set(problem=plain(error.message, one_line=True))
        finally:
            self._looking = False

    async def _look(self, recount: bool) -> None:
        services = self._services
        store = services.store
        waiting = await in_thread(store.waiting_for_vectors) if services.embeds else 0
        self._polls += 1
        owned_elsewhere = services.embeds and not store.owns_index and self._polls > _POLLS_BEFORE_OTHER_OWNER
        problem: KeepsakeError | None = store.lost_record
        if problem is not None and not self._told_of_loss:
            self._told_of_loss = True
            await self._tell(Report(problem.message, hint_of(problem), "error"))
        problem, trouble = problem or store.background_error, store.embedding_trouble
        if trouble is not None and not self._told_of_embedder:
            words = _("Answers go on by words alone; vectors follow when it is back.")
            await self._tell(Report(trouble.message, words, "warning"))
        self._told_of_embedder = trouble is not None
        self._set(
            waiting=waiting,
            index=_("index kept by another Keepsake") if owned_elsewhere else "",
            problem=plain(problem.message, one_line=True) if problem else _("words alone") if trouble else "",
        )
        now = await in_thread(store.changes)
        if recount or now != self._counted_at:
            self._counted_at = now
            counted = await in_thread(store.stats)
            self._set(documents=counted.documents, memories=counted.memories)

    def _set(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]
        self._line.show(self._status)


def where_of(answerer: Answerer) -> str:
    """Return where the model runs, in words: on this machine, or the host that the questions go to."""
    if not answerer.reads:
        return _("no language model")
    if answerer.info.is_private:
        return _("on this machine")
    return plain(host_of(answerer.info.place) or answerer.info.place, one_line=True)
