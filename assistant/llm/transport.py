"""The HTTP client for chat models: how much may come back; what may leave is for `memory_store.network` to say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from assistant.errors import ModelError
from memory_store.network import client_options, guard_request

if TYPE_CHECKING:
    import httpx2

# A line of a stream holds a few tokens; an answer in one piece holds at most a million characters, six bytes each when
# JSON escapes them. An answer of 128,000 tokens at some 400 bytes a chunk is 50 MB.
MAX_LINE_BYTES = 8 * 2**20
MAX_ANSWER_BYTES = 256 * 2**20
MAX_ERROR_BYTES = 2**20


def http_client(
    base_url: str, api_key: str | None, *, connect_timeout_s: float, read_timeout_s: float
) -> httpx2.AsyncClient:
    """Return a client that sends the key and nothing about the machine, and takes back only so much.

    Importing `httpx2` and reading the certificates take 0.2 s, so call this in a thread.
    """
    import httpx2

    async def only_what_is_needed(request: httpx2.Request) -> None:
        guard_request(request, base_url, api_key)

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
        **client_options(base_url),
        event_hooks={"request": [only_what_is_needed], "response": [bound_response]},
    )


def blocking_client(
    base_url: str, api_key: str | None, *, connect_timeout_s: float, read_timeout_s: float
) -> httpx2.Client:
    """Return a client like the other for what is done in a thread; what comes back is for the caller to bound."""
    import httpx2

    def only_what_is_needed(request: httpx2.Request) -> None:
        guard_request(request, base_url, api_key)

    return httpx2.Client(
        timeout=httpx2.Timeout(read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
        **client_options(base_url),
        event_hooks={"request": [only_what_is_needed]},
    )


async def bound_response(response: httpx2.Response) -> None:
    """Let a response fail that would fill the memory. Reading it raises ModelError then."""
    import httpx2

    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _bounded_stream(response.stream, response.is_success)


def _bounded_stream(inner: httpx2.AsyncByteStream, is_answer: bool) -> httpx2.AsyncByteStream:
    import httpx2

    max_line = MAX_LINE_BYTES if is_answer else MAX_ERROR_BYTES
    max_total = MAX_ANSWER_BYTES if is_answer else MAX_ERROR_BYTES

    class BoundedStream(httpx2.AsyncByteStream):
        """Refuses what would fill the memory: the layers above keep a line, or an error's whole body, in one piece."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            total = line = 0
            async for chunk in inner:
                total += len(chunk)
                newline = chunk.rfind(b"\n")
                line = line + len(chunk) if newline < 0 else len(chunk) - newline - 1
                if line > max_line or total > max_total:
                    raise ModelError(
                        "The endpoint sent far more than an answer can be.",
                        "Check that the base URL is one of a chat model.",
                    )
                yield chunk

        async def aclose(self) -> None:
            await inner.aclose()

    return BoundedStream()
