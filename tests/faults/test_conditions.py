"""A full disk, no permission, a clock that goes back, many processes at once: clear errors, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.core.conversation.branches import branch_of
from memory_store import Store, clock
from memory_store.database import conversations
from memory_store.errors import StoreError
from memory_store.models import USER, Role
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder

WRITER = """
import sys
from pathlib import Path
from memory_store import Store
from memory_store.models import USER, Role
from tests.memory_store.support import add_document
from tests.support.embedder import HashEmbedder
folder, name = Path(sys.argv[1]), sys.argv[2]
with Store.open(folder, HashEmbedder()) as store:
    store.start_background()
    talk = store.conversations.start(name)
    for number in range(25):
        mark = f"zq{name}{number}x"
        match number % 3:
            case 0: add_document(store, f"/{name}/{number}.md", f"document {mark}", f"more of {mark}")
            case 1: store.remember(f"fact {mark}")
            case 2: store.conversations.append(talk.id, Role.USER, f"said {mark}", USER, parent_id=None)
        print(mark, flush=True)
        assert any(mark in hit.text for hit in store.recall(mark, 3))
"""


@contextmanager
def as_nobody() -> Iterator[None]:
    """Have the permissions of an ordinary user, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("before the disk was full")
        with store._database.write() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + 4}")
        with pytest.raises(StoreError, match="disk is full; nothing was changed") as caught:
            add_document(store, "/large.md", *["a long text " * 200 for _ in range(50)])
        assert "Free some space" in caught.value.hint
        assert [one.path for one in store.documents.all()] == []
        assert store.recall("disk", 1)[0].text == "before the disk was full"
        with store._database.write() as connection:
            connection.execute("PRAGMA max_page_count=1000000")
        add_document(store, "/large.md", *["a long text " * 200 for _ in range(50)])
        indexed(store)
        assert store.verify() == []


def test_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o500)
    with as_nobody(), pytest.raises(StoreError, match=r"can't be used: (Permission denied|Operation not permitted)"):
        Store.open(folder / "data")
    folder.chmod(0o700)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"can't be used: (Not a directory|File exists)"):
        Store.open(tmp_path / "file" / "data")


def test_clock_that_goes_back_leaves_conversations_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(datetime(2026, 5, day, tzinfo=UTC) for day in (9, 8, 7, 6, 5, 4))
    monkeypatch.setattr(conversations, "now", lambda: next(times))
    talk = store.conversations.start("Talk")
    parent: str | None = None
    for text in ("one", "two", "three"):
        parent = store.conversations.append(talk.id, Role.USER, text, USER, parent_id=parent).id
    stored = store.conversations.get(talk.id)
    path = branch_of(store.conversations.messages(talk.id), stored.current_message_id)
    assert [message.text for message in path] == ["one", "two", "three"]
    assert stored.updated_at == datetime(2026, 5, 9, tzinfo=UTC)
    assert clock.to_text(stored.updated_at) > clock.to_text(path[-1].created_at)


def test_four_processes_write_at_once_and_the_death_of_one_hands_the_index_on(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        pass
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        for name in ("chat", "import", "ask", "web")
    ]
    assert running[0].stdout is not None
    acknowledged = [running[0].stdout.readline().strip() for _ in range(8)]
    running[0].kill()
    acknowledged += running[0].communicate()[0].split()
    for process in running[1:]:
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        acknowledged += printed.split()
    assert len(acknowledged) >= 83
    with Store.open(tmp_path, HashEmbedder()) as store:
        indexed(store)
        for mark in acknowledged:
            assert any(mark in hit.text for hit in store.recall(mark, 3))
        assert store.verify() == []
