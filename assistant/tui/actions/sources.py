"""What can be done with a source: read it in place, call it not relevant for the question, put right what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from assistant.language import _
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.memory_editor import MemoryDraft, MemoryEditor
from assistant.tui.screens.source import SourceScreen
from assistant.tui.threads import in_thread
from assistant.tui.widgets.source_list import SourceLine
from memory_store.database.memories import NewMemory
from memory_store.models import Memory, SourceKind

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen
    from assistant.tui.sources import SourceView


async def open_source(chat: ChatScreen, source: SourceView, answer_id: str | None) -> None:
    """Show a source in place; a source of an answer can be judged there."""
    line = _line_of(chat, source, answer_id)
    screen = SourceScreen(chat.services.store, source, judgeable=line is not None)

    def closed(action: str | None) -> None:
        if action is not None and line is not None:
            chat.background(ACTIONS[action](chat, line), "source")

    await chat.app.push_screen(screen, closed)


def _line_of(chat: ChatScreen, source: SourceView, answer_id: str | None) -> SourceLine | None:
    """Return the line under the answer at which a source stands; None where it is no source of a stored answer."""
    if answer_id is None or source.number is None or source.passage_id is None:
        return None
    lines = chat.query(SourceLine).results()
    found = (one for one in lines if one.answer_id == answer_id and one.source.number == source.number)
    return next(found, None) or SourceLine(source, answer_id)  # it may be among those that are folded


async def dismiss(chat: ChatScreen, line: SourceLine) -> None:
    """Never recall it for this question again, or take that back."""
    await _judge(chat, line, dismissed=not line.source.dismissed)
    words = (
        _("Not relevant: it is not recalled for this question again.")
        if line.source.dismissed
        else _("It may be recalled for this question again.")
    )
    chat.notify(words, markup=False, timeout=4)


async def correct(chat: ChatScreen, line: SourceLine) -> None:
    """Put right what a source says: a memory gets a newer version, beside anything else a memory is written."""
    source = line.source
    if source.kind is SourceKind.MEMORY:
        corrected = await correct_memory(chat, source.source_id)
    else:
        corrected = await _write_beside(chat, line)
    if corrected is None:
        return
    await chat.notice(_("Put right: {text}").format(text=corrected.text), kind="good")
    if chat.keeper is not None:
        await chat.keeper.look(recount=True)


async def correct_memory(chat: ChatScreen, memory_id: str) -> Memory | None:
    """Let the user write what is right in place of a memory; return the newer version, None where nothing changed."""
    store = chat.services.store
    old = await in_thread(lambda: store.memories.newest(memory_id))
    before = MemoryDraft(old.text, old.kind, old.private)
    draft = await chat.app.push_screen_wait(MemoryEditor(_("What is right?"), before))
    if draft is None or draft == before:
        return None
    new = NewMemory(draft.text, draft.kind, pinned=old.pinned, private=draft.private)
    stored = await in_thread(lambda: store.memories.supersede(old.id, new))
    store.wake()
    return stored


async def _write_beside(chat: ChatScreen, line: SourceLine) -> Memory | None:
    """A document and what was said stay as they are; what is right is remembered, and they no longer answer this."""
    store, source = chat.services.store, line.source
    text = await chat.app.push_screen_wait(
        AskScreen(_("What is right? It is remembered; the source stays as it is"), _("in a sentence"))
    )
    if text is None:
        return None
    stored = await in_thread(lambda: store.remember(NewMemory(text, private=source.private)))
    await _judge(chat, line, dismissed=True)
    return stored


async def _judge(chat: ChatScreen, line: SourceLine, *, dismissed: bool) -> None:
    store, source, answer_id = chat.services.store, line.source, line.answer_id
    assert answer_id is not None
    assert source.number is not None
    number = source.number
    await in_thread(lambda: store.conversations.dismiss(answer_id, number, dismissed=dismissed))
    line.show(replace(source, dismissed=dismissed))


ACTIONS: Final[dict[str, Callable[[ChatScreen, SourceLine], Awaitable[None]]]] = {
    "dismiss": dismiss,
    "correct": correct,
}
