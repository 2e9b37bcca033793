"""Every help page says what the command does, explains each option and argument, and gives an example that works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer._click.exceptions import UsageError

from assistant.cli.app import app
from assistant.cli.commands import COMMANDS
from tests.cli.conftest import Shell

TREE: Any = typer.main.get_command(app)
# Whose code says more than that it worked says so on its own page.
SAYS_ITS_CODES = ("", "ask", "import", "forget", "doctor", "receipts check", "backup check", "backup purge")


def pages(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every page of the help, with the words that lead to it."""
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, (*path, name))


PAGES = list(pages(TREE))
each_page = pytest.mark.parametrize(("path", "command"), PAGES, ids=[path or "keepsake" for path, _ in PAGES])


def examples(command: Any) -> list[str]:
    """The examples on a page."""
    text = f"{command.help or ''}\n{command.epilog or ''}"
    return [line.strip().removeprefix("Example: ") for line in text.splitlines() if "Example: " in line]


def check(example: str, path: str) -> None:
    """Follow an example to its command, which must be this page's or one of its group, and parse its arguments."""
    (ours,) = [part.strip() for part in example.split("|") if part.strip().startswith("keepsake")]
    command, context = TREE, TREE.make_context("keepsake", shlex.split(ours)[1:])
    led: list[str] = []
    while hasattr(command, "commands") and (rest := [*context._protected_args, *context.args]):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
        led.append(name)
    assert " ".join(led).startswith(path), example


@each_page
def test_a_page_has_a_summary_and_explains_every_option(path: str, command: Any) -> None:
    summary = (command.help or "").strip().splitlines()[0]
    assert summary.endswith(".")
    for parameter in command.params:
        assert parameter.help, (path, parameter.name)
        assert parameter.help.endswith((".", ")")), (path, parameter.name)


@each_page
def test_a_page_has_an_example_that_parses(path: str, command: Any) -> None:
    found = examples(command)
    assert found, path
    for example in found:
        check(example, path)


@each_page
def test_a_page_shows_its_example_and_where_they_matter_its_codes(path: str, command: Any, keepsake: Shell) -> None:
    page = keepsake(*path.split(), "--help")
    assert page.code == 0
    shown = " ".join(re.sub(r"[│╭╮╰╯─]", " ", page.out).split())
    assert "Example: keepsake" in shown or "| keepsake" in shown
    if path in SAYS_ITS_CODES:
        assert "Ends with" in shown


def test_an_example_that_is_not_of_the_page_or_does_not_parse_is_noticed() -> None:
    check("git diff | keepsake ask - --follow", "ask")
    for example in ("keepsake stats", "keepsake ask x --loudly", "keepsake search x -k 0", "keepsake ask"):
        with pytest.raises((AssertionError, UsageError)):
            check(example, "ask")


def test_listed_summary_is_the_beginning_of_the_commands_own_page() -> None:
    for name, (_, summary) in COMMANDS.items():
        assert " ".join((TREE.commands[name].help or "").split()).startswith(summary), name
