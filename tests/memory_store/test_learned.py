"""What is learned is kept beside the memories, each message is captured from once, and it all goes with its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import NewMemory, Selection, Store
from memory_store.clock import now
from memory_store.database import learning
from memory_store.database.learning import Change, ChangeKind
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Message, QuestionKind, Role, Summary
from tests.support.embedder import HashEmbedder

MODEL = Author(AuthorKind.MODEL, "llama3.2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", HashEmbedder()) as opened:
        yield opened


def said(store: Store, text: str, *, private: bool = False, capture: bool = True) -> Message:
    talk = store.conversations.start("Talk")
    return store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None, private=private, capture=capture)


def from_(message: Message, text: str, quote: str, about: str = "") -> NewMemory:
    return NewMemory(text, MemoryKind.FACT, MODEL, sources=(message.id,), quote=quote, about=about)


def test_message_waits_until_something_was_captured_from_it_and_then_never_again(store: Store, tmp_path: Path) -> None:
    message = said(store, "I moved to Lyon.")
    said(store, "Good morning.", capture=False)
    store.close()
    with Store.open(tmp_path / "memory", HashEmbedder()) as later:
        waiting = later.learning.queue.next()
        assert waiting is not None
        assert waiting.id == message.id
        change = Change(ChangeKind.ADD, from_(message, "Moved to Lyon.", "I moved to Lyon", "home"))
        [(memory, _)] = later.learning.queue.done(message.id, [change])
        assert (memory.about, memory.author) == ("home", MODEL)
        assert [(one.source_id, one.quote) for one in later.memories.grounds(memory.id)] == [
            (message.id, "I moved to Lyon")
        ]
        assert later.learning.queue.count_waiting() == 0
        assert later.learning.queue.done(message.id, [change]) == []
        assert [one.text for one in later.memories.all()] == ["Moved to Lyon."]


def test_what_fails_waits_longer_each_time_and_is_not_put_off_for_ever(store: Store) -> None:
    message = said(store, "I keep bees.")
    for _ in range(learning.MOST_ATTEMPTS - 1):
        assert store.learning.queue.put_off(message.id)
        assert store.learning.queue.next() is None
    assert not store.learning.queue.put_off(message.id)
    assert store.learning.queue.count_waiting() == 1


def test_a_message_of_a_private_chat_is_private(store: Store) -> None:
    message = said(store, "My pin is 4711.")
    store.conversations.mark(message.conversation_id, private=True)
    waiting = store.learning.queue.next()
    assert waiting is not None
    assert waiting.private


def test_changes_supersede_confirm_and_ask(store: Store) -> None:
    porto = store.remember(NewMemory("Lives in Porto.", MemoryKind.FACT, about="home"))
    before = said(store, "I do like tea.", capture=False)
    tea = store.remember(NewMemory("Likes tea.", MemoryKind.PREFERENCE, sources=(before.id,)))
    boat = store.remember(NewMemory("Owns a boat.", MemoryKind.FACT))
    message = said(store, "I moved to Lyon, I like tea, and I own no boat. I sleep badly.")
    changes = [
        Change(ChangeKind.SUPERSEDE, from_(message, "Moved to Lyon.", "I moved to Lyon"), porto.id),
        Change(ChangeKind.CONFIRM, from_(message, "Likes tea.", "I like tea"), tea.id),
        Change(ChangeKind.CONTRADICT, from_(message, "Owns no boat.", "I own no boat"), boat.id),
        Change(ChangeKind.ADD, from_(message, "Sleeps badly.", "I sleep badly"), sensitive=True),
    ]
    (lyon, replaced), (no_boat, _), (sleep, _) = store.learning.queue.done(message.id, changes)
    assert replaced is not None
    assert replaced.id == porto.id
    assert (lyon.about, store.memories.get(porto.id).superseded_by) == ("home", lyon.id)
    assert set(store.memories.get(tea.id).sources) == {before.id, message.id}
    asked = {(one.kind, one.memory.id, one.other and one.other.id) for one in store.learning.questions.all()}
    assert asked == {
        (QuestionKind.CONTRADICTION, no_boat.id, boat.id),
        (QuestionKind.SENSITIVE, sleep.id, None),
    }
    store.learning.questions.answer(QuestionKind.SENSITIVE, sleep.id)
    store.memories.let_supersede(boat.id, no_boat.id)
    assert store.learning.questions.all() == []  # one was answered, the other has only one living memory
    with pytest.raises(NotFoundError):
        store.learning.questions.answer(QuestionKind.SENSITIVE, sleep.id)


def test_what_was_written_by_hand_rests_on_nothing_and_stays_when_a_message_that_says_so_goes(store: Store) -> None:
    by_hand = store.remember("Likes tea.")
    message = said(store, "I like tea.")
    assert store.memories.rest_on(by_hand.id, message.id, "I like tea").sources == ()
    store.forget(Selection((message.id,)))
    assert [one.text for one in store.memories.all()] == ["Likes tea."]


def test_ended_memory_is_history(store: Store) -> None:
    mill = store.remember(NewMemory("Works at the mill.", MemoryKind.FACT, pinned=True))
    ended = store.memories.retire(mill.id)
    assert not ended.is_living
    assert store.memories.all() == []
    assert store.memories.get_pinned(include_private=True) == []
    assert store.recall("Works at the mill.", 5) == []
    assert [one.text for one in store.memories.all(as_of=mill.recorded_at)] == ["Works at the mill."]


def test_memory_never_takes_its_own_place(store: Store) -> None:
    first = store.remember("The first.")
    second = store.memories.supersede(first.id, NewMemory("The second."))
    third = store.memories.supersede(second.id, NewMemory("The third."))
    with pytest.raises(StoreError):
        store.memories.let_supersede(third.id, first.id)
    with pytest.raises(StoreError):
        store.memories.let_supersede(third.id, third.id)


def test_goal_keeps_its_why_horizon_and_reviews_in_a_newer_version(store: Store) -> None:
    goal = store.remember(NewMemory("Run a marathon.", MemoryKind.GOAL, why="For the heart.", horizon="by October"))
    store.memories.review(goal.id, "Ten kilometres.")
    newer = store.memories.supersede(goal.id, NewMemory("Run two marathons.", MemoryKind.GOAL, horizon="by May"))
    assert (newer.why, newer.horizon) == ("For the heart.", "by May")
    assert [one.text for one in store.memories.reviews(newer.id)] == ["Ten kilometres."]
    with pytest.raises(StoreError):
        store.memories.review(store.remember("A note.").id, "No goal.")


def test_erased_message_takes_what_was_captured_and_summed_up_from_it(store: Store) -> None:
    message = said(store, "I moved to Lyonesse, where the bells ring.")
    talk = message.conversation_id
    reply = store.conversations.append(talk, Role.ASSISTANT, "Good to know.", MODEL, parent_id=message.id)
    store.learning.summaries.keep(Summary(talk, reply.id, "The user moved to Lyonesse.", MODEL, False, now()))
    store.learning.queue.done(
        message.id, [Change(ChangeKind.ADD, from_(message, "Lives in Lyonesse.", "I moved to Lyonesse"))]
    )
    store.embed_pending()
    store.forget(Selection((message.id,)))
    assert store.memories.all() == []
    assert store.learning.summaries.get(talk) is None
    store.close()
    for file in store.folder.rglob("*"):
        assert not file.is_file() or b"Lyonesse" not in file.read_bytes(), file


def test_memory_that_loses_its_words_takes_those_of_its_other_source(store: Store) -> None:
    first = said(store, "I live in Lyonesse near the bells.")
    second = said(store, "My home is by the sea.")
    [(memory, _)] = store.learning.queue.done(
        first.id, [Change(ChangeKind.ADD, from_(first, "Lives in Lyonesse near the bells.", "I live in Lyonesse"))]
    )
    confirming = from_(second, "Lives in Lyonesse.", "My home is by the sea")
    store.learning.queue.done(second.id, [Change(ChangeKind.CONFIRM, confirming, memory.id)])
    store.embed_pending()
    store.update_index()
    erasure = store.forget(Selection((first.id,)))
    assert erasure.completed_at is not None
    [left] = store.memories.all()
    assert (left.id, left.text, left.sources) == (memory.id, "My home is by the sea", (second.id,))
    store.embed_pending()
    assert store.recall("home by the sea", 1)[0].text in {"My home is by the sea", "My home is by the sea."}
    store.update_index()
    assert store.verify() == []
    store.close()
    for file in store.folder.rglob("*"):
        assert not file.is_file() or b"Lyonesse" not in file.read_bytes(), file


def test_merged_archive_brings_what_was_learned_but_no_summary_of_what_was_erased(store: Store, tmp_path: Path) -> None:
    message = said(store, "I moved to Lyon.")
    more = store.conversations.append(message.conversation_id, Role.USER, "And more.", USER, parent_id=message.id)
    store.learning.summaries.keep(Summary(message.conversation_id, more.id, "Moved.", MODEL, False, now()))
    goal = store.remember(NewMemory("Run.", MemoryKind.GOAL))
    store.memories.review(goal.id, "Ran.")
    store.learning.questions.ask(QuestionKind.SENSITIVE, goal.id)
    store.export(tmp_path / "all.zip", "1")
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        other.remember("Here already.")
        other.restore(tmp_path / "all.zip")
        assert [one.text for one in other.memories.reviews(goal.id)] == ["Ran."]
        assert [one.memory.id for one in other.learning.questions.all()] == [goal.id]
        assert other.learning.queue.count_waiting() == 1
        assert other.learning.summaries.get(message.conversation_id) is not None
        other.restore(tmp_path / "all.zip")  # a second time nothing comes
        assert [one.text for one in other.memories.reviews(goal.id)] == ["Ran."]
    store.forget(Selection((message.id,)))
    store.restore(tmp_path / "all.zip")
    assert store.learning.summaries.get(message.conversation_id) is None
