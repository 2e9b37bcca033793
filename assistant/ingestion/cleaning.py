"""Makes foreign text storable."""

from __future__ import annotations

import re

# What UTF-8, and so SQLite, can't hold; a JSON escape or a broken converter can bring it.
_UNSTORABLE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """Return `text` without NUL, where SQLite's text ends, and with a sign in place of each half character."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return _UNSTORABLE.sub("\ufffd", text) if _UNSTORABLE.search(text) else text
