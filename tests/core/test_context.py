"""The assembled prompt: what stands around a hit, and what is said when nothing is relevant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assistant.core.context import Context, build, in_view
from assistant.core.framing import framed
from assistant.core.relevance import is_relevant, worth_quoting, worth_telling
from memory_store import Store
from memory_store.models import USER, Author, AuthorKind, Hit, RecallFilters, Role, Surroundings
from tests.memory_store.support import add_document
from tests.support.embedder import HashEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as store:
        yield store


def assembled(hits: Sequence[Hit], around: Mapping[str, Surroundings], share: float = 0.5) -> Context:
    return build("Where is the key?", [], [], hits, surroundings=around, budget=8000, recall_share=share)


def asked(context: Context) -> str:
    return context.messages[-1].content


def test_neighbours_of_a_hit_come_along_where_there_is_room(store: Store) -> None:
    add_document(store, "/house.md", "The shed is green.", "The spare key hangs inside.", "Mind the step.")
    hits = store.recall("spare key", 1)
    around = store.surroundings(hits)
    text = asked(assembled(hits, around))
    assert "> The spare key hangs inside.\n(before it)\n> The shed is green.\n(after it" in text
    assert "Mind the step." in text
    tight = asked(assembled(hits, around, share=0.0035))
    assert "The spare key hangs inside." in tight
    assert "The shed is green." not in tight


def test_neighbours_of_another_source_in_view_or_private_stay_out(store: Store) -> None:
    add_document(store, "/other.md", "Something else.")
    conversation = store.conversations.start("Keys")
    model = Author(AuthorKind.MODEL, "m")
    secret = store.conversations.append(
        conversation.id, Role.ASSISTANT, "A secret.", model, parent_id=None, private=True
    )
    hit = store.conversations.append(conversation.id, Role.USER, "The spare key.", USER, parent_id=secret.id)
    seen = store.conversations.append(conversation.id, Role.USER, "Thanks.", USER, parent_id=hit.id)
    hits = store.recall("spare key", 1)
    everything = store.surroundings(hits)[hits[0].id]
    assert everything.before is not None
    assert everything.after is not None
    filters = RecallFilters(include_private=False, exclude_message_ids=frozenset({seen.id}))
    assert store.surroundings(hits, filters) == {hits[0].id: Surroundings()}
    assert assembled(hits, store.surroundings(hits)).private
    document = store.recall("something else", 1)
    assert store.surroundings(document) == {document[0].id: Surroundings()}


def test_what_stands_between_two_hits_is_told_once(store: Store) -> None:
    add_document(store, "/keys.md", "The red key.", "Nothing here.", "The blue key.")
    hits = store.recall("key", 2)
    assert asked(assembled(hits, store.surroundings(hits))).count("Nothing here.") == 1


def test_the_model_is_told_when_nothing_relevant_was_found(store: Store) -> None:
    add_document(store, "/birds.md", "Nine herons stood by the river and looked at the water for hours.")
    store.embed_pending()
    hits = store.recall("Which key opens the garden gate of the neighbour in Lisbon?")
    assert hits
    assert worth_telling(hits) == []
    assert "Nothing relevant to this was found" in asked(assembled(worth_telling(hits), {}))
    add_document(store, "/keys.md", "The key that opens the neighbour's garden gate in Lisbon is brass.")
    hits = store.recall("Which key opens the garden gate of the neighbour in Lisbon?")
    assert is_relevant(hits[0])
    assert "Sources from the user's memory" in asked(assembled(worth_telling(hits), {}))


def test_only_messages_that_the_context_can_hold_are_in_view(store: Store) -> None:
    conversation = store.conversations.start("Long")
    messages = [
        store.conversations.append(conversation.id, Role.USER, f"{number} " * 50, USER, parent_id=None)
        for number in range(10)
    ]
    assert in_view(messages, 8000) == frozenset(message.id for message in messages)
    assert in_view(messages, 70) == frozenset(message.id for message in messages[-2:])
    assert in_view(messages, 1) == {messages[-1].id}


def test_what_ranks_far_below_the_best_is_not_quoted(store: Store) -> None:
    add_document(store, "/keys.md", "The spare key hangs inside.")
    hit = store.recall("spare key")[0]
    pairs = ((9.0, 0.9), (5.0, 0.6), (3.0, 0.9), (8.0, 0.1))
    best, near, far, beside = (replace(hit, score=score, relevance=chance) for score, chance in pairs)
    assert worth_quoting([best, beside, near, far]) == [best, near]
    assert worth_quoting([beside]) == []


def test_a_source_says_its_day_and_what_a_model_said_is_told_as_unchecked(store: Store) -> None:
    talk = store.conversations.start("Keys", created_at=datetime(2026, 11, 27, 12, tzinfo=UTC))
    said = store.conversations.append(
        talk.id, Role.USER, "On Monday Ines gets the spare key.", USER, parent_id=None, created_at=talk.created_at
    )
    store.conversations.append(
        talk.id, Role.ASSISTANT, "Otto has the spare key.", Author(AuthorKind.MODEL, "m"), parent_id=said.id
    )
    mine, its = sorted(
        store.recall("spare key", 2, RecallFilters(echoes=True)), key=lambda hit: hit.author.kind != "user"
    )
    assert framed(1, mine).startswith(
        "[1] Keys | 2026-11-27, Fri | “Monday” is 2026-11-23 or 2026-11-30 | by the user\n"
    )
    assert framed(2, its).splitlines()[0].endswith(" | by the model m, unchecked")


def test_the_source_line_of_what_was_said_holds_the_dates_that_its_words_mean(store: Store) -> None:
    talk = store.conversations.start("Plans")
    moment = datetime(2026, 11, 25, 12, tzinfo=UTC)
    store.conversations.append(talk.id, Role.USER, "The dentist is tomorrow.", USER, parent_id=None, created_at=moment)
    add_document(store, "/notes.md", "The dentist of tomorrow is a robot.")
    framed_text = asked(assembled(store.recall("dentist", 5), {}))
    assert "| “tomorrow” is 2026-11-26 | by the user\n> The dentist is tomorrow." in framed_text
    assert framed_text.count("“tomorrow” is") == 1
