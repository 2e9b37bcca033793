"""The question before an erasure on a terminal: a word answers it, never what was typed before it stood there."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from assistant.cli.asking import agrees_to_erase
from tests.support.terminals import read_until

_ASK = "from assistant.cli.asking import agrees_to_erase; print('agreed' if agrees_to_erase('Erase it?') else 'kept')"


@pytest.mark.parametrize("answer", ["y", "yes", "Y", "", "family", "erase it", "eraser"])
def test_what_is_typed_by_chance_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str) -> None:
    typed = tmp_path / "typed"
    typed.write_text(f"{answer}\n")
    with typed.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert not agrees_to_erase("Erase it?", clock=iter([0.0, 9.0]).__next__)


def test_the_word_erases_but_not_within_half_a_second(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = tmp_path / "typed"
    typed.write_text("erase\nerase\n")
    with typed.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert agrees_to_erase("Erase it?", clock=iter([0.0, 0.4, 0.6]).__next__)
    assert capsys.readouterr().err.count("Erase it?") == 2


def test_what_was_typed_before_the_question_is_no_answer() -> None:
    process, terminal = pty.fork()
    if process == 0:
        program = f"import sys; sys.stdout.write('ready'); sys.stdout.flush(); sys.stdin.readline(); {_ASK}"
        os.execv(sys.executable, [sys.executable, "-c", program])
    try:
        read_until(terminal, b"ready")
        os.write(terminal, b"x\nerase\n")
        read_until(terminal, b"Erase it?")
        os.write(terminal, b"family\n")
        assert b"kept" in read_until(terminal, b"kept")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
