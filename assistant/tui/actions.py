"""What can be done by a key with what is selected or listed: data for the keys, their line and the help."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from textual.binding import Binding, BindingType

from assistant.language import N_

_SIGNS: Final = {"slash": "/", "escape": "Esc", "enter": "Enter"}
FIXED: Final = frozenset({"enter", "escape"})  # keys that no user can change


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One action: `place` is where it can be done, `label` what the line of keys says of it; empty leaves it out.

    `waits_for_answer` is true for what must not start while an answer is coming.
    """

    place: str
    name: str
    key: str
    label: str
    summary: str
    waits_for_answer: bool = False

    @property
    def full_name(self) -> str:
        """Its name among the user's keys: the same on every screen."""
        return f"{self.place}.{self.name}"

    @property
    def sign(self) -> str:
        """The key as a person reads it."""
        return _SIGNS.get(self.key, self.key)


_on_list = partial(KeyAction, "list")
_on_message = partial(KeyAction, "message")
_on_source = partial(KeyAction, "source")

MESSAGE_ACTIONS: Final = (
    _on_message("earlier", "alt+up", "", N_("Select the message before")),
    _on_message("later", "alt+down", "", N_("Select the message after")),
    _on_message("copy", "y", N_("copy"), N_("Copy it whole")),
    _on_message("edit", "e", N_("edit"), N_("Edit what you wrote, as a branch of its own"), waits_for_answer=True),
    _on_message("again", "r", N_("again"), N_("Answer again, as a branch of its own"), waits_for_answer=True),
    _on_message("left", "left", "", N_("The branch before"), waits_for_answer=True),
    _on_message("right", "right", "", N_("The branch after"), waits_for_answer=True),
    _on_message("branch", "b", N_("branch"), N_("Go on from here, as a branch of its own"), waits_for_answer=True),
    _on_message("pin", "p", N_("pin"), N_("Keep it as a pinned memory")),
    _on_message("forget", "f", N_("erase"), N_("Erase it, after asking"), waits_for_answer=True),
    _on_message("sources", "s", N_("sources"), N_("Go to its sources")),
    _on_message("cost", "u", N_("cost"), N_("See what it took: tokens, price, energy")),
    _on_message("code", "c", N_("code"), N_("Copy its code block; again for the next one")),
)

SOURCE_ACTIONS: Final = (
    _on_source("dismiss", "n", N_("not relevant"), N_("Never recall it for this question again, or take that back")),
    _on_source("correct", "w", N_("wrong"), N_("Put right what it says; the correction is remembered")),
)


# Keys that are no commands, for the help.
KEYS: Final = (
    ("Enter", N_("Send")),
    ("Ctrl+J, Shift+Enter, Alt+Enter", N_("Break the line")),
    ("Esc", N_("Stop the answer or the import; what has come is kept")),
    ("Up", N_("In an empty prompt: bring back what was sent last")),
    ("Alt+Up, Alt+Down", N_("Select a message, to do something with it")),
    ("Page Up, Page Down", N_("Scroll the conversation")),
    ("Tab, Enter", N_("Go to a source, open it")),
    ("Ctrl+P", N_("All commands")),
    ("Ctrl+C", N_("Copy what is selected")),
)


SEARCH: Final = _on_list("search", "slash", N_("Search"), N_("Search as you type; Esc empties the field"))
BACK: Final = _on_list("back", "escape", N_("Back"), N_("Go back"))
FORGET: Final = _on_list("forget", "f", N_("Forget"), N_("Erase it, after asking"))
PRIVATE: Final = _on_list("private", "v", N_("Private"), N_("Make it private, or public again"))

MEMORY_ACTIONS: Final = (
    _on_list("add", "a", N_("Add"), N_("Write down a new memory")),
    _on_list("edit", "e", N_("Edit"), N_("Write a newer version; this one is kept as history")),
    _on_list("pin", "p", N_("Pin"), N_("Pin it, so that every answer knows it, or unpin it")),
    PRIVATE,
    FORGET,
    _on_list("details", "enter", N_("Details"), N_("Go to its text, its sources and its history")),
    SEARCH,
    BACK,
)

DOCUMENT_ACTIONS: Final = (
    _on_list("open", "o", N_("Open"), N_("Read it: its passages in their order")),
    _on_list("again", "i", N_("Import again"), N_("Import it again, if the file has changed since")),
    PRIVATE,
    FORGET,
    _on_list("details", "enter", N_("Details"), N_("Go to what is known of it")),
    SEARCH,
    BACK,
)
READING_ACTIONS: Final = (
    _on_list("later", "n", N_("Next passages"), N_("Read on")),
    _on_list("earlier", "b", N_("Passages before"), N_("Go back to the passages before")),
    BACK,
)

CHAT_ACTIONS: Final = (
    _on_list("resume", "enter", N_("Go on"), N_("Go on with it")),
    _on_list("rename", "r", N_("Rename"), N_("Give it another title")),
    _on_list("export", "x", N_("Export"), N_("Write it to a file: .md, .html or .json")),
    PRIVATE,
    _on_list("archive", "a", N_("Archive"), N_("Put it away, or take it out again; it is recalled all the same")),
    _on_list("shown", "1", N_("Shown"), N_("Show the chats, those that were put away, or all")),
    FORGET,
    SEARCH,
    BACK,
)

TASK_ACTIONS: Final = (
    _on_list("run", "r", N_("Run or rest"), N_("Let it run, or let it rest")),
    _on_list("answer", "a", N_("Answer"), N_("Answer what it asks")),
    _on_list("retry", "t", N_("Try again"), N_("Try again what failed or was left out")),
    _on_list("sort", "o", N_("Sort"), N_("Sort what was found by the next column; a click on its name does too")),
    _on_list("item", "i", N_("Steps"), N_("See the steps of one of its items")),
    _on_list("change", "e", N_("Plan"), N_("Change its plan in your editor")),
    _on_list("cancel", "x", N_("End"), N_("End it for good")),
    _on_list("recipe", "m", N_("Recipe"), N_("Make a recipe of its plan, to do it again")),
    FORGET,
    _on_list("details", "enter", N_("Details"), N_("Go to what it found")),
    SEARCH,
    BACK,
)

RECIPE_ACTIONS: Final = (
    _on_list("use", "enter", N_("Use"), N_("Use it in the chat")),
    _on_list("edit", "e", N_("Edit"), N_("Change it in your editor; one that comes along becomes your own")),
    _on_list("export", "x", N_("Share"), N_("Write it to a folder, or to a .zip or .skill")),
    _on_list("add", "a", N_("Import"), N_("Bring one from a folder or a file")),
    PRIVATE,
    FORGET,
    SEARCH,
    BACK,
)

LOOKING_ACTIONS: Final = (
    _on_list("details", "enter", N_("Details"), N_("Go to the whole of it, to scroll")),
    SEARCH,
    BACK,
)
DOCTOR_ACTIONS: Final = (_on_list("examine", "r", N_("Again"), N_("Look over the memory again")), *LOOKING_ACTIONS)

# Each screen as the help names it, with what can be done there.
SCREENS: Final = (
    (N_("In the memories"), MEMORY_ACTIONS),
    (N_("In the documents"), DOCUMENT_ACTIONS),
    (N_("In one document"), READING_ACTIONS),
    (N_("In the chats"), CHAT_ACTIONS),
    (N_("In the tasks"), TASK_ACTIONS),
    (N_("In the recipes"), RECIPE_ACTIONS),
    (N_("In the receipts"), LOOKING_ACTIONS),
    (N_("At the doctor's"), DOCTOR_ACTIONS),
)


def bindings_of(actions: tuple[KeyAction, ...]) -> list[BindingType]:
    """Return the bindings of a screen: Enter is the list's own.

    The search goes before all else, so that not one letter typed right after its key is taken for an action.
    """
    return [
        Binding(
            action.key,
            f"do('{action.name}')",
            action.summary,
            show=False,
            priority=action is SEARCH,
            id=None if action.key in FIXED else action.full_name,
        )
        for action in actions
        if action.key != "enter"
    ]


def message_action(name: str) -> KeyAction:
    """Return what can be done with a message under this name."""
    return next(action for action in MESSAGE_ACTIONS if action.name == name)
