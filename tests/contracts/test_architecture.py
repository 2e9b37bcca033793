"""ARCHITECTURE.md leads to functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINKS = sorted(set(re.findall(r"\[`([^`]+)`\]\(([^)]+\.py)\)", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))))


def names_in(path: Path) -> set[str]:
    """Return the functions and classes of a file, methods by their class."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            functions = [inner for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)]
            found |= {f"{node.name}.{function.name}" for function in functions}
    return found


@pytest.mark.parametrize(("name", "file"), LINKS, ids=[name for name, _ in LINKS])
def test_every_link_leads_to_its_function(name: str, file: str) -> None:
    path = ROOT / file
    assert path.is_file()
    if name != file:
        assert name.removeprefix(f"{path.stem}.") in names_in(path)


def test_the_way_of_a_turn_an_import_an_erasure_and_a_recall_is_told() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert {"## A turn", "## An import", "## An erasure", "## A recall"} <= set(text.splitlines())
    assert len(text.splitlines()) < 110
    assert len(LINKS) > 30
