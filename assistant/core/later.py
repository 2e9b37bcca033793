"""Later: a question is handed to a batch API, and its answer collected within a day, after any restart.

Nothing is paid for twice: what is intended is in the record before anything is sent, and after a crash the service's
own batches are looked through; nothing is ever handed in again by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from assistant.core.context import cited_numbers
from assistant.core.metering import Meter, budget_error, estimate_input
from assistant.errors import ModelError
from assistant.ingestion.chunking import passages_of_message
from assistant.llm.base import ChatRequest, ModelInfo, is_whole, shortfall
from assistant.llm.batches import Answered, Batches, NotAnswered
from assistant.llm.roles import ModelRole
from memory_store import LateRequest, LateState, NewEntry
from memory_store.clock import now
from memory_store.errors import ClosedError, KeepsakeError, OverBudgetError
from memory_store.models import Author, AuthorKind, MessageStatus

if TYPE_CHECKING:
    from memory_store import Store

# A batch is looked for after a tenth of the time that it has waited, within these bounds.
_FIRST_LOOK: Final = timedelta(seconds=20)
_LONGEST_PAUSE: Final = timedelta(minutes=10)
# Handing in may take so long; what is not confirmed by then was cut by a crash.
_BEING_HANDED_IN: Final = timedelta(minutes=10)
# A batch ends within a day: what nobody can tell of after this time will never be told.
_LONGEST_DOUBT: Final = timedelta(days=3)
# Services keep what came of a batch for about a month; what was erased is taken back no more after that.
_LONGEST_KEPT: Final = timedelta(days=30)
_BETWEEN_CHECKS_S: Final = 5.0

FindBatches = Callable[[str, str], Batches | None]
"""Returns the batch API of an endpoint and a shape, as the settings have it; None where they don't."""


class MeteredBatches:
    """A model that answers within a day; what it may take is reserved before a question is handed in.

    `build` gives its batch API: its key may be in a keyring, which takes a while to ask.
    """

    def __init__(self, info: ModelInfo, build: Callable[[], Batches], meter: Meter) -> None:
        self.info = info
        self._build = build
        self._meter = meter
        self._built: Batches | None = None

    def hand_in(self, request: ChatRequest, recalled: int) -> str:
        """Hand a request in, of whose sources so many were recalled; return what went wrong where it may have arrived.

        Raises BudgetError where a budget has no room for it, else ModelError where it was surely not handed in, and
        ConfigError or CredentialError where it can't be. Where that is not known its intention stays, to be looked for.
        """
        info, late, batches = self.info, self._meter.store.late, self.open()
        asked = estimate_input(request)
        answer = request.max_tokens or max(info.context_tokens - asked, 0)
        most = self._meter.usage(info.name, info.endpoint, asked, answer, in_batch=True)
        entry = NewEntry(ModelRole.LATER, request.purpose, info.name, info.endpoint, most, request.message_id)
        try:
            intended = late.intend(entry, self._meter.limits, batches.shape, recalled)
        except OverBudgetError as error:
            raise budget_error(error) from error
        try:
            batch = batches.submit(intended.id, request)
        except ModelError as error:
            if not error.was_sent:
                late.withdraw(intended.id)
                raise
            late.note_look(intended.id, now(), error.message)
            return error.message
        late.confirm(intended.id, batch)
        return ""

    def open(self) -> Batches:
        """Return the batch API. Raises ConfigError or CredentialError where something is missing for it."""
        if self._built is None:
            self._built = self._build()
        return self._built

    def close(self) -> None:
        """Close the connections."""
        if self._built is not None:
            self._built.close()


class Collector:
    """Looks for the answers that are to come, in a thread of its own or when it is called; one process at a time.

    `find` gives the batch API that a question was handed to, whatever the settings name for the next one.
    """

    def __init__(self, store: Store, meter: Meter, find: FindBatches) -> None:
        self._store = store
        self._meter = meter
        self._find = find
        self._working = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Look from now on, in the background."""
        threading.Thread(target=self._run, name="keepsake-later", daemon=True).start()

    def stop(self) -> None:
        """Look no more; a request that is under way is not waited for."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.collect()
            except ClosedError:
                return
            except KeepsakeError:
                pass  # busy: another look comes
            self._stopping.wait(_BETWEEN_CHECKS_S)

    def collect(self, moment: datetime | None = None, *, at_once: bool = False) -> bool:
        """Look for what is due, or for all `at_once`; return whether this process may: another one may be at it."""
        at = moment or now()
        late = self._store.late
        if not any(_is_due(request, at, at_once=at_once) for request in late.open()):
            return True
        with self._working:
            turn = late.take_turn()
            if turn is None:
                return False
            with turn:
                for request in late.open():  # anew: another process may just have looked
                    if _is_due(request, at, at_once=at_once):
                        self._look_for(request, at)
                    if self._stopping.is_set():
                        break
        return True

    def cancel(self, request: LateRequest) -> None:
        """Take a question back at the service; of one that it may not even have, no answer is waited for any more.

        Raises ModelError where that can't be done.
        """
        late = self._store.late
        if request.batch is None:
            late.end(request.id, LateState.CANCELLED, spent=True)
            return
        batches = self._find(request.endpoint, request.shape)
        if batches is None:
            raise ModelError(_explain_missing(request), _SET_UP)
        try:
            batches.cancel(request.batch)
        except ModelError:
            self.collect(at_once=True)  # it may be over by now
            if any(other.id == request.id for other in late.open()):
                raise
        finally:
            batches.close()
        self.collect(at_once=True)

    def _look_for(self, request: LateRequest, at: datetime) -> None:
        """Look for one answer; what is wrong is noted with it."""
        late = self._store.late
        if request.message_id is None and at - request.intended_at > _LONGEST_KEPT:
            late.end(request.id, LateState.CANCELLED, spent=True)
            return
        try:
            batches = self._find(request.endpoint, request.shape)
        except KeepsakeError as error:  # no key, or a file of keys that is open to others
            late.note_look(request.id, at, error.message)
            return
        if batches is None:
            late.note_look(request.id, at, _explain_missing(request))
            return
        try:
            self._take(request, batches, at)
        except ModelError as error:
            late.note_look(request.id, at, error.message)
        finally:
            batches.close()

    def _take(self, request: LateRequest, batches: Batches, at: datetime) -> None:
        late = self._store.late
        batch = request.batch or self._adopt(request, batches, at)
        if batch is None:
            return
        if request.message_id is None:
            with suppress(ModelError):  # it has ended, or can't be taken back: then what it brings is thrown away
                batches.cancel(batch)
        outcome = batches.look(request.id, batch)
        match outcome:
            case None:
                late.note_look(request.id, at)
                return
            case NotAnswered(state, reason):
                late.end(request.id, LateState(state), reason or None)
            case Answered():
                self._store_answer(request, outcome)
        with suppress(ModelError):  # the service deletes it by itself after some weeks
            batches.clear(batch)

    def _adopt(self, request: LateRequest, batches: Batches, at: datetime) -> str | None:
        """Return the batch of a question whose handing in was cut, if it is known by now."""
        late = self._store.late
        known = {other.batch for other in late.open() if other.batch}
        found = batches.find(request.id, request.intended_at, known)
        if found.batch is not None:
            late.confirm(request.id, found.batch)
        elif found.is_sure:
            late.end(request.id, LateState.FAILED, "It was not handed in: that was cut off before the service had it.")
        elif at - request.intended_at > _LONGEST_DOUBT:
            late.end(request.id, LateState.FAILED, "Nobody can tell whether the service had it.", spent=True)
        else:
            late.doubt(request.id)
            late.note_look(request.id, at, request.trouble)
        return found.batch

    def _store_answer(self, request: LateRequest, answered: Answered) -> None:
        text, finished = answered.text, answered.finished
        usage = None  # where nobody counted, what was reserved stands
        if finished.input_tokens is not None and finished.output_tokens is not None:
            tokens = finished.input_tokens, finished.output_tokens, finished.cached_tokens
            usage = self._meter.usage(request.model, request.endpoint, *tokens, counted=True, in_batch=True)
            usage = usage if answered.cost is None else replace(usage, cost=answered.cost)
        late = self._store.late
        lacking = shortfall(finished, said=bool(text.strip()), thought=False)
        if not text.strip():
            late.end(request.id, LateState.FAILED, lacking.message if lacking else None, usage=usage, spent=True)
            return
        status = MessageStatus.COMPLETE if is_whole(finished) else MessageStatus.PARTIAL
        author = Author(AuthorKind.MODEL, finished.model)
        stored = late.answer(request.id, text, author, status, usage, cited_numbers(text), passages_of_message(text))
        if stored is not None:
            self._store.wake()


def _is_due(request: LateRequest, at: datetime, *, at_once: bool) -> bool:
    """Say whether to look now; for what may still be handed in there is nothing to look for."""
    if request.batch is None and at - request.intended_at < _BEING_HANDED_IN:
        return False
    if at_once:
        return True
    if request.message_id is None and request.looked_at is None:
        return True
    waited = at - request.intended_at
    pause = min(max(waited / 10, _FIRST_LOOK), _LONGEST_PAUSE)
    return at - (request.looked_at or request.intended_at) >= pause


_SET_UP: Final = "Set that endpoint up again, with `batch` as it was; docs/models.md shows how."


def _explain_missing(request: LateRequest) -> str:
    return f"{request.endpoint} is no longer set up with a batch API of the shape {request.shape}."
