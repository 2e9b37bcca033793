"""Servers of other programs: taken over with a yes each, no key into the settings, nothing left out in silence."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import McpServer, load
from assistant.mcp.importing import read_servers
from assistant.mcp.server_keys import find_variables
from tests.cli.conftest import Shell
from tests.mcp.test_installing import PLACES, Terminal

GONE = "/nowhere/server"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any program, settings and keys of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("", "utf-8")
    monkeypatch.setattr(bootstrap, "credentials_file", lambda: tmp_path / "keys.toml")
    return tmp_path


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


VSCODE = """{
    // What VS Code writes: comments, commas at the end, inputs.
    "inputs": [
        {"type": "promptString", "id": "token", "description": "Token of the forge", "password": true},
        {"type": "promptString", "id": "folder", "description": "Folder of notes"}, /* "id": "no" */
    ],
    "servers": {
        "Forge": {"type": "stdio", "command": "forge", "args": ["a, // b"], "env": {"FORGE_TOKEN": "${input:token}"}},
        "notes": {"command": "notes", "args": ["${input:folder}", "${userHome}/x"]},
        "here": {"command": "ls", "args": ["${workspaceFolder}"]},
        "lost": {"command": "ls", "args": ["${input:nobody}"]},
        "old": {"type": "sse", "url": "https://mcp.example/sse"},
        "far": {"type": "http", "url": "https://mcp.example/mcp", "headers": {"X-Key": "hush-1"}},
    },
}"""


def test_file_of_vs_code_is_read_with_its_comments_and_what_can_not_be_taken_has_a_reason(home: Path) -> None:
    found = {candidate.name: candidate for candidate in read_servers(written(home / "mcp.json", VSCODE))}
    forge = found["forge"]
    assert (forge.server, forge.refusal) == (McpServer("forge", ["a, // b"], ["FORGE_TOKEN"]), "")
    assert [item.description for item in forge.inputs_in(*forge.variables.values())] == ["Token of the forge"]
    notes = found["notes"].fill({"folder": "/home/me/Notes"})
    assert (notes.server.args, notes.refusal) == (["/home/me/Notes", f"{home}/x"], "")
    assert "${workspaceFolder}" in found["here"].refusal
    assert "${input:nobody}" in found["lost"].refusal
    assert "SSE" in found["old"].refusal
    assert (found["far"].server, found["far"].refusal) == (McpServer(url="https://mcp.example/mcp"), "")
    assert found["far"].notes == ("the headers X-Key are not taken: they may be keys",)


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "s", "args": ["--api-key", "abcdef"]},
        {"command": "s", "args": ["--github_token=abcdef"]},
        {"command": "s", "args": ["postgresql://me:hush@db.example/notes"]},
        {"command": "s", "args": ["--header", "Authorization: Bearer abcdefgh"]},
        {"command": "s", "args": ["ghp_abcdefgh"]},
        {"url": "https://mcp.example/mcp?key=abcdefgh"},
        {"url": "https://me:abcdefgh@mcp.example/mcp"},
    ],
)
def test_key_among_the_arguments_is_not_taken_into_the_settings_nor_shown(
    keepsake: Shell, home: Path, entry: dict[str, object]
) -> None:
    file = written(home / "list.json", json.dumps({"mcpServers": {"s": entry}}))
    told = keepsake("mcp", "import", str(file), "--yes")
    assert "s is not taken: a key is among its arguments" in told.err
    assert ("abcdef" in told.err, "hush" in told.err, (home / "config.toml").read_text("utf-8")) == (False, False, "")


def test_servers_of_all_programs_are_found_and_taken_without_values_where_nobody_is_asked(
    keepsake: Shell, home: Path
) -> None:
    entry = {"command": GONE, "args": ["x"], "env": {"API_KEY": "hush-1", "PLACE": "${env:PLACE}"}}
    for client, (place, *_) in PLACES.items():
        table = "servers" if client == "vscode" else "mcpServers"
        listed = json.dumps({table: {client: entry}})
        written(home / place, f"[mcp_servers.{client}]\ncommand = '{GONE}'" if client == "codex" else listed)
    told = keepsake("mcp", "import", "-y")
    assert told.code == 0
    assert "claude-desktop: /nowhere/server x\n    it gets the variables API_KEY, PLACE" in told.err
    assert "Set API_KEY, PLACE in your environment" in told.err
    taken = McpServer(GONE, ["x"], ["API_KEY", "PLACE"])
    assert load().mcp.servers == {name: McpServer(GONE) if name == "codex" else taken for name in PLACES}
    assert ("hush" in told.err + told.out, (home / "keys.toml").exists()) == (False, False)
    assert "The server cursor can't be started" in told.err


def test_at_a_terminal_each_is_asked_about_and_values_are_kept_where_keys_are(
    keepsake: Shell, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(home / "mcp.json", VSCODE.replace('"forge"', f'"{GONE}"'))
    monkeypatch.setattr(sys, "stdin", Terminal("y\ny\nn\nn\n"))  # forge, its token; not notes, not far
    monkeypatch.setattr(getpass, "getpass", lambda _: "hush-2")
    told = keepsake("mcp", "import", str(file))
    assert load().mcp.servers == {"forge": McpServer(GONE, ["a, // b"], ["FORGE_TOKEN"])}
    assert find_variables("forge", ["FORGE_TOKEN"], home / "keys.toml") == {"FORGE_TOKEN": "hush-2"}
    assert "hush" not in told.err + told.out + (home / "config.toml").read_text("utf-8")
    keepsake("mcp", "remove", "forge")
    assert find_variables("forge", ["FORGE_TOKEN"], home / "keys.toml") == {}


@pytest.mark.parametrize(("typed", "replaced"), [("y\n", True), ("n\n", False), (None, False)])
def test_server_of_the_same_name_is_replaced_by_a_yes_alone(
    keepsake: Shell, home: Path, monkeypatch: pytest.MonkeyPatch, typed: str | None, replaced: bool
) -> None:
    keepsake("mcp", "add", "notes", "--", GONE)
    file = written(home / "list.json", json.dumps({"mcpServers": {"notes": {"command": GONE, "args": ["new"]}}}))
    if typed is not None:
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
    told = keepsake("mcp", "import", str(file), *(() if typed else ("--yes",)))
    assert "there is a server of this name: /nowhere/server" in told.err
    assert load().mcp.servers["notes"].args == (["new"] if replaced else [])


def test_nothing_is_taken_without_a_yes_and_what_is_no_list_is_named(keepsake: Shell, home: Path) -> None:
    file = written(home / "list.json", json.dumps({"mcpServers": {"notes": {"command": GONE}}}))
    assert (keepsake("mcp", "import", str(file)).code, (home / "config.toml").read_text("utf-8")) == (1, "")
    assert "No program's list" in keepsake("mcp", "import", "-y").out
    for text in ("{", "[]", "{}", "\xff"):
        file.write_bytes(text.encode("latin-1"))
        told = keepsake("mcp", "import", str(file), "-y")
        assert (told.code, str(file) in told.err) == (1, True)


def test_this_memory_itself_is_not_taken(keepsake: Shell, home: Path) -> None:
    keepsake("mcp", "install", "cursor", "--yes")
    told = keepsake("mcp", "import", "-y")
    assert "keepsake is not taken: it is this memory itself" in told.err
    assert told.out == "Nothing was added.\n"


def test_environment_comes_before_what_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(home / "keys.toml", '[keys]\n"mcp:notes:PLACE" = "kept"\n').chmod(0o600)
    assert find_variables("notes", ["PLACE", "OTHER"], home / "keys.toml") == {"PLACE": "kept"}
    monkeypatch.setenv("PLACE", "a place with blanks")
    assert find_variables("notes", ["PLACE"], home / "keys.toml") == {"PLACE": "a place with blanks"}
