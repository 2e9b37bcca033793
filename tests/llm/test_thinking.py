"""Reasoning in an answer: folded however it is marked, while an answer about such marks stays whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.llm.base import TextDelta, ThinkingDelta, WasThinking
from assistant.llm.thinking import ThinkingSplitter

CASES = {
    "<think>hm</think>Tea.": ("hm", "Tea."),
    "\n <think>hm</think>\n\nTea.": ("hm", "Tea."),
    "<think>hm</think>Tea, <think>no milk</think>green.": ("hmno milk", "Tea, green."),
    "<think>hm</think>Tea: `<think>` is a tag, </think> too.": ("hm", "Tea: `<think>` is a tag, </think> too."),
    "<think>hm</think>Tea <think> stays open.": ("hm", "Tea <think> stays open."),
    "<think>hm</think>```\n<think>x</think>\n```": ("hm", "```\n<think>x</think>\n```"),
    "<think>only this": ("only this", ""),
    "hm\nso\n</think>\n\nTea.": ("hm\nso\n", "Tea."),
    "</think>\n\nTea.": ("", "Tea."),
    "Write <think>…\n</think> around it.": ("", "Write <think>…\n</think> around it."),
    "Close it with </think>.": ("", "Close it with </think>."),
    "```\n</think>\n```": ("", "```\n</think>\n```"),
    "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Tea.": ("hm", "Tea."),
    "<|channel|>final<|message|>Tea.": ("", "Tea."),
    "<|channel>thought\nhm<channel|>Tea.": ("\nhm", "Tea."),
    "<b>Tea</b> < coffee <": ("", "<b>Tea</b> < coffee <"),
}


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter()
    thinking = text = ""
    for event in [*(event for piece in pieces for event in splitter.feed(piece)), *splitter.finish()]:
        match event:
            case TextDelta(more):
                text += more
            case ThinkingDelta(more):
                thinking += more
            case WasThinking():
                thinking, text = thinking + text, ""
    return thinking, text


@pytest.mark.parametrize("said", CASES)
def test_reasoning_is_told_from_the_answer(said: str) -> None:
    assert split([said]) == CASES[said]
    assert split(list(said)) == CASES[said]


@given(said=st.sampled_from(sorted(CASES)), cuts=st.lists(st.integers(0, 90), max_size=6))
def test_where_the_pieces_are_cut_does_not_matter(said: str, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(said)), len(said)]
    assert split([said[a:b] for a, b in pairwise(places)]) == CASES[said]


@given(text=st.text(st.sampled_from("<think>/ \n`a"), max_size=40))
def test_nothing_that_was_said_is_lost_without_tags(text: str) -> None:
    if "think>" not in text:
        assert "".join(split(list(text))) == (text if text.strip() else "")
