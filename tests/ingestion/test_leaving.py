"""Everything that can be imported leaves in an archive, arrives in a new store, and leaves it again the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from memory_store import CardReview, Grade, NewCard, NewEntry, NewMemory, Selection, Store, TaskState, Usage
from memory_store.clock import now
from memory_store.models import USER, Author, AuthorKind, Citation, MessageStatus, Purpose, Role
from memory_store.transfer.restore import RestoreOptions
from tests.ingestion.conversations.test_import import each_export
from tests.ingestion.test_damage import WHOLE
from tests.memory_store.test_archive import rows_of
from tests.properties.test_archive_round_trip import members
from tests.support.embedder import HashEmbedder
from tests.support.rich_store import add_late, add_learned, add_recipes, add_schedules, add_task


def filled(folder: Path, store: Store) -> None:
    """Import a file of every format and an export of every assistant; forget, note and learn some, log a request."""
    documents, exports = folder / "documents", folder / "exports"
    documents.mkdir()
    exports.mkdir()
    for name, data in WHOLE.items():
        (documents / name).write_bytes(data)
    private = folder / "private.md"
    private.write_text("# 体检\n\n血压偏高，需要复查。\n", "utf-8")
    paths = [documents, *each_export(exports).values()]
    outcomes = list(import_paths(store, paths, ImportOptions()))
    outcomes += import_paths(store, [private], ImportOptions(private=True))
    assert {one.status for one in outcomes} == {FileStatus.IMPORTED, FileStatus.MISSING}
    old = store.remember(NewMemory("Lives in Porto", valid_from=datetime(2019, 5, 1, tzinfo=UTC)))
    store.memories.supersede(old.id, NewMemory("Lives in Lyon", pinned=True))
    sent = store.remember("Sent and forgotten")
    store.requests.log("https://example.org/v1", "a-model", "chat", [sent.id, old.id])
    first, cited = store.documents.all()[:2]
    talk = store.conversations.start("Where?")
    question = store.conversations.append(talk.id, Role.USER, "Where?", USER, parent_id=None)
    author = Author(AuthorKind.MODEL, "a-model")
    answer = store.conversations.append(
        talk.id, Role.ASSISTANT, "", author, parent_id=question.id, status=MessageStatus.PENDING
    )
    passage = Citation(1, store.documents.passages(cited.id)[0].id, True)
    store.conversations.finish(answer.id, "There [1]", author, MessageStatus.COMPLETE, citations=[passage])
    store.conversations.begin_tool_use(answer.id, "search_memory", '{"query": "where"}')
    entry = NewEntry("chat", Purpose.ANSWER, "a-model", None, Usage(90, 6), answer.id)
    store.ledger.settle(store.ledger.reserve(entry, ()), Usage(90, 6, counted=True))
    add_late(store, talk.id, question.id)
    add_task(store, question.id)
    add_schedules(store, question.id)
    for task in store.tasks.all():  # one that runs comes back resting
        if task.state is TaskState.RUNNING:
            store.tasks.change_state(task.id, TaskState.PAUSED)
    whole = store.documents.passages(cited.id)[0]
    [card] = store.cards.add([NewCard(whole.id, "Where?", "There.", whole.text[:20].strip(), author)])
    store.cards.review(CardReview(card.id, now(), Grade.HARD), now())
    add_recipes(store, talk.id)
    add_learned(store, talk.id, question.id, answer.id)
    store.remember(NewMemory("Asked where", sources=(question.id, cited.id)))
    store.forget(Selection((sent.id, first.id)))
    store.embed_pending()


def test_store_of_every_format_is_equal_after_export_and_restore(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one", HashEmbedder()) as store:
        filled(tmp_path, store)
        before = rows_of(store)
        assert [name for name in before if not before[name]] == ["foreign_tombstones"]
        store.export(tmp_path / "keep.zip", "1", "data_dir = ''\n")
    with Store.open(tmp_path / "two", HashEmbedder()) as store:
        settings = store.restore(tmp_path / "keep.zip").settings
        assert rows_of(store) == before
        store.export(tmp_path / "again.zip", "1", settings)
        # And a store that lives takes the same archive without a change.
        again = store.restore(tmp_path / "again.zip", RestoreOptions(prefer_archive=True))
        assert not any(again.counts.values())
        assert not any(again.conflicts.values())
        assert rows_of(store) == before
    assert members(tmp_path / "again.zip") == members(tmp_path / "keep.zip")
