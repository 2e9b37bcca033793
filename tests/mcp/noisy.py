"""`keepsake mcp serve` where each thing that the memory is asked for makes a noise: `python -m tests.mcp.noisy`."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from typing import Any

from memory_store import Store
from tests.faults.shell import main

recall = Store.recall


def noisy(store: Store, query: str, *arguments: Any) -> Any:
    """Print in every way there is, then do what the query says."""
    print("printed by a library")
    os.write(1, b"written to the descriptor\n")
    assert sys.__stdout__ is not None
    sys.__stdout__.write("written to the first stream of Python\n")
    sys.__stdout__.flush()
    subprocess.run(["echo", "printed by a child"], check=True)
    subprocess.run(["cat"], check=True)  # it reads nothing of what is meant for us
    warnings.warn("something is old", stacklevel=1)
    logging.getLogger("a.library").error("logged")
    if query == "fail":
        raise RuntimeError("the words of an exception")
    if query == "crash":
        print("half a li", end="", flush=True)
        os._exit(3)
    return recall(store, query, *arguments)


if __name__ == "__main__":
    Store.recall = noisy  # type: ignore[assignment]
    print("printed before the serving begins", file=sys.stderr)
    main(sys.argv[1:])
