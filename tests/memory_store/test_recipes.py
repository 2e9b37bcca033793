"""Recipes in the record: they go with the chat they are made from, are found by their words, and leave and come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory_store import NewMemory, NewRecipe, PrivateRule, Recipe, Selection, Store
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER, Message, Role
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import bytes_of, indexed
from tests.support.embedder import HashEmbedder

BODY = "---\nname: {name}\ndescription: How the {name} is done.\n---\n{text}\n"


def recipe(name: str, text: str = "Do it.", **others: object) -> NewRecipe:
    return NewRecipe(name, BODY.format(name=name, text=text), **others)  # type: ignore[arg-type]


def chat(store: Store, *texts: str) -> list[Message]:
    talk = store.conversations.start(texts[0])
    messages: list[Message] = []
    for text in texts:
        parent = messages[-1].id if messages else None
        messages.append(store.conversations.append(talk.id, Role.USER, text, USER, parent_id=parent))
    return messages


def names(found: Sequence[Recipe]) -> list[str]:
    return [item.name for item in found]


def test_a_name_is_taken_once_and_what_changed_has_to_be_agreed_to_anew(store: Store) -> None:
    first = store.recipes.add(recipe("review"))
    with pytest.raises(StoreError, match="already"):
        store.recipes.add(recipe("review", "Otherwise."))
    assert not first.is_agreed
    store.recipes.agree(first)
    assert store.recipes.get(first.id).is_agreed
    second = store.recipes.add(recipe("inbox"))
    with pytest.raises(StoreError, match="already"):
        store.recipes.change(second.id, "review", second.skill)
    store.recipes.change(first.id, "week", first.skill, {"a.md": "More."})
    found = store.recipes.find("week")
    assert found is not None
    assert (found.is_agreed, found.files, store.recipes.find("review")) == (False, {"a.md": "More."}, None)
    with pytest.raises(NotFoundError):
        store.recipes.change("rec_gone", "gone", "")


def test_a_recipe_goes_with_any_message_of_the_chat_it_was_made_from(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        first, second = chat(store, "Tell me of the week", "Mind the quartzite")
        store.recipes.add(recipe("week", "Ask for the quartzite.", conversation_id=first.conversation_id))
        store.recipes.add(recipe("other"))
        indexed(store)
        assert b"quartzite" in bytes_of(tmp_path)
        plan = store.plan_forget(Selection((second.id,)))
        assert (plan.counts["recipes"], "week" in plan.titles) == (1, True)
        store.forget(Selection((second.id,)))
        assert names(store.recipes.all()) == ["other"]
        assert b"quartzite" not in bytes_of(tmp_path)
        assert store.verify() == []


def test_a_recipe_is_found_and_erased_by_its_own_words(tmp_path: Path) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        store.recipes.add(recipe("week", files={"references/a.md": "Mind the quartzite drum."}))
        store.recipes.add(recipe("other"))
        found = store.find_recipes_holding("quartzite drum")
        assert names(found) == ["week"]
        assert names(store.find_recipes_holding("references")) == ["week"]
        erased = store.forget(Selection((found[0].id,)))
        assert erased.counts == {"recipes": 1}
        assert b"quartzite" not in bytes_of(tmp_path)
        assert store.is_forgotten(found[0].id)


def test_all_of_a_day_and_all_there_is_take_recipes_along(store: Store) -> None:
    store.recipes.add(recipe("week"))
    later = datetime(2100, 1, 1, tzinfo=UTC)
    assert "recipes" not in store.plan_forget(Selection(since=later)).counts
    assert store.plan_forget(Selection(until=later)).counts == {"recipes": 1}
    store.forget(Selection(everything=True))
    assert store.recipes.all() == []


def test_a_recipe_is_private_by_its_words_and_with_its_chat(store: Store) -> None:
    (message,) = chat(store, "Tell me of the week")
    made = store.recipes.add(recipe("week", conversation_id=message.conversation_id))
    secret = store.recipes.add(recipe("pills", "Count the pills."))
    store.conversations.mark(message.conversation_id, private=True)
    assert store.recipes.get(made.id).private
    assert store.recipes.add(recipe("weeks", conversation_id=message.conversation_id)).private
    asked = store.conversations.append(
        store.conversations.start("Open").id, Role.USER, "The week", USER, parent_id=None, private=True
    )
    assert store.recipes.add(recipe("of-a-message", conversation_id=asked.conversation_id)).private
    assert store.privacy.follow(PrivateRule("pills", touches=lambda text: "pills" in text)) == 1
    assert store.recipes.get(secret.id).private
    assert store.recipes.add(recipe("more-pills")).private
    assert store.recipes.change(store.recipes.add(recipe("plain")).id, "plain", "Now with pills.").private
    plan = store.plan_forget(Selection((secret.id,)), include_private=False)
    assert (dict(plan.counts), plan.titles) == ({}, ())
    store.recipes.mark(secret.id, private=False)
    assert not store.recipes.get(secret.id).private


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of a store with a recipe from a chat, agreed to, and one that was written."""
    with Store.open(tmp_path / "other", HashEmbedder()) as other:
        first, _second = chat(other, "Tell me of the week", "Mind the quartzite")
        made = other.recipes.add(recipe("week", conversation_id=first.conversation_id))
        other.recipes.agree(made)
        other.recipes.add(recipe("inbox"))
        other.export(tmp_path / "other.zip", "1")
    return tmp_path / "other.zip"


def test_recipes_come_along_once_and_what_was_agreed_to_does_not(store: Store, archive: Path) -> None:
    store.recipes.add(recipe("inbox", "My own way."))
    told = store.restore(archive)
    assert (told.counts["recipes"], told.conflicts["recipes"]) == (1, 1)
    found = store.recipes.find("week")
    assert found is not None
    assert found.agreed is None
    assert "My own way." in (store.recipes.find("inbox") or found).skill
    store.recipes.agree(found)
    assert store.restore(archive).known["recipes"] == 1
    assert store.recipes.get(found.id).is_agreed
    store.recipes.change(found.id, "week", found.skill + "More.")
    store.restore(archive, RestoreOptions(prefer_archive=True))
    assert store.recipes.get(found.id).is_agreed  # it is again what was agreed to


def test_a_recipe_stays_away_where_it_or_a_message_of_its_chat_was_forgotten(store: Store, archive: Path) -> None:
    store.remember(NewMemory("This store is used already."))
    store.restore(archive)
    week, inbox = store.recipes.find("week"), store.recipes.find("inbox")
    assert week is not None
    assert inbox is not None
    _first, second = store.conversations.messages(week.conversation_id or "")
    store.forget(Selection((second.id, inbox.id)))
    assert store.restore(archive).away["recipes"] == 2
    assert store.recipes.all() == []
    store.restore(archive, RestoreOptions(bring_back=True))
    assert names(store.recipes.all()) == ["inbox", "week"]
