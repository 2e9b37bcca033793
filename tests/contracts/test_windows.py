"""The harness of many windows knows every way to write: a new command has to say whether it does."""

from __future__ import annotations

from pathlib import Path
from random import Random

import typer.main

from assistant.cli.app import app
from assistant.config import McpConfig
from assistant.core.conversation.commands import LINE_COMMANDS, SCREEN_COMMANDS
from assistant.mcp.access import Access
from assistant.mcp.public_memory import PublicMemory
from assistant.mcp.server import build_server
from memory_store import Store
from tests.faults import windows
from tests.faults.screen_window import OPERATIONS

# What only reads, what only changes settings, approvals or the screen,
# and what is asked for by other words of the same code.
READING_COMMANDS = {
    *("memory list", "memory show", "document list", "document show", "conversation list", "conversation show"),
    *("backup list", "backup check", "receipts list", "receipts show", "receipts check", "goals list"),
    *(
        "config show",
        "config init",
        "config validate",
        "config path",
        "config set",
        "requests",
        "cost",
        "show",
        "context",
    ),
    *("mcp clients", "mcp allow", "mcp revoke", "mcp install", "mcp add", "mcp list", "mcp remove", "mcp import"),
    *("mcp login", "mcp logout"),
    *("tools list", "tools revoke"),
    *("cards list", "cards show"),
    *("recipe list", "recipe show", "recipe export"),
    *("task list", "task show"),
    *("remind list", "remind show", "remind service"),
    *("model add", "model list", "model use", "model test", "model remove"),
}
READING_LINES = {
    "/chats",
    "/open",
    "/sources",
    "/about-me",
    "/effort",
    "/cost",
    "/tools",
    "/cards",
    "/study",
    "/tasks",
    *("/remind", "/reminders"),  # by the functions of the store that the shell runs
    "/recipe",
    "/help",
    "/quit",
    "/exit",
}
# What the screen runs, which calls the same function of the conversation.
LINES_AS_ON_THE_SCREEN = {"/task", "/questions", "/goals", "/learn", "/import"}
READING_SCREENS = {
    *(
        "chats",
        "search",
        "history",
        "editor",
        "context",
        "why",
        "about-me",
        "effort",
        "cost",
        "tools",
        *("task", "tasks"),  # by the functions of the store that the shell runs
        *("cards", "study"),
        *("remind", "reminders"),
        *("recipe", "recipes"),  # by the functions of the store that the shell runs
        "questions",
        "receipts",
        "stats",
    ),
    "model",
    *("guide", "theme", "settings", "help", "quit"),
}
# By the same functions of the store as what the harness runs, in another process or through another door.
AS_A_WINDOW = {"mcp serve"}
BY_ANOTHER_DOOR = {
    *("chat", "web", "backup remove", "backup restore", "task work"),
    *("cards make", "cards import", "cards export", "cards remove", "cards review"),  # in tests/core/cards
    *("recipe use", "recipe new", "recipe edit", "recipe import", "recipe remove"),  # in tests/cli/test_recipes.py
    *("later collect", "later cancel", "later again"),  # tests/core/test_later.py has the service that they need
}


def shell_commands(command: object, path: str = "") -> list[str]:
    """Every command that does something, with the words that lead to it."""
    inner = getattr(command, "commands", None)
    if not inner:
        return [path]
    return [one for name in inner for one in shell_commands(inner[name], f"{path} {name}".strip())]


def test_every_shell_command_that_writes_is_run_by_the_harness(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    class Listening(windows.ShellWindow):
        def ask(self, *arguments: str, fails: bool = False) -> str:
            asked.append(arguments)
            return "con_abc mem_abc"

    (tmp_path / "archive.zip").touch()
    (tmp_path / "memory" / "backups").mkdir(parents=True)
    (tmp_path / "memory" / "backups" / "20260502T093000000000Z.db").touch()
    books = windows.Books()
    for kind in (Listening, type("Importing", (Listening, windows.ImportWindow), {})):
        window = kind("w", tmp_path, books, Random(1))
        for operation in window.operations().values():
            operation()
    begun = {" ".join(one) for one in asked}
    missing = {
        name
        for name in shell_commands(typer.main.get_command(app))
        if name not in READING_COMMANDS | BY_ANOTHER_DOOR | AS_A_WINDOW
        and not any(one.startswith(name) for one in begun)
    }
    assert missing == set()


def test_every_command_of_the_chats_that_writes_is_run_by_the_harness(tmp_path: Path) -> None:
    lines: set[str] = set()
    screens: set[str] = set()

    class Lines(windows.LineWindow):
        def ask(self, line: str, answer: str = "") -> str:
            lines.add(line.split()[0])
            return ""

    class Screen(windows.ScreenWindow):
        def ask(self, name: str, argument: str) -> bool:
            screens.add(argument.split()[0] if name == "type" else f"/{name}")
            return True

    books = windows.Books(kept={"zq1"})
    books.keep("zq1", may_be_forgotten=True)
    books.keep("zq2", may_be_forgotten=True)
    for kind in (Lines, Screen):
        for operation in kind("w", tmp_path, books, Random(1)).operations().values():
            operation()
    assert {one.usage.split()[0] for one in LINE_COMMANDS} - READING_LINES - LINES_AS_ON_THE_SCREEN - lines == set()
    assert {f"/{one.name}" for one in SCREEN_COMMANDS} - {f"/{one}" for one in READING_SCREENS} - screens == set()
    assert set(OPERATIONS) - {"type"} <= {one.removeprefix("/") for one in screens}


async def test_every_tool_of_other_programs_is_called_by_the_harness(store: Store, tmp_path: Path) -> None:
    called: set[str] = set()

    class Programs(windows.ProgramWindow):
        def ask(self, tool: str, **arguments: object) -> tuple[str, bool]:
            called.add(tool)
            return "id: mem_abc", False

    books = windows.Books(kept={"zqwn1"})
    books.keep("zq1", may_be_forgotten=True)
    for operation in Programs("w", tmp_path, books, Random(1)).operations().values():
        operation()
    server = build_server(PublicMemory(store), Access(store, McpConfig))
    assert {tool.name for tool in await server.list_tools()} == called
