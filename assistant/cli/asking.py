"""The questions before something is lost on the command line: a yes to one thing by its name, a word to a plan."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress

import typer

from assistant.cli.output import say, show
from assistant.core.conversation.forgetting import ERASE_WORD, UNREAD_SECONDS, means_erase, plan_lines
from memory_store import Selection, Store
from memory_store.errors import ChangedError, StoreError
from memory_store.models import ErasurePlan
from memory_store.wording import format_counts


def erase(store: Store, identifier: str, name: str, *, yes: bool) -> None:
    """Erase what has this id, after a question that names it, and say how that was verified. Raises StoreError."""
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Erase {name}?", err=True)):
        raise StoreError("Nothing was erased.", "Give --yes if you mean it.")
    erasure = store.forget(Selection((identifier,)))
    show(f"Erased; `keepsake receipts show {erasure.id}` shows how that was verified.")


def agree_to_replace(error: ChangedError) -> None:
    """Ask whether what was written takes the place of what somebody else wrote meanwhile; raise the error if not."""
    if not (sys.stdin.isatty() and typer.confirm(f"{error.message} Put what you wrote in its place?", err=True)):
        raise error


def agree_to_plan(plan: ErasurePlan) -> bool:
    """Show what an erasure takes, and ask for the word. Raises StoreError if there is nobody to ask."""
    say(f"This erases {format_counts(plan.counts)}:")
    for line in (*(f"  {title}" for title in plan.titles), *plan_lines(plan)):
        say(line)
    if not sys.stdin.isatty():
        raise StoreError("Nothing was erased: there is nobody to ask.", "Give --yes if you mean it.")
    agreed = agrees_to_erase("Erase it for good?")
    if not agreed:
        say("Nothing was erased.")
    return agreed


def agrees_to_erase(question: str, *, clock: Callable[[], float] = time.monotonic) -> bool:
    """Ask, and say whether the word was typed. Only to be asked of a terminal."""
    asked_at = clock()
    while True:
        _drop_typed_before()
        sys.stderr.write(f"{question} Type {ERASE_WORD} and press Enter; anything else keeps it: ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer or not means_erase(answer):
            return False
        if clock() - asked_at >= UNREAD_SECONDS:
            return True
        say("That came before the question could be read.")


def _drop_typed_before() -> None:
    """Throw away what the terminal holds of keys that were struck before the question."""
    try:
        import termios
    except ImportError:
        return  # no such terminals on this system: the half second holds all the same
    with suppress(OSError, ValueError, termios.error):  # not from a terminal
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
