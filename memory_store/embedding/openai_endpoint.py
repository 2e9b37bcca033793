"""Embeddings by an OpenAI-compatible endpoint."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, Vectors, normalized
from memory_store.errors import EmbeddingError
from memory_store.network import display_url, is_loopback

_BATCH: Final = 64


class OpenAIEmbedder:
    """Calls `POST {base_url}/embeddings`. Prefixes are put before the texts, as models such as E5 need them."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None,
        *,
        query_prefix: str = "",
        passage_prefix: str = "",
        timeout_seconds: float = 60.0,
        max_retries: int = 2,
    ) -> None:
        self._base_url = base_url
        self._model = model
        self._api_key = api_key
        self._prefixes = (query_prefix, passage_prefix)
        self._timeout = timeout_seconds
        self._max_retries = max_retries
        self._lock = threading.Lock()
        self._client: Any = None
        self._dimension: int | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors. Asks the endpoint once for the dimension."""
        if self._dimension is None:
            self._dimension = self._embed(["dimension"]).shape[1]
        return EmbedderIdentity(f"openai/{self._model}", "|".join(self._prefixes) or "1", self._dimension)

    @property
    def is_private(self) -> bool:
        """True when the endpoint is on a loopback address."""
        return is_loopback(self._base_url)

    @property
    def endpoint(self) -> str | None:
        """The base URL, made for display."""
        return display_url(self._base_url)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (n, dimension)."""
        prefixed = [self._prefixes[1] + text for text in texts]
        batches = [self._embed(prefixed[at : at + _BATCH]) for at in range(0, len(prefixed), _BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self.identity.dimension), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (dimension,)."""
        return np.asarray(self._embed([self._prefixes[0] + text])[0], dtype=np.float32)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _embed(self, texts: list[str]) -> Vectors:
        import openai

        try:
            answer = self._open().embeddings.create(model=self._model, input=texts, encoding_format="float")
            vectors = np.asarray([entry.embedding for entry in answer.data], dtype=np.float32)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise EmbeddingError(
                f"The embeddings endpoint {self._base_url} did not give vectors: {type(error).__name__}.",
                "Check that it is running, the model's name and the key; recall goes on from full text meanwhile.",
            ) from error
        if vectors.shape[:1] != (len(texts),) or vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise EmbeddingError(
                f"The embeddings endpoint {self._base_url} gave {vectors.shape} for {len(texts)} texts."
            )
        return normalized(vectors)

    def _open(self) -> Any:
        with self._lock:
            if self._client is None:
                import httpx2
                import openai

                # Environment proxies must not carry what is meant for this machine; redirects could lead away from it.
                http = httpx2.Client(
                    trust_env=not self.is_private,
                    follow_redirects=False,
                    timeout=self._timeout,
                    event_hooks={"request": [_strip_headers]},
                )
                self._client = openai.OpenAI(
                    base_url=self._base_url,
                    api_key=self._api_key or "none",
                    timeout=self._timeout,
                    max_retries=self._max_retries,
                    http_client=http,
                )
            return self._client


def _strip_headers(request: Any) -> None:
    """Remove what the client adds about the user's account and machine: an endpoint gets the texts and its own key."""
    for name in list(request.headers):
        if name.lower().startswith(("openai-", "x-stainless-")):
            del request.headers[name]
