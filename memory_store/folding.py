"""How words are compared: one folding for full text, ranking, forgetting by words and excerpts.

Letter case, accents, signs that are not seen, widths, ligatures, digits of other scripts, and simplified or traditional
Chinese do not matter. Where words are not spaced, pairs of signs stand for them. A name that is written in several ways
(`getSpareKey`, KAI-14, an IBAN, a telephone number) is also found by its other spellings.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from memory_store.expression import Expression
from memory_store.languages import read_pairs

# Han, kana, hangul and their extensions.
CJK: Final = (
    "\u3005\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af"
)
CJK_RUN: Final = re.compile(f"[{CJK}]+")
# Scripts that put no spaces between words: those, and Thai, Lao, Burmese and Khmer, whose own digits are folded.
UNSPACED: Final = CJK + "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
UNSPACED_RUN: Final = Expression(f"[{UNSPACED}]+")
_EMOJI: Final = "\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001fbff"
EMOJI: Final = Expression(f"[{_EMOJI}]")
# Vowel signs and the like, which Python takes for no part of a word: of India's scripts, and Tibetan.
_VOWELS: Final = "\u0900-\u0963\u0966-\u0df3\u0f71-\u0f84\u0f8d-\u0fbc"
WORD: Final = re.compile(f"(?:[^\\W_{UNSPACED}]|[{_VOWELS}])+")
TOKEN: Final = re.compile(f"[{UNSPACED}]+|[{_EMOJI}]|{WORD.pattern}")

# Marks that people leave out or that are not seen: accents, points of Hebrew, vowels of Arabic and the stretching of
# its words, what chooses the form of a sign, tones of skin.
_LEFT_OUT: Final = Expression(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1ace\u1dc0-\u1dff\u20d0-\u20f0\ufe00-\ufe0f\ufe20-\ufe2f"
    "\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef]"
)
# Letters that Unicode does not take apart. Those of Arabic as Lucene's ArabicNormalizer folds them, and Persian's.
_LETTERS: Final[dict[str, str]] = dict(
    zip("ıđðøłħŧæœþĸŋىةکی", ["i", "d", "d", "o", "l", "h", "t", "ae", "oe", "th", "k", "n", *"يهكي"], strict=True)
)
_BROKEN_LINE: Final = Expression(f"(?<=[{CJK}])[ \\t]*\\n[ \\t]*(?=[{CJK}])")
_HAN: Final = range(0x3400, 0xA000)


def fold(text: str) -> str:
    """Return a text as it is compared; what is folded once stays as it is."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).casefold().replace("и\u0306", "й").replace("у\u0306", "ў")
    text = unicodedata.normalize("NFC", text.translate(_SIGNS))
    return _BROKEN_LINE.sub("", text) if "\n" in text else text


class _Signs(dict[int, str]):
    """What stands for each sign that was met, by its number, as `str.translate` wants it."""

    def __missing__(self, code: int) -> str:
        self[code] = _fold_sign(chr(code))
        return self[code]


_SIGNS: Final = _Signs()


def _fold_sign(sign: str) -> str:
    """Return what stands for one sign of a decomposed text in lower case: nothing, another one, or a space."""
    if sign.isascii():
        return sign
    if ord(sign) in _HAN:
        return simplified_signs().get(sign, sign)
    category = unicodedata.category(sign)
    if category == "Cf" or _LEFT_OUT.match(sign):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    if category == "So":
        return sign if EMOJI.match(sign) else " "
    return _LETTERS.get(sign, sign)


@functools.cache
def simplified_signs() -> dict[str, str]:
    """Return the simplified sign of each traditional Chinese one."""
    return read_pairs("zh", "simplified.txt")


def bigrams(run: str) -> list[str]:
    """Return the overlapping pairs of signs of a run without spaces, and its last sign alone."""
    return [run[at : at + 2] for at in range(len(run))]


# --- Names that are written in several ways ---------------------------------------------------------------------------
_MAY_BE_SPELT: Final = re.compile(r"\d{2}|[A-Za-z]\d|[a-z][A-Z]|[A-Z][A-Z][a-z]|_|[+]{2}|#")
_NAME: Final = Expression(
    # getSpareKey, HTTPServer
    r"(?<![A-Za-z0-9_])(?=[A-Za-z0-9]*?(?:[a-z]{2}[A-Z][A-Za-z]|[A-Z]{2}[a-z]{2}))[A-Za-z][A-Za-z0-9]*(?![A-Za-z0-9_])"
    # get_spare_key
    r"|(?<![A-Za-z0-9_])[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)+(?![A-Za-z0-9_])"
    # KAI14, KAI-14
    r"|(?<![A-Za-z0-9_])(?:[A-Za-z]{2,12}[-\u2010\u2011]?\d|[A-Za-z][-\u2010\u2011]?\d\d)\d*(?![A-Za-z0-9_])"
    # C++, F#
    r"|(?<![A-Za-z0-9_])[A-Za-z](?:[+]{2}|#)(?![A-Za-z0-9_+#])"
)
_BETWEEN: Final = r"[ \u00a0./\u2010\u2011\u2012\u2013-]"
_ACCOUNT: Final = Expression(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ \u00a0-]?(?:[A-Za-z]{4}[ \u00a0-]?)?"
    r"(?:(?=[A-Za-z]*\d)[A-Za-z0-9]+[ \u00a0-])*(?=[A-Za-z]*\d)[A-Za-z0-9]+(?![A-Za-z0-9])"
)
_NUMBER: Final = Expression(
    rf"(?<![A-Za-z0-9])[+(]?\d+(?:[)]?{_BETWEEN}{{0,3}}[(]?\d+(?:[)])?)*(?![A-Za-z0-9])", re.ASCII
)
_DATE: Final = Expression(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d\b|(?:(?:19|20)\d\d\W*)+$", re.ASCII
)
_PARTS: Final = Expression(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# An account has 15 to 34 signs (ISO 13616). A number of fewer digits is none that anyone spaces.
_ACCOUNT_LENGTH: Final = range(15, 35)
_NUMBER_LENGTH: Final = range(7, 21)
# So many digits at its end find a telephone number, whatever stands before them: +49 431, 0431 or nothing.
_LOCAL: Final = 7


class Spelling(NamedTuple):
    """A name that is written in several ways, from `start` to `end`: as one word, and as the parts that may be spaced.

    `local` is the end of a long number, which it shares with other ways of writing its beginning.
    """

    start: int
    end: int
    whole: str
    parts: tuple[str, ...]
    local: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """All by which it is found, folded, without repeats."""
        return tuple(dict.fromkeys(text for text in (self.whole, self.local, *self.parts) if text))


def spellings(text: str) -> Iterator[Spelling]:
    """Yield the names in a text that are written in several ways, in their order and without overlaps.

    The places are those of the text in its compatible form (NFKC), which a text in ASCII has already.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if not _MAY_BE_SPELT.search(text):
        return
    end = 0
    for spelling in sorted(_all_spellings(text), key=lambda pair: (pair.start, -pair.end)):
        if spelling.end > end:
            yield spelling
            end = spelling.end


def _all_spellings(text: str) -> Iterator[Spelling]:
    for found in _ACCOUNT.finditer(text):
        whole = "".join(filter(str.isalnum, found.group())).lower()
        if len(whole) in _ACCOUNT_LENGTH:
            yield Spelling(found.start(), found.end(), whole, _pieces(found.group()), whole[-_LOCAL:])
    for found in _NUMBER.finditer(text):
        digits = "".join(filter(str.isdigit, found.group().replace("(0)", ""))).lstrip("0")
        if len(digits) in _NUMBER_LENGTH and not _DATE.match(found.group()):
            yield Spelling(found.start(), found.end(), digits, _pieces(found.group()), digits[-_LOCAL:])
    for found in _NAME.finditer(text):
        name = found.group()
        parts = tuple(item.lower() for item in _PARTS.findall(name))
        if name.endswith(("+", "#")):
            yield Spelling(found.start(), found.end(), parts[0] + ("sharp" if name[1] == "#" else "pp"), ())
        else:
            yield Spelling(found.start(), found.end(), "".join(parts), parts)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(match.group().lower() for match in WORD.finditer(text))


def other_words(text: str) -> str | None:
    """Return the words that find a text and do not stand in it as it is written, spaced; None for none."""
    there: set[str] | None = None
    added: dict[str, None] = {}
    for spelling in spellings(text):
        if there is None:
            there = {match.group() for match in WORD.finditer(fold(text))}
        added.update((word, None) for word in spelling.words if word not in there)
    return " ".join(added) or None
