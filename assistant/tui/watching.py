"""Watched folders: what changes in them while the chat is open is imported beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.ingestion.pipeline import FileStatus
from assistant.language import _
from assistant.tui.actions.library import report, run_import
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from watchfiles import Change

    from assistant.tui.screens.chat import ChatScreen

WORKER: Final = "watching"
_NEWS: Final = frozenset({FileStatus.IMPORTED, FileStatus.UPDATED})


def restart(chat: ChatScreen) -> None:
    """Watch the folders of the settings from now on, and no others."""
    chat.workers.cancel_group(chat, WORKER)
    folders = [Path(one).expanduser() for one in chat.services.settings.importing.watch]
    if folders:
        chat.run_worker(chat.guarded(_watch(chat, folders)), name=WORKER, group=WORKER, exit_on_error=False)


async def _watch(chat: ChatScreen, folders: Sequence[Path]) -> None:
    there = [folder for folder in folders if await in_thread(folder.is_dir)]
    missing = [str(folder) for folder in folders if folder not in there]
    if missing:
        words = _("Not watched, as it is not there: {folders}")
        await chat.notice(words.format(folders=", ".join(missing)), kind="warning")
    if not there:
        return
    changes = (await in_thread(_awatch))(*there)  # it listens from its first step on, so that nothing falls between
    waiting = asyncio.ensure_future(anext(changes))
    try:
        await _bring(chat, there, first=True)  # what changed while nobody watched
        while True:
            changed = sorted({Path(path) for _kind, path in await waiting})
            waiting = asyncio.ensure_future(anext(changes))
            files = [path for path in changed if await in_thread(path.is_file)]
            if files:
                await _bring(chat, files)
    finally:
        waiting.cancel()


async def _bring(chat: ChatScreen, paths: Sequence[Path], *, first: bool = False) -> None:
    """Import, after any other import, and tell of what came, and of what failed unless that is old."""
    assert chat.keeper is not None
    outcomes, _stopped = await run_import(chat, paths, chat.keeper.show_activity)
    told_of = _NEWS if first else _NEWS | {FileStatus.FAILED, FileStatus.MISSING}
    news = [one for one in outcomes if one.status in told_of]
    if news:
        told = report(news)
        await chat.notice(_("From a watched folder. {outcome}").format(outcome=told.text), told.hint, told.kind)


def _awatch() -> Callable[..., AsyncGenerator[set[tuple[Change, str]], None]]:
    """Return watchfiles' own watcher; importing it takes a while."""
    from watchfiles import awatch

    return awatch
