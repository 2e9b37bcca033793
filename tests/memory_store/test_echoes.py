"""Echoes: what the user merely asked and what a model said is no evidence, and is found where it is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_store import Selection, Store
from memory_store.asking import Saying, is_small_talk, tells_nothing, what_of
from memory_store.models import USER, Author, AuthorKind, Citation, MessageStatus, RecallFilters, Role, SourceKind
from tests.memory_store.support import IN_CHROMA, add_document, bytes_of, indexed
from tests.support.embedder import HashEmbedder

MODEL = Author(AuthorKind.MODEL, "m")
TALKS = RecallFilters(kinds=frozenset({SourceKind.CONVERSATION}))


def ask(store: Store, question: str, answer: str = "", *cited: str) -> str:
    """Store a question and, if given, the answer of a model that cites these passages; return the answer's id."""
    talk = store.conversations.start("Talk")
    asked = store.conversations.append(talk.id, Role.USER, question, USER, parent_id=None)
    if not answer:
        return asked.id
    pending = store.conversations.append(
        talk.id, Role.ASSISTANT, "", MODEL, parent_id=asked.id, status=MessageStatus.PENDING
    )
    citations = [Citation(number, one, True) for number, one in enumerate(cited, start=1)]
    store.conversations.finish(pending.id, answer, MODEL, MessageStatus.COMPLETE, citations=citations)
    return pending.id


@pytest.mark.parametrize(
    "question",
    [
        "Who has the spare key?",
        "أين المفتاح الاحتياطي؟",
        "Πού είναι το εφεδρικό κλειδί;",
        "予備の鍵は誰が持っていますか。",
        "Где лежит запасной ключ?",
        "钥匙在哪里",
        "Remind me what I said about the lock",
        "Hello! Who has the key?",
    ],
)
def test_what_only_asks_is_told_in_many_languages(question: str) -> None:
    assert tells_nothing(question)


@pytest.mark.parametrize(
    "statement",
    [
        "The spare key is with Ines.",
        "I know who has the key: Ines",
        "My sister has it. Or does she?",
        "Meine Schwester hat den Ersatzschlüssel.",
        "予備の鍵は姉が持っています。",
        "我妹妹住在上海",
        "Μένω στο Πόρτο.",
        "When I was young I lived in Porto.",
        "zqx 4711",
        "Is this the way? " * 60,
    ],
)
def test_what_tells_something_or_can_not_be_told_is_kept(statement: str) -> None:
    assert not tells_nothing(statement)


def test_small_talk_is_told_from_what_can_be_answered() -> None:
    assert [is_small_talk(one) for one in ("Good morning!", "谢谢", "thank you so much")] == [True, True, True]
    assert not is_small_talk("Good morning! Where is the key?")
    assert what_of("Where is the key?") is Saying.ASKS


def test_a_question_that_was_asked_ten_times_changes_nothing(store: Store) -> None:
    document = add_document(store, "/home.md", "The spare key is with Ines.", "The bins go out on Tuesday.")
    evidence = store.documents.passages(document.id)[0]
    indexed(store)
    before = [(hit.text, hit.score, hit.relevance) for hit in store.recall("Who has the spare key?")]
    for _ in range(10):
        ask(store, "Who has the spare key?", "Otto has the spare key [1].", evidence.id)
    indexed(store)
    assert [(hit.text, hit.score, hit.relevance) for hit in store.recall("Who has the spare key?")] == before


def test_an_answer_points_to_what_it_cites(store: Store) -> None:
    document = add_document(store, "/home.md", "Ines at number 12 keeps our second one.")
    (evidence,) = store.documents.passages(document.id)
    for number in range(150):
        store.remember(f"spare parts, box {number}")
    ask(store, "Who has it?", "The spare key of the flat is with Ines [1].", evidence.id)
    assert evidence.id in [hit.id for hit in store.recall("spare key of the flat", 200)]


def test_what_a_model_said_is_recalled_when_it_is_asked_about(store: Store) -> None:
    ask(store, "Any book?", "Try The Wall by Marlen Haushofer.")
    store.remember("The wall of the shed is wet.")
    indexed(store)
    assert [hit.text for hit in store.recall("The Wall")] == ["The wall of the shed is wet."]
    assert store.recall("Which book did you recommend, The Wall?")[0].author == MODEL
    assert {hit.text for hit in store.recall("wall book", 9, TALKS)} == {
        "Try The Wall by Marlen Haushofer.",
        "Any book?",
    }


def test_echoes_are_in_no_index_and_are_erased_like_anything(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory", HashEmbedder(), IN_CHROMA) as store:
        holds_no_echoes(store)


def holds_no_echoes(store: Store) -> None:
    add_document(store, "/home.md", "The spare key is with Ines.")
    asked = ask(store, "Who has the ornithopter?")
    answer = ask(store, "Where?", "In the quartzite cupboard.")
    indexed(store)
    with store._database.read() as connection:
        in_index = "SELECT count(*) FROM embeddings WHERE segment_id IS NOT NULL"
        assert connection.execute(in_index).fetchone()[0] == 1
    assert store.stats().embedded == 4
    for one, word in ((asked, b"ornithopter"), (answer, b"quartzite")):
        assert word in bytes_of(store.folder)
        store.forget(Selection((one,)))
        assert word not in bytes_of(store.folder)
    assert store.verify() == []


def test_echoes_of_an_archive_are_told_apart_when_it_comes(store: Store, tmp_path: Path) -> None:
    ask(store, "Who has the spare key?", "Otto has the spare key.")
    store.remember("The spare key is with Ines.")
    indexed(store)
    store.export(tmp_path / "archive.zip", "1")
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        other.restore(tmp_path / "archive.zip")
        indexed(other)
        assert [hit.text for hit in other.recall("spare key")] == ["The spare key is with Ines."]
        assert len(other.recall("spare key", 9, TALKS)) == 2
        assert other.verify() == []


def test_what_may_be_a_question_is_an_echo_once_it_was_answered_from_sources(store: Store) -> None:
    document = add_document(store, "/home.md", "Der Ersatzschlüssel liegt bei Frau Brandt.")
    (evidence,) = store.documents.passages(document.id)
    question = "Wo liegt der Ersatzschlüssel"
    assert not tells_nothing(question)
    for cited in ((), (evidence.id,)):
        ask(store, question, "Bei Frau Brandt.", *cited)
        indexed(store)
        assert store.recall(question)[0].id == evidence.id  # what may be a question stands behind what tells something
    assert [hit.text for hit in store.recall("Ersatzschlüssel")].count(question) == 1  # the one that nothing answered
    assert store.verify() == []


def test_a_statement_that_was_answered_from_sources_stays(store: Store) -> None:
    evidence = store.memories.as_hits([store.remember("Ines lives in Porto.").id])[0]
    ask(store, "The spare key is with Ines now.", "In Porto [1].", evidence.id)
    assert "The spare key is with Ines now." in [hit.text for hit in store.recall("spare key")]
