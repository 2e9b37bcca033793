"""The memory screen: everything that is remembered, to be read, corrected, marked, added to and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from assistant.core.conversation.skin import MemoryChanged
from assistant.display import day, excerpt, moment, plain
from assistant.language import N_, NN_, _
from assistant.threads import in_thread
from assistant.tui.actions import MEMORY_ACTIONS, bindings_of
from assistant.tui.memory_filters import FILTERS, lets_through
from assistant.tui.screens.browser import Browser, facts
from assistant.tui.screens.memory_editor import MemoryDraft, MemoryEditor
from assistant.tui.sources import SourceView, author_name, of_memory_sources
from assistant.tui.widgets.filter_line import FilterLine
from memory_store import NewMemory, Store
from memory_store.errors import NotFoundError
from memory_store.models import Memory, Selection

_EXCERPT_CHARS: Final = 400


class MemoryScreen(Browser[Memory, None]):
    """All memories, the latest first; the filters narrow them by kind, author and marks."""

    TITLE = N_("Memories")
    NOUNS = NN_("{count} memory", "{count} memories")
    EMPTY = N_("Nothing is remembered yet. Press a to write down the first memory.")
    ACTIONS = MEMORY_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(MEMORY_ACTIONS),
        *(Binding(f"{number}", f"turn({number - 1})", show=False) for number in range(1, len(FILTERS) + 1)),
    ]

    def on_mount(self) -> None:
        """Offer the filters."""
        self.query_one(FilterLine).offer(FILTERS)

    def read(self, store: Store) -> Sequence[Memory]:
        """Return every memory, superseded ones too."""
        return store.memories.all(include_superseded=True)

    def identity(self, item: Memory) -> str:
        """Return its id."""
        return item.id

    def words(self, item: Memory) -> str:
        """Return its text."""
        return item.text

    def line(self, item: Memory) -> Content:
        """Return its beginning, and what it is."""
        style = "$foreground-muted" if item.superseded_by else "$foreground"
        marks = "".join(f" · {mark}" for mark in _marks(item))
        return Content.assemble(
            (excerpt(item.text, _EXCERPT_CHARS), style),
            (f"\n{day(item.recorded_at)} · {_(item.kind.value)}", "$foreground-muted"),
            (marks, "$accent"),
            (f" · {author_name(item.author)}", "$foreground-muted"),
        )

    def detail(self, item: Memory) -> Content:
        """Return its whole text with what is known of it."""
        known = [
            (_("Kind"), _(item.kind.value)),
            (_("Author"), author_name(item.author)),
            (_("Marks"), ", ".join(_marks(item)) or _("none")),
            (_("Recorded"), moment(item.recorded_at)),
            (_("True"), _validity(item)),
        ]
        return Content.assemble(plain(item.text), "\n\n", facts(known))

    def fits(self, item: Memory) -> bool:
        """Say whether every filter lets it through."""
        return lets_through(item, self.query_one(FilterLine).choice)

    async def look_up(self, item: Memory) -> None:
        """Fetch where it is from, and its versions."""
        store = self.store
        try:
            background = await in_thread(lambda: _background(store, item))
        except NotFoundError:
            return  # forgotten meanwhile, by another window: the list is read again with the next action
        await self.add_detail(item, background.sources, _timeline(background.versions, item))

    def action_turn(self, number: int) -> None:
        """Move a filter on."""
        self.query_one(FilterLine).turn(number)

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self.narrow()

    # -- actions -----------------------------------------------------------------------------------------------

    async def do_add(self) -> None:
        """Write down a new memory."""
        draft = await self.app.push_screen_wait(MemoryEditor(_("A new memory")))
        if draft is None:
            return
        store = self.store
        stored = await in_thread(lambda: store.remember(NewMemory(draft.text, draft.kind, private=draft.private)))
        await self._changed(stored, _("Remembered."))

    async def do_edit(self) -> None:
        """Write a newer version."""
        old = self.chosen
        if old is None:
            return
        if old.superseded_by is not None:
            self.say(_("This is an earlier version."), _("Edit the newest one instead; its history lists this one."))
            return
        draft = await self.app.push_screen_wait(
            MemoryEditor(_("A newer version"), MemoryDraft(old.text, old.kind, old.private))
        )
        if draft is None or draft == MemoryDraft(old.text, old.kind, old.private):
            return
        store = self.store
        new = NewMemory(draft.text, draft.kind, pinned=old.pinned, private=draft.private)
        stored = await in_thread(lambda: store.memories.supersede(old.id, new))
        store.wake()
        await self._changed(stored, _("Kept as a newer version."))

    async def do_pin(self) -> None:
        """Pin or unpin it."""
        old = self.chosen
        if old is None:
            return
        if old.superseded_by is not None:
            self.say(_("This is an earlier version."), _("Pin the newest one instead."))
            return
        store = self.store
        stored = await in_thread(lambda: store.memories.mark(old.id, pinned=not old.pinned))
        await self._changed(stored, _("Pinned: every answer knows it.") if stored.pinned else _("No longer pinned."))

    async def do_private(self) -> None:
        """Make it private, or public again."""
        old, store = self.chosen, self.store
        if old is None:
            return
        stored = await in_thread(lambda: store.memories.mark(old.id, private=not old.private))
        told = _("Private: never sent to another machine.") if stored.private else _("No longer private.")
        await self._changed(stored, told)

    async def do_forget(self) -> None:
        """Erase it, after asking."""
        if self.chosen is not None:
            await self.erase(Selection((self.chosen.id,)))

    async def _changed(self, memory: Memory, told: str) -> None:
        self.say(told, kind="good")
        self.reload(memory.id)
        await self.controller.skin.show(MemoryChanged())


@dataclass(frozen=True, slots=True)
class _Background:
    sources: list[SourceView]
    versions: list[Memory]


def _background(store: Store, item: Memory) -> _Background:
    """Return what a memory and its earlier versions were made from, and all its versions, the newest first."""
    newer: list[Memory] = []
    at = item
    while at.superseded_by is not None:
        at = store.memories.get(at.superseded_by)
        newer.insert(0, at)
    earlier = store.memories.get_earlier(item.id)
    ids = dict.fromkeys(source for memory in (item, *earlier) for source in memory.sources)
    return _Background(of_memory_sources(store, tuple(ids)), [*newer, item, *earlier])


def _timeline(versions: Sequence[Memory], item: Memory) -> list[Static]:
    """Return the versions of a memory under each other: when each was written, by whom, when it was superseded."""
    if len(versions) == 1:
        return []
    lines = [Static(_("History"), classes="detail--title")]
    for number, memory in enumerate(versions):
        here = memory.id == item.id
        until = (
            _("superseded {when}").format(when=moment(versions[number - 1].recorded_at)) if number else _("the newest")
        )
        about = f"{moment(memory.recorded_at)} · {author_name(memory.author)} · {until}"
        sign = ("● " if here else "○ ", "$accent")
        lines.append(Static(Content.assemble(sign, (about, "$foreground-muted"))))
        text = Content.styled(excerpt(memory.text, _EXCERPT_CHARS), "$foreground" if here else "$foreground-muted")
        lines.append(Static(text, classes="detail--inner"))
    return lines


def _marks(memory: Memory) -> list[str]:
    marks = (("pinned", memory.pinned), ("private", memory.private), ("superseded", memory.superseded_by is not None))
    return [_(name) for name, is_set in marks if is_set]


def _validity(memory: Memory) -> str:
    since = _("since {day}").format(day=day(memory.valid_from)) if memory.valid_from else ""
    until = _("until {day}").format(day=day(memory.valid_to)) if memory.valid_to else ""
    return " ".join(text for text in (since, until) if text)
