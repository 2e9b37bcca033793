"""The command line as a user has it, with the small embedder of the tests: `python -m tests.faults.shell ARGUMENTS`."""

from __future__ import annotations

import sys

from assistant import bootstrap
from assistant.cli.app import run
from tests.support.embedder import HashEmbedder


def main(arguments: list[str]) -> None:
    """Run one command and end with its code."""
    bootstrap.choose_embedder = lambda settings: bootstrap.ChosenEmbedder(HashEmbedder())
    sys.exit(run(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
