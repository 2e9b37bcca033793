"""The rule of what is private: at every door of the store, for what is there already, and for what is made of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from memory_store import Due, NewMemory, NewRecipe, NewSchedule, Rerun, Store
from memory_store.clock import now
from memory_store.database.conversations import NewConversation, NewMessage
from memory_store.database.learning import Change, ChangeKind
from memory_store.database.private_rule import NOTHING, PrivateRule
from memory_store.models import (
    USER,
    Author,
    AuthorKind,
    Citation,
    MemoryKind,
    MessageStatus,
    RecallFilters,
    Role,
    Summary,
)
from tests.memory_store.support import add_document
from tests.support.embedder import HashEmbedder

RULE = PrivateRule("pulse", ("/home/ada/Clinic",), lambda text: "pulse" in text)
MODEL = Author(AuthorKind.MODEL, "m")


def public(store: Store) -> set[str]:
    """What a recall for a model elsewhere may see."""
    return {one.text for one in store.recall("zebra", 50, RecallFilters(include_private=False, echoes=True))}


def test_what_is_stored_by_any_door_is_private_where_the_rule_says_so(store: Store) -> None:
    store.privacy.follow(RULE)
    assert store.remember("zebra of my pulse").private
    assert store.remember(NewMemory("zebra to run", MemoryKind.GOAL, why="for my pulse")).private
    assert not store.remember("zebra of my bike").private
    assert store.memories.add_once(NewMemory("zebra pulse", origin="pam:1")).private  # type: ignore[union-attr]
    old = store.remember("zebra it is")
    assert store.memories.supersede(old.id, NewMemory("zebra pulse it is")).private
    goal = store.remember(NewMemory("zebra to learn", MemoryKind.GOAL))
    store.memories.review(goal.id, "zebra my pulse allows")
    assert store.memories.get(goal.id).private
    assert add_document(store, "/home/ada/Clinic/2026/x.md", "zebra is in a file").private
    assert not add_document(store, "/home/ada/Clinical.md", "zebra is public").private
    talk = store.conversations.start("Talk")
    asked = store.conversations.append(talk.id, Role.USER, "zebra of my pulse?", USER, parent_id=None, capture=True)
    told = store.conversations.append(talk.id, Role.ASSISTANT, "zebra it says", MODEL, parent_id=asked.id)
    assert (asked.private, told.private) == (True, True)
    [(captured, _)] = store.learning.queue.done(
        asked.id, [Change(ChangeKind.ADD, NewMemory("zebra was captured", sources=(asked.id,)))]
    )
    assert captured.private
    messages = [
        NewMessage("1", None, Role.USER, "zebra a pulse", USER, now()),
        NewMessage("2", "1", Role.ASSISTANT, "zebra they said", MODEL, now()),
        NewMessage("3", "2", Role.USER, "zebra a day", USER, now()),
    ]
    store.conversations.merge(NewConversation("chat:1", "Imported", now(), now(), messages))
    assert public(store) == {"zebra of my bike", "zebra is public", "zebra a day"}


def test_links_into_a_private_folder_are_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "Clinic").mkdir()
    (tmp_path / "Clinic" / "x.md").write_text("x", "utf-8")
    (tmp_path / "way").symlink_to(tmp_path / "Clinic")
    store.privacy.follow(replace(RULE, folders=(str(tmp_path / "Clinic"),)))
    assert add_document(store, str(tmp_path / "way" / "x.md"), "linked").private
    store.privacy.follow(replace(RULE, name="linked", folders=(str(tmp_path / "way"),)))
    assert add_document(store, str(tmp_path / "Clinic" / "x.md"), "linked to").private


def test_a_new_rule_looks_at_what_is_there_once_and_the_user_has_the_last_word(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        memory = store.remember("zebra of my pulse")
        document = add_document(store, "/home/ada/Clinic/x.md", "zebra is in a file")
        talk = store.conversations.start("Talk")
        asked = store.conversations.append(talk.id, Role.USER, "zebra of my pulse?", USER, parent_id=None)
        store.conversations.append(talk.id, Role.ASSISTANT, "zebra it says", MODEL, parent_id=asked.id)
        assert len(public(store)) == 4
        assert store.privacy.follow(RULE) == 3
        assert public(store) == set()
        store.memories.mark(memory.id, private=False)
        store.documents.set_private(document.id, False)
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert store.privacy.follow(RULE) == 0
        assert public(store) == {"zebra of my pulse", "zebra is in a file"}
        # A document that changes is stored anew.
        assert add_document(store, "/home/ada/Clinic/x.md", "zebra is in it now").private
        assert store.privacy.follow(NOTHING) == 0
        assert not store.remember("zebra other pulse").private


def test_a_restored_archive_is_looked_at(store: Store, tmp_path: Path) -> None:
    store.remember("zebra of my pulse")
    store.export(tmp_path / "archive.zip", "1")
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        other.privacy.follow(RULE)
        other.restore(tmp_path / "archive.zip")
        assert [one.private for one in other.memories.all()] == [True]


def test_what_was_made_of_something_that_becomes_private_becomes_so(store: Store) -> None:
    talk, open_talk = store.conversations.start("Talk"), store.conversations.start("Open")
    said = store.conversations.append(talk.id, Role.USER, "zebra I keep", USER, parent_id=None)
    also = store.conversations.append(open_talk.id, Role.USER, "zebra I keep too", USER, parent_id=None)
    letter = add_document(store, "/letter.md", "zebra is in the letter")
    made = store.remember(NewMemory("zebra rests on the chat", sources=(said.id,)))
    read = store.remember(NewMemory("zebra rests on the letter", sources=(letter.id,)))
    both = store.remember(NewMemory("zebra rests on both", sources=(said.id, also.id)))
    pending = store.conversations.append(
        open_talk.id, Role.ASSISTANT, "", MODEL, parent_id=also.id, status=MessageStatus.PENDING
    )
    cited = store.documents.passages(letter.id)[0].id
    store.conversations.finish(
        pending.id, "zebra the letter says", MODEL, MessageStatus.COMPLETE, citations=[Citation(1, cited, True)]
    )
    store.learning.summaries.keep(Summary(open_talk.id, pending.id, "They spoke of it.", MODEL, False, now()))
    store.conversations.mark(talk.id, private=True)
    store.documents.set_private(letter.id, True)
    assert [store.memories.get(one.id).private for one in (made, read, both)] == [True, True, False]
    summary = store.learning.summaries.get(open_talk.id)
    assert summary is not None
    assert summary.private
    assert public(store) == {"zebra I keep too", "zebra rests on both"}


def test_a_chat_made_public_again_keeps_what_the_rule_covers(store: Store) -> None:
    store.privacy.follow(RULE)
    talk = store.conversations.start("Talk")
    first = store.conversations.append(talk.id, Role.USER, "zebra of my pulse?", USER, parent_id=None)
    store.conversations.append(talk.id, Role.USER, "zebra of the bike?", USER, parent_id=first.id)
    store.conversations.mark(talk.id, private=True)
    store.conversations.mark(talk.id, private=False)
    assert public(store) == {"zebra of the bike?"}


def test_what_a_task_a_reminder_or_a_recipe_says_in_any_line_is_looked_at(store: Store) -> None:
    talk = store.conversations.start("Talk")
    asked = [
        store.conversations.append(talk.id, Role.USER, f"zebra {number}", USER, parent_id=None) for number in range(3)
    ]
    store.tasks.add(asked[0].id, 'ask = "Look at it.\\npulse?"', [("Bo", "{}")])
    store.schedules.add(asked[1].id, NewSchedule("the pulse", now().replace(tzinfo=None), "UTC", now()))
    recipe = store.recipes.add(NewRecipe("a", "b", {"c.md": "d\npulse"}))
    weekly = store.conversations.append(talk.id, Role.USER, "weekly", USER, parent_id=None)
    task = store.tasks.add(weekly.id, 'ask = "The table?"', [("Bo", "{}")])
    store.schedules.add(
        weekly.id, NewSchedule("the table", now().replace(tzinfo=None), "UTC", now(), "FREQ=WEEKLY", task.id)
    )
    [due] = [due for due in store.schedules.find_due(now()) if due.message_id == weekly.id]
    moment = now()
    plan = Rerun('ask = "The pulse?"', [("Bo", "{}")], None)
    made = store.schedules.fire(due, Due(1, moment, moment, None), "the table", moment, plan)
    assert made is not None
    assert store.privacy.follow(replace(RULE, touches=lambda text: bool(re.search(r"\bpulse\b", text)))) == 4
    assert store.conversations.is_private(made.id)  # with which the task was begun anew
    assert (public(store), store.recipes.get(recipe.id).private) == ({"zebra 2", "weekly"}, True)
    store.conversations.mark(talk.id, private=True)
    store.conversations.mark(talk.id, private=False)
    assert public(store) == {"zebra 2", "weekly"}
