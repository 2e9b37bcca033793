"""Journeys through the chat with a real streaming server: long, fast, Chinese, resized, cut, refused, doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from assistant.tui.app import ChatApp
from memory_store import NewMemory, Store
from memory_store.models import MessageStatus
from tests.support.chat_server import ChatServer, Failure, Gate, Stream
from tests.support.embedder import HashEmbedder
from tests.tui.support import House, chatting, services_of, wait_until
from tests.tui.test_conversation import with_keys

WORDS = [f"word{number} " for number in range(1500)]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A scripted server."""
    with ChatServer() as running:
        yield running


def model_of(server: ChatServer, key: str | None = None, context_tokens: int = 8192) -> OpenAIChat:
    """Return a model behind the server."""
    retry = RetryPolicy(max_retries=0)
    return OpenAIChat(server.url, "scripted-model", key, retry=retry, context_tokens=context_tokens)


async def test_a_stream_as_fast_as_it_comes_is_shown_whole_and_keys_go_through_meanwhile(
    tmp_path: Path, server: ChatServer
) -> None:
    gate = Gate()
    server.script(Stream(pieces=(*WORDS[:750], gate, *WORDS[750:])))
    async with chatting(tmp_path, model_of(server)) as house:
        await house.say("Count")
        await house.until(lambda: house.answers and "word700" in house.answers[0].text)
        await house.press_keys("next")
        assert house.chat.prompt.text == "next"
        gate.open()
        await house.until(lambda: not house.chat.is_answering)
        assert house.answers[0].text.split() == "".join(WORDS).split()
        assert house.chat.prompt.text == "next"


async def test_the_window_may_change_while_an_answer_streams(tmp_path: Path, server: ChatServer) -> None:
    gates = [Gate() for _ in range(3)]
    server.script(Stream(pieces=(*WORDS[:100], gates[0], *WORDS[100:200], gates[1], *WORDS[200:300], gates[2], "end")))
    async with chatting(tmp_path, model_of(server), size=(100, 36)) as house:
        await house.say("Count")
        for gate, size in zip(gates, ((60, 20), (250, 80), (40, 12)), strict=True):
            await house.until(gate.reached.is_set)
            await house.pilot.resize_terminal(*size)
            await house.pilot.pause()
            assert house.chat.prompt.region.right <= size[0]
            assert house.chat.query_one("#status").region.bottom <= size[1]
            gate.open()
        await house.until(lambda: not house.chat.is_answering)
        assert house.answers[0].text.endswith("end")
        assert house.chat.transcript.is_vertical_scroll_end


async def test_a_hundred_kilobytes_are_pasted_folded_and_sent_whole(tmp_path: Path, server: ChatServer) -> None:
    text = "".join(f"line {number}: the boiler hums\n" for number in range(4000))
    assert len(text) > 100_000
    server.script(Stream(pieces=("Read.",)))
    async with chatting(tmp_path, model_of(server, context_tokens=100_000)) as house:
        house.chat.prompt.post_message(events.Paste(text))
        await house.until(lambda: house.chat.prompt.text)
        assert len(house.chat.prompt.text) < 100
        await house.pilot.press("enter")
        await house.until(lambda: house.answers and not house.chat.is_answering)
        assert "line 3999: the boiler hums" in server.chats[0].prompt


async def test_a_message_that_is_longer_than_the_window_is_refused_in_words(tmp_path: Path, server: ChatServer) -> None:
    server.script(Failure(400, "This model's maximum context length is 2048 tokens.", "context_length_exceeded"))
    async with chatting(tmp_path, model_of(server, context_tokens=2048)) as house:
        await house.say("word " * 20_000)
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert "context" in house.notices[0].lower()
        assert house.store.conversations.all()  # what was written is kept


async def test_chinese_is_typed_answered_and_cited(tmp_path: Path, server: ChatServer) -> None:
    server.script(Stream(pieces=("备用钥匙", "在十二号的", "伊内斯那里 [1]。")))

    def prepare(store: Store) -> None:
        store.remember(NewMemory("备用钥匙在十二号的伊内斯那里。"))

    async with chatting(tmp_path, model_of(server), prepare=prepare, size=(60, 20)) as house:
        for sign in "备用钥匙在哪里":
            await house.pilot.press(sign)
        assert house.chat.prompt.text == "备用钥匙在哪里"
        await house.pilot.press("enter")
        await house.until(lambda: house.answers and not house.chat.is_answering)
        assert house.answers[0].text == "备用钥匙在十二号的伊内斯那里 [1]。"
        assert house.answers[0].sources[0].cited


async def test_a_key_that_is_refused_says_so_and_what_to_do(tmp_path: Path, server: ChatServer) -> None:
    server.script(Failure(401, "Incorrect API key provided: sk-wrong."))
    async with chatting(tmp_path, model_of(server, "sk-wrong")) as house:
        await house.say("Hello")
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert "key" in house.notices[0].lower()
        assert "sk-wrong" not in house.notices[0]


async def test_a_model_that_the_endpoint_does_not_have_is_told(tmp_path: Path, server: ChatServer) -> None:
    server.script(Failure(404, "model 'scripted-model' not found", "model_not_found"))
    async with chatting(tmp_path, model_of(server)) as house:
        await house.say("Hello")
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert "scripted-model" in house.notices[0]


async def test_without_a_network_it_says_so_and_quotations_still_answer(tmp_path: Path) -> None:
    with ChatServer() as gone:
        model = model_of(gone)
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        await house.say("Who has our spare key?")
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert "/retry asks again" in house.notices[0]
        await house.say("/model quote")
        await house.until(lambda: any("answers from now on" in one for one in house.notices))
        answer = await house.ask("Who has our spare key?")
        assert "Ines at number 12" in answer.text


async def test_a_cut_connection_keeps_the_part_and_continue_ends_it(tmp_path: Path, server: ChatServer) -> None:
    server.script(Stream(pieces=("The first half",), cut=True), Stream(pieces=(" and the second.",)))
    async with chatting(tmp_path, model_of(server)) as house:
        await house.say("Tell me")
        await house.until(lambda: house.notices and not house.chat.is_answering)
        assert house.answers[0].text == "The first half"
        await house.say("/continue")
        await house.until(lambda: not house.chat.is_answering and house.answers[-1].text.endswith("second."))
        assert house.answers[-1].text == "The first half and the second."


async def test_two_windows_share_one_memory(tmp_path: Path) -> None:
    async with chatting(tmp_path) as first:
        with Store.open(tmp_path / "memory", HashEmbedder()) as store:
            store.start_background()
            app = ChatApp(lambda: services_of(store, first.model, tmp_path), blink=False)
            async with app.run_test(size=(80, 24)) as pilot:
                second = House(app, pilot, store, first.model)
                await wait_until(pilot, lambda: app.chat.is_open)
                await first.say("/remember The fence is green.")
                await first.until(lambda: first.notices)
                await second.say("/remember The gate is red.")
                await second.until(lambda: second.notices)
                assert {one.text for one in first.store.memories.all()} == {"The fence is green.", "The gate is red."}
                await second.ask("What colour is the fence?")
                await first.ask("And the gate?")
                assert len(first.store.conversations.all()) == 2
                await second.settled()


async def test_what_a_kill_cut_is_there_again(tmp_path: Path) -> None:
    """A kill -9 in mid-answer is `tests/faults/test_kill.py`; here is what the user sees afterwards."""

    def cut(store: Store) -> None:
        from memory_store.models import USER, Author, AuthorKind, Role

        talk = store.conversations.start("Stories")
        question = store.conversations.append(talk.id, Role.USER, "Tell me a story", USER, parent_id=None)
        model, pending = Author(AuthorKind.MODEL, "m"), MessageStatus.PENDING
        half = store.conversations.append(talk.id, Role.ASSISTANT, "", model, parent_id=question.id, status=pending)
        store.conversations.save_partial(half.id, "Once upon")
        store.drafts.keep(talk.id, "and then?")

    async with chatting(tmp_path, prepare=cut) as house:
        await house.pilot.press("ctrl+o")
        await house.until(lambda: house.app.screen is not house.chat)
        await house.pilot.pause()
        await house.pilot.press("enter")
        await house.until(lambda: house.answers)
        assert house.answers[0].text == "Once upon"
        assert "Incomplete" in house.answers[0].state
        assert house.chat.prompt.text == "and then?"
