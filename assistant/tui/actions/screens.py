"""The commands that open a screen over the chat: what is stored, listed to be looked at and worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
