"""The chat as lines: through a pipe, with commands, and in a real terminal; and questions from standard input."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant import bootstrap
from assistant.cli import plain
from assistant.config import Settings
from assistant.core.conversation.commands import LINE_COMMANDS
from assistant.core.conversation.session import Session, TurnSettings
from assistant.errors import ModelError
from assistant.llm.base import ToolCall, ToolCalled
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Store
from tests.cli.conftest import Result, Shell
from tests.support.terminals import read_until


def piped(keepsake: Shell, monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> Result:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return keepsake(*arguments)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedChat]:
    """Let the next models play what is put into the list."""
    models: list[ScriptedChat] = []
    monkeypatch.setattr(bootstrap, "build_model", lambda _: models.pop(0))
    return models


def test_answers_alone_go_to_stdout_and_sources_stand_below(
    keepsake: Shell, notes: Path, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    keepsake("import", str(notes))
    scripted.append(ScriptedChat(["Ines ", "has it [1]."], ["Yes."]))
    told = piped(keepsake, monkeypatch, "Who has the spare key?\nReally?\n/sources\n", "chat", "--plain")
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0] == "Ines has it [1]."
    assert lines[1].startswith("[1] ")
    assert "home.md" in lines[1]
    assert "Yes." in lines
    assert "\x1b" not in told.out


def test_no_line_of_a_pipe_is_a_yes(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "false")
    keeps = ToolCalled(ToolCall("a", "remember", '{"text": "Ines moved to Faro."}'))
    scripted.append(ScriptedChat([keeps], ["No."], ["Two."], calls_tools=True))
    told = piped(keepsake, monkeypatch, "Keep where she lives\n2\n", "chat", "--plain")
    assert told.out.split() == ["No.", "Two."]
    assert "Nobody could be asked" in told.err
    assert "Faro" not in keepsake("memory", "list").out


async def test_interrupt_at_a_question_stops_the_answer_that_asks(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps = ToolCalled(ToolCall("a", "remember", '{"text": "Ines moved to Faro."}'))
    model = ScriptedChat(["I will.", keeps], ["Never said."], calls_tools=True)

    def interrupted(sign: str) -> str:
        signal.raise_signal(signal.SIGINT)
        return "2"

    monkeypatch.setattr(plain, "_read_line", interrupted)
    monkeypatch.setattr(plain.LineChat, "is_attended", lambda _: True)
    with Store.open(keepsake.data) as store:
        session = Session(store, Models(model), TurnSettings(learn=False, titles=False))
        await plain.LineChat(Settings(), session).answer("Keep where she lives")
        assert [message.text.strip() for message in session.messages] == ["Keep where she lives", "I will."]
        assert len(model.requests) == 1
        assert not store.memories.all()
    assert "1. No\n2. Yes, this once\n3. Yes, in this chat\n" in keepsake.capture.readouterr().err


def test_whom_to_call_stands_beside_the_answer_in_every_kind_of_chat(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    monkeypatch.setenv("KEEPSAKE_CARE__REGION", "AU")
    scripted += [ScriptedChat(["I hear you."]) for _ in range(3)]
    asked = [keepsake("ask", "I want to die"), piped(keepsake, monkeypatch, "我想死\n", "chat", "--plain")]
    for told in asked:
        assert "13 11 14" in told.err
        assert told.out.strip() == "I hear you."
    assert "13 11 14" in keepsake("ask", "I want to die", "--json").err


def test_commands_edit_retry_and_continue(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "off")
    scripted.append(
        ScriptedChat(["Paris."], ["Rome."], ["Rome, again."], ["One, two", ModelError("cut")], [", three."])
    )
    typed = "Capital of France?\n/edit Capital of Italy?\n/retry\nCount.\n/continue\n/quit\nnever sent\n"
    told = piped(keepsake, monkeypatch, typed, "chat", "--plain")
    assert told.code == 0
    assert told.out.splitlines() == ["Paris.", "Rome.", "Rome, again.", "One, two", "One, two, three."]
    assert "/continue goes on with it" in told.err
    with Store.open(keepsake.data) as store:
        (talk,) = store.conversations.all()
        texts = [one.text for one in store.conversations.messages(talk.id)]
    assert "Capital of France?" in texts, "the branch that was left is kept"
    assert "never sent" not in texts


def test_corrections_find_the_memory_show_it_and_ask(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    pointed = '{"memories": [{"sentences": [1], "about": "home"}]}'
    scripted.append(ScriptedChat(["Fine."], [pointed], otherwise=["Fine."]))
    typed = (
        "I live in Porto.\nThat's wrong.\n1\nI live in Lyon.\nForget that.\n1\nForget that.\n\n/about-me\n/private\n"
    )
    told = piped(keepsake, monkeypatch, f"{typed}/private\n", "chat", "--plain")
    assert "1. I live in Porto.  mem_" in told.err
    assert "Put right: I live in Lyon." in told.err
    assert "there is nobody to ask" in told.err  # nothing is erased without a yes
    assert "- I live in Lyon." in told.out
    assert "Private: nothing of it is sent to another machine." in told.err
    with Store.open(keepsake.data) as store:
        (talk,) = store.conversations.all()
        texts = [one.text for one in store.conversations.messages(talk.id)]
    assert texts == ["I live in Porto.", "Fine.", "Forget that.", "Fine."]  # what nothing was chosen for is said


def test_failed_answer_is_the_exit_code(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    scripted.append(ScriptedChat([ModelError("The network is gone.", "Try again.")]))
    told = piped(keepsake, monkeypatch, "Where?\n", "chat", "--plain")
    assert (told.code, told.out) == (1, "")
    assert "The network is gone." in told.err
    assert "/retry asks again" in told.err


def test_answer_that_fails_as_nobody_expected_ends_neither_the_chat_nor_the_rest_of_the_input(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    scripted.append(ScriptedChat(["Fine."]))
    answer = plain.LineChat.answer
    calls = iter([AttributeError("partially initialized module 'httpx' has no attribute 'URL'")])

    async def failing_once(self: plain.LineChat, turn: Any) -> None:
        for error in calls:
            raise error
        await answer(self, turn)

    monkeypatch.setattr(plain.LineChat, "answer", failing_once)
    told = piped(keepsake, monkeypatch, "first\nsecond\n", "chat", "--plain")
    assert "Fine." in told.out
    assert "nobody expected: AttributeError" in told.err
    assert told.code == 0


def test_memory_is_searched_kept_and_never_erased_without_a_yes(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "/remember The boat is in Camaret\n/search boat\n/forget matching Camaret\n/nonsense\n/help\n/chats\n"
    told = piped(keepsake, monkeypatch, typed, "chat", "--plain")
    assert "Remembered: The boat is in Camaret" in told.err
    assert "The boat is in Camaret" in told.out
    assert "there is nobody to ask" in told.err
    assert "There is no command /nonsense" in told.err
    assert all(one.usage in told.err for one in LINE_COMMANDS)
    assert "There is no earlier chat yet." in told.err
    assert keepsake("search", "boat", "--json").json["hits"]


def test_what_the_screen_can_do_with_the_memory_can_be_done_in_lines(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "boat.md").write_text("The boat is in Camaret.", "utf-8")
    typed = (
        f"/import {tmp_path / 'boat.md'}",
        "/learn",
        "/questions",
        "/goals Sail to Ouessant",
        "for wind",
        "by July",
    )
    told = piped(keepsake, monkeypatch, "\n".join([*typed, "/goals", "", ""]), "chat", "--plain")
    for said in (
        "boat.md",
        "There was nothing to learn.",
        "No question is open.",
        "Goal set: Sail to Ouessant",
        "by July",
    ):
        assert said in told.err, told.err
    assert keepsake("search", "Camaret", "--json").json["hits"]


def test_order_to_remember_is_answered_where_nothing_is_remembered(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    scripted.append(ScriptedChat(otherwise=["Fine."]))
    typed = "/temporary\nRemember that the boat is in Camaret.\nWhere is it?\n"
    told = piped(keepsake, monkeypatch, typed, "chat", "--plain")
    assert told.err.count("Of a temporary chat nothing is remembered.") == 1
    assert "/remember keeps a note." in told.err
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "false")
    scripted.append(ScriptedChat(otherwise=["Fine."]))
    assert "Learning is off." in piped(keepsake, monkeypatch, "Remember that I sail.\n", "chat", "--plain").err


def test_search_says_when_nothing_fits(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    keepsake("remember", "The boat is in Camaret.")
    assert "Nothing fits that" not in piped(keepsake, monkeypatch, "/search boat\n", "chat", "--plain").err
    found = keepsake("search", "zzqqx").out
    assert found.startswith(("Nothing was found.", "Nothing fits that"))


def test_earlier_chat_is_gone_on_with_and_a_temporary_one_is_not_kept(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    for typed, arguments in (
        ("First.\n", ()),
        ("Second.\n", ("--follow",)),
        ("/temporary\nSecret.\n", ()),
    ):
        scripted.append(ScriptedChat(otherwise=["Fine."]))
        assert piped(keepsake, monkeypatch, typed, "chat", "--plain", *arguments).code == 0
    with Store.open(keepsake.data) as store:
        (talk,) = store.conversations.all()
        assert [one.text for one in store.conversations.messages(talk.id)] == ["First.", "Fine.", "Second.", "Fine."]
    scripted.append(ScriptedChat(otherwise=["Fine."]))
    told = piped(keepsake, monkeypatch, f"/open {talk.id[:9]}\nThird.\n", "chat", "--plain")
    assert "You" in told.err or "user: Second." in told.err
    with Store.open(keepsake.data) as store:
        assert len(store.conversations.messages(talk.id)) == 6


@pytest.mark.parametrize(
    ("typed", "messages"),
    [
        ("one \\\ntwo\nthree\n", ["one \ntwo", "three"]),
        ("```\na\n\nb\n```\nnext\n", ["```\na\n\nb\n```", "next"]),
        ("\n\nonly\n", ["only"]),
        ("unfinished \\\n", ["unfinished "]),
        ("锅炉在哪里？\n", ["锅炉在哪里？"]),
    ],
)
def test_messages_of_several_lines(typed: str, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    read = []
    while (message := plain.read_message()) is not None:
        read.append(message)
    assert read == messages


def test_question_comes_from_standard_input_and_follows_the_latest_chat(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, scripted: list[ScriptedChat]
) -> None:
    assert "no conversation to go on with" in keepsake("ask", "Well?", "--follow").err
    scripted += [ScriptedChat(["Fine."]), ScriptedChat(["Indeed."])]
    assert piped(keepsake, monkeypatch, "How are\nyou?\n", "ask", "-").out.startswith("Fine.")
    piped(keepsake, monkeypatch, "Really?", "ask", "-", "--follow")
    with Store.open(keepsake.data) as store:
        (talk,) = store.conversations.all()
        texts = [one.text for one in store.conversations.messages(talk.id)]
    assert texts == ["How are\nyou?\n", "Fine.", "Really?", "Indeed."]
    too_long = piped(keepsake, monkeypatch, "x" * 1_000_001, "ask", "-")
    assert (too_long.code, "longer than 1,000,000" in too_long.err) == (1, True)


def test_line_chat_in_a_real_terminal(tmp_path: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", KEEPSAKE_EMBEDDER__PROVIDER="none")
        command = [sys.executable, "-m", "assistant.cli", "--data-dir", str(tmp_path), "chat", "--plain"]
        os.execv(sys.executable, command)
    try:
        seen = b""

        def see(*marks: bytes) -> None:
            """Wait until these stand in what came since the last call, one behind the other."""
            nonlocal seen
            for mark in marks:
                if mark not in seen:
                    seen += read_until(terminal, mark, before=seen)
                seen = seen.split(mark, 1)[1]

        see(b"Ctrl+D leaves.", b"> ")
        os.write(terminal, b"remember that the boat is in Camaret\n")
        see(b"Remembered: the boat is in Camaret", b"> ")
        # A signal that comes between the prompt and the reading is lost to readline; a person would press again.
        while b"Ctrl+D leaves." not in seen:
            os.write(terminal, b"\x03")
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536)
        see(b"Ctrl+D leaves.")
        os.write(terminal, b"/forget matching Camaret\n")
        see(b"Erase it for good?")
        while b"verified" not in seen:  # what comes within half a second of the question is asked for again
            os.write(terminal, b"erase\n")
            seen += read_until(terminal, b"verified", b"Erase it for good?")
        see(b"verified: nothing of it is left", b"receipts show", b"> ")
        os.write(terminal, b"/quit\n")
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert b"\x1b[?1049h" not in seen  # never a screen of its own
    finally:
        os.close(terminal)
