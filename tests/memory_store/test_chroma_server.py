"""A Chroma server as the index: what it is sent and never sent, how it is erased, and that recall needs it not."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import Selection, Store, receipts
from memory_store.errors import ErasurePendingError, IndexUnavailableError
from memory_store.models import RecallFilters
from memory_store.vector_index import chroma
from memory_store.vector_index.base import IndexKind, IndexSettings
from memory_store.vector_index.chroma import ChromaIndex, ChromaServer
from memory_store.vector_index.scan import ScanIndex
from tests.memory_store.support import add_document, bytes_of, indexed
from tests.memory_store.test_index import asked, chroma_of
from tests.support.embedder import HashEmbedder

_RUN = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', 'run', *sys.argv[1:]])"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the address and the folder of a server, as `chroma run` starts it."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    running = subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert running.stdout is not None
    rest = threading.Thread(target=running.stdout.read)  # what it logs later would fill the pipe
    try:
        assert any(b"listening" in line for line in running.stdout), "the server did not start"
        rest.start()
        yield f"http://127.0.0.1:{port}", folder
    finally:
        running.kill()
        rest.join()
        running.stdout.close()
        running.wait()


def opened(folder: Path, url: str) -> Store:
    return Store.open(folder, HashEmbedder(), IndexSettings(IndexKind.SERVER, url, "a token"))


def names_on(url: str) -> set[str]:
    home = ChromaServer(url, None, "keepsake")
    try:
        return home._names()
    finally:
        home.close()


def test_server_is_asked_holds_no_text_and_is_erased_by_deletion(server: tuple[str, Path], tmp_path: Path) -> None:
    url, disk = server
    with opened(tmp_path / "memory", url) as store:
        add_document(store, "/words.md", *[f"a walk to the fjord number {number}" for number in range(50)])
        doomed = store.remember("A zither in the attic")
        indexed(store)
        assert not (tmp_path / "memory" / "index").exists()
        assert (asked(store), store.verify(), store.stats().to_index) == (ChromaIndex, [], 0)
        with store._database.read() as connection:
            (row,) = connection.execute("SELECT row FROM passages WHERE memory_id = ?", (doomed.id,)).fetchone()
        vector = HashEmbedder().embed_query("zither attic")
        assert chroma_of(store).search(vector, 1, RecallFilters())[0].row == row
        assert b"zither" not in bytes_of(disk)
        before = names_on(url)
        assert len(before) == 1
        erasure = store.forget(Selection((doomed.id,)))
        assert not before & names_on(url)
        assert erasure.receipt is not None
        assert f"the disk of the Chroma server {url.removeprefix('http://')}" in receipts.format_receipt(
            receipts.parse_receipt(erasure.receipt)
        )
        indexed(store)
        assert (len(names_on(url)), asked(store), store.verify()) == (1, ChromaIndex, [])
        assert row not in {hit.row for hit in chroma_of(store).search(vector, 60, RecallFilters())}
        assert store.requests.all() == []  # it is on this machine


def test_collection_that_is_gone_is_found_and_made_anew(server: tuple[str, Path], tmp_path: Path) -> None:
    url, _ = server
    with opened(tmp_path, url) as store:
        add_document(store, "/words.md", "a walk to the fjord")
        indexed(store)
        chroma_of(store)._home.keep_only(set())
    with opened(tmp_path, url) as store:
        assert store.recall("fjord walk")[0].text == "a walk to the fjord"
        assert len(store.verify()) == 1
        indexed(store)
        assert (asked(store), store.verify()) == (ChromaIndex, [])


def test_server_elsewhere_gets_nothing_private(
    server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = server
    monkeypatch.setattr(chroma, "is_loopback", lambda _url: False)
    with opened(tmp_path, url) as store:
        public = add_document(store, "/public.md", "a walk to the fjord", "a cello by the fjord")
        hidden = add_document(store, "/hidden.md", "a letter hidden at the fjord", private=True)
        indexed(store)
        index = chroma_of(store)
        assert [segment.count() for segment in index._open.values()] == [2]
        (sent,) = store.requests.all()
        assert (sent.endpoint, sent.model, sent.purpose, sent.items) == (
            url.removeprefix("http://"),
            "chroma",
            "embedding",
            2,
        )
        texts = {hit.text for hit in store.recall("fjord letter", 3)}
        assert texts == {"a walk to the fjord", "a cello by the fjord", "a letter hidden at the fjord"}
        assert store.requests.all()[0].purpose == "query"
        known = len(store.requests.all())
        assert store.recall("fjord letter", 3, private=True)
        assert len(store.requests.all()) == known, "a private query is not sent"

        store.documents.set_private(public.id, True)
        indexed(store)
        assert [segment.count() for segment in index._open.values()] == []
        store.documents.set_private(hidden.id, False)
        indexed(store)
        assert [segment.count() for segment in index._open.values()] == [1]


def test_server_that_does_not_answer_costs_no_recall_and_leaves_an_erasure_pending(
    server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = server
    with opened(tmp_path, url) as store:
        kept = store.remember("The spare key is with Ines.")
        gone = store.remember("A zither in the attic")
        indexed(store)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with opened(tmp_path, f"http://127.0.0.1:{port}") as store:
        assert asked(store) is ScanIndex
        assert [hit.source.id for hit in store.recall("spare key", 1)] == [kept.id]
        with pytest.raises(IndexUnavailableError, match="can't be used"):
            store.update_index()
        assert "can't be used" in store.verify()[0]
        with pytest.raises(ErasurePendingError, match="not yet complete"):
            store.forget(Selection((gone.id,)))
    with opened(tmp_path, url) as store:
        store.complete_erasures()
        assert store.stats().pending_erasures == 0


@pytest.mark.parametrize("proxy", ["http_proxy", "all_proxy"])
def test_server_on_this_machine_behind_a_proxy_counts_as_elsewhere(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    assert ChromaServer("http://127.0.0.1:8000", None, "keepsake").is_here
    monkeypatch.setenv(proxy, "http://proxy.example:3128")
    assert not ChromaServer("http://127.0.0.1:8000", None, "keepsake").is_here
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ChromaServer("http://127.0.0.1:8000", None, "keepsake").is_here
    assert not ChromaServer("http://chroma.example:8000", None, "keepsake").is_here
