"""`keepsake cost` adds up what was asked of models, and budgets hold on the command line and in lines."""

from __future__ import annotations

import io

import pytest

from assistant import bootstrap
from assistant.llm.base import Finished
from assistant.llm.scripted import ScriptedChat
from memory_store import Grouping
from tests.cli.conftest import Shell

PRICES = '{"scripted": {"input": 2.0, "cached": 0.5, "output": 10.0}}'


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedChat:
    """Let a model elsewhere answer, which counts its tokens and has a price."""
    counted = Finished("stop", "scripted", 1000, 200, 400)
    elsewhere = ScriptedChat(otherwise=["In the cellar.", counted], is_private=False)
    monkeypatch.setattr(bootstrap, "build_model", lambda _: elsewhere)
    monkeypatch.setenv("KEEPSAKE_PRICES", PRICES)
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "off")
    return elsewhere


def test_what_was_asked_is_added_up_by_model_role_chat_and_day(keepsake: Shell, model: ScriptedChat) -> None:
    assert keepsake("cost").out == "Nothing was asked of a model yet.\n"
    assert keepsake("ask", "Where is the key?").code == 0
    for grouping in Grouping:
        told = keepsake("cost", "--by", grouping.value, "--json").json
        [total] = told["totals"]
        assert (total["requests"], total["input_tokens"], total["cost"], total["unmeasured"]) == (1, 1000, 3400, 1)
        assert told["day"]["cost"] == told["month"]["cost"] == 3400
    assert keepsake("cost", "--since", "2999-01-01", "--json").json["totals"] == []
    assert len(keepsake("cost", "--since", "2000-01-01", "--json").json["totals"]) == 1
    lines = keepsake("cost", "--by", "chat").out.splitlines()
    assert lines[0].split() == ["CHAT", "REQUESTS", "IN", "CACHED", "OUT", "COST", "ENERGY"]
    assert lines[1].split("  ")[0] == "Asked from the shell"
    assert "$0.0034" in lines[1]
    assert "energy not known" in lines[1]


def test_the_latest_requests_are_listed_one_by_one(keepsake: Shell, model: ScriptedChat) -> None:
    assert keepsake("cost", "--latest", "5").out == "Nothing was asked of a model yet.\n"
    keepsake("ask", "Where is the key?")
    keepsake("ask", "And the lamp?")
    [line] = keepsake("cost", "--latest", "1").out.splitlines()
    assert line.endswith("answer: scripted, 1,000 tokens in (400 read before), 200 out, $0.0034, energy not known")
    listed = keepsake("cost", "--latest", "5", "--json").json["requests"]
    assert [(entry["purpose"], entry["state"], entry["cost"]) for entry in listed] == [("answer", "settled", 3400)] * 2


def test_a_question_that_a_budget_has_no_room_for_is_refused_with_choices(
    keepsake: Shell, model: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keepsake("ask", "Where is the key?").code == 0
    monkeypatch.setenv("KEEPSAKE_BUDGET__DAY_USD", "0.01")
    told = keepsake("ask", "And the lamp?")
    assert told.code != 0
    assert "The budget of $0.0100 a day has no room for this request: $0.0034 are used or reserved" in told.err
    assert "/effort instant" in told.err
    assert len(model.requests) == 1
    told = keepsake("cost")
    assert "Budget of a day: $0.0034 of $0.0100 used" in told.err
    assert keepsake("cost", "--json").json["budgets"] == [
        {"window": "day", "unit": "usd", "amount": 10_000, "used": 3400}
    ]


def test_the_chat_in_lines_tells_what_it_took(
    keepsake: Shell, model: ScriptedChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPSAKE_BUDGET__CHAT_TOKENS", "50000")
    monkeypatch.setattr("sys.stdin", io.StringIO("Where is the key?\n/cost\n"))
    told = keepsake("chat", "--plain")
    assert told.code == 0
    words = "1 request, 1,000 tokens in (400 read before), 200 out, $0.0034, energy not known"
    assert f"This chat: {words}" in told.err
    assert f"Today: {words}" in told.err
    assert "Budget of a chat: 1,200 tokens of 50,000 tokens used" in told.err
