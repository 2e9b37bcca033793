"""The loop: a model asks for tools, they run, it reads what came of it, and goes on until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import BaseModel

from assistant.core.asking import note_sent
from assistant.core.framing import plain_text, shorten
from assistant.core.metering import estimate_input
from assistant.core.tools.tool import (
    NOBODY_TO_ASK,
    Approve,
    Bench,
    Effect,
    Tool,
    ToolError,
    ToolRequest,
    UncertainError,
    use_tool,
)
from assistant.llm.base import (
    REFUSED,
    AnswerEvent,
    ChatMessage,
    ChatModel,
    ChatRequest,
    Finished,
    ModelInfo,
    TextDelta,
    ToolCall,
    ToolCalled,
    ToolEnded,
    ToolSpec,
    ToolStarted,
    Turn,
    WasThinking,
)
from memory_store.errors import KeepsakeError
from memory_store.models import Role, ToolOutcome, ToolUse

# So often a model may ask for tools before it has to answer, and for so many at a time.
MOST_ROUNDS: Final = 6
_MOST_CALLS: Final = 8
_MOST_CHARS: Final = 16_000
_MOST_SENT_CHARS: Final = 1000  # in a turn that holds something private
_SPARE_TOKENS: Final = 250  # for the ends of what is cut
_IN_DOUBT: Final = "nobody knows whether this was done. Say so. The user is asked before it is done once more."
_OF_EARLIER: Final = {
    ToolOutcome.DONE: "This was done before the answer was cut.",
    ToolOutcome.BEGUN: f"The answer was cut meanwhile: {_IN_DOUBT}",
}


@dataclass(frozen=True, slots=True)
class ToolAnswerer:
    """Has a chat model answer that may use tools. Nothing that changes something is done without a yes.

    `tools` may be others after a tool has run: each request offers those that it holds by then.
    `earlier` are the uses of tools for the same answer before it was cut. What only reads is read once more, nothing
    else is done again, and the model is told whether it was done.
    """

    model: ChatModel
    tools: Mapping[str, Tool[Any]]
    bench: Bench
    approve: Approve
    earlier: Sequence[ToolUse] = ()
    reads: bool = True
    _doubted: set[str] = field(default_factory=set)

    @property
    def info(self) -> ModelInfo:
        """The model's."""
        return self.model.info

    async def answer(self, turn: Turn) -> AsyncIterator[AnswerEvent]:
        """Stream what the model says and does. Raises `ModelError` with a hint for a person."""
        request = replace(turn.request, tools=self._specs())
        finished: Finished | None = None
        told = self._tell_earlier()
        for left in reversed(range(MOST_ROUNDS)):
            calls = list(told)
            said = ""
            if not calls:
                async with aclosing(self.model.stream(request)) as events:  # type: ignore[type-var]
                    async for event in events:
                        match event:
                            case ToolCalled(call):
                                calls.append(call)
                            case Finished():
                                finished = _sum(finished, event)
                            case _:
                                said = _add(said, event)
                                yield event
            if not calls or not left:
                break
            calls = calls[:_MOST_CALLS]
            asked = ChatMessage(Role.ASSISTANT, said, calls=tuple(calls))
            results: list[ChatMessage] = []
            for call in calls:
                yield ToolStarted(call)
                text, outcome = told.get(call) or await self._run(call)
                text = shorten(text, self._room(request, asked, *results) // (len(calls) - len(results)))
                results.append(ChatMessage(Role.USER, text, call_id=call.id))
                yield ToolEnded(call, text, outcome)
            told = {}
            if said:
                yield TextDelta("\n\n")
            await note_sent(self.bench.store, self.info, list(self.bench.shown))
            offered = () if left == 1 else self._specs()  # in the end what was found has to do
            request = replace(request, messages=(*request.messages, asked, *results), tools=offered)
        if finished is not None:
            yield finished

    def _specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self.tools.values())

    def _room(self, request: ChatRequest, *more: ChatMessage) -> int:
        """Return the tokens that are left in the window for what tools give back, less what an answer takes."""
        sent = replace(request, messages=(*request.messages, *more))
        return self.info.context_tokens - (request.max_tokens or 0) - estimate_input(sent) - _SPARE_TOKENS

    def _tell_earlier(self) -> dict[ToolCall, tuple[str, ToolOutcome] | None]:
        """Return what was asked of tools before, with what the model is told of it; None for what is read again."""
        told: dict[ToolCall, tuple[str, ToolOutcome] | None] = {}
        for number, use in enumerate(self.earlier[-_MOST_CALLS:], start=1):
            tool = self.tools.get(use.tool)
            if use.outcome is not ToolOutcome.FAILED:
                call = ToolCall(f"earlier_{number}", use.tool, use.arguments)
                reads = tool is not None and tool.effect is Effect.READ
                told[call] = None if reads else (_OF_EARLIER[use.outcome], use.outcome)
        return told

    async def _run(self, call: ToolCall) -> tuple[str, ToolOutcome]:
        """Return what the model reads of a call, and how it ended."""
        try:
            return plain_text(await self._use(call))[:_MOST_CHARS], ToolOutcome.DONE
        except UncertainError as error:
            self._doubted.add(call.name)
            return f"{str(error).rstrip('.')}: {_IN_DOUBT}", ToolOutcome.BEGUN
        except ToolError as error:
            return str(error), ToolOutcome.FAILED
        except KeepsakeError as error:
            return error.message, ToolOutcome.FAILED

    async def _use(self, call: ToolCall) -> str:
        """Return what a tool gives back. Raises ToolError, or what the store raises."""
        tool = self.tools.get(call.name)
        if tool is None:
            raise ToolError(f"There is no tool {call.name}.")
        asked = tool.read(call.arguments)
        if tool.effect is not Effect.READ and not await self._may_use(tool, call, asked):
            raise ToolError(REFUSED)
        return await use_tool(tool, self.bench, asked)

    async def _may_use(self, tool: Tool[Any], call: ToolCall, asked: BaseModel) -> bool:
        """Return whether the user lets a tool be used that changes something or sends something away."""
        leaks = tool.effect is Effect.SEND and self.bench.is_private
        if leaks and len(call.arguments) > _MOST_SENT_CHARS:
            raise ToolError("That is too long to show the user whole before it is sent: send less.")
        if not self.bench.is_private and tool.is_wanted(self.bench, asked):
            return True
        cut = {use.tool for use in self.earlier if use.outcome is ToolOutcome.BEGUN}
        repeats = tool.name in cut | self._doubted
        request = ToolRequest(tool, call.arguments if leaks else call.words, leaks, repeats)
        holds = self.bench.store.approvals.holds
        if not request.needs_own_yes and await asyncio.to_thread(holds, tool.fingerprint):
            return True
        return await self.approve(request)


def _sum(before: Finished | None, last: Finished) -> Finished:
    """Return the end of the last request, with the tokens of all."""
    if before is None:
        return last
    return replace(
        last,
        input_tokens=(before.input_tokens or 0) + (last.input_tokens or 0) or None,
        output_tokens=(before.output_tokens or 0) + (last.output_tokens or 0) or None,
    )


def _add(said: str, event: AnswerEvent) -> str:
    match event:
        case TextDelta(piece):
            return said + piece
        case WasThinking():
            return ""
        case _:
            return said


async def refuse(request: ToolRequest) -> bool:
    """Raise ToolError: there is nobody to ask."""
    raise ToolError(NOBODY_TO_ASK)
