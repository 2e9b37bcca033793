"""Long tasks in a world of places: `python -m benchmarks.tasks [--items 300] [--kills 10] [--workers 16]`.

Each place takes five steps: its page is read, a model judges it, a letter is written through a server of MCP, the model
reads the answer, a date is reckoned. Some places are slow, wrong, rude, down, twice there, or speak to the model. The
process that works is killed with -9 again and again; what may have been sent is answered as the world's own list of
letters says. Then the same once more without a kill, for the time, and once in the background of an open chat, for how
long its screen has to wait. With `--database URL` all of it goes through DBOS on that PostgreSQL. The exit code is 1
where a promise is broken.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from assistant.core.tasks.handling import create_task, store_wish
from assistant.core.tasks.plan import Plan, read_plan
from benchmarks.task_world import Place, World, places
from memory_store import ItemState, StepOutcome, Store, Task, TaskState, Window

_ENOUGH_TOKENS: Final = 2_000_000
_STEPS: Final = """
[[steps]]
name = "page"
tool = "read_page"
with = { url = "{url}" }
[[steps]]
name = "judge"
ask = "How quiet is {name}, and is it free on Friday?"
columns = { quiet = "0 to 100, 0 where it is not free", free = "yes or no" }
[[steps]]
name = "letter"
tool = "letters__write"
with = { place = "{name}", text = "A table for six on Friday, please." }
[[steps]]
name = "reply"
ask = "What did {name} answer?"
columns = { table = "yes or no" }
[[steps]]
name = "day"
tool = "compute_date"
with = { start = "2026-12-04", days = "-2" }
"""


def plan_of(found: Sequence[Place], url: str, workers: int, tokens: int) -> Plan:
    """Return the plan for these places."""
    items = "".join(f'[[items]]\nname = "{place.name}"\nurl = "{url}/place/{place.number}"\n' for place in found)
    head = f'title = "A quiet table"\nbest = "quiet"\nworkers = {workers}\ntrial = 0\n[budget]\ntokens = {tokens}\n'
    return read_plan(f"{head}{_STEPS}{items}")


class Bench:
    """A data folder with settings of its own, and the letters that were written from it."""

    def __init__(self, folder: Path, world: World, database: str = "") -> None:
        folder.mkdir()
        self.data, self.letters, self.config = folder / "data", folder / "letters", folder / "config.toml"
        model = f'provider = "openai"\nname = "judge"\nbase_url = "{world.url}/v1"\n'
        self.config.write_text(
            f'[embedder]\nprovider = "none"\n[tasks]\ndatabase = "{database}"\n'
            f'[model]\n{model}[mcp.servers.letters]\ncommand = "{sys.executable}"\n'
            f'args = ["-m", "benchmarks.task_world", "{self.letters}"]\n',
            "utf-8",
        )
        self.environment = {**os.environ, "KEEPSAKE_CONFIG": str(self.config), "OPENAI_API_KEY": ""}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command."""
        command = [sys.executable, "-m", "assistant.cli", "--data-dir", str(self.data), "task", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def written(self) -> Counter[str]:
        """How often each place was written to."""
        return Counter(self.letters.read_text("utf-8").splitlines() if self.letters.exists() else ())

    def answer(self, task: Task) -> int:
        """Say of what may have been sent whether it was, as somebody finds out there; return of how much."""
        written = self.written()
        with Store.open(self.data) as store:
            questions = store.tasks.questions(task.id)
            asked = [(item, step) for item, step in questions if step.outcome is StepOutcome.UNCERTAIN]
            for item, step in asked:
                store.tasks.answer(step, StepOutcome.DONE if written[item.key] else StepOutcome.ALLOWED)
        return len(asked)


def begin(bench: Bench, plan: Plan) -> Task:
    """Store the task, and let it write to all places."""
    with Store.open(bench.data) as store:
        task = create_task(store, plan, store_wish(store, "A quiet table for six on Friday."))
        store.tasks.change_state(task.id, TaskState.RUNNING)
    run = bench.start("run", task.id, "--all")
    _until_asked(bench, task)
    run.terminate()
    run.wait()
    subprocess.run(
        [sys.executable, "-m", "assistant.cli", "--data-dir", str(bench.data), "task", "approve", task.id, "--all"],
        env=bench.environment,
        check=True,
        capture_output=True,
    )
    return task


def _until_asked(bench: Bench, task: Task) -> None:
    while True:
        with Store.open(bench.data) as store:
            if store.tasks.questions(task.id):
                return
        time.sleep(0.2)


def main() -> int:
    """Print what came of it; return 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--database", default="", help="a PostgreSQL for the queue: DBOS works through it then")
    options = parser.parse_args()
    found = places(options.items)
    broken: list[str] = []
    with World(found) as world, tempfile.TemporaryDirectory() as name:
        killed, whole, chat = (
            Bench(Path(name) / part, world, options.database) for part in ("killed", "whole", "chat")
        )
        broken += _killed(killed, found, world, options.kills, options.workers)
        broken += _whole(whole, found, world, options.workers)
        broken += _beside_chat(chat, found, world, options.workers)
    for told in broken:
        print(f"BROKEN: {told}")
    return 1 if broken else 0


def _killed(bench: Bench, found: Sequence[Place], world: World, kills: int, workers: int) -> list[str]:
    chosen = random.Random(3)
    task = begin(bench, plan_of(found, world.url, workers, _ENOUGH_TOKENS))
    uncertain = 0
    for _ in range(kills):
        run = bench.start("run", task.id)
        time.sleep(chosen.uniform(1.5, 4.0))
        run.kill()
        run.wait()
        uncertain += bench.answer(task)
    for _ in range(20):
        run = bench.start("run", task.id)
        run.wait()
        if not bench.answer(task) and _state(bench, task) is TaskState.DONE:
            break
    print(f"{len(found)} items × 5 steps, killed {kills} times; {uncertain} letters were asked about")
    return _check(bench, task, found)


def _whole(bench: Bench, found: Sequence[Place], world: World, workers: int) -> list[str]:
    budget = max(15_000, 150 * len(found))  # so many that a place is asked about before it is used up
    task = begin(bench, plan_of(found, world.url, workers, budget))
    began = time.perf_counter()
    broken = []
    run = bench.start("run", task.id)
    run.wait()
    with Store.open(bench.data) as store:
        message = store.conversations.message(task.message_id)
        spent = store.ledger.spent(Window.CHAT, message.conversation_id).tokens
        state = store.tasks.get(task.id).state
        if spent > budget:
            broken.append(f"{spent} tokens of {budget} were spent")
        print(f"budget of {budget:,} tokens: {spent:,} spent, then {state}")
        text = store.tasks.get(task.id).plan.replace(f"tokens = {budget}", f"tokens = {_ENOUGH_TOKENS}")
        store.tasks.change_plan(task.id, text, read_plan(text).keyed_items())
        store.tasks.change_state(task.id, TaskState.RUNNING)
    left = _seconds_left(bench, task, found)
    began = time.perf_counter()
    bench.start("run", task.id).wait()
    took = time.perf_counter() - began
    even, ordered = max(sum(left) / workers, max(left)), _seconds_in_order(left, workers)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{len(left)} items in {took:.1f} s: {took / even:.2f} × what the world takes if it is shared out evenly "
        f"({even:.1f} s), {took / ordered:.2f} × what it takes in the plan's order ({ordered:.1f} s)"
    )
    print(f"memory of the process that worked: {memory:.0f} MB at most")
    return broken + _check(bench, task, found)


def _beside_chat(bench: Bench, found: Sequence[Place], world: World, workers: int) -> list[str]:
    """Have an open chat work on the task in its background, in a process of its own, and print how long frames wait."""
    task = begin(bench, plan_of(found, world.url, workers, _ENOUGH_TOKENS))
    command = [sys.executable, "-m", "benchmarks.chat_at_work", str(bench.config), str(bench.data), task.id]
    ended = subprocess.run(command, env=bench.environment, check=True, capture_output=True, text=True)
    print(f"in the background of a chat: {ended.stdout.strip()}")
    return _check(bench, task, found)


def _state(bench: Bench, task: Task) -> TaskState:
    with Store.open(bench.data) as store:
        return store.tasks.get(task.id).state


def _seconds_left(bench: Bench, task: Task, found: Sequence[Place]) -> list[float]:
    """Return what each place that is not over still takes of the world, in the plan's order."""
    with Store.open(bench.data) as store:
        items = store.tasks.items(task.id)
        steps = {
            item.key: {
                json.loads(step.request)["step"]
                for step in store.tasks.steps(item.id)
                if step.outcome is StepOutcome.DONE
            }
            for item in items
            if item.state not in (ItemState.DONE, ItemState.FAILED)
        }
    return [place.seconds(steps[place.name]) for place in found if place.name in steps]


def _seconds_in_order(left: Sequence[float], workers: int) -> float:
    """Return how long it takes where whoever is free takes the next one."""
    free_at = [0.0] * workers
    for seconds in left:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)


def _check(bench: Bench, task: Task, found: Sequence[Place]) -> list[str]:
    """Return what does not hold."""
    broken = []
    with Store.open(bench.data) as store:
        items = store.tasks.items(task.id)
        state = store.tasks.get(task.id).state
    states = Counter(item.state for item in items)
    fails = {place.name for place in found if place.fails}
    written = bench.written()
    results = {item.key: json.loads(item.result or "{}") for item in items}
    wrong = [place.name for place in found if not place.fails and results[place.name].get("quiet") != place.rated]
    honest = [place.name for place in found if not place.fails and place.kind != "injecting"]
    best = max(honest, key=lambda name: results[name].get("quiet") or 0)
    print(f"{state}: {dict(states)}; {sum(written.values())} letters to {len(written)} places; the best: {best}")
    if state is not TaskState.DONE:
        broken.append(f"the task is {state}")
    if {item.key for item in items if item.state is ItemState.FAILED} != fails:
        broken.append("other items failed than those of which nothing can be known")
    if any(count > 1 for count in written.values()):
        broken.append(f"{sum(count > 1 for count in written.values())} places were written to twice")
    if set(written) != {place.name for place in found} - fails:
        broken.append("places were not written to that should be, or the other way round")
    if wrong:
        broken.append(f"{len(wrong)} rows are wrong, such as {wrong[0]}")
    if best != next(place.name for place in found if place.quiet == 97):
        broken.append("the best place was not found")
    return broken


if __name__ == "__main__":
    sys.exit(main())
