"""Pins every dependency, indirect ones too: writes pyproject's constraint-dependencies and constraints.txt for pip.

Usage: uv run python scripts/pin.py [--upgrade]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import tomlkit

_ROOT = Path(__file__).resolve().parents[1]
# Platform builds that only a GPU machine installs; torch is chosen by hand (see the README).
_LEFT_OUT = ("nvidia-", "cuda-", "triton", "torch")


def pins() -> list[str]:
    """Return `name==version` for everything that uv resolves, for every platform and extra."""
    exported = subprocess.run(
        [
            "uv",
            "export",
            "--quiet",
            "--all-extras",
            "--all-groups",
            "--no-hashes",
            "--no-emit-project",
            "--no-annotate",
        ],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = (line.strip() for line in exported.splitlines())
    return sorted(line for line in lines if line and not line.startswith(("#", "-", *_LEFT_OUT)))


def for_pip(pin: str) -> str:
    """Return a pin without the marker by which uv leaves out what chromadb declares: pip can't, and shall know it."""
    return re.sub(
        r" ; sys_platform == 'never'$|(?<= ; )sys_platform == 'never' and | and sys_platform == 'never'", "", pin
    )


def main() -> None:
    """Resolve, within the pins or (with --upgrade) without them, and write both files."""
    path = _ROOT / "pyproject.toml"
    document = tomlkit.parse(path.read_text("utf-8"))
    table = document["tool"]["uv"]
    if "--upgrade" in sys.argv:
        table["constraint-dependencies"] = tomlkit.array()
        path.write_text(tomlkit.dumps(document), "utf-8")
        (_ROOT / "uv.lock").unlink(missing_ok=True)
    found = pins()
    array = tomlkit.array()
    array.extend(found)
    table["constraint-dependencies"] = array.multiline(True)
    path.write_text(tomlkit.dumps(document), "utf-8")
    (_ROOT / "constraints.txt").write_text(
        "\n".join(["# Written by scripts/pin.py.", *map(for_pip, found)]) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
