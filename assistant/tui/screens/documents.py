"""The documents screen: everything that was imported, how its file stands now, to be read, renewed and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from assistant.core.conversation.controller import Controller
from assistant.display import day, moment, path_end, plain
from assistant.ingestion.on_disk import OnDisk, importable, on_disk
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from assistant.tui.actions import DOCUMENT_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser, facts
from assistant.tui.screens.document import DocumentScreen
from assistant.tui.sources import author_name
from assistant.tui.widgets.filter_line import Filter, FilterLine
from memory_store import Store
from memory_store.models import AuthorKind, Document, Selection

_READ: Final = Filter("read", (N_("read whole or not"), N_("with something missing"), N_("read whole")))
_MOST_SHOWN: Final = 50
_PATH_CHARS: Final = 44


class DocumentsScreen(Browser[Document, None]):
    """All documents by their path. Their files are looked at beside the screen, the highlighted one thoroughly."""

    TITLE = N_("Documents")
    NOUNS = NN_("{count} document", "{count} documents")
    EMPTY = N_("Nothing was imported yet. /import PATH in the chat does it.")
    ACTIONS = DOCUMENT_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(DOCUMENT_ACTIONS), Binding("1", "turn", show=False)]

    def __init__(self, controller: Controller, query: str = "") -> None:
        super().__init__(controller, query)
        self.states: dict[str, OnDisk] = {}

    def on_mount(self) -> None:
        """Offer the filter."""
        self.query_one(FilterLine).offer([_READ])

    def read(self, store: Store) -> Sequence[Document]:
        """Return every document."""
        return store.documents.all()

    def identity(self, item: Document) -> str:
        """Return its path, which stays when the file is imported again."""
        return item.path

    def words(self, item: Document) -> str:
        """Return its title and path."""
        return f"{item.title} {item.path}"

    def line(self, item: Document) -> Content:
        """Return its title, and how much of it there is since when."""
        noun = "passage" if item.passage_count == 1 else "passages"
        about = f"{day(item.imported_at)} · {item.passage_count:,} {noun}"
        marks = "".join(f" · {mark}" for mark in self._marks(item))
        return Content.assemble(
            plain(item.title, one_line=True) or _("Untitled"),
            ("\n" + about, "$foreground-muted"),
            (marks, "$accent"),
            (f" · {path_end(item.path, _PATH_CHARS)}", "$foreground-muted"),
        )

    def detail(self, item: Document) -> Content:
        """Return what is known of it."""
        named = item.author.kind is not AuthorKind.DOCUMENT or item.author.name
        known = [
            (_("Path"), plain(item.path, one_line=True)),
            (_("File"), self.states[item.path].value if item.path in self.states else "looking…"),
            (_("Marks"), "private" if item.private else "none"),
            (_("Missing"), _missing(item)),
            (_("Passages"), f"{item.passage_count:,}"),
            (_("Author"), author_name(item.author) if named else ""),
            (_("Written"), moment(item.created_at)),
            (_("Imported"), moment(item.imported_at)),
            (_("Type"), plain(item.media_type, one_line=True)),
            (_("Size"), _("{size_bytes:,} bytes").format(size_bytes=item.size_bytes)),
        ]
        return Content.assemble((plain(item.title, one_line=True) or _("Untitled"), "bold"), "\n\n", facts(known))

    async def after_reading(self, items: Sequence[Document]) -> None:
        """Look at every file, a few at a time, and mark those that are not as they were."""
        self.states.clear()
        for start in range(0, len(items), 100):
            some = items[start : start + 100]
            found = await in_thread(lambda some=some: {item.path: on_disk(item, thorough=False) for item in some})  # type: ignore[misc]
            self.states = {**found, **self.states}
            self.redraw()

    async def look_up(self, item: Document) -> None:
        """Compare the whole file, and say what of it could not be read."""
        self.states[item.path] = await in_thread(lambda: on_disk(item))
        self.redraw()
        await self.add_detail(item, more=_left_out(item))

    def fits(self, item: Document) -> bool:
        """Say whether it is one of those that the filter asks for."""
        return (True, bool(item.left_out), not item.left_out)[self.query_one(FilterLine).choice(_READ.name)]

    def action_turn(self) -> None:
        """Move the filter on."""
        self.query_one(FilterLine).turn(0)

    @on(FilterLine.Changed)
    def _filtered(self) -> None:
        self.narrow()

    def _marks(self, item: Document) -> list[str]:
        state = self.states.get(item.path)
        marks = [text for text in (_("private") if item.private else "", _missing(item)) if text]
        return [*marks, state.value] if state in (OnDisk.CHANGED, OnDisk.MISSING) else marks

    # -- actions -----------------------------------------------------------------------------------------------

    async def do_open(self) -> None:
        """Read it."""
        if self.chosen is not None:
            await self.app.push_screen(DocumentScreen(self.store, self.chosen))

    async def do_again(self) -> None:
        """Import it again, with its progress at the bottom."""
        item = self.chosen
        if item is None:
            return
        told = await self.controller.imports.bring_in([importable(item)], self.say, private=item.private)
        self.say(told.text, told.hint, told.kind)
        await self.controller.skin.tell(told)
        self.reload(item.path)

    async def do_private(self) -> None:
        """Make it private, or public again."""
        item, store = self.chosen, self.store
        if item is None:
            return
        await in_thread(lambda: store.documents.set_private(item.id, not item.private))
        self.say(_("No longer private.") if item.private else _("Private: never sent to another machine."), kind="good")
        self.reload(item.path)

    async def do_forget(self) -> None:
        """Erase it, after asking."""
        if self.chosen is not None:
            await self.erase(Selection((self.chosen.id,)))


def _missing(item: Document) -> str:
    """Say how many parts of its file could not be read; nothing where all of it was."""
    return plural("{count} part missing", "{count} parts missing", len(item.left_out)) if item.left_out else ""


def _left_out(item: Document) -> list[Static]:
    """Return the parts of its file that could not be read, under each other."""
    lines = [Static(_("Not read"), classes="detail--title")] if item.left_out else []
    shown = [plain(part.in_words(), one_line=True) for part in item.left_out[:_MOST_SHOWN]]
    lines += [Static(text, classes="detail--inner", markup=False) for text in shown]
    hidden = len(item.left_out) - _MOST_SHOWN
    return [*lines, Static(_("… and {hidden:,} more").format(hidden=hidden))] if hidden > 0 else lines
