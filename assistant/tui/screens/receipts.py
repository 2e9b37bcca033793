"""The receipts screen: every erasure, and the readable receipt of the highlighted one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from assistant.display import moment, plain
from assistant.language import N_, NN_, _
from assistant.tui.actions import LOOKING_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser, facts
from assistant.tui.terms import counted
from memory_store import Store, receipts
from memory_store.models import Erasure


class ReceiptsScreen(Browser[Erasure, None]):
    """All erasures, the latest first."""

    TITLE = N_("Receipts")
    NOUNS = NN_("{count} erasure", "{count} erasures")
    EMPTY = N_("Nothing was erased yet, or no trace of it was kept.")
    ACTIONS = LOOKING_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(LOOKING_ACTIONS)

    def read(self, store: Store) -> Sequence[Erasure]:
        """Return every erasure."""
        return store.erasures()

    def identity(self, item: Erasure) -> str:
        """Return its id."""
        return item.id

    def words(self, item: Erasure) -> str:
        """Return what can be known of it: its id, its day, how much it took."""
        return f"{item.id} {moment(item.requested_at)} {counted(item.counts)} {_state(item)}"

    def line(self, item: Erasure) -> Content:
        """Return how much it took, when, and how it ended."""
        when = (f"\n{moment(item.requested_at)} · ", "$foreground-muted")
        colour = "$success" if item.completed_at else "$warning"
        return Content.assemble(
            counted(item.counts), when, (_state(item), colour), (f" · {item.id}", "$foreground-muted")
        )

    def detail(self, item: Erasure) -> Content:
        """Return its receipt; before there is one, what is known."""
        if item.receipt is not None:
            return Content(plain(receipts.format_receipt(receipts.parse_receipt(item.receipt))))
        known = [
            (_("Erasure"), item.id),
            (_("Asked for"), moment(item.requested_at)),
            (_("Took"), counted(item.counts)),
            (_("State"), _state(item)),
        ]
        return Content.assemble(facts(known), "\n\n" + _("The receipt is written when it is complete."))


def _state(erasure: Erasure) -> str:
    if erasure.completed_at is not None:
        return _("nothing left")
    if erasure.receipt is not None:
        return _("something left")
    return _("put off") if erasure.deferred else _("not complete")
