"""Capture by rule: statements are kept in the user's words; questions, conditions and chatter are not."""

from __future__ import annotations

import pytest

from assistant.core.capture import Statement, about, statements
from memory_store.models import MemoryKind


@pytest.mark.parametrize(
    ("said", "kept", "kind"),
    [
        ("Remember that the cat is called Minou.", "The cat is called Minou.", MemoryKind.NOTE),
        ("please remember: bins go out on Tuesday", "Bins go out on Tuesday", MemoryKind.NOTE),
        ("I'm allergic to penicillin.", "I'm allergic to penicillin.", MemoryKind.FACT),
        ("Hello! My sister's name is Ana.", "My sister's name is Ana.", MemoryKind.FACT),
        ("I prefer window seats", "I prefer window seats", MemoryKind.PREFERENCE),
        ("记住，周二倒垃圾", "周二倒垃圾", MemoryKind.NOTE),
        ("我对青霉素过敏。", "我对青霉素过敏。", MemoryKind.FACT),
        ("我的妹妹叫小安", "我的妹妹叫小安", MemoryKind.FACT),
        ("I live in Porto.", "I live in Porto.", MemoryKind.FACT),
        ("No, I moved to Lyon last week.", "I moved to Lyon last week.", MemoryKind.FACT),
        ("我搬到里昂了。", "我搬到里昂了。", MemoryKind.FACT),
    ],
)
def test_statement_is_captured_in_the_users_words(said: str, kept: str, kind: MemoryKind) -> None:
    assert [(one.text, one.kind) for one in statements(said) if isinstance(one, Statement)] == [(kept, kind)]


@pytest.mark.parametrize(
    "said",
    [
        "Do you remember that the cat is called Minou?",
        "What is my sister's name?",
        "If I'm allergic to nuts, what then?",
        "Suppose my name is Bob.",
        "My question is about boilers.",
        "I like it.",
        "Thanks, that helps.",
        "I moved to Linux last year.",
        "We moved to Python 3.12 at work.",
        "I moved to the next chapter.",
        "I live in hope.",
        "Where do I live in Porto?",
        "我叫什么名字呢",
        "我的妹妹叫什么呢",
        "如果我对花生过敏怎么办",
        "",
    ],
)
def test_what_is_no_statement_is_not_captured(said: str) -> None:
    assert statements(said) == []


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("I live in Porto.", "home"),
        ("We now live in New York.", "home"),
        ("No, I've just moved from Porto to Lyon.", "home"),
        ("Actually, we moved to Lyon.", "home"),
        ("I work at Acme.", "work"),
        ("My name is Ada.", "name"),
        ("My birthday is 3 May.", "birthday"),
        ("My new phone number is 555 0199.", "phone number"),
        ("My email is ada@example.org.", "e-mail address"),
        ("我住在里昂。", "home"),
        ("不对，我们搬到里昂了。", "home"),
        ("我叫小安。", "name"),
        ("我在医院工作。", "work"),
        ("My sister's name is Ana.", "name of sister"),
        ("My sister lives in Rome.", "home of sister"),
        ("My car is red.", ""),
        ("I prefer tea", "taste tea"),
        ("I live in Porto. My name is Ada.", ""),
        ("The user moved to Lyon.", ""),
    ],
)
def test_what_there_is_one_of_at_a_time_is_told(said: str, subject: str) -> None:
    assert about(said) == subject
