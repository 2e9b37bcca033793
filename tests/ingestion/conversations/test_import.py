"""Exports brought into the store: known by their content, merged by origin, forgotten for good, told in numbers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.ingestion.base import ReadLimits
from assistant.ingestion.pipeline import FileOutcome, FileStatus, ImportOptions, import_paths
from memory_store import Selection, Store
from memory_store.models import USER, RecallFilters, Role
from tests.ingestion.conversations.exports import (
    claude_chat,
    claude_message,
    gpt_chat,
    gpt_message,
    gpt_node,
    llm_database,
    oterm_database,
    said,
    webui_chat,
    webui_message,
    write,
    zipped,
)
from tests.ingestion.conversations.test_claude_and_open_webui import MEMORIES, PROJECT
from tests.ingestion.conversations.test_databases_and_archives import LOGS, THREADS
from tests.ingestion.files import zip_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


def run(store: Store, *paths: Path, private: bool = False, again: bool = False) -> list[FileOutcome]:
    return list(import_paths(store, paths, ImportOptions(private, again)))


def everything(store: Store) -> list[tuple[str, str, str | None, str]]:
    return sorted(
        (chat.title, message.id, message.parent_id, message.text)
        for chat in store.conversations.all()
        for message in store.conversations.messages(chat.id)
    )


def each_export(folder: Path) -> dict[str, Path]:
    """Write one export of every format."""
    claude = {
        "conversations.json": [claude_chat(claude_message("human", said("How?")))],
        "memories.json": MEMORIES,
        "projects.json": [PROJECT],
    }
    with Store.open(folder / "other") as other:
        chat = other.conversations.start("Older")
        other.conversations.append(chat.id, Role.USER, "Where is it?", USER, parent_id=None)
        other.export(folder / "archive.zip", "1")
    return {
        "chatgpt": zipped(folder / "gpt.zip", {"conversations.json": [gpt_chat("a"), gpt_chat("b")]}),
        "claude": zipped(folder / "claude.zip", claude),
        "open-webui": write(folder / "chats.json", [webui_chat(webui_message("q", "user", "How?"))]),
        "oterm": oterm_database(folder / "store.db", {"Boiler": [("user", "How?"), ("assistant", "So.")]}),
        "llm": llm_database(folder / "logs.db", LOGS + THREADS),
        "keepsake": folder / "archive.zip",
    }


@pytest.mark.parametrize("name", ["chatgpt", "claude", "open-webui", "oterm", "llm", "keepsake"])
def test_the_same_export_twice_adds_nothing(store: Store, tmp_path: Path, name: str) -> None:
    path = each_export(tmp_path)[name]
    first = run(store, path)
    assert first[-1].status is FileStatus.IMPORTED
    before = everything(store)
    memories, documents = store.memories.all(), store.documents.all()
    second = run(store, path)
    assert {one.status for one in second} == {FileStatus.UNCHANGED}
    assert second[-1].report is not None
    assert second[-1].report.messages_added == 0
    assert (everything(store), store.memories.all(), store.documents.all()) == (before, memories, documents)
    assert before


def test_a_newer_export_adds_only_what_is_new(store: Store, tmp_path: Path) -> None:
    old = gpt_chat("a")
    run(store, zipped(tmp_path / "old.zip", {"conversations.json": [old]}))
    before = everything(store)
    grown = gpt_chat("a")
    grown["mapping"]["n"] = gpt_node("a", gpt_message("user", "And then?"))
    grown["mapping"]["other"] = gpt_node("q", gpt_message("assistant", "Another answer."))
    grown["current_node"] = "n"
    (outcome,) = run(store, zipped(tmp_path / "new.zip", {"conversations.json": [grown, gpt_chat("b")]}))
    report = outcome.report
    assert report is not None
    assert (report.new, report.updated, report.messages_added, report.messages_known) == (1, 1, 4, 2)
    assert set(before) <= set(everything(store))
    chat = next(one for one in store.conversations.all() if one.origin == "chatgpt:a")
    shown = store.conversations.message(str(chat.current_message_id))
    assert shown.text == "And then?"


def test_authors_times_and_titles_arrive_and_words_find_them(store: Store, tmp_path: Path) -> None:
    run(store, write(tmp_path / "conversations.json", [gpt_chat("a")]))
    (chat,) = store.conversations.all()
    messages = store.conversations.messages(chat.id)
    assert chat.title == "Chat a"
    assert [(one.role, one.author.name, one.created_at.year) for one in messages] == [
        (Role.USER, None, 2025),
        (Role.ASSISTANT, "gpt-5", 2025),
    ]
    assert store.recall("What did you answer, of a?")[0].source.id == chat.id


def test_a_long_message_becomes_passages(store: Store, tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {n} says something about the boiler of the house." * 10 for n in range(10))
    chat = gpt_chat(nodes={"q": gpt_node(None, gpt_message("user", long))})
    run(store, write(tmp_path / "conversations.json", [chat]))
    assert store.stats().passages > 3


def test_what_was_forgotten_stays_away_unless_it_is_asked_for(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a"), gpt_chat("b")])
    run(store, path)
    gone = next(one for one in store.conversations.all() if one.origin == "chatgpt:a")
    store.forget(Selection((gone.id,)))
    (outcome,) = run(store, path)
    assert outcome.report is not None
    assert (outcome.report.forgotten, outcome.report.known) == (1, 1)
    assert [one.origin for one in store.conversations.all()] == ["chatgpt:b"]
    (outcome,) = run(store, path, again=True)
    assert outcome.status is FileStatus.IMPORTED
    assert len(store.conversations.all()) == 2


def test_conversation_whose_messages_were_forgotten_one_by_one_stays_away_too(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a")])
    run(store, path)
    (chat,) = store.conversations.all()
    store.forget(Selection(tuple(one.id for one in store.conversations.messages(chat.id))))
    with store._database.write() as connection:  # gone, without having been forgotten itself
        connection.execute("DELETE FROM conversations")
    run(store, path)
    assert store.conversations.all() == []


def test_an_archive_of_this_very_store_brings_nothing_back(store: Store, tmp_path: Path) -> None:
    chats = [store.conversations.start(title) for title in ("kept", "forgotten")]
    for chat in chats:
        store.conversations.append(chat.id, Role.USER, f"This is {chat.title}.", USER, parent_id=None)
    memory = store.remember("The key is with Ines.")
    store.export(tmp_path / "own.zip", "1")
    store.forget(Selection((chats[1].id, memory.id)))
    run(store, tmp_path / "own.zip")
    assert [one.title for one in store.conversations.all()] == ["kept"]
    assert store.memories.all() == []


def test_an_archive_and_an_export_of_the_same_conversation_are_one(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a")])
    with Store.open(tmp_path / "other") as other:
        run(other, path)
        (chat,) = other.conversations.all()
        last = other.conversations.messages(chat.id)[-1]
        other.conversations.append(chat.id, Role.USER, "Gone on with here.", USER, parent_id=last.id)
        other.export(tmp_path / "other.zip", "1")
    run(store, path)
    (outcome,) = run(store, tmp_path / "other.zip")
    assert outcome.report is not None
    assert (outcome.report.messages_added, outcome.report.messages_known) == (1, 2)
    (chat,) = store.conversations.all()
    messages = store.conversations.messages(chat.id)
    assert [one.text for one in messages] == ["Question of a?", "Answer of a.", "Gone on with here."]
    assert (messages[2].parent_id, chat.current_message_id) == (messages[1].id, messages[2].id)


def test_a_private_import_is_private(store: Store, tmp_path: Path) -> None:
    run(store, each_export(tmp_path)["claude"], private=True)
    kinds = (store.conversations.all(), store.memories.all(), store.documents.all())
    assert [all(one.private for one in kind) and len(kind) > 0 for kind in kinds] == [True] * 3
    assert store.recall("How engines boiler", filters=RecallFilters(include_private=False)) == []


def test_what_was_imported_before_becomes_private_when_it_is_imported_so(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a")])
    run(store, path)
    public = RecallFilters(include_private=False, echoes=True)
    assert store.recall("Answer of a", filters=public)
    run(store, path, private=True)
    (chat,) = store.conversations.all()
    assert chat.private
    assert all(one.private for one in store.conversations.messages(chat.id))
    assert store.recall("Answer of a", filters=public) == []


def test_an_export_with_more_pictures_than_an_archive_may_hold_is_read(store: Store, tmp_path: Path) -> None:
    pictures = {f"file-AbCdEfGhIjKlMnOpQr{number}.png": "x" for number in range(20)}
    path = zipped(tmp_path / "export.zip", {"conversations.json": [gpt_chat("a")], **pictures})
    options = ImportOptions(limits=ReadLimits(max_members=10))
    assert [one.status for one in import_paths(store, [path], options)] == [FileStatus.IMPORTED]


@pytest.mark.parametrize("name", ["conversations.json", "../conversations.json"])
def test_a_bomb_or_an_escape_in_an_export_is_refused_with_its_reason(store: Store, tmp_path: Path, name: str) -> None:
    blanks = " " * (3 * 1024**2 if not name.startswith(".") else 0)
    path = tmp_path / "export.zip"
    path.write_bytes(zip_of({name: json.dumps([gpt_chat("a")]) + blanks}))
    (outcome,) = run(store, path)
    assert outcome.status is FileStatus.FAILED
    assert "times its size" in outcome.reason or "path escape" in outcome.reason
    assert outcome.hint
    assert store.conversations.all() == []


def test_memories_and_documents_of_an_export_are_stored_as_such(store: Store, tmp_path: Path) -> None:
    outcomes = run(store, each_export(tmp_path)["claude"])
    assert {one.author.name for one in store.memories.all()} == {"Claude"}
    assert {one.path for one in store.documents.all()} == {
        "claude:p1/instructions/Boiler (instructions).md",
        "claude:p1/d1/..-..-manual.pdf",
    }
    assert [one.status for one in outcomes] == [FileStatus.IMPORTED] * 3


def test_exports_in_a_folder_are_found_and_its_documents_too(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    zipped(folder_of(folder) / "export.zip", {"conversations.json": [gpt_chat("a")], "chat.html": "x"})
    write(folder / "claude" / "conversations.json", [claude_chat(claude_message("human", said("How?")))])
    write(folder / "claude" / "users.json", [{"uuid": "u"}])
    write(folder / "data.json", {"service": "Music"})
    (folder / "note.md").write_text("words")
    (folder / "link.zip").symlink_to(folder / "export.zip")
    outcomes = run(store, folder)
    assert sorted(Path(one.path).name for one in outcomes) == ["claude", "data.json", "export.zip", "note.md"]
    assert len(store.conversations.all()) == 2


def test_an_export_unpacked_among_ones_own_files_hides_none_of_them(store: Store, tmp_path: Path) -> None:
    members: dict[str, object] = {
        "conversations.json": [gpt_chat("a")],
        "user.json": {"id": "u"},
        "file-AbCdEfGhIjKlMnOpQrSt.png": "x",
        "6f1d2c3b-4a5e-4f60-8a7b-9c0d1e2f3a4b/audio/x.wav": "x",
        "dalle-generations/y.webp": "x",
    }
    own = {"projects/plan.json": {"name": "Plan"}, "boiler.json": {"pressure": 1.5}, "notes/key.json": ["Ines"]}
    for name, value in {**members, **own}.items():
        write(tmp_path / "folder" / name, value)
    zipped(tmp_path / "all.zip", {**members, **own})
    for path in (tmp_path / "folder", tmp_path / "all.zip"):
        outcomes = run(store, path)
        assert [one.report is not None for one in outcomes] == [True, False, False, False]
        assert {Path(one.path).name for one in outcomes[1:]} == {"plan.json", "boiler.json", "key.json"}
        assert {one.status for one in outcomes} <= {FileStatus.IMPORTED, FileStatus.UNCHANGED}


def folder_of(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_torn_conversations_are_named_with_their_reason_and_the_rest_is_stored(store: Store, tmp_path: Path) -> None:
    torn = {"title": "Broken", "create_time": 1, "mapping": None}
    path = write(tmp_path / "conversations.json", [gpt_chat("a"), torn, gpt_chat("b")])
    bad, export = run(store, path)
    assert (bad.status, bad.reason) == (FileStatus.FAILED, "“Broken”: it has no messages")
    assert bad.path.endswith("conversations.json: conversation 2")
    assert bad.hint
    assert export.report is not None
    assert export.report.summary() == "conversations: 2 new; messages: 4 new; not read: 1"


def test_an_import_tells_how_far_it_is_and_stops_between_conversations(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat(str(n)) for n in range(10)])
    stop = threading.Event()
    seen: list[int] = []

    def progress(_: str, messages: int, total: int) -> None:
        assert total == 0
        seen.append(messages)
        if messages == 6:
            stop.set()

    list(import_paths(store, [path], ImportOptions(), progress, stop))
    assert seen == [2, 4, 6]
    assert len(store.conversations.all()) == 3
    run(store, path)
    assert len(store.conversations.all()) == 10
