"""What the project promises about itself: settings, pins, and one vocabulary of both installers."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from assistant.config import Settings, default_text

ROOT = Path(__file__).parents[2]


def test_config_toml_holds_every_setting_at_its_default() -> None:
    assert tomllib.loads(default_text()) == Settings.model_construct().model_dump(by_alias=True)


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
    assert project["tool"]["uv"]["constraint-dependencies"] == pins
    assert all("==" in pin for pin in pins)


def test_source_files_stay_under_four_hundred_lines() -> None:
    for folder in ("assistant", "memory_store", "tests", "benchmarks", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text("utf-8").splitlines()) <= 400, path


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


def test_readme_names_only_commands_and_files_that_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = set(re.findall(r"keepsake (?!-)([a-z]+)", "\n".join(readme.split("```")[1::2]))) - {"import"}
    assert commands <= known_commands()
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", readme):
        assert (ROOT / link).is_file(), link


def known_commands() -> set[str]:
    """Return the names of the command line's commands."""
    import typer.main

    from assistant.cli.app import app

    group = typer.main.get_command(app)
    return set(getattr(group, "commands", {}))
