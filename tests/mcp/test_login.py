"""A login at a server: in the browser, kept where keys are, given to that server alone, told of where it is missing."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from mcp.client.auth import oauth2

from assistant import bootstrap
from assistant.config import McpServer
from assistant.errors import CredentialError
from assistant.mcp.client import ServerToolbox
from assistant.mcp.login import kept_login, log_in
from memory_store import Store
from tests.cli.conftest import Shell
from tests.core.tools.test_tools import asked, call, ended
from tests.mcp.authority import Authority, running_authority
from tests.mcp.test_client import Answers, in_session, notes
from tests.mcp.test_installing import Terminal


@pytest.fixture
def authority() -> Iterator[Authority]:
    with running_authority() as running:
        yield running


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "credentials_file", lambda: tmp_path / "keys.toml")
    return tmp_path / "keys.toml"


def visit(address: str) -> bool:
    """Go where a browser would, and follow it; the user there agrees at once."""
    Thread(target=lambda: urllib.request.urlopen(address).read(), daemon=True).start()
    return True


async def logged_in(authority: Authority, keys: Path) -> bool:
    return await log_in("issues", f"{authority.address}/mcp", keys, lambda address: void(visit(address)))


def void(_: object) -> None:
    """Return nothing."""


def chat(authority: Authority, keys: Path) -> ServerToolbox:
    return ServerToolbox({"issues": McpServer(url=f"{authority.address}/mcp")}, keys)


async def used(store: Store, tools: ServerToolbox) -> tuple[str, list[str]]:
    """Use the server in a turn; return what its tool gave, and what was told of the server."""
    session = in_session(store, tools, [call("issues__list")], ["So."])
    session.approve = Answers(True)
    events = await asked(session)
    return ended(events)[0][1], notes(events)


@pytest.mark.parametrize(("typed", "opens"), [("y\n", True), ("n\n", False)])
def test_browser_is_opened_by_a_yes_alone_and_the_login_is_kept_where_keys_are(
    keepsake: Shell, authority: Authority, keys: Path, monkeypatch: pytest.MonkeyPatch, typed: str, opens: bool
) -> None:
    config = keys.with_name("config.toml")
    config.write_text(f'[mcp.servers.issues]\nurl = "{authority.address}/mcp"\n', "utf-8")
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(config))
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    opened: list[str] = []
    shown: list[str] = []

    def open_browser(address: str) -> bool:
        opened.append(address)
        return visit(address)

    def say(text: str) -> None:
        shown.append(text)
        if not opens and text.startswith("http"):  # they open it themselves
            visit(text)

    monkeypatch.setattr(webbrowser, "open", open_browser)
    monkeypatch.setattr("assistant.cli.mcp.say", say)
    told = keepsake("mcp", "login", "issues")
    assert "Logged in at issues." in told.out
    assert shown[1].startswith(authority.authorize)
    assert opened == (shown[1:] if opens else [])
    assert config.read_text("utf-8").count("\n") == 2
    assert keys.stat().st_mode & 0o077 == 0
    [registered] = authority.registered
    assert registered["redirect_uris"][0].startswith("http://127.0.0.1:")
    keepsake("mcp", "logout", "issues")
    assert kept_login("issues", f"{authority.address}/mcp", keys) is None


async def test_tools_of_a_server_that_wants_a_login_are_used_with_it_and_without_it_a_sentence_says_what_to_do(
    store: Store, authority: Authority, keys: Path
) -> None:
    tools = chat(authority, keys)
    for notes_then in (["The server issues wants a login: run `keepsake mcp login issues` in a terminal."], [], [], []):
        assert await used(store, tools) == ("There is no tool issues__list.", notes_then)
    assert authority.registered == []
    assert await logged_in(authority, keys)
    assert await used(store, tools) == ("> One issue.", [])  # without another start of the chat
    await tools.close()
    assert kept_login("issues", "http://127.0.0.1:1/mcp", keys) is None  # another address gets nothing


async def test_token_that_has_run_out_is_renewed_where_the_authority_says_and_kept(
    store: Store, authority: Authority, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await logged_in(authority, keys)
    later = time.time() + 2 * authority.lasts_seconds
    monkeypatch.setattr(oauth2, "time", SimpleNamespace(time=lambda: later))
    authority.lasts_seconds *= 100
    for _ in range(2):
        tools = chat(authority, keys)
        assert await used(store, tools) == ("> One issue.", [])
        await tools.close()
    assert (authority.refreshed, set(authority.bearers[-3:])) == (1, {"access-2"})
    authority.forgets = True
    authority.valid.clear()
    tools = chat(authority, keys)
    assert (await used(store, tools))[1][0].startswith("The server issues wants a login")
    await tools.close()
    assert len(authority.registered) == 1  # a turn begins no login


async def test_login_that_is_refused_keeps_nothing(authority: Authority, keys: Path) -> None:
    authority.refuses = True
    with pytest.raises(CredentialError, match="it was refused: no"):
        await logged_in(authority, keys)
    assert kept_login("issues", f"{authority.address}/mcp", keys) is None


async def test_only_the_answer_to_what_was_asked_is_taken(authority: Authority, keys: Path) -> None:
    refused: list[int] = []

    def attack_first(address: str) -> None:
        asked_for = parse_qs(urlsplit(address).query)
        [redirect] = asked_for["redirect_uri"]

        def visits() -> None:
            for query in ("?code=mine&state=other", "?code=mine", "", f"/../x?state={asked_for['state'][0]}&code=mine"):
                try:
                    urllib.request.urlopen(redirect + query)
                except urllib.error.HTTPError as error:
                    refused.append(error.code)
            urllib.request.urlopen(address).read()

        Thread(target=visits, daemon=True).start()

    assert await log_in("issues", f"{authority.address}/mcp", keys, attack_first)
    assert refused == [400] * 4


async def test_login_never_leads_where_all_can_read_it(authority: Authority, keys: Path) -> None:
    shown: list[str] = []
    with pytest.raises(CredentialError, match="not encrypted"):
        await log_in("issues", "http://mcp.example/mcp", keys, shown.append)
    authority.authorize = "http://login.example/authorize"
    with pytest.raises(CredentialError, match=r"leads to http://login\.example/authorize, which is not encrypted"):
        await log_in("issues", f"{authority.address}/mcp", keys, shown.append)
    assert shown == []


async def test_server_without_a_login_needs_none(authority: Authority, keys: Path) -> None:
    authority.valid.add("")
    assert not await logged_in(authority, keys)


def test_program_on_this_machine_has_no_login(keepsake: Shell, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = keys.with_name("config.toml")
    config.write_text('[mcp.servers.files]\ncommand = "files"\n', "utf-8")
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(config))
    told = keepsake("mcp", "login", "files")
    assert (told.code, "--env" in told.err) == (1, True)
    assert keepsake("mcp", "login", "other").code == 1
