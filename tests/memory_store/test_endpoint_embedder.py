"""The embeddings endpoint: vectors over a real socket, private text kept back, failures that cost no recall."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Store
from memory_store.embedding.openai_endpoint import OpenAIEmbedder
from memory_store.errors import EmbeddingError
from tests.support.chat_server import ChatServer, Failure


def test_vectors_are_unit_length_and_prefixes_and_the_key_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    with ChatServer() as server:
        embedder = OpenAIEmbedder(server.url, "m", "sk-own", query_prefix="query: ", passage_prefix="passage: ")
        vectors = embedder.embed_passages(["one", "two"])
        embedder.embed_query("three")
        embedder.close()
        sent = [request.json["input"] for request in server.requests]
        headers = " ".join(f"{name}: {value}" for request in server.requests for name, value in request.headers.items())
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert sent == [["passage: one", "passage: two"], ["query: three"]]
    assert "sk-own" in headers
    assert "sk-of-another-service" not in headers
    assert "org-secret" not in headers


def test_endpoint_that_fails_gives_a_hint_and_recall_goes_on_by_words(tmp_path: Path) -> None:
    with ChatServer() as server:
        embedder = OpenAIEmbedder(server.url, "m", None, max_retries=0)
        with Store.open(tmp_path, embedder) as store:
            store.remember("The spare key is with Ines.")
            store.embed_pending()
            server.script(Failure(500))
            assert store.recall("spare key")[0].text == "The spare key is with Ines."
            server.script(Failure(500))
            with pytest.raises(EmbeddingError, match="did not give vectors") as caught:
                embedder.embed_query("x")
            assert "recall goes on" in caught.value.hint
        embedder.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example"])
def test_private_text_is_never_embedded_elsewhere(tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def to_this_machine(name: str | bytes | None, *rest: object, **more: object) -> object:
        known = name in ("elsewhere.example", b"elsewhere.example")
        return resolve("127.0.0.1" if known else name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", to_this_machine)
    with ChatServer() as server:
        embedder = OpenAIEmbedder(server.url.replace("127.0.0.1", host), "m", None)
        with Store.open(tmp_path, embedder) as store:
            store.remember(NewMemory("cholesterol 3.9", private=True))
            store.remember("cholesterol is a lipid")
            store.embed_pending()
            assert store.waiting_for_vectors() == 0
            assert len(store.recall("cholesterol")) == 2
            sent = b"".join(request.body for request in server.requests).decode()
        embedder.close()
    assert "is a lipid" in sent
    assert ("cholesterol 3.9" in sent) == (host == "127.0.0.1")
