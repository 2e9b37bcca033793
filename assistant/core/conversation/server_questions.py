"""Asks the user what a server of MCP wants to know while one of its tools runs; nobody else answers for them."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

from assistant.core.conversation.skin import Choice, Skin
from assistant.core.tools.forms import FieldKind, FormField, FormValue, ServerQuestion, UserAnswer
from assistant.display import excerpt, plain
from assistant.language import _, plural
from memory_store.errors import KeepsakeError

_MESSAGE_CHARS: Final = 800
_SHOWN_CHARS: Final = 200
_DECLINE, _GO_ON = False, True


class _Closed(Exception):
    """The user closed a question."""


async def answer_server(skin: Skin, question: ServerQuestion) -> UserAnswer:
    """Ask the user; a question that they close cancels all. Where nobody can be asked, it is declined."""
    if not skin.is_attended():
        return UserAnswer("decline")
    if not question.url:
        return await skin.fill_in(question)
    choices = [
        Choice(_("No"), _("the server is told so"), _DECLINE),
        Choice(_("Yes, I open it myself"), _("Keepsake opens no address; look who it belongs to"), _GO_ON),
    ]
    opens = await skin.choose(f"{title_of(question)}\n{plain(question.url, one_line=True)}", choices)
    return UserAnswer("cancel") if opens is None else UserAnswer("accept" if opens else "decline")


async def ask_field_by_field(skin: Skin, question: ServerQuestion) -> UserAnswer:
    """Ask for what a form holds by one question after the other, and show it before it is sent."""
    try:
        return await _fill_in(skin, question)
    except _Closed:
        return UserAnswer("cancel")


def title_of(question: ServerQuestion) -> str:
    """Return who asks, and what; what Keepsake asks itself stands alone."""
    message = excerpt(question.message, _MESSAGE_CHARS)
    if not question.server:
        return message
    return _("The server “{server}” asks: {message}").format(server=question.server, message=message)


def warning_of(question: ServerQuestion) -> str:
    """Return what to bear in mind with each answer, where it leaves Keepsake."""
    if not question.server:
        return ""
    return _("The server “{server}” gets what you write: never a password or a key.").format(server=question.server)


def label_of(field: FormField) -> str:
    """Return what a field is called, and what the server says of it."""
    title = excerpt(field.title, _SHOWN_CHARS)
    return f"{title}: {excerpt(field.description, _SHOWN_CHARS)}" if field.description else title


def read_field(field: FormField, text: str) -> FormValue:
    """Return the value that a text means. Raises KeepsakeError for one that does not fit."""
    try:
        return field.read(text)
    except (ValueError, KeyError):
        raise KeepsakeError(_("That does not fit: {wanted}.").format(wanted=wanted_in(field)), "") from None


def values_of(field: FormField) -> list[tuple[FormValue, str]]:
    """Return what may be chosen, each with its name."""
    if field.kind is FieldKind.SWITCH:
        return [(False, _("No")), (True, _("Yes"))]
    return [(value, excerpt(name, _SHOWN_CHARS)) for value, name in field.choices]


async def _fill_in(skin: Skin, question: ServerQuestion) -> UserAnswer:
    count = len(question.fields)
    asked = plural("{count} question; never a password or a key", "{count} questions; never a password or a key", count)
    refuse, answer = Choice(_("Don't answer"), _("the server is told so"), _DECLINE), Choice(_("Answer"), asked, _GO_ON)
    if question.server and not await _choose(skin, title_of(question), [refuse, answer]):
        return UserAnswer("decline")
    values: dict[str, FormValue | None] = {}
    for number, field in enumerate(question.fields, start=1):
        place = f" ({number}/{count})" if count > 1 else ""
        values[field.name] = await _ask_for(skin, question, field, place)
    given = {name: value for name, value in values.items() if value is not None}
    if len(values) == 1 or not question.server:
        return UserAnswer("accept", given)
    shown = "\n".join(
        f"{excerpt(field.title, _SHOWN_CHARS)}: {excerpt(in_words(field, given.get(field.name)), _SHOWN_CHARS)}"
        for field in question.fields
    )
    sends = await _choose(
        skin,
        _("Is this sent to “{server}”?").format(server=question.server) + f"\n{shown}",
        [Choice(_("No"), _("the server is told so"), _DECLINE), Choice(_("Yes, send it"), "", _GO_ON)],
    )
    return UserAnswer("accept", given) if sends else UserAnswer("decline")


async def _ask_for(skin: Skin, question: ServerQuestion, field: FormField, place: str) -> FormValue | None:
    """Return what the user fills into a field; None where they leave it out."""
    title = label_of(field) + place
    if field.kind in (FieldKind.SWITCH, FieldKind.CHOICE):
        return await _choose_value(skin, title, field)
    default = "" if field.default is None else in_words(field, field.default)
    note = warning_of(question)
    if default:
        note = (
            _("Nothing written means: {default}").format(default=excerpt(default, _SHOWN_CHARS)) + f"\n{note}".rstrip()
        )
    optional = not field.required or bool(default)
    check = partial(read_field, field)
    written = await skin.ask(title, wanted_in(field), hint=note, check=check, optional=optional)
    if written is None:
        raise _Closed
    return check(written) if written else field.default


async def _choose_value(skin: Skin, title: str, field: FormField) -> FormValue | None:
    values = sorted(values_of(field), key=lambda value: value[0] != field.default)
    choices: list[Choice[Any]] = [Choice(name, "", (value,)) for value, name in values]
    if not field.required:  # an Enter too many says nothing
        choices.insert(0 if field.default is None else len(choices), Choice(_("Leave it out"), "", ()))
    chosen = await _choose(skin, title, choices)
    return chosen[0] if chosen else None


async def _choose(skin: Skin, title: str, choices: list[Choice[Any]]) -> Any:
    chosen = await skin.choose(title, choices)
    if chosen is None:
        raise _Closed
    return chosen


def wanted_in(field: FormField) -> str:
    """Return in words what a field takes."""
    least, most = ("" if math.isinf(bound) else f"{bound:g}" for bound in field.bounds)
    between = f" {least}–{most}" if least or most else ""
    match field.kind:
        case FieldKind.INTEGER:
            return _("a whole number") + between
        case FieldKind.NUMBER:
            return _("a number") + between
        case FieldKind.CHOICES:
            return _("some of these, with commas: {names}").format(
                names=excerpt(", ".join(title for _value, title in field.choices), _MESSAGE_CHARS)
            )
        case _:
            formats = {
                "date": _("a day, as 2026-03-01"),
                "date-time": _("a time, as 2026-03-01T09:30"),
                "email": _("an e-mail address"),
                "uri": _("an address"),
            }
            return formats.get(field.format) or (_("text") if not between else _("characters:") + between)


def in_words(field: FormField, value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    titles, parts = dict(field.choices), value if isinstance(value, list) else [value]
    return ", ".join(plain(titles.get(str(part), str(part)), one_line=True) for part in parts)
