"""The commands of a conversation as data: one registry that feeds slash commands, palette, keys, help and lines."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from assistant.language import N_

_SLASH: Final = re.compile(r"/([a-z-]*)(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `/name arguments`. An argument in brackets may be left out; `PATH` is completed from the disk.

    `skins` says where it is there: on the screen, in lines, or in both. `needs_memory` is false for what works before
    the memory is open, `waits_for_answer` true for what must not start while an answer is coming.
    """

    name: str
    arguments: str
    summary: str
    key: str = ""
    skins: Literal["screen", "lines", "both"] = "screen"
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


COMMANDS: Final = (
    Command("new", "", N_("Start a new chat"), "ctrl+n", skins="both", waits_for_answer=True),
    Command("temporary", "", N_("Start a chat that is kept nowhere"), skins="both", waits_for_answer=True),
    Command(
        "chats",
        "[QUERY]",
        N_("Go on with an earlier chat, rename it, export it"),
        "ctrl+o",
        skins="both",
        waits_for_answer=True,
    ),
    Command("open", "ID", "Go on with an earlier chat", skins="lines"),
    Command("retry", "", N_("Answer your last message again"), skins="both", waits_for_answer=True),
    Command("edit", "TEXT", "Send this in place of your last message, on a branch of its own", skins="lines"),
    Command("continue", "", N_("Go on with an answer that was cut"), skins="both", waits_for_answer=True),
    Command("import", "PATH…", N_("Import files, folders and zips (--private, --again)"), skins="both"),
    Command("watch", "[FOLDER]", N_("Import what changes in a folder; again ends that")),
    Command("search", "[QUERY]", N_("Search everything that is remembered"), "ctrl+f", skins="both"),
    Command("memory", "[QUERY]", N_("See, correct and mark what is remembered"), "f2"),
    Command("documents", "[QUERY]", N_("See, read and import again what was imported"), "f3"),
    Command("history", "", N_("Bring back something that you sent"), "ctrl+r"),
    Command("editor", "", N_("Write in your editor"), "ctrl+g"),
    Command("context", "", N_("Show what the model sees"), "ctrl+b"),
    Command("why", "[WORDS]", N_("Explain the last answer, or a sentence of it")),
    Command("sources", "[N]", "List the sources of the last answer, or read one", skins="lines"),
    Command("about-me", "[DAY]", N_("See what is known about you, with its sources; or was, on a day"), skins="both"),
    Command("remember", "TEXT", N_("Keep a note"), skins="both"),
    Command("questions", "", N_("Answer what only you can: what is true, what may be remembered"), skins="both"),
    Command("goals", "[TEXT]", N_("See your goals, say how they go; with words, set one"), skins="both"),
    Command(
        "study",
        "[TOPIC]",
        N_("Study a topic from your own documents: questions first, few hints"),
        skins="both",
        waits_for_answer=True,
    ),
    Command(
        "cards",
        "[make DOCUMENT]",
        N_("Review the cards that are due, or make some from a document"),
        skins="both",
        waits_for_answer=True,
    ),
    Command(
        "learn",
        "[TOPIC]",
        N_("Learn now from what was said, and tidy the memory; a topic is studied with you, as /study does"),
        skins="both",
        waits_for_answer=True,
    ),
    Command(
        "effort",
        "[LEVEL]",
        N_("How much effort answers take: instant, balanced, thorough, later"),
        "f5",
        skins="both",
        waits_for_answer=True,
    ),
    Command(
        "cost", "", N_("See what this chat, the day and the month took, and what is left of budgets"), skins="both"
    ),
    Command("task", "WISH", N_("Plan something to be done for many things, step by step"), skins="both"),
    Command("tasks", "[QUERY]", N_("See long tasks: what they found and ask; let them go on or rest"), skins="both"),
    Command("remind", "TEXT", N_("Be reminded: what, and when or how often"), skins="both"),
    Command("reminders", "", N_("See reminders; let them rest, change or erase them"), skins="both"),
    Command(
        "recipe",
        "[NAME] [WORDS]",
        N_("Do something by a recipe; `new` makes one of this chat, `import PATH` brings one"),
        skins="both",
        waits_for_answer=True,
    ),
    Command("recipes", "[QUERY]", N_("See recipes whole; use, change, share, erase them"), waits_for_answer=True),
    Command("tools", "", N_("See which tools need no question any more, and have them ask again"), skins="both"),
    Command("private", "", N_("Keep this chat to this machine; again ends that"), skins="both"),
    Command(
        "forget",
        "WHAT",
        N_("Erase an ID, `document PATH`, `matching WORDS`, `this` chat or `all`, after asking"),
        skins="both",
        waits_for_answer=True,
    ),
    Command("receipts", "", N_("See what was erased, and how it was verified")),
    Command("doctor", "", N_("Look over the memory, and see what mends it")),
    Command("stats", "", N_("See how the memory grew, and what the answers took")),
    Command("export", "FILE", N_("Write everything to one zip")),
    Command("model", "[NAME]", N_("Choose who answers"), waits_for_answer=True),
    Command("guide", "", N_("Be led through the first steps"), waits_for_answer=True),
    Command("theme", "[NAME]", N_("Choose the colours"), needs_memory=False),
    Command(
        "settings", "", N_("Change how it answers, looks and imports"), "f4", waits_for_answer=True
    ),  # who answers may be another one afterwards
    Command("help", "", N_("List the keys and commands"), "f1", skins="both", needs_memory=False),
    Command("quit", "", N_("Leave"), "ctrl+q", skins="both", needs_memory=False),
    Command("exit", "", "The same", skins="lines"),
)
# What a screen full of widgets has, and what there is in lines.
SCREEN_COMMANDS: Final = tuple(command for command in COMMANDS if command.skins != "lines")
LINE_COMMANDS: Final = tuple(command for command in COMMANDS if command.skins != "screen")


def find(name: str, among: tuple[Command, ...] = SCREEN_COMMANDS) -> Command | None:
    """Return the command of this name."""
    return next((command for command in among if command.name == name.lower()), None)


def nearest(name: str, among: tuple[Command, ...] = SCREEN_COMMANDS) -> Command | None:
    """Return the command that was probably meant."""
    close = difflib.get_close_matches(name.lower(), [command.name for command in among], n=1)
    return find(close[0], among) if close else None


def parse(text: str) -> tuple[str, str] | None:
    """Return name and argument of a slash command; None for a message, such as one that begins with a path."""
    match = _SLASH.fullmatch(text.strip())
    return (match.group(1).lower(), (match.group(2) or "").strip()) if match else None


def completions(text: str) -> list[Command]:
    """Return the commands of the screen that fit what has been typed so far."""
    typed = re.fullmatch(r"/([a-z-]*)", text, re.IGNORECASE)
    return [command for command in SCREEN_COMMANDS if command.name.startswith(typed.group(1).lower())] if typed else []


def takes_path(text: str) -> bool:
    """Say whether what has been typed so far is a command whose argument is a path."""
    given = parse(text)
    command = find(given[0]) if given is not None else None
    return command is not None and command.arguments.startswith("PATH")


def split_words(argument: str) -> list[str]:
    """Return the words of an argument, quoted ones whole; with an unclosed quote, the argument as one word."""
    try:
        return shlex.split(argument)
    except ValueError:
        return [argument]


def absolute_path(path: str) -> Path:
    """Return a path as the user means it: from the home folder or from where Keepsake was started."""
    return Path(path).expanduser().absolute()
