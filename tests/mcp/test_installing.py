"""The configuration of other programs: shown, asked about, with all else in it as it was and a copy beside it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ConfigError
from assistant.mcp import installing
from tests.cli.conftest import Shell

PLACES = {
    "claude-desktop": (".config/Claude/claude_desktop_config.json", "mcpServers"),
    "claude-code": (".claude.json", "mcpServers"),
    "cursor": (".cursor/mcp.json", "mcpServers"),
    "vscode": (".config/Code/User/mcp.json", "servers"),
    "codex": (".codex/config.toml", "mcp_servers"),
}
BEFORE = {
    ".json": """{
    "theme": "dark",
    "%s": {
        "other": {"command": "other", "env": {"KEY": "sk-secret"}}
    },
    "key": "sk-secret"
}
""",
    ".toml": """# mine
model = "x"

[%s.other]
command = "other"  # kept
env = { KEY = "sk-secret" }

[tui]
theme = "dark"
""",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return folder


def read(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else dict(json.loads(text))


@pytest.mark.parametrize("client", PLACES)
def test_what_else_is_in_the_file_stays_and_a_copy_is_beside_it(keepsake: Shell, home: Path, client: str) -> None:
    place, table = PLACES[client]
    file = home / place
    file.parent.mkdir(parents=True, exist_ok=True)
    before = BEFORE[file.suffix] % table
    file.write_text(before, "utf-8")
    file.chmod(0o640)
    told = keepsake("mcp", "install", client, "--yes")
    assert told.code == 0
    assert file.name in told.err
    assert "sk-secret" not in told.err
    entry = read(file)[table].pop("keepsake")
    expected = tomllib.loads(before) if file.suffix == ".toml" else json.loads(before)
    after = read(file)
    after[table].pop("keepsake")
    assert after == expected
    assert entry["args"][-4:] == ["mcp", "serve", "--name", client]
    assert entry["args"][:2] == ["--data-dir", str(keepsake.data)]
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.with_name(file.name + ".before-keepsake").read_text("utf-8") == before
    if file.suffix == ".toml":
        assert "# mine" in file.read_text("utf-8")
        assert "# kept" in file.read_text("utf-8")
    written = file.read_text("utf-8")
    assert "has it already" in keepsake("mcp", "install", client, "--yes").out
    assert file.read_text("utf-8") == written
    assert file.with_name(file.name + ".before-keepsake").read_text("utf-8") == before


@pytest.mark.parametrize("client", PLACES)
def test_a_file_that_is_not_there_is_made_and_is_what_print_prints(keepsake: Shell, home: Path, client: str) -> None:
    printed = keepsake("mcp", "install", client, "--print").out
    assert not (home / PLACES[client][0]).exists()
    assert keepsake("mcp", "install", client, "-y").code == 0
    assert (home / PLACES[client][0]).read_text("utf-8").strip() == printed.strip()


def test_nothing_is_written_without_a_yes(keepsake: Shell, home: Path) -> None:
    told = keepsake("mcp", "install", "cursor")
    assert told.code == 1
    assert "--yes" in told.err
    assert not (home / ".cursor").exists()


class Terminal(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_at_a_terminal_the_change_is_shown_and_a_yes_writes_it(
    keepsake: Shell, home: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    told = keepsake("mcp", "install", "cursor")
    assert told.code == code
    assert told.err.index('"keepsake": {') < told.err.index("Let Cursor use the memory?")
    assert (home / ".cursor" / "mcp.json").exists() == (code == 0)


@pytest.mark.parametrize("text", ['{"servers": {} // mine\n}', '{"servers": []}', "[]", "\xff"])
def test_a_file_that_is_not_understood_is_left_alone(keepsake: Shell, home: Path, text: str) -> None:
    file = home / PLACES["vscode"][0]
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode("latin-1"))
    told = keepsake("mcp", "install", "vscode", "--yes")
    assert told.code == 1
    assert "--print" in told.err
    assert file.read_bytes() == text.encode("latin-1")
    assert len(list(file.parent.iterdir())) == 1


def test_a_file_that_changed_while_it_was_asked_about_is_left_alone(home: Path) -> None:
    client = installing.CLIENTS["cursor"]
    client.file().parent.mkdir()
    client.file().write_text("{}", "utf-8")
    change = installing.change(client, ["keepsake"])
    client.file().write_text('{"new": 1}', "utf-8")
    with pytest.raises(ConfigError, match="changed meanwhile"):
        change.write()
    assert client.file().read_text("utf-8") == '{"new": 1}'


def test_a_link_stays_a_link(keepsake: Shell, home: Path) -> None:
    real = home / "dotfiles.json"
    real.write_text("{}", "utf-8")
    (home / ".claude.json").symlink_to(real)
    assert keepsake("mcp", "install", "claude-code", "--yes").code == 0
    assert (home / ".claude.json").is_symlink()
    assert "keepsake" in read(real)["mcpServers"]


def test_what_is_written_starts_this_installation(keepsake: Shell) -> None:
    command = installing.command_line(["--data-dir", str(keepsake.data)], "cursor")
    ended = subprocess.run([*command[:-2], "--help"], capture_output=True, text=True, check=True)
    assert "keepsake mcp serve --name" in ended.stdout


def test_a_program_that_is_not_known_is_named(keepsake: Shell) -> None:
    told = keepsake("mcp", "install", "emacs")
    assert told.code == 2
    assert "claude-desktop, claude-code, cursor, vscode, codex" in told.err
