"""`keepsake ask` with a model behind an endpoint: what becomes of answers that are none, and where they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from memory_store import NewMemory, Store
from tests.cli.conftest import Shell
from tests.support.chat_server import ChatServer, Failure, Raw, Stream


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A scripted server that the settings name."""
    with ChatServer() as running:
        monkeypatch.setenv("KEEPSAKE_MODEL__PROVIDER", "openai")
        monkeypatch.setenv("KEEPSAKE_MODEL__NAME", "m")
        monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", running.url)
        monkeypatch.setenv("KEEPSAKE_MODEL__MAX_RETRIES", "0")
        monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "off")  # its requests would be among those that are counted
        yield running


@pytest.mark.parametrize(
    ("reply", "answer", "told"),
    [
        (Stream(("Half",), finish="length"), "Half\n", "reached its longest length"),
        (Stream(("Half",), finish="content_filter"), "Half\n", "filter"),
        (Stream((), finish="tool_calls"), "", "call a tool"),
        (Stream(()), "", "said nothing"),
    ],
)
def test_an_answer_that_is_not_whole_is_told_and_ends_with_one(
    keepsake: Shell, server: ChatServer, reply: Stream, answer: str, told: str
) -> None:
    server.script(reply)
    asked = keepsake("ask", "Which key?")
    assert (asked.code, asked.out) == (1, answer)
    assert told in asked.err


def test_request_that_is_made_again_says_why_the_answer_is_late(
    keepsake: Shell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPSAKE_MODEL__MAX_RETRIES", "1")
    server.script(Failure(429, headers={"Retry-After": "0"}), Stream(("Green.",)))
    asked = keepsake("ask", "Which key?")
    assert (asked.code, asked.out) == (0, "Green.\n")
    assert "takes no more requests at the moment" in asked.err
    assert ". Trying again in 1 second." in asked.err


def test_number_that_is_no_sources_is_said_to_be_none(keepsake: Shell, server: ChatServer) -> None:
    server.script(Stream(("With Ines [1][2].",)), Stream(("With Ines. `keys[1]`",)))
    assert "There is no source for [1], [2]." in keepsake("ask", "Which key?").err
    assert keepsake("ask", "Which key?").err == ""


def test_an_emoji_cut_in_two_is_kept_whole(keepsake: Shell, server: ChatServer) -> None:
    halves = [rb'data: {"choices":[{"delta":{"content":"%s"}}]}' % half for half in (rb"The \ud83d", rb"\udd11.")]
    server.script(Stream([Raw(half + b"\n\n") for half in halves]))
    asked = keepsake("ask", "Which key?")
    assert (asked.code, asked.out) == (0, "The 🔑.\n"), asked.err


def test_reasoning_that_was_not_marked_at_its_beginning_is_told_apart(keepsake: Shell, server: ChatServer) -> None:
    server.script(*[Stream(("Hm.\n", "</think>\n\n", "Green."))] * 2)
    asked = keepsake("ask", "Which key?")
    assert asked.out.endswith("\nGreen.\n")
    assert "what the model thought" in asked.err
    assert keepsake("ask", "Which key?", "--json").json["answer"] == "Green."


def messages(keepsake: Shell) -> dict[str, list[str]]:
    """Each conversation's title with the texts in it."""
    with Store.open(keepsake.data, None) as store:
        return {
            one.title: [message.text for message in store.conversations.messages(one.id)]
            for one in store.conversations.all()
        }


def test_what_is_asked_is_kept_in_one_conversation_and_each_question_stands_alone(
    keepsake: Shell, server: ChatServer
) -> None:
    first = keepsake("ask", "Which key is it?", "--json").json
    second = keepsake("ask", "And which door?", "--json").json
    assert first["conversation_id"] == second["conversation_id"]
    assert "assistant" not in [one["role"] for one in server.chats[1].json["messages"]]
    keepsake("ask", "Why that one?", "--follow")
    roles = [one["role"] for one in server.chats[2].json["messages"]]
    assert roles == ["system", "user", "assistant", "user"], "the last question and its answer, and none before"
    (texts,) = messages(keepsake).values()
    assert [text for text in texts if "?" in text] == ["Which key is it?", "And which door?", "Why that one?"]


def test_the_conversation_of_the_shell_can_be_renamed_made_private_and_forgotten(
    keepsake: Shell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = keepsake("ask", "Which key is it?", "--json").json["conversation_id"]
    keepsake("conversation", "rename", talk, "Keys")
    keepsake("ask", "And which door?")
    assert list(messages(keepsake)) == ["Keys"]
    with Store.open(keepsake.data, None) as store:
        store.conversations.mark(talk, private=True)
    assert keepsake("ask", "Is it here?", "--json").json["conversation_id"] == talk, "the model is on this machine"
    monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", "http://127.0.0.1.example:9/v1")
    keepsake("ask", "Who is elsewhere?")
    assert list(messages(keepsake)) == ["Asked from the shell", "Keys"], "what goes elsewhere begins another"
    monkeypatch.setenv("KEEPSAKE_MODEL__BASE_URL", server.url)
    assert keepsake("forget", talk, "--yes").code == 0
    assert list(messages(keepsake)) == ["Asked from the shell"]


def test_an_archive_brings_the_conversation_of_the_shell_back_once(
    keepsake: Shell, server: ChatServer, tmp_path: Path
) -> None:
    keepsake("ask", "Which key is it?")
    before = messages(keepsake)
    archive = str(tmp_path / "all.zip")
    assert keepsake("export", archive).code == 0
    assert keepsake("import", archive).code == 0
    assert messages(keepsake) == before, "its own archive adds nothing"
    elsewhere = replace(keepsake, data=tmp_path / "elsewhere")
    assert elsewhere("restore", archive).code == 0
    elsewhere("ask", "And which door?")
    assert list(messages(elsewhere)) == ["Asked from the shell"]


def test_nothing_is_kept_of_a_temporary_question(keepsake: Shell, server: ChatServer) -> None:
    asked = keepsake("ask", "Which key is it?", "--temporary", "--json")
    assert (asked.json["answer"], asked.json["conversation_id"]) == ("Hello there.", None)
    assert messages(keepsake) == {}
    refused = keepsake("ask", "Which key is it?", "--temporary", "--follow")
    assert (refused.code, refused.out) == (1, "")
    assert "--temporary keeps nothing" in refused.err


def test_without_recall_nothing_of_memory_is_sent(keepsake: Shell, server: ChatServer) -> None:
    keepsake("memory", "add", "The spare key is with Ines.", "--kind", "fact")
    with Store.open(keepsake.data, None) as store:
        store.remember(NewMemory("The user is called Ada.", pinned=True))
    keepsake("ask", "Who has the spare key?")
    keepsake("ask", "Who has the spare key?", "--no-recall")
    with_memory, without = (chat.prompt for chat in server.chats)
    assert "Ines" in with_memory
    assert "Ada" in with_memory
    assert "Ines" not in without
    assert "Ada" not in without
    assert "Nothing relevant was found" not in without


def test_a_file_goes_along_and_another_model_answers(keepsake: Shell, server: ChatServer, tmp_path: Path) -> None:
    contract = tmp_path / "contract.md"
    contract.write_text("# Lease\n\nThe contract ends in May.\n", "utf-8")
    asked = keepsake("ask", "When is it over?", "-f", str(contract), "--model", "larger")
    assert asked.code == 0, asked.err
    assert "Imported to be attached: Lease" in asked.err
    assert "The contract ends in May." in server.chats[0].prompt
    assert server.chats[0].json["model"] == "larger"
    missing = keepsake("ask", "When is it over?", "-f", str(tmp_path / "none.md"))
    assert (missing.code, len(server.chats)) == (1, 1)
    assert "no file" in missing.err


def test_another_model_needs_an_endpoint(keepsake: Shell) -> None:
    asked = keepsake("ask", "Which key?", "--model", "larger")
    assert asked.code == 1
    assert "no endpoint" in asked.err
