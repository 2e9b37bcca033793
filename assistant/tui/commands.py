"""The commands of the chat: one registry that feeds the slash commands, the palette, the keys and the help."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

Action = Callable[["ChatScreen", str], Awaitable[None]]
_ACTIONS: Final = "assistant.tui.actions"
_SLASH: Final = re.compile(r"/([a-z]*)(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)


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
    Command("new", "", "Start a new chat", "conversation:new", "ctrl+n", waits_for_answer=True),
    Command(
        "temporary",
        "",
        "Start a chat that is kept nowhere",
        "conversation:temporary",
        waits_for_answer=True,
    ),
    Command(
        "chats",
        "[QUERY]",
        "Go on with an earlier chat, rename it, export it",
        "conversation:chats",
        "ctrl+o",
        waits_for_answer=True,
    ),
    Command("retry", "", "Answer your last message again", "messages:retry", waits_for_answer=True),
    Command("continue", "", "Go on with an answer that was cut", "messages:go_on", waits_for_answer=True),
    Command("import", "PATH…", "Import files, folders and zips (--private, --again)", "library:import_files"),
    Command("watch", "[FOLDER]", "Import what changes in a folder; again ends that", "watching:watch"),
    Command("search", "[QUERY]", "Search everything that is remembered", "conversation:search", "ctrl+f"),
    Command("memory", "[QUERY]", "See, correct and mark what is remembered", "screens:memory", "f2"),
    Command("documents", "[QUERY]", "See, read and import again what was imported", "screens:documents", "f3"),
    Command("history", "", "Bring back something that you sent", "writing:history", "ctrl+r"),
    Command("editor", "", "Write in your editor", "writing:editor", "ctrl+g"),
    Command("context", "", "Show what the model sees", "conversation:context", "ctrl+b"),
    Command("remember", "TEXT", "Keep a note", "conversation:remember"),
    Command(
        "forget",
        "WHAT",
        "Erase an ID, `document PATH`, `matching WORDS`, `this` chat or `all`, after asking",
        "forgetting:forget",
        waits_for_answer=True,
    ),
    Command("receipts", "", "See what was erased, and how it was verified", "screens:receipts"),
    Command("doctor", "", "Look over the memory, and see what mends it", "screens:doctor"),
    Command("stats", "", "See how the memory grew, and what the answers took", "screens:stats"),
    Command("export", "FILE", "Write everything to one zip", "library:export"),
    Command("model", "[NAME]", "Choose who answers", "models:choose", waits_for_answer=True),
    Command("guide", "", "Be led through the first steps", "guide:guide", waits_for_answer=True),
    Command("theme", "[NAME]", "Choose the colours", "appearance:theme", needs_memory=False),
    Command("settings", "", "Change how it answers, looks and imports", "settings:settings", "f4"),
    Command("help", "", "List the keys and commands", "appearance:help", "f1", needs_memory=False),
    Command("quit", "", "Leave", "appearance:leave", "ctrl+q", needs_memory=False),
)


@dataclass(frozen=True, slots=True)
class MessageAction:
    """What can be done with a selected message, by its key. `handler` is a function of `actions.messages`."""

    name: str
    key: str
    summary: str
    waits_for_answer: bool = False

    @property
    def full_name(self) -> str:
        """Its name among the user's keys."""
        return f"message.{self.name}"


MESSAGE_ACTIONS: Final = (
    MessageAction("earlier", "alt+up", "Select the message before"),
    MessageAction("later", "alt+down", "Select the message after"),
    MessageAction("copy", "y", "Copy it whole"),
    MessageAction("code", "c", "Copy its code block; again for the next one"),
    MessageAction("edit", "e", "Edit what you wrote, as a branch of its own", waits_for_answer=True),
    MessageAction("again", "r", "Answer again, as a branch of its own", waits_for_answer=True),
    MessageAction("left", "left", "The branch before", waits_for_answer=True),
    MessageAction("right", "right", "The branch after", waits_for_answer=True),
    MessageAction("branch", "b", "Go on from here, as a branch of its own", waits_for_answer=True),
    MessageAction("pin", "p", "Keep it as a pinned memory"),
    MessageAction("forget", "f", "Erase it, after asking", waits_for_answer=True),
    MessageAction("sources", "s", "Go to its sources"),
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
    SourceAction("dismiss", "n", "not relevant", "Never recall it for this question again, or take that back"),
    SourceAction("correct", "w", "wrong", "Put right what it says; the correction is remembered"),
)

# Keys that are no commands, for the help.
KEYS: Final = (
    ("Enter", "Send"),
    ("Ctrl+J, Shift+Enter, Alt+Enter", "Break the line"),
    ("Esc", "Stop the answer or the import; what has come is kept"),
    ("Up", "In an empty prompt: bring back what was sent last"),
    ("Alt+Up, Alt+Down", "Select a message, to do something with it"),
    ("Page Up, Page Down", "Scroll the conversation"),
    ("Tab, Enter", "Go to a source, open it"),
    ("Ctrl+P", "All commands"),
    ("Ctrl+C", "Copy what is selected"),
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
    typed = re.fullmatch(r"/([a-z]*)", text, re.IGNORECASE)
    return [one for one in COMMANDS if one.name.startswith(typed.group(1).lower())] if typed else []
