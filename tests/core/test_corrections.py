"""What is said of a memory is told from what is said of anything else."""

from __future__ import annotations

import pytest

from assistant.core.conversation.corrections import Correction, correction_in

FORGET, WRONG, NEVER = Correction.FORGET, Correction.WRONG, Correction.NEVER_SAID


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Forget that.", FORGET),
        ("please forget it", FORGET),
        ("No, forget what I just said!", FORGET),
        ("忘了它吧", FORGET),
        ("请删掉这条。", FORGET),
        ("That's wrong.", WRONG),
        ("No, that isn't true any more", WRONG),
        ("That is not right", WRONG),
        ("It’s outdated", WRONG),
        ("不对", WRONG),
        ("这是错的。", WRONG),
        ("I never said that.", NEVER),
        ("But I didn't tell you that!", NEVER),
        ("我没说过这个。", NEVER),
    ],
)
def test_a_correction_is_told(said: str, meant: Correction) -> None:
    assert correction_in(said) is meant


@pytest.mark.parametrize(
    "said",
    [
        "",
        "That's right.",
        "That is true",
        "That's wrong in the second line of the function",
        "Forget that, tell me about boilers instead",
        "Is that wrong?",
        "How do I forget it?",
        "I never said that he was wrong",
        "Don't forget the milk",
        "忘了带钥匙怎么办",
        "这对吗",
    ],
)
def test_any_other_message_is_for_the_model(said: str) -> None:
    assert correction_in(said) is None
