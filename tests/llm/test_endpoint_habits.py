"""What real services and servers do beside the specification, and what the OpenAI adapter makes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.llm.base import ChatMessage, ChatRequest, Finished
from assistant.llm.openai_chat import OpenAIChat
from assistant.llm.openai_chunks import read_chunk
from memory_store.models import Role
from memory_store.network import endpoint_url, secrets_in
from tests.llm.conftest import Answer, Pauses, a_request, ask
from tests.support.chat_server import Body, ChatServer, Failure, RecordedRequest, Reply, Stream

SSE = "text/event-stream"


@pytest.fixture
async def chat(server: ChatServer, pauses: Pauses) -> AsyncIterator[OpenAIChat]:
    model = OpenAIChat(server.url, "some-model", "sk-hush-hush", retry=pauses.policy(max_retries=1))
    yield model
    await model.close()


def chunk(content: Any = None, finish: Any = None, **delta: Any) -> dict[str, Any]:
    given = {**delta, **({} if content is None else {"content": content})}
    return {"choices": [{"index": 0, "delta": given, "finish_reason": finish}]}


def events(*values: Any) -> bytes:
    return b"".join(
        b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n" for value in values
    )


END, DONE = chunk(finish="stop"), b"[DONE]"
TEA = events(chunk("Green "), chunk("tea."), END, DONE)
OTHER = {"choices": [{"index": 1, "delta": {"content": "Coffee!"}}, {"index": 0, "delta": {"content": "Green tea."}}]}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(Body(events(chunk("Green ", ""), chunk("tea.", "null"), END)), id="a finish that is none"),
        pytest.param(Body(events(chunk("Green "), chunk("", "stop"), chunk("tea."), DONE)), id="text after the finish"),
        pytest.param(Body(events(chunk("Green tea."), DONE)), id="done without a reason"),
        pytest.param(Body(b": wait\n\nevent: ping\ndata: {}\n\nid: 7\n" + TEA), id="comments and other events"),
        pytest.param(Body(TEA.replace(b"\n\n", b"\r\n\r\n").replace(b"data: ", b"data:")), id="line ends and spaces"),
        pytest.param(Body(TEA.replace(b"\n\n", b"\n")), id="no blank lines"),
        pytest.param(Body(b"\xef\xbb\xbf" + TEA), id="a byte order mark"),
        pytest.param(Body(TEA, content_type="application/json"), id="events called JSON"),
        pytest.param(Body(TEA, content_type="application/octet-stream"), id="events called bytes"),
        pytest.param(Body(TEA, content_type="text/html"), id="events called a page"),
        pytest.param(Body(json.dumps(chunk("Green tea.", "stop"), indent=1).encode()), id="one value, indented"),
        pytest.param(
            Body(b'{"choices":[{"message":{"content":"Green tea."}}]}\n', 200, "application/json"),
            id="one value without a reason",
        ),
        pytest.param(
            Body(b"".join(json.dumps(one).encode() + b"\n" for one in (chunk("Green "), chunk("tea."), END))),
            id="a value a line",
        ),
        pytest.param(
            Body(b'{"message":{"content":"Green "},"done":false}\n{"message":{"content":"tea."},"done":true}\n'),
            id="Ollama's own form",
        ),
        pytest.param(Body(events(OTHER, END)), id="another choice first"),
        pytest.param(
            Body(events({"choices": [{"text": "Green tea.", "finish_reason": "stop"}]})), id="a text completion"
        ),
        pytest.param(
            Body(events(chunk("Green "), chunk("tea."), {"choices": [{"message": {"content": "Green tea."}}]}, END)),
            id="the whole once more as a message",
        ),
        pytest.param(
            Body(events(chunk("Gr"), chunk("Green"), chunk("Green te"), chunk("Green tea."), END)),
            id="each piece repeats the ones before",
        ),
        pytest.param(
            Body(b'data: {"choices":[{"delta":\ndata: {"content":"Green tea."}}]}\n\n' + events(END)), id="two"
        ),
    ],
)
async def test_the_answer_is_read_whatever_its_dress(server: ChatServer, chat: OpenAIChat, body: Body) -> None:
    server.script(body)
    answer = await ask(chat)
    assert answer.text == "Green tea."
    assert answer.finished is not None
    assert answer.finished.reason == "stop"


async def test_pieces_that_begin_alike_by_chance_are_kept(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Stream(("1", "10", "0 is", " much")), Stream(("ha", "haha")), Stream(("No. ", "No. ", "No.")))
    assert [(await ask(chat)).text for _ in range(3)] == ["1100 is much", "hahaha", "No. No. No."]


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
async def test_a_character_cut_in_two_is_joined(server: ChatServer, chat: OpenAIChat, field: str) -> None:
    halves = [b'{"choices":[{"delta":{"%s":"%s"}}]}' % (field.encode(), half) for half in (rb"a \ud83c", rb"\udf75 b")]
    alone = b'{"choices":[{"delta":{"%s":"\\ud83c!"}}]}' % field.encode()
    server.script(Body(events(*halves, alone, chunk("."), END)))
    answer = await ask(chat)
    assert answer.text + answer.thinking in {"a 🍵 b\ufffd!.", ".a 🍵 b\ufffd!"}


@pytest.mark.parametrize(
    "pieces",
    [
        ("<thinking>hm", "</thinking>Green tea."),
        ("<thought>\nhm</thought>\n", "\nGreen tea."),
        ("[THINK]hm[/THINK]Green tea.",),
        ("◁think▷hm◁/think▷Green tea.",),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant", "<|channel|>final<|message|>Green tea."),
    ],
)
async def test_reasoning_is_folded_however_it_is_marked(
    server: ChatServer, chat: OpenAIChat, pieces: tuple[str, ...]
) -> None:
    server.script(Stream(pieces))
    answer = await ask(chat)
    assert (answer.thinking.strip(), answer.text) == ("hm", "Green tea.")


async def test_reasoning_among_the_parts_of_the_content_is_folded(server: ChatServer, chat: OpenAIChat) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    details = [{"type": "reasoning.text", "text": ", yes"}]
    server.script(
        Body(events(chunk([thought]), chunk(reasoning_details=details), chunk([{"type": "text", "text": "Tea."}]), END))
    )
    answer = await ask(chat)
    assert (answer.thinking, answer.text) == ("hm, yes", "Tea.")


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 512 tokens. You requested 700 tokens.",
        "the request exceeds the available context size, try increasing it",
        "Trying to keep the first 700 tokens when context the overflows.",
        "`inputs` tokens + `max_new_tokens` must be <= 512",
        "prompt is too long: 700 tokens > 512 maximum",
        "The input token count (700) exceeds the maximum number of tokens allowed (512).",
        "Range of input length should be [1, 512]",
        "Input is too long for requested model.",
        "提示词过长：超过模型上下文",
    ],
)
@pytest.mark.parametrize("status", [400, 422, 500, 200])
async def test_a_prompt_that_is_too_long_is_recognised_in_any_words(
    server: ChatServer, chat: OpenAIChat, words: str, status: int
) -> None:
    server.script(Body(json.dumps({"error": words}).encode(), status, "application/json"))
    with pytest.raises(ModelError) as caught:
        await ask(chat)
    assert "longer than “some-model” can take" in caught.value.message
    assert words in caught.value.message
    assert len(server.chats) == 1


def error(value: Any, status: int = 400) -> Body:
    return Body(json.dumps(value).encode(), status, "application/json")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (
            error({"detail": [{"loc": ["body", "messages"], "msg": "field missing"}]}, 422),
            "body.messages: field missing",
        ),
        (error({"detail": "Bad fortune"}), "Bad fortune"),
        (error({"error": "Bad fortune"}), "Bad fortune"),
        (error({"message": "Bad fortune"}), "Bad fortune"),
        (error([{"error": {"message": "Bad fortune", "status": "X"}}]), "Bad fortune"),
        (error({"errors": [{"message": "Bad"}, {"message": "fortune"}]}), "Bad fortune"),
        (error({"error": {"message": "Upstream:", "metadata": {"raw": '{"error":"Bad fortune"}'}}}), "Upstream: Bad f"),
        (Body(b"Bad fortune", 400, "text/plain"), "Bad fortune"),
        (Body(b"<html><title>Bad fortune</title></html>", 400, "text/html"), "Bad fortune"),
        (error({"error": {"message": "Bad fortune", "code": 503}}, 200), "error 503. It said: Bad fortune"),
        (error({"message": "Bad fortune"}, 200), "chat completions format. It said: Bad fortune"),
        (Body(b'event: error\ndata: {"message":"Bad fortune"}\n\n'), "Bad fortune"),
        (Body(b"event: error\ndata: Bad fortune\n\n"), "Bad fortune"),
        (Body(b'error: {"message":"Bad fortune"}\n\n'), "Bad fortune"),
        (Body(b'{"error":"Bad fortune"}', content_type=SSE), "Bad fortune"),
        (Body(events({**chunk(""), "error": {"message": "Bad fortune"}}, DONE)), "Bad fortune"),
        (error({"error": "Bad fortune of sk-hush-hush"}), "Bad fortune of ***"),
    ],
)
async def test_the_servers_own_words_are_shown(server: ChatServer, chat: OpenAIChat, reply: Reply, says: str) -> None:
    server.script(reply, reply)
    with pytest.raises(ModelError) as caught:
        await ask(chat)
    assert says in caught.value.message
    assert "sk-hush" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("reply", "message", "hint"),
    [
        (Failure(400, "foo is not a valid model ID"), "knows no model", "/models"),
        (Failure(404, "page not found"), "no chat completions there", "/v1"),
        (Failure(405, "Method Not Allowed"), "no chat completions there", "/v1"),
        (Failure(503, "Loading model"), "still loading", "minute"),
        (Failure(413, "Request too large on tokens per minute (TPM): Limit 6, Requested 9"), "your plan", "minute"),
        (Failure(403, "Insufficient balance"), "no credit", "billing"),
    ],
)
async def test_the_next_step_fits_what_was_said(
    server: ChatServer, chat: OpenAIChat, reply: Reply, message: str, hint: str
) -> None:
    server.script(reply, reply)
    with pytest.raises(ModelError) as caught:
        await ask(chat)
    assert message in caught.value.message
    assert hint in caught.value.hint


def refusing(wrong: str, words: str, status: int = 400) -> Any:
    """Return a server's habit: what has this in its request is refused with these words."""

    def answer(request: RecordedRequest) -> Reply:
        return Failure(status, words) if wrong in json.dumps(request.json) else Stream(("Green tea.",))

    return answer


@pytest.mark.parametrize(
    ("wrong", "words", "status"),
    [
        ('"role": "system"', "System role not supported", 400),
        ('"role": "system"', "Developer instruction is not enabled for this model", 400),
        ('"role": "system"', "Jinja: System role not supported", 500),
        ('"role": "system"', "Conversation roles must alternate user/assistant/user/...", 400),
        ('"stream": true', "Your organization must be verified to stream this model.", 400),
        ("max_", "max_tokens and max_completion_tokens are not permitted", 422),
        ("temperature", "temperature: extra fields not permitted", 422),
    ],
)
async def test_what_a_server_refuses_is_done_without(
    server: ChatServer, chat: OpenAIChat, wrong: str, words: str, status: int
) -> None:
    server.answer = refusing(wrong, words, status)
    messages = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "What shall I drink?"))
    request = ChatRequest(messages, max_tokens=9, temperature=0.2)
    assert (await ask(chat, request)).text == "Green tea."
    asked = len(server.chats)
    assert "Be brief." in server.chats[-1].prompt
    await ask(chat, request)
    assert len(server.chats) == asked + 1, "it is known from now on"


async def test_messages_of_one_role_in_a_row_are_joined_where_roles_must_alternate(
    server: ChatServer, chat: OpenAIChat
) -> None:
    server.script(Failure(400, "Conversation roles must alternate user/assistant/user/..."))
    await ask(chat, a_request("First.", "Second."))
    assert server.chats[-1].json["messages"] == [{"role": "user", "content": "First.\n\nSecond."}]


@pytest.mark.parametrize("finish", ["length", "content_filter", "tool_calls"])
async def test_the_reason_is_passed_on(server: ChatServer, chat: OpenAIChat, finish: str) -> None:
    server.script(Stream(("Green",), finish=finish, usage=None))
    assert (await ask(chat)).finished == Finished(finish, "scripted-model")


async def test_an_error_after_text_keeps_the_text(server: ChatServer, chat: OpenAIChat) -> None:
    server.script(Body(events(chunk("Green "), {"error": {"message": "Worker lost"}})))
    answer = Answer()
    with pytest.raises(ModelError, match="Worker lost"):
        await ask(chat, into=answer)
    assert (answer.text, len(server.chats)) == ("Green ", 1)


async def test_the_query_of_a_base_url_stays_behind_the_path(server: ChatServer) -> None:
    model = OpenAIChat(f"{server.url}/?api-version=2026-01&key=hush-hush", "m")
    server.script(Failure(400, "not with key=hush-hush"), Stream())
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.close()
    assert server.requests[0].path == "/v1/chat/completions?api-version=2026-01&key=hush-hush"
    assert "hush" not in caught.value.message + caught.value.hint


def test_the_address_of_the_chat_completions_is_a_base_url_too() -> None:
    assert endpoint_url("https://a.example/v1/chat/completions", "/models") == "https://a.example/v1/models"
    assert endpoint_url("https://a.example/v1/", "/models") == "https://a.example/v1/models"
    assert endpoint_url("https://[broken", "/models") == "https://[broken/models"
    assert secrets_in("https://me:pass%21word@a.example/?api-version=2026&k=longer", "k") == (
        "k",
        "pass%21word",
        "pass!word",
        "longer",
    )


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 40}}, 40),
        ({"prompt_cache_hit_tokens": 30}, 30),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": "many"}}, None),
    ],
)
def test_tokens_that_were_read_before_are_counted(usage: dict[str, object], cached: int | None) -> None:
    chunk = read_chunk({"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 2, **usage}})
    assert (chunk.input_tokens, chunk.cached_tokens) == (50, cached)
