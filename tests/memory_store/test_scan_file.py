"""The file that the scan maps: disposable, checked against the record, without a word, and wiped by an erasure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Selection, Store, receipts
from memory_store.embedding.base import Vectors, normalize, quantize
from memory_store.models import USER, Author, AuthorKind, RecallFilters, Role
from memory_store.vector_index import scan
from memory_store.vector_index.scan import ScanIndex
from memory_store.vector_index.scan_file import NAME
from tests.memory_store.support import add_document, indexed
from tests.memory_store.test_index import indexes
from tests.support.embedder import HashEmbedder

WORDS = ("apple", "boiler", "cello", "dune", "ember", "fjord", "garnet", "harbour")


@pytest.fixture(autouse=True)
def small_stores_have_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "WORTH_A_FILE", 16)


def filled(folder: Path) -> None:
    with Store.open(folder, HashEmbedder()) as store:
        add_document(store, "/words.md", *[f"{one} and {two}" for one in WORDS for two in WORDS])
        talk = store.conversations.start("Talk")
        by = Author(AuthorKind.USER, "Wilhelmina")
        store.conversations.append(talk.id, Role.USER, "I tune the cello in the harbour.", by, parent_id=None)
        indexed(store)
    assert (folder / NAME).stat().st_mode & 0o077 == 0


def scan_of(store: Store) -> ScanIndex:
    (index,) = indexes(store)
    assert isinstance(index, ScanIndex)
    return index


def found(store: Store, query: str, filters: RecallFilters | None = None) -> list[tuple[int, float]]:
    vector = HashEmbedder().embed_query(query)
    return [(hit.row, round(hit.score, 4)) for hit in scan_of(store).search(vector, 70, filters or RecallFilters())]


def mapped(store: Store) -> int:
    """Return how many vectors of the file are in use."""
    store.recall("cello")
    return int((scan_of(store)._mapped["rows"] >= 0).sum())


def test_mapped_scan_finds_what_a_scan_of_the_record_finds_with_any_filter(tmp_path: Path) -> None:
    filled(tmp_path)
    filters = [
        RecallFilters(),
        RecallFilters(include_private=False),
        RecallFilters(authors=frozenset({"Wilhelmina"})),
        RecallFilters(echoes=True),
    ]
    with Store.open(tmp_path, HashEmbedder()) as store:
        documents = frozenset({store.documents.all()[0].id})
        filters.append(RecallFilters(source_ids=documents))
        by_file = [found(store, "cello harbour", one) for one in filters]
        assert mapped(store) == 65
    (tmp_path / NAME).unlink()
    with Store.open(tmp_path, HashEmbedder()) as store:
        by_record = [found(store, "cello harbour", one) for one in filters]
        assert mapped(store) == 0
    assert [sorted(one) for one in by_file] == [sorted(one) for one in by_record]
    assert [len(one) for one in by_file] == [65, 65, 1, 65, 64]


def test_file_holds_no_word_no_name_and_no_id(tmp_path: Path) -> None:
    filled(tmp_path)
    data = (tmp_path / NAME).read_bytes()
    with Store.open(tmp_path, HashEmbedder()) as store:
        ids = [store.documents.all()[0].id, store.conversations.all()[0].id]
    for text in ("Wilhelmina", "cello", "words", *ids):
        assert text.encode() not in data


def test_what_is_stored_later_is_found_and_the_file_is_written_anew_in_time(tmp_path: Path) -> None:
    filled(tmp_path)
    written = (tmp_path / NAME).stat().st_ino
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("A glacier")
        indexed(store)
        assert store.recall("glacier", 1)[0].text == "A glacier"
        assert (mapped(store), (tmp_path / NAME).stat().st_ino == written) == (65, True)
        for number in range(5):
            store.remember(f"A lantern number {number}")
        indexed(store)
        assert (mapped(store), (tmp_path / NAME).stat().st_ino == written) == (71, False)
        assert store.recall("lantern number 3", 1)[0].text == "A lantern number 3"


def test_erased_vector_is_wiped_from_the_file_and_from_the_mapping_of_another_window(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = store.remember("A zither in the attic")
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store, Store.open(tmp_path, HashEmbedder()) as window:
        with store._database.read() as connection:
            (blob,) = connection.execute(
                "SELECT vector FROM embeddings WHERE passage_row = (SELECT row FROM passages WHERE memory_id = ?)",
                (doomed.id,),
            ).fetchone()
        coarse = quantize(np.frombuffer(blob, dtype="<f4")[None, :])[0].tobytes()
        assert coarse in (tmp_path / NAME).read_bytes()
        assert mapped(window) == 66
        place = scan_of(window)._mapped["rows"].tolist().index(1)
        erasure = store.forget(Selection((doomed.id,)))
        assert erasure.receipt is not None
        assert NAME in {file.name for file in receipts.parse_receipt(erasure.receipt).files}
        assert coarse not in (tmp_path / NAME).read_bytes()
        assert not scan_of(window)._mapped.arrays["vectors"][place].any(), "before it searches again"
        assert (mapped(window), mapped(store)) == (65, 65)
        assert [hit.text for hit in window.recall("zither attic", 3) if "zither" in hit.text] == []
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert mapped(store) == 65, "it fits the record without being read from it"


def test_erasure_of_a_process_without_an_embedder_wipes_the_file_too(tmp_path: Path) -> None:
    filled(tmp_path)
    with Store.open(tmp_path) as store:
        (document,) = store.documents.all()
        store.forget(Selection((document.id,)))
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert mapped(store) == 1


def test_erasure_that_leaves_the_file_alone_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    monkeypatch.setattr("memory_store.vector_index.scan_file.erase", lambda *_arguments: None)
    with Store.open(tmp_path, HashEmbedder()) as store:
        (document,) = store.documents.all()
        with pytest.raises(Exception, match=f"something of it is still in {NAME}"):
            store.forget(Selection((document.id,)))


def test_marks_of_the_record_hold_before_those_of_the_file(tmp_path: Path) -> None:
    filled(tmp_path)
    public = RecallFilters(include_private=False)
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.documents.set_private(store.documents.all()[0].id, True)
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert (len(found(store, "cello", public)), mapped(store)) == (1, 65)
        assert store.update_index()
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert (len(found(store, "cello", public)), mapped(store)) == (1, 65)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def zero(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def lose_vectors(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:4096] + bytes(65 * 64) + data[4096 + 65 * 64 :])


@pytest.mark.parametrize("damage", [truncate, zero, lose_vectors, Path.unlink])
def test_damaged_file_is_not_used_and_made_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        before = sorted(found(store, "fjord cello"))
    damage(tmp_path / NAME)
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert (sorted(found(store, "fjord cello")), mapped(store)) == (before, 0)
        assert store.update_index()
        assert (sorted(found(store, "fjord cello")), mapped(store)) == (before, 65)


def test_file_of_a_record_that_went_another_way_is_not_used(tmp_path: Path) -> None:
    folder, kept = tmp_path / "memory", tmp_path / "kept.db"
    filled(folder)
    shutil.copy(folder / "keepsake.db", kept)
    with Store.open(folder, HashEmbedder()) as store:
        for number in range(6):
            store.remember(NewMemory(f"A lantern number {number}"))
        indexed(store)
        assert mapped(store) == 71
    shutil.copy(kept, folder / "keepsake.db")  # as a backup that is put back
    with Store.open(folder, HashEmbedder()) as store:
        assert mapped(store) == 0
        for number in range(6):
            store.remember(NewMemory(f"A glacier number {number}"))
        store.embed_pending()
        assert mapped(store) == 0
        assert store.recall("glacier number 3", 1)[0].text == "A glacier number 3"


def test_author_without_a_name_is_filtered_like_any(tmp_path: Path) -> None:
    filled(tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        talk = store.conversations.start("More")
        store.conversations.append(talk.id, Role.USER, "I polish the cello.", USER, parent_id=None)
        store.embed_pending()
        assert len(found(store, "cello", RecallFilters(authors=frozenset({"Wilhelmina"})))) == 1


def test_sieve_of_a_large_store_keeps_what_is_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = iter(in_clusters(3000))
    monkeypatch.setattr(HashEmbedder, "embed_passages", lambda _self, texts: np.stack([next(vectors) for _ in texts]))
    with Store.open(tmp_path, HashEmbedder()) as store:
        add_document(store, "/many.md", *[f"passage number {number}" for number in range(3000)])
        indexed(store)
        index = scan_of(store)
        assert mapped(store) == 3000
        part = index._mapped
        queries = [part["vectors"][at] * part["scales"][at] for at in range(0, 3000, 100)]
        everywhere = [{hit.row for hit in index.search(query, 10, RecallFilters())} for query in queries]
        monkeypatch.setattr(scan, "_SIEVED_TO_AT_LEAST", 200)
        monkeypatch.setattr(scan, "_MANY_FOR_EACH", 10)
        assert len(index._likely(part, queries[0], 10, np.ones(3000, dtype=np.bool_))) < 500
        sieved = [{hit.row for hit in index.search(query, 10, RecallFilters())} for query in queries]
    assert np.mean([len(all_of & some) / 10 for all_of, some in zip(everywhere, sieved, strict=True)]) > 0.95


def in_clusters(count: int) -> Vectors:
    """Return vectors as a real embedder gives them: near to a common middle, and nearer to some of each other."""
    generator = np.random.default_rng(count)
    middles = 2 + generator.standard_normal((60, 64))
    chosen = middles[generator.integers(0, 60, count)] + 0.6 * generator.standard_normal((count, 64))
    return normalize(chosen.astype(np.float32))
