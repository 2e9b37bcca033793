"""The commands that open a screen over the chat: what is stored, listed to be looked at and worked on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from assistant.language import _
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


async def memory(chat: ChatScreen, argument: str) -> None:
    """Show what is remembered."""
    from assistant.tui.screens.memory import MemoryScreen

    await chat.app.push_screen(MemoryScreen(argument))


async def documents(chat: ChatScreen, argument: str) -> None:
    """Show what was imported."""
    from assistant.tui.screens.documents import DocumentsScreen

    await chat.app.push_screen(DocumentsScreen(argument))


async def receipts(chat: ChatScreen, argument: str) -> None:
    """Show what was erased."""
    from assistant.tui.screens.receipts import ReceiptsScreen

    await chat.app.push_screen(ReceiptsScreen(argument))


async def doctor(chat: ChatScreen, argument: str) -> None:
    """Look over the memory."""
    from assistant.tui.screens.doctor import DoctorScreen

    await chat.app.push_screen(DoctorScreen(argument))


async def about_me(chat: ChatScreen, argument: str) -> None:
    """Show what is known about the user; let them edit the page, or answer the questions that are open.

    With a day it is what was true then, by what is known today.
    """
    from assistant.core.profile import profile
    from assistant.tui.actions.learning import edit_page, questions
    from assistant.tui.screens.about_me import ANSWER, EDIT, AboutMeScreen

    store = chat.services.store
    if argument:
        try:
            end_of_day = datetime.fromisoformat(argument).astimezone() + timedelta(days=1)
        except ValueError:
            chat.notify(_("A day is written like 2025-03-01."), severity="warning", markup=False, timeout=5)
            return
        then = await in_thread(lambda: profile(store, end_of_day))
        await chat.app.push_screen(
            AboutMeScreen(then, title=_("What was known to be true on {day}").format(day=argument))
        )
        return
    sections = await in_thread(lambda: profile(store))
    asked = await in_thread(store.learning.questions.all)
    chosen = await chat.app.push_screen_wait(AboutMeScreen(sections, len(asked)))
    if chosen == EDIT:
        await edit_page(chat, sections, asked)
    elif chosen == ANSWER:
        await questions(chat, "")


async def stats(chat: ChatScreen, argument: str) -> None:
    """Show how the memory grew."""
    await in_thread(_import_plots)
    from assistant.tui.screens.stats import StatsScreen

    await chat.app.push_screen(StatsScreen(chat.services.store))


def _import_plots() -> None:
    import assistant.tui.screens.stats  # noqa: F401 — loads plotext, which takes a while
