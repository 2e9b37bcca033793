"""The guide of a first start: who answers, what it shall know, and how to ask."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assistant.language import _
from assistant.setting import keep
from assistant.tui.actions import models
from assistant.tui.actions.library import absolute, import_paths_of
from assistant.tui.pasting import pasted_paths
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store.database.opened import is_own_file

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

_FOLDERS: Final = ("Documents", "Notes", "Obsidian")
_DOWNLOADS: Final = "Downloads"
_EXPORTS: Final = {"conversations.json": "ChatGPT, Claude"}  # the member that an assistant's export has
_MOST_LOOKED_AT: Final = 50
_NOTHING: Final = Path()


async def guide(chat: ChatScreen, argument: str = "") -> None:
    """Lead through the first steps; Esc passes one over."""
    title = _("1 of 3   Who answers?  You can change it at any time with /model")
    to_its_end = await models.pick(chat, title) and await _bring_in(chat)
    services = chat.services
    await in_thread(lambda: keep(services.config_file, "chat", {}))  # a first start was it; the next is none
    if not to_its_end:
        chat.focus_prompt()  # with the words that were typed into the list: they were meant for it
        return
    await chat.notice(
        _("3 of 3   Ask, or tell it something to remember."),
        "\n".join(
            (
                _("“I'm allergic to penicillin” is remembered, “What am I allergic to?” is answered with its source."),
                _("F1 lists the keys and commands, /guide shows this again."),
                *(models.how_to_get_one() if chat.services.settings.model.provider == "quote" else ()),
            )
        ),
        "good",
    )
    chat.focus_prompt()


async def _bring_in(chat: ChatScreen) -> bool:
    """Offer what may be brought in; return whether to go on, and not to write what was typed here into the prompt."""
    found = await in_thread(lambda: worth_importing(Path.home()))
    choices: list[Choice[Path | None]] = [Choice(str(path), what, path) for path, what in found]
    choices += [
        Choice(_("Another file or folder"), _("by its path: /import is put into the prompt"), None),
        Choice(_("Nothing yet"), "", _NOTHING),
    ]
    title = _("2 of 3   What shall it know?  Only a copy of the text is taken")
    dialog = Chooser[Path | None](title, choices, closed=_NOTHING, gives_back=True)
    chosen = await chat.app.push_screen_wait(dialog)
    typed = pasted_paths(dialog.unfit)
    if typed:
        chat.background(import_paths_of(chat, typed), "import")
        return True
    if dialog.unfit:
        chat.prompt.replace_all(dialog.unfit)
        return False
    if chosen is None:
        chat.prompt.replace_all("/import ")
    elif chosen != _NOTHING:
        chat.background(import_paths_of(chat, [absolute(str(chosen))]), "import")
    return True


def worth_importing(home: Path) -> list[tuple[Path, str]]:
    """Return folders of documents and exports of other assistants in a home folder, each with what it is."""
    found = [(home / name, _("a folder of yours")) for name in _FOLDERS if _has_something(home / name)]
    return found + [(path, _("an export of {assistant}").format(assistant=who)) for path, who in _exports(home)]


def _has_something(folder: Path) -> bool:
    try:
        return folder.is_dir() and any(not one.name.startswith(".") for one in folder.iterdir())
    except OSError:
        return False  # not ours to read, so nothing to offer


def _exports(home: Path) -> list[tuple[Path, str]]:
    try:
        zips = sorted((home / _DOWNLOADS).glob("*.zip"), key=lambda one: one.stat().st_mtime, reverse=True)
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


async def welcome(chat: ChatScreen) -> None:
    """Say, at a first start, what this is, what was found here and where the memory lives; then lead on."""
    found = [one for one in await models.found_here() if one.name or one.api_key_env]
    lines = [f"  {models.label(one)}: {one.detail}" for one in found[:6]]
    if len(found) > 6:
        lines.append("  " + _("… and {count} more; /model lists them").format(count=len(found) - 6))
    here = "\n".join([_("Found on this machine:"), *lines]) if lines else _("Found: no model server")
    await chat.notice(
        _("Welcome. Keepsake remembers what you tell it and what you import, and answers with sources."),
        "\n".join(
            [
                _("Until you choose a language model, answers are quotations from your memory."),
                here,
                _("/model chooses who answers"),
                _("/import ~/Documents brings in files"),
                _("Your memory lives in {folder}").format(folder=chat.services.store.folder),
            ]
        ),
    )
    if not chat.prompt.text:  # who writes already is not to be interrupted; /guide comes when called
        chat.background(guide(chat), "guide")
