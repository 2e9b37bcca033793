"""`keepsake later`: questions that were handed to a batch API, and their answers."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from assistant import bootstrap
from assistant.cli.context import invocation, opened_record, opened_store
from assistant.cli.output import complain, iso, print_json, say, say_told, show
from assistant.cli.turns import Printer, session_in, show_turn
from assistant.core.conversation.telling import describe_late, report_late
from assistant.display import excerpt, moment, plain
from memory_store import LateRequest, LateState, Store
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import Effort

_group = typer.Typer(
    help="Answers that come within a day: see what is waited for, collect it, take it back, hand it in again.\n\n"
    "Example: keepsake later"
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Id = Annotated[str, typer.Argument(help="The id in `keepsake later`, or its beginning.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="later", invoke_without_command=True)


@_group.callback()
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """Answers that come within a day: see what is waited for, collect it, take it back, hand it in again.

    Example: keepsake later
    """
    if context.invoked_subcommand is not None:
        return
    with opened_record(context) as store:
        found = [(late, _question(store, late)) for late in store.late.all()]
    if as_json:
        print_json({"later": [_as_json(late, question) for late, question in found]})
        return
    if not found:
        show("No answer is waited for. `keepsake ask --effort later` hands a question in.")
    for late, question in found:
        show(f"{late.id}  {moment(late.intended_at)}  {late.state}  {late.model}  {excerpt(question, 60)}")
        say(f"    {describe_late(late, in_shell=True) or f'It is here: `keepsake show {late.message_id}` prints it.'}")
        if late.is_open and late.trouble:
            say(f"    {plain(late.trouble, one_line=True)}")


@_group.command("collect")
def collect(context: typer.Context, as_json: _Json = False) -> None:
    """Look for all answers that are waited for, and print those that are here. An open chat does this by itself.

    Example: keepsake later collect
    """
    with opened_store(context) as (store, settings):
        before = [late for late in store.late.all() if late.is_open]
        if not bootstrap.build_collector(settings, store).collect(at_once=True):
            say("Another Keepsake is looking for them at the moment.")
        now = {late.id: late for late in store.late.all()}
        ended = [now[late.id] for late in before if late.id in now and not now[late.id].is_open]
        waiting = [now[late.id] for late in before if late.id in now and now[late.id].is_open]
        texts = {
            late.id: store.conversations.message(late.message_id).text
            for late in ended
            if late.state is LateState.ANSWERED and late.message_id is not None
        }
        questions = {late.id: _question(store, late) for late in ended}
        reports = [report_late(store, late, in_shell=True) for late in ended]
        store.embed_pending()
    if as_json:
        found = [{**_as_json(late, questions[late.id]), "answer": texts.get(late.id)} for late in ended]
        print_json({"ended": found, "open": len(waiting)})
        return
    for late, report in zip(ended, reports, strict=True):
        say_told(report)
        if late.id in texts:
            show(plain(texts[late.id]))
    for late in waiting:
        if late.trouble:
            say(f"{late.id}: {plain(late.trouble, one_line=True)}")
    show(f"Still waited for: {len(waiting)}.")


@_group.command("cancel")
def cancel(context: typer.Context, late_id: _Id) -> None:
    """Take a question back at the service, or wait no more for one that it may not even have.

    Example: keepsake later cancel lat_k7
    """
    with opened_record(context) as store:
        late = _found(store, late_id)
        if not late.is_open:
            raise StoreError(f"{late.id} is over: {late.state}.", "There is nothing to take back.")
        bootstrap.build_collector(invocation(context).settings(), store).cancel(late)
        state = next((item.state for item in store.late.all() if item.id == late.id), LateState.CANCELLED)
    match state:
        case LateState.CANCELLED if late.batch is None:
            show("No answer is waited for any more; the service may have the question all the same.")
        case LateState.CANCELLED:
            show("Taken back.")
        case LateState.SUBMITTED:
            show("It is being taken back; the service has not confirmed that yet.")
        case _:
            show(f"It could not be taken back any more: {state}.")


@_group.command("again")
def again(context: typer.Context, late_id: _Id) -> None:
    """Hand a question in again that was not answered, or that the service may not have. It may be paid for twice then.

    Example: keepsake later again lat_k7
    """
    with opened_store(context) as (store, settings):
        late = _found(store, late_id)
        if late.message_id is None or late.state in (LateState.INTENDED, LateState.SUBMITTED, LateState.ANSWERED):
            raise StoreError(f"{late.id} is {late.state}.", "Only what was not answered is handed in again.")
        message_id = late.message_id
        conversation_id = store.conversations.message(message_id).conversation_id

        async def hand_in() -> Printer:
            async with session_in(store, settings, conversation_id, effort=Effort.LATER) as session:
                printer = Printer(quiet=False, reads=True)
                await session.view(message_id)
                await show_turn(lambda stop: session.again(message_id, stop), printer)
                return printer

        printer = asyncio.run(hand_in())
    if printer.error is not None:
        complain(printer.error)
        raise typer.Exit(1)


def _found(store: Store, late_id: str) -> LateRequest:
    identifier = store.resolve(late_id)
    found = next((late for late in store.late.all() if late.id == identifier), None)
    if found is None:
        raise NotFoundError(f"{late_id} is no question that was handed in.", "`keepsake later` lists them.")
    return found


def _question(store: Store, late: LateRequest) -> str:
    try:
        answer = store.conversations.message(late.message_id or "")
        return store.conversations.message(answer.parent_id or "").text
    except NotFoundError:  # erased between the two reads
        return ""


def _as_json(late: LateRequest, question: str) -> dict[str, Any]:
    return {
        "id": late.id,
        "question": question,
        "answer_id": late.message_id,
        "state": late.state,
        "endpoint": late.endpoint,
        "model": late.model,
        "handed_in_at": iso(late.intended_at),
        "looked_at": iso(late.looked_at),
        "trouble": late.trouble,
    }
