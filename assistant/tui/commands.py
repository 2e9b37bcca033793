"""The commands of the chat: one registry that feeds the slash commands, the palette, the keys and the help."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from assistant.language import N_

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

Action = Callable[["ChatScreen", str], Awaitable[None]]
_ACTIONS: Final = "assistant.tui.actions"
_SLASH: Final = re.compile(r"/([a-z-]*)(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `/name arguments`. `handler` is `module:function` under actions, loaded when first needed.

    `needs_memory` is false for what works before the memory is open, `waits_for_answer` true for what must not start
    while an answer is coming.
    """

    name: str
    arguments: str
    summary: str
    handler: str
    key: str = ""
    needs_memory: bool = True
    waits_for_answer: bool = False

    @property
    def usage(self) -> str:
        """The command as it is typed."""
        return f"/{self.name} {self.arguments}".rstrip()

    @property
    def requires_argument(self) -> bool:
        """Whether it does nothing without an argument."""
        return bool(self.arguments) and not self.arguments.startswith("[")

    def action(self) -> Action:
        """Import and return what it does."""
        module, _, function = self.handler.partition(":")
        return cast(Action, getattr(import_module(f"{_ACTIONS}.{module}"), function))


COMMANDS: Final = (
    Command("new", "", N_("Start a new chat"), "conversation:new", "ctrl+n", waits_for_answer=True),
    Command(
        "temporary",
        "",
        N_("Start a chat that is kept nowhere"),
        "conversation:temporary",
        waits_for_answer=True,
    ),
    Command(
        "chats",
        "[QUERY]",
        N_("Go on with an earlier chat, rename it, export it"),
        "conversation:chats",
        "ctrl+o",
        waits_for_answer=True,
    ),
    Command("retry", "", N_("Answer your last message again"), "messages:retry", waits_for_answer=True),
    Command("continue", "", N_("Go on with an answer that was cut"), "messages:go_on", waits_for_answer=True),
    Command("import", "PATH…", N_("Import files, folders and zips (--private, --again)"), "library:import_files"),
    Command("watch", "[FOLDER]", N_("Import what changes in a folder; again ends that"), "watching:watch"),
    Command("search", "[QUERY]", N_("Search everything that is remembered"), "conversation:search", "ctrl+f"),
    Command("memory", "[QUERY]", N_("See, correct and mark what is remembered"), "screens:memory", "f2"),
    Command("documents", "[QUERY]", N_("See, read and import again what was imported"), "screens:documents", "f3"),
    Command("history", "", N_("Bring back something that you sent"), "writing:history", "ctrl+r"),
    Command("editor", "", N_("Write in your editor"), "writing:editor", "ctrl+g"),
    Command("context", "", N_("Show what the model sees"), "conversation:context", "ctrl+b"),
    Command("why", "[WORDS]", N_("Explain the last answer, or a sentence of it"), "why:why"),
    Command(
        "about-me", "[DAY]", N_("See what is known about you, with its sources; or was, on a day"), "screens:about_me"
    ),
    Command("remember", "TEXT", N_("Keep a note"), "conversation:remember"),
    Command(
        "questions", "", N_("Answer what only you can: what is true, what may be remembered"), "learning:questions"
    ),
    Command("goals", "[TEXT]", N_("See your goals, say how they go; with words, set one"), "learning:goals"),
    Command(
        "learn", "", N_("Learn now from what was said, and tidy the memory"), "learning:learn", waits_for_answer=True
    ),
    Command("private", "", N_("Keep this chat to this machine; again ends that"), "learning:private"),
    Command(
        "forget",
        "WHAT",
        N_("Erase an ID, `document PATH`, `matching WORDS`, `this` chat or `all`, after asking"),
        "forgetting:forget",
        waits_for_answer=True,
    ),
    Command("receipts", "", N_("See what was erased, and how it was verified"), "screens:receipts"),
    Command("doctor", "", N_("Look over the memory, and see what mends it"), "screens:doctor"),
    Command("stats", "", N_("See how the memory grew, and what the answers took"), "screens:stats"),
    Command("export", "FILE", N_("Write everything to one zip"), "library:export"),
    Command("model", "[NAME]", N_("Choose who answers"), "models:choose", waits_for_answer=True),
    Command("guide", "", N_("Be led through the first steps"), "guide:guide", waits_for_answer=True),
    Command("theme", "[NAME]", N_("Choose the colours"), "appearance:theme", needs_memory=False),
    Command(
        "settings",
        "",
        N_("Change how it answers, looks and imports"),
        "settings:settings",
        "f4",
        waits_for_answer=True,  # who answers may be another one afterwards
    ),
    Command("help", "", N_("List the keys and commands"), "appearance:help", "f1", needs_memory=False),
    Command("quit", "", N_("Leave"), "appearance:leave", "ctrl+q", needs_memory=False),
)


@dataclass(frozen=True, slots=True)
class MessageAction:
    """What can be done with a selected message, by its key. `label` is what the line of keys says of it."""

    name: str
    key: str
    summary: str
    label: str = ""
    waits_for_answer: bool = False

    @property
    def full_name(self) -> str:
        """Its name among the user's keys."""
        return f"message.{self.name}"


MESSAGE_ACTIONS: Final = (
    MessageAction("earlier", "alt+up", N_("Select the message before")),
    MessageAction("later", "alt+down", N_("Select the message after")),
    MessageAction("copy", "y", N_("Copy it whole"), N_("copy")),
    MessageAction("edit", "e", N_("Edit what you wrote, as a branch of its own"), N_("edit"), waits_for_answer=True),
    MessageAction("again", "r", N_("Answer again, as a branch of its own"), N_("again"), waits_for_answer=True),
    MessageAction("left", "left", N_("The branch before"), waits_for_answer=True),
    MessageAction("right", "right", N_("The branch after"), waits_for_answer=True),
    MessageAction("branch", "b", N_("Go on from here, as a branch of its own"), N_("branch"), waits_for_answer=True),
    MessageAction("pin", "p", N_("Keep it as a pinned memory"), N_("pin")),
    MessageAction("forget", "f", N_("Erase it, after asking"), N_("erase"), waits_for_answer=True),
    MessageAction("sources", "s", N_("Go to its sources"), N_("sources")),
    MessageAction("code", "c", N_("Copy its code block; again for the next one"), N_("code")),
)


@dataclass(frozen=True, slots=True)
class SourceAction:
    """What can be done with a source of an answer, by its key. `handler` is a function of `actions.sources`."""

    name: str
    key: str
    label: str
    summary: str

    @property
    def full_name(self) -> str:
        """Its name among the user's keys."""
        return f"source.{self.name}"


SOURCE_ACTIONS: Final = (
    SourceAction("dismiss", "n", N_("not relevant"), N_("Never recall it for this question again, or take that back")),
    SourceAction("correct", "w", N_("wrong"), N_("Put right what it says; the correction is remembered")),
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


def find(name: str) -> Command | None:
    """Return the command of this name."""
    return next((one for one in COMMANDS if one.name == name.lower()), None)


def message_action(name: str) -> MessageAction | None:
    """Return what can be done with a message under this name."""
    return next((one for one in MESSAGE_ACTIONS if one.name == name), None)


def nearest(name: str) -> Command | None:
    """Return the command that was probably meant."""
    close = difflib.get_close_matches(name.lower(), [one.name for one in COMMANDS], n=1)
    return find(close[0]) if close else None


def parse(text: str) -> tuple[str, str] | None:
    """Return name and argument of a slash command; None for a message, such as one that begins with a path."""
    match = _SLASH.fullmatch(text.strip())
    return (match.group(1).lower(), (match.group(2) or "").strip()) if match else None


def completions(text: str) -> list[Command]:
    """Return the commands that fit what has been typed so far."""
    typed = re.fullmatch(r"/([a-z-]*)", text, re.IGNORECASE)
    return [one for one in COMMANDS if one.name.startswith(typed.group(1).lower())] if typed else []
