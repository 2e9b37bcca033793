"""The store says what can be done about a failure; the command for it is known in one place of the assistant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import memory_store
from assistant.cli.app import app
from assistant.core.conversation.commands import LINE_COMMANDS, SCREEN_COMMANDS
from assistant.failures import commands_for, hint_of
from memory_store.errors import Action, Step, StoreError

SHELL = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SLASH = {command.name for command in (*LINE_COMMANDS, *SCREEN_COMMANDS)}
NAMES_A_COMMAND = re.compile(rf"keepsake (?:{'|'.join(SHELL)})\b|(?<![\w/])/(?:{'|'.join(SLASH)})\b|(?<![\w-])--[a-z]")


def strings(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    yield from (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_no_string_of_the_store_names_a_command() -> None:
    assert NAMES_A_COMMAND.search("Run `keepsake doctor` or /doctor.")
    assert NAMES_A_COMMAND.search("Name it with --to.")
    for path in Path(memory_store.__file__).parent.rglob("*.py"):
        for text in strings(path):
            assert not NAMES_A_COMMAND.search(text), f"{path}: {text}"


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_command_that_there_is(action: Action) -> None:
    [command] = commands_for([Step(action, "name")])
    assert command.startswith("keepsake ")
    current: object = typer.main.get_command(app)
    for word in command.split()[1:]:
        if word.startswith("--"):
            assert any(word in option.opts for option in current.params), command  # type: ignore[attr-defined]
        elif word.islower() and (inner := getattr(current, "commands", None)):
            assert word in inner, command
            current = inner[word]


def test_a_hint_ends_with_the_commands_for_its_steps() -> None:
    error = StoreError("It failed.", "Try it again.", Step(Action.REPAIR), Step(Action.SHOW_RECEIPT, "era_x"))
    assert hint_of(error) == "Try it again. Next: `keepsake doctor --repair`, `keepsake receipts show era_x`."
    assert hint_of(StoreError("It failed.", "Try it again.")) == "Try it again."
