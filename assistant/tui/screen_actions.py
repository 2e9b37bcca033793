"""What can be done on the screens that list what is stored, by its key: data for the keys, their line and the help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

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


SEARCH: Final = ScreenAction("search", "slash", "Search", "Search as you type; Esc empties the field")
BACK: Final = ScreenAction("back", "escape", "Back", "Go back")
FORGET: Final = ScreenAction("forget", "f", "Forget", "Erase it, after asking")
PRIVATE: Final = ScreenAction("private", "v", "Private", "Make it private, or public again")

MEMORY_ACTIONS: Final = (
    ScreenAction("add", "a", "Add", "Write down a new memory"),
    ScreenAction("edit", "e", "Edit", "Write a newer version; this one is kept as history"),
    ScreenAction("pin", "p", "Pin", "Pin it, so that every answer knows it, or unpin it"),
    PRIVATE,
    FORGET,
    ScreenAction("details", "enter", "Details", "Go to its text, its sources and its history"),
    SEARCH,
    BACK,
)

DOCUMENT_ACTIONS: Final = (
    ScreenAction("open", "o", "Open", "Read it: its passages in their order"),
    ScreenAction("again", "i", "Import again", "Import it again, if the file has changed since"),
    PRIVATE,
    FORGET,
    ScreenAction("details", "enter", "Details", "Go to what is known of it"),
    SEARCH,
    BACK,
)
READING_ACTIONS: Final = (
    ScreenAction("later", "n", "Next passages", "Read on"),
    ScreenAction("earlier", "b", "Passages before", "Go back to the passages before"),
    BACK,
)

CHAT_ACTIONS: Final = (
    ScreenAction("resume", "enter", "Go on", "Go on with it"),
    ScreenAction("rename", "r", "Rename", "Give it another title"),
    ScreenAction("export", "x", "Export", "Write it to a file: .md, .html or .json"),
    PRIVATE,
    ScreenAction("archive", "a", "Archive", "Put it away, or take it out again; it is recalled all the same"),
    ScreenAction("shown", "1", "Shown", "Show the chats, those that were put away, or all"),
    FORGET,
    SEARCH,
    BACK,
)

LOOKING_ACTIONS: Final = (
    ScreenAction("details", "enter", "Details", "Go to the whole of it, to scroll"),
    SEARCH,
    BACK,
)
DOCTOR_ACTIONS: Final = (ScreenAction("examine", "r", "Again", "Look over the memory again"), *LOOKING_ACTIONS)

# Each screen as the help names it, with what can be done there.
SCREENS: Final = (
    ("In the memories", MEMORY_ACTIONS),
    ("In the documents", DOCUMENT_ACTIONS),
    ("In one document", READING_ACTIONS),
    ("In the chats", CHAT_ACTIONS),
    ("In the receipts", LOOKING_ACTIONS),
    ("At the doctor's", DOCTOR_ACTIONS),
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
