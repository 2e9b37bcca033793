"""What the user orders in words: remember this, forget what I said of that.

The rules of each language are in its orders.txt.
"""

from __future__ import annotations

import re

from memory_store.languages import rules


def find_remember_order(sentence: str) -> str | None:
    """Return the words that a sentence orders to remember, as they stand in it; None where it orders nothing."""
    return _ordered("remember", sentence)


def find_forget_order(sentence: str) -> str | None:
    """Return the words for what a sentence orders to take for true no more; None where it orders nothing."""
    return _ordered("forget", sentence)


def _ordered(name: str, sentence: str) -> str | None:
    """Match the rules with all of a sentence but its closing marks; offsets are those of the sentence."""
    read = sentence.replace("’", "'").replace("‘", "'")
    begin, end = len(read) - len(read.lstrip()), len(read.rstrip(".!?。！？ \n"))
    found = (rule.fullmatch(read, begin, end) for rule in rules("orders", re.IGNORECASE)[name])
    return next((sentence[slice(*match.span("words"))].strip() for match in found if match), None)
