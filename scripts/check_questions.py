"""Imports a folder and asks it a list of questions: is the right passage among the first three that are quoted?

Usage: python scripts/check_questions.py FOLDER QUESTIONS.toml [--least N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

_COMMAND = [sys.executable, "-m", "assistant.cli"]


def keepsake(data: str, *arguments: str) -> str:
    """Run the command line on a data folder and return what it printed."""
    run = subprocess.run([*_COMMAND, "--data-dir", data, *arguments], capture_output=True, text=True, check=True)
    return run.stdout


def main() -> int:
    """Print a line a question and the count; fail below the least number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--least", type=int, default=24)
    options = parser.parse_args()
    questions = tomllib.loads(options.questions.read_text("utf-8"))["question"]
    right = 0
    with tempfile.TemporaryDirectory() as data:
        keepsake(data, "import", str(options.folder))
        for question in questions:
            answer = json.loads(keepsake(data, "ask", question["ask"], "--json"))
            quoted = answer["sources"][:3]
            rank = next(
                (
                    number
                    for number, source in enumerate(quoted, start=1)
                    if question["expect"] in source["text"]
                    and (source["source"]["path"] or "").endswith(question["file"])
                ),
                None,
            )
            right += rank is not None
            print(f"{rank or '-'}  {question['ask']}")
    print(f"{right} of {len(questions)} among the first three (at least {options.least} expected)")
    return 0 if right >= options.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
