"""The user's own keys: what each thing with a key is named, what it answers to, and whether two share a key."""

from __future__ import annotations

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.keys import KEY_NAME_REPLACEMENTS

from assistant.core.conversation.commands import SCREEN_COMMANDS
from assistant.language import _
from assistant.tui.actions import FIXED, MESSAGE_ACTIONS, SCREENS, SOURCE_ACTIONS, KeyAction

if TYPE_CHECKING:
    from textual.app import App

# Keys that write, send, go back or interrupt: nothing of the user's can take them.
_QUIT: Final = "ctrl+q"
_TAKEN: Final = frozenset(
    {"enter", "escape", "tab", "shift+tab", "backspace", "delete", "up", "down", "ctrl+c", "ctrl+p", _QUIT}
)
_CHAT: Final = "chat"


def names() -> dict[str, str]:
    """Return the name of everything that may have a key, and the key that it has by default; empty for none."""
    return {name: key for _place, name, key in _all()}


def normal(keys: str) -> str:
    """Return keys as Textual names them: small letters, `/` as `slash`; several are parted by commas."""
    return ",".join(_normal(key.strip()) for key in keys.split(","))


def problems(own: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the user's keys, a sentence each: unknown names, taken keys, two on one key."""
    known = names()
    found = [_unknown(name, known) for name in own if name not in known]
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for place, name, default in _all():
        if not default and name not in own:
            continue
        for key in normal(own.get(name, default)).split(","):
            holders[place, key].add(name)
            if name in own and _is_taken(place, key):
                found.append(_("{name} can't have the key {key}: it is needed to write.").format(name=name, key=key))
    for (_place, key), sharing in holders.items():
        if len(sharing) > 1 and not sharing.isdisjoint(own):
            first, second = sorted(sharing)[:2]
            found.append(_("{first} and {second} are both on {key}.").format(first=first, second=second, key=key))
    return list(dict.fromkeys(found))


def keymap(own: Mapping[str, str]) -> dict[str, str]:
    """Return Textual's keymap for the user's keys."""
    return {name: normal(keys) for name, keys in own.items()}


def own_keys(app: App[object]) -> Mapping[str, str]:
    """Return the user's own keys that an application answers to; none in one that knows of none."""
    return getattr(app, "own_keys", {})


def shown(app: App[object], name: str, default: str) -> str:
    """Return the key of something as a person reads it: the user's own where there is one."""
    return own_keys(app).get(name, default).split(",")[0].strip()


def held_by(app: App[object], name: str, default: str) -> Sequence[str]:
    """Return the keys of something as Textual names them: the user's own where there are any."""
    return normal(own_keys(app).get(name, default)).split(",")


def line(app: App[object], actions: Sequence[KeyAction]) -> list[Content]:
    """Return the keys of a screen with what each does, for the line at its bottom."""
    return [
        Content.assemble((shown(app, action.full_name, action.sign), "$accent"), f" {_(action.label)}")
        for action in actions
    ]


def _unknown(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = _("Did you mean {name}?").format(name=near[0]) if near else _("F1 lists the names.")
    return _("Nothing is named {name}.").format(name=name) + f" {hint}"


def _is_taken(place: str, key: str) -> bool:
    if not key or key in _TAKEN:
        return True
    return place == _CHAT and (len(key) == 1 or key in _of_the_prompt())


def _of_the_prompt() -> frozenset[str]:
    """Return the keys that move and write in the prompt, which would never reach a command."""
    from textual.binding import Binding
    from textual.widgets import TextArea

    keys = (binding.key if isinstance(binding, Binding) else binding[0] for binding in TextArea.BINDINGS)
    return frozenset(key.strip() for several in keys for key in several.split(","))


def _normal(key: str) -> str:
    before, plus, last = key.rpartition("+")
    if len(last) == 1 and not last.isalnum():
        name = unicodedata.name(last, last).lower().replace("-", "_").replace(" ", "_")
        last = KEY_NAME_REPLACEMENTS.get(name, name)
    return (before + plus).lower() + (last if len(last) == 1 and not before else last.lower())


def _all() -> Iterator[tuple[str, str, str]]:
    """Yield (place, name, key): the same key may do different things in two places."""
    for command in SCREEN_COMMANDS:
        if command.key != _QUIT:
            yield _CHAT, command.name, command.key
    for action in (*MESSAGE_ACTIONS, *SOURCE_ACTIONS):
        yield action.place, action.full_name, action.key
    for screen, actions in SCREENS:
        for action in actions:
            if action.key not in FIXED:
                yield screen, action.full_name, action.key
