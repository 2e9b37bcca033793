"""Chroma in the data folder, where it is chosen: checked, rebuilt on any doubt, and recall is right meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from memory_store import Selection, Store
from memory_store.database import outbox
from memory_store.errors import IndexUnavailableError
from memory_store.models import RecallFilters, SourceKind
from memory_store.vector_index import choice
from memory_store.vector_index.base import VectorIndex
from memory_store.vector_index.chroma import ChromaFolder, ChromaIndex
from memory_store.vector_index.scan import ScanIndex
from tests.memory_store.support import IN_CHROMA, add_document, indexed
from tests.support.embedder import HashEmbedder

WORDS = ("apple", "boiler", "cello", "dune", "ember", "fjord", "garnet", "harbour")


def opened(folder: Path, embedder: HashEmbedder | None = None) -> Store:
    return Store.open(folder, embedder or HashEmbedder(), IN_CHROMA)


def indexes(store: Store, filters: RecallFilters | None = None) -> Sequence[VectorIndex]:
    """Return the indexes that a recall would ask, in their order."""
    with store._database.read() as connection:
        stored = outbox.get_embedder(connection)
    assert stored is not None
    return store._indexes.to_ask(filters or RecallFilters(), *stored, private=False)


def asked(store: Store, filters: RecallFilters | None = None) -> type[VectorIndex]:
    return type(indexes(store, filters)[0])


def chroma_of(store: Store) -> ChromaIndex:
    index = indexes(store)[0]
    assert isinstance(index, ChromaIndex)
    return index


def filled(folder: Path) -> None:
    with opened(folder) as store:
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


@pytest.mark.parametrize("damage", [truncate, zero, delete, empty_everything])
def test_damaged_index_is_found_at_open_and_rebuilt_while_recall_stays_right(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        before = [hit.text for hit in store.recall("fjord cello", 5)]
    damage(tmp_path)
    with opened(tmp_path) as store:
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before
        assert store.verify() != []
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before
        indexed(store)
        assert store.verify() == []
        assert asked(store) is ChromaIndex
        assert [hit.text for hit in store.recall("fjord cello", 5)] == before


def test_lost_vector_files_never_make_recall_wrong(tmp_path: Path) -> None:
    filled(tmp_path)
    delete_vectors_alone(tmp_path)
    with opened(tmp_path) as store:
        indexed(store)
        found = chroma_of(store).search(HashEmbedder().embed_query("words\nfjord and cello"), 3, RecallFilters())
        assert found[0].score > 0.999


def test_older_index_that_was_swapped_in_is_found_and_rebuilt(tmp_path: Path) -> None:
    folder, kept = tmp_path / "memory", tmp_path / "kept"
    filled(folder)
    shutil.copytree(folder / "index", kept)
    with opened(folder) as store:
        add_document(store, "/more.md", "glacier and lantern")
        indexed(store)
        assert store.verify() == []
    shutil.rmtree(folder / "index")
    shutil.copytree(kept, folder / "index")
    with opened(folder) as store:
        assert any("has 64 vectors instead of 65" in finding for finding in store.verify())
        assert store.recall("lantern")[0].text == "glacier and lantern"
        indexed(store)
        assert store.verify() == []


def test_rebuild_never_calls_the_embedder(tmp_path: Path) -> None:
    filled(tmp_path)
    delete(tmp_path)
    embedder = HashEmbedder()
    with opened(tmp_path, embedder) as store:
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
    with opened(tmp_path) as store:
        indexed(store)
        chroma, scan = indexes(store)
        vector = HashEmbedder().embed_query("harbour ember")
        ours, theirs = (index.search(vector, 64, RecallFilters()) for index in (scan, chroma))
        assert {hit.row for hit in ours} == {hit.row for hit in theirs}
        by_row = {hit.row: hit.score for hit in theirs}
        assert np.allclose([hit.score for hit in ours], [by_row[hit.row] for hit in ours], atol=0.01)


def test_only_one_process_owns_the_index_and_the_next_takes_over(tmp_path: Path) -> None:
    first = opened(tmp_path)
    second = opened(tmp_path)
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
    with opened(tmp_path) as store:
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


def test_adding_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store, store._database.write() as connection:
        connection.execute("UPDATE index_segments SET applied_seq = 12")  # as after a kill between index and record
    with opened(tmp_path) as store:
        assert store.stats().to_index == 52
        assert store.verify() == []
        indexed(store)
        assert store.verify() == []
        assert store.stats().to_index == 0


def test_background_thread_embeds_indexes_and_erases(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.start_background()
        kept = store.remember("The spare key is with Ines.")
        gone = store.remember("A zither in the attic")
        wait_for(lambda: store.stats().to_embed == store.stats().to_index == 0)
        assert store.owns_index
        store.forget(Selection((gone.id,)))
        wait_for(lambda: asked(store) is ChromaIndex)
        assert [hit.source.id for hit in store.recall("spare key zither")] == [kept.id]
        assert store.background_error is None


def test_private_passages_are_left_out_of_what_chroma_finds_or_the_scan_is_asked(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        hidden = add_document(store, "/hidden.md", "fjord and cello once more", private=True)
        indexed(store)
        chroma, scan = indexes(store)
        with store._database.read() as connection:
            (row,) = connection.execute("SELECT row FROM passages WHERE document_id = ?", (hidden.id,)).fetchone()
        vector = HashEmbedder().embed_query("fjord cello")
        public, everything = RecallFilters(include_private=False), RecallFilters()
        for index in (chroma, scan):
            assert row in {hit.row for hit in index.search(vector, 9, everything)}
            assert row not in {hit.row for hit in index.search(vector, 9, public)}
        with store._database.write() as connection:
            connection.execute("UPDATE passages SET private = 1")
        with pytest.raises(IndexUnavailableError, match="private"):
            chroma.search(vector, 9, public)


@pytest.mark.parametrize(
    "filters",
    [
        RecallFilters(echoes=True),
        RecallFilters(kinds=frozenset({SourceKind.MEMORY})),
        RecallFilters(since=datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_filters_that_chroma_can_not_serve_go_to_the_scan(tmp_path: Path, filters: RecallFilters) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        indexed(store)
        assert asked(store) is ChromaIndex
        assert asked(store, filters) is ScanIndex


def test_small_store_builds_opens_and_keeps_nothing_of_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    assert files_of_index(tmp_path)
    monkeypatch.setattr(ChromaFolder, "create", None)
    monkeypatch.setattr(ChromaFolder, "open", None)
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        assert not (tmp_path / "index").exists()
        assert (store.verify(), store.stats().to_index) == ([], 0)
        assert asked(store) is ScanIndex
        monkeypatch.undo()
        monkeypatch.setattr(choice, "SCANNED_AT_MOST", 60)
        assert store.stats().to_index == 64
        indexed(store)
        assert (store.stats().to_index, asked(store)) == (0, ChromaIndex)


def wait_for(condition: Callable[[], bool], tries: int = 20_000) -> None:
    """Wait for another thread's work by doing short reads of the store, which let it run."""
    for _ in range(tries):
        if condition():
            return
    raise AssertionError("it did not happen")
