"""Does a step of a task: a tool is used as the plan says, or a model in its role hands over what is asked, typed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from assistant.core.asking import MOST_TRIES, note_sent, read_form, require_model, whole_answer
from assistant.core.context import cited_numbers, renumber
from assistant.core.framing import estimate_tokens, plain_text, quoted, shorten
from assistant.core.prompts import prompt
from assistant.core.tasks.plan import ModelChoice, Plan, Step, fill
from assistant.core.tools.answering import ToolAnswerer, refuse
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError, schema_of, use_tool
from assistant.errors import ModelError
from assistant.language import _
from assistant.llm.base import ChatMessage, ChatModel, ChatRequest, TextDelta, ToolEnded, Turn, WasThinking
from assistant.llm.roles import ModelRole, Models
from memory_store import Store, Task, TaskItem
from memory_store.errors import KeepsakeError
from memory_store.models import Author, AuthorKind, Purpose, Role

Form = TypeVar("Form", bound=BaseModel)
Result = TypeVar("Result")
_ANSWER_TOKENS: Final = 800
_MATERIAL_TOKENS: Final = 6000
_LEAST_TOKENS: Final = 100  # less of a text says nothing
_SPARE_TOKENS: Final = 500  # for the schema, and what stands around the material
MOST_STEP_TOKENS: Final = (_MATERIAL_TOKENS + _LEAST_TOKENS + _SPARE_TOKENS, _ANSWER_TOKENS)
"""What a request to a model for a step takes at most, as it is told before: there, and back."""
_RESULT_CHARS: Final = 12_000
_KEY: Final = "idempotency_key"


class Unreadable(Exception):
    """A model gave no answer that can be read."""


@dataclass(slots=True)
class Run:
    """A task that is being worked on."""

    store: Store
    task: Task
    plan: Plan
    models: Models
    tools: Mapping[str, Tool[Any]]
    private: bool
    resting: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0  # steps
    step_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def note_end(self) -> None:
        """Wake up whoever waits for a step to end."""
        self.step_ended.set()
        self.step_ended = asyncio.Event()

    def bench(self) -> Bench:
        """Return what its tools work with."""
        author, message_id = Author(AuthorKind.MODEL, "keepsake"), self.task.message_id
        bench = Bench(self.store, self.private, self.private, message_id, author, {}, 1, given=(message_id,))
        bench.question = self.task.plan  # what stands in it the user has seen
        return bench

    def model(self, choice: ModelChoice) -> ChatModel:
        """Return a model. Raises ModelError where there is none that may do it."""
        model = self.models.find(ModelRole(choice), private=self.private)
        return require_model(model, "may do this", "`keepsake model add` sets one up.")


def describe_step(run: Run, item: TaskItem, step: Step, number: int, known: Mapping[str, str]) -> dict[str, Any]:
    """Return what is asked for, as it is entered; `repeats` says that it may be done once more after a crash."""
    if not step.tool:
        columns = {name: column.words for name, column in step.columns.items()}
        return {"step": step.name, "ask": ask_of(run, step, known)[:_RESULT_CHARS], "columns": columns, "repeats": True}
    tool = run.tools[step.tool]
    arguments = {name: fill(text, known) for name, text in step.arguments.items()}
    properties = tool.spec.parameters.get("properties", {})
    keyed = _KEY in properties and _KEY not in arguments
    if keyed:  # the same for the same step of the same item, whenever it is done
        arguments[_KEY] = f"{item.id}-{number}"
    repeats = keyed or tool.effect is Effect.READ or tool.is_idempotent
    return {"step": step.name, "tool": tool.name, "with": arguments, "repeats": repeats}


def ask_of(run: Run, step: Step, known: Mapping[str, str]) -> str:
    """Return what a model is asked. What a tool gave back is named in it, and stands below with all that is quoted."""
    below = {other.name: f"({other.name}, below)" for other in run.plan.steps if other.tool}
    return plain_text(fill(step.ask, {**known, **below}))


def only_reads(run: Run, step: Step) -> bool:
    """Return whether a step changes nothing and sends nothing away by a tool."""
    return not step.tool or run.tools[step.tool].effect is Effect.READ


async def needs_no_yes(run: Run, step: Step, asked: Mapping[str, Any]) -> bool:
    """Return whether a step may be done as it is: it reads, the plan has it word for word, or all like it may."""
    if only_reads(run, step):
        return True
    if run.private:
        return False
    tool = run.tools[step.tool]
    with suppress(ToolError):
        if tool.is_wanted(run.bench(), arguments_of(tool, asked["with"])):
            return True
    allowed = run.store.tasks.is_allowed
    return not tool.asks_each_time and await asyncio.to_thread(allowed, run.task.id, template_of(tool, step))


async def take_step(run: Run, step: Step, asked: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """Return what came of a step: what its tool gave back, or its columns as a JSON object.

    Raises ToolError, ModelError or Unreadable.
    """
    if step.tool:
        return await _use(run, run.tools[step.tool], asked["with"])
    columns = "\n".join(f"- {name}: {column.words}" for name, column in step.columns.items())
    system = f"{prompt(f'task_{step.role}')}\n{columns}"
    if step.tools:
        return await _find(run, step, system, known)
    found = await ask_form(run, step.model, system, ask_of(run, step, known), known, step.form)
    return json_text(found.model_dump(mode="json"))


async def _use(run: Run, tool: Tool[Any], arguments: Mapping[str, str]) -> str:
    """Return what a tool gives back. Raises ToolError."""
    asked = arguments_of(tool, arguments)
    bench = run.bench()
    try:
        text = await use_tool(tool, bench, asked)
        await _note_read(run, bench)
        await _note_leaving(run, bench)
    except KeepsakeError as error:
        raise ToolError(error.message) from error
    return plain_text(text)[:_RESULT_CHARS]


async def ask_form(
    run: Run, choice: ModelChoice, system: str, ask: str, known: Mapping[str, str], form: type[Form]
) -> Form:
    """Return what a model said of the material in this form; twice it is asked. Raises ModelError or Unreadable."""
    model = run.model(choice)
    request = _request(run, model, system, ask, known, schema_of(form))
    await note_sent(run.store, model.info, (run.task.message_id,))
    for _try in range(MOST_TRIES):
        found = read_form((await whole_answer(model, request)).text, form)
        if found is not None:
            return found
    raise Unreadable("The model gave no answer that can be read.")


async def ask_text(run: Run, system: str, ask: str, known: Mapping[str, str]) -> str:
    """Return what the model of the chat writes about the material. Raises ModelError."""
    model = run.model("chat")
    await note_sent(run.store, model.info, (run.task.message_id,))
    return (await whole_answer(model, _request(run, model, system, ask, known))).text


async def _find(run: Run, step: Step, system: str, known: Mapping[str, str]) -> str:
    """Have a model look for itself, with tools that only read, and cite what it found."""
    model = run.model(step.model)
    if not model.info.calls_tools:
        raise ModelError(
            _("{model} can't use tools, which a finder has to.").format(model=model.info.name),
            _("/model, or `keepsake model add`, sets up another."),
        )
    await note_sent(run.store, model.info, (run.task.message_id,))
    tools = {name: run.tools[name] for name in step.tools}
    question = ask_of(run, step, known)
    request = _request(run, model, system, question, known)
    # Numbers of sources that stand in what it was handed are those of the whole task; its own come behind them.
    handed = cited_numbers("\n".join(text for name, text in known.items() if name in run.plan.cited))
    for _try in range(MOST_TRIES):
        bench = run.bench()
        bench.first = max(handed, default=0) + 1
        found = read_form(await _say(ToolAnswerer(model, tools, bench, refuse), request, question), step.form)
        if found is not None:
            numbers = await _note_read(run, bench)
            own = {number: numbers[hit.id] for number, hit in bench.found.items()}
            cited = dict(zip(handed, handed, strict=True)) | own
            return json_text({name: _cite(value, cited) for name, value in found.model_dump(mode="json").items()})
    raise Unreadable("The model gave no answer that can be read.")


async def _note_read(run: Run, bench: Bench) -> dict[str, int]:
    """Enter what of the memory was read; return the number that each passage has in the whole task.

    Who erases one is told that the task repeats it.
    """
    if not bench.shown:
        return {}
    return await asyncio.to_thread(run.store.conversations.note_read, run.task.message_id, list(bench.shown))


async def _note_leaving(run: Run, bench: Bench) -> None:
    """Note that what was read goes to the models that the plan asks: steps to come are handed it."""
    if bench.shown:
        for choice in dict.fromkeys(step.model for step in run.plan.steps if step.ask):
            model = run.models.find(ModelRole(choice), private=run.private)
            if model is not None:
                await note_sent(run.store, model.info, list(bench.shown))


def _cite(value: Any, numbers: Mapping[int, int]) -> Any:
    """Return a value with its sources under the numbers that they have in the whole task."""
    match value:
        case str():
            return renumber(value, numbers)
        case list():
            return [_cite(entry, numbers) for entry in value]
        case _:
            return value


async def _say(answerer: ToolAnswerer, request: ChatRequest, question: str) -> str:
    """Return what is said last, after all tools. Raises ModelError."""
    text = ""
    async with aclosing(answerer.answer(Turn(request, question))) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(piece):
                    text += piece
                case WasThinking() | ToolEnded():
                    text = ""
    return text


def _request(
    run: Run,
    model: ChatModel,
    system: str,
    ask: str,
    known: Mapping[str, str],
    schema: Mapping[str, Any] | None = None,
) -> ChatRequest:
    window = model.info.context_tokens - _ANSWER_TOKENS - estimate_tokens(system) - _SPARE_TOKENS
    ask = shorten(ask, max(window // 2, _LEAST_TOKENS))
    room = min(_MATERIAL_TOKENS, window - estimate_tokens(ask))
    parts: list[str] = []
    for name, text in reversed(list(known.items())):  # what was found last is wanted most
        if room < _LEAST_TOKENS:
            break
        parts.insert(0, shorten(f"{name}:\n{quoted(text)}", room))
        room -= estimate_tokens(parts[0])
    material = "\n\n".join(parts)
    messages = (ChatMessage(Role.SYSTEM, system), ChatMessage(Role.USER, f"{ask}\n\n{material}"))
    return ChatRequest(messages, _ANSWER_TOKENS, 0.0, schema, purpose=Purpose.TASK, message_id=run.task.message_id)


async def all_of(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return what came of all; where one fails the others end before that is raised, so that nothing is left begun."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    failed = next((result for result in ended if isinstance(result, BaseException)), None)
    if failed is not None:
        raise failed
    return [result for result in ended if not isinstance(result, BaseException)]


def template_of(tool: Tool[Any], step: Step) -> str:
    """Return a hash of a tool and of what it is given for any item: another one is asked about anew."""
    told = json.dumps([tool.fingerprint, step.name, dict(step.arguments)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def arguments_of(tool: Tool[Any], arguments: Mapping[str, str]) -> Any:
    """Return arguments in the form of a tool. Raises ToolError where they don't fit."""
    return tool.read(json_text(_typed(arguments, tool)))


def _typed(arguments: Mapping[str, str], tool: Tool[Any]) -> dict[str, Any]:
    """Return arguments as a tool takes them: a number where it wants one."""
    properties = tool.spec.parameters.get("properties", {})
    typed: dict[str, Any] = dict(arguments)
    for name, text in arguments.items():
        kind = properties.get(name, {}).get("type")
        try:
            if kind == "integer":
                typed[name] = int(text)
            elif kind == "number":
                typed[name] = float(text)
            elif kind == "boolean":
                typed[name] = text.strip().lower() in ("true", "yes", "1")
        except ValueError:
            continue  # the tool says what is wrong with it
    return typed


def json_text(value: object) -> str:
    """Return a value as JSON."""
    return json.dumps(value, ensure_ascii=False)
