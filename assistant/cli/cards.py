"""`keepsake cards`: what is learned by heart, from passages of the user's own documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import completing
from assistant.cli.context import opened_record, opened_store
from assistant.cli.output import iso, print_json, say, show, table
from assistant.core.conversation.cards import MOST_MADE, source_of
from assistant.display import excerpt, moment, plain
from memory_store import Card, Selection, whole_file
from memory_store.clock import now
from memory_store.wording import format_counts

_group = typer.Typer(
    help="Cards to learn by heart from your own documents: make them, review them, exchange them with Anki.\n\n"
    "Example: keepsake cards review",
    no_args_is_help=True,
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_EXCERPT_CHARS = 80


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="cards")


@_group.command("list")
def list_cards(
    context: typer.Context,
    due: Annotated[bool, typer.Option("--due", help="Only what is due now.")] = False,
    as_json: _Json = False,
) -> None:
    """List the cards, the one that is due first at the top.

    Example: keepsake cards list --due
    """
    with opened_record(context) as store:
        found = store.cards.find_due(now()) if due else store.cards.all()
    if as_json:
        print_json({"cards": [_as_json(card) for card in found]})
        return
    table(
        ("ID", "DUE", "MARKS", "QUESTION"),
        [
            (card.id, moment(card.due_at), "private" if card.private else "", excerpt(card.question, _EXCERPT_CHARS))
            for card in found
        ],
    )


@_group.command("show")
def show_card(
    context: typer.Context,
    card_id: Annotated[
        str, typer.Argument(help="The id, or its beginning.", show_default=False, autocompletion=completing.cards)
    ],
    as_json: _Json = False,
) -> None:
    """Show a card: its answer, the passage it rests on, how well it was known, and when it is due.

    Example: keepsake cards show crd_k7
    """
    with opened_record(context) as store:
        card = store.cards.get(store.resolve(card_id))
        source, reviews = source_of(store, card), store.cards.reviews(card.id)
    if as_json:
        graded = [{"at": iso(review.reviewed_at), "grade": review.grade.value} for review in reviews]
        print_json({**_as_json(card), "source": source, "reviews": graded})
        return
    show(plain(card.question))
    show(plain(card.answer))
    show(f"“{plain(card.quote, one_line=True)}” — {source}  {card.passage_id}")
    maker = card.author.name or card.author.kind.value
    show(f"made by {plain(maker, one_line=True)}, {moment(card.made_at)}, due {moment(card.due_at)}, {card.id}")
    for review in reviews:
        show(f"{moment(review.reviewed_at)}  {review.grade.value}")


@_group.command("review")
def review(context: typer.Context) -> None:
    """Review the cards that are due: answer, see the answer with its source, say how well you knew it.

    Example: keepsake cards review
    """
    from assistant.cli.plain import run_in_lines

    with opened_store(context) as (store, settings):
        run_in_lines(store, settings, lambda controller: controller.reviews.review())


@_group.command("make")
def make(
    context: typer.Context,
    document: Annotated[
        str,
        typer.Argument(
            help="A document's id, title or path; a file that is new is imported first.",
            show_default=False,
            autocompletion=completing.documents,
        ),
    ],
    most: Annotated[int, typer.Option("--most", min=1, max=500, help="How many cards at most.")] = MOST_MADE,
) -> None:
    """Have the model of the chat write cards from a document; you keep, change or drop each.

    Example: keepsake cards make biology.pdf --most 10
    """
    from assistant.cli.plain import run_in_lines

    with opened_store(context) as (store, settings):
        run_in_lines(store, settings, lambda controller: controller.make_cards(document, most))
        store.embed_pending()


@_group.command("remove")
def remove(
    context: typer.Context,
    card_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID…",
            help="The ids, or their beginnings.",
            show_default=False,
            autocompletion=completing.cards,
        ),
    ],
) -> None:
    """Erase cards with their reviews, verified on the disk; what they were made from stays.

    Example: keepsake cards remove crd_k7
    """
    with opened_store(context) as (store, _):
        cards = [store.cards.get(store.resolve(card_id)) for card_id in card_ids]
        erased = store.forget(Selection(tuple(card.id for card in cards)))
    say(f"Erased {format_counts({'cards': len(cards)})}, and verified. Receipt {erased.id}.")


@_group.command("export")
def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)],
    without_private: Annotated[
        bool, typer.Option("--without-private", help="Leave out cards made from what is private.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the cards as text that Anki imports: id, question, answer, source and a tag, with tabs between.

    Example: keepsake cards export cards.txt
    """
    from assistant.core.cards.exchange import write_notes
    from memory_store.errors import StoreError

    if path.exists() and not force:
        raise StoreError(f"{path} exists.", "Name another file, or give --force.")
    with opened_record(context) as store:
        cards = [card for card in store.cards.all() if not (card.private and without_private)]
        sources = [source_of(store, card) for card in cards]
    with whole_file(path) as file:
        for line in write_notes(cards, sources):
            file.write(line.encode("utf-8", "replace"))
    say(f"Wrote {format_counts({'cards': len(cards)})} to {path}.")


@_group.command("import")
def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Notes in plain text.", show_default=False)],
) -> None:
    """Bring cards from a file of Anki's “Notes in Plain Text”, or a CSV with a question and an answer in each line.

    The file is imported as a document, and each card rests on its line; Anki's packages (.apkg) are not read.

    Example: keepsake cards import deck.txt
    """
    from assistant.core.cards.exchange import bring

    with opened_store(context) as (store, settings):
        brought = bring(store, path, settings.importing.max_file_mb * 1024 * 1024)
        store.complete_erasures()
        store.embed_pending()
    say(f"{format_counts({'cards': len(brought.cards)})} came.")
    if brought.known:
        say(f"{brought.known:,} were there already.")
    if brought.empty:
        say(f"{brought.empty:,} lines have no question or no answer.")


def _as_json(card: Card) -> dict[str, Any]:
    return {
        "id": card.id,
        "question": card.question,
        "answer": card.answer,
        "quote": card.quote,
        "passage_id": card.passage_id,
        "author": {"kind": card.author.kind.value, "name": card.author.name},
        "private": card.private,
        "made_at": iso(card.made_at),
        "due_at": iso(card.due_at),
    }
