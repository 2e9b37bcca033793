"""Completes what is being written: slash commands, and what is mentioned with `@`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.display import plain
from assistant.language import _
from assistant.tui import commands
from assistant.tui.mentions import Mention, at_cursor, files_of, offers, path_at_cursor, with_path, without_mention
from assistant.tui.threads import in_thread
from assistant.tui.widgets.suggestions import Suggestion, Suggestions

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


class Completer:
    """Shows what fits, and puts the chosen one into the prompt. `taken` is what was mentioned, by its name."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self.taken: dict[str, Mention] = {}

    @property
    def _list(self) -> Suggestions:
        return self._chat.query_one(Suggestions)

    def changed(self) -> None:
        """Look for what fits the text as it is now."""
        found = commands.completions(self._chat.prompt.text)
        path = self._path_typed()
        if found:
            self._list.show([Suggestion(one.usage, _(one.summary), one) for one in found])
        elif path is not None:
            self._chat.run_worker(self._offer_files(path), group="mentions", exclusive=True, exit_on_error=False)
        elif (typed := at_cursor(self._chat.prompt.before_cursor)) is not None and self._chat.is_open:
            # Newer letters take the place of a search that is still going on.
            self._chat.run_worker(self._offer(typed), group="mentions", exclusive=True, exit_on_error=False)
        else:
            self._chat.workers.cancel_group(self._chat, "mentions")
            self._list.show(())
        self._chat.prompt.completing = bool(self._list.items)

    async def _offer(self, typed: str) -> None:
        store = self._chat.services.store
        found = await in_thread(lambda: offers(store, typed, Path.cwd()))
        if at_cursor(self._chat.prompt.before_cursor) != typed:
            return  # the cursor went elsewhere meanwhile
        self._list.show([Suggestion(plain(one.name, one_line=True), _(one.detail), one) for one in found], 0)
        self._chat.prompt.completing = bool(found)

    def _path_typed(self) -> str | None:
        """Return the path that is being written behind a command that takes one."""
        given = commands.parse(self._chat.prompt.text)
        takes = given is not None and any(
            one.name == given[0] and one.arguments.startswith("PATH") for one in commands.COMMANDS
        )
        return path_at_cursor(self._chat.prompt.before_cursor) if takes else None

    async def _offer_files(self, typed: str) -> None:
        found = await in_thread(lambda: files_of(typed, Path.cwd()))
        if self._path_typed() == typed:
            self._list.show([Suggestion(one.name, _(one.detail), one) for one in found])
            self._chat.prompt.completing = bool(found)

    def move(self, step: int) -> None:
        """Highlight another line."""
        self._list.move(step)

    def takes_enter(self) -> bool:
        """Say whether Enter is for the list: where a line is highlighted, not where a command stands whole."""
        return self._list.at is not None

    def close(self) -> None:
        """Take the list away; what is typed stays."""
        self._list.show(())
        self._chat.prompt.completing = False

    def take(self) -> None:
        """Put the highlighted line, or the first, in place of what is typed."""
        chosen = self._list.chosen
        if chosen is None:
            return
        if isinstance(chosen.value, commands.Command):
            command = chosen.value
            self._chat.prompt.replace_all(f"/{command.name}" + (" " if command.arguments else ""))
        elif isinstance(chosen.value, Mention) and self._path_typed() is not None:
            self._chat.prompt.replace_before_cursor(with_path(self._chat.prompt.before_cursor, chosen.value))
        elif isinstance(chosen.value, Mention):
            self._mention(chosen.value)

    def _mention(self, mention: Mention) -> None:
        prompt = self._chat.prompt
        before = without_mention(prompt.before_cursor)
        if mention.detail == "folder":
            prompt.replace_before_cursor(f"{before}@{mention.name}")  # on into the folder
            return
        if not isinstance(mention.target, Path):
            self.taken[mention.name] = mention
        prompt.replace_before_cursor(f"{before}{mention.written} ")
        self.close()
