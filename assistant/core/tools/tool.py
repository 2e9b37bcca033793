"""A tool: its name, what it takes, what it does to the world, and how it is done."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from assistant.core.framing import framed, quoted
from assistant.core.tools.forms import AskUser, decline
from assistant.llm.base import ToolSpec
from memory_store import Store
from memory_store.models import Author, Hit

NOBODY_TO_ASK: Final = "Nobody could be asked whether this may be done: that takes the chat."
"""What a model reads in place of what a tool gives back where the user is not there to agree to it."""
Form = TypeVar("Form", bound=BaseModel)
_MOST_WRONG: Final = 3


@lru_cache(maxsize=512)
def schema_of(form: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a form, which is not to be changed: it is made once, as that takes a millisecond."""
    return form.model_json_schema()


class Effect(StrEnum):
    """What a tool does to the world."""

    READ = "read"
    """It only looks."""
    WRITE = "write"
    """It changes something on this machine."""
    SEND = "send"
    """It may do anything outside, and what it is given may leave this machine."""


@dataclass(slots=True)
class Bench:
    """What the tools of one turn work with: the store, what of it may be seen, and the numbers of what they find.

    `sources` are those that the model was shown, by their numbers; what is found gets the next ones from `first`.
    `private` says that the question is, or what was shown with it; `author` is who uses them. `shown` are the ids of
    all passages that a model reads by a tool, each with whether it is private; `given` those of what it had before.
    `ask_user` puts to the user what a server asks while its tool runs; `question` is what the user wrote.
    """

    store: Store
    include_private: bool
    private: bool
    question_id: str | None
    author: Author
    sources: dict[int, Hit]
    first: int
    found: dict[int, Hit] = field(default_factory=dict)
    shown: dict[str, bool] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    ask_user: AskUser = decline
    question: str = ""

    @property
    def is_private(self) -> bool:
        """Whether anything that the model has seen is private: so is what it writes then."""
        return self.private or any(self.shown.values())

    def note_sent(self, place: str, tool: str) -> None:
        """Enter in the log of requests that a tool sends away what may hold anything that the model saw."""
        self.store.requests.log(place, tool, "chat", dict.fromkeys((*self.given, *self.shown)))

    def show(self, hits: Iterable[Hit]) -> str:
        """Return passages as numbered sources; one that was shown before keeps its number."""
        return "\n\n".join(framed(self._number(hit), self._note(hit)) for hit in hits)

    def read(self, hits: Iterable[Hit]) -> str:
        """Return the words of passages, quoted, one after the other."""
        return "\n".join(quoted(self._note(hit).text) for hit in hits)

    def cite(self, hit: Hit, line: str) -> str:
        """Return a line about a passage, quoted behind its number."""
        return f"[{self._number(self._note(hit))}] {quoted(line)}"

    def find(self, number: int) -> Hit | None:
        """Return the source of a number."""
        return self.sources.get(number) or self.found.get(number)

    def _note(self, hit: Hit) -> Hit:
        self.shown[hit.id] = hit.private
        return hit

    def _number(self, hit: Hit) -> int:
        for number, known in (*self.sources.items(), *self.found.items()):
            if known.id == hit.id:
                return number
        number = max([self.first - 1, *self.sources, *self.found]) + 1
        self.found[number] = hit
        return number


@dataclass(frozen=True, slots=True)
class Tool(Generic[Form]):
    """`form` says what it takes; `run` does it and returns what the model reads of it. `run` raises ToolError.

    What waits for others is a coroutine function; anything else runs in a thread. `place` is where what it is given
    goes, for the log of requests; it is empty where all stays here, or `run` enters it. One that `asks_each_time` takes
    no yes for more than once; what `is_wanted`, as the user wrote it so themselves, needs none. One that
    `is_idempotent` does no more when it is done twice.
    """

    name: str
    description: str
    form: type[Form]
    effect: Effect
    run: Callable[[Bench, Form], str | Awaitable[str]]
    origin: str = "Keepsake"
    place: str = ""
    asks_each_time: bool = False
    is_idempotent: bool = False
    is_wanted: Callable[[Bench, Form], bool] = lambda *_: False

    @property
    def spec(self) -> ToolSpec:
        """How it is offered to a model."""
        return ToolSpec(self.name, self.description, schema_of(self.form))

    def read(self, arguments: str) -> Form:
        """Return arguments, a JSON object, in its form. Raises ToolError saying which don't fit, and why."""
        try:
            return self.form.model_validate_json(arguments or "{}")
        except (ValidationError, RecursionError) as error:
            wrong = error.errors()[:_MOST_WRONG] if isinstance(error, ValidationError) else []
            told = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in wrong)
            raise ToolError(f"The arguments do not fit: {told or 'they are no JSON'}.") from error

    @property
    def fingerprint(self) -> str:
        """A hash of all that a model and the user are told of it: another description is another tool."""
        told: list[Any] = [self.origin, self.name, self.description, self.effect, schema_of(self.form)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool that the user is asked about, and in words what it is to be used for.

    Where it `leaks`, they may hold something private that leaves this machine, and are to be shown whole; where it
    `repeats`, it is not known whether it was done already. Then no earlier yes holds.
    """

    tool: Tool[Any]
    words: str
    leaks: bool = False
    repeats: bool = False

    @property
    def needs_own_yes(self) -> bool:
        """Whether no earlier yes holds."""
        return self.leaks or self.repeats or self.tool.asks_each_time


Approve = Callable[[ToolRequest], Awaitable[bool]]
"""Asks the user whether a tool may be used. Raises ToolError where nobody can be asked."""


async def use_tool(tool: Tool[Any], bench: Bench, asked: Any) -> str:
    """Return what a tool gives back; what leaves by it is entered in the log before. Raises as `run` does."""
    if tool.place:
        await asyncio.to_thread(bench.note_sent, tool.place, tool.name)
    waits = inspect.iscoroutinefunction(tool.run)
    given = tool.run(bench, asked) if waits else await asyncio.to_thread(tool.run, bench, asked)
    return given if isinstance(given, str) else await given


class ToolError(Exception):
    """Why a tool could not do what it was asked; the model is told."""


class UncertainError(ToolError):
    """Why it is not known what came of the use of a tool: it may have done what it was asked."""
