"""What each shape of batch API sends and reads, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from assistant.errors import ModelError
from assistant.llm import batches
from assistant.llm.base import ChatMessage, ChatRequest
from assistant.llm.batches import BATCHES, Answered, Batches, Found, NotAnswered
from assistant.llm.settings import BatchShape
from memory_store.clock import now
from memory_store.models import Role
from tests.support.batch_server import BatchServer

REQUEST = ChatRequest(
    (
        ChatMessage(Role.SYSTEM, "Be brief."),
        ChatMessage(Role.USER, "Is it warm?"),
        ChatMessage(Role.ASSISTANT, "Yes."),
        ChatMessage(Role.USER, "How warm?"),
        ChatMessage(Role.USER, "In degrees \ud83d."),
    ),
    100,
    0.3,
    reasoning="high",
)


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as running:
        yield running


def made(server: BatchServer, shape: BatchShape, key: str | None = "sk-hush-hush") -> Batches:
    return BATCHES[shape](server.url, "a-model", key, context_tokens=8192)


@pytest.mark.parametrize("shape", BatchShape)
def test_a_question_is_written_as_the_service_takes_it_with_the_key_alone(
    server: BatchServer, shape: BatchShape
) -> None:
    asked = made(server, shape)
    batch = asked.submit("lat_1", REQUEST)
    assert asked.look("lat_1", batch) is None
    [body] = server.begun
    assert (body["model"], body["max_tokens"]) == ("a-model", 100)
    roles = [message["role"] for message in body["messages"]]
    if shape is BatchShape.ANTHROPIC:
        assert (body["system"], roles) == ("Be brief.", ["user", "assistant", "user"])
    else:
        assert roles == ["system", "user", "assistant", "user", "user"]
    assert not {"temperature", "reasoning_effort", "stream"} & body.keys()
    for _, _, headers in server.requests:
        key = "x-api-key" if shape is BatchShape.ANTHROPIC else "authorization"
        assert "sk-hush-hush" in headers[key]
        assert len({"x-api-key", "authorization"} & headers.keys()) == 1
        assert headers["user-agent"] == "keepsake"
    asked.close()


def test_openai_itself_is_told_the_longest_answer_by_its_newer_name(
    server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "host_of", lambda _: "api.openai.com")  # models that think refuse the older one
    asked = made(server, BatchShape.OPENAI)
    asked.submit("lat_1", REQUEST)
    assert (server.begun[0]["max_completion_tokens"], "max_tokens" in server.begun[0]) == (100, False)


@pytest.mark.parametrize("shape", BatchShape)
def test_an_answer_is_read_with_its_tokens_and_only_that_of_the_own_question(
    server: BatchServer, shape: BatchShape
) -> None:
    asked = made(server, shape)
    batch = asked.submit("lat_1", REQUEST)
    server.end("<think>Hm.</think>Twelve." if shape is not BatchShape.ANTHROPIC else "Twelve.")
    outcome = asked.look("lat_1", batch)
    assert isinstance(outcome, Answered)
    assert (outcome.text.strip(), outcome.finished.model) == ("Twelve.", "a-model")
    assert (outcome.finished.input_tokens, outcome.finished.output_tokens) == (120, 30)
    assert outcome.finished.cached_tokens == (20 if shape is BatchShape.ANTHROPIC else None)
    assert outcome.cost == (321 if shape is BatchShape.OPENROUTER else None)
    assert asked.look("lat_2", batch) == NotAnswered("failed")


@pytest.mark.parametrize("shape", BatchShape)
def test_a_batch_that_is_gone_is_told_and_one_that_can_not_be_asked_is_an_error(
    server: BatchServer, shape: BatchShape
) -> None:
    asked = made(server, shape)
    outcome = asked.look("lat_1", "batch_../9")
    assert isinstance(outcome, NotAnswered)
    assert "no longer" in outcome.reason
    assert server.requests[-1][1].endswith("/batch_..%2F9")
    batch = asked.submit("lat_1", REQUEST)
    at = "messages/batches" if shape is BatchShape.ANTHROPIC else "batches"
    server.refuse[f"GET /v1/{at}/{batch}"] = 401
    with pytest.raises(ModelError, match="did not accept the API key"):
        asked.look("lat_1", batch)


@pytest.mark.parametrize("shape", BatchShape)
@pytest.mark.parametrize(("status", "doubtful"), [(400, False), (401, False), (429, False), (502, True)])
def test_only_what_the_service_may_have_taken_is_doubtful(
    server: BatchServer, shape: BatchShape, status: int, doubtful: bool
) -> None:
    at = "messages/batches" if shape is BatchShape.ANTHROPIC else "batches"
    server.refuse[f"POST /v1/{at}"] = status
    with pytest.raises(ModelError) as refused:
        made(server, shape).submit("lat_1", REQUEST)
    assert refused.value.was_sent == doubtful
    assert (server.files != {}) == (doubtful and shape is BatchShape.OPENAI)


def test_a_question_is_looked_for_among_batches_of_its_time_that_are_nobodys(server: BatchServer) -> None:
    asked = made(server, BatchShape.OPENROUTER)
    batch = asked.submit("lat_1", REQUEST)
    assert asked.find("lat_1", now()) == Found(None, is_sure=False)  # it tells once it has ended
    assert asked.find("lat_1", now(), {batch}) == Found(None)
    server.end("Twelve.")
    assert asked.find("lat_1", now()) == Found(batch)
    assert asked.find("lat_2", now()) == Found(None)
    for hours in (-3, 3):
        assert asked.find("lat_1", now() + timedelta(hours=hours)) == Found(None)


def test_a_body_that_would_fill_the_memory_is_refused(server: BatchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = made(server, BatchShape.OPENAI)
    batch = asked.submit("lat_1", REQUEST)
    monkeypatch.setattr(batches, "_MAX_BODY_BYTES", 20)
    with pytest.raises(ModelError, match="not in the format of batches"):
        asked.look("lat_1", batch)
