"""Shows a number as a spreadsheet's format code does: `0.0%`, `00000`, `#,##0.00 "€"`, `0# ## ## ##`.

Covers the codes for numbers of ECMA-376 part 1, 18.8.31, without conditions and fractions. The port of SheetJS'
formatter (ssf 0.2.2) shows `dd.mm.yyyy hh:mm` with the minutes for the month, prints as it works, and is not kept.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

_BUILT_IN: Final = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0;-$#,##0", 6: "$#,##0;-$#,##0", 7: "$#,##0.00;-$#,##0.00",
    8: "$#,##0.00;-$#,##0.00", 9: "0%", 10: "0.00%", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)", 41: "#,##0;-#,##0", 42: "$#,##0;-$#,##0", 43: "#,##0.00;-#,##0.00",
    44: "$#,##0.00;-$#,##0.00",
}  # fmt: skip
_TOKEN: Final = re.compile(
    r'"([^"]*)"?|\\(.)|[_*].|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|([#0?.,]+)|(General)|(.)', re.IGNORECASE
)
_NOT_OF_NUMBERS: Final = re.compile(r"[dmyhsgbe/@]", re.IGNORECASE)
_CONDITION: Final = re.compile(r"\[[<>=]")
_MOST_CHARS: Final = 255  # the longest code that Excel takes
_MOST_DIGITS: Final = 30


def built_in(number: int) -> str:
    """Return the code of a format by the number that every workbook knows it by; empty where none shows a number."""
    return _BUILT_IN.get(number, "")


def plain_number(value: float) -> str:
    """Return a number as a cell without a format shows it: no more digits than were meant."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def format_number(value: float, code: str) -> str:
    """Return a number as the code shows it; plainly where the code is none for numbers."""
    sections = _sections(code) if code else ()
    if not sections:
        return plain_number(value)
    section, sign = sections[0], "-" if value < 0 else ""
    if value < 0 and len(sections) > 1:
        section, sign = sections[1], ""
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    written = _format_section(abs(value), section)
    return plain_number(value) if written is None else (sign + written).strip()


@lru_cache(maxsize=512)
def _sections(code: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the sections of a code as (kind, text) pieces; none if it is no code for numbers."""
    if len(code) > _MOST_CHARS or _CONDITION.search(code):
        return ()
    sections: list[list[tuple[str, str]]] = [[]]
    for match in _TOKEN.finditer(code):
        quoted, escaped, currency, digits, general, other = match.groups()
        if other == ";":
            sections.append([])
        elif digits:
            sections[-1].append(("digits", digits))
        elif general:
            sections[-1].append(("general", ""))
        elif other and _NOT_OF_NUMBERS.match(other):
            return ()
        elif other == "%":
            sections[-1].append(("percent", "%"))
        else:
            sections[-1].append(("text", quoted or escaped or currency or other or ""))
    return tuple(tuple(section) for section in sections[:3])


def _format_section(value: float, section: tuple[tuple[str, str], ...]) -> str | None:
    holders = [text for kind, text in section if kind == "digits"]
    exact = Decimal(repr(value)) * 100 ** sum(kind == "percent" for kind, _ in section)
    if len(holders) > 1:
        return _in_groups(exact, section, holders)
    if exact.adjusted() > _MOST_DIGITS:
        return None
    pieces = [
        _number(exact, text) if kind == "digits" else plain_number(float(exact)) if kind == "general" else text
        for kind, text in section
    ]
    return "".join(pieces)


def _number(value: Decimal, holder: str) -> str:
    whole, _, decimals = holder.partition(".")
    scaled = whole.rstrip(",") if not decimals else whole
    value /= 1000 ** ((len(whole) - len(scaled)) + len(decimals) - len(decimals.rstrip(",")))
    decimals = decimals.replace(",", "")
    rounded = value.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    integer, _, fraction = f"{rounded:f}".partition(".")
    least = len(decimals.rstrip("#?"))
    fraction = fraction[:least] + fraction[least:].rstrip("0")
    zeros = scaled.count("0")
    integer = integer.lstrip("0").rjust(zeros, "0")
    if "," in scaled:
        integer = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", integer)
    return integer + (f".{fraction}" if fraction or (decimals and "0" in decimals) else "")


def _in_groups(value: Decimal, section: tuple[tuple[str, str], ...], holders: list[str]) -> str | None:
    """Return digits filled from the right into places that are apart, as in a telephone number."""
    if any(mark in holder for holder in holders for mark in ".,"):
        return None
    places = sum(map(len, holders))
    digits = f"{value.quantize(Decimal(1), ROUND_HALF_UP):f}".lstrip("0")
    digits = digits.rjust(places - "".join(holders).find("0") if "0" in "".join(holders) else 0, "0").rjust(places)
    at, extra = 0, len(digits) - places
    pieces = []
    for kind, text in section:
        if kind == "digits":
            end = at + len(text) + (extra if not at else 0)
            pieces.append(digits[at:end])
            at = end
        else:
            pieces.append(text)
    return "".join(pieces)
