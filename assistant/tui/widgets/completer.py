"""Completes what is being written: slash commands, paths behind them, and what is mentioned with `@`."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.core.conversation import commands
from assistant.core.conversation.mentions import (
    Mention,
    at_cursor,
    files_of,
    offers,
    path_at_cursor,
    with_path,
    without_mention,
)
from assistant.display import plain
from assistant.language import _
from assistant.threads import in_thread
from assistant.tui.widgets.prompt import Prompt
from assistant.tui.widgets.suggestions import Suggestion, Suggestions

if TYPE_CHECKING:
    from memory_store import Store
    from memory_store.models import Source

_WORK: Final = "mentions"


class Completer:
    """Shows what fits, and puts the chosen one into the prompt. `store` is looked through once it is open."""

    def __init__(self, prompt: Prompt, suggestions: Suggestions) -> None:
        self.store: Store | None = None
        self._prompt = prompt
        self._list = suggestions
        self._taken: dict[str, Source | Path] = {}
        prompt.enter_completes = lambda: suggestions.at is not None  # not where a command stands whole

    @property
    def mentioned(self) -> dict[str, Source | Path]:
        """What was chosen for some names behind an `@`."""
        return dict(self._taken)

    def look(self) -> None:
        """Look for what fits the text as it is now."""
        found = commands.completions(self._prompt.text)
        path = self._path_typed()
        if found:
            self._show([Suggestion(command.usage, _(command.summary), command) for command in found])
        elif path is not None:
            self._beside(self._offer_files(path))
        elif (typed := at_cursor(self._prompt.before_cursor)) is not None and self.store is not None:
            self._beside(self._offer(self.store, typed))
        else:
            self._prompt.workers.cancel_group(self._prompt, _WORK)
            self._show([])
        self._prompt.completing = bool(self._list.items)

    def _beside(self, work: Coroutine[None, None, None]) -> None:
        """Look beside the screen: newer letters take the place of a search that is still going on."""
        self._prompt.run_worker(work, group=_WORK, exclusive=True, exit_on_error=False)

    def _show(self, found: list[Suggestion], at: int | None = None) -> None:
        self._list.show(found, at)
        self._prompt.completing = bool(found)

    async def _offer(self, store: Store, typed: str) -> None:
        found = await in_thread(lambda: offers(store, typed, Path.cwd()))
        if at_cursor(self._prompt.before_cursor) == typed:  # else the cursor went elsewhere meanwhile
            self._show(
                [Suggestion(plain(mention.name, one_line=True), _(mention.detail), mention) for mention in found], 0
            )

    def _path_typed(self) -> str | None:
        """Return the path that is being written behind a command that takes one."""
        return path_at_cursor(self._prompt.before_cursor) if commands.takes_path(self._prompt.text) else None

    async def _offer_files(self, typed: str) -> None:
        found = await in_thread(lambda: files_of(typed, Path.cwd()))
        if self._path_typed() == typed:
            self._show([Suggestion(mention.name, _(mention.detail), mention) for mention in found])

    def take_key(self, key: str) -> None:
        """Move in the list, take from it, or close it; what is typed stays."""
        match key:
            case "up" | "down":
                self._list.move(-1 if key == "up" else 1)
            case "escape":
                self._show([])
            case _:
                self._take()

    def _take(self) -> None:
        """Put the highlighted line, or the first, in place of what is typed."""
        value = self._list.chosen.value if self._list.chosen is not None else None
        if isinstance(value, commands.Command):
            self._prompt.replace_all(f"/{value.name}" + (" " if value.arguments else ""))
        elif isinstance(value, Mention) and self._path_typed() is not None:
            self._prompt.replace_before_cursor(with_path(self._prompt.before_cursor, value))
        elif isinstance(value, Mention):
            self._mention(value)

    def _mention(self, mention: Mention) -> None:
        before = without_mention(self._prompt.before_cursor)
        if mention.detail == "folder":
            self._prompt.replace_before_cursor(f"{before}@{mention.name}")  # on into the folder
            return
        if not isinstance(mention.target, Path):
            self._taken[mention.name] = mention.target
        self._prompt.replace_before_cursor(f"{before}{mention.written} ")
        self._show([])
