"""`keepsake forget` and `keepsake receipts`: what goes is shown and confirmed; what went is proved."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant import bootstrap
from assistant.cli import completing
from assistant.cli.asking import agree_to_plan
from assistant.cli.context import opened_store
from assistant.cli.output import iso, print_json, say, show, table
from assistant.core.conversation.forgetting import MOST_SHOWN, ids_of, plan_lines
from assistant.display import excerpt, moment
from memory_store import Selection, Store, receipts
from memory_store.errors import NotFoundError, StoreError
from memory_store.ids import DOCUMENT
from memory_store.models import Erasure, ErasurePlan
from memory_store.wording import format_counts

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_group = typer.Typer(
    name="receipts",
    help="Proof of what was erased, which holds nothing of it.\n\nExample: keepsake receipts list",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("forget")(forget)
    app.add_typer(_group)


def forget(
    context: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids of anything, or their beginnings.", show_default=False, autocompletion=completing.anything
        ),
    ] = None,
    document: Annotated[list[str] | None, typer.Option(help="A document's id or path.", show_default=False)] = None,
    conversation: Annotated[
        list[str] | None,
        typer.Option(help="A conversation's id.", show_default=False, autocompletion=completing.conversations),
    ] = None,
    words: Annotated[
        str | None, typer.Option("--matching", help="All that holds these words.", show_default=False)
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Written or imported from then on.", show_default=False)
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Written or imported before.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is remembered.")] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also the messages it was taken from and answers that cite it.")
    ] = False,
    in_backups: Annotated[bool, typer.Option("--in-backups", help="From the backups in the data folder too.")] = False,
    later: Annotated[bool, typer.Option("--later", help="Clean the disk with the next maintenance.")] = False,
    no_trace: Annotated[bool, typer.Option("--no-trace", help="With --all: keep no receipt either.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: _Json = False,
) -> None:
    """Erase: from recall at once, from the disk before this returns, verified by a scan, with a receipt.

    What goes is shown and asked about first. Ends with 1 if nothing was erased, or if the scan found something left.

    Example: keepsake forget mem_k7 --document ~/notes/old.md
    """
    if no_trace and (not everything or later):
        raise StoreError("--no-trace goes with --all, and not with --later.", "Nothing was erased.")
    with opened_store(context) as (store, settings):
        selected = chosen(store, [*(ids or ()), *(conversation or ())], document or [], words)
        if not (everything or selected or since or until):
            raise StoreError(
                "Nothing to forget was named." if words is None else f"Nothing holds the words {words}.",
                "Give ids, --document, --conversation, --matching, --since, --until or --all.",
            )
        selection = Selection(
            selected,
            everything,
            since.astimezone() if since else None,
            until.astimezone() if until else None,
            everywhere,
        )
        plan = store.plan_forget(selection)
        if dry_run:
            _show_plan(plan, as_json)
            return
        if not yes and not agree_to_plan(plan):
            raise typer.Exit(1)
        erasure = store.forget(selection, later=later, no_trace=no_trace, in_backups=in_backups)
        if any(late.message_id is None for late in store.late.open()):  # what a service would still answer
            bootstrap.build_collector(settings, store).collect()
    if as_json:
        print_json(_erasure_json(erasure))
    else:
        _tell(erasure, no_trace)


def _tell(erasure: Erasure, no_trace: bool) -> None:
    show(f"Erased {format_counts(erasure.counts)}.")
    if erasure.receipt is None:
        show("The disk is cleaned with the next maintenance; `keepsake doctor --repair` does it now.")
        return
    receipt = receipts.parse_receipt(erasure.receipt)
    size = sum(file.size_bytes for file in receipt.files)
    show(f"Verified: nothing of it is left in {len(receipt.files)} files ({size / 1e6:,.1f} MB).")
    for name in receipt.backups_that_hold_it:
        show(f"It is still in {name}: `keepsake backup purge` erases it there too.")
    if no_trace:
        say(receipts.format_receipt(receipt))
        say("This receipt was not kept.")
    else:
        show(f"Receipt {receipt.id}: `keepsake receipts show {receipt.id}`")


def chosen(store: Store, ids: list[str], documents: list[str], words: str | None) -> tuple[str, ...]:
    """Return the whole ids of what is named, of documents also by path; what holds the words is shown first."""
    selected = [store.resolve(text) for text in ids]
    for document in documents:
        by_path = store.documents.find_by_path(str(Path(document).expanduser().absolute()))
        if by_path is None and not document.startswith(f"{DOCUMENT}_"):
            raise NotFoundError(
                f"No document was imported from {document}.", "`keepsake document list` shows all of them."
            )
        selected.append(by_path.id if by_path else store.resolve(document))
    if words is not None:
        found = store.find_holding(words)
        for passage in found[:MOST_SHOWN]:
            say(f"  {passage.source.kind.value}, {moment(passage.created_at)}: {excerpt(passage.text, 100)}")
        if len(found) > MOST_SHOWN:
            say(f"  … and {len(found) - MOST_SHOWN:,} more passages.")
        selected += ids_of(found)
        for card in store.find_cards_holding(words):
            say(f"  card, {moment(card.made_at)}: {excerpt(card.question, 100)}")
            selected.append(card.id)
        for recipe in store.find_recipes_holding(words):
            say(f"  recipe, {moment(recipe.made_at)}: {recipe.name}")
            selected.append(recipe.id)
    return tuple(dict.fromkeys(selected))


def _show_plan(plan: ErasurePlan, as_json: bool) -> None:
    if as_json:
        sent = [
            {"endpoint": request.endpoint, "model": request.model, "items": request.items, "last": iso(request.last)}
            for request in plan.sent
        ]
        print_json(
            {
                "counts": dict(plan.counts),
                "titles": list(plan.titles),
                "staying": dict(plan.staying),
                "sent": sent,
                "backups": list(plan.backups),
            }
        )
        return
    show(f"This would erase {format_counts(plan.counts)}:")
    for line in (*(f"  {title}" for title in plan.titles), *plan_lines(plan)):
        show(line)


def _erasure_json(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "counts": dict(erasure.counts),
        "requested_at": iso(erasure.requested_at),
        "completed_at": iso(erasure.completed_at),
        "receipt": json.loads(erasure.receipt) if erasure.receipt else None,
    }


@_group.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List every erasure with its result, the latest first.

    Example: keepsake receipts list
    """
    with opened_store(context) as (store, _):
        found = store.erasures()
    if as_json:
        print_json({"receipts": [_erasure_json(erasure) for erasure in found]})
        return
    table(
        ("receipt", "asked for", "result", "erased"),
        [
            (erasure.id, moment(erasure.requested_at), _result(erasure), format_counts(erasure.counts))
            for erasure in found
        ],
    )


def _result(erasure: Erasure) -> str:
    if erasure.receipt:
        return receipts.parse_receipt(erasure.receipt).result
    if erasure.completed_at:
        return "done"  # by a version that wrote no receipts
    return "later" if erasure.deferred else "pending"


@_group.command("show")
def show_(
    context: typer.Context,
    receipt_id: Annotated[
        str, typer.Argument(help="The id, or its beginning.", show_default=False, autocompletion=completing.receipts)
    ],
    as_json: _Json = False,
) -> None:
    """Show one receipt: what went, how it was verified, and what no erasure can reach.

    Example: keepsake receipts show era_k7
    """
    with opened_store(context) as (store, _):
        erasure = store.erasure(store.resolve(receipt_id))
    if as_json:
        print_json(_erasure_json(erasure))
    elif erasure.receipt is None:
        show(f"{erasure.id} has no receipt: it is {_result(erasure)}.")
    else:
        show(receipts.format_receipt(receipts.parse_receipt(erasure.receipt)))


@_group.command("check")
def check(
    context: typer.Context,
    named: Annotated[
        str, typer.Argument(help="An id, a path, or the words: a whole text, or a line of it.", show_default=False)
    ],
    as_json: _Json = False,
) -> None:
    """Say whether something was erased, without the receipts holding it. Ends with 1 if none says so.

    Example: keepsake receipts check "The spare key is with Ines at number 12."
    """
    with opened_store(context) as (store, _):
        found = store.was_erased(named)
    if as_json:
        print_json({"receipts": [_erasure_json(erasure) for erasure in found]})
    else:
        for erasure in found:
            show(f"Erased on {moment(erasure.requested_at)}: receipt {erasure.id} ({_result(erasure)}).")
        if not found:
            show("No receipt says that this was erased.")
    if not found:
        raise typer.Exit(1)
