"""Capture by rule: statements are kept in the user's words; questions, conditions and chatter are not."""

from __future__ import annotations

import pytest

from assistant.core.capture import captured_statements
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
    ],
)
def test_statement_is_captured_in_the_users_words(said: str, kept: str, kind: MemoryKind) -> None:
    assert [(one.text, one.kind) for one in captured_statements(said)] == [(kept, kind)]


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
        "我的妹妹叫什么呢",
        "如果我对花生过敏怎么办",
        "",
    ],
)
def test_what_is_no_statement_is_not_captured(said: str) -> None:
    assert captured_statements(said) == []
