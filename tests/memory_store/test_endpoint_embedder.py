"""The embeddings endpoint: vectors over a real socket, private text kept back, failures that cost no recall."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Store, network
from memory_store.embedding.openai_endpoint import OpenAIEmbedder
from memory_store.errors import EmbedderMismatchError, EmbeddingError
from tests.support.chat_server import Body, ChatServer, Chunks, Failure, Gate, Raw


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
    assert {name.lower() for request in server.requests for name in request.headers} <= (
        network.ALLOWED_HEADERS | {"user-agent", "authorization"}
    )


def test_an_address_with_a_query_and_one_of_the_embeddings_themselves_are_understood() -> None:
    with ChatServer() as server:
        for address in (f"{server.url}?api-version=1", f"{server.url}/embeddings"):
            embedder = OpenAIEmbedder(address, "m", None)
            assert embedder.embed_query("one").shape
            embedder.close()
        assert not any("authorization" in request.headers for request in server.requests)


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


def test_an_endless_answer_is_cut_by_its_size_and_a_hanging_one_by_its_time() -> None:
    gate = Gate()
    with ChatServer() as server:
        server.script(Chunks(Raw(b" " * 65536) for _ in iter(int, 1)), Chunks((gate,)))
        embedder = OpenAIEmbedder(server.url, "m", None, query_seconds=20)
        with pytest.raises(EmbeddingError, match="longer than 1,024 kB"):
            embedder.embed_query("x")
        assert server.requests[0].disconnected.wait(10)
        hasty = OpenAIEmbedder(server.url, "m", None, query_seconds=0.1)
        with pytest.raises(EmbeddingError, match=r"no answer within 0\.1 seconds"):
            hasty.embed_query("x")
        gate.open()
        embedder.close()
        hasty.close()


def test_who_waits_for_an_answer_goes_on_when_the_embedder_is_closed() -> None:
    gate = Gate()
    with ChatServer() as server:
        server.script(Chunks((gate,)))
        embedder = OpenAIEmbedder(server.url, "m", None)

        def close() -> None:
            gate.reached.wait(10)
            embedder.close()

        closing = threading.Thread(target=close)
        closing.start()
        with pytest.raises(EmbeddingError):
            embedder.embed_query("x")
        closing.join()
        gate.open()
        assert embedder.embed_query("y").shape == (8,)
        embedder.close()


def test_an_endpoint_that_failed_is_left_alone_for_a_while_and_used_when_it_is_back(tmp_path: Path) -> None:
    now = 0.0
    with ChatServer() as server:
        embedder = OpenAIEmbedder(server.url, "m", None, max_retries=0, clock=lambda: now)
        with Store.open(tmp_path, embedder) as store:
            server.script(Failure(500))
            store.remember("The spare key is with Ines.")
            store.embed_pending()
            store.embed_pending()
            assert store.embedding_trouble is not None
            assert (len(server.requests), store.waiting_for_vectors()) == (1, 1)
            now += 1.1
            store.embed_pending()
            assert (len(server.requests), store.waiting_for_vectors()) == (2, 0)
            assert store.embedding_trouble is None
        embedder.close()


@pytest.mark.parametrize(
    "body",
    [b'{"data": [{"embedding": [1e300, 1.0]}]}', b'{"data": [{"embedding": []}]}', b'{"data": []}', b"{}", b"[1]"],
    ids=["infinite", "empty", "none", "no data", "a list"],
)
def test_what_is_no_vector_is_refused(body: bytes) -> None:
    with ChatServer() as server:
        server.script(Body(body, content_type="application/json"))
        embedder = OpenAIEmbedder(server.url, "m", None)
        with pytest.raises(EmbeddingError):
            embedder.embed_query("x")
        embedder.close()


def test_another_model_at_the_endpoint_leaves_recall_by_words_and_the_vectors_as_they_are(tmp_path: Path) -> None:
    with ChatServer(dimensions=8) as server:
        first = OpenAIEmbedder(server.url, "m", None)
        with Store.open(tmp_path, first) as store:
            store.remember("The spare key is with Ines.")
            store.embed_pending()
        server.dimensions = 16
        second = OpenAIEmbedder(server.url, "m", None)
        with Store.open(tmp_path, second) as store:
            assert store.recall("spare key")[0].text == "The spare key is with Ines."
            assert "stored vectors have 8" in str(store.embedding_trouble)
            store.remember("The boiler is old.")
            store.embed_pending()
            assert store.waiting_for_vectors() == 1
            with pytest.raises(EmbedderMismatchError):
                store.check_embedder()
            store.reindex()
            assert (store.waiting_for_vectors(), store.check_index()) == (0, [])
        first.close()
        second.close()


def test_a_store_is_reindexed_only_where_new_vectors_can_be_made(tmp_path: Path) -> None:
    with ChatServer() as server:
        first, other = OpenAIEmbedder(server.url, "m", None), OpenAIEmbedder(server.url, "n", None, max_retries=0)
        with Store.open(tmp_path, first) as store:
            store.remember("The spare key is with Ines.")
            store.embed_pending()
        server.script(Failure(500))
        with Store.open(tmp_path, other) as store, pytest.raises(EmbeddingError):
            store.reindex()
        with Store.open(tmp_path, first) as store:
            assert store.waiting_for_vectors() == 0
        first.close()
        other.close()


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
