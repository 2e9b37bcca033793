"""Every command by name: the module that has it, imported when it is called, and the summary that `--help` lists."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
import typer.main
from typer.core import TyperGroup

# In the order in which they are listed. A summary is the beginning of the command's own help page; a test holds it so.
COMMANDS: Final = {
    "ask": ("chat", "Answer one question from memory, with sources."),
    "chat": ("chat", "Chat."),
    "model": ("models", "Set up, list, try and switch who answers."),
    "import": (
        "importing",
        "Import documents, and conversations from other assistants' exports, which are known by their content.",
    ),
    "search": ("searching", "Search documents, conversations and memories by words and by meaning."),
    "memory": ("memory", "See, add and correct what is remembered."),
    "document": ("library", "See what was imported."),
    "conversation": ("library", "See and rename conversations."),
    "about-me": (
        "profile",
        "Print what is known about you as a page of Markdown, each line with its source and what it took the place of.",
    ),
    "questions": (
        "profile",
        "What only you can answer: which of two memories is true, what of your health and mood may be remembered.",
    ),
    "goals": ("learning", "What you want in the long run, why, until when, and how it goes."),
    "learn": (
        "learning",
        "Learn from what was said: capture from the messages that wait, merge duplicates, sum up long conversations.",
    ),
    "cards": (
        "cards",
        "Cards to learn by heart from your own documents: make them, review them, exchange them with Anki.",
    ),
    "recipe": ("recipes", "Do things again the way they were done: use, make, change and exchange recipes."),
    "show": (
        "showing",
        "Show a memory, message, document, passage or conversation: who said it, when, where, and what it rests on.",
    ),
    "context": (
        "seeing",
        "Print what the model would see of a question, why each passage was found, and how many tokens each part "
        "takes.",
    ),
    "forget": (
        "forgetting",
        "Erase: from recall at once, from the disk before this returns, verified by a scan, with a receipt.",
    ),
    "receipts": ("forgetting", "Proof of what was erased, which holds nothing of it."),
    "backup": ("backing_up", "Verified copies of the whole store, in its data folder."),
    "export": (
        "leaving",
        "Write everything to one zip, with JSON lines for programs and Markdown for you; or to another format.",
    ),
    "restore": ("leaving", "Bring an archive into the store and merge it with what is there."),
    "doctor": (
        "checkup",
        "Look over the whole store; each check says what it found, what that means and what mends it.",
    ),
    "reindex": ("lifecycle", "Make the vector index anew, and the vectors too where another embedder made them."),
    "stats": ("lifecycle", "Count what is remembered."),
    "cost": (
        "costs",
        "Add up what requests to models took: tokens, price and energy, by model, role, chat or day; and the budgets.",
    ),
    "requests": (
        "lifecycle",
        "List what was sent to services that are not on this machine: when, where to, what for; never the text.",
    ),
    "later": (
        "later",
        "Answers that come within a day: see what is waited for, collect it, take it back, hand it in again.",
    ),
    "config": ("configuration", "See, write and check the settings."),
    "mcp": (
        "mcp",
        "Give other programs the memory through the Model Context Protocol (MCP), and use the tools of servers.",
    ),
    "task": ("tasks", "Do something for many things at once, step by step: plan it, try it, let it run, steer it."),
    "remind": (
        "reminders",
        "Be reminded once or again and again: keep a reminder, or see, rest and erase those there are.",
    ),
    "tools": ("tools", "See which tools a model may use, and have those ask again that were allowed for always."),
    "web": ("web", "Serve the chat to a browser on this machine."),
}


class CommandGroup(TyperGroup):
    """The group of all commands, which lists them without importing one of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


class _Commands(dict[str, Any]):
    """The commands by name, each made when it is first asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(COMMANDS))

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if found is None:
            app = typer.Typer(rich_markup_mode=None)
            import_module(f"assistant.cli.{COMMANDS[name][0]}").register(app)
            self.update(typer.main.get_group(app).commands)
            found = super().__getitem__(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in COMMANDS else default

    def items(self) -> Any:
        return {name: self[name] for name in self}.items()

    def values(self) -> Any:
        return {name: self[name] for name in self}.values()
