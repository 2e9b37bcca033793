"""`keepsake learn` and `keepsake goals`: learn from what was said, and see the long run."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant import bootstrap
from assistant.cli import completing
from assistant.cli.context import opened_store
from assistant.cli.output import iso, memory_json, print_json, say, say_told, show
from assistant.core.conversation.learning import learn_all
from assistant.core.conversation.telling import report_learned
from assistant.core.events import Captured, NoLongerTrue, NothingMeant
from assistant.core.learning.consolidation import Merged
from assistant.display import day, excerpt, plain
from memory_store import NewMemory
from memory_store.errors import StoreError
from memory_store.models import Memory, MemoryKind, Review, Summary

if TYPE_CHECKING:
    from assistant.core.conversation.telling import Learned

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Goal = Annotated[
    str,
    typer.Argument(help="The goal's id, or its beginning.", show_default=False, autocompletion=completing.memories),
]
_goals = typer.Typer(
    help="What you want in the long run, why, until when, and how it goes.\n\nExample: keepsake goals list",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("learn")(learn_)
    app.add_typer(_goals, name="goals")


def learn_(context: typer.Context, as_json: _Json = False) -> None:
    """Learn from what was said: capture from the messages that wait, merge duplicates, sum up long conversations.

    The chat does this by itself beside your conversations. Without a model sentences are read by what was fitted to
    them, and summaries are made of a conversation's own sentences.

    Example: keepsake learn
    """
    done: list[Learned] = []
    with opened_store(context) as (store, settings):
        models = bootstrap.build_models(settings, store)

        async def work() -> None:
            try:
                async with aclosing(learn_all(store, models)) as events:
                    async for learned in events:
                        done.append(learned)
                        if not as_json:
                            say_told(report_learned(learned, in_shell=True))
            finally:
                await models.close()

        asyncio.run(work())
        waiting = store.learning.queue.count_waiting()
        store.embed_pending()
    if as_json:
        print_json({"done": [_as_json(item) for item in done], "waiting": waiting})
        return
    if not done:
        say("There was nothing to learn.")
    if waiting:
        say(f"Messages that wait: {waiting} (they are tried again later).")


@_goals.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List your goals, the latest first, each with why, until when, and what you said of it.

    Example: keepsake goals list
    """
    with opened_store(context) as (store, _):
        goals = [memory for memory in store.memories.all() if memory.kind is MemoryKind.GOAL]
        reviews = {goal.id: store.memories.reviews(goal.id) for goal in goals}
    if as_json:
        print_json({"goals": [_goal_json(goal, reviews[goal.id]) for goal in goals]})
        return
    if not goals:
        say("There is no goal yet. `keepsake goals add` adds one, or tell the chat what you want.")
    for goal in goals:
        show(f"{goal.id}  {excerpt(goal.text, 200)}  ({day(goal.recorded_at)})")
        for name, text in (("why", goal.why), ("until", goal.horizon)):
            if text:
                show(f"    {name}: {plain(text, one_line=True)}")
        for review in reviews[goal.id]:
            show(f"    {day(review.reviewed_at)}: {plain(review.text, one_line=True)}")


@_goals.command("add")
def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What you want.", show_default=False)],
    why: Annotated[str | None, typer.Option(help="What for.", show_default=False)] = None,
    horizon: Annotated[str | None, typer.Option("--until", help="Until when, in words.", show_default=False)] = None,
    private: Annotated[bool, typer.Option(help="Never send it to a model on another machine.")] = False,
    as_json: _Json = False,
) -> None:
    """Set a goal. Answers are held against it: what cuts across it is said once, kindly.

    Example: keepsake goals add "Run a marathon" --why "For the heart" --until "by October"
    """
    with opened_store(context) as (store, _):
        goal = store.remember(NewMemory(text, MemoryKind.GOAL, private=private, why=why, horizon=horizon))
        store.embed_pending()
    _report(goal, "Set", as_json)


@_goals.command("review")
def review_(
    context: typer.Context,
    goal_id: _Goal,
    text: Annotated[str, typer.Argument(help="How it goes.", show_default=False)],
    as_json: _Json = False,
) -> None:
    """Say how a goal goes. What you said is kept with its day.

    Example: keepsake goals review mem_k7 "Ran ten kilometres without a break."
    """
    with opened_store(context) as (store, _):
        goal_id = store.resolve(goal_id)
        store.memories.review(goal_id, text)
        goal = store.memories.get(goal_id)
    _report(goal, "Noted of", as_json)


@_goals.command("end")
def end(context: typer.Context, goal_id: _Goal, as_json: _Json = False) -> None:
    """End a goal, reached or given up: answers are no longer held against it. It stays as history.

    Example: keepsake goals end mem_k7
    """
    with opened_store(context) as (store, _):
        goal = store.memories.get(store.resolve(goal_id))
        if goal.kind is not MemoryKind.GOAL:
            raise StoreError(f"{goal.id} is no goal.", "`keepsake goals list` lists the goals.")
        goal = store.memories.retire(goal.id)
    _report(goal, "Ended", as_json)


def _as_json(learned: Learned) -> dict[str, Any]:
    match learned:
        case Captured(memory, old):
            return {"captured": memory_json(memory), "instead_of": old.id if old else None}
        case NoLongerTrue(memory):
            return {"ended": memory_json(memory)}
        case NothingMeant(words):
            return {"nothing_meant": words}
        case Merged(memory, duplicate):
            return {"merged": memory.id, "duplicate": duplicate.id}
        case Summary():
            return {"summed_up": learned.conversation_id, "text": learned.text}


def _goal_json(goal: Memory, reviews: list[Review]) -> dict[str, Any]:
    said = [{"reviewed_at": iso(review.reviewed_at), "text": review.text} for review in reviews]
    return {**memory_json(goal), "why": goal.why, "until": goal.horizon, "reviews": said}


def _report(goal: Memory, verb: str, as_json: bool) -> None:
    if as_json:
        print_json(memory_json(goal))
    else:
        say(f"{verb}: {goal.id}  {plain(goal.text)}")
