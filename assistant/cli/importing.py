"""`keepsake import`: files into memory, with progress, one line a file, and a summary."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from assistant import bootstrap
from assistant.cli.context import opened_store
from assistant.cli.output import print_json, say, show
from assistant.display import plain
from assistant.ingestion.conversations.merging import ExportReport
from assistant.ingestion.pipeline import FileOutcome, FileStatus, import_paths
from memory_store.wording import format_counts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, zips or exports.", show_default=False)],
    private: Annotated[bool, typer.Option(help="Never send this text to a model on another machine.")] = False,
    again: Annotated[bool, typer.Option(help="Read unchanged and forgotten files too.")] = False,
    background: Annotated[bool, typer.Option(help="Don't wait for the vectors; the next start makes them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Import documents, and conversations from other assistants' exports, which are known by their content.

    Text is found by its words at once; the vectors follow, and a stopped import goes on later.

    Ends with 1 if no file could be read, with 130 if it was stopped.

    Example: keepsake import ~/Documents/notes letters.zip chatgpt-export.zip
    """
    outcomes: list[FileOutcome] = []
    with opened_store(context) as (store, settings), _stoppable() as stop, _progress(not as_json) as progress:
        options = bootstrap.import_options(settings, private=private, again=again)
        reading = progress.start("Reading")
        for outcome in import_paths(store, paths, options, lambda _, number, total: reading(number, total), stop):
            outcomes.append(outcome)
            if not as_json:
                progress.line(_line(outcome))
        if not background and not stop.is_set():
            embedding = progress.start("Embedding")
            store.embed_pending(embedding, stop)
            store.update_index(stop)
        waiting = store.waiting_for_vectors()
    counts = Counter(outcome.status.value for outcome in outcomes)
    if as_json:
        print_json(
            {
                "files": [
                    {
                        "path": item.path,
                        "status": item.status.value,
                        "passages": item.passages,
                        "reason": item.reason or None,
                        **({"conversations": _counts(item.report)} if item.report else {}),
                    }
                    for item in outcomes
                ],
                "summary": {
                    **{status.value: counts.get(status.value, 0) for status in FileStatus},
                    "passages": sum(item.passages for item in outcomes),
                    "waiting_for_vectors": waiting,
                    "interrupted": stop.is_set(),
                },
            }
        )
    else:
        summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing found"
        files = sum(item.status is not FileStatus.MISSING for item in outcomes)
        show(f"{format_counts({'files': files}) if files else '0 files'}: {summary}.")
        if reports := [item.report for item in outcomes if item.report]:
            show(f"From other assistants: {_total(reports).summary()}.")
        if waiting:
            say(f"{waiting} passages still wait for their vectors; words find them already. The next start goes on.")
    if stop.is_set():
        raise typer.Exit(130)
    if outcomes and all(outcome.status is FileStatus.FAILED for outcome in outcomes):
        raise typer.Exit(1)


def _counts(report: ExportReport) -> dict[str, object]:
    counts = {
        name: getattr(report, name)
        for name in (
            *("format", "new", "updated", "known", "forgotten"),
            *("messages_added", "messages_known", "messages_forgotten", "memories_added", "memories_known"),
        )
    }
    return {**counts, "left_out": {item.value: count for item, count in report.skipped.items()}}


def _total(reports: Sequence[ExportReport]) -> ExportReport:
    total = ExportReport("all")
    for report in reports:
        total.add(report)
    return total


def _line(outcome: FileOutcome) -> str:
    if outcome.report:
        text = f"{outcome.path} ({outcome.report.format}): {outcome.report.summary()}"
        return f"{outcome.status.value:<9} {plain(text, one_line=True)}"
    detail = f": {outcome.reason}" if outcome.reason else f", {format_counts({'passages': outcome.passages})}"
    hint = f" ({outcome.hint})" if outcome.hint and outcome.status in (FileStatus.FAILED, FileStatus.MISSING) else ""
    # A file's name may hold line ends and terminal escapes; each file gets one line, and writes no other's.
    return f"{outcome.status.value:<9} {plain(f'{outcome.path}{detail}{hint}', one_line=True)}"


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Turn Ctrl+C into a stop between two steps; a second one ends at once."""
    stop = threading.Event()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say("\nStopping after this step; Ctrl+C again ends at once. A second run goes on from here.")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Progress:
    """A bar on stderr where it is a terminal, and nothing but the lines where it is not."""

    def __init__(self, visible: bool) -> None:
        self._bar = None
        if visible and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()

    def start(self, description: str) -> Callable[[int, int], None]:
        """Begin a stage and return what moves its bar."""
        bar = self._bar
        if bar is None:
            return lambda done, total: None
        task = bar.add_task(description, total=None)
        return lambda done, total: bar.update(task, completed=done, total=total or None)

    def line(self, text: str) -> None:
        """Print a line of the result above the bar."""
        if self._bar is not None and sys.stdout.isatty():
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            show(text)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def _progress(visible: bool) -> Iterator[_Progress]:
    progress = _Progress(visible)
    try:
        yield progress
    finally:
        progress.close()
