"""The words of an answer as Markdown: citations open their sources, nothing else acts by itself."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from textual.widgets import Markdown

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

    def __init__(self, text: str = "") -> None:
        super().__init__(text or None, parser_factory=parser, open_links=False)

    def trim(self) -> None:
        """Take away the blank line under the last block; a CSS rule for it would slow down every piece of a stream."""
        if self.children:
            last = self.children[-1].styles
            last.margin = (last.margin.top, last.margin.right, 0, last.margin.left)


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
