"""Measuring: two sides in turn, medians, and the figure that comes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
_SUBPROCESS_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement against its goal. `bare` is the same work without Keepsake; None where there is no such thing.

    `compared` is what the goal is about: ours / bare, or ours alone. `details` are medians of other things on the way.
    """

    name: str
    unit: str
    ours: float
    bare: float | None
    goal: float
    at_least: bool = False
    details: dict[str, float] = field(default_factory=dict)

    @property
    def compared(self) -> float:
        """What is held against the goal."""
        return self.ours if self.bare is None else self.ours / self.bare

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.compared >= self.goal if self.at_least else self.compared <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values, rounded to what the measurement can tell."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": round(self.ours, 3),
            "bare": None if self.bare is None else round(self.bare, 3),
            "ratio": None if self.bare is None else round(self.compared, 3),
            "goal": f"{'≥' if self.at_least else '≤'} {self.goal:g}",
            "met": self.met,
            "details": {name: round(value, 3) for name, value in self.details.items()},
        }


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long the work takes on the clock."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def alternate(
    rounds: int, ours: Callable[[int], object], bare: Callable[[int], object], unmeasured: int = 1
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of both sides, taken in turn so that both meet the same noise; the number is passed on.

    The first `unmeasured` rounds warm the caches of both sides.
    """
    one: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        one.append(milliseconds(partial(ours, number)))
        other.append(milliseconds(partial(bare, number)))
    return one[unmeasured:], other[unmeasured:]


def run_python(code: str, *arguments: str) -> Any:
    """Run code in a fresh Python beside this checkout; return what its last line of output says as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        env={**os.environ, "OMP_WAIT_POLICY": "passive", "ANONYMIZED_TELEMETRY": "False"},
        timeout=_SUBPROCESS_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"A measured process failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


class Stopwatch:
    """Gathers milliseconds by name."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, taking down the time of each call."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            with self.measuring(name):
                return function(*arguments, **named)

        return wrapped

    @contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Take down the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.taken.setdefault(name, []).append((time.perf_counter() - start) * 1000)

    def medians(self, prefix: str = "") -> dict[str, float]:
        """Return the median of each."""
        return {prefix + name: median(values) for name, values in self.taken.items()}


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table, the details below it."""
    lines = [
        "| measurement | Keepsake | bare | unit | ratio | goal | met |",
        "|---|--:|--:|---|--:|--:|---|",
    ]
    for one in figures:
        values = one.as_json()
        bare, ratio = (_number(values[key]) for key in ("bare", "ratio"))
        met = "yes" if one.met else "no"
        lines.append(f"| {one.name} | {_number(one.ours)} | {bare} | {one.unit} | {ratio} | {values['goal']} | {met} |")
    for one in figures:
        lines += ["", f"{one.name}:", ""] if one.details else []
        lines += [f"- {name}: {_number(value)}" for name, value in one.details.items()]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
