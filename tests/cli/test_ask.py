"""`keepsake ask` with a model behind an endpoint: what becomes of answers that are none, and where they are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Shell
from tests.support.chat_server import ChatServer, Raw, Stream


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A scripted server that the settings name."""
    with ChatServer() as running:
        monkeypatch.setenv("KEEPSAKE_MODEL__PROVIDER", "openai")
        monkeypatch.setenv("KEEPSAKE_MODEL__NAME", "m")
        monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", running.url)
        monkeypatch.setenv("KEEPSAKE_MODEL__MAX_RETRIES", "0")
        yield running


@pytest.mark.parametrize(
    ("reply", "answer", "told"),
    [
        (Stream(("Half",), finish="length"), "Half\n", "reached its longest length"),
        (Stream(("Half",), finish="content_filter"), "Half\n", "filter"),
        (Stream((), finish="tool_calls"), "", "call a tool"),
        (Stream(()), "", "said nothing"),
    ],
)
def test_an_answer_that_is_not_whole_is_told_and_ends_with_one(
    keepsake: Shell, server: ChatServer, reply: Stream, answer: str, told: str
) -> None:
    server.script(reply)
    asked = keepsake("ask", "Which key?")
    assert (asked.code, asked.out) == (1, answer)
    assert told in asked.err


def test_an_emoji_cut_in_two_is_kept_whole(keepsake: Shell, server: ChatServer) -> None:
    halves = [rb'data: {"choices":[{"delta":{"content":"%s"}}]}' % half for half in (rb"The \ud83d", rb"\udd11.")]
    server.script(Stream([Raw(half + b"\n\n") for half in halves]))
    asked = keepsake("ask", "Which key?")
    assert (asked.code, asked.out) == (0, "The 🔑.\n"), asked.err


def test_reasoning_that_was_not_marked_at_its_beginning_is_told_apart(keepsake: Shell, server: ChatServer) -> None:
    server.script(*[Stream(("Hm.\n", "</think>\n\n", "Green."))] * 2)
    asked = keepsake("ask", "Which key?")
    assert asked.out.endswith("\nGreen.\n")
    assert "what the model thought" in asked.err
    assert keepsake("ask", "Which key?", "--json").json["answer"] == "Green."
