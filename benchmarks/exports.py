"""Import of another assistant's export: messages a second, and the memory that a fresh process takes for it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.measure import Figure, run_python

GOAL: Final = 1000.0
_MESSAGES: Final = 20_000
_SMALL_MESSAGES: Final = 1_000
_A_CONVERSATION: Final = 20
_START: Final = 1_740_000_000
_WORDS: Final = ("boiler", "pressure", "valve", "garden", "the", "a", "of", "to", "sail", "key", "tax", "bread", "is")
_CODE: Final = """
import json, sys, time
from pathlib import Path
from assistant.ingestion.pipeline import ImportOptions, import_paths
from memory_store import Store

def megabytes(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0]) / 1024

folder, steps = Path(sys.argv[1]), {}
with Store.open(folder / "memory") as store:
    steps["before, MB"] = megabytes("VmRSS")
    for name in ("first", "again"):
        began = time.perf_counter()
        *_, outcome = import_paths(store, [folder / "conversations.json"], ImportOptions())
        steps[name] = time.perf_counter() - began
    assert outcome.report.messages_known == int(sys.argv[2])
    steps["peak, MB"] = megabytes("VmHWM")
print(json.dumps(steps))
"""


def measure(small: bool = False) -> Figure:
    """Return messages a second into the record, without vectors. Reads /proc: Linux only."""
    count = _SMALL_MESSAGES if small else _MESSAGES
    with TemporaryDirectory() as name:
        folder = Path(name)
        size = write_export(folder / "conversations.json", count)
        steps: dict[str, float] = run_python(_CODE, str(folder), str(count))
    return Figure(
        "import of an export",
        "messages/s",
        count / steps["first"],
        None,
        GOAL,
        at_least=True,
        details={
            "export, MB": size / 1e6,
            "a second time, messages/s": count / steps["again"],
            "before, MB": steps["before, MB"],
            "peak, MB": steps["peak, MB"],
        },
    )


def write_export(path: Path, messages: int) -> int:
    """Write an export of ChatGPT's with so many messages, 20 a conversation; return its size in bytes."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number in range(messages // _A_CONVERSATION):
            file.write(("," if number else "") + json.dumps(_conversation(number, chance)))
        file.write("]")
    return path.stat().st_size


def _conversation(number: int, chance: random.Random) -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    for place in range(_A_CONVERSATION):
        role = "assistant" if place % 2 else "user"
        words = " ".join(chance.choices(_WORDS, k=chance.randint(20, 250)))
        nodes[str(place)] = {
            "parent": str(place - 1) if place else None,
            "children": [],
            "message": {
                "author": {"role": role},
                "create_time": _START + 1000 * number + place,
                "content": {"content_type": "text", "parts": [words]},
                "metadata": {"model_slug": "gpt-5"} if place % 2 else {},
            },
        }
    return {
        "title": f"Conversation {number}",
        "create_time": _START + 1000 * number,
        "update_time": None,
        "mapping": nodes,
        "current_node": str(_A_CONVERSATION - 1),
        "conversation_id": f"c{number}",
    }
