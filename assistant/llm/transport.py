"""The HTTP client for endpoints: what may leave this machine, and how much may come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from assistant.errors import ModelError
from memory_store.network import host_of, is_loopback

if TYPE_CHECKING:
    import httpx2

# Only what the protocol needs is sent, nothing that describes this machine.
ALLOWED_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
USER_AGENT = "keepsake"

# A line of a stream holds a few tokens; an answer in one piece holds at most a million characters, six bytes each when
# JSON escapes them. An answer of 128,000 tokens at some 400 bytes a chunk is 50 MB.
MAX_LINE_BYTES = 8 * 2**20
MAX_ANSWER_BYTES = 256 * 2**20
MAX_ERROR_BYTES = 2**20

# Azure takes a key in a header of its own; what comes as a bearer's token is another thing there.
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".azure-api.net")
_CHAT_PATH = "/chat/completions"
_MIN_SECRET_CHARACTERS = 6


def endpoint_url(base_url: str, path: str) -> str:
    """Return the address of something under a base URL, whose query (`?api-version=…`) stays behind the path.

    A base URL that is the address of the chat completions themselves is taken as what stands before it.
    """
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return base_url + path  # No address: the client says so.
    root = parts.path.rstrip("/").removesuffix(_CHAT_PATH).rstrip("/")
    return parts._replace(path=root + path, fragment="").geturl()


def secrets_in(base_url: str, api_key: str | None) -> tuple[str, ...]:
    """Return what must not be shown of an address and its key: the key, a password, the values of a query."""
    found = [api_key or ""]
    try:
        parts = urlsplit(base_url)
        found += [parts.password or "", unquote(parts.password or "")]
        found += [value for name, value in parse_qsl(parts.query) if name != "api-version"]
    except ValueError:
        pass  # No address: nothing in it is sent.
    return tuple(word for word in dict.fromkeys(found) if len(word) >= _MIN_SECRET_CHARACTERS or word == api_key)


def http_client(
    base_url: str, api_key: str | None, *, connect_timeout_s: float, read_timeout_s: float
) -> httpx2.AsyncClient:
    """Return a client that sends the key and nothing about the machine, and follows no redirects.

    For a loopback address it also ignores proxies from the environment: they would carry private text away.
    Importing `httpx2` and reading the certificates take 0.2 s, so call this in a thread.
    """
    import httpx2

    is_azure = host_of(base_url).endswith(_AZURE_HOSTS)
    is_anthropic = host_of(base_url) == "api.anthropic.com"

    async def only_what_is_needed(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if name not in ALLOWED_HEADERS]:
            del request.headers[name]
        request.headers["user-agent"] = USER_AGENT
        if api_key and is_azure:
            request.headers["api-key"] = api_key
        elif api_key:
            request.headers["authorization"] = f"Bearer {api_key}"
        if api_key and is_anthropic and request.method == "GET":
            # Its answers come as OpenAI's do, its list of models only in its own way.
            request.headers["x-api-key"] = api_key
            request.headers["anthropic-version"] = "2023-06-01"

    async def bounded(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _bounded_stream(response.stream, response.is_success)

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
        follow_redirects=False,
        trust_env=not is_loopback(base_url),
        event_hooks={"request": [only_what_is_needed], "response": [bounded]},
    )


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
