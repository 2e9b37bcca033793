"""Reads TeX and LaTeX as the text that it sets: accents as letters, commands passed over, formulas as they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from assistant.ingestion.base import Block, BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_words
from assistant.ingestion.readers.encodings import first_lines
from assistant.ingestion.readers.paragraphs import Line, Outline, lines_block, numbered_lines, paragraphs
from assistant.ingestion.readers.tables import Row, table_lines
from memory_store.models import Locator

_LEVELS: Final = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6}
_SECTION: Final = re.compile(
    r"[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?(?:\[[^\[\]]{0,200}\])?"
    r"\{((?:[^{}]|\{[^{}]{0,200}\}){0,300})\}[ \t]*"
    r"(?:\\label\{[^{}]{0,100}\})?[ \t]*(.*)"
)
_ABOUT: Final = re.compile(r"\\(title|author|date)\s*(?:\[[^\[\]]{0,200}\])?\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}")
_VERBATIM: Final = re.compile(r"[ \t]*\\begin\{(verbatim|lstlisting|minted|Verbatim)\*?\}.*")
_COMMENT: Final = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_MATH: Final = re.compile(r"\$\$[^$]{1,2000}\$\$|\$[^$]{1,1000}\$|\\\([^()]{0,1000}\\\)|\\\[.{0,1000}?\\\]")
_ACCENT: Final = re.compile(
    r"\\([\"'`^~=.])\s*(?:\{\s*(\\?[a-zA-Z]|)\s*\}|(\\[ij](?![a-zA-Z])|[a-zA-Z]))|"
    r"\\([cvHurkdb])(?:\s*\{\s*(\\?[a-zA-Z])\s*\}|\s+([a-zA-Z]))"
)
_COMBINING: Final = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "H": "\u030b", "u": "\u0306", "r": "\u030a", "k": "\u0328", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_LETTERS: Final = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dots": "…", "ldots": "…", "textellipsis": "…", "S": "§", "P": "¶", "copyright": "©",
    "pounds": "£", "euro": "€", "texteuro": "€", "EUR": "€", "textdegree": "°", "degree": "°", "textendash": "–",
    "textemdash": "—",
    "LaTeX": "LaTeX", "TeX": "TeX", "item": "- ", "quad": " ", "qquad": " ", "newline": "\n", "textbackslash": "\\",
    "textasciitilde": "~",
    "guillemotleft": "«", "guillemotright": "»", "glqq": "„", "grqq": "“", "par": "\n",
}  # fmt: skip
_LINK: Final = re.compile(r"\\href\{([^{}]{1,2000})\}\{([^{}]{0,500})\}")
_FOOTNOTE: Final = re.compile(r"\\(?:footnote|thanks)\{((?:[^{}]|\{[^{}]{0,200}\}){0,500})\}")
_SILENT: Final = re.compile(
    r"\\(?:label|vspace|hspace|includegraphics|bibliographystyle|bibliography|input|include|pagestyle|thispagestyle|"
    r"setlength|addtolength|usepackage|documentclass|newcommand|renewcommand|begin|end|cline|definecolor|color|"
    r"maketitle|tableofcontents|noindent|centering|hline|toprule|midrule|bottomrule)(?![a-zA-Z])\*?"
    r"(?:\[[^\[\]]{0,300}\]|\{[^{}]{0,300}\}){0,6}"
)
_CITED: Final = re.compile(
    r"\\(?:cite[a-zA-Z]*|ref|eqref|autoref|cref|pageref)\*?(?:\[[^\[\]]{0,200}\]){0,2}\{([^{}]{0,300})\}"
)
_COMMAND: Final = re.compile(r"\\([a-zA-Z]+)\*?(?:\[[^\[\]]{0,300}\])?[ \t]?")
_PLAIN: Final = (
    ("\\\\", "\n"), ("~", " "), ("``", "“"), ("''", "”"), ("---", "—"), ("--", "–"), ("\\,", " "), ("\\;", " "),
    ("\\:", " "), ("\\!", ""), ("\\ ", " "), ("\\-", ""), ("\\/", ""), ("\\@", ""),
)  # fmt: skip
_TABULAR: Final = re.compile(r"\\begin\{(tabular[xy]?\*?|longtable|tabu)\}(.{0,20000}?)\\end\{\1\}", re.DOTALL)
_COLUMNS: Final = re.compile(r"\s*(?:\[[^\[\]]{0,100}\]|\{(?:[^{}]|\{[^{}]{0,200}\}){0,300}\}){0,3}")
_ROW_ENDS: Final = re.compile(r"\\\\(?:\[[^\[\]]{0,30}\])?|\\tabularnewline(?![a-zA-Z])")
_RULE: Final = re.compile(r"\s*\\(?:hline|toprule|midrule|bottomrule|c(?:mid)?(?:line|rule)(?:\([a-z]*\))?\{[-\d]*\})")
_ESCAPED: Final = re.compile(r"\\([%&_#$])")
_HEAD_LINES: Final = 400
_KEPT: Final = "\ue010"
_BLANKS: Final = re.compile(r"[ \t]+")
_BRACES: Final = re.compile(r"(?<!\\)[{}]")


def read_tex(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """TeX: headings by its sections, formulas kept as TeX, comments and commands left out.

    The preamble gives title, author and date.
    """
    head = "\n".join(_COMMENT.sub(r"\1", line) for line in first_lines(file, limits, _HEAD_LINES))
    about = {match[1]: " ".join(set_text(match[2]).split()) for match in _ABOUT.finditer(head)}
    whole = "\\begin{document}" in head
    return ReadDocument(
        _blocks(file, limits, [about[name] for name in ("title", "author", "date") if about.get(name)], whole),
        about.get("title", ""),
        about.get("author"),
        parse_words(about.get("date")),
    )


TEX = Reader("text/x-tex", (".tex", ".latex", ".ltx"), read_tex)


def _blocks(file: SourceFile, limits: ReadLimits, about: list[str], whole: bool) -> Iterator[Block]:
    outline = Outline()
    run: list[Line] = []
    begun = not whole
    for words in about:
        yield Block(words, Locator(), BlockKind.PARAGRAPH)
    numbered = numbered_lines(file, limits)
    for line in numbered:
        if not begun:
            begun = "\\begin{document}" in line.text
            continue
        if verbatim := _VERBATIM.fullmatch(line.text):
            yield from _prose(run, outline)
            run = []
            if inner := list(_until(numbered, f"\\end{{{verbatim[1]}")):
                yield lines_block(inner, BlockKind.CODE, outline.path)
            continue
        text = _COMMENT.sub(r"\1", line.text)
        if section := _SECTION.fullmatch(text):
            yield from _prose(run, outline)
            title = " ".join(set_text(section[2]).split())
            yield from outline.heading(_LEVELS[section[1]], title, line.number, line.number)
            run = [Line(line.number, section[3])] if section[3].strip() else []
        elif (not text.strip() and not line.text.strip()) or len(run) >= 64:
            yield from _prose(run, outline)
            run = [Line(line.number, text)] if text.strip() else []
        elif text.strip():
            run.append(Line(line.number, text))
    yield from _prose(run, outline)


def _until(numbered: Iterator[Line], end: str) -> Iterator[Line]:
    for line in numbered:
        if end in line.text:
            return
        yield line


def _prose(run: list[Line], outline: Outline) -> Iterator[Block]:
    """Yield a run of lines as set; a command may span lines, so they are set together."""
    if not run:
        return
    text = set_text(_TABULAR.sub(_table, "\n".join(line.text for line in run)))
    for block in paragraphs([Line(run[0].number, line.strip()) for line in text.splitlines()], outline.path):
        place = Locator(headings=outline.path, line_start=run[0].number, line_end=run[-1].number)
        yield Block(block.text, place, block.kind)


def _table(match: re.Match[str]) -> str:
    """Return a table a line a row, still as TeX; what stands above its first inner rule names the columns."""
    pieces = _ROW_ENDS.split(_COLUMNS.sub("", match[2], count=1))
    ruled = [at for at, piece in enumerate(pieces) if at and _RULE.match(piece)]
    rows = [" ".join(_RULE.sub("", piece).split()) for piece in pieces]
    named = next((at for at in ruled if any(rows[:at]) and any(rows[at:])), 0)
    cells = (
        Row([cell.strip() for cell in re.split(r"(?<!\\)&", row)], marked=at < named)
        for at, row in enumerate(rows)
        if row
    )
    return "\n" + "\n".join(line for _, line in table_lines(cells, has_header=False)) + "\n"


def set_text(text: str) -> str:
    """Return TeX as the text that it sets."""
    formulas: list[str] = []

    def kept(match: re.Match[str]) -> str:
        formulas.append(match[0])
        return _KEPT

    text = _ESCAPED.sub(lambda match: chr(0xE020 + ord(match[1])), text)
    text = _MATH.sub(kept, text)
    text = _ACCENT.sub(_compose_letter, text)
    text = _LINK.sub(r"\2 (\1)", text)
    text = _FOOTNOTE.sub(r" (\1)", text)
    text = _CITED.sub(r"[\1]", text)
    text = _SILENT.sub("", text)
    for written, shown in _PLAIN:
        text = text.replace(written, shown)
    text = _COMMAND.sub(lambda match: _LETTERS.get(match[1], ""), text)
    text = _BLANKS.sub(" ", text.replace("&", " | "))
    text = _BRACES.sub("", text)
    text = re.sub("[\ue020-\ue0ff]", lambda match: chr(ord(match[0]) - 0xE020), text)
    waiting = iter(formulas)
    return re.sub(_KEPT, lambda _: next(waiting, ""), text)


def _compose_letter(match: re.Match[str]) -> str:
    mark = match[1] or match[4]
    letter = next((group for group in (match[2], match[3], match[5], match[6]) if group), "").removeprefix("\\")
    return unicodedata.normalize("NFC", letter + _COMBINING[mark]) if letter else ""
