"""Names and rights of other programs: what the settings say holds at once, and what was seen is in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError

from memory_store import Selection
from tests.cli.conftest import Shell
from tests.mcp.conftest import Asked, Connect, Filled
from tests.mcp.process import Process


async def test_a_program_sees_and_uses_the_tools_that_it_may(connect: Connect, filled: Filled) -> None:
    async with connect() as program:
        everything = {tool.name for tool in (await program.client.list_tools()).tools}
        program.allow("search")
        allowed = {tool.name for tool in (await program.client.list_tools(cache_mode="bypass")).tools}
        assert "Ines" in await program.call("search", words="spare key")
        for tool, arguments in (
            ("show", {"id": filled.ids["memory"]}),
            ("list_recent", {}),
            ("remember", {"text": "anything"}),
        ):
            with pytest.raises(RuntimeError, match=f"does not let claude use {tool}"):
                await program.call(tool, **arguments)
        for request in (
            program.client.list_resources(),
            program.client.read_resource(f"keepsake://document/{filled.ids['document']}"),
        ):
            with pytest.raises(MCPError):
                await request
    assert everything == {"search", "show", "list_recent", "remember", "forget"}
    assert allowed == {"search"}
    assert len(filled.store.memories.all()) == 2


async def test_a_right_that_is_taken_away_holds_at_once(connect: Connect, filled: Filled) -> None:
    asked = Asked()
    async with connect(asked=asked) as program:
        await program.call("search", words="key")
        program.allow()
        for tool, arguments in (("search", {"words": "key"}), ("forget", {"ids": [filled.ids["memory"]]})):
            with pytest.raises(RuntimeError, match=r"does not let claude use .*\[mcp\.clients\.claude\]"):
                await program.call(tool, **arguments)
        with pytest.raises(MCPError):
            await program.client.get_prompt("answer_from_memory", {"question": "key"})
    assert asked.messages == []
    assert filled.store.holds(filled.ids["memory"])


async def test_without_a_name_a_program_is_known_by_its_own(connect: Connect, filled: Filled) -> None:
    async with connect("") as program:
        await program.call("search", words="spare key")
    (request,) = filled.store.requests.all()
    assert (request.endpoint, request.model) == ("mcp:claude-code-3.1", "Claude Code 3.1")


async def test_what_a_program_saw_is_in_the_log_and_in_the_plan_of_an_erasure_and_goes_with_it(
    connect: Connect, filled: Filled
) -> None:
    async with connect() as program:
        await program.call("search", words="Who has the spare key?", kinds=["memory"])
        await program.call("show", id=filled.ids["document"])
        await program.call("show", id=filled.ids["message"])
    for kind in ("memory", "document", "message"):
        (sent,) = filled.store.plan_forget(Selection((filled.ids[kind],))).sent
        assert (sent.endpoint, sent.model, sent.items) == ("mcp:claude", "Claude Code 3.1", 1)
    assert filled.store.plan_forget(Selection((filled.ids["private memory"],))).sent == ()
    filled.store.forget(Selection((filled.ids["memory"], filled.ids["document"], filled.ids["message"])))
    assert filled.store.requests.all() == []


async def test_an_answer_that_cannot_be_logged_does_not_go_out(
    connect: Connect, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    async with connect() as program:
        monkeypatch.setattr(filled.store.requests, "log", fail)
        with pytest.raises(RuntimeError) as told:
            await program.call("search", words="spare key")
    assert "Ines" not in str(told.value)


def test_rights_are_given_listed_and_revoked_while_a_program_is_served(
    keepsake: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("# mine\n[recall]\npassages = 5\n", "utf-8")
    process = Process(keepsake.data, "cursor").greet()
    assert process.call("remember", text="The bicycle has a new lock.")[1] is False
    assert keepsake("mcp", "allow", "cursor", "search").code == 0
    assert process.call("search", words="bicycle")[1] is False
    assert process.call("remember", text="Another thing.")[1] is True
    assert keepsake("mcp", "revoke", "cursor").out == "cursor may do this from now on: nothing.\n"
    told, failed = process.call("search", words="bicycle")
    assert failed
    assert "does not let cursor use search" in told
    (listed,) = keepsake("mcp", "clients", "--json").json["clients"]
    assert (listed["name"], listed["rights"], listed["software"]) == ("cursor", [], "by hand 1")
    assert (listed["accesses"], listed["items"]) == (2, 2)
    assert "nothing" in keepsake("mcp", "clients").out
    text = (tmp_path / "config.toml").read_text("utf-8")
    assert text.startswith("# mine\n[recall]\npassages = 5\n")
    assert process.end()[0] == 0


@pytest.mark.parametrize("name", ["Cursor!", "../x", ""])
def test_a_name_that_the_settings_cannot_have_is_refused(keepsake: Shell, name: str) -> None:
    assert keepsake("mcp", "revoke", name).code == 2


def test_a_right_that_does_not_exist_is_named(keepsake: Shell) -> None:
    told = keepsake("mcp", "allow", "cursor", "everything")
    assert told.code == 2
    assert "list_recent" in told.err
