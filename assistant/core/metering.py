"""Metering: every request to a model is entered in the ledger before it is sent, within the budgets that are set."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.core.framing import estimate_tokens
from assistant.errors import BudgetError, ModelError
from assistant.llm.base import (
    ChatModel,
    ChatRequest,
    Finished,
    ModelEvent,
    ModelInfo,
    TextDelta,
    ThinkingDelta,
    ToolCalled,
)
from assistant.llm.energy import Energy, Rapl, energy_of
from assistant.llm.prices import Price, cost_of
from memory_store import Limit, NewEntry, Unit, Usage
from memory_store.errors import EmbeddingError, OverBudgetError, StoreError
from memory_store.importing import one_at_a_time
from memory_store.models import Purpose
from memory_store.network import is_loopback

if TYPE_CHECKING:
    from memory_store import Store
    from memory_store.embedding.base import Embedder, EmbedderIdentity, Vectors

# What the template of a chat adds to each message.
_MESSAGE_TOKENS: Final = 8
_HINT: Final = (
    "Raise it under [budget] in the settings, take less with /effort instant, or choose a cheaper model or one on this "
    "machine with /model."
)

_UNKNOWN_HINTS: Final = {
    "price": "Say its price under [prices] in the settings, or choose another model with /model.",
    "energy": "Choose a model of a service whose energy is known, with /model, or set a budget of tokens.",
}


@dataclass(frozen=True, slots=True)
class Meter:
    """The store whose ledger requests are entered in, the budgets that they keep to, and the user's own prices.

    `rapl` measures what a model on this machine takes.
    """

    store: Store
    limits: tuple[Limit, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    rapl: Rapl = field(default_factory=Rapl)

    @property
    def looks_up(self) -> bool:
        """Whether what a request costs is looked up before it is sent, as some budget counts it.

        Else it is looked up while the request is under way: the first time that takes most of a second.
        """
        return any(limit.unit is not Unit.TOKENS for limit in self.limits)

    def usage(
        self,
        name: str,
        endpoint: str | None,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int | None = None,
        *,
        counted: bool = False,
        measured: Energy | None = None,
        in_batch: bool = False,
    ) -> Usage:
        """Return tokens with what they cost, and the energy that was measured or, of a service's model, is known."""
        energy = measured
        with one_at_a_time:  # the first time it imports what knows prices
            tokens = input_tokens, output_tokens, cached_tokens or 0
            cost = cost_of(name, endpoint, *tokens, self.prices, in_batch=in_batch)
            if endpoint is not None and not is_loopback(endpoint):
                energy = energy_of(name, endpoint, input_tokens, output_tokens, cached_tokens or 0)
        found = (energy.low, energy.high, energy.method) if energy else (None, None, None)
        return Usage(input_tokens, output_tokens, cached_tokens, counted, cost, *found)

    def settle(self, entry: str, usage: Usage) -> None:
        """Enter what a request took; where that fails, what is reserved stays spent, and nothing else is lost."""
        with suppress(StoreError):
            self.store.ledger.settle(entry, usage)


class MeteredModel:
    """A chat model whose requests are entered in the ledger, with `role` as what the model is for.

    What a request may take at most is reserved before it is sent; what it took takes its place, also where it was cut.
    Where the endpoint counts no tokens they are estimates, and marked as such.
    """

    def __init__(self, model: ChatModel, role: str, meter: Meter) -> None:
        self._model = model
        self._role = role
        self._meter = meter
        self._ledger = meter.store.ledger

    @property
    def info(self) -> ModelInfo:
        """The model's."""
        return self._model.info

    def estimate(self, input_tokens: int, output_tokens: int) -> Usage:
        """Return what so many tokens would take."""
        return self._meter.usage(self.info.name, self.info.endpoint, input_tokens, output_tokens)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream what the model says. Raises BudgetError where a budget has no room for it, else as the model does."""
        asked = estimate_input(request)
        entry = await self._reserve(request, asked)
        before = self._meter.rapl.read() if self.info.is_private else {}
        looking_up = asyncio.ensure_future(asyncio.to_thread(self._usage, 0, 0))  # prices, while the model reads
        heard: list[str] = []
        is_settled = False
        try:
            async with aclosing(self._model.stream(request)) as events:  # type: ignore[type-var]
                async for event in events:
                    match event:
                        case TextDelta(piece) | ThinkingDelta(piece):
                            heard.append(piece)
                        case ToolCalled(call):
                            heard.append(call.arguments)
                        case Finished():
                            await asyncio.wait({looking_up})
                            await asyncio.to_thread(self._settle, entry, asked, heard, before, event)
                            is_settled = True
                    yield event
        except ModelError as error:
            if not heard and not error.was_sent:
                self._ledger.release(entry)
            # What was sent and not answered in time may still be worked on: all that is reserved for it stays spent.
            is_settled = not heard
            raise
        finally:
            if not is_settled:  # synchronous, so that a cancelled task can't skip it
                settle = partial(self._settle, entry, asked, heard, before, None)
                if looking_up.done():
                    settle()
                else:  # loading the prices here would stop everything on the loop
                    looking_up.add_done_callback(lambda _: settle())

    async def close(self) -> None:
        """Close the model."""
        await self._model.close()

    async def _reserve(self, request: ChatRequest, asked: int) -> str:
        reserving = asyncio.ensure_future(asyncio.to_thread(self._enter, request, asked))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            reserving.add_done_callback(self._give_back)
            raise

    def _enter(self, request: ChatRequest, asked: int) -> str:
        info = self.info
        answer = request.max_tokens or max(info.context_tokens - asked, 0)
        # What a model here takes is measured, and not foreseen.
        measured = Energy(0, 0, "RAPL") if info.is_private and self._meter.rapl.read() else None
        # Here it costs nothing, as is known without the list of prices; so it stays known where the program dies.
        looks_up = self._meter.looks_up or info.endpoint is None or is_loopback(info.endpoint)
        most = self._usage(asked, answer, measured=measured) if looks_up else Usage(asked, answer)
        entry = NewEntry(self._role, request.purpose, info.name, info.endpoint, most, request.message_id)
        try:
            return self._ledger.reserve(entry, self._meter.limits)
        except OverBudgetError as error:
            raise budget_error(error) from error

    def _give_back(self, reserving: asyncio.Future[str]) -> None:
        if not reserving.cancelled() and reserving.exception() is None:
            self._ledger.release(reserving.result())

    def _settle(
        self, entry: str, asked: int, heard: list[str], before: Mapping[Path, int], finished: Finished | None
    ) -> None:
        counted_input = finished.input_tokens if finished else None
        counted_output = finished.output_tokens if finished else None
        said = estimate_tokens("".join(heard)) if counted_output is None and heard else 0
        usage = self._usage(
            asked if counted_input is None else counted_input,
            said if counted_output is None else counted_output,
            finished.cached_tokens if finished else None,
            counted=counted_input is not None and counted_output is not None,
            measured=self._meter.rapl.since(before),
        )
        self._meter.settle(entry, usage)

    def _usage(
        self,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int | None = None,
        *,
        counted: bool = False,
        measured: Energy | None = None,
    ) -> Usage:
        name, endpoint = self.info.name, self.info.endpoint
        return self._meter.usage(
            name, endpoint, input_tokens, output_tokens, cached_tokens, counted=counted, measured=measured
        )


class MeteredEmbedder:
    """An embedder at an endpoint whose requests are entered in the ledger, a batch of texts as one; estimated.

    `meter` is set once the store is open: it is opened with its embedder, and the ledger is in it. What fails is given
    back: an endpoint that gave no vectors asks for nothing, or for less than the next batch.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._model = embedder.identity.name.removeprefix("openai/")  # as the endpoint knows it
        self.meter: Meter | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """The embedder's."""
        return self._embedder.identity

    @property
    def is_private(self) -> bool:
        """Whether it is on this machine."""
        return self._embedder.is_private

    @property
    def endpoint(self) -> str | None:
        """Where texts go."""
        return self._embedder.endpoint

    def load(self) -> None:
        """Load what the embedder needs."""
        self._embedder.load()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return the embedder's vectors. Raises EmbeddingError, also where a budget has no room for them."""
        return self._metered(texts, lambda: self._embedder.embed_passages(texts))

    def embed_query(self, text: str) -> Vectors:
        """Return the embedder's vector. Raises EmbeddingError, also where a budget has no room for it."""
        return self._metered([text], lambda: self._embedder.embed_query(text))

    def close(self) -> None:
        """Close the embedder."""
        self._embedder.close()

    def _metered(self, texts: Sequence[str], embed: Callable[[], Vectors]) -> Vectors:
        meter = self.meter
        if meter is None or not texts:
            return embed()
        tokens = sum(map(estimate_tokens, texts))
        used = meter.usage(self._model, self.endpoint, tokens, 0) if meter.looks_up else Usage(tokens, 0)
        ledger = meter.store.ledger
        try:
            entry = ledger.reserve(NewEntry("embed", Purpose.EMBED, self._model, self.endpoint, used), meter.limits)
        except OverBudgetError as error:
            hint = "Raise it under [budget] in the settings; recall goes on from full text meanwhile."
            raise EmbeddingError(error.message, hint) from error
        looking_up = threading.Thread(target=meter.usage, args=(self._model, self.endpoint, 0, 0), daemon=True)
        looking_up.start()  # prices, while the endpoint works
        try:
            vectors = embed()
        except BaseException:
            with suppress(StoreError):
                ledger.release(entry)
            raise
        looking_up.join()
        meter.settle(entry, meter.usage(self._model, self.endpoint, tokens, 0))
        return vectors


def budget_error(error: OverBudgetError) -> BudgetError:
    """Return what to tell of a request that a budget has no room for."""
    return BudgetError(error.message, _UNKNOWN_HINTS.get(error.unknown, _HINT), error.window)


def estimate_input(request: ChatRequest) -> int:
    """Return an estimate of the tokens that a model reads for a request, on the high side."""
    tools = [f"{tool.description}{json.dumps(tool.parameters)}" for tool in request.tools]
    called = [call.arguments for message in request.messages for call in message.calls]
    texts = [*(message.content for message in request.messages), *called, *tools]
    return sum(estimate_tokens(text) + _MESSAGE_TOKENS for text in texts)
