"""Embeddings by an OpenAI-compatible endpoint, whose answers are bounded in size and in time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, Vectors, normalize
from memory_store.errors import EmbeddingError
from memory_store.importing import one_at_a_time
from memory_store.network import client_options, display_url, endpoint_url, guard_request, is_loopback

if TYPE_CHECKING:
    import httpx2

_BATCH: Final = 64
# What a small body unfolds to is not bounded by its size.
_NOT_COMPRESSED: Final = {"Accept-Encoding": "identity"}
# 16,384 dimensions of 25 signs each are 400 kB: more than this is no vector.
_BYTES_A_TEXT: Final = 512 * 1024
_CHUNK: Final = 64 * 1024
_BUSY: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 8.0
# An endpoint that did not answer is left alone for a while, twice as long each time: recall by words does not wait.
_FIRST_REST_SECONDS: Final = 1.0
_LONGEST_REST_SECONDS: Final = 30.0
_HINT: Final = "Check that it is running, the model's name and the key; recall goes on from full text meanwhile."


class OpenAIEmbedder:
    """Calls `POST {base_url}/embeddings`. Prefixes are put before the texts, as models such as E5 need them.

    A query waits for `query_seconds` at most, up to 64 passages for `passage_seconds`, retries included. The
    dimension is not known before the first answer. `close` gives up what is waited for; a later call begins anew.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None,
        *,
        query_prefix: str = "",
        passage_prefix: str = "",
        query_seconds: float = 8.0,
        passage_seconds: float = 60.0,
        max_retries: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._model = model
        self._api_key = api_key
        self._prefixes = (query_prefix, passage_prefix)
        self._query_seconds = query_seconds
        self._passage_seconds = passage_seconds
        self._max_retries = max_retries
        self._clock = clock
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        self._running: set[_Request] = set()
        self._dimension = 0
        self._rest_until = 0.0
        self._rest_seconds = _FIRST_REST_SECONDS
        self._failure: EmbeddingError | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors; asks nobody, so its dimension is 0 before the first answer."""
        return EmbedderIdentity(f"openai/{self._model}", "|".join(self._prefixes) or "1", self._dimension)

    @property
    def is_private(self) -> bool:
        """True when the endpoint is on a loopback address."""
        return is_loopback(self._base_url)

    @property
    def endpoint(self) -> str | None:
        """The base URL, made for display."""
        return display_url(self._base_url)

    def load(self) -> None:
        """Nothing to load."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (n, dimension). Raises EmbeddingError."""
        prefixed = [self._prefixes[1] + text for text in texts]
        starts = range(0, len(prefixed), _BATCH)
        batches = [self._embed(prefixed[at : at + _BATCH], self._passage_seconds, self._max_retries) for at in starts]
        return np.concatenate(batches) if batches else np.zeros((0, self._dimension), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (dimension,). Raises EmbeddingError."""
        return np.asarray(self._embed([self._prefixes[0] + text], self._query_seconds, 0)[0], dtype=np.float32)

    def close(self) -> None:
        """Give up what is waited for, and close the connections."""
        with self._lock:
            client, self._client = self._client, None
            for request in self._running:
                request.give_up()
        if client is not None:
            client.close()

    def _embed(self, texts: list[str], seconds: float, retries: int) -> Vectors:
        if self._failure is not None and self._clock() < self._rest_until:
            raise self._failure
        try:
            vectors = self._parse(self._request(texts, seconds, retries), len(texts))
        except _ClosedError:
            raise  # the endpoint did nothing wrong
        except EmbeddingError as error:
            self._failure = error
            self._rest_until = self._clock() + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _LONGEST_REST_SECONDS)
            raise
        self._failure, self._rest_seconds = None, _FIRST_REST_SECONDS
        self._dimension = vectors.shape[1]
        return vectors

    def _request(self, texts: list[str], seconds: float, retries: int) -> bytes:
        """Return the body of an answer. It is waited for in another thread: no part of a request can take longer."""
        request = _Request(self._open(), self._base_url, seconds, retries)
        content = {"model": self._model, "input": texts, "encoding_format": "float"}
        worker = threading.Thread(target=request.run, args=(content,), name="keepsake-embedding-request", daemon=True)
        with self._lock:
            self._running.add(request)
        try:
            worker.start()
            if not request.done.wait(seconds):
                request.give_up()
                raise self._make_error(f"no answer within {seconds:g} seconds")
        finally:
            with self._lock:
                self._running.discard(request)
        if request.is_given_up:
            raise _ClosedError("The embedder was closed before its answer came.", "What waits gets its vectors later.")
        if request.body is None:
            raise self._make_error(request.reason)
        return request.body

    def _parse(self, body: bytes, count: int) -> Vectors:
        try:
            with np.errstate(over="ignore"):  # what is too large for a float32 is infinite, and refused below
                vectors = np.asarray([entry["embedding"] for entry in json.loads(body)["data"]], dtype=np.float32)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._make_error("what it answered is no list of vectors") from error
        if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
            raise self._make_error(f"it gave {vectors.shape} for {count} texts")
        if not np.isfinite(vectors).all():
            raise self._make_error("a vector holds what is no number")
        if self._dimension not in (0, vectors.shape[1]):
            raise self._make_error(f"it gave {vectors.shape[1]} dimensions, and {self._dimension} before")
        return normalize(vectors)

    def _make_error(self, reason: str) -> EmbeddingError:
        return EmbeddingError(f"The embeddings endpoint {self.endpoint} did not give vectors: {reason}.", _HINT)

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                with one_at_a_time:
                    import httpx2

                def only_what_is_needed(request: httpx2.Request) -> None:
                    guard_request(request, self._base_url, self._api_key)

                self._client = httpx2.Client(
                    **client_options(self._base_url),
                    timeout=self._passage_seconds,
                    event_hooks={"request": [only_what_is_needed]},
                )
            return self._client


class _ClosedError(EmbeddingError):
    """The embedder was closed while an answer was waited for."""


class _Request:
    """One request with its retries. `done` is set at its end; `body` is None where it failed, for `reason`."""

    def __init__(self, client: httpx2.Client, base_url: str, seconds: float, retries: int) -> None:
        self._client = client
        self._address = endpoint_url(base_url, "/embeddings")
        self._deadline = time.monotonic() + seconds
        self._retries = retries
        self._given_up = threading.Event()
        self.done = threading.Event()
        self.body: bytes | None = None
        self.reason = ""

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._given_up.is_set()

    def give_up(self) -> None:
        """Let who waits go on at once."""
        self._given_up.set()
        self.done.set()

    def run(self, content: dict[str, Any]) -> None:
        """Ask, again where that may help."""
        most_bytes = _BYTES_A_TEXT * (len(content["input"]) + 1)
        try:
            for attempt in range(self._retries + 1):
                pause = self._ask(content, most_bytes, min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))
                if pause is None or attempt == self._retries or self._given_up.wait(pause):
                    return
        finally:
            self.done.set()

    def _ask(self, content: dict[str, Any], most_bytes: int, pause: float) -> float | None:
        """Ask once; return after how many seconds it is worth asking again, None where it is not."""
        import httpx2

        try:
            with self._client.stream("POST", self._address, json=content, headers=_NOT_COMPRESSED) as answer:
                if answer.status_code != 200:
                    self.reason = f"it answered with status {answer.status_code}"
                    return _read_retry_after(answer, pause) if answer.status_code in _BUSY else None
                body = bytearray()
                for chunk in answer.iter_raw(_CHUNK):
                    body += chunk
                    if len(body) > most_bytes:
                        self.reason = f"its answer is longer than {most_bytes // 1024:,} kB"
                        return None
                    if self._given_up.is_set() or time.monotonic() > self._deadline:
                        self.reason = "its answer took too long"
                        return None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError, RuntimeError) as error:
            # RuntimeError: the client was closed meanwhile. ValueError: a header or an address that can't be sent.
            self.reason = type(error).__name__
            return pause if isinstance(error, httpx2.TransportError) else None
        self.body = bytes(body)
        return None


def _read_retry_after(answer: httpx2.Response, otherwise: float) -> float:
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), _LONGEST_PAUSE_SECONDS) if seconds.isdecimal() else otherwise
