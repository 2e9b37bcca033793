"""Damage to the database itself: told clearly, and everything that can still be read is saved."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from memory_store import NewMemory, Selection, Store, health
from memory_store.errors import Action, CorruptStoreError, Step, StoreError
from memory_store.health import State
from memory_store.models import USER, Role
from memory_store.salvage import salvage
from memory_store.store import DATABASE_NAME
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with Store.open(folder, HashEmbedder()) as store:
        for number in range(40):
            add_document(
                store, f"/notes/{number}.md", *[f"line {line} of note {number} zq{number}x{line}" for line in range(12)]
            )
        conversation = store.conversations.start("Chat")
        parent: str | None = None
        for number in range(60):
            parent = store.conversations.append(
                conversation.id, Role.USER, f"message {number}", USER, parent_id=parent
            ).id
            store.remember(NewMemory(f"fact {number}", sources=(parent,)))
        indexed(store)
        store._database.truncate_log(1.0)
    return folder


@pytest.fixture
def filled(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "data")


def schema_pages(data: bytes | bytearray) -> set[int]:
    """Return the numbers, from 0, of the pages that hold the schema: the first, and those that it points to."""
    cells, right = int.from_bytes(data[103:105]), int.from_bytes(data[108:112])
    places = [int.from_bytes(data[112 + 2 * at :][:2]) for at in range(cells)]
    return {0, right - 1, *(int.from_bytes(data[place : place + 4]) - 1 for place in places)}


def damage(folder: Path, pages: int, seed: int) -> None:
    """Overwrite random pages, but none that hold the schema."""
    path = folder / DATABASE_NAME
    data = bytearray(path.read_bytes())
    chosen = random.Random(seed)
    others = sorted(set(range(len(data) // 4096)) - schema_pages(data))
    for page in chosen.sample(others, pages):
        data[page * 4096 : (page + 1) * 4096] = chosen.randbytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(3))
def test_rows_outside_of_damaged_pages_are_saved_into_a_sound_store(filled: Path, tmp_path: Path, seed: int) -> None:
    damage(filled, 5, seed)
    before = (filled / DATABASE_NAME).read_bytes()
    result = salvage(filled, tmp_path / "saved")
    assert (filled / DATABASE_NAME).read_bytes() == before
    for table, count in {"documents": 40, "messages": 60, "memories": 60, "passages": 600}.items():
        assert result.saved[table] + result.lost[table] <= count  # at least: the damage may have hit every index
    assert sum(result.saved.values()) > 200
    with Store.open(tmp_path / "saved", HashEmbedder()) as store:
        indexed(store)
        for document in store.documents.all():
            for passage in store.documents.passages(document.id)[-1:]:
                mark = passage.text.split()[-1]
                assert store.recall(mark, 1)[0].text == passage.text
        assert [check for check in health.examine(store) if check.state is not State.OK] == []


def overwrite(folder: Path, pages: set[int]) -> None:
    path = folder / DATABASE_NAME
    data = bytearray(path.read_bytes())
    for page in pages:
        data[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["the first page", "the pages of the schema", "every root of a table"])
def test_rows_are_saved_without_a_schema_or_the_roots_of_their_tables(filled: Path, tmp_path: Path, what: str) -> None:
    path = filled / DATABASE_NAME
    pages = {0} if what == "the first page" else schema_pages(path.read_bytes())
    if what == "every root of a table":
        with closing(sqlite3.connect(path)) as connection:
            query = "SELECT rootpage FROM sqlite_master WHERE name IN ('documents', 'messages', 'passages', 'memories')"
            pages = {row[0] - 1 for row in connection.execute(query)}
    overwrite(filled, pages)
    with pytest.raises(StoreError), Store.open(filled) as store:
        store.recall("line", 1)
    result = salvage(filled, tmp_path / "saved")
    assert (result.saved["documents"], result.saved["messages"], result.saved["memories"]) == (40, 60, 60)
    assert (result.saved["passages"], result.saved["embeddings"]) == (600, 600)
    with Store.open(tmp_path / "saved", HashEmbedder()) as store:
        indexed(store)
        assert store.recall("zq7x3", 1)[0].text == "line 3 of note 7 zq7x3"
        assert [check for check in health.examine(store) if check.state is not State.OK] == []


def test_what_was_only_in_the_log_is_saved_and_what_was_forgotten_is_not(filled: Path, tmp_path: Path) -> None:
    with Store.open(filled) as store:
        gone = store.memories.all()[0]
        store.forget(Selection((gone.id,)))
        kept = store.remember("written last, and in the log alone")
        subprocess.run(["cp", "-r", filled, tmp_path / "torn"], check=True)  # as a power cut leaves it
    overwrite(tmp_path / "torn", {0})
    result = salvage(tmp_path / "torn", tmp_path / "saved")
    assert result.saved["memories"] == 60
    with Store.open(tmp_path / "saved") as store:
        assert store.memories.get(kept.id).text == "written last, and in the log alone"
        assert store.is_forgotten(gone.id)


def test_chain_of_pages_that_leads_in_a_circle_comes_to_an_end(filled: Path, tmp_path: Path) -> None:
    with Store.open(filled) as store:
        store.remember("a long memory " * 2000)
        store._database.truncate_log(1.0)
    path = filled / DATABASE_NAME
    data = bytearray(path.read_bytes())
    text = data.index(b"a long memory a long memory", 4096)
    page = text // 4096
    following = page + 1
    for number in (following, following + 1):
        data[number * 4096 : number * 4096 + 4] = (following + 1).to_bytes(4, "big")
    path.write_bytes(data)
    assert salvage(filled, tmp_path / "saved").saved["documents"] == 40


def test_sound_store_is_salvaged_whole(filled: Path, tmp_path: Path) -> None:
    result = salvage(filled, tmp_path / "saved")
    assert (result.saved["documents"], result.saved["passages"], result.saved["memories"]) == (40, 600, 60)
    assert result.saved["embeddings"] == 600
    assert set(result.lost.values()) == {0}
    with pytest.raises(StoreError, match="holds a store already"):
        salvage(filled, tmp_path / "saved")


def test_file_that_is_no_database_any_more_is_told(filled: Path, tmp_path: Path) -> None:
    (filled / DATABASE_NAME).write_bytes(b"\x17" * 50_000)
    with pytest.raises(CorruptStoreError, match="damaged") as caught:
        Store.open(filled)
    assert caught.value.steps == (Step(Action.SALVAGE),)
    with pytest.raises(CorruptStoreError, match="No row can be read"):
        salvage(filled, tmp_path / "saved")


def test_checkup_finds_each_trouble_and_repair_mends_what_it_can(filled: Path) -> None:
    with closing(sqlite3.connect(filled / DATABASE_NAME)) as connection, connection:
        connection.execute("DELETE FROM passages_fts_data WHERE id > 1000")
    (filled / "stranger.txt").write_text("not ours")
    filled.chmod(0o755)
    with Store.open(filled, HashEmbedder()) as store:
        store.remember("waits for its vector")
        states = {check.name: check for check in health.examine(store)}
        assert states["full text"].state is State.FAILED
        assert states["full text"].steps == (Step(Action.REPAIR),)
        assert states["vectors"].state is State.ATTENTION
        assert "stranger.txt" in states["files"].finding
        health.repair(store)
        left = [check.name for check in health.examine(store) if check.state is not State.OK]
        assert left == ["files"]
