"""A list of any length, of which only what is in view is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

T = TypeVar("T")
_LINES: Final = 2


class ItemList(ScrollView, Generic[T], can_focus=True):
    """Items of two lines each, one of them highlighted. `draw` gives an item's lines; too long ones are cut."""

    DEFAULT_CSS = """
    ItemList {
        background: $background;
        overflow-x: hidden;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        & > .item-list--highlighted { background: $panel; }
        &:focus > .item-list--highlighted { background: $marked; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"item-list--item", "item-list--highlighted"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "go(0)", "First", show=False),
        Binding("end", "go(-1)", "Last", show=False),
        Binding("enter", "take", "Take", show=False),
    ]

    @dataclass
    class Moved(Message):
        """Another item is highlighted, or none."""

    @dataclass
    class Taken(Message):
        """The highlighted item was chosen."""

    def __init__(self, draw: Callable[[T], Content], id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._items: Sequence[T] = ()
        self._at = -1
        self._drawn: dict[tuple[int, bool], list[Strip]] = {}

    @property
    def items(self) -> Sequence[T]:
        """What is listed."""
        return self._items

    @property
    def highlighted(self) -> T | None:
        """The item that is highlighted; None where the list is empty."""
        return self._items[self._at] if 0 <= self._at < len(self._items) else None

    def show(self, items: Sequence[T], at: int = 0) -> None:
        """List other items and highlight one of them."""
        self._items = items
        self._at = max(0, min(at, len(items) - 1)) if items else -1
        self._lay_out()
        self.scroll_to_highlighted()
        self.post_message(self.Moved())

    def redraw(self) -> None:
        """Draw the same items again."""
        self._drawn.clear()
        self.refresh()

    def scroll_to_highlighted(self) -> None:
        """Bring the highlighted item into view."""
        if self._at >= 0:
            region = Region(0, self._at * _LINES, max(self.size.width, 1), _LINES)
            self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def action_move(self, step: int) -> None:
        """Highlight the item so many further."""
        self._go(self._at + step)

    def action_page(self, direction: int) -> None:
        """Highlight the item a page further."""
        self._go(self._at + direction * max(1, self.size.height // _LINES))

    def action_go(self, index: int) -> None:
        """Highlight the item of this number, from the end where it is negative."""
        self._go(index if index >= 0 else len(self._items) + index)

    def action_take(self) -> None:
        """Choose the highlighted item."""
        if self.highlighted is not None:
            self.post_message(self.Taken())

    def on_click(self, event: events.Click) -> None:
        """Highlight what was clicked; choose it with a double click."""
        index = int(event.y + self.scroll_offset.y) // _LINES
        if index < len(self._items):
            self._go(index)
            if event.chain == 2:
                self.action_take()

    def on_resize(self, event: events.Resize) -> None:
        """Cut the lines anew."""
        self._lay_out()
        self.scroll_to_highlighted()

    def notify_style_update(self) -> None:
        """Draw everything anew in other colours."""
        self._drawn.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Return one line of what is in view."""
        index, line = divmod(int(y + self.scroll_offset.y), _LINES)
        width = self.scrollable_content_region.width
        if index >= len(self._items):
            return Strip.blank(width, self.rich_style)
        return self._strips(index, width)[line]

    def _strips(self, index: int, width: int) -> list[Strip]:
        key = (index, self.has_focus) if index == self._at else (index, False)
        if key not in self._drawn:
            names = ("item-list--item", *(("item-list--highlighted",) if index == self._at else ()))
            style = self.get_visual_style(*names)
            content, inner = self._draw(self._items[index]), max(width - 2, 1)
            strips = Visual.to_strips(self, content, inner, _LINES, style, apply_selection=False)
            edge, blank = Strip.blank(1, style.rich_style), Strip.blank(width, style.rich_style)
            self._drawn[key] = [
                *(
                    Strip.join([edge, strip.adjust_cell_length(max(width - 2, 1), style.rich_style), edge])
                    for strip in strips
                ),
                *[blank] * (_LINES - len(strips)),
            ]
        return self._drawn[key]

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._items) - 1))
        if not self._items or index == self._at:
            return
        for number in (self._at, index):
            for focused in (False, True):
                self._drawn.pop((number, focused), None)
        self._at = index
        self.scroll_to_highlighted()
        self.refresh()
        self.post_message(self.Moved())

    def _lay_out(self) -> None:
        self._drawn.clear()
        self.virtual_size = Size(max(self.scrollable_content_region.width, 1), len(self._items) * _LINES)
        self.refresh()
