"""Puts any failure into words for a person: what is wrong, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from assistant import crash_log
from assistant.language import _
from memory_store.errors import Action, KeepsakeError, Step

if TYPE_CHECKING:
    from memory_store.health import Check

_COMMANDS: Final = {
    Action.EXAMINE: "keepsake doctor",
    Action.REPAIR: "keepsake doctor --repair",
    Action.REINDEX: "keepsake reindex",
    Action.SALVAGE: "keepsake doctor --salvage NEW_FOLDER",
    Action.SALVAGE_BACKUP: "keepsake doctor --salvage NEW_FOLDER --backup {name}",
    Action.BACK_UP: "keepsake backup",
    Action.LIST_BACKUPS: "keepsake backup list",
    Action.MERGE_BACKUP: "keepsake backup merge {name}",
    Action.REMOVE_BACKUP: "keepsake backup remove {name}",
    Action.SHOW_RECEIPT: "keepsake receipts show {name}",
    Action.RESTORE_BACKUP: "keepsake backup restore {name} --to FOLDER",
    Action.EXPORT: "keepsake export FILE",
    Action.CHOOSE_FOLDER: "keepsake --data-dir FOLDER",
}


def commands_for(steps: Iterable[Step]) -> list[str]:
    """Return the shell commands of what the store says can be done."""
    return [_COMMANDS[step.action].format(name=step.name) for step in steps]


def hint_with(hint: str, *steps: Step) -> str:
    """Return a hint with the commands that it asks for."""
    commands = ", ".join(f"`{command}`" for command in commands_for(steps))
    return " ".join(
        text for text in (hint, _("Next: {commands}.").format(commands=commands) if commands else "") if text
    )


def hint_of(error: KeepsakeError) -> str:
    """Return what to do about an error, with the commands for it."""
    return hint_with(error.hint, *error.steps)


def mend(check: Check) -> str:
    """Return what mends what a check-up found: words, commands, or both."""
    return "; ".join(text for text in (check.repair, *commands_for(check.steps)) if text)


def explain(error: BaseException) -> tuple[str, str]:
    """Return message and hint of a failure; never a traceback. What nobody expected is logged."""
    if isinstance(error, KeepsakeError):
        return error.message, hint_of(error)
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}", ""
    file = crash_log.note(error)
    logged = _("Where it happened is in {file}, without a word of yours.").format(file=file) if file else ""
    return (
        _("Something went wrong that nobody expected: {kind}.").format(kind=type(error).__name__),
        " ".join(
            text for text in (_("Nothing stored is lost by this; /doctor looks over the memory."), logged) if text
        ),
    )
