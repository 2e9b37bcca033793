r"""Keeps foreign text from acting as Markdown while the words that a reader sees stay exactly the same.

The way is CommonMark's own backslash escape (spec 0.31, section 2.4): rendered, `\[a\](b)` reads `[a](b)` and is no
link. A code block would not need it, but it does not wrap, and prose in it can't be read in a terminal. Only what
could act is escaped, so words in the stored answer stay whole for full text: `snake_case` and `a.b` are not touched.
"""

from __future__ import annotations

import re
import unicodedata

# Terminal control sequences: CSI (ESC [ … letter), OSC and other strings (ESC ] … BEL or ST), and two-character ones.
_TERMINAL = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|\Z)|\x1b[ -/]*[0-~]", re.S)
# Characters that reorder what is shown, so that text reads other than it is.
_REORDERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])
# Anywhere: code, emphasis, links and images, HTML and autolinks, tables, strikethrough; an underscore between two
# letters is no emphasis; an ampersand only starts a character reference.
_ACTIVE = re.compile(r"[\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
# At the start of a line: headings, lists, rules and underlines of headings.
_LINE_START = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)](?:\s|$)))", re.MULTILINE)
_WRAPPED_LINE = 60
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def escape_block(text: str) -> str:
    """Return text of several lines such that Markdown renders the same characters and nothing else."""
    return "\n".join(_escape_line(line) for line in _without_controls(text).split("\n"))


def escape_inline(text: str) -> str:
    """Return text as one line that can stand inside a line of Markdown."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(_without_controls(text).split()))


def as_blockquote(text: str) -> str:
    """Return text as a blockquote that nothing in it can end: every line carries its own mark, empty ones too.

    Lines shorter than a wrapped line of prose keep their break (two spaces at the end), as in lists and addresses.
    """
    lines = escape_block(text).split("\n")
    following = [*lines[1:], ""]
    return "\n".join(
        f"> {line}{'  ' if after and len(line) < _WRAPPED_LINE else ''}" if line else ">"
        for line, after in zip(lines, following, strict=True)
    )


def unescape(markdown: str) -> str:
    """Undo the escapes, for output that is not rendered."""
    return _ESCAPED.sub(r"\1", markdown)


def _escape_line(line: str) -> str:
    escaped = _ACTIVE.sub(r"\\\g<0>", line.strip())  # Indented by four spaces it would become code.
    return _LINE_START.sub(_escape_start, escaped)


def _escape_start(match: re.Match[str]) -> str:
    space, mark = match.groups()
    # A number is no punctuation and can't be escaped; the dot or bracket after it can.
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"


def _without_controls(text: str) -> str:
    lines = "\n".join(_TERMINAL.sub("", text).splitlines()).expandtabs(4).translate(_REORDERING)
    return "".join(c for c in lines if c == "\n" or unicodedata.category(c) != "Cc")
