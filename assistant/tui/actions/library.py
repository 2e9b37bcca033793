"""Commands about files: import them, export everything."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assistant import bootstrap
from assistant.display import plain
from assistant.ingestion.pipeline import FileOutcome, FileStatus, ImportOptions, import_paths
from assistant.language import _, plural
from assistant.portable_settings import portable
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from assistant.tui.widgets.notice import Told
from memory_store import Store
from memory_store.version import version

if TYPE_CHECKING:
    from textual.app import App

    from assistant.tui.screens.chat import ChatScreen

_MOST_LINES: Final = 12
_NOT_READ: Final = frozenset({FileStatus.FAILED, FileStatus.MISSING})
_FLAGS: Final = frozenset({"--private", "--again"})


async def import_files(chat: ChatScreen, argument: str) -> None:
    """Import files beside the chat, with progress in the status line and one line of outcome a file."""
    words = split(argument)
    flags = _FLAGS.intersection(words)
    paths = [absolute(word) for word in words if word not in flags]
    if not paths:
        await chat.notice(_("No path is given."), "/import ~/Documents", "warning")
        return
    await import_paths_of(chat, paths, private="--private" in flags, again="--again" in flags)


async def import_paths_of(
    chat: ChatScreen, paths: Sequence[Path], *, private: bool = False, again: bool = False
) -> None:
    """Import files and folders, with progress in the status line, and tell what came of it."""
    assert chat.keeper is not None
    told = await bring_in(chat, paths, chat.keeper.show_activity, private=private, again=again)
    await chat.notice(told.text, told.hint, told.kind)


async def bring_in(
    chat: ChatScreen, paths: Sequence[Path], show: Callable[[str], None], *, private: bool = False, again: bool = False
) -> Told:
    """Import files and return what there is to say of it; `show` is told how far it is, at the end an empty text."""
    if chat.import_stop is not None:
        return Told(_("An import is running already."), _("Esc in the chat stops it."), "warning")
    outcomes, stopped = await run_import(chat, paths, show, private=private, again=again)
    return report(outcomes, stopped=stopped)


async def run_import(
    chat: ChatScreen, paths: Sequence[Path], show: Callable[[str], None], *, private: bool = False, again: bool = False
) -> tuple[list[FileOutcome], bool]:
    """Import files, after any other import; return what became of each, and whether it was stopped."""
    async with chat.import_lock:
        options = bootstrap.import_options(chat.services.settings, private=private, again=again)
        chat.import_stop = stop = threading.Event()
        show(_("import: looking for files…"))
        run = _Import(chat.services.store, paths, options, stop)
        ticking = asyncio.ensure_future(_show_progress(run, show))
        try:
            await in_thread(run.work)
        finally:
            ticking.cancel()
            chat.import_stop = None
            show("")
            if chat.keeper is not None:
                await chat.keeper.look(recount=True)
    return run.outcomes, stop.is_set()


async def may_replace(app: App[Any], path: Path) -> bool:
    """Ask whether a file that is there may be replaced."""
    choices: list[Choice[bool | None]] = [
        Choice(_("Keep it"), _("nothing is written"), False),
        Choice(_("Replace it"), "", True),
    ]
    dialog = Chooser[bool | None](_("{path} exists.").format(path=path), choices)
    chosen: bool | None = await app.push_screen_wait(dialog)
    return bool(chosen)


def split(argument: str) -> list[str]:
    """Return the words of an argument, quoted ones whole; with an unclosed quote, the argument as one word."""
    try:
        return shlex.split(argument)
    except ValueError:
        return [argument]


def absolute(path: str) -> Path:
    """Return a path as the user means it: from the home folder or from where Keepsake was started."""
    return Path(path).expanduser().absolute()


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


def report(outcomes: Sequence[FileOutcome], *, stopped: bool = False) -> Told:
    """Put into words what became of the files of an import."""
    failed = [one for one in outcomes if one.status in _NOT_READ]
    lines = [_line(one) for one in (outcomes if len(outcomes) <= _MOST_LINES else failed)]
    counts = Counter(one.status.value for one in outcomes)
    summary = ", ".join(f"{count:,} {_(status)}" for status, count in counts.items()) or _("no files were found")
    text = (_("Import stopped: {summary}.") if stopped else _("Import done: {summary}.")).format(summary=summary)
    hidden = len(lines) - _MOST_LINES
    shown = lines[:_MOST_LINES] + ([_("… and {hidden:,} more").format(hidden=hidden)] if hidden > 0 else [])
    return Told(text, "\n".join(shown), "warning" if failed or stopped else "good")


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


async def export(chat: ChatScreen, argument: str) -> None:
    """Write everything to one zip."""
    words = split(argument)
    path = absolute(" ".join(words))
    assert chat.keeper is not None
    if await in_thread(path.exists) and not await may_replace(chat.app, path):
        return
    chat.keeper.show_activity(f"export: {path.name}")
    try:
        await in_thread(lambda: chat.services.store.export(path, version(), portable(chat.services.config_file)))
    finally:
        chat.keeper.show_activity()
    await chat.notice(
        _("Everything is written to {path}.").format(path=path), _("It holds your memory unencrypted."), "good"
    )
