"""The index: never believed, always checked, rebuilt on any doubt, and recall is right meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memory_store import Selection, Store
from memory_store.database import outbox
from memory_store.models import RecallFilters
from memory_store.vector_index.exact import ExactIndex
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder

WORDS = ("apple", "boiler", "cello", "dune", "ember", "fjord", "garnet", "harbour")


def filled(folder: Path) -> None:
    with Store.open(folder, HashEmbedder()) as store:
        add_document(store, "/words.md", *[f"{one} and {two}" for one in WORDS for two in WORDS])
        indexed(store)


def files_of_index(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "index").rglob("*")) if path.is_file()]


def truncate(folder: Path) -> None:
    for path in files_of_index(folder):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(folder: Path) -> None:
    for path in files_of_index(folder):
        path.write_bytes(bytes(path.stat().st_size))


def delete(folder: Path) -> None:
    shutil.rmtree(folder / "index")


def delete_vectors_alone(folder: Path) -> None:
    for path in files_of_index(folder):
        if path.name != "chroma.sqlite3":
            path.unlink()


def empty_everything(folder: Path) -> None:
    for path in files_of_index(folder):
        path.write_bytes(b"")


@pytest.mark.parametrize("count", [60, 2500])  # in Chroma's queue alone, and in its file of vectors too
def test_single_wrong_vector_is_found_at_open(tmp_path: Path, count: int) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        add_document(store, "/words.md", *[f"{WORDS[number % 8]} number {number}" for number in range(count)])
        indexed(store)
        assert store.verify() == []
        with store._database.read() as connection:
            vector = connection.execute("SELECT vector FROM embeddings ORDER BY seq LIMIT 1 OFFSET 41").fetchone()[0]
    piece = vector[64:96]
    changed = 0
    for path in files_of_index(tmp_path):
        data = path.read_bytes()
        if piece in data:
            path.write_bytes(data.replace(piece, bytes(byte ^ 1 for byte in piece)))
            changed += 1
    assert changed
    with Store.open(tmp_path, HashEmbedder()) as store:
        (finding,) = store.verify()
        assert "other vectors than the record" in finding
        indexed(store)
        assert store.verify() == []


@pytest.mark.parametrize("damage", [truncate, zero, delete, empty_everything])
def test_damaged_index_is_found_at_open_and_rebuilt_while_recall_stays_right(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        before = [hit.text for hit in store.recall("fjord cello", 5)]
    damage(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before
        assert store.verify() != []
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before
        indexed(store)
        assert store.verify() == []
        assert store._workshop.searchable_index() is not None
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before


def test_lost_vector_files_never_make_recall_wrong(tmp_path: Path) -> None:
    filled(tmp_path)
    delete_vectors_alone(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        index = store._workshop.searchable_index()
        assert index is not None
        found = index.search(HashEmbedder().embed_query("words\nfjord and cello"), 3, RecallFilters())
        assert found[0].score > 0.999


def test_older_index_that_was_swapped_in_is_found_and_rebuilt(tmp_path: Path) -> None:
    folder, kept = tmp_path / "memory", tmp_path / "kept"
    filled(folder)
    shutil.copytree(folder / "index", kept)
    with Store.open(folder, HashEmbedder()) as store:
        add_document(store, "/more.md", "glacier and lantern")
        indexed(store)
        assert store.verify() == []
    shutil.rmtree(folder / "index")
    shutil.copytree(kept, folder / "index")
    with Store.open(folder, HashEmbedder()) as store:
        assert any("lacks 1" in finding for finding in store.verify())
        assert store.recall("lantern")[0].text == "glacier and lantern"
        indexed(store)
        assert store.verify() == []


def test_rebuild_never_calls_the_embedder(tmp_path: Path) -> None:
    filled(tmp_path)
    delete(tmp_path)
    embedder = HashEmbedder()
    with Store.open(tmp_path, embedder) as store:
        indexed(store)
        assert store.verify() == []
    assert embedder.passages == []


def test_index_holds_no_text_and_no_title(tmp_path: Path) -> None:
    filled(tmp_path)
    everything = b"".join(path.read_bytes() for path in files_of_index(tmp_path))
    assert b"boiler" not in everything
    assert b"words" not in everything


def test_chroma_and_the_exact_scan_agree(tmp_path: Path) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        chroma = store._workshop.searchable_index()
        assert chroma is not None
        with store._database.read() as connection:
            stored = outbox.stored_embedder(connection)
        assert stored is not None
        exact = ExactIndex(store._database, stored[0], stored[1].dimension)
        vector = HashEmbedder().embed_query("harbour ember")
        ours, theirs = (index.search(vector, 64, RecallFilters()) for index in (exact, chroma))
        assert {hit.row for hit in ours} == {hit.row for hit in theirs}
        by_row = {hit.row: hit.score for hit in theirs}
        assert np.allclose([hit.score for hit in ours], [by_row[hit.row] for hit in ours], atol=0.01)


def test_only_one_process_owns_the_index_and_the_next_takes_over(tmp_path: Path) -> None:
    first = Store.open(tmp_path, HashEmbedder())
    second = Store.open(tmp_path, HashEmbedder())
    try:
        first.remember("The spare key is with Ines.")
        indexed(first)
        second.remember("The car key hangs in the hall.")
        second.embed_pending()
        assert not second.update_index()
        assert second.recall("car key")[0].text == "The car key hangs in the hall."
        first.close()
        assert second.update_index()
        assert second.verify() == []
    finally:
        first.close()
        second.close()


def test_full_segments_open_new_ones_and_an_erasure_touches_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEGMENT_CAPACITY", 20)
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = store.remember("A zither in the attic")
        indexed(store)
        before = {path.name for path in (tmp_path / "index").iterdir()}
        assert len(before) == 4
        store.forget(Selection((doomed.id,)))
        gone = before - {path.name for path in (tmp_path / "index").iterdir()}
        assert len(gone) == 1
        indexed(store)
        assert store.verify() == []
        assert len({path.name for path in (tmp_path / "index").iterdir()} - before) == 1
        assert [hit.text for hit in store.recall("zither attic", 3) if "zither" in hit.text] == []


def test_applying_the_outbox_twice_changes_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        with store._database.write() as connection:  # as after a kill between the index and the record
            connection.execute(
                "INSERT INTO outbox (operation, passage_row) SELECT 'index', passage_row FROM embeddings"
            )
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        assert store.verify() == []
        assert store.stats().to_index == 0


def test_background_thread_embeds_indexes_and_erases(store: Store) -> None:
    store.start_background()
    kept = store.remember("The spare key is with Ines.")
    gone = store.remember("A zither in the attic")
    wait_for(lambda: store.stats().to_embed == store.stats().to_index == 0)
    assert store.owns_index
    store.forget(Selection((gone.id,)))
    wait_for(lambda: store._workshop.searchable_index() is not None)
    assert [hit.source.id for hit in store.recall("spare key zither")] == [kept.id]
    assert store.background_error is None


def wait_for(condition: Callable[[], bool], tries: int = 20_000) -> None:
    """Wait for another thread's work by doing short reads of the store, which let it run."""
    for _ in range(tries):
        if condition():
            return
    raise AssertionError("it did not happen")
