"""What the project promises about itself: settings, pins, and one vocabulary of both installers."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.config import Settings, default_text
from scripts.pin import for_pip

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_config_toml_holds_every_setting_at_its_default() -> None:
    assert tomllib.loads(default_text()) == Settings().as_table()


def test_every_setting_in_config_toml_has_a_line_that_explains_it() -> None:
    lines = default_text().splitlines()
    explained = False
    for line in lines:
        if line.startswith("#"):
            explained = True
        elif not line.strip() or line.startswith("["):
            explained = False
        else:
            assert explained, line


def test_both_installers_use_the_same_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()[1:]
    assert [for_pip(pin) for pin in project["tool"]["uv"]["constraint-dependencies"]] == pins
    assert all("==" in pin for pin in pins)


def test_readme_commands_are_the_ones_that_are_tried() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    tried = (ROOT / ".ci" / "run").read_text("utf-8") + (ROOT / "scripts" / "try_pip_install.sh").read_text("utf-8")
    assert "uv run pytest" in readme
    assert "uv run pytest" in tried
    for command in (
        "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt . && .venv/bin/keepsake",
        ".venv/bin/pip install --upgrade pip && .venv/bin/pip install -c constraints.txt -e . --group dev",
    ):
        assert command in readme
        assert command in tried


def test_readme_example_of_the_library_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code = readme.split("```python\n")[1].split("```")[0].replace('"my-memory"', repr(str(tmp_path)))
    exec(compile(code, "README.md", "exec"), {})
    assert "Ines at number 12" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_pages_name_only_commands_options_and_files_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for line in commands_in(text):
        assert_exists(line)
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", text):
        assert (page.parent / link).is_file(), link
    for name in re.findall(r"`((?:docs|memory_store|benchmarks|assistant|scripts)/[\w/.-]+)`", text):
        assert (ROOT / name).exists(), name


def test_a_command_that_does_not_exist_is_noticed() -> None:
    for line in ("keepsake remember x", "keepsake memory delete x", "keepsake forget --soon", "keepsake stats --many"):
        with pytest.raises(AssertionError):
            assert_exists(line)


def commands_in(text: str) -> Iterator[str]:
    """Yield what a page writes as a command of ours, in blocks and within sentences."""
    blocks, sentences = text.split("```")[1::2], "".join(text.split("```")[::2])
    written = [line for block in blocks for line in block.splitlines()[1:]]
    written += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", sentences)]
    for line in written:
        for part in re.split(r"&&|and: |\|", line):
            command = re.sub(r"^\s*(?:#\s*)?(?:uv run |\.venv/bin/)?(?=keepsake )", "", part)
            if command.startswith("keepsake "):
                yield command.partition(" -- ")[0].replace("…", "")  # what follows is another program's


def assert_exists(line: str) -> None:
    """Follow a command line into its group; its command and its options must be there."""
    import typer.main

    from assistant.cli.app import app

    command: Any = typer.main.get_command(app)
    for word in shlex.split(line, comments=True)[1:]:
        if word.startswith("-") and word != "-":
            options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert word in {*options, "--help", "-h"}, line
        elif hasattr(command, "commands") and re.fullmatch("[a-z][a-z-]*", word):
            assert word in command.commands, line
            command = command.commands[word]
