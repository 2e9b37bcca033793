"""`keepsake task`: long tasks over many items, which are planned, tried, allowed and gone on with after any end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant import bootstrap
from assistant.cli.asking import agree_to_replace, erase
from assistant.cli.context import opened_record, opened_store, read_text
from assistant.cli.output import iso, print_json, say, show, table
from assistant.core.conversation.costs import describe_total
from assistant.core.conversation.stopping import wait_for_stop
from assistant.core.reminders.firing import watch
from assistant.core.tasks.drafting import is_table, read_items
from assistant.core.tasks.handling import (
    allow_alike,
    change_plan,
    create_task,
    describe_item,
    describe_question,
    describe_state,
    draft_task,
    let_run,
    store_wish,
    try_again,
)
from assistant.core.tasks.plan import plan_to_show, read_plan
from assistant.core.tasks.results import cells_of, read_report, results_of, sort_results, sources_of
from assistant.display import excerpt, moment, plain
from memory_store import ItemState, StepOutcome, Store, Task, TaskState, Window
from memory_store.errors import ChangedError, NotFoundError, StoreError

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.core.tools.toolbox import Toolbox

_group = typer.Typer(
    help="Do something for many things at once, step by step: plan it, try it, let it run, steer it.\n\n"
    'Example: keepsake task new "Which of these has a quiet table for six on Friday?" --items places.csv',
    no_args_is_help=True,
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Id = Annotated[
    str, typer.Argument(metavar="TASK", help="The id in `keepsake task list`, or its beginning.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="task")


@_group.command("new")
def new(
    context: typer.Context,
    wish: Annotated[str, typer.Argument(help="What is to be done; a model drafts the plan.", show_default=False)] = "",
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="A plan of your own, as TOML.", show_default=False)
    ] = None,
    items_file: Annotated[
        Path | None,
        typer.Option("--items", metavar="FILE", help="What it is done for: a name a line, or CSV.", show_default=False),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Keep it to this machine.")] = False,
) -> None:
    """Store a task as a draft. Nothing is done before `keepsake task run`.

    Example: keepsake task new "Compare these gyms: prices and notice periods" --items gyms.csv
    """
    if bool(wish.strip()) == (plan_file is not None):
        raise typer.BadParameter("say what is to be done, or give a plan with --plan")
    items = [] if items_file is None else read_items(read_text(items_file), is_table=is_table(items_file))
    with opened_store(context) as (store, settings):
        files = [file for file in (plan_file, items_file) if file is not None]
        private = private or any(store.privacy.covers_path(str(file.absolute())) for file in files)
        if plan_file is not None:
            plan = read_plan(read_text(plan_file), items)
            task = create_task(store, plan, store_wish(store, plan.wish or plan.title, private=private))
        else:
            task = asyncio.run(_draft(store, settings, wish, items, private=private))
    show(f"{task.id}  {_title(task)}")
    show()
    show(plain(task.plan))
    tried = read_plan(task.plan).tried
    runs = f"tries its first {tried} items" if tried else "does it for all of its items"
    say(f"`keepsake task edit {task.id}` changes the plan, `keepsake task run {task.id}` {runs}.")


async def _draft(
    store: Store, settings: Settings, wish: str, items: Sequence[Mapping[str, str]], *, private: bool
) -> Task:
    models = bootstrap.build_models(settings, store)
    try:
        return await draft_task(store, models, wish, bootstrap.own_tools(settings), items, private=private)
    finally:
        await models.close()


@_group.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List all tasks, the latest first.

    Example: keepsake task list
    """
    with opened_record(context) as store:
        found = [(task, store.tasks.counts(task.id)) for task in store.tasks.all()]
    if as_json:
        tasks = [
            {**_as_json(task), "items": {state.value: number for state, number in counts.items()}}
            for task, counts in found
        ]
        print_json({"tasks": tasks})
        return
    if not found:
        show('There are no tasks. `keepsake task new "…"` drafts one.')
    for task, counts in found:
        show(f"{task.id}  {moment(task.made_at)}  {excerpt(_title(task), 50)}")
        show(f"    {describe_state(task, counts)}")
        if task.trouble:
            show(f"    {plain(task.trouble, one_line=True)}")


@_group.command("show")
def show_task(
    context: typer.Context,
    task_id: _Id,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the plan as TOML, and stop.")] = False,
    item_name: Annotated[
        str | None, typer.Option("--item", metavar="NAME", help="Print the steps of one item.", show_default=False)
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="COLUMN", help="Sort by it, the most first; -COLUMN the least.", show_default=False
        ),
    ] = "",
    as_json: _Json = False,
) -> None:
    """Show what was found so far, what failed and why, what waits for you, and what it took.

    Example: keepsake task show tas_k7 --item "Chez Anna"
    """
    with opened_record(context) as store:
        task = _found(store, task_id)
        if plan_only:
            show(task.plan)
            return
        if item_name is not None:
            _show_item(store, task, item_name, as_json)
            return
        items, questions = store.tasks.items(task.id), store.tasks.questions(task.id)
        counts = store.tasks.counts(task.id)
        chat_id = store.conversations.message(task.message_id).conversation_id
        spent = store.ledger.spent(Window.CHAT, chat_id)
        plan = plan_to_show(task.plan)
        if by.lstrip("-") not in ("", *plan.columns):
            raise StoreError(f"There is no column {by}.", f"There are: {', '.join(plan.columns)}.")
        results = sort_results(items, by) if by else results_of(plan, items)
        sources = sources_of(store, task, plan, results)
        words = read_report(store, task, plan)
    if as_json:
        found = [{"name": result.item.key, **result.values} for result in results]
        failed = [{"name": item.key, "trouble": item.trouble} for item in items if item.state is ItemState.FAILED]
        asked = [{"name": item.key, "question": describe_question(item, step)} for item, step in questions]
        print_json(
            {
                **_as_json(task),
                "report": words,
                "results": found,
                "sources": sources,
                "failed": failed,
                "questions": asked,
            }
        )
        return
    show(plain(plan.title))
    show("\n\n".join(filter(None, (describe_state(task, counts), plain(words)))))
    if task.trouble:
        say(plain(task.trouble, one_line=True))
    if results:
        show()
        table(("", *plan.columns), [cells_of(plan, result) for result in results])
        for line in sources:
            show(line)
    for item in items:
        if item.state is ItemState.FAILED:
            say(f"{plain(item.key, one_line=True)} failed: {plain(item.trouble or '', one_line=True)}")
    for item, step in questions[:_MOST_QUESTIONS]:
        say(f"May this be done? {describe_question(item, step)}")
    if len(questions) > _MOST_QUESTIONS:
        say(f"… and {len(questions) - _MOST_QUESTIONS} more.")
    if questions:
        say(f"`keepsake task approve {task.id}` answers; --all allows what is like it for all items.")
    if spent.requests:
        say(describe_total(spent))


_MOST_QUESTIONS = 10


def _show_item(store: Store, task: Task, name: str, as_json: bool) -> None:
    item = next((item for item in store.tasks.items(task.id) if item.key == name), None)
    if item is None:
        raise NotFoundError(f"The task has no item {name}.", f"`keepsake task show {task.id}` lists what it has.")
    steps = store.tasks.steps(item.id)
    if as_json:
        print_json(
            {
                "name": item.key,
                "state": item.state,
                "steps": [
                    {"request": json.loads(step.request), "outcome": step.outcome, "result": step.result}
                    for step in steps
                ],
            }
        )
        return
    for line in describe_item(item, steps):
        show(line)


@_group.command("edit")
def edit(
    context: typer.Context,
    task_id: _Id,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Take this plan; no editor.", show_default=False)
    ] = None,
) -> None:
    """Change the plan in your editor. What was begun stays; a step that sends something is asked about anew if changed.

    Example: keepsake task edit tas_k7
    """
    from assistant.editing import edited

    with opened_record(context) as store:
        task = _found(store, task_id)
        text = read_text(plan_file) if plan_file is not None else edited(task.plan, "plan.toml")
        if text == task.plan:
            show("The plan is as it was.")
            return
        try:
            change_plan(store, task, text)
        except ChangedError as error:
            agree_to_replace(error)
            change_plan(store, store.tasks.get(task.id), text)
    show("The plan is changed.")


@_group.command("run")
def run(
    context: typer.Context,
    task_id: _Id,
    everything: Annotated[bool, typer.Option("--all", help="No trial: all items at once.")] = False,
) -> None:
    """Let a task run, and work on it here until nothing is left that can go on. A draft tries its first items.

    Ctrl+C lets what is under way end and stops; nothing is lost, and nothing done twice.

    Example: keepsake task run tas_k7
    """
    with opened_store(context) as (store, settings):
        task = let_run(store, _found(store, task_id))
        if everything:
            store.tasks.change_state(task.id, TaskState.RUNNING)
        _work(store, settings, stays=False)
        task = store.tasks.get(task.id)
        show(describe_state(task, store.tasks.counts(task.id)))
        if task.trouble:
            say(plain(task.trouble, one_line=True))
        if store.tasks.questions(task.id):
            say(f"Some items wait for you: `keepsake task approve {task.id}`.")
    say(f"`keepsake task show {task.id}` shows what was found.")


@_group.command("work")
def work(context: typer.Context) -> None:
    """Work on all tasks that run, say reminders that are due, and stay, until Ctrl+C; for a machine without a chat.

    A reminder is printed as it comes; the next chat tells of it, too.

    Example: keepsake task work
    """
    with opened_store(context) as (store, settings):
        say("Working on tasks, and saying reminders, as they come. Ctrl+C ends it.")
        _work(store, settings, stays=True)


def _work(store: Store, settings: Settings, *, stays: bool) -> None:
    async def do() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with _toolbox(settings) as toolbox, _reminders(store, stop, wanted=stays):
            worker = bootstrap.build_task_worker(settings, store, toolbox)
            told = False
            while not await worker.work(stop, stays=stays) and not stop.is_set():
                if not told:
                    say("Another Keepsake works on the tasks, on this one as well. Ctrl+C leaves it to that.")
                told = True
                await wait_for_stop(stop, 0.5)

    asyncio.run(do())


@asynccontextmanager
async def _reminders(store: Store, stop: asyncio.Event, *, wanted: bool) -> AsyncIterator[None]:
    """Say what is due meanwhile."""
    watching = asyncio.create_task(watch(store, stop, show)) if wanted else None
    try:
        yield
    finally:
        stop.set()
        if watching is not None:
            await watching


@asynccontextmanager
async def _toolbox(settings: Settings) -> AsyncIterator[Toolbox]:
    toolbox = bootstrap.build_toolbox(settings)
    try:
        yield toolbox
    finally:
        await toolbox.close()


@_group.command("pause")
def pause(context: typer.Context, task_id: _Id) -> None:
    """Let a task rest, whichever program works on it; the steps that are under way end.

    Example: keepsake task pause tas_k7
    """
    _change(context, task_id, TaskState.PAUSED, "The task rests. `keepsake task resume` lets it go on.")


@_group.command("resume")
def resume(context: typer.Context, task_id: _Id) -> None:
    """Let a task go on, in whichever program works on tasks: an open chat, or `keepsake task work`.

    Example: keepsake task resume tas_k7
    """
    with opened_record(context) as store:
        let_run(store, _found(store, task_id))
    show("The task goes on where a program works on tasks: an open chat, or `keepsake task work`.")


@_group.command("cancel")
def cancel(context: typer.Context, task_id: _Id) -> None:
    """End a task for good. What was found stays.

    Example: keepsake task cancel tas_k7
    """
    _change(context, task_id, TaskState.CANCELLED, "The task is cancelled.")


def _change(context: typer.Context, task_id: str, state: TaskState, told: str) -> None:
    with opened_record(context) as store:
        task = _found(store, task_id)
        store.tasks.change_state(task.id, state, only_first=task.only_first)
    show(told)


@_group.command("approve")
def approve(
    context: typer.Context,
    task_id: _Id,
    item_name: Annotated[
        str | None, typer.Option("--item", metavar="NAME", help="Answer for this item alone.", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Allow all that is asked for, and what is like it for all other items.")
    ] = False,
    refused: Annotated[bool, typer.Option("--no", help="It is not to be done.")] = False,
    was_done: Annotated[bool, typer.Option("--done", help="It was done already, as you found out.")] = False,
) -> None:
    """Answer what a task asks: each item in turn, one by its name, or all alike.

    Example: keepsake task approve tas_k7 --all
    """
    if everything and (item_name or refused or was_done):
        raise typer.BadParameter("--all goes with nothing else")
    with opened_store(context, tells_at_end=False) as (store, settings):
        task = _found(store, task_id)
        if everything:

            async def allow() -> int:
                shown = [step for _, step in store.tasks.questions(task.id)]
                async with _toolbox(settings) as toolbox:
                    return await allow_alike(store, task, toolbox.find, shown)

            show(f"{asyncio.run(allow())} items go on.")
            return
        questions = [(item, step) for item, step in store.tasks.questions(task.id) if item_name in (None, item.key)]
        if not questions:
            raise StoreError("Nothing is asked for.", f"`keepsake task show {task.id}` shows how it stands.")
        given = StepOutcome.REFUSED if refused else StepOutcome.DONE if was_done else None
        if given is None and item_name is None and not sys.stdin.isatty():
            raise StoreError("There is nobody to ask.", "Name an item with --item, or allow all with --all.")
        for item, step in questions:
            outcome = given or (StepOutcome.ALLOWED if item_name is not None else _ask(describe_question(item, step)))
            if outcome is None:
                break
            told = outcome.value if store.tasks.answer(step, outcome) else "asked otherwise by now"
            show(f"{plain(item.key, one_line=True)}: {told}")
    say("It goes on with `keepsake task run`, or where a program works on tasks.")


def _ask(question: str) -> StepOutcome | None:
    say(question)
    answer = typer.prompt("yes, no, done already, or stop asking", default="stop", err=True).strip().lower()
    return next(
        (
            outcome
            for word, outcome in (
                ("yes", StepOutcome.ALLOWED),
                ("no", StepOutcome.REFUSED),
                ("done already", StepOutcome.DONE),
            )
            if answer and word.startswith(answer)
        ),
        None,
    )


@_group.command("retry")
def retry(context: typer.Context, task_id: _Id) -> None:
    """Try again what failed or was left out, from the step where that was.

    Example: keepsake task retry tas_k7
    """
    with opened_record(context) as store:
        task = _found(store, task_id)
        count = try_again(store, task)
    show(f"{count} items are tried again." if count else "Nothing failed.")


@_group.command("remove")
def remove(
    context: typer.Context,
    task_id: _Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Erase a task from the disk, with its conversation and all that was found.

    Example: keepsake task remove tas_k7
    """
    with opened_record(context) as store:
        task = _found(store, task_id)
        erase(store, store.conversations.message(task.message_id).conversation_id, f"“{_title(task)}”", yes=yes)


def _found(store: Store, task_id: str) -> Task:
    return store.tasks.get(store.resolve(task_id))


def _title(task: Task) -> str:
    return plain(plan_to_show(task.plan).title, one_line=True)


def _as_json(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": plan_to_show(task.plan).title,
        "state": task.state,
        "made_at": iso(task.made_at),
        "ended_at": iso(task.ended_at),
        "not_before": iso(task.not_before),
        "trouble": task.trouble,
    }
