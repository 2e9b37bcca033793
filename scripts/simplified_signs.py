# /// script
# dependencies = ["opencc==1.4.2"]
# ///
"""Writes memory_store/languages/zh/simplified.txt: the simplified sign of each traditional one, by OpenCC (Apache-2.0).

uv run --script scripts/simplified_signs.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import opencc  # type: ignore[import-not-found]

_FILE: Final = Path(__file__).parent.parent / "memory_store" / "languages" / "zh" / "simplified.txt"
# The Han signs of the basic plane and its extension A; what is rarer is hardly ever typed in two ways.
_HAN: Final = (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))
_HEAD: Final = """\
# The simplified sign of each traditional Chinese one, in pairs; made by scripts/simplified_signs.py from OpenCC's table
# of single signs: https://github.com/BYVoid/OpenCC, Apache License 2.0, copyright 2010-2026 Carbo Kuo and contributors.
"""
_A_LINE: Final = 40


def main() -> None:
    """Convert every sign by itself: neighbours must not matter, or a query would fold otherwise than its text.

    Twice, because a few signs are simplified in two steps.
    """
    converter = opencc.OpenCC("t2s")
    pairs = {sign: converter.convert(converter.convert(sign)) for sign in map(chr, _HAN)}
    single = [old + new for old, new in pairs.items() if old != new and len(new) == 1]
    lines = (" ".join(single[at : at + _A_LINE]) for at in range(0, len(single), _A_LINE))
    _FILE.write_text(_HEAD + "\n".join(lines) + "\n", "utf-8")
    print(f"{len(single)} signs in {_FILE}")


if __name__ == "__main__":
    main()
