"""Answers that come later, on the command line: handed in, listed, collected, taken back; and killed in between."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import load
from memory_store import LateState, Store
from memory_store.clock import now
from tests.cli.conftest import Shell
from tests.core.test_later import AFTER_A_CRASH, answers
from tests.support.batch_server import BatchServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    """Let the settings name a service with a batch API."""
    with BatchServer() as running:
        file = tmp_path / "config.toml"
        file.write_text(
            f'[models.later]\nname = "a-model"\nbase_url = "{running.url}"\nbatch = "openai"\n'
            '[chat]\nlearn = false\n[embedder]\nprovider = "none"\n',
            "utf-8",
        )
        monkeypatch.setenv("KEEPSAKE_CONFIG", str(file))
        yield running


def test_a_question_is_handed_in_listed_and_its_answer_collected(
    keepsake: Shell, server: BatchServer, notes: Path
) -> None:
    keepsake("import", str(notes))
    asked = keepsake("ask", "Who has the spare key?", "--effort", "later")
    assert (asked.code, asked.out) == (0, "")
    assert "within a day" in asked.err
    assert "Ines" in server.prompts[0]
    [waiting] = keepsake("later", "--json").json["later"]
    assert (waiting["question"], waiting["state"], waiting["model"]) == (
        "Who has the spare key?",
        "submitted",
        "a-model",
    )
    assert waiting["id"] in keepsake("later").out
    assert keepsake("later", "collect").out == "Still waited for: 1.\n"
    server.end("Ines has it [1].")
    collected = keepsake("later", "collect")
    assert "Ines has it [1]." in collected.out
    assert "“Who has the spare key?” is here" in collected.err
    shown = keepsake("show", waiting["answer_id"]).out
    assert "Ines has it [1]." in shown
    assert "Home › lines" in shown
    told = keepsake("ask", "And now?").err
    assert "“Who has the spare key?” is here" in told  # once more, where the user looks
    assert "is here" not in keepsake("ask", "And now?").err
    assert keepsake("later").out.startswith("No answer is waited for.")
    assert keepsake("cost", "--by", "role", "--json").json["totals"][0]["name"] == "later"


def test_ask_says_in_json_that_it_is_handed_in(keepsake: Shell, server: BatchServer) -> None:
    asked = keepsake("ask", "Who has it?", "--effort", "later", "--json").json
    assert (asked["answer"], asked["handed_in"], asked["model"]) == ("", True, "a-model")


def test_without_a_batch_api_it_says_what_to_set_up(keepsake: Shell) -> None:
    asked = keepsake("ask", "Who has it?", "--effort", "later")
    assert asked.code == 1
    assert "keepsake model add openai --name later" in asked.err
    assert keepsake("conversation", "list").out.count("con_") == 0


def test_it_is_taken_back_and_handed_in_again(keepsake: Shell, server: BatchServer) -> None:
    keepsake("ask", "Who has it?", "--effort", "later")
    [waiting] = keepsake("later", "--json").json["later"]
    refused = keepsake("later", "again", waiting["id"])
    assert refused.code == 1
    assert "Only what was not answered" in refused.err
    assert "being taken back" in keepsake("later", "cancel", waiting["id"][:9]).out
    server.end()
    assert "It was taken back." in keepsake("later", "collect").err
    assert keepsake("later", "cancel", waiting["id"]).code == 1
    again = keepsake("later", "again", waiting["id"])
    assert (again.code, len(server.begun)) == (0, 2)
    assert server.begun[1]["messages"][-1]["content"].endswith("Who has it?")
    server.end("Ines.")
    assert "Ines." in keepsake("later", "collect").out


def test_what_is_erased_is_taken_back_at_once(keepsake: Shell, server: BatchServer) -> None:
    keepsake("ask", "Who has it?", "--effort", "later")
    [chat] = keepsake("conversation", "list", "--json").json["conversations"]
    keepsake("forget", chat["id"], "--yes")
    assert [batch["state"] for batch in server.batches.values()] == ["cancelling"]
    assert keepsake("later", "--json").json == {"later": []}


def test_in_lines_an_answer_that_arrives_is_printed_with_its_sources(
    keepsake: Shell, server: BatchServer, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepsake("import", str(notes))

    class Lines(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            line = super().readline()
            if line == "/cost\n":  # another window collects it before this line
                server.end("Ines has it [1].")
                with Store.open(keepsake.data) as store:
                    bootstrap.build_collector(load(), store).collect(at_once=True)
            return line

    monkeypatch.setattr("sys.stdin", Lines("/effort later\nWho has the spare key?\n/cost\n"))
    told = keepsake("chat", "--plain")
    assert "Handed in" in told.err
    assert "“Who has the spare key?” is here" in told.err
    answer, source = told.out.splitlines()
    assert answer == "Ines has it [1]."
    assert "home.md" in source
    [chat] = keepsake("conversation", "list", "--json").json["conversations"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"/open {chat['id']}\nAnd the lamp?\n"))
    assert "a-model: Ines has it [1]." in keepsake("chat", "--plain").err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"/open {chat['id']}\n"))
    assert "a-model: Handed in (" in keepsake("chat", "--plain").err


def test_models_list_shows_who_answers_later(keepsake: Shell, server: BatchServer) -> None:
    roles = {role["role"]: role for role in keepsake("model", "list", "--json").json["roles"]}
    assert (roles["later"]["by"], roles["later"]["model"], roles["later"]["local"]) == ("later", "a-model", True)


def test_a_model_is_set_up_to_answer_later_with_the_batch_api_of_its_endpoint(
    keepsake: Shell, server: BatchServer
) -> None:
    added = keepsake(
        "model", "add", server.url, "--model", "b", "--name", "later", "--batch", "openrouter", "--no-test"
    )
    assert "has the role later" in added.out
    assert load().models["later"].batch == "openrouter"
    assert keepsake("ask", "Who has it?", "--effort", "later").code == 0
    assert server.begun[0]["model"] == "b"
    assert server.files == {}


@pytest.mark.parametrize("at", ["POST /v1/files", "POST /v1/batches"])
def test_killed_while_it_is_handed_in_it_is_found_again_and_not_paid_for_twice(
    tmp_path: Path, server: BatchServer, at: str
) -> None:
    data = tmp_path / "data"
    asking: list[subprocess.Popen[bytes]] = []

    def kill(name: str) -> None:
        if name == at:
            os.kill(asking[0].pid, signal.SIGKILL)

    server.on_done = kill
    command = [
        sys.executable,
        "-m",
        "assistant.cli",
        "--data-dir",
        str(data),
        "ask",
        "Who has it?",
        "--effort",
        "later",
    ]
    asking.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    assert asking[0].wait(60) == -signal.SIGKILL
    server.on_done = lambda name: None
    with Store.open(data) as store:
        [late] = store.late.all()
        assert (late.state, late.batch) == (LateState.INTENDED, None)
        server.end("Ines.")
        bootstrap.build_collector(load(), store).collect(now() + AFTER_A_CRASH, at_once=True)
        begun = at == "POST /v1/batches"
        assert answers(store) == (["Ines."] if begun else [])
        [late] = store.late.all()
        assert late.state is (LateState.ANSWERED if begun else LateState.FAILED)
    assert (len(server.begun), server.files) == (begun, {})
