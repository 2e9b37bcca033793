"""A shell on one data folder, and some notes to import."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant import bootstrap
from assistant.cli.app import run
from tests.support.embedder import HashEmbedder


@dataclass
class Result:
    """What one call left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands on one data folder, in this process."""

    data: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Result:
        code = run(["--data-dir", str(self.data), *arguments])
        printed = self.capture.readouterr()
        return Result(code, printed.out, printed.err)


@pytest.fixture
def keepsake(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(bootstrap, "choose_embedder", lambda _: bootstrap.ChosenEmbedder(HashEmbedder()))
    return Shell(tmp_path / "data", capsys)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "home.md").write_text("# Home\n\nThe spare key is with Ines at number 12.\n", "utf-8")
    (folder / "旅行.txt").write_text("去丽江坐 D8724 次动车。", "utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 torn")
    return folder
