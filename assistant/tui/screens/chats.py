"""The chats screen: the earlier conversations, to be found, gone on with, renamed, written to a file, forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, Static

from assistant.core.conversation.branches import branch_of
from assistant.core.conversation.commands import absolute_path
from assistant.core.conversation.export import write_conversation
from assistant.display import excerpt, moment, plain
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from assistant.tui.actions import CHAT_ACTIONS, bindings_of
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.browser import Browser, facts
from assistant.tui.sources import author_name
from assistant.tui.widgets.filter_line import Filter, FilterLine
from memory_store import Store
from memory_store.models import Conversation, Message, Selection, SourceKind

_LATEST: Final = 6
_SHOWN: Final = (N_("chats"), N_("put away"), N_("all"))
_AWAY, _ALL = 1, 2
_EXCERPT_CHARS: Final = 400


class ChatsScreen(Browser[Conversation, str]):
    """Every conversation, the latest first. Returns the id of the one to go on with; None if it was left."""

    TITLE = N_("Chats")
    NOUNS = NN_("{count} chat", "{count} chats")
    EMPTY = N_("There is no earlier chat yet.")
    ACTIONS = CHAT_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(CHAT_ACTIONS)

    def on_mount(self) -> None:
        """Offer what to show."""
        self.query_one(FilterLine).offer([Filter("shown", _SHOWN)])

    def fits(self, item: Conversation) -> bool:
        """Say whether it is among those that are shown."""
        shown = self.query_one(FilterLine).choice("shown")
        return shown == _ALL or item.archived == (shown == _AWAY)

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self.narrow()

    def read(self, store: Store) -> Sequence[Conversation]:
        """Return every conversation."""
        return store.conversations.all()

    def identity(self, item: Conversation) -> str:
        """Return its id."""
        return item.id

    def words(self, item: Conversation) -> str:
        """Return its title."""
        return item.title

    def line(self, item: Conversation) -> Content:
        """Return its title, when it was, how long it is."""
        marks = "".join(f" · {mark}" for mark in _marks(item))
        about = f"{moment(item.updated_at)} · {_messages(item)}"
        return Content.assemble(_title(item), ("\n" + about, "$foreground-muted"), (marks, "$accent"))

    def detail(self, item: Conversation) -> Content:
        """Return what is known of it."""
        known = [
            (_("Begun"), moment(item.created_at)),
            (_("Latest"), moment(item.updated_at)),
            (_("Length"), _messages(item)),
            (_("Marks"), ", ".join(_marks(item)) or _("none")),
        ]
        return Content.assemble((_title(item), "bold"), "\n\n", facts(known))

    async def look_up(self, item: Conversation) -> None:
        """Fetch the latest messages."""
        store = self.store
        messages = await in_thread(lambda: store.conversations.messages(item.id))
        latest = branch_of(messages, item.current_message_id)[-_LATEST:]
        shown = [Static(_("The latest messages"), classes="detail--title")]
        await self.add_detail(item, more=[*shown, *(said for message in latest for said in _said(message))])

    @on(Input.Changed, "#search")
    def _look_inside(self, event: Input.Changed) -> None:
        """Find the chats in which the words were said, beside the screen."""
        self.beside(partial(self._find, event.value), "inside")

    async def _find(self, words: str) -> None:
        store = self.store
        found = await in_thread(lambda: store.find_holding(words)) if words.strip() else []
        self.found_inside = frozenset(
            passage.source.id for passage in found if passage.source.kind is SourceKind.CONVERSATION
        )
        self.narrow()

    # -- actions -----------------------------------------------------------------------------------------------

    async def do_resume(self) -> None:
        """Go on with it."""
        if self.chosen is not None:
            self.dismiss(self.chosen.id)

    async def do_rename(self) -> None:
        """Give it another title."""
        item = self.chosen
        if item is None:
            return
        title = await self.app.push_screen_wait(AskScreen(_("Its title"), _("a few words"), _title(item)))
        if title is None or title == item.title:
            return
        await self.controller.rename(item.id, title)
        self.say(_("Renamed."), kind="good")
        self.reload(item.id)

    async def do_export(self) -> None:
        """Write it to a file."""
        item, store = self.chosen, self.store
        if item is None:
            return
        asked = AskScreen(_("Write this chat to which file?"), _("chat.md, chat.html or chat.json"))
        named = await self.app.push_screen_wait(asked)
        if named is None:
            return
        path = absolute_path(named)
        if await in_thread(path.exists) and not await self.controller.skin.replaces(str(path)):
            return
        await in_thread(lambda: write_conversation(store, item.id, path))
        self.say(
            _("Written to {path}.").format(path=path),
            _("It is not encrypted, and forgetting does not reach it."),
            "good",
        )

    async def do_private(self) -> None:
        """Make it private, or public again."""
        item = self.chosen
        if item is not None:
            await self.controller.mark(item.id, private=not item.private)
            self.reload(item.id)
            self.say(
                _("Public again; its answers stay private, as they may repeat what is.")
                if item.private
                else _("Private: nothing of it is sent to another machine."),
                kind="good",
            )

    async def do_archive(self) -> None:
        """Put it away, or take it out again."""
        item = self.chosen
        if item is not None:
            await self.controller.mark(item.id, archived=not item.archived)
            self.reload(item.id)
            self.say(_("Taken out again.") if item.archived else _("Put away; 1 shows what was."), kind="good")

    async def do_shown(self) -> None:
        """Show others."""
        self.query_one(FilterLine).turn(0)

    async def do_forget(self) -> None:
        """Erase it, after asking."""
        if self.chosen is not None:
            await self.erase(Selection((self.chosen.id,)))


def _said(message: Message) -> list[Static]:
    who = Content.styled(f"{author_name(message.author)} · {moment(message.created_at)}", "$foreground-muted")
    return [Static(who), Static(Content(excerpt(message.text, _EXCERPT_CHARS)), classes="detail--inner")]


def _marks(conversation: Conversation) -> list[str]:
    marks = ((_("private"), conversation.private), (_("put away"), conversation.archived))
    return [name for name, is_set in marks if is_set]


def _title(conversation: Conversation) -> str:
    return plain(conversation.title, one_line=True) or _("Untitled")


def _messages(conversation: Conversation) -> str:
    return plural("{count} message", "{count} messages", conversation.message_count)
