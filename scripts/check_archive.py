"""Imports a folder, exports it, restores it elsewhere and exports again: are the two archives equal, file by file?

Usage: python scripts/check_archive.py FOLDER
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

_COMMAND = [sys.executable, "-m", "assistant.cli"]
_WHEN_AND_BY_WHOM = ("exported_at", "made_by")


def keepsake(data: Path, *arguments: str) -> str:
    """Run the command line on a data folder and return what it printed."""
    run = subprocess.run(
        [*_COMMAND, "--data-dir", str(data), *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return run.stdout


def members(path: Path) -> dict[str, bytes | Any]:
    """Return the files of an archive; of its manifest, all but when and by what it was made."""
    with zipfile.ZipFile(path) as archive:
        files: dict[str, bytes | Any] = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    files["manifest.json"] = {name: value for name, value in manifest.items() if name not in _WHEN_AND_BY_WHOM}
    return files


def main() -> int:
    """Print how many files were compared, and each that differs; fail if one does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        keepsake(here / "one", "import", str(folder))
        keepsake(here / "one", "export", str(here / "one.zip"))
        keepsake(here / "two", "restore", str(here / "one.zip"))
        keepsake(here / "two", "export", str(here / "two.zip"))
        before, after = members(here / "one.zip"), members(here / "two.zip")
    different = sorted(one for one in before.keys() | after.keys() if before.get(one) != after.get(one))
    for one in different:
        print(f"differs: {one}")
    print(f"{len(before)} files in the archive, {len(different)} differ after export, restore and export")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
