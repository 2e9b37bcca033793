"""`keepsake context` tells what a model would see and why, stores nothing and sends nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from tests.cli.conftest import Shell
from tests.support.chat_server import ChatServer
from tests.support.embedder import HashEmbedder

QUESTION = "Who has the spare key?"


def prepare(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes / "home.md"))
    with Store.open(keepsake.data, HashEmbedder()) as store:
        store.remember(NewMemory("Feed the cat at seven.", pinned=True))
        store.remember(NewMemory("The spare key opens the blue door.", private=True))


def test_what_a_model_would_see_is_told_with_its_reasons_and_tokens(keepsake: Shell, notes: Path) -> None:
    prepare(keepsake, notes)
    told = keepsake("context", QUESTION)
    assert told.code == 0
    for words in ("Pinned memories", "Feed the cat at seven.", "Ines at number 12", "words", "pas_", QUESTION):
        assert words in told.out
    document = keepsake("context", QUESTION, "--json").json
    assert [one["text"] for one in document["parts"] if one["kind"] == "question"] == [QUESTION]
    recalled = [one for one in document["parts"] if one["kind"] == "recalled"]
    assert all(one["why"] and one["tokens"] > 0 for one in recalled)
    assert document["tokens"] <= document["context_tokens"]
    assert keepsake("stats", "--json").json["conversations"] == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example"])
def test_the_private_is_seen_by_a_model_on_this_machine_alone_and_nothing_is_sent(
    keepsake: Shell, notes: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    prepare(keepsake, notes)
    with ChatServer() as server:
        monkeypatch.setenv("KEEPSAKE_MODEL__PROVIDER", "openai")
        monkeypatch.setenv("KEEPSAKE_MODEL__NAME", "m")
        monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", server.url.replace("127.0.0.1", host))
        told = keepsake("context", QUESTION)
        assert told.code == 0, told.err
        assert ("blue door" in told.out) == (host == "127.0.0.1")
        assert server.requests == []
    assert keepsake("requests", "--json").json == {"requests": []}


def test_memories_and_searches_answer_as_of_an_earlier_day(keepsake: Shell) -> None:
    old = keepsake("memory", "add", "Ada lives in Porto.", "--kind", "fact", "--valid-from", "2020-01-01", "--json")
    edited = keepsake("memory", "edit", old.json["id"], "Ada lives in Lyon.")
    assert edited.code == 0, edited.err
    texts = [one["text"] for one in keepsake("memory", "list", "--as-of", "2021-05-01", "--json").json["memories"]]
    assert texts == ["Ada lives in Porto."]
    found = keepsake("search", "Where does Ada live?", "--as-of", "2021-05-01", "--json").json["hits"]
    assert [one["text"] for one in found] == ["Ada lives in Porto."]
    found = keepsake("search", "Where does Ada live?", "--json").json["hits"]
    assert [one["text"] for one in found] == ["Ada lives in Lyon."]
