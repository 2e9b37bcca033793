"""The process that verifies: `python -m memory_store.verification DATABASE INDEX ERASURE …` prints JSON, by erasure."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from memory_store.errors import KeepsakeError
from memory_store.parent import end_with_parent
from memory_store.verification.verify import verify


def main() -> None:
    """Verify what is named; one line on stderr says why where that could not be done."""
    end_with_parent()
    database, index_root, *erasures = sys.argv[1:]
    try:
        found = verify(Path(database), Path(index_root), erasures)
    except KeepsakeError as error:
        sys.exit(error.message)
    json.dump({identifier: dataclasses.asdict(verification) for identifier, verification in found.items()}, sys.stdout)


if __name__ == "__main__":
    main()
