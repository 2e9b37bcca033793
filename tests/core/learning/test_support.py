"""What a message supports passes the check; what a model adds, drops, turns round or says of another does not."""

from __future__ import annotations

import pytest

from assistant.core.learning.support import why_unsupported

# (message, quote, memory)
SUPPORTED = [
    ("I moved to Lyon last week.", "I moved to Lyon", "I moved to Lyon."),
    ("No, I moved to Lyon. Porto was before.", "I moved to Lyon", "User moved to Lyon"),
    ("I'm allergic to peanuts, so no satay please.", "I'm allergic to peanuts", "The user is allergic to peanuts."),
    ("My sister Anna lives in Berlin.", "My sister Anna lives in Berlin", "User's sister Anna lives in Berlin."),
    ("We have two cats, Mimi and Toto.", "We have two cats", "I have two cats"),
    ("I don't eat meat any more.", "I don't eat meat", "User doesn't eat meat."),
    ("I used to live in Porto.", "I used to live in Porto", "I used to live in Porto."),
    ("I want to run a marathon by October.", "I want to run a marathon by October", "User wants to run a marathon"),
    ("Lyon is my home now.", "Lyon is my home", "Lyon is my home."),
    ("My PIN is 4711.", "My PIN is 4711", "User's PIN is 4711"),
    ("我搬到里昂了。", "我搬到里昂了", "我搬到里昂了"),
    ("不对，我现在住在里昂，不是波尔图。", "我现在住在里昂", "用户现在住在里昂"),
    ("我对花生过敏。", "我对花生过敏", "用户对花生过敏。"),
    ("我姐姐住在柏林。", "我姐姐住在柏林", "用户的姐姐住在柏林"),
    ("我的狗叫豆豆。", "我的狗叫豆豆", "我的狗叫豆豆。"),
    ("我不吃肉。", "我不吃肉", "用户不吃肉"),
]  # fmt: skip
UNSUPPORTED = [
    # words, names and numbers that nobody said
    ("I moved to Lyon.", "I moved to Paris", "I moved to Paris."),
    ("I moved to Lyon.", "I moved to Lyon", "User moved to Lyon in 2019."),
    ("I moved to Lyon.", "I moved to Lyon", "User Ada moved to Lyon."),
    ("I like tea.", "I like tea", "User hates tea."),
    ("My PIN is 4711.", "My PIN is 4711", "User's PIN is 4712"),
    ("I like tea.", "", "I like tea."),
    ("I like tea.", "I like tea", "The user."),
    ("我喜欢茶。", "我喜欢茶", "用户讨厌茶"),
    ("我喜欢茶。", "我喜欢茶", "用户喜欢红茶"),
    # turned round
    ("I moved from Lyon to Porto.", "I moved from Lyon to Porto", "User moved to Lyon."),
    ("I like tea better than coffee.", "I like tea better than coffee", "User likes coffee better than tea."),
    # a denial, a doubt, a plan or a past left out, or a denial added
    ("I don't eat meat.", "eat meat", "User eats meat."),
    ("I don't eat meat.", "I don't eat meat", "I eat meat."),
    ("I never smoked.", "smoked", "User smoked."),
    ("I almost moved to Lyon.", "moved to Lyon", "User moved to Lyon."),
    ("I might move to Lyon.", "move to Lyon", "User moves to Lyon."),
    ("I used to live in Porto.", "live in Porto", "User lives in Porto."),
    ("I had a dog.", "I had a dog", "User has a dog."),
    ("I was allergic to nuts as a child.", "allergic to nuts", "User is allergic to nuts."),
    ("I want to buy a boat.", "buy a boat", "User buys a boat."),
    ("我不吃肉。", "吃肉", "用户吃肉"),
    ("我想搬到里昂。", "搬到里昂", "用户搬到里昂"),
    ("我以前住在波尔图。", "住在波尔图", "用户住在波尔图"),
    ("我差点搬到里昂。", "搬到里昂", "用户搬到里昂"),
    # supposed, asked, joked
    ("If I win, I move to Lyon.", "I move to Lyon", "User moves to Lyon."),
    ("Suppose I live in Rome.", "I live in Rome", "User lives in Rome."),
    ("Do I like tea?", "I like tea", "User likes tea."),
    ("I live on the moon, just kidding!", "I live on the moon", "User lives on the moon."),
    ("如果我住在罗马，该去哪里吃饭", "我住在罗马", "用户住在罗马"),
    ("我喜欢茶吗？", "我喜欢茶", "用户喜欢茶"),
    ("我是皇帝，开玩笑的。", "我是皇帝", "用户是皇帝"),
    # of somebody else
    ("My friend says he is allergic to nuts.", "he is allergic to nuts", "User is allergic to nuts."),
    ("I think my brother is allergic to nuts.", "is allergic to nuts", "User is allergic to nuts."),
    ("My sister lives in Berlin.", "lives in Berlin", "User lives in Berlin."),
    ("Anna told me I'm too loud.", "I'm too loud", "User is too loud."),
    ("Bob lives in Rome.", "Bob lives in Rome", "User lives in Rome."),
    ("He wrote: I love Rome.", "I love Rome", "User loves Rome."),
    ("You should try yoga, you told me.", "try yoga", "User tries yoga."),
    ("我朋友说他对坚果过敏。", "他对坚果过敏", "用户对坚果过敏"),
    ("我姐姐住在柏林。", "住在柏林", "用户住在柏林"),
    ("小王说我太吵了。", "我太吵了", "用户太吵"),
]


@pytest.mark.parametrize(("message", "quote", "memory"), SUPPORTED)
def test_what_was_said_passes(message: str, quote: str, memory: str) -> None:
    assert why_unsupported(memory, quote, message) is None


@pytest.mark.parametrize(("message", "quote", "memory"), UNSUPPORTED)
def test_what_was_not_said_does_not_pass(message: str, quote: str, memory: str) -> None:
    assert why_unsupported(memory, quote, message) is not None


def test_nothing_passes_that_is_longer_than_a_memory() -> None:
    long = "I like tea " * 50
    assert why_unsupported(long, long.strip(), long) is not None
