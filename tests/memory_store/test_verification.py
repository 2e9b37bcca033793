"""Verification: an erasure that leaves anything, anywhere and in any form, does not get its receipt."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Selection, Store, erasure, ids, receipts
from memory_store.database import files
from memory_store.errors import ErasureFailedError, StoreError
from memory_store.models import USER, Document, Role
from memory_store.verification import apart, verify
from memory_store.verification.scan import Scan
from tests.memory_store.support import IN_CHROMA, add_document, bytes_of, indexed
from tests.support.embedder import HashEmbedder

SECRET = "The combination of the safe is seven xylophones and a quartzite ornithopter."
RUN = apart._run  # a process of its own, not one that is forked from a warmed one
CHINESE = "保险箱的密码是七只青蛙和一块石英,写在书房的第三本书里。"
LONG = " ".join(f"paragraph{number} lists the hiding place number {number * 7919}" for number in range(400))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with Store.open(folder, HashEmbedder(), IN_CHROMA) as store:
        for number in range(30):
            texts = [f"an ordinary sentence {number} of line {line}" for line in range(9)]
            add_document(store, f"/kept/{number}.md", *texts)
        indexed(store)
    return folder


@pytest.fixture
def filled(made: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(shutil.copytree(made, tmp_path / "data"), HashEmbedder(), IN_CHROMA) as store:
        yield store


def doomed(store: Store) -> Document:
    document = add_document(store, "/secret/hideaway.md", SECRET, CHINESE, LONG)
    indexed(store)
    return document


def result(store: Store) -> receipts.Receipt:
    [latest, *_] = store.erasures()
    assert latest.receipt is not None
    return receipts.parse_receipt(latest.receipt)


def test_receipt_says_what_was_done_and_holds_nothing_of_it(filled: Store, tmp_path: Path) -> None:
    document = doomed(filled)
    passages = [one.id for one in filled.documents.passages(document.id)]
    erased = filled.forget(Selection((document.id,)))
    receipt = result(filled)
    assert (receipt.result, receipt.id) == ("nothing left", erased.id)
    assert receipt.erased == {"documents": 1, "passages": 3}
    assert (receipt.looked_for.ids, receipt.looked_for.vectors) == (4, 3)
    assert receipt.looked_for.texts >= 6
    assert (receipt.controls.living_found, receipt.controls.absent_found) == (True, False)
    assert {file.name for file in receipt.files} >= {"keepsake.db", "index.lock"}
    shown = receipts.format_receipt(receipt) + receipt.model_dump_json()
    for word in ("safe", "xylophone", "保险", "hideaway", "/secret", document.id, *passages):
        assert word not in shown
    assert [one.id for one in filled.was_erased(SECRET)] == [erased.id]
    assert [one.id for one in filled.was_erased("/secret/hideaway.md")] == [erased.id]
    assert [one.id for one in filled.was_erased(passages[0])] == [erased.id]
    assert filled.was_erased("something else") == []


@pytest.mark.parametrize("left_out", [step.__name__ for step in erasure.STEPS if step is not erasure._rewrite_pages])
def test_skipped_step_is_caught(filled: Store, left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = doomed(filled)
    monkeypatch.setattr("memory_store.database.fulltext.rebuild", lambda _connection: None)
    monkeypatch.setattr(erasure, "STEPS", tuple(step for step in erasure.STEPS if step.__name__ != left_out))
    with pytest.raises(ErasureFailedError, match="could not be verified"):
        filled.forget(Selection((document.id,)))
    receipt = result(filled)
    assert receipt.result == "something left"
    assert receipt.found or receipt.stray_words
    assert filled.stats().pending_erasures == 1
    monkeypatch.undo()
    filled.complete_erasures(again=True)
    assert result(filled).result == "nothing left"
    assert filled.stats().pending_erasures == 0


def test_pages_that_were_not_written_anew_are_caught_where_they_kept_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A split of a page leaves a copy of some ids now and then: ids from a seed make the same splits each time."""
    monkeypatch.setattr(erasure, "STEPS", tuple(one for one in erasure.STEPS if one is not erasure._rewrite_pages))
    for seed in range(5, 13):
        chosen = random.Random(seed)
        monkeypatch.setattr(
            ids, "new_id", lambda prefix, chosen=chosen: f"{prefix}_" + "".join(chosen.choices(ids._ALPHABET, k=20))
        )
        gone = erase_until_something_is_left(tmp_path / str(seed))
        if gone:
            left = bytes_of(tmp_path / str(seed))
            assert any(one.encode()[at : at + 16] in left for one in gone for at in range(9))
            return
    pytest.fail("no erasure left anything, so none could be caught")


def erase_until_something_is_left(folder: Path) -> list[str]:
    """Return the ids of the memories and passages whose erasure was the first to fail; none if none did."""
    with Store.open(folder) as store:
        for number in range(60):
            chosen = [store.remember(f"note {number} {line}").id for line in range(20)][::3]
            with store._database.read() as connection:
                rows = connection.execute("SELECT id, memory_id FROM passages").fetchall()
            try:
                store.forget(Selection(tuple(chosen)))
            except ErasureFailedError:
                return chosen + [row["id"] for row in rows if row["memory_id"] in chosen]
    return []


RESIDUES = {
    "whole": SECRET.encode(),
    "piece": SECRET.encode()[11:34],
    "UTF-16": SECRET.encode("utf-16-le"),
    "UTF-16 BE": SECRET.encode("utf-16-be")[1:-1],
    "Chinese": CHINESE.encode(),
    "piece of it": CHINESE.encode()[6:40],
    "JSON": json.dumps(CHINESE).encode(),
    "and UTF-16": CHINESE.encode("utf-16-le"),
    "page": LONG.encode()[4096:8192],
    "line": LONG.encode()[301:340],
    "path": b"/secret/hideaway.md",
}


def test_text_in_any_file_and_form_is_found(filled: Store, tmp_path: Path) -> None:
    document = doomed(filled)
    cache = tmp_path / "data" / "cache"
    cache.mkdir()
    for name, residue in RESIDUES.items():
        (cache / name).write_bytes(random.Random(1).randbytes(5003) + residue + b"\xff" * 999)
    with pytest.raises(ErasureFailedError):
        filled.forget(Selection((document.id,)))
    assert {found.file for found in result(filled).found} == {f"cache/{name}" for name in RESIDUES}
    shutil.rmtree(cache)
    filled.complete_erasures(again=True)
    assert result(filled).result == "nothing left"


def vectors_of(store: Store, document: Document) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    blobs = [one.vector for one in store.documents.passages(document.id)]
    return np.frombuffer(b"".join(blob for blob in blobs if blob), dtype="<f4").reshape(len(blobs), -1)


FORMS: dict[str, Callable[[np.ndarray[tuple[int, ...], np.dtype[np.float32]]], bytes]] = {
    "float32": lambda vector: vector.tobytes(),
    "float16": lambda vector: vector.astype("<f2").tobytes(),
    "int8": lambda vector: np.rint(vector / (np.abs(vector).max() / 127)).astype(np.int8).tobytes(),
}


def test_vector_in_any_form_is_found(filled: Store, tmp_path: Path) -> None:
    document = doomed(filled)
    for form, converted in FORMS.items():
        (tmp_path / "data" / f"{form}.npy").write_bytes(bytes(13) + converted(vectors_of(filled, document)[2]))
    with pytest.raises(ErasureFailedError):
        filled.forget(Selection((document.id,)))
    assert {(found.kind, found.file) for found in result(filled).found} == {("vector", f"{form}.npy") for form in FORMS}


def test_vector_that_was_rounded_otherwise_is_found_in_a_vector_file(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = doomed(filled)
    near = vectors_of(filled, document)[2] * np.float32(1.37) + np.float32(1e-4)
    segment = next((tmp_path / "data" / "index").glob("segment-*"))
    monkeypatch.setattr(
        erasure, "STEPS", (*erasure.STEPS, lambda place, _patience: _plant(segment.with_name("odd"), near))
    )
    with pytest.raises(ErasureFailedError):
        filled.forget(Selection((document.id,)))
    assert [(found.kind, found.offset) for found in result(filled).found] == [("vector", -1)]


def _plant(folder: Path, vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Write one element as hnswlib lays it out: links, the vector, a label."""
    folder.mkdir()
    size = 132 + vector.nbytes + 8
    sizes = [0, 1, 1, size, size - 8, 132]
    (folder / "header.bin").write_bytes(b"\x01\0\0\0" + b"".join(one.to_bytes(8, "little") for one in sizes))
    (folder / "data_level0.bin").write_bytes(bytes(132) + vector.astype("<f4").tobytes() + bytes(8))


def test_id_is_found_in_a_file_and_in_its_name(filled: Store, tmp_path: Path) -> None:
    document = doomed(filled)
    trace = tmp_path / "data" / f"draft-{document.id}.txt"
    trace.touch()
    with pytest.raises(ErasureFailedError):
        filled.forget(Selection((document.id,)))
    assert [(found.kind, found.offset) for found in result(filled).found] == [("id", -1)]


def test_what_something_living_says_too_is_shared_and_no_residue(filled: Store) -> None:
    quoted = add_document(filled, "/letters/quote.md", f"She wrote to me: {SECRET}")
    document = doomed(filled)
    filled.forget(Selection((document.id,)))
    receipt = result(filled)
    assert receipt.result == "nothing left"
    assert receipt.shared_pieces > 0
    filled.forget(Selection((quoted.id,)))
    assert result(filled).shared_pieces < 5


def test_twin_of_a_living_passage_shares_its_vector(filled: Store) -> None:
    document = add_document(filled, "/copy/3.md", "an ordinary sentence 3 of line 4")
    indexed(filled)
    filled.forget(Selection((document.id,)))
    assert (result(filled).result, result(filled).shared_vectors) == ("nothing left", 1)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you",
        "Tea",
        "database",
        "CREATE TABLE segments",
        "a",
        "谢谢你了",
        "        ",
        "From now on\nmessages",  # escaped it holds "nmessage", as the schema does where two columns meet
        "indexmessages",
        "memory_sources CREATE",  # the page number between two columns looks like a blank
    ],
)
def test_short_and_common_texts_are_erased_without_a_false_alarm(filled: Store, text: str) -> None:
    conversation = filled.conversations.start("Talk")
    message = filled.conversations.append(conversation.id, Role.USER, text, USER, parent_id=None)
    indexed(filled)
    filled.forget(Selection((message.id,)))
    assert result(filled).result == "nothing left"


def test_scan_that_finds_nothing_at_all_proves_nothing(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    document = doomed(filled)
    monkeypatch.setattr("memory_store.verification.verify.scan", lambda *_arguments: Scan((), ()))
    monkeypatch.setattr(erasure, "verify_apart", verify.verify)
    with pytest.raises(ErasureFailedError, match="controls"):
        filled.forget(Selection((document.id,)))
    assert not result(filled).controls.living_found


def test_erasure_that_waited_over_a_restart_is_verified_as_strictly(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("something that stays and is long enough")
        target = store.remember(SECRET)
        indexed(store)
        store.forget(Selection((target.id,)), later=True)
        assert store.recall("combination of the safe", 3, None)[0].text != SECRET
        assert (store.stats().pending_erasures, SECRET.encode() in bytes_of(tmp_path)) == (1, True)
    (tmp_path / "copy.txt").write_text(SECRET)
    with Store.open(tmp_path) as store:
        with pytest.raises(ErasureFailedError):
            store.complete_erasures(again=True)
        (tmp_path / "copy.txt").unlink()
        store.complete_erasures(again=True)
        assert result(store).result == "nothing left"
    assert SECRET.encode() not in bytes_of(tmp_path)


def test_everywhere_takes_the_message_behind_a_memory_and_the_answer_that_cites_it(store: Store) -> None:
    conversation = store.conversations.start("Chat")
    said = store.conversations.append(conversation.id, Role.USER, "My code is 4711-xyz", USER, parent_id=None)
    memory = store.remember(NewMemory("Her code is 4711-xyz", sources=(said.id,)))
    plan = store.plan_forget(Selection((memory.id,)))
    assert (dict(plan.counts), dict(plan.staying)) == (
        {"memories": 1, "passages": 1},
        {"messages it was taken from": 1},
    )
    everywhere = store.plan_forget(Selection((memory.id,), everywhere=True))
    assert (dict(everywhere.counts), dict(everywhere.staying)) == ({"messages": 1, "memories": 1, "passages": 2}, {})


def test_memory_with_another_source_stays_and_loses_the_erased_one(store: Store) -> None:
    conversation = store.conversations.start("Chat")
    first = store.conversations.append(conversation.id, Role.USER, "I moved to Lyon", USER, parent_id=None)
    second = store.conversations.append(conversation.id, Role.USER, "Lyon is nice to live in", USER, parent_id=first.id)
    memory = store.remember(NewMemory("Lives in Lyon", sources=(first.id, second.id)))
    assert dict(store.plan_forget(Selection((first.id,))).staying) == {"memories that have another source": 1}
    store.forget(Selection((first.id,)))
    assert store.memories.get(memory.id).sources == (second.id,)
    store.forget(Selection((second.id,)))
    assert store.memories.all() == []


def test_title_made_of_an_erased_message_goes_with_it(store: Store, tmp_path: Path) -> None:
    conversation = store.conversations.start("Where is the xylophone hidden?")
    first = store.conversations.append(
        conversation.id, Role.USER, "Where is the xylophone hidden?", USER, parent_id=None
    )
    store.conversations.append(conversation.id, Role.USER, "And the drum?", USER, parent_id=first.id)
    store.forget(Selection((first.id,)))
    assert store.conversations.get(conversation.id).title == "(title erased)"
    assert b"xylophone" not in bytes_of(tmp_path)


def test_without_a_trace_nothing_says_that_something_was_erased(store: Store, tmp_path: Path) -> None:
    target = store.remember(SECRET)
    erased = store.forget(Selection(everything=True), no_trace=True)
    assert erased.receipt is not None
    assert store.erasures() == []
    assert store.was_erased(SECRET) == []
    assert erased.id.encode() not in bytes_of(tmp_path)
    assert target.id.encode() not in bytes_of(tmp_path)


def test_backups_that_still_hold_it_are_listed(filled: Store, tmp_path: Path) -> None:
    document = doomed(filled)
    backup = tmp_path / "data" / files.BACKUPS / "old.db"
    backup.parent.mkdir()
    backup.write_bytes(b"0123456789" + document.id.encode() + SECRET.encode())
    filled.forget(Selection((document.id,)))
    assert (result(filled).result, result(filled).backups_that_hold_it) == ("nothing left", ("backups/old.db",))


def test_verification_that_does_not_end_is_given_up_and_the_erasure_stays_pending(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = store.remember("to be erased")
    with monkeypatch.context() as patch:
        patch.setattr(apart, "_run", lambda arguments, _: RUN(arguments, 0.0))
        with pytest.raises(StoreError, match="could not be verified: its process did not end within 0 seconds"):
            store.forget(Selection((memory.id,)))
    assert [one.completed_at for one in store.erasures()] == [None]
    store.complete_erasures()
    assert [one.completed_at is not None for one in store.erasures()] == [True]
