"""`keepsake document` and `keepsake conversation`: what was imported and what was said."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assistant.cli import completing
from assistant.cli.context import opened_record
from assistant.cli.output import (
    conversation_json,
    document_json,
    message_json,
    print_json,
    say,
    show,
    table,
)
from assistant.display import moment, plain
from memory_store import Store
from memory_store.errors import NotFoundError
from memory_store.models import Document, Message
from memory_store.wording import format_counts

_documents = typer.Typer(help="See what was imported.\n\nExample: keepsake document list", no_args_is_help=True)
_conversations = typer.Typer(
    help="See and rename conversations.\n\nExample: keepsake conversation list", no_args_is_help=True
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_DocumentId = Annotated[
    str, typer.Argument(help="The id, or its beginning.", show_default=False, autocompletion=completing.documents)
]
_ConversationId = Annotated[
    str, typer.Argument(help="The id, or its beginning.", show_default=False, autocompletion=completing.conversations)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_documents, name="document")
    app.add_typer(_conversations, name="conversation")


@_documents.command("list")
def list_documents(context: typer.Context, as_json: _Json = False) -> None:
    """List every document.

    Example: keepsake document list --json
    """
    with opened_record(context) as store:
        found = store.documents.all()
    if as_json:
        print_json({"documents": [document_json(document) for document in found]})
        return
    table(
        ("ID", "PASSAGES", "IMPORTED", "MARKS", "PATH"),
        [
            (
                document.id,
                str(document.passage_count),
                moment(document.imported_at),
                ", ".join(_marks(document)),
                document.path,
            )
            for document in found
        ],
    )


@_documents.command("show")
def show_document(
    context: typer.Context,
    document_id: _DocumentId,
    missing: Annotated[bool, typer.Option("--missing", help="Show what of its file could not be read.")] = False,
    as_json: _Json = False,
) -> None:
    """Show a document: where it is from, and each of its passages, or with --missing what could not be read.

    Example: keepsake document show doc_k7 --missing
    """
    with opened_record(context) as store:
        document = store.documents.get(store.resolve(document_id))
        passages = store.documents.passages(document.id)
    if as_json:
        texts = [{"id": passage.id, "locator": passage.locator.label(), "text": passage.text} for passage in passages]
        print_json({**document_json(document), "texts": texts})
        return
    show(f"{document.title}  {plain(document.path, one_line=True)}")
    show(f"{document.media_type}, {document.size_bytes} bytes, imported {moment(document.imported_at)}, {document.id}")
    if missing:
        for part in document.left_out:
            show(plain(part.in_words(), one_line=True))
        if not document.left_out:
            show("All of its file was read.")
        return
    if document.left_out:
        show(f"{format_counts({'parts': len(document.left_out)})} of its file could not be read; --missing lists them.")
    for passage in passages:
        show(f"\n--- {passage.locator.label()}  {passage.id}")
        show(passage.text)


def _marks(document: Document) -> list[str]:
    """Return what is special about a document, in words."""
    marks = ["private"] if document.private else []
    return [*marks, f"{len(document.left_out)} missing"] if document.left_out else marks


@_conversations.command("list")
def list_conversations(context: typer.Context, as_json: _Json = False) -> None:
    """List every conversation, the latest first.

    Example: keepsake conversation list
    """
    with opened_record(context) as store:
        found = store.conversations.all()
    if as_json:
        print_json({"conversations": [conversation_json(conversation) for conversation in found]})
        return
    table(
        ("ID", "MESSAGES", "UPDATED", "TITLE"),
        [
            (conversation.id, str(conversation.message_count), moment(conversation.updated_at), conversation.title)
            for conversation in found
        ],
    )


@_conversations.command("show")
def show_conversation(context: typer.Context, conversation_id: _ConversationId, as_json: _Json = False) -> None:
    """Show a conversation with the sources of its answers.

    Example: keepsake conversation show con_k7
    """
    with opened_record(context) as store:
        conversation = store.conversations.get(store.resolve(conversation_id))
        messages = [(item, _sources(store, item)) for item in store.conversations.messages(conversation.id)]
    if as_json:
        print_json({**conversation_json(conversation), "messages": [message_json(*pair) for pair in messages]})
        return
    show(f"{conversation.title}  {conversation.id}")
    for message, sources in messages:
        author = message.author.name or message.author.kind.value
        mark = f" ({message.status.value})" if message.status.value != "complete" else ""
        show(f"\n--- {author}, {moment(message.created_at)}{mark}  {message.id}")
        show(message.text)
        for source in sources:
            show(f"  [{source['number']}] {source['title'] or 'erased'} {source['locator'] or ''}".rstrip())


def _sources(store: Store, message: Message) -> list[dict[str, Any]]:
    """Return the sources of an answer; one that was erased since keeps its number alone."""
    found: list[dict[str, Any]] = []
    for citation in store.conversations.citations(message.id):
        entry: dict[str, Any] = {"number": citation.number, "cited": citation.cited, "passage_id": citation.passage_id}
        try:
            passage = store.passage(citation.passage_id) if citation.passage_id else None
        except NotFoundError:
            passage = None  # erased between the two reads
        title = (passage.source.path or passage.source.title) if passage else None
        found.append({**entry, "title": title, "locator": passage.locator.label() if passage else None})
    return found


@_conversations.command("rename")
def rename_conversation(
    context: typer.Context,
    conversation_id: _ConversationId,
    title: Annotated[str, typer.Argument(help="The new title.", show_default=False)],
    as_json: _Json = False,
) -> None:
    """Give a conversation another title.

    Example: keepsake conversation rename con_k7 "Boiler"
    """
    with opened_record(context) as store:
        identifier = store.resolve(conversation_id)
        store.conversations.rename(identifier, title)
        conversation = store.conversations.get(identifier)
    if as_json:
        print_json(conversation_json(conversation))
    else:
        say(f"Renamed {conversation.id} to {conversation.title}.")
