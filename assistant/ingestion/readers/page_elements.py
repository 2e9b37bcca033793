"""What single elements of a page say: fields of forms, formulas, numbers of lists; and which of them nobody sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bs4.element import Tag

_HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NO_SIZE: Final = re.compile(r"font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_SIZE: Final = re.compile(r"font-size\s*:\s*(?:[1-9]|0?\.\d)", re.IGNORECASE)
# What a click shows: the pages of tabs, what folds out, answers to questions.
_SHOWN_BY_CLICK: Final = re.compile(
    r"(?:^|[\s_-])(?:tabs?|tabpanel|panel|pane|accordion|collaps\w*|toggle\w*|spoiler|faq|answer|details|expand\w*|"
    r"more|slide|step|fold\w*)(?=$|[\s_-]|\d)",
    re.IGNORECASE,
)
_ICONS: Final = re.compile(r"material-(?:icons|symbols)|katex-html|mw-editsection|MathJax_Preview|\bsf-hidden\b")
_VALUES: Final = frozenset(
    ("", "text", "search", "email", "tel", "number", "date", "time", "month", "week", "url", "datetime-local")
)
_NOTE_SIGN: Final = re.compile(r"\d{1,4}|[*†‡§]{1,3}|[a-z]")
_BOXES: Final = frozenset(("checkbox", "radio"))
_WORDS_OF_A_LABEL: Final = 4
_MOST_OPTIONS: Final = 20
_SUPERSCRIPT: Final = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")


def is_hidden(node: Tag) -> bool:
    """Say whether nobody sees an element: not where a click or scrolling shows it, nor where its children are seen."""
    if not node.attrs:
        return False
    style = node.get("style")
    hides = isinstance(style, str) and _HIDDEN_STYLE.search(style) is not None
    if hides or (node.has_attr("hidden") and node.get("hidden") != "until-found"):
        return not (node.get("role") == "tabpanel" or _SHOWN_BY_CLICK.search(names_of(node)))
    if isinstance(style, str) and _NO_SIZE.search(style):
        # Designers take away the gaps between blocks in this way, and set the size again inside of them.
        return not any(_SIZE.search(str(tag["style"])) for tag in node.find_all(style=True))
    return _ICONS.search(names_of(node)) is not None


def names_of(node: Tag) -> str:
    """Return the classes and the id of an element."""
    return " ".join((*node.get_attribute_list("class"), *node.get_attribute_list("id"))) if node.attrs else ""


def field_text(node: Tag) -> str:
    """Return what a field of a form shows: its value, whether it is checked, what is selected in it."""
    name, kind = node.name, str(node.get("type") or "").lower()
    if name == "input" and kind in _VALUES:
        return str(node.get("value") or "").strip()
    if name == "input" and kind in _BOXES:
        return "☒" if node.has_attr("checked") else "☐"
    if name == "textarea":
        return node.get_text().strip()
    if name == "select":
        chosen = [tag.get_text(" ", strip=True) for tag in node.find_all("option") if tag.has_attr("selected")]
        return ", ".join(chosen[:_MOST_OPTIONS])
    if name == "button":
        text = node.get_text(" ", strip=True)
        opens = node.has_attr("aria-expanded") or node.has_attr("aria-controls") or node.get("role") == "tab"
        return text if opens or len(text.split()) >= _WORDS_OF_A_LABEL else ""
    return ""


def formula_text(node: Tag) -> str:
    """Return a formula of MathML: its TeX where that is given, else on one line, as `a/b` and `x^2`."""
    for tag in node.find_all("annotation"):
        if "tex" in str(tag.get("encoding")).lower() and (text := tag.get_text().strip()):
            return _without_display(text)
    if text := str(node.get("alttext") or "").strip():
        return _without_display(text)
    return " ".join(_linear(node).split())


def _without_display(text: str) -> str:
    match = re.fullmatch(r"\{\\(?:display|text)style\s+(.*)\}", text, re.DOTALL)
    return match[1].strip() if match else text


def _linear(node: Tag) -> str:
    from bs4.element import Tag

    parts = [_linear(child) for child in node.children if isinstance(child, Tag) and child.name != "annotation"]
    name = (node.name or "").rpartition(":")[2]
    if not parts:
        text = node.get_text().strip()
        return f" {text} " if name == "mo" and text in "=<>≤≥≠≈±+-−×·→∈" else text
    if name == "mfrac" and len(parts) == 2:
        return f"{_bracketed(parts[0])}/{_bracketed(parts[1])}"
    if name in ("msup", "mover") and len(parts) == 2:
        return f"{parts[0]}^{_bracketed(parts[1])}"
    if name in ("msub", "munder") and len(parts) == 2:
        return f"{parts[0]}_{_bracketed(parts[1])}"
    if name in ("msubsup", "munderover") and len(parts) == 3:
        return f"{parts[0]}_{_bracketed(parts[1])}^{_bracketed(parts[2])}"
    if name == "msqrt":
        return f"√{_bracketed(''.join(parts))}"
    return " ".join(parts) if name in ("mtable", "mtr") else "".join(parts)


def _bracketed(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def raised(node: Tag) -> str | None:
    """Return digits that stand higher than their line as such signs: `10⁶`, not `106`; None for other text."""
    text = node.get_text().strip()
    return text.translate(_SUPERSCRIPT) if re.fullmatch(r"[+\-−]?[\dn]{1,3}", text) and not node.find("a") else None


def is_note_reference(node: Tag) -> bool:
    """Say whether a link leads to a note of a book."""
    kinds = f"{node.get('epub:type') or ''} {node.get('role') or ''}"
    return "noteref" in kinds and note_sign(node) is not None


def note_sign(node: Tag) -> str | None:
    """Return the sign of a note apart from the word before it, `[1]`; None for what is none."""
    text = node.get_text().strip()
    is_link = node.name == "a" or node.find("a") is not None
    return f"[{text}]" if is_link and _NOTE_SIGN.fullmatch(text) else None


class ListNumbers:
    """The numbers of the items of an ordered list, as a page shows them."""

    def __init__(self, node: Tag) -> None:
        items = node.find_all("li", recursive=False)
        self._step = -1 if node.has_attr("reversed") else 1
        self._kind = str(node.get("type") or "1")
        self._next = _whole(node.get("start")) or (len(items) if self._step < 0 else 1)

    def of(self, item: Tag) -> str:
        """Return the mark of the next item, such as `3. `."""
        number = _whole(item.get("value")) or self._next
        self._next = number + self._step
        return f"{counted(number, self._kind)}. "


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,6}", value.strip()) else None


def counted(number: int, kind: str) -> str:
    """Return a number in the signs of a list: 1, a, A, i or I."""
    if kind in ("a", "A") and 1 <= number <= 26:
        return chr(ord(kind) + number - 1)
    if kind in ("i", "I") and 1 <= number < 40:
        roman = "x" * (number // 10) + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[number % 10]
        return roman if kind == "i" else roman.upper()
    return str(number)
