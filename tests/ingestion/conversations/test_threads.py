"""Any tree, however broken, becomes messages with their parents first; any JSON at any place becomes a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.ingestion.conversations.base import Node, Said, link, visible_end
from memory_store.models import USER, Role
from tests.ingestion.conversations.exports import claude_chat, claude_message, gpt_chat, said, webui_chat, webui_message
from tests.ingestion.test_fuzz import check_export

START = datetime(2025, 1, 1, tzinfo=UTC)
KEYS = st.sampled_from("abcdefgh")
NODES = st.lists(
    st.builds(
        Node, KEYS, st.none() | KEYS, st.none() | st.just(Said(Role.USER, "words", USER, None))
    ),
    max_size=12,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
CHATS: tuple[Any, ...] = (
    gpt_chat(),
    claude_chat(claude_message("human", said("How?"))),
    webui_chat(webui_message("q", "user", "How?")),
)


@given(NODES)
def test_every_kept_node_is_there_once_after_its_nearest_kept_ancestor(nodes: list[Node]) -> None:
    messages = link(nodes, START)
    first: dict[str, Node] = {}
    for node in nodes:
        first.setdefault(node.key, node)
    kept = {key for key, node in first.items() if node.said is not None}
    assert sorted(message.origin for message in messages) == sorted(kept)
    seen: set[str | None] = {None}
    for message in messages:
        assert message.parent_origin in seen
        seen.add(message.origin)
        if message.parent_origin is not None:
            at = first[message.origin].parent
            while at is not None and at != message.parent_origin:
                assert at not in kept
                at = first[at].parent
            assert at == message.parent_origin


@given(NODES, st.none() | KEYS)
def test_the_path_in_view_ends_in_a_message(nodes: list[Node], current: str | None) -> None:
    messages = link(nodes, START)
    end = visible_end(nodes, current, messages)
    assert end in {message.origin for message in messages} if messages else end is None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CHATS), st.lists(st.tuples(st.integers(0, 1000), JSON), min_size=1, max_size=3))
def test_any_value_at_any_place_of_a_conversation_is_taken(
    tmp_path: Path, chat: Any, changes: list[tuple[int, Any]]
) -> None:
    copy = json.loads(json.dumps(chat))
    for number, value in changes:
        places: list[tuple[Any, Any]] = []
        _walk(copy, places)
        holder, key = places[number % len(places)] if places else (copy, "mapping")
        holder[key] = value
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([copy]), "utf-8")
    check_export(path)


def _walk(value: Any, places: list[tuple[Any, Any]]) -> None:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        places.append((value, key))
        _walk(inner, places)
