"""Anything is shown by its id with where it comes from, down to the original words."""

from __future__ import annotations

from pathlib import Path

from memory_store import NewMemory, Selection, Store
from memory_store.models import USER, Author, AuthorKind, Citation, MemoryKind, MessageStatus, Role
from tests.cli.conftest import Shell
from tests.support.embedder import HashEmbedder

MODEL = Author(AuthorKind.MODEL, "llama3.2:3b")


def filled(keepsake: Shell) -> tuple[str, str, str]:
    """An answer that cites a memory that a model made of a message of the user, in place of an older one."""
    with Store.open(keepsake.data, HashEmbedder()) as store:
        talk = store.conversations.start("Moving house")
        said = store.conversations.append(
            talk.id, Role.USER, "Good news: we moved to Lyon in May!", USER, parent_id=None
        )
        old = store.remember(NewMemory("I live in Porto.", MemoryKind.FACT))
        new = NewMemory("We moved to Lyon.", MemoryKind.FACT, MODEL, sources=(said.id,), quote="we moved to Lyon")
        memory = store.memories.supersede(old.id, new)
        answer = store.conversations.append(
            talk.id, Role.ASSISTANT, "", MODEL, parent_id=said.id, status=MessageStatus.PENDING
        )
        (passage,) = store.memories.as_hits([memory.id])
        store.conversations.finish(
            answer.id, "You live in Lyon [1].", MODEL, MessageStatus.COMPLETE, citations=[Citation(1, passage.id, True)]
        )
    return answer.id, memory.id, said.id


def test_answer_is_followed_down_to_the_words_of_the_user(keepsake: Shell) -> None:
    answer, memory, said = filled(keepsake)
    shown = keepsake("show", answer, "--provenance").out
    chain = [
        "You live in Lyon [1].",
        "message, the model llama3.2:3b",
        "cites [1]: passage",
        "part of: memory, the model llama3.2:3b",
        "rests on: message, the user",
        "the words: “we moved to Lyon”",
        "Good news: we moved to Lyon in May!",
        "in place of: memory, the user",
        "written by hand",
    ]
    assert "“Moving house”" in shown
    places = [shown.index(words) for words in chain]
    assert places == sorted(places)
    assert memory in shown
    assert said in shown
    tree = keepsake("show", memory, "--provenance", "--json").json
    assert [one["relation"] for one in tree["origins"]] == ["rests on", "in place of"]
    assert tree["origins"][0]["author"]["kind"] == "user"


def test_without_the_whole_chain_one_step_is_shown(keepsake: Shell) -> None:
    answer, memory, _ = filled(keepsake)
    tree = keepsake("show", answer, "--json").json
    assert [one["origins"] for one in tree["origins"]] == [[]]
    assert keepsake("show", memory[:8]).code == 0


def test_document_is_where_its_words_come_from(keepsake: Shell, notes: Path) -> None:
    keepsake("import", str(notes / "home.md"))
    (document,) = keepsake("document", "list", "--json").json["documents"]
    shown = keepsake("show", document["id"], "--provenance").out
    assert str(notes / "home.md") in shown
    assert document["sha256"] in shown


def test_what_was_erased_since_is_said_to_be(keepsake: Shell) -> None:
    answer, memory, _ = filled(keepsake)
    with Store.open(keepsake.data, HashEmbedder()) as store:
        store.forget(Selection((memory,)))
    assert "erased since" in keepsake("show", answer, "--provenance").out


def test_what_has_no_origin_is_told(keepsake: Shell) -> None:
    refused = keepsake("show", "mem_k7")
    assert refused.code == 1
    assert refused.err
