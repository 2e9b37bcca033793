"""What can be done on the screens that list what is stored, by its key: data for the keys, their line and the help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

from assistant.language import N_

_SIGNS: Final = {"slash": "/", "escape": "Esc", "enter": "Enter"}
FIXED: Final = frozenset({"enter", "escape"})  # keys that no user can change


@dataclass(frozen=True, slots=True)
class ScreenAction:
    """One action: `name` is that of the method that does it, `label` what the line of keys says of it."""

    name: str
    key: str
    label: str
    summary: str

    @property
    def full_name(self) -> str:
        """Its name among the user's keys: the same on every screen."""
        return f"list.{self.name}"

    @property
    def sign(self) -> str:
        """The key as a person reads it."""
        return _SIGNS.get(self.key, self.key)


SEARCH: Final = ScreenAction("search", "slash", N_("Search"), N_("Search as you type; Esc empties the field"))
BACK: Final = ScreenAction("back", "escape", N_("Back"), N_("Go back"))
FORGET: Final = ScreenAction("forget", "f", N_("Forget"), N_("Erase it, after asking"))
PRIVATE: Final = ScreenAction("private", "v", N_("Private"), N_("Make it private, or public again"))

MEMORY_ACTIONS: Final = (
    ScreenAction("add", "a", N_("Add"), N_("Write down a new memory")),
    ScreenAction("edit", "e", N_("Edit"), N_("Write a newer version; this one is kept as history")),
    ScreenAction("pin", "p", N_("Pin"), N_("Pin it, so that every answer knows it, or unpin it")),
    PRIVATE,
    FORGET,
    ScreenAction("details", "enter", N_("Details"), N_("Go to its text, its sources and its history")),
    SEARCH,
    BACK,
)

DOCUMENT_ACTIONS: Final = (
    ScreenAction("open", "o", N_("Open"), N_("Read it: its passages in their order")),
    ScreenAction("again", "i", N_("Import again"), N_("Import it again, if the file has changed since")),
    PRIVATE,
    FORGET,
    ScreenAction("details", "enter", N_("Details"), N_("Go to what is known of it")),
    SEARCH,
    BACK,
)
READING_ACTIONS: Final = (
    ScreenAction("later", "n", N_("Next passages"), N_("Read on")),
    ScreenAction("earlier", "b", N_("Passages before"), N_("Go back to the passages before")),
    BACK,
)

CHAT_ACTIONS: Final = (
    ScreenAction("resume", "enter", N_("Go on"), N_("Go on with it")),
    ScreenAction("rename", "r", N_("Rename"), N_("Give it another title")),
    ScreenAction("export", "x", N_("Export"), N_("Write it to a file: .md, .html or .json")),
    PRIVATE,
    ScreenAction("archive", "a", N_("Archive"), N_("Put it away, or take it out again; it is recalled all the same")),
    ScreenAction("shown", "1", N_("Shown"), N_("Show the chats, those that were put away, or all")),
    FORGET,
    SEARCH,
    BACK,
)

LOOKING_ACTIONS: Final = (
    ScreenAction("details", "enter", N_("Details"), N_("Go to the whole of it, to scroll")),
    SEARCH,
    BACK,
)
DOCTOR_ACTIONS: Final = (ScreenAction("examine", "r", N_("Again"), N_("Look over the memory again")), *LOOKING_ACTIONS)

# Each screen as the help names it, with what can be done there.
SCREENS: Final = (
    (N_("In the memories"), MEMORY_ACTIONS),
    (N_("In the documents"), DOCUMENT_ACTIONS),
    (N_("In one document"), READING_ACTIONS),
    (N_("In the chats"), CHAT_ACTIONS),
    (N_("In the receipts"), LOOKING_ACTIONS),
    (N_("At the doctor's"), DOCTOR_ACTIONS),
)


def bindings_of(actions: tuple[ScreenAction, ...]) -> list[BindingType]:
    """Return the bindings of a screen: Enter is the list's own.

    The search goes before all else, so that not one letter typed right after its key is taken for an action.
    """
    return [
        Binding(
            one.key,
            f"do('{one.name}')",
            one.summary,
            show=False,
            priority=one is SEARCH,
            id=None if one.key in FIXED else one.full_name,
        )
        for one in actions
        if one.key != "enter"
    ]
