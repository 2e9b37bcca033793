"""Another process on the same store, for one thing: `python -m tests.faults.another_window FOLDER WHAT [WORDS]`."""

from __future__ import annotations

import sys
from pathlib import Path

from memory_store import Store


def main() -> None:
    """Do what is asked and print what came of it."""
    folder, what, *words = sys.argv[1:]
    with Store.open(Path(folder)) as store:
        match what:
            case "remember":
                print(store.remember(words[0]).id)
            case "check":
                print("\n".join([*store._database.quick_check(), *(one.text for one in store.memories.all())]))
            case "merge":
                store.merge_backup(words[0])
                print("\n".join([*store.verify(), *(one.text for one in store.memories.all())]))


if __name__ == "__main__":
    main()
