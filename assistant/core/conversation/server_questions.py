"""Asks the user what a server of MCP wants to know while one of its tools runs; nobody else answers for them."""

from __future__ import annotations

import math
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
    title = _("The server “{server}” asks: {message}").format(
        server=question.server, message=excerpt(question.message, _MESSAGE_CHARS)
    )
    try:
        if question.url:
            return await _ask_to_open(skin, title, question)
        return await _fill_in(skin, title, question)
    except _Closed:
        return UserAnswer("cancel")


async def _ask_to_open(skin: Skin, title: str, question: ServerQuestion) -> UserAnswer:
    address = plain(question.url, one_line=True)
    opens = await _choose(
        skin,
        f"{title}\n{address}",
        [
            Choice(_("No"), _("the server is told so"), _DECLINE),
            Choice(_("Yes, I open it myself"), _("Keepsake opens no address; look who it belongs to"), _GO_ON),
        ],
    )
    return UserAnswer("accept" if opens else "decline")


async def _fill_in(skin: Skin, title: str, question: ServerQuestion) -> UserAnswer:
    count = len(question.fields)
    asked = plural("{count} question; never a password or a key", "{count} questions; never a password or a key", count)
    refuse, answer = Choice(_("Don't answer"), _("the server is told so"), _DECLINE), Choice(_("Answer"), asked, _GO_ON)
    answers = await _choose(skin, title, [refuse, answer])
    if not answers:
        return UserAnswer("decline")
    values: dict[str, FormValue | None] = {}
    for number, field in enumerate(question.fields, start=1):
        place = f" ({number}/{count})" if count > 1 else ""
        values[field.name] = await _ask_for(skin, question.server, field, place)
    given = {name: value for name, value in values.items() if value is not None}
    if len(values) == 1:
        return UserAnswer("accept", given)
    shown = "\n".join(
        f"{plain(field.title, one_line=True)}: {excerpt(_in_words(field, given.get(field.name)), _SHOWN_CHARS)}"
        for field in question.fields
    )
    sends = await _choose(
        skin,
        _("Is this sent to “{server}”?").format(server=question.server) + f"\n{shown}",
        [Choice(_("No"), _("the server is told so"), _DECLINE), Choice(_("Yes, send it"), "", _GO_ON)],
    )
    return UserAnswer("accept", given) if sends else UserAnswer("decline")


async def _ask_for(skin: Skin, server: str, field: FormField, place: str) -> FormValue | None:
    """Return what the user fills into a field; None where they leave it out."""
    title = plain(field.title, one_line=True)
    if field.description:
        title = f"{title}: {excerpt(field.description, _SHOWN_CHARS)}"
    title += place
    if field.kind in (FieldKind.SWITCH, FieldKind.CHOICE):
        return await _choose_value(skin, title, field)

    def check(text: str) -> None:
        try:
            field.read(text)
        except (ValueError, KeyError):
            raise KeepsakeError(_("That does not fit: {wanted}.").format(wanted=_wanted(field)), "") from None

    default = "" if field.default is None else _in_words(field, field.default)
    note = _("The server “{server}” gets what you write: never a password or a key.").format(server=server)
    if default:
        note = _("Nothing written means: {default}").format(default=excerpt(default, _SHOWN_CHARS)) + f"\n{note}"
    optional = not field.required or bool(default)
    written = await skin.ask(title, _wanted(field), hint=note, check=check, optional=optional)
    if written is None:
        raise _Closed
    if not written:
        return field.default
    try:
        return field.read(written)
    except (ValueError, KeyError):
        raise _Closed from None  # a skin that does not check


async def _choose_value(skin: Skin, title: str, field: FormField) -> FormValue | None:
    values: list[tuple[FormValue, str]] = [*field.choices]
    if field.kind is FieldKind.SWITCH:
        values = [(False, _("No")), (True, _("Yes"))]
    values.sort(key=lambda value: value[0] != field.default)
    choices: list[Choice[Any]] = [Choice(plain(name, one_line=True), "", (value,)) for value, name in values]
    if not field.required:  # an Enter too many says nothing
        choices.insert(0 if field.default is None else len(choices), Choice(_("Leave it out"), "", ()))
    chosen = await _choose(skin, title, choices)
    return chosen[0] if chosen else None


async def _choose(skin: Skin, title: str, choices: list[Choice[Any]]) -> Any:
    chosen = await skin.choose(title, choices)
    if chosen is None:
        raise _Closed
    return chosen


def _wanted(field: FormField) -> str:
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
                names=", ".join(plain(title, one_line=True) for _value, title in field.choices)
            )
        case _:
            formats = {
                "date": _("a day, as 2026-03-01"),
                "date-time": _("a time, as 2026-03-01T09:30"),
                "email": _("an e-mail address"),
                "uri": _("an address"),
            }
            return formats.get(field.format) or (_("text") if not between else _("characters:") + between)


def _in_words(field: FormField, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    titles, parts = dict(field.choices), value if isinstance(value, list) else [value]
    return ", ".join(plain(titles.get(str(part), str(part)), one_line=True) for part in parts)
