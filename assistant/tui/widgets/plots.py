"""The plots of the statistics: a curve over days, bars a day, bars by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from textual.color import Color
from textual.widget import Widget
from textual_plotext import PlotextPlot

_TICKS: Final = 4
_MOST_DAYS: Final = 366
_COLOURS: Final = ("primary", "accent")


class DayPlot(PlotextPlot):
    """Numbers by day, a curve for each name. A day without a number is nothing, or as the day before if `growing`."""

    DEFAULT_CSS = """
    DayPlot { height: 12; margin: 1 0 0 0; }
    """

    def __init__(self, title: str, series: Mapping[str, Mapping[date, int]], *, growing: bool = False) -> None:
        super().__init__()
        self._title = title
        self._series = series
        self._growing = growing

    def on_mount(self) -> None:
        """Draw it."""
        days = days_of(self._series)
        self.plt.title(self._title)
        highest = 1
        for (name, numbers), colour in zip(self._series.items(), _COLOURS, strict=False):
            heights = filled(days, numbers, growing=self._growing)
            highest = max(highest, *heights)
            label = name if len(self._series) > 1 else None
            self.plt.plot(range(len(days)), heights, marker="braille", label=label, color=_rgb(self, colour))
        step = max(1, (len(days) - 1) // (_TICKS - 1))
        places = range(0, len(days), step)
        self.plt.xticks([float(place) for place in places], [f"{days[place]:%Y-%m-%d}" for place in places])
        heights_named = whole_steps(highest)
        self.plt.ylim(0, highest)
        self.plt.yticks([float(number) for number in heights_named], [f"{number:,}" for number in heights_named])


class NamePlot(PlotextPlot):
    """Bars that lie, one a name."""

    DEFAULT_CSS = """
    NamePlot { height: 9; margin: 1 0 0 0; }
    """

    def __init__(self, title: str, numbers: Mapping[str, int]) -> None:
        super().__init__()
        self._title = title
        self._numbers = numbers

    def on_mount(self) -> None:
        """Draw it."""
        self.plt.title(self._title)
        names = list(self._numbers)[::-1]
        colour, lengths = _rgb(self, "primary"), [self._numbers[name] for name in names]
        self.plt.bar(names, lengths, orientation="horizontal", width=0.4, color=colour)
        steps = whole_steps(max(1, *lengths))
        self.plt.xticks([float(step) for step in steps], [f"{step:,}" for step in steps])


def _rgb(widget: Widget, name: str) -> tuple[int, int, int]:
    """Return a colour of the theme as the plots take it."""
    return Color.parse(widget.app.theme_variables[name]).rgb


def whole_steps(highest: int) -> list[int]:
    """Return a few whole numbers from 0 to the highest, to be named along an axis."""
    return sorted({round(highest * n / _TICKS) for n in range(_TICKS + 1)})


def days_of(series: Mapping[str, Mapping[date, int]]) -> list[date]:
    """Return every day from the first to the last that has a number, at most a year; one day alone gets its eve."""
    known = sorted({day for numbers in series.values() for day in numbers})
    if not known:
        return []
    first = max(min(known[0], known[-1] - timedelta(1)), known[-1] - timedelta(_MOST_DAYS))
    return [first + timedelta(n) for n in range((known[-1] - first).days + 1)]


def filled(days: Sequence[date], numbers: Mapping[date, int], *, growing: bool) -> list[int]:
    """Return a number for each day; with `growing` the sum of all up to it."""
    if not growing:
        return [numbers.get(day, 0) for day in days]
    return [sum(number for day, number in numbers.items() if day <= last) for last in days]
