"""Stores and archives of every released version open, and are brought up to date without losing anything.

The fixtures were written by those versions: a document of two passages, one private document, a conversation with two
branches and a cited answer, a superseded fact, a pinned note, a note without a vector, and a forgotten file; from
archive format 2 on what `tests.support.rich_store` stores. If the present format changes before it is released, its
fixture is made again with `python -m tests.support.rich_store tests/fixtures/archive-format-7.zip`. That of a released
format is never made again.
"""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from memory_store import Grade, Grouping, LateState, Store, ids, receipts
from memory_store.database import migrations
from memory_store.errors import NewerSchemaError
from memory_store.models import (
    AuthorKind,
    Effort,
    MemoryKind,
    MessageStatus,
    RecallFilters,
    SourceKind,
    ToolOutcome,
    ToolUse,
)
from memory_store.store import DATABASE_NAME
from memory_store.transfer import archive
from tests.support.embedder import HashEmbedder
from tests.support.rich_store import HOLE, WRITTEN

FIXTURES = Path(__file__).parent.parent / "fixtures"
STORES = sorted(FIXTURES.glob("store-schema-*.db.gz"), key=lambda path: (len(path.name), path.name))
ARCHIVES = sorted(FIXTURES.glob("archive-format-*.zip"))


def unpacked(fixture: Path, folder: Path) -> None:
    (folder / DATABASE_NAME).write_bytes(gzip.decompress(fixture.read_bytes()))


def assert_holds_everything(store: Store) -> None:
    assert [(one.path, one.private, one.passage_count) for one in store.documents.all()] == [
        ("/notes/boiler.md", False, 2),
        ("/notes/private.md", True, 1),
    ]
    [conversation] = store.conversations.all()
    assert (conversation.title, conversation.current_message_id, conversation.origin) == (
        "What about the boiler?",
        None,
        None,
    )
    question, answer, move, cold = store.conversations.messages(conversation.id)
    assert (answer.parent_id, move.parent_id, cold.parent_id) == (question.id, answer.id, answer.id)
    assert (answer.author.kind, answer.author.name, answer.input_tokens) == (AuthorKind.MODEL, "llama3.2", 90)
    [citation] = store.conversations.citations(answer.id)
    assert citation.passage_id is not None
    assert "valve under the boiler" in store.passage(citation.passage_id).text
    living = {memory.text: memory for memory in store.memories.all()}
    assert set(living) == {"Ada lives in Porto.", "Feed the cat at seven.", "A note that has no vector yet."}
    assert living["Ada lives in Porto."].sources == (move.id,)
    assert living["Feed the cat at seven."].pinned
    assert [one.text for one in store.memories.get_earlier(living["Ada lives in Porto."].id)] == [
        "Ada lives in Lisbon."
    ]
    assert store.documents.is_forgotten("/notes/gone.md", "another content")
    hit = store.recall("valve under the boiler", 1)[0]
    assert (hit.kind, hit.locator.headings) == (SourceKind.DOCUMENT, ("Heating",))
    assert [hit.text for hit in store.recall("锅炉的阀门", 1)] == ["锅炉的阀门在左边。"]


@pytest.mark.parametrize("fixture", STORES, ids=[path.name for path in STORES])
def test_store_of_a_released_schema_is_brought_up_to_date(fixture: Path, tmp_path: Path) -> None:
    unpacked(fixture, tmp_path)
    with Store.open(tmp_path, HashEmbedder()) as store:
        HOLDS[fixture.name](store)
        # What was said before dates were indexed is found by its date as well.
        told = store.memories.all()[0].recorded_at.astimezone()
        assert store.recall(f"{told:%B} {told.day}", 3)
        assert store.stats().to_embed > 0
        store.embed_pending()
        assert store.stats().to_embed == 0
        assert store.update_index()
        assert store.verify() == []
    with Store.open(tmp_path, HashEmbedder()) as store:  # a second opening has nothing left to do
        HOLDS[fixture.name](store)


def assert_holds_a_rich_store(store: Store) -> None:
    assert [(one.path, one.author.name, one.private, one.passage_count) for one in store.documents.all()] == [
        ("/notes/back.md", None, False, 1),
        ("/notes/boiler.md", "Ada", False, 2),
        ("/notes/private.md", None, True, 1),
    ]
    talk = {one.title: one for one in store.conversations.all()}
    assert {title: (one.origin, one.message_count) for title, one in talk.items()} == {
        "Nothing said yet": (None, 0),
        "What about the boiler?": (None, 6),
        "Weekend in Porto": ("chatgpt:6f3c", 4),
    }
    messages = store.conversations.messages(talk["Weekend in Porto"].id)
    assert [one.origin for one in messages] == ["m0", "m1", "m2", "m3"]
    assert talk["Weekend in Porto"].current_message_id == messages[2].id
    question, answer, move, cold, cut, streaming = store.conversations.messages(talk["What about the boiler?"].id)
    assert (answer.parent_id, move.parent_id, cold.parent_id) == (question.id, answer.id, answer.id)
    assert [one.status.value for one in (answer, cut, streaming)] == ["complete", "partial", "pending"]
    assert [(one.number, one.passage_id is None) for one in store.conversations.citations(answer.id)] == [
        (1, False),
        (2, True),
    ]
    living = {memory.text: memory for memory in store.memories.all()}
    assert living["Ada lives in Porto."].sources == (move.id,)
    assert living["The valve under the boiler is grey."].sources == (store.documents.all()[1].id,)
    assert living["Prefers trains to planes."].origin == "c:1"
    assert living["Feed the cat at seven."].pinned
    assert [one.text for one in store.memories.get_earlier(living["Ada lives in Porto."].id)] == [
        "Ada lives in Lisbon."
    ]
    assert [(one.purpose, one.items) for one in store.requests.all()] == [("embedding", 1), ("chat", 2)]
    results = [receipts.parse_receipt(one.receipt).result for one in store.erasures() if one.receipt]
    assert set(results) == {"nothing left"}
    [taken] = store.was_erased("Where the treasure lies.")
    assert taken.counts == {"documents": 1, "passages": 1}
    assert store.documents.is_forgotten("/notes/gone.md", "")
    assert not store.documents.is_forgotten("/notes/back.md", "")  # it was let in again
    asked = RecallFilters(kinds=frozenset({SourceKind.CONVERSATION}))
    assert store.recall("Where shall we eat?", 1, asked)[0].source.title == "Weekend in Porto"


def assert_holds_what_came_from_another_store(store: Store) -> None:
    assert_holds_a_rich_store(store)
    with store._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM foreign_tombstones").fetchone()[0] > 0
    assert store.was_erased("Owes the baker a fiver.") == []  # that erasure was not complete, its receipt did not come


def assert_holds_what_was_judged_and_put_away(store: Store) -> None:
    assert_holds_what_came_from_another_store(store)
    talk = {one.title: one for one in store.conversations.all()}
    assert [title for title, one in talk.items() if one.archived] == ["Weekend in Porto"]
    answer = store.conversations.messages(talk["What about the boiler?"].id)[1]
    assert [one.dismissed for one in store.conversations.citations(answer.id)] == [True, False]
    recalled = [one.text for one in store.recall("What about the boiler?", 9)]
    assert recalled
    assert "Open the valve under the boiler when the pressure falls." not in recalled


def assert_holds_what_was_learned(store: Store) -> None:
    [goal] = [one for one in store.memories.all() if one.kind is MemoryKind.GOAL]
    assert (goal.text, goal.why, goal.horizon) == ("Run a marathon.", "For the heart.", "by October")
    assert [one.text for one in store.memories.reviews(goal.id)] == ["Ran ten kilometres."]
    question, _sensitive = sorted(store.learning.questions.all(), key=lambda one: one.kind)
    assert question.other is not None
    assert question.memory.text == "Ada owns no boat."
    assert {one.quote for one in store.memories.grounds(question.other.id)} == {"I moved to Porto", "the boiler"}
    [ended] = [one for one in store.memories.all(include_superseded=True) if one.text == "Works at the mill."]
    assert not ended.is_living
    assert ended.superseded_by is None
    talk = {one.title: one for one in store.conversations.all()}["What about the boiler?"]
    summary = store.learning.summaries.get(talk.id)
    assert summary is not None
    assert summary.text == "Ada asked about the boiler."
    waiting = store.learning.queue.next()
    assert waiting is not None
    assert waiting.text == "I keep bees."
    assert {one.text for one in store.recall("mill bees boat", 9)} >= {"I keep bees.", "Ada owns a boat."}
    assert "Works at the mill." not in {one.text for one in store.recall("Works at the mill.", 9)}


def assert_holds_what_is_spelt_in_several_ways(store: Store) -> None:
    assert_holds_what_was_learned(store)
    for words in ("备用钥匙", "grosse strasse", "DE02120300000000202051"):
        assert [one.text[:5] for one in store.recall(words, 1)] == ["備用鑰匙:"]
        assert len(store.find_holding(words)) == 1


def assert_tells_what_is_missing(store: Store) -> None:
    assert_holds_what_was_learned(store)
    assert [one.left_out for one in store.documents.all() if one.left_out] == [(HOLE,)]


def assert_keeps_the_effort_of_a_chat(store: Store) -> None:
    assert_tells_what_is_missing(store)
    efforts = {one.title: one.effort for one in store.conversations.all()}
    assert (efforts["Nothing said yet"], efforts["What about the boiler?"]) == (Effort.INSTANT, None)


def assert_holds_what_requests_took(store: Store) -> None:
    assert_keeps_the_effort_of_a_chat(store)
    day = store.ledger.totals(Grouping.DAY)[-1]
    assert (day.requests, day.tokens, day.cost, day.unpriced, day.energy_high) == (2, 1296, 25, 1, 340)


def assert_holds_what_answers_took(store: Store) -> None:
    """Answers of before the ledger stand in it, at no cost where nothing was sent."""
    assert_keeps_the_effort_of_a_chat(store)
    [entry] = store.ledger.latest(9)
    message = next(
        item for one in store.conversations.all() for item in store.conversations.messages(one.id) if item.input_tokens
    )
    assert (entry.message_id, entry.made_at, entry.model, entry.endpoint) == (
        message.id,
        message.created_at,
        "llama3.2",
        None,
    )
    assert (entry.input_tokens, entry.output_tokens, entry.cost, ids.prefix_of(entry.id)) == (
        90,
        6,
        0,
        ids.LEDGER_ENTRY,
    )


def assert_holds_what_was_asked_of_tools(store: Store) -> None:
    assert_holds_what_requests_took(store)
    talk = {one.title: one for one in store.conversations.all()}["What about the boiler?"]
    [answer] = [one for one in store.conversations.messages(talk.id) if one.text.startswith("Open the valve")]
    use = ToolUse("search_memory", '{"query": "valve"}', ToolOutcome.DONE)
    assert store.conversations.tool_uses(answer.id) == [use]


def assert_holds_what_is_to_be_answered_later(store: Store) -> None:
    assert_holds_what_was_asked_of_tools(store)
    failed, waiting = sorted(store.late.all(), key=lambda late: late.state)
    assert (waiting.state, waiting.shape, waiting.recalled, waiting.batch) == (LateState.INTENDED, "openai", 1, None)
    assert (failed.state, failed.trouble, failed.batch) == (LateState.FAILED, "The model is gone.", "batch_1")
    assert {entry.id for entry in store.ledger.latest(9)} >= {waiting.ledger_id, failed.ledger_id}
    assert store.conversations.message(waiting.message_id or "").status is MessageStatus.PENDING


def assert_holds_a_task(store: Store) -> None:
    assert_holds_what_is_to_be_answered_later(store)
    [task] = [one for one in store.tasks.all() if "movers" in one.plan]
    assert (task.state, task.trouble, task.plan) == ("paused", "The network is away.", 'title = "Ask the movers"\n')
    done, cut = store.tasks.items(task.id)
    assert (done.key, done.state, done.result, cut.state) == ("Movers", "done", '{"price": "90"}', "waiting")
    assert [step.outcome for step in store.tasks.steps(cut.id)] == ["begun"]


def assert_holds_cards(store: Store) -> None:
    assert_holds_a_task(store)
    card, own = store.cards.all()
    assert (card.question, card.answer, card.quote, card.author.name, card.private) == (
        "What falls?",
        "The pressure.",
        "when the pressure falls",
        "llama3.2",
        False,
    )
    assert [review.grade for review in store.cards.reviews(card.id)] == [Grade.HARD]
    assert "pressure falls" in store.passage(card.passage_id).text
    assert (own.question, store.cards.reviews(own.id)) == ("What is opened?", [])


def assert_holds_reminders(store: Store) -> None:
    assert_holds_cards(store)
    with_task, once, missed = sorted(store.schedules.all(), key=lambda schedule: schedule.text)
    assert (missed.text, missed.begins, missed.zone, missed.untold) == (
        *("Water the ferns", "2026-03-09T08:00:00", "Europe/Berlin"),
        2,
    )
    assert (missed.rule, missed.state, missed.first_untold_at) == ("FREQ=WEEKLY;BYDAY=MO", "active", WRITTEN)
    assert "movers" in store.tasks.get(with_task.task_id or "").plan
    assert (once.text, once.state, once.untold, once.next_at, once.last_at) == ("Call Ines", "over", 0, None, WRITTEN)


def assert_holds_recipes(store: Store) -> None:
    assert_holds_reminders(store)
    made, other = store.recipes.all()
    assert (made.name, made.skill.splitlines()[2], made.private, made.agreed) == (
        "boiler-check",
        "description: Checks the boiler.",
        False,
        None,  # no archive agrees to anything
    )
    assert store.conversations.get(made.conversation_id or "").title == "What about the boiler?"
    assert (other.files, other.private, other.left_out[0].part) == ({"a.md": "More."}, True, "scripts/go.py")


HOLDS = {
    "archive-format-1.zip": assert_holds_everything,
    "archive-format-2.zip": assert_holds_a_rich_store,
    "archive-format-3.zip": assert_holds_what_came_from_another_store,
    "archive-format-4.zip": assert_holds_what_was_judged_and_put_away,
    "archive-format-5.zip": assert_holds_what_was_learned,
    "archive-format-6.zip": assert_tells_what_is_missing,
    "archive-format-7.zip": assert_holds_recipes,
    "store-schema-1.db.gz": assert_holds_everything,
    "store-schema-2.db.gz": assert_holds_everything,
    "store-schema-3.db.gz": assert_holds_a_rich_store,
    "store-schema-4.db.gz": assert_holds_a_rich_store,
    "store-schema-5.db.gz": assert_holds_a_rich_store,
    "store-schema-6.db.gz": assert_holds_what_was_learned,
    "store-schema-7.db.gz": assert_holds_what_is_spelt_in_several_ways,
    "store-schema-8.db.gz": assert_holds_what_is_spelt_in_several_ways,
    "store-schema-9.db.gz": assert_holds_what_is_spelt_in_several_ways,
    "store-schema-10.db.gz": assert_tells_what_is_missing,
    "store-schema-11.db.gz": assert_holds_what_answers_took,
    "store-schema-12.db.gz": assert_holds_what_requests_took,
    "store-schema-13.db.gz": assert_holds_what_was_asked_of_tools,
    "store-schema-14.db.gz": assert_holds_what_was_asked_of_tools,
    "store-schema-15.db.gz": assert_holds_what_is_to_be_answered_later,
    "store-schema-16.db.gz": assert_holds_a_task,
    "store-schema-17.db.gz": assert_holds_cards,
    "store-schema-18.db.gz": assert_holds_reminders,
}


@pytest.mark.parametrize("fixture", ARCHIVES, ids=[path.name for path in ARCHIVES])
def test_archive_of_a_released_format_is_restored(fixture: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert store.restore(fixture).vectors_kept
        HOLDS[fixture.name](store)
        assert store.verify() == []


def test_every_released_schema_and_format_has_a_fixture() -> None:
    newest = migrations.migrations()[-1][0]
    assert [path.name for path in STORES] == [f"store-schema-{number}.db.gz" for number in range(1, newest)]
    assert [path.name for path in ARCHIVES] == [
        f"archive-format-{number}.zip" for number in range(1, archive.FORMAT_VERSION + 1)
    ]


def test_migration_that_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked(STORES[0], tmp_path)
    steps = migrations.migrations()
    version, sql = steps[-1]
    with monkeypatch.context() as broken:
        broken.setattr(
            migrations, "migrations", lambda: [*steps[:-1], (version, f"{sql}\nINSERT INTO nowhere VALUES (1);")]
        )
        with pytest.raises(Exception, match="nowhere"):
            Store.open(tmp_path, HashEmbedder())
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version - 1
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'recipes'").fetchone() is None
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert_holds_everything(store)


def test_database_from_a_newer_version_is_refused_clearly_and_left_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.remember("kept")
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = (tmp_path / DATABASE_NAME).read_bytes()
    with pytest.raises(NewerSchemaError, match="this version knows"):
        Store.open(tmp_path, HashEmbedder())
    assert (tmp_path / DATABASE_NAME).read_bytes() == before
