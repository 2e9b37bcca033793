"""Names and rights of other programs: what the settings say holds at once, and what was seen is in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from assistant.config import load
from assistant.mcp.access import Access
from assistant.mcp.public_memory import PublicMemory
from assistant.mcp.server import build_server
from memory_store import NewMemory, Selection
from memory_store.models import Hit, Memory
from tests.cli.conftest import Shell
from tests.mcp.conftest import Asked, Connect, Filled


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


async def test_what_is_erased_while_it_is_looked_for_does_not_go_out_and_leaves_no_id(
    connect: Connect, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    recall, erased = filled.store.recall, Selection((filled.ids["memory"],))

    def interrupted(*arguments: Any) -> list[Hit]:
        hits = recall(*arguments)
        if filled.store.holds(filled.ids["memory"]):
            filled.store.forget(erased, later=True)
        return hits

    async with connect() as program:
        monkeypatch.setattr(filled.store, "recall", interrupted)
        found = await program.call("search", words="Who has the spare key?")
    assert "Ines" not in found
    filled.store.complete_erasures(again=True)
    (erasure,) = filled.store.erasures()
    assert erasure.completed_at is not None


async def test_what_is_erased_as_soon_as_it_is_remembered_is_not_remembered_again(
    connect: Connect, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember = filled.store.remember

    def interrupted(new: NewMemory) -> Memory:
        memory = remember(new)
        filled.store.forget(Selection((memory.id,)), later=True)
        return memory

    async with connect() as program:
        monkeypatch.setattr(filled.store, "remember", interrupted)
        await program.call("remember", text="The bicycle has a new lock.")
    assert filled.store.find_holding("bicycle lock") == []
    assert len(filled.store.erasures()) == 1


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


async def test_rights_are_given_listed_and_revoked_while_a_program_is_served(
    filled: Filled, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keepsake, file = Shell(filled.store.folder, capsys), tmp_path / "config.toml"
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(file))
    file.write_text("# mine\n[recall]\npassages = 5\n", "utf-8")
    server = build_server(PublicMemory(filled.store), Access(filled.store, lambda: load().mcp, "cursor"))
    async with Client(server, client_info=Implementation(name="Cursor", version="2")) as client:

        async def fails(tool: str, **arguments: str) -> bool:
            return bool((await client.call_tool(tool, arguments)).is_error)

        assert not await fails("remember", text="The bicycle has a new lock.")
        assert keepsake("mcp", "allow", "cursor", "search").code == 0
        assert not await fails("search", words="bicycle lock")
        assert await fails("remember", text="Another thing.")
        assert keepsake("mcp", "revoke", "cursor").out == "cursor may do this from now on: nothing.\n"
        assert await fails("search", words="bicycle lock")
        (listed,) = keepsake("mcp", "clients", "--json").json["clients"]
        assert (listed["name"], listed["rights"], listed["software"]) == ("cursor", [], "Cursor 2")
        assert listed["accesses"] == 2
        assert listed["items"] >= 2
        assert "nothing" in keepsake("mcp", "clients").out
        assert keepsake("mcp", "allow", "cursor").code == 0
        assert not await fails("list_recent")
    assert file.read_text("utf-8").startswith("# mine\n[recall]\npassages = 5\n")


@pytest.mark.parametrize("name", ["Cursor!", "../x", ""])
def test_a_name_that_the_settings_cannot_have_is_refused(keepsake: Shell, name: str) -> None:
    assert keepsake("mcp", "revoke", name).code == 2


def test_a_right_that_does_not_exist_is_named(keepsake: Shell) -> None:
    told = keepsake("mcp", "allow", "cursor", "everything")
    assert told.code == 2
    assert "list_recent" in told.err
