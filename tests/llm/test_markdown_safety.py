"""Foreign text in Markdown: the same words on the screen, and no effect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.llm.markdown_safety import as_blockquote, escape_block, escape_inline, unescape

# The parser that Textual's Markdown widget uses. Bare addresses are left to it: what they show is where they lead.
PARSER = MarkdownIt("gfm-like").disable("linkify")

HOSTILE = [
    "[click](http://evil.example)",
    "![pixel](http://evil.example/p.png)",
    "[ref]: http://evil.example\n[ref]",
    "<img src=x> <script>alert(1)</script> <http://evil.example>",
    "# Heading\n## Another\nUnder\n====\nUnder\n----",
    "* item\n- item\n+ item\n1. one\n2) two\n12345678901. no list",
    "```\ncode\n```\n~~~\n    indented\n\ttabbed",
    "> quoted\n>> deeper",
    "a\n\nb\n\n\nc",
    "**bold** _em_ __strong__ ~~gone~~ `code`",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "&amp; &#60; &copy; AT&T a&b;c",
    "\\[escaped\\] \\ \\\\",
    "---\n***\n___",
    "- [ ] task [1] [2]",
]


def shown(markdown: str) -> str:
    """Return what a blockquote shows, asserting that it is one blockquote of plain paragraphs."""
    tokens = PARSER.parse(markdown)
    assert [tokens[0].type, tokens[-1].type] == ["blockquote_open", "blockquote_close"]
    kinds = {token.type for token in tokens[1:-1]}
    assert kinds <= {"paragraph_open", "inline", "paragraph_close"}, kinds
    lines = []
    for token in tokens:
        if token.type == "inline":
            assert {child.type for child in token.children or ()} <= {"text", "softbreak", "hardbreak"}
            lines.append("".join(child.content or "\n" for child in token.children or ()))
    return "\n".join(lines)


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_shows_its_exact_words_and_does_nothing(text: str) -> None:
    assert words(shown(as_blockquote(text))) == words(text)


@given(st.text(st.sampled_from(list("ab1 \n\t#*+-=_`~[]()<>!|\\&;:.>{}\"'")), min_size=1).filter(str.strip))
def test_any_text_shows_its_exact_words_and_does_nothing(text: str) -> None:
    assert words(shown(as_blockquote(text))) == words(text)


@given(st.text(st.sampled_from(list("ab1 #*+-=_`~[]()<>!|\\&;:.")), min_size=1).filter(str.strip))
def test_escapes_can_be_undone(text: str) -> None:
    assert unescape(escape_block(text)) == text.strip()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]never ended", "a"),
        ("a\x9b2Jb\x00\x08c", "abc"),
        ("user\u202egnp.exe", "usergnp.exe"),
    ],
)
def test_terminal_escapes_and_reordering_are_taken_out(text: str, kept: str) -> None:
    assert escape_block(text) == kept
    assert escape_inline(text) == kept


def test_other_line_ends_cannot_leave_the_quotation() -> None:
    quoted = as_blockquote("a\r\nb\x0bc\x0cd\x85e\u2028f\u2029g\rh")
    assert all(line.startswith("> ") for line in quoted.split("\n"))
    assert words(shown(quoted)) == list("abcdefgh")


def test_ordinary_words_are_not_touched() -> None:
    text = "The value of snake_case is 3.14 (see a.b), isn't it? 价格是 5 元。 AT&T https://example.com/a?b=c&d=e"
    assert escape_block(text) == text


def test_short_lines_keep_their_breaks_and_wrapped_prose_flows() -> None:
    assert as_blockquote("milk\neggs\n\nend") == "> milk  \n> eggs\n>\n> end"
    prose = "This line of prose was wrapped by its author at about seventy characters\nand goes on here."
    assert "  \n" not in as_blockquote(prose)


def test_a_title_stays_on_one_line() -> None:
    assert escape_inline("a [b](c)\n\n# d") == "a \\[b\\](c) # d"
