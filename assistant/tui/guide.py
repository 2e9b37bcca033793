"""The guide of a first start: who answers, what it shall know, and how to ask."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.core.conversation.commands import absolute_path
from assistant.core.conversation.imports import Importer
from assistant.core.conversation.pasting import pasted_paths
from assistant.core.conversation.skin import Choice, Report
from assistant.language import N_, _
from assistant.setting import keep
from assistant.threads import in_thread
from assistant.tui.model_choice import ModelChoice, TypingSkin, found_here, how_to_get_one, label
from memory_store import is_own_file

if TYPE_CHECKING:
    from assistant.tui.services import Services

# What a first user is told to try: it is remembered, and answered, with nothing but what comes with the installation.
TOLD: Final = N_("My sister is called Ada")
ASKED: Final = N_("What is my sister called?")
_FOLDERS: Final = ("Documents", "Notes", "Obsidian")
_DOWNLOADS: Final = "Downloads"
_EXPORTS: Final = {"conversations.json": "ChatGPT, Claude"}  # the member that an assistant's export has
_MOST_LOOKED_AT: Final = 50
_MOST_FOUND: Final = 6
_NOTHING: Final = Path()
_ANOTHER: Final = Path("/import")


class Guide:
    """Leads through the first steps: who answers, what it shall know, how to ask."""

    def __init__(self, services: Services, skin: TypingSkin, imports: Importer, models: ModelChoice) -> None:
        self._services = services
        self._skin = skin
        self._imports = imports
        self._models = models

    async def lead(self) -> None:
        """Go step by step; Esc passes one over."""
        title = _("1 of 3   Who answers?  You can change it at any time with /model")
        to_its_end = await self._models.pick(title) and await self._bring_in()
        services = self._services
        await in_thread(lambda: keep(services.config_file, "chat", {}))  # a first start was it; the next is none
        if to_its_end:  # else words were typed into the list that were meant for the prompt
            example = _("“{told}” is remembered, “{asked}” is answered with its source.")
            hints = [
                example.format(told=_(TOLD), asked=_(ASKED)),
                _("F1 lists the keys and commands, /guide shows this again."),
            ]
            hints += how_to_get_one() if services.settings.model.provider == "quote" else []
            words = _("3 of 3   Ask, or tell it something to remember.")
            await self._skin.tell(Report(words, "\n".join(hints), "good"))

    async def _bring_in(self) -> bool:
        """Offer what may be brought in; return False where words were typed that are meant for the prompt."""
        found = await in_thread(lambda: worth_importing(Path.home()))
        choices = [Choice(str(path), what, path) for path, what in found]
        choices += [
            Choice(_("Another file or folder"), _("by its path: /import is put into the prompt"), _ANOTHER),
            Choice(_("Nothing yet"), "", _NOTHING),
        ]
        title = _("2 of 3   What shall it know?  Only a copy of the text is taken")
        chosen, typed = await self._skin.choose_or_type(title, choices)
        if paths := pasted_paths(typed):
            self._import(paths)
        elif typed:
            self._skin.take_typed(typed)
            return False
        elif chosen is _ANOTHER:
            self._skin.give_back("/import ")
        elif chosen is not None and chosen is not _NOTHING:
            self._import([absolute_path(str(chosen))])
        return True

    def _import(self, paths: Sequence[Path]) -> None:
        self._skin.start(lambda: self._imports.import_paths(paths), "import")

    async def welcome(self) -> None:
        """Say, at a first start, what this is, what was found here and where the memory lives."""
        found = [model for model in await found_here() if model.name or model.api_key_env]
        lines = [f"  {label(model)}: {model.detail}" for model in found[:_MOST_FOUND]]
        if len(found) > _MOST_FOUND:
            lines.append("  " + _("… and {count} more; /model lists them").format(count=len(found) - _MOST_FOUND))
        here = "\n".join([_("Found on this machine:"), *lines]) if lines else _("Found: no model server")
        hints = [
            _("Until you choose a language model, answers are quotations from your memory."),
            here,
            _("/model chooses who answers"),
            _("/import ~/Documents brings in files"),
            _("Your memory lives in {folder}").format(folder=self._services.store.folder),
        ]
        words = _("Welcome. Keepsake remembers what you tell it and what you import, and answers with sources.")
        await self._skin.tell(Report(words, "\n".join(hints)))


def worth_importing(home: Path) -> list[tuple[Path, str]]:
    """Return folders of documents and exports of other assistants in a home folder, each with what it is."""
    found = [(home / name, _("a folder of yours")) for name in _FOLDERS if _has_something(home / name)]
    return found + [(path, _("an export of {assistant}").format(assistant=who)) for path, who in _exports(home)]


def _has_something(folder: Path) -> bool:
    try:
        return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())
    except OSError:
        return False  # not ours to read, so nothing to offer


def _exports(home: Path) -> list[tuple[Path, str]]:
    try:
        zips = sorted((home / _DOWNLOADS).glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
    found = []
    for path in zips[:_MOST_LOOKED_AT]:
        if is_own_file(path):
            continue
        try:
            with zipfile.ZipFile(path) as opened:
                members = {Path(name).name for name in opened.namelist()}
        except (OSError, zipfile.BadZipFile):
            continue  # a download that is broken or not ours: nothing to offer
        found += [(path, who) for member, who in _EXPORTS.items() if member in members]
    return found
