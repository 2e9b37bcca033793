"""What a user says of what is remembered: forget that, that's wrong, I never said that. English and Chinese rules."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Correction(StrEnum):
    """What is to be done with the memory that is meant."""

    FORGET = "forget"
    WRONG = "wrong"
    NEVER_SAID = "never said"


_SOFT: Final = r"(?:(?:please|no|sorry|but|hey|actually)[,.!]?\s+)*"
_IT: Final = rf"{_SOFT}(?:that|this|it)"
_RULES: Final = (
    (
        Correction.FORGET,
        rf"{_SOFT}(?:forget|delete|erase)\s+(?:about\s+)?(?:that|this|it|what i (?:just )?(?:said|told you))"
        r"(?:\s+please)?",
    ),
    (
        Correction.FORGET,
        r"(?:请|麻烦)?你?(?:忘了|忘掉|忘记|删掉|删除)(?:它|这个|这条|那个|那条|刚才的|我刚说的)?吧?",
    ),
    (
        Correction.WRONG,
        rf"{_IT}(?:'s| is)\s+(?:just\s+|simply\s+|all\s+)?"
        r"(?:wrong|incorrect|false|out of date|outdated|not\s+(?:true|right|correct))(?:\s+any\s?more)?",
    ),
    (Correction.WRONG, rf"{_IT}(?:\s+isn't|'s not)\s+(?:true|right|correct)(?:\s+any\s?more)?"),
    (Correction.WRONG, r"[这那]?(?:不对|错了|是错的|不是真的|已经过时了?|说错了)[吧啊]?"),
    (
        Correction.NEVER_SAID,
        rf"{_SOFT}i\s+(?:never|didn't|did not)\s+(?:ever\s+)?(?:say|said|tell you|told you)\s+(?:that|this|so)",
    ),
    (Correction.NEVER_SAID, r"我(?:从来?没有?|没有?|可没)(?:这么)?说过(?:这个|这话|那个)?"),
)
_COMPILED: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _RULES)


def correction_in(text: str) -> Correction | None:
    """Return what a message asks for, if that is all it says; None for any other message."""
    said = text.strip().rstrip(".!。！ ").replace("’", "'")
    for kind, pattern in _COMPILED:
        if pattern.fullmatch(said):
            return kind
    return None
