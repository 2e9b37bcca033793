"""`keepsake about-me` and `keepsake questions`: the profile as a page to edit, and what only the user can answer."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli import completing
from assistant.cli.asking import agrees_to_erase
from assistant.cli.context import opened_store
from assistant.cli.output import iso, memory_json, print_json, say, show, table
from assistant.core.learning.answering import ANSWERS, Answer, answer, question_about
from assistant.core.profile import profile
from assistant.core.profile_page import PageChanges, apply, asked_in_words, changes, page
from assistant.display import moment, plain
from assistant.editing import edited
from memory_store import OWN_DATA, is_own_file
from memory_store.errors import StoreError

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_questions = typer.Typer(
    help="What only you can answer: which of two memories is true, what of your health and mood may be remembered.\n\n"
    "Example: keepsake questions list",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("about-me")(about_me)
    app.add_typer(_questions, name="questions")


def about_me(
    context: typer.Context,
    as_of: Annotated[
        datetime | None, typer.Option(help="What was true at this time, by what is known today.", show_default=False)
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Edit the page in your editor (VISUAL or EDITOR).")] = False,
    page_file: Annotated[
        Path | None,
        typer.Option("--apply", metavar="FILE", help="Take over an edited page; - reads it.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Erase the memories of removed lines unasked.")] = False,
    as_json: _Json = False,
) -> None:
    """Print what is known about you as a page of Markdown, each line with its source and what it took the place of.

    Edit a line to correct it, add one to remember it, remove one to erase its memory. The comment at the end of a line
    is the memory's id. Private memories are on the page: it is printed here and sent nowhere.

    Example: keepsake about-me --edit
    """
    if as_of is not None and (edit or page_file is not None):
        raise StoreError("What was true earlier can't be edited.", "Leave out --as-of.")
    with opened_store(context) as (store, _):
        sections = profile(store, as_of.astimezone() if as_of else None)
        questions = store.learning.questions.all()
        written = page(sections, questions)
        if not edit and page_file is None:
            if as_json:
                lines = [line for section in sections for line in section.lines]
                print_json(
                    {
                        "memories": [
                            {**memory_json(item.memory), "from": list(item.sources), "earlier": list(item.earlier)}
                            for item in lines
                        ],
                        "questions": [
                            {"memory": question.memory.id, "kind": question.kind.value} for question in questions
                        ],
                    }
                )
            else:
                show(written.rstrip("\n"))
            return
        now_there = edited(written, "about-me.md") if page_file is None else _read(page_file)
        wanted = changes(now_there, sections)
        _confirm(wanted, yes=yes)
        erased = apply(store, wanted)
        store.embed_pending()
    if as_json:
        print_json(
            {
                "reworded": [item.id for item, _ in wanted.reworded],
                "added": len(wanted.added),
                "removed": [item.id for item in wanted.removed],
                "erasure": erased.id if erased else None,
            }
        )
        return
    if not wanted:
        say("Nothing was changed.")
    for memory, text in wanted.reworded:
        say(f"Changed: {plain(memory.text, one_line=True)} → {text}")
    for _, text in wanted.added:
        say(f"Remembered: {text}")
    if erased is not None:
        say(f"Erased: {len(wanted.removed)}. `keepsake receipts show {erased.id}` proves it.")


@_questions.command("list")
def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List the open questions, the oldest first.

    Example: keepsake questions list
    """
    with opened_store(context) as (store, _):
        found = store.learning.questions.all()
    if as_json:
        print_json(
            {
                "questions": [
                    {
                        "kind": question.kind.value,
                        "asked_at": iso(question.asked_at),
                        "memory": memory_json(question.memory),
                        "other": memory_json(question.other) if question.other else None,
                        "answers": [answer.value for answer in ANSWERS[question.kind]],
                    }
                    for question in found
                ]
            }
        )
        return
    if not found:
        say("No question is open.")
        return
    table(
        ("MEMORY", "ASKED", "ANSWERS", "QUESTION"),
        [
            (
                question.memory.id,
                moment(question.asked_at),
                ", ".join(answer.value for answer in ANSWERS[question.kind]),
                asked_in_words(question),
            )
            for question in found
        ],
    )


@_questions.command("answer")
def answer_(
    context: typer.Context,
    memory_id: Annotated[
        str,
        typer.Argument(
            help="The id of the memory in question, or its beginning.",
            show_default=False,
            autocompletion=completing.memories,
        ),
    ],
    said: Annotated[Answer, typer.Argument(help="yes or no; newer, earlier or both.", show_default=False)],
    as_json: _Json = False,
) -> None:
    """Answer a question. "no" erases a memory of health or mood; what contradicts the true one becomes its history.

    Example: keepsake questions answer mem_k7 newer
    """
    with opened_store(context) as (store, _):
        question = question_about(store, store.resolve(memory_id))
        erased = answer(store, question, said)
    if as_json:
        print_json({"memory": question.memory.id, "answer": said.value, "erasure": erased.id if erased else None})
    elif erased is not None:
        say(f"Erased. `keepsake receipts show {erased.id}` proves it.")
    else:
        say("Noted.")


def _read(file: Path) -> str:
    if is_own_file(file):
        raise StoreError(f"{file} can't be read: {OWN_DATA}.", "Name the page that you edited.")
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} can't be read: {error}.", "Name the page that you edited.") from error


def _confirm(wanted: PageChanges, *, yes: bool) -> None:
    if not wanted.removed or yes:
        return
    for memory in wanted.removed:
        say(f"  {memory.id}  {plain(memory.text, one_line=True)}")
    if not sys.stdin.isatty():
        raise StoreError(
            f"Lines are gone from the page: {len(wanted.removed)}. Nothing was changed.",
            "With --yes their memories are erased.",
        )
    if not agrees_to_erase("Erase these memories, of which the lines are gone?"):
        raise StoreError("Nothing was changed.", "The page can be edited again.")
