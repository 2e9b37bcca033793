"""What the user orders in words is never a matter of chance: remember this, forget what I said of that."""

from __future__ import annotations

import time

import pytest

from assistant.core.capture.orders import find_forget_order, find_remember_order


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Remember that I'm allergic to nuts.", "I'm allergic to nuts"),
        ("please remember: bins go out on Tuesday", "bins go out on Tuesday"),
        ("Can you make a note that the gate code is 4411?", "the gate code is 4411"),
        ("Don't forget that Ana’s birthday is in May!", "Ana’s birthday is in May"),
        ("记住，周二倒垃圾", "周二倒垃圾"),
        ("请记一下我对花生过敏。", "我对花生过敏"),
        ("Do you remember that the cat is called Minou?", None),
        ("remember when we went to Oslo?", None),
        ("Remember to breathe.", None),
        ("Don't forget to buy milk.", None),
        ("记得吗", None),
        ("I remember the sea.", None),
    ],
)
def test_what_is_to_be_remembered_is_the_users_own_words(said: str, words: str | None) -> None:
    assert find_remember_order(said) == words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Forget what I said about the marathon.", "the marathon"),
        ("please delete the thing about the spare key", "the spare key"),
        ("忘了我说的去日本的事吧", "去日本"),
        ("把我之前说的去日本的事忘了吧", "去日本"),
        ("Forget everything I said about Porto, please.", "Porto"),
        ("forget about my cat", "cat"),
        ("I forget what I said about it", None),
        ("Forget it.", None),
    ],
)
def test_what_is_to_be_forgotten_is_named(said: str, words: str | None) -> None:
    assert find_forget_order(said) == words


@pytest.mark.parametrize("words", ["remember ", "please, ", "and ", "请", "把我说的", "forget what i said about "])
def test_no_message_keeps_the_rules_busy(words: str) -> None:
    begun = time.process_time()
    find_remember_order(words * 300)
    find_forget_order(words * 300)
    assert time.process_time() - begun < 20  # it would take years
