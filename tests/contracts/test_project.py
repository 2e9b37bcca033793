"""What the project promises about itself: settings, pins, and one vocabulary of both installers."""

from __future__ import annotations

import tomllib
from pathlib import Path

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
