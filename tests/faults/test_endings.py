"""A closed terminal and a request to end: the program ends in time, keeps what has come, and leaves no process behind.

A small sample: `python -m tests.faults.endings` runs every case many times.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.endings import Case, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


@pytest.mark.parametrize(
    "case",
    [
        Case("chat", "answer", "no longer there"),
        Case("plain", "erasure", "closed"),
        Case("command", "import", "SIGTERM"),
    ],
    ids=str,
)
def test_program_that_is_asked_to_end_does_so_in_order_and_in_time(tmp_path: Path, case: Case) -> None:
    assert run(case, tmp_path) == []
