"""Erasure: gone from recall at once, gone from every byte of the folder when it is reported done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from memory_store import NewMemory, Selection, Store
from memory_store.errors import ErasurePendingError, KeepsakeError, NotFoundError
from memory_store.models import USER, Author, AuthorKind, Citation, LeftOut, MessageStatus, Role
from tests.memory_store.support import add_document, bytes_of, indexed
from tests.support.embedder import HashEmbedder

SECRETS = ("xylophone quartzite", "我的秘密计划在青城山", "Zanzibar " * 3000 + "flotsam")


def vectors_of(store: Store, document_id: str) -> list[bytes]:
    with store._database.read() as connection:
        rows = connection.execute(
            "SELECT e.vector FROM embeddings AS e JOIN passages AS p ON p.row = e.passage_row WHERE p.document_id = ?",
            (document_id,),
        ).fetchall()
    return [row[0] for row in rows]


def test_what_came_inside_of_a_document_goes_with_it_and_is_part_of_the_plan(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        mail = add_document(store, "/mail/plan_%.eml", "See the plan.")
        add_document(store, "/mail/plan_%.eml!/plan.txt", "The quagga is in the shed.")
        add_document(store, "/mail/plan_%.eml!/message 2/deep.txt", "An aardvark, too.")
        other = add_document(store, "/mail/plan_%.eml.bak", "Kept.")
        another = add_document(store, "/mail/plan_x.eml!/plan.txt", "Kept as well.")
        assert store.plan_forget(Selection((mail.id,))).counts["documents"] == 3
        store.forget(Selection((mail.id,)))
        assert {one.id for one in store.documents.all()} == {other.id, another.id}
    assert b"quagga" not in bytes_of(tmp_path)


def test_forgotten_document_leaves_no_word_id_or_vector_in_any_file(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        for number in range(40):
            add_document(store, f"/kept/{number}.md", *[f"ordinary sentence {number} {line}" for line in range(20)])
        hole = LeftOut("chapter ‘Quicksilver’", "it is damaged", "")
        doomed = add_document(store, "/secret/hideaway.md", *SECRETS, left_out=(hole,))
        indexed(store)
        ids = [doomed.id, *(passage.id for passage in store.documents.passages(doomed.id))]
        vectors = vectors_of(store, doomed.id)
        assert len(vectors) == len(SECRETS)
        words = [
            b"xylophone",
            b"quartzite",
            b"Quicksilver",
            "青城".encode(),
            b"Zanzibar",
            b"zanzibar",
            b"flotsam",
            b"hideaway",
        ]
        needles = [*words, *(one.encode() for one in ids), *vectors, *(vector[:64] for vector in vectors)]
        living = bytes_of(tmp_path)
        assert all(needle in living for needle in [*words[:4], *(one.encode() for one in ids), vectors[0][:64]])

        store.forget(Selection((doomed.id,)))

        left = bytes_of(tmp_path)
        assert [needle for needle in needles if needle in left] == []
        assert b"ordinary sentence 7 3" in left
        assert "xylophone" not in " ".join(hit.text for hit in store.recall("xylophone quartzite"))
        indexed(store)
        left = bytes_of(tmp_path)
        assert [needle for needle in needles if needle in left] == []
        assert store.verify() == []
    left = bytes_of(tmp_path)
    assert [needle for needle in needles if needle in left] == []


def test_changed_file_leaves_nothing_of_its_old_text(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        add_document(store, "/a.md", "the xylophone is in the attic")
        indexed(store)
        add_document(store, "/a.md", "the drum is in the attic")
        store.complete_erasures()
        assert b"xylophone" not in bytes_of(tmp_path)


def test_erasing_everything_leaves_an_empty_working_store(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        add_document(store, "/a.md", "xylophone")
        store.remember("quartzite")
        conversation = store.conversations.start("flotsam")
        store.conversations.append(conversation.id, Role.USER, "jetsam", USER, parent_id=None)
        indexed(store)
        assert dict(store.plan_forget(Selection(everything=True)).counts) == {
            "documents": 1,
            "conversations": 1,
            "messages": 1,
            "memories": 1,
            "passages": 3,
        }
        store.forget(Selection(everything=True))
        left = bytes_of(tmp_path)
        assert [word for word in (b"xylophone", b"quartzite", b"flotsam", b"jetsam") if word in left] == []
        assert store.recall("xylophone quartzite") == []
        store.remember("a new beginning")
        assert [hit.text for hit in store.recall("beginning")] == ["a new beginning"]


def test_plan_says_exactly_what_the_erasure_takes(store: Store) -> None:
    conversation = store.conversations.start("Keys")
    message = store.conversations.append(conversation.id, Role.USER, "remember it", USER, parent_id=None)
    captured = store.remember(NewMemory("the key is blue", sources=(message.id,)))
    newer = store.memories.supersede(captured.id, NewMemory("the key is red"))
    store.remember("unrelated")
    selection = Selection((newer.id,))
    assert dict(store.plan_forget(selection).counts) == {"memories": 2, "passages": 2}
    plan = store.plan_forget(Selection((conversation.id,)))
    assert dict(plan.counts) == {"conversations": 1, "messages": 1, "memories": 1, "passages": 2}
    assert plan.titles == ("Keys", "the key is blue")
    erasure = store.forget(Selection((conversation.id,)))
    assert erasure.counts == dict(plan.counts)
    assert erasure.completed_at is not None


def test_erased_message_hands_its_answers_to_its_parent_and_citations_keep_their_number(store: Store) -> None:
    source = add_document(store, "/a.md", "the boiler has a valve")
    passage = store.documents.passages(source.id)[0].id
    conversation = store.conversations.start("Boiler")
    first = store.conversations.append(conversation.id, Role.USER, "one", USER, parent_id=None)
    second = store.conversations.append(conversation.id, Role.USER, "two", USER, parent_id=first.id)
    author = Author(AuthorKind.MODEL, "m")
    third = store.conversations.append(
        conversation.id, Role.ASSISTANT, "", author, parent_id=second.id, status=MessageStatus.PENDING
    )
    store.conversations.finish(
        third.id, "three [1]", author, MessageStatus.COMPLETE, citations=[Citation(1, passage, True)]
    )
    store.forget(Selection((second.id, source.id)))
    assert [(one.text, one.parent_id) for one in store.conversations.messages(conversation.id)] == [
        ("one", None),
        ("three [1]", first.id),
    ]
    assert store.conversations.citations(third.id) == [Citation(1, None, True)]


def test_forgotten_file_is_known_again_by_path_and_by_content_without_its_words(store: Store, tmp_path: Path) -> None:
    document = add_document(store, "/secret/plan.md", "the plan")
    store.forget(Selection((document.id,)))
    assert store.documents.is_forgotten("/secret/plan.md", "other content")
    assert store.documents.is_forgotten("/elsewhere.md", document.content_hash)
    assert not store.documents.is_forgotten("/elsewhere.md", "other content")
    assert b"secret/plan" not in bytes_of(tmp_path)


def test_unknown_id_erases_nothing(store: Store) -> None:
    kept = store.remember("kept")
    with pytest.raises(NotFoundError):
        store.forget(Selection((kept.id, "mem_zzzz")))
    assert [memory.id for memory in store.memories.all()] == [kept.id]


def test_open_reader_delays_the_erasure_visibly_and_never_fakes_it(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = store.remember("the xylophone is in the attic")
        reader = sqlite3.connect(tmp_path / "keepsake.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(ErasurePendingError, match="not yet complete"):
            store.forget(Selection((doomed.id,)), patience_seconds=0.0)
        assert store.stats().pending_erasures == 1
        assert store.recall("xylophone") == []
        reader.close()
        store.complete_erasures()
        assert store.stats().pending_erasures == 0
        assert b"xylophone" not in bytes_of(tmp_path)


def test_erasure_that_was_cut_short_completes_when_the_store_is_next_used(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        doomed = store.remember("the xylophone is in the attic")
        indexed(store)
        vector = HashEmbedder().embed_passages(["the xylophone is in the attic"])[0].astype("<f4").tobytes()
        reader = sqlite3.connect(tmp_path / "keepsake.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        with pytest.raises(ErasurePendingError):
            store.forget(Selection((doomed.id,)), patience_seconds=0.0)
    reader.close()
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert store.stats().pending_erasures == 1
        store.complete_erasures()
    left = bytes_of(tmp_path)
    assert b"xylophone" not in left
    assert vector not in left


def test_second_process_asks_and_the_owner_of_the_index_erases(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as owner:
        doomed = owner.remember("the xylophone is in the attic")
        owner.start_background()
        while owner.stats().to_embed or owner.stats().to_index or not owner.owns_index:
            owner.wake()
        script = (
            "import sys; from pathlib import Path; from memory_store import Store, Selection\n"
            "with Store.open(Path(sys.argv[1])) as store:\n"
            "    print(store.forget(Selection((sys.argv[2],))).completed_at is not None)"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), doomed.id], capture_output=True, text=True, timeout=60
        )
        assert run.stdout.strip() == "True", run.stderr
        assert b"xylophone" not in bytes_of(tmp_path)
        assert owner.recall("xylophone") == []


def test_erasing_while_others_recall_and_write_leaves_a_sound_store(store: Store) -> None:
    store.start_background()
    doomed = [store.remember(f"doomed {number} xylophone").id for number in range(10)]
    failures: list[KeepsakeError] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                store.remember(f"kept {number} {turn} drum")
                store.recall("xylophone drum")
        except KeepsakeError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for one in doomed:
        store.forget(Selection((one,)))
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.memories.all()) == 30
    store.embed_pending()
    assert [hit.text for hit in store.recall("xylophone", 30) if "xylophone" in hit.text] == []


def test_vectors_in_memory_are_wiped_with_the_erasure(store: Store) -> None:
    doomed = store.remember("xylophone")
    store.remember("drum")
    store.embed_pending()
    store.recall("xylophone")
    store.forget(Selection((doomed.id,)))
    store.recall("drum")
    scan = store._indexes._scan
    assert scan is not None
    assert len(scan) == 1
    later = scan._later
    assert not np.any(later.arrays["vectors"][later.arrays["scales"] == 0])
    assert np.count_nonzero(later.arrays["scales"]) == 1


def test_draft_goes_with_its_conversation_and_every_draft_with_everything(store: Store, tmp_path: Path) -> None:
    talk = store.conversations.start("Talk")
    other = store.conversations.start("Other")
    for conversation_id, text in ((talk.id, "zq-first draft"), (other.id, "zq-second draft"), (None, "zq-new draft")):
        store.drafts.keep(conversation_id, text)
    store.forget(Selection((talk.id,)))
    assert (store.drafts.get(talk.id), store.drafts.get(other.id)) == ("", "zq-second draft")
    assert b"zq-first" not in bytes_of(tmp_path)
    store.drafts.keep(talk.id, "too late")
    assert store.drafts.get(talk.id) == ""
    store.forget(Selection(everything=True))
    assert store.drafts.get(None) == ""
    assert b"zq-" not in bytes_of(tmp_path)


def test_searches_that_went_elsewhere_stay_in_the_log_until_everything_goes(store: Store) -> None:
    memory, kept = store.remember("The spare key is with Ines"), store.remember("The boat is in Camaret")
    store.requests.log("https://models.example/v1", "m", "chat", [memory.id])
    store.requests.log("https://embedder.example/v1", "e", "query", [])
    store.forget(Selection((memory.id,)))
    assert [one.purpose for one in store.requests.all()] == ["query"]
    store.forget(Selection((kept.id,)))
    assert store.requests.all() == []
