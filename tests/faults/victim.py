"""A process that is killed at a named point of its work: `python -m tests.faults.victim FOLDER WORK POINT NUMBER`.

It prints what it knows to be durable, a line each, before it goes on. The points are set from outside, around the
functions of the product; the product knows nothing of them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memory_store import NewMemory, Selection, Store, erasure
from memory_store.database import connection, erasures, outbox
from memory_store.models import USER, Role
from memory_store.vector_index import chroma
from tests.memory_store.support import IN_CHROMA, add_document
from tests.support.embedder import HashEmbedder


def die() -> None:
    """End as a power cut does: nothing is flushed, closed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


def around(owner: Any, name: str, number: int, *, after: bool) -> None:
    """Have the `number`-th call of a function be the last, before or after it did its work."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and not after:
            die()
        result = original(*arguments, **named)
        if calls == number:
            die()
        return result

    setattr(owner, name, counted)


class CountedConnection:
    """Lets the `number`-th COMMIT be the last, before or after it."""

    calls = 0

    @classmethod
    def arm(cls, number: int, *, after: bool) -> None:
        original = connection.Database._connect

        def connect(self: connection.Database) -> Any:
            inner = original(self)

            class Proxy:
                def __getattr__(self, name: str) -> Any:
                    return getattr(inner, name)

                def execute(self, sql: str, *parameters: Any) -> Any:
                    if sql == "COMMIT":
                        cls.calls += 1
                        if cls.calls == number and not after:
                            die()
                    result = inner.execute(sql, *parameters)
                    if sql == "COMMIT" and cls.calls == number:
                        die()
                    return result

            return Proxy()

        connection.Database._connect = connect  # type: ignore[method-assign]


def _steps(at: int) -> Callable[[int, bool], None]:
    def arm(_number: int, after: bool) -> None:
        steps: list[Callable[[erasure.Place, float], None]] = list(erasure.STEPS)
        steps.insert(at + after, lambda _place, _patience: die())
        erasure.STEPS = tuple(steps)  # type: ignore[misc]

    return arm


POINTS: dict[str, Callable[[int, bool], None]] = {
    "commit": lambda number, after: CountedConnection.arm(number, after=after),
    "index batch": lambda number, after: around(chroma.ChromaSegment, "add", number, after=after),
    "index create": lambda number, after: around(chroma.ChromaFolder, "create", number, after=after),
    "index swap": lambda number, after: around(outbox, "swap_generation", number, after=after),
    "index removal": lambda number, after: around(shutil, "rmtree", number, after=after),
    "erasure merge": _steps(0),
    "erasure pages": _steps(1),
    "erasure log": _steps(2),
    "erasure segments": _steps(3),
    "erasure receipt": lambda number, after: around(erasures, "complete", number, after=after),
    "export": lambda number, after: around(os, "fsync", number, after=after),
}


def work(folder: Path, seed: int) -> None:
    """Store, index, erase, correct, export and back up for ever, saying after each step what must hold from then on."""
    chosen = random.Random(seed)
    with Store.open(folder, HashEmbedder(), IN_CHROMA) as store:
        conversation = store.conversations.start("Talk")
        for number in range(10_000):
            mark = f"zq{seed}n{number}x"
            match chosen.randrange(9):
                case 0 | 1:
                    document = add_document(store, f"/n/{mark}.md", *[f"line {line} about {mark}" for line in range(5)])
                    say("kept", document.id, mark)
                case 2 | 3:
                    say("kept", store.remember(NewMemory(f"A fact about {mark}")).id, mark)
                case 4:
                    message = store.conversations.append(
                        conversation.id, Role.USER, f"A message about {mark}", USER, parent_id=None
                    )
                    say("kept", message.id, mark)
                case 5:
                    store.embed_pending()
                    store.update_index()
                case 6:
                    gone = store.remember(f"A secret about {mark} that goes at once")
                    store.embed_pending()
                    store.update_index()
                    store.forget(Selection((gone.id,)))
                    say("gone", gone.id, mark)
                    store.update_index()
                case 7:
                    store.export(folder.parent / "archive.zip", "1")
                case 8:
                    store.backups.make(keep=2)


def say(state: str, identifier: str, mark: str) -> None:
    """Print what is acknowledged; the line is out before the next step begins."""
    sys.stdout.write(f"{state} {identifier} {mark}\n")
    sys.stdout.flush()


def main() -> None:
    """Arm the point and work until it is reached."""
    folder, task, point, number, after = sys.argv[1:]
    if point != "any moment":
        POINTS[point](int(number), after == "after")
    if task == "open":
        Store.open(Path(folder), HashEmbedder()).close()
    elif task.endswith(".zip"):
        with Store.open(Path(folder), HashEmbedder()) as store:
            store.restore(Path(task))
    else:
        work(Path(folder), int(task))


if __name__ == "__main__":
    main()
