"""What was called not relevant for a question stays away from that question, and from no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import Selection, Store
from memory_store.errors import NotFoundError
from memory_store.models import USER, Author, AuthorKind, Citation, MessageStatus, Role
from tests.support.embedder import HashEmbedder

QUESTION = "Where is the spare key?"
WRONG, RIGHT = "The spare key of the old car is lost.", "The spare key is with Ines at number 12."


def asked(store: Store, question: str, *texts: str) -> str:
    """Store a question with an answer that cites memories of these texts; return the id of the answer."""
    talk = store.conversations.start(question)
    first = store.conversations.append(talk.id, Role.USER, question, USER, parent_id=None)
    model = Author(AuthorKind.MODEL, "llama3.2")
    pending = MessageStatus.PENDING
    answer = store.conversations.append(talk.id, Role.ASSISTANT, "", model, parent_id=first.id, status=pending)
    hits = {one.text: one.id for one in store.recall(question, 9)}
    cited = [Citation(number, hits[text], True) for number, text in enumerate(texts, start=1)]
    store.conversations.finish(answer.id, "There.", model, MessageStatus.COMPLETE, citations=cited)
    return answer.id


@pytest.fixture(params=[True, False], ids=["vectors", "words"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder() if request.param else None) as opened:
        for text in (WRONG, RIGHT):
            opened.remember(text)
        opened.embed_pending()
        yield opened


def memories(store: Store, query: str) -> set[str]:
    return {one.text for one in store.recall(query, 9)} & {WRONG, RIGHT}


def test_it_is_not_recalled_for_this_question_however_it_is_worded(store: Store) -> None:
    answer = asked(store, QUESTION, WRONG, RIGHT)
    assert memories(store, QUESTION) == {WRONG, RIGHT}
    store.conversations.dismiss(answer, 1)
    for same in (QUESTION, QUESTION.lower(), "Who has the spare key?", "the spare key"):
        assert memories(store, same) == {RIGHT}, same
    for other in ("What became of the old car?", "Is the spare key of the old car lost or found again?"):
        assert WRONG in memories(store, other), other
    assert [one.dismissed for one in store.conversations.citations(answer)] == [True, False]


def test_it_comes_back_when_that_is_taken_back(store: Store) -> None:
    answer = asked(store, QUESTION, WRONG)
    store.conversations.dismiss(answer, 1)
    store.conversations.dismiss(answer, 1, dismissed=False)
    assert memories(store, QUESTION) == {WRONG, RIGHT}


def test_the_judgement_goes_with_its_question(store: Store) -> None:
    answer = asked(store, QUESTION, WRONG)
    store.conversations.dismiss(answer, 1)
    store.forget(Selection((store.conversations.message(answer).conversation_id,)))
    assert memories(store, QUESTION) == {WRONG, RIGHT}


def test_a_source_that_is_not_there_can_not_be_judged(store: Store) -> None:
    answer = asked(store, QUESTION, WRONG)
    with pytest.raises(NotFoundError):
        store.conversations.dismiss(answer, 7)


def test_chinese_questions_are_told_apart_by_their_signs(store: Store) -> None:
    old, new = "旧车的备用钥匙丢了。", "备用钥匙在十二号的伊内斯那里。"
    for text in (old, new):
        store.remember(text)
    store.embed_pending()
    answer = asked(store, "备用钥匙在哪里?", old, new)
    store.conversations.dismiss(answer, 1)
    recalled = {one.text for one in store.recall("备用钥匙在哪儿", 9)}
    assert old not in recalled
    assert new in recalled
    assert old in {one.text for one in store.recall("旧车怎么了", 9)}
