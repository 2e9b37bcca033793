"""The line at the bottom: who answers, what is held, how full the context is, what works in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.widgets import Static

from assistant.language import _, plural


@dataclass(frozen=True, slots=True)
class Status:
    """What the line shows. An empty text or None leaves its part out; `activity` is shown before all else."""

    model: str = ""
    where: str = ""
    documents: int | None = None
    memories: int | None = None
    context_tokens: int | None = None
    context_limit: int | None = None
    waiting: int = 0
    activity: str = ""
    index: str = ""
    problem: str = ""


class StatusLine(Static):
    """One line; the less important parts give way where it is narrow."""

    DEFAULT_CSS = """
    StatusLine { height: 1; width: 1fr; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; }
    """

    def __init__(self, text: str, id: str | None = None) -> None:
        super().__init__(Content(text), id=id, markup=False)
        self._status: Status | None = None
        self._keys: Sequence[Content] = ()

    @property
    def status(self) -> Status | None:
        """What is shown now; None before the memory is open."""
        return self._status

    def show(self, status: Status) -> None:
        """Show another status."""
        if status != self._status:
            self._status = status
            self._draw()

    def show_keys(self, keys: Sequence[Content]) -> None:
        """Show what the keys do now in place of the status; with none, the status again."""
        if keys or self._keys:
            self._keys = keys
            self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the parts into the new width."""
        self._draw()

    def _draw(self) -> None:
        if self._keys:
            self.update(fitted_keys(self._keys, self.size.width))
        elif self._status is not None:
            self.update(fitted(parts(self._status), self.size.width - 4))


def parts(status: Status) -> list[tuple[int, str, str]]:
    """Return the parts in their order on the screen: how soon each gives way (0 never), its text, its style."""
    found: list[tuple[int, str, str]] = []
    if status.problem:
        found.append((0, status.problem, "$error"))
    if status.activity:
        found.append((0, status.activity, "$accent"))
    if status.model:
        found.append((1, f"{status.model} · {status.where}" if status.where else status.model, "$secondary"))
    if status.waiting:
        waits = plural("{count} passage waits for vectors", "{count} passages wait for vectors", status.waiting)
        found.append((2, waits, "$accent"))
    if status.documents is not None and status.memories is not None:
        documents = plural("{count} document", "{count} documents", status.documents)
        memories = plural("{count} memory", "{count} memories", status.memories)
        found.append((4, f"{documents}, {memories}", ""))
    if status.context_tokens is not None and status.context_limit:
        share = round(100 * status.context_tokens / status.context_limit)
        found.append(
            (3, _("context {share}% of {context_limit:,}").format(share=share, context_limit=status.context_limit), "")
        )
    if status.index:
        found.append((5, status.index, ""))
    found.append((6, _("F1 help"), ""))
    return found


def fitted(found: list[tuple[int, str, str]], width: int) -> Content:
    """Join the parts, leaving out the ones that give way first until they fit into so many cells."""
    kept = list(found)
    while True:
        pieces = [Content.styled(text, style) if style else Content(text) for _, text, style in kept]
        line = Content("   ").join(pieces)
        yielding = max((pair[0] for pair in kept), default=0)
        if line.cell_length <= max(width, 1) or yielding == 0:
            return line
        kept = [pair for pair in kept if pair[0] != yielding]


def fitted_keys(keys: Sequence[Content], width: int) -> Content:
    """Join what the keys do, closer where it is narrow, leaving out the last ones until the rest fits."""
    for count in range(len(keys), 0, -1):
        for gap in ("   ", "  ", " "):
            line = Content(gap).join(keys[:count])
            if line.cell_length <= width:
                return line
    return keys[0]
