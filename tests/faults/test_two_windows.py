"""Two windows on one store: what either has acknowledged stays, and a record that is taken away is noticed."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_store import Selection, Store, health
from memory_store.database import files
from memory_store.errors import Action, LostRecordError, NotFoundError, Step, StoreError
from memory_store.health import State
from memory_store.salvage import salvage
from memory_store.verification import apart, verify
from tests.support import record_guard, warmed
from tests.support.embedder import HashEmbedder

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1] + "/keepsake.db")
connection.execute("SELECT count(*) FROM memories").fetchone()
print("open", flush=True)
sys.stdin.readline()
"""


def another(folder: Path, what: str, *words: str) -> list[str]:
    """Have another process do something with the store; return the lines that it printed."""
    code, printed, errors = warmed.start("tests.faults.another_window", str(folder), what, *words).finish()
    assert code == 0, errors
    return printed.splitlines()


def write_by_turns(folder: Path) -> list[str]:
    """Erase in an open chat, then write by turns there and in other processes that leave; return what is lost."""
    with Store.open(folder, HashEmbedder()) as chat:
        chat.forget(Selection((chat.remember("a secret that goes at once").id,)))
        written: list[str] = []
        for number in range(4):
            written.append(chat.remember(f"note {number} of the chat").id)
            written += another(folder, "remember", f"note {number} of another window")
    with Store.open(folder) as store:
        return [one for one in written if not store.holds(one)]


def test_notes_written_by_turns_beside_a_chat_that_erased_all_stay(tmp_path: Path) -> None:
    assert write_by_turns(tmp_path / "data") == []


def test_verification_in_the_same_process_would_lose_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was: one scan in the process of the chat drops its locks, and the next to leave takes its log away."""

    def in_this_process(database: Path, index_root: Path, erasures: list[str]) -> dict[str, verify.Verification]:
        with record_guard.pausing(), database.open("rb"):
            return apart.verify_apart(database, index_root, erasures)

    monkeypatch.setattr("memory_store.erasure.verify_apart", in_this_process)
    with pytest.raises(LostRecordError, match="no longer the one that is open here"):
        write_by_turns(tmp_path / "data")


def without_log(folder: Path) -> None:
    for side in ("wal", "shm"):
        (folder / f"keepsake.db-{side}").unlink()


def replaced(folder: Path) -> None:
    with sqlite3.connect(folder / "other.db") as other:
        other.execute("CREATE TABLE other (text)")
    other.close()
    (folder / "other.db").replace(folder / "keepsake.db")


@pytest.mark.parametrize("take_away", [without_log, replaced])
def test_record_that_is_taken_away_is_told_and_what_was_known_is_kept_beside(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("acknowledged before")
        take_away(tmp_path)
        for text in ("written just then", "written afterwards"):
            with pytest.raises(LostRecordError, match="Nothing more is written") as caught:
                store.remember(text)
        assert [one.text for one in store.memories.all()][-1] == "acknowledged before"
        [rescued] = store.backups.all()
        record = next(check for check in health.examine(store) if check.name == "record")
        assert (record.state, "another program removed or replaced it" in record.finding) == (State.FAILED, True)
        assert caught.value.steps == (Step(Action.MERGE_BACKUP, rescued.name),)
        store.close()
    if take_away is replaced:
        (tmp_path / "keepsake.db").unlink()
    assert another(tmp_path, "merge", rescued.name)[-3:] == [
        "written afterwards",
        "written just then",
        "acknowledged before",
    ]


def test_window_with_a_database_that_was_taken_away_is_seen_by_the_check_up_of_another(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    window = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert window.stdout is not None
    assert window.stdout.readline() == "open\n"
    for name in ("keepsake.db", "keepsake.db-wal", "keepsake.db-shm"):
        (tmp_path / name).unlink()
    with Store.open(tmp_path) as store:
        record = next(check for check in health.examine(store) if check.name == "record")
        assert (record.state, f"the process {window.pid} " in record.finding) == (State.FAILED, True)
        window.communicate("\n", timeout=60)
        assert next(check for check in health.examine(store) if check.name == "record").state is State.OK


def test_data_folder_that_was_removed_is_told_and_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        store.remember("acknowledged before")
        for path in folder.rglob("*"):
            path.unlink()
        folder.rmdir()
        with pytest.raises(LostRecordError) as caught:
            store.remember("too late")
        assert "folder is gone" in caught.value.hint
    assert not os.path.lexists(folder)


def test_record_that_can_not_be_copied_beside_is_copied_at_the_next_write(tmp_path: Path) -> None:
    in_the_way = tmp_path / "backups"
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("acknowledged before")
        in_the_way.write_text("no folder can be made of this name")
        for side in ("", "-wal", "-shm"):
            (tmp_path / f"keepsake.db{side}").unlink()
        with pytest.raises(LostRecordError, match="Nothing more is written") as caught:
            store.memories.all()
        assert "Leave this window open" in caught.value.hint
        assert not (tmp_path / "keepsake.db").exists()
        in_the_way.unlink()
        with pytest.raises(LostRecordError) as caught:
            store.remember("written when there was room")
        [rescued] = store.backups.all()
        assert caught.value.steps == (Step(Action.MERGE_BACKUP, rescued.name),)
        assert [one.text for one in store.memories.all()] == ["written when there was room", "acknowledged before"]


def test_window_that_ends_without_a_look_leaves_what_others_wrote_since_and_keeps_its_own(tmp_path: Path) -> None:
    store = Store.open(tmp_path, HashEmbedder())
    store.remember("acknowledged before")
    without_log(tmp_path)
    another(tmp_path, "remember", "written by another since")
    store._database.close()
    # In another process, as this one would have ended: it has the files that are gone open for ever.
    assert another(tmp_path, "check") == ["written by another since"]
    assert [one.rescued for one in store.backups.all()] == [True]


def test_pages_of_another_database_in_the_place_are_not_written_anew(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        replaced(tmp_path)
        before = (tmp_path / "keepsake.db").stat()
        for work in (store._database.vacuum, lambda: store._database.truncate_log(0.0)):
            with pytest.raises(LostRecordError, match="Nothing more is written"):
                work()
        assert (tmp_path / "keepsake.db").stat() == before


def test_window_whose_folder_is_gone_ends_and_gives_its_lock_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store.open(folder, HashEmbedder()) as store:
        store.remember("acknowledged before")
        store.update_index()
        folder.rename(tmp_path / "elsewhere")
    assert not os.path.lexists(folder)


def test_folder_that_can_not_be_looked_at_for_a_while_is_not_taken_for_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with Store.open(tmp_path, HashEmbedder()) as store:
        with monkeypatch.context() as patch:
            patch.setattr(files, "_place_in", broken)
            with pytest.raises(StoreError, match="can't be looked at: Input/output error") as caught:
                store.remember("refused")
            assert not isinstance(caught.value, LostRecordError)
        kept = store.remember("written when it could be again")
        assert ([one.id for one in store.memories.all()], store.backups.all()) == ([kept.id], [])


def test_copy_whose_pages_were_written_over_is_told_and_can_be_salvaged(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store.open(folder, HashEmbedder()) as store:
        for number in range(300):
            store.remember(f"acknowledged {number} " + "before the loss " * 20)
        store._database.truncate_log(1.0)
        without_log(folder)
        with record_guard.pausing(), (folder / "keepsake.db").open("r+b") as torn:
            size = torn.seek(0, os.SEEK_END)
            torn.seek(size - 40 * 4096)
            torn.write(b"\x07" * 8 * 4096)
        with pytest.raises(LostRecordError) as caught:
            store.remember("written just then")
        [rescued] = store.backups.all()
        assert "which is damaged: pages were written over" in caught.value.hint
        assert caught.value.steps == (Step(Action.SALVAGE_BACKUP, rescued.name),)
    saved = salvage(folder, tmp_path / "saved", rescued.name).saved["memories"]
    assert saved > 200
    with Store.open(tmp_path / "saved") as store:
        assert len(store.memories.all()) == saved
    with pytest.raises(NotFoundError, match="There is no backup of-nothing"):
        salvage(folder, tmp_path / "again", "of-nothing.db")


def test_check_up_beside_an_open_chat_finds_nothing_to_mend(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as chat:
        chat.remember("something with a vector")
        chat.embed_pending()
        assert chat.update_index()
        with Store.open(tmp_path, HashEmbedder()) as window:
            index = next(check for check in health.examine(window) if check.name == "index")
            assert (index.state, index.finding) == (
                State.OK,
                "kept by another running Keepsake, which checks it itself",
            )
            assert window.verify() == []


def test_what_another_window_commits_is_seen_as_a_change(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        before = store.changes()
        assert store.changes() == before
        another(tmp_path, "remember", "by another window")
        after = store.changes()
        assert after != before
        store.remember("by this one")
        assert store.changes() != after
