"""Imports beside a conversation: one after the other, each with its progress, and what came of it in words."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.core.conversation.commands import absolute_path, split_words
from assistant.core.conversation.skin import MemoryChanged, Report, Skin
from assistant.display import plain
from assistant.ingestion.pipeline import FileOutcome, FileStatus, ImportOptions, import_paths
from assistant.language import _, plural
from assistant.threads import in_thread
from memory_store import Store

if TYPE_CHECKING:
    from watchfiles import Change

WATCHING: Final = "watching"
_MOST_LINES: Final = 12
_NOT_READ: Final = frozenset({FileStatus.FAILED, FileStatus.MISSING})
_NEWS: Final = frozenset({FileStatus.IMPORTED, FileStatus.UPDATED})
_FLAGS: Final = frozenset({"--private", "--again"})


class Importer:
    """Imports files and folders, and what changes in watched folders. `stop` is set while an import runs."""

    def __init__(self, store: Store, options: ImportOptions, skin: Skin) -> None:
        self.options = options
        self.stop: threading.Event | None = None
        self._store = store
        self._skin = skin
        self._lock = asyncio.Lock()

    async def import_files(self, argument: str) -> None:
        """Import what is named, with progress, and tell one line of outcome a file."""
        words = split_words(argument)
        flags = _FLAGS.intersection(words)
        paths = [absolute_path(word) for word in words if word not in flags]
        if paths:
            await self.import_paths(paths, private="--private" in flags, again="--again" in flags)
        else:
            await self._skin.tell(Report(_("No path is given."), "/import ~/Documents", "warning"))

    async def import_paths(self, paths: Sequence[Path], *, private: bool = False, again: bool = False) -> None:
        """Import files and folders, and tell what came of it."""
        await self._skin.tell(await self.bring_in(paths, self._skin.show_activity, private=private, again=again))

    async def bring_in(
        self, paths: Sequence[Path], show: Callable[[str], None], *, private: bool = False, again: bool = False
    ) -> Report:
        """Import files and return what there is to say of it; `show` is told how far it is, last an empty text."""
        if self.stop is not None:
            return Report(_("An import is running already."), _("Esc in the chat stops it."), "warning")
        options = replace(self.options, private=private, again=again)
        outcomes, stopped = await self._run(paths, options, show)
        return report_outcomes(outcomes, stopped=stopped)

    async def _run(
        self, paths: Sequence[Path], options: ImportOptions, show: Callable[[str], None]
    ) -> tuple[list[FileOutcome], bool]:
        """Import files, after any other import; return what became of each, and whether it was stopped."""
        async with self._lock:
            self.stop = stop = threading.Event()
            show(_("import: looking for files…"))
            run = _Import(self._store, paths, options, stop)
            ticking = asyncio.ensure_future(_show_progress(run, show))
            try:
                await in_thread(run.work)
            finally:
                ticking.cancel()
                self.stop = None
                show("")
                await self._skin.show(MemoryChanged())
        return run.outcomes, stop.is_set()

    # -- watched folders ---------------------------------------------------------------------------------------

    def watch(self, folders: Sequence[str]) -> None:
        """Import what changes in these folders from now on, and in no others."""
        self._skin.cancel(WATCHING)
        if folders:
            paths = [Path(folder).expanduser() for folder in folders]
            self._skin.start(lambda: self._watch(paths), WATCHING)

    async def _watch(self, folders: Sequence[Path]) -> None:
        there = [folder for folder in folders if await in_thread(folder.is_dir)]
        missing = [str(folder) for folder in folders if folder not in there]
        if missing:
            words = _("Not watched, as it is not there: {folders}")
            await self._skin.tell(Report(words.format(folders=", ".join(missing)), kind="warning"))
        if not there:
            return
        changes = (await in_thread(_awatch))(*there)  # it listens from its first step on: nothing falls between
        waiting = asyncio.ensure_future(anext(changes))
        try:
            await self._bring_changed(there, first=True)  # what changed while nobody watched
            while True:
                changed = sorted({Path(path) for _kind, path in await waiting})
                waiting = asyncio.ensure_future(anext(changes))
                files = [path for path in changed if await in_thread(path.is_file)]
                if files:
                    await self._bring_changed(files)
        finally:
            waiting.cancel()

    async def _bring_changed(self, paths: Sequence[Path], *, first: bool = False) -> None:
        """Import, after any other import, and tell of what came, and of what failed unless that is old."""
        outcomes, _stopped = await self._run(paths, self.options, self._skin.show_activity)
        told_of = _NEWS if first else _NEWS | _NOT_READ
        news = [outcome for outcome in outcomes if outcome.status in told_of]
        if news:
            told = report_outcomes(news)
            await self._skin.tell(replace(told, text=_("From a watched folder. {outcome}").format(outcome=told.text)))


class _Import:
    """An import in a thread; what it has come to may be looked at from outside."""

    def __init__(self, store: Store, paths: Sequence[Path], options: ImportOptions, stop: threading.Event) -> None:
        self._store, self._paths, self._options, self._stop = store, paths, options, stop
        self.outcomes: list[FileOutcome] = []
        self.place = ""

    def work(self) -> None:
        """Import everything; runs in its own thread."""
        for outcome in import_paths(self._store, self._paths, self._options, self._progress, self._stop):
            self.outcomes.append(outcome)

    def _progress(self, path: str, number: int, total: int) -> None:
        of = _("{number:,} of {total:,}").format(number=number, total=total)
        done = of if total else plural("{count} message", "{count} messages", number)
        self.place = _("import: {done}, {name}").format(done=done, name=_name(path))


async def _show_progress(run: _Import, show: Callable[[str], None]) -> None:
    while True:
        if run.place:
            show(run.place)
        await asyncio.sleep(0.1)


def _awatch() -> Callable[..., AsyncGenerator[set[tuple[Change, str]], None]]:
    """Return watchfiles' own watcher; importing it takes a while."""
    from watchfiles import awatch

    return awatch


def report_outcomes(outcomes: Sequence[FileOutcome], *, stopped: bool = False) -> Report:
    """Put into words what became of the files of an import."""
    failed = [outcome for outcome in outcomes if outcome.status in _NOT_READ]
    lines = [_line(outcome) for outcome in (outcomes if len(outcomes) <= _MOST_LINES else failed)]
    counts = Counter(outcome.status.value for outcome in outcomes)
    summary = ", ".join(f"{count:,} {_(status)}" for status, count in counts.items()) or _("no files were found")
    text = (_("Import stopped: {summary}.") if stopped else _("Import done: {summary}.")).format(summary=summary)
    hidden = len(lines) - _MOST_LINES
    shown = lines[:_MOST_LINES] + ([_("… and {hidden:,} more").format(hidden=hidden)] if hidden > 0 else [])
    return Report(text, "\n".join(shown), "warning" if failed or stopped else "good")


def _name(path: str) -> str:
    """Return a file's name as it may stand on a line: it may hold line ends and terminal escapes."""
    return plain(Path(path).name, one_line=True)


def _line(outcome: FileOutcome) -> str:
    name = _name(outcome.path)
    if outcome.report:
        return f"{name} ({outcome.report.format}): {outcome.report.summary()}"
    if outcome.status in _NOT_READ:
        return f"{name}: {outcome.reason}." + (f" {outcome.hint}" if outcome.hint else "")
    if outcome.status is FileStatus.FORGOTTEN:
        return _("{name}: it was forgotten and stays so; --again brings it back").format(name=name)
    passages = plural("{count} passage", "{count} passages", outcome.passages)
    return f"{name}: {_(outcome.status.value)}, {passages}"
