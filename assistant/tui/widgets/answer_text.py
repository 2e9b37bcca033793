"""The words of an answer as Markdown: citations open their sources, nothing else acts by itself."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from textual import events
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownBlock

# So many blocks of a part are laid out anew for each frame.
_MOST_BLOCKS: Final = 3
CITATION_SCHEME: Final = "#source-"
_CITATION: Final = re.compile(r"\[(\d{1,3}(?:\s*[,，]\s*\d{1,3})*)\](?![(\[])")


class AnswerText(Markdown):
    """Markdown from a model: HTML is shown as text, links are never opened, `[1]` is a link to source 1."""

    DEFAULT_CSS = """
    AnswerText {
        height: auto;
        padding: 0;
        margin: 0;
        background: transparent;
        MarkdownBlock { link-color: $accent; link-style: bold; }
        MarkdownBlock { link-color-hover: $accent; link-background-hover: $panel; }
        MarkdownH1 { content-align: left middle; color: $primary; text-style: bold; margin: 1 0; }
        MarkdownH2 { color: $primary; text-style: bold; margin: 1 0; }
        MarkdownH3, MarkdownH4, MarkdownH5, MarkdownH6 { color: $primary; text-style: bold; margin: 1 0; }
        MarkdownFence { background: $surface; margin: 1 0; max-height: 40; }
        MarkdownBlockQuote { background: transparent; border-left: outer $panel-lighten-2; margin: 0 0 1 0; }
    }
    """

    def __init__(self, text: str = "", *, is_further: bool = False) -> None:
        """`is_further` says that another part of the same answer stands before it."""
        super().__init__(text or None, parser_factory=parser, open_links=False)
        self._is_further = is_further
        self._folded_at = 0

    def trim(self) -> None:
        """Take away the blank line under the last block; a CSS rule for it would slow down every piece of a stream."""
        if self.children:
            last = self.children[-1].styles
            last.margin = (last.margin.top, last.margin.right, 0, last.margin.left)

    # -- a long answer as it streams in ------------------------------------------------------------------------

    @property
    def is_long(self) -> bool:
        """Whether so much is finished in it that what follows belongs into a part of its own."""
        return len(self.children) > _MOST_BLOCKS

    async def split_off(self) -> str:
        """Take away the last block, which may still grow, and return its source; what is left is finished."""
        last = self.children[-1]
        assert isinstance(last, MarkdownBlock)
        lines = self.source.splitlines(keepends=True)
        begin = last.source_range[0]
        self._markdown = "".join(lines[:begin])
        await last.remove()
        self._join_below()
        return "".join(lines[begin:])

    async def write(self, text: str) -> None:
        """Take a further piece of the stream."""
        await self.append(text)
        self._join_above()

    def _join_above(self) -> None:
        """Make the blank line above the words the part's own: of two parts the wider one counts, as of two blocks."""
        if not self._is_further or not self.children:
            return
        first, own = self.children[0].styles, self.styles.margin
        if first.margin.top:  # it may have become a heading just now
            self.styles.margin = (max(own.top, first.margin.top), 0, own.bottom, 0)
            first.margin = (0, first.margin.right, first.margin.bottom, first.margin.left)

    def _join_below(self) -> None:
        if self.children:
            last, own = self.children[-1].styles, self.styles.margin
            self.styles.margin = (own.top, 0, max(own.bottom, last.margin.bottom), 0)
            self.trim()

    @property
    def is_folded(self) -> bool:
        """Whether it is an empty widget for now, as high as its words are."""
        return self._folded_at > 0

    async def fold(self) -> None:
        """Become one empty widget of the same height: Textual lays out every block of the screen for each frame."""
        self._folded_at = self.size.width
        self.styles.height = self.size.height
        await self.remove_children()

    async def unfold(self) -> None:
        """Show the words again."""
        if self.is_folded:
            self._folded_at = 0
            with self.app.batch_update():
                await self.update(self.source)
                self._join_above()
                self._join_below()
                self.styles.height = "auto"

    async def on_resize(self, event: events.Resize) -> None:
        """Be as high as the words are where there is another width."""
        if self.is_folded and event.size.width != self._folded_at:
            await self.unfold()


def parser() -> MarkdownIt:
    """Return the parser of answers: GFM without HTML, with citations."""
    made = MarkdownIt("gfm-like", {"html": False})
    made.inline.ruler.before("link", "citation", _citation)
    return made


def source_number(href: str) -> int | None:
    """Return the number of the source that a citation's link leads to; None for any other link."""
    number = href.removeprefix(CITATION_SCHEME)
    return int(number) if number != href and number.isdecimal() and len(number) < 4 else None


def _citation(state: StateInline, silent: bool) -> bool:
    """Turn `[1]` and `[2, 3]` into links to their sources."""
    if state.src[state.pos] != "[":
        return False
    match = _CITATION.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        for number in re.findall(r"\d+", match.group(1)):
            opening = state.push("link_open", "a", 1)
            opening.attrs = {"href": f"{CITATION_SCHEME}{int(number)}"}
            state.push("text", "", 0).content = f"[{int(number)}]"
            state.push("link_close", "a", -1)
    state.pos = match.end()
    return True
