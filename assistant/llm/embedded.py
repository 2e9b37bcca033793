"""A chat model in this process: any GGUF file, run by llama.cpp through `xllamacpp`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import ModelError
from assistant.llm.base import ChatRequest, Finished, ModelEvent, ModelInfo
from assistant.llm.openai_chat import OpenAIChat, RetryPolicy

INSTALL_HINT = 'pip install "keepsake-assistant[local]"'
_GGUF_MAGIC = b"GGUF"
# llama.cpp looks for a closed connection between batches. With its 2048 a prompt of 1,800 tokens was read to its end,
# 7 s, after being cancelled; with 128 it stopped within 1 s and was read as fast (SmolLM2, 2 cores).
_BATCH_TOKENS = 128


def is_supported() -> bool:
    """Return whether GGUF files can be run, without importing anything heavy."""
    return importlib.util.find_spec("xllamacpp") is not None


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A running llama.cpp (an `xllamacpp.Server`, freed when it is dropped) and the adapter that talks to it."""

    server: Any
    chat: OpenAIChat


class EmbeddedChat:
    """Streams answers from a GGUF file. It is loaded with the first answer, in a thread.

    `context_tokens` is the size of the context window to reserve memory for; `threads` is how many cores to use, 0 for
    all. Raises `ModelError` if `xllamacpp` is missing or the file is no model.

    llama.cpp is spoken to over its own port on 127.0.0.1, so that it notices a closed connection even while it reads
    a long prompt, which its callbacks in process do not. The port asks for a key that only this object knows: other
    users of this machine can't use it, nor see prompts.
    """

    def __init__(
        self, model_path: Path, context_tokens: int = 4096, threads: int = 0, *, calls_tools: bool = False
    ) -> None:
        self._path = model_path
        self.info = ModelInfo(model_path.stem, True, None, context_tokens, calls_tools)
        self._threads = threads or os.cpu_count() or 1
        self._loading: asyncio.Task[_Loaded] | None = None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield deltas, then one `Finished`. Closing the iterator or cancelling the task stops the generation."""
        loaded = await self._load()
        async with aclosing(loaded.chat.stream(request)) as events:
            async for event in events:
                yield replace(event, model=self.info.name) if isinstance(event, Finished) else event

    async def close(self) -> None:
        """Stop llama.cpp and free its memory; a load under way is waited for."""
        loading, self._loading = self._loading, None
        if loading is None:
            return
        (outcome,) = await asyncio.gather(loading, return_exceptions=True)
        if isinstance(outcome, _Loaded):
            await outcome.chat.close()
            del loading
            # Freeing joins llama.cpp's threads, so it happens off the event loop: the box holds the last reference.
            box = [outcome.server]
            del outcome
            await asyncio.to_thread(box.clear)

    async def _load(self) -> _Loaded:
        """Load once, whoever asks first. Cancelling an answer does not stop the load: the next answer needs it too."""
        if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
            self._loading = asyncio.create_task(asyncio.to_thread(self._start))
        return await asyncio.shield(self._loading)

    def _start(self) -> _Loaded:
        self._check_file()
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelError("Running a model in this process needs the package xllamacpp.", INSTALL_HINT) from error
        key = secrets.token_urlsafe(32)
        try:
            server = xllamacpp.Server(self._parameters(xllamacpp, key))
        except RuntimeError as error:
            raise ModelError(
                f"{self._path.name} could not be loaded.",
                "The file may be damaged, or need more memory than there is: try a smaller model or context_tokens.",
            ) from error
        chat = OpenAIChat(
            f"{server.listening_address}/v1",
            self.info.name,
            key,
            context_tokens=self.info.context_tokens,
            retry=RetryPolicy(max_retries=0),
        )
        return _Loaded(server, chat)

    def _check_file(self) -> None:
        try:
            with self._path.open("rb") as file:
                magic = file.read(len(_GGUF_MAGIC))
        except OSError as error:
            reason = error.strerror or "unknown reason"
            raise ModelError(f"The model file {self._path} can't be read: {reason}.", "Check model_path.") from error
        if magic != _GGUF_MAGIC:
            raise ModelError(f"{self._path.name} is not a GGUF file.", "Set model_path to a file that ends in .gguf.")

    def _parameters(self, xllamacpp: Any, key: str) -> Any:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._path)
        parameters.verbosity = 0  # llama.cpp writes to the terminal by itself, which would destroy the screen.
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0
        parameters.api_keys = [key]
        parameters.endpoint_slots = False  # It would show prompts.
        parameters.ui = False
        parameters.offline = True
        parameters.n_ctx = self.info.context_tokens
        parameters.n_parallel = 1
        parameters.cpuparams.n_threads = self._threads
        parameters.cpuparams_batch.n_threads = self._threads
        parameters.n_threads_http = 4
        parameters.n_batch = parameters.n_ubatch = _BATCH_TOKENS
        parameters.cache_ram_mib = 0  # It keeps up to 8 GiB of past prompts otherwise.
        return parameters
