# /// script
# dependencies = ["pypinyin==0.55.0"]
# ///
"""Writes memory_store/languages/zh/pinyin.txt: the signs that each syllable of pinyin spells, by pypinyin (MIT).

uv run --script scripts/pinyin_signs.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pypinyin import Style, pinyin  # type: ignore[import-not-found]

_FILE: Final = Path(__file__).parent.parent / "memory_store" / "languages" / "zh" / "pinyin.txt"
_HEAD: Final = """\
# The signs that each syllable of pinyin, without its tone, spells; made by scripts/pinyin_signs.py from the tables of
# pypinyin: https://github.com/mozillazg/python-pinyin, MIT License, copyright 2016 mozillazg and contributors.
"""


def main() -> None:
    """Spell every sign of GB 2312, in each way that it may be read; ü is typed as u or v."""
    spelled: dict[str, list[str]] = {}
    for first in range(0xB0, 0xF8):
        for second in range(0xA1, 0xFF):
            try:
                sign = bytes((first, second)).decode("gb2312")
            except UnicodeDecodeError:
                continue
            for syllable in pinyin(sign, style=Style.NORMAL, heteronym=True)[0]:
                for typed in {syllable.replace("ü", "u"), syllable.replace("ü", "v")}:
                    if typed.isascii() and typed.isalpha():
                        spelled.setdefault(typed, []).append(sign)
    lines = (f"{syllable} {''.join(signs)}" for syllable, signs in sorted(spelled.items()))
    _FILE.write_text(_HEAD + "\n".join(lines) + "\n", "utf-8")
    print(f"{len(spelled)} syllables in {_FILE}")


if __name__ == "__main__":
    main()
