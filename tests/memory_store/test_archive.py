"""Archives: everything leaves, everything comes back, and a damaged one changes nothing."""

from __future__ import annotations

import json
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from memory_store.database import tables
from memory_store.errors import ArchiveError
from memory_store.models import USER, Author, AuthorKind, Citation, MessageStatus, Role
from memory_store.transfer import archive
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder


def fill(store: Store) -> None:
    document = add_document(store, "/旅行/计划.md", "动车 D8724 去丽江", "Tram 28", headings=("行程",), private=True)
    old = store.remember(NewMemory("Lives in Porto", pinned=True))
    store.memories.supersede(old.id, NewMemory("Lives in Lyon", private=True))
    conversation = store.conversations.start("Which train?")
    question = store.conversations.append(conversation.id, Role.USER, "Which train?", USER, parent_id=None)
    author = Author(AuthorKind.MODEL, "a-model")
    answer = store.conversations.append(
        conversation.id, Role.ASSISTANT, "", author, parent_id=question.id, status=MessageStatus.PENDING
    )
    passage = store.documents.passages(document.id)[0].id
    store.conversations.finish(
        answer.id,
        "D8724 [1]",
        author,
        MessageStatus.PARTIAL,
        citations=[Citation(1, passage, True)],
        input_tokens=3,
        output_tokens=4,
    )


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store._database.read() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.order)}"
                )
            ]
            for table in tables.ARCHIVED
        }


def test_restored_store_is_equal_and_recalls_without_embedding_again(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one", HashEmbedder()) as store:
        fill(store)
        indexed(store)
        before = rows_of(store)
        found = [(hit.id, hit.text, hit.locator, hit.author) for hit in store.recall("train to 丽江")]
        summary = store.export(tmp_path / "keep.zip", "1")
    assert stat.S_IMODE((tmp_path / "keep.zip").stat().st_mode) == 0o600
    assert summary.counts["passages"] == len(before["passages"])
    embedder = HashEmbedder()
    with Store.open(tmp_path / "two", embedder) as store:
        assert store.restore(tmp_path / "keep.zip").vectors_kept
        assert rows_of(store) == before
        indexed(store)
        assert [(hit.id, hit.text, hit.locator, hit.author) for hit in store.recall("train to 丽江")] == found
        assert store.verify() == []
    assert embedder.passages == []


def test_vectors_of_another_embedder_are_made_anew(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one", HashEmbedder()) as store:
        fill(store)
        indexed(store)
        store.export(tmp_path / "keep.zip", "1")
    with Store.open(tmp_path / "two", HashEmbedder(name="another")) as store:
        assert not store.restore(tmp_path / "keep.zip").vectors_kept
        indexed(store)
        assert store.stats().embedded == store.stats().passages
        store.check_embedder()


def test_forgotten_files_stay_forgotten_after_a_restore(tmp_path: Path) -> None:
    from memory_store import Selection

    with Store.open(tmp_path / "one") as store:
        document = add_document(store, "/a.md", "words")
        store.forget(Selection((document.id,)))
        store.export(tmp_path / "keep.zip", "1")
    with Store.open(tmp_path / "two") as store:
        store.restore(tmp_path / "keep.zip")
        assert store.documents.is_forgotten("/a.md", "")


def test_archive_is_readable_by_a_person(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one") as store:
        fill(store)
        store.export(tmp_path / "keep.zip", "1")
    with zipfile.ZipFile(tmp_path / "keep.zip") as source:
        names = source.namelist()
        assert any(name.startswith("markdown/documents/计划-") for name in names)
        text = "".join(source.read(name).decode() for name in names if name.startswith("markdown/"))
        manifest = json.loads(source.read("manifest.json"))
    assert all(words in text for words in ("动车 D8724 去丽江", "Lives in Porto", "D8724 [1]", "a-model"))
    assert set(manifest["sha256"]) == set(names) - {"manifest.json"}


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, data in members.items():
            changed = change(name, data)
            if changed is not None:
                target.writestr(name, changed)


def changed_text(name: str, data: bytes) -> bytes:
    return data.replace(b"Porto", b"Paris") if name == "data/memories.jsonl" else data


def lost_table(name: str, data: bytes) -> bytes | None:
    return None if name == "data/messages.jsonl" else data


def newer_format(name: str, data: bytes) -> bytes:
    present = f'"format_version": {archive.FORMAT_VERSION}'.encode()
    return data.replace(present, b'"format_version": 99') if name == "manifest.json" else data


def no_manifest(name: str, data: bytes) -> bytes | None:
    return None if name == "manifest.json" else data


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed_text, "changed after it was written"),
        (lost_table, "lacks data/messages.jsonl"),
        (newer_format, "format version 99"),
        (no_manifest, "not a Keepsake archive"),
    ],
)
def test_damaged_archive_is_refused_and_changes_nothing(
    tmp_path: Path, change: Callable[[str, bytes], bytes | None], reason: str
) -> None:
    with Store.open(tmp_path / "one") as store:
        fill(store)
        store.export(tmp_path / "keep.zip", "1")
    rewritten(tmp_path / "keep.zip", change)
    with Store.open(tmp_path / "two") as store:
        empty = rows_of(store)
        with pytest.raises(ArchiveError, match=reason):
            store.restore(tmp_path / "keep.zip")
        assert rows_of(store) == empty


def test_torn_or_foreign_file_is_refused(tmp_path: Path, store: Store) -> None:
    fill(store)
    store.export(tmp_path / "keep.zip", "1")
    torn = tmp_path / "torn.zip"
    torn.write_bytes((tmp_path / "keep.zip").read_bytes()[:500])
    with Store.open(tmp_path / "two") as other:
        for path in (torn, tmp_path / "missing.zip", tmp_path):
            with pytest.raises(ArchiveError):
                other.restore(path)


def test_failed_export_leaves_no_file_behind(tmp_path: Path, store: Store) -> None:
    with pytest.raises(ArchiveError):
        store.export(tmp_path / "no" / "such" / "folder.zip", "1")
    with pytest.raises(ArchiveError, match="folder"):
        store.export(tmp_path, "1")
    assert not list(tmp_path.glob("**/*.part"))


def test_export_of_five_thousand_passages_stays_in_bounded_memory(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one") as store:
        for number in range(5):
            add_document(store, f"/{number}.md", *[f"passage {number} {line} " + "word " * 150 for line in range(1000)])
        tracemalloc.start()
        try:
            store.export(tmp_path / "keep.zip", "1")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # 3.8 MB of text; what is held is buffers of a fixed size (4.1 MB from 5,000 passages to 30,000).
        assert peak < 6_000_000
