"""Writes into another program's configuration that it may start `keepsake mcp serve`, and leaves the rest as it was."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assistant.errors import ConfigError
from memory_store import write_private

SERVER: Final = "keepsake"
_BACKUP: Final = ".before-keepsake"


@dataclass(frozen=True, slots=True)
class Client:
    """A program: where its file is, in which table its servers stand, and what an entry has beside its command."""

    title: str
    file: Callable[[], Path]
    table: str
    extra: Mapping[str, Any]
    afterwards: str


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is to be; `before` is None where there is none yet."""

    file: Path
    before: str | None
    after: str

    @property
    def lines(self) -> list[str]:
        """The lines that go and come, with a sign before each; nothing of what stays, which may hold keys."""
        before = self.before or ""
        if self.file.suffix == ".json" and before.strip():
            before = _as_json(json.loads(before), before)  # only how it is set out may change besides
        old, new = ([line.rstrip(",") for line in text.splitlines()] for text in (before, self.after))
        found = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]
        return [line for line in found if not line.startswith("@@")]

    def write(self) -> Path | None:
        """Write the file, for its owner as before; return the copy of what was there. Raises ConfigError."""
        target = self.file.resolve()  # a link stays one
        copy: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600
            if self.before is not None:
                if target.read_text("utf-8") != self.before:
                    raise ConfigError(f"{self.file} has changed meanwhile.", "Close the program, and try again.")
                mode = target.stat().st_mode & 0o777
                copy = target.with_name(target.name + _BACKUP)
                shutil.copy2(target, copy)
            write_private(target, self.after)
            target.chmod(mode)
        except OSError as error:
            raise ConfigError(f"{self.file} can't be written: {error.strerror or error}.", _BY_HAND) from error
        return copy


_BY_HAND: Final = "`keepsake mcp install CLIENT --print` prints what belongs into it."


def _home() -> Path:
    return Path.home()


def _application_data(*parts: str) -> Path:
    """Return a place in the folder in which programs of the desktop keep their settings."""
    if sys.platform == "darwin":
        return _home().joinpath("Library", "Application Support", *parts)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or _home() / "AppData" / "Roaming").joinpath(*parts)
    return Path(os.environ.get("XDG_CONFIG_HOME") or _home() / ".config").joinpath(*parts)


CLIENTS: Final[Mapping[str, Client]] = {
    "claude-desktop": Client(
        "Claude Desktop",
        lambda: _application_data("Claude", "claude_desktop_config.json"),
        "mcpServers",
        {},
        "Quit Claude Desktop and start it again.",
    ),
    "claude-code": Client(
        "Claude Code",
        lambda: _home() / ".claude.json",
        "mcpServers",
        {"type": "stdio"},
        "Start Claude Code again; /mcp lists it.",
    ),
    "cursor": Client("Cursor", lambda: _home() / ".cursor" / "mcp.json", "mcpServers", {}, "Start Cursor again."),
    "vscode": Client(
        "VS Code",
        lambda: _application_data("Code", "User", "mcp.json"),
        "servers",
        {"type": "stdio"},
        "MCP: List Servers in its palette of commands shows it.",
    ),
    "codex": Client(
        "Codex",
        lambda: Path(os.environ.get("CODEX_HOME") or _home() / ".codex") / "config.toml",
        "mcp_servers",
        {},
        "Start Codex again; /mcp lists it.",
    ),
}


def own_program() -> list[str]:
    """Return how another program starts this installation, whatever its PATH is."""
    script = Path(sys.executable).with_name("keepsake.exe" if sys.platform == "win32" else "keepsake")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "assistant.cli"]


def command_line(options: list[str], name: str) -> list[str]:
    """Return how a program starts the server of this installation, with these global options."""
    return [*own_program(), *options, "mcp", "serve", "--name", name]


def snippet(client: Client, command: list[str]) -> str:
    """Return what belongs into the file of a program that has no other server."""
    file = client.file()
    return _written(file, "", client, command)


def change(client: Client, command: list[str]) -> Change:
    """Return the file of a program with the server in it. Raises ConfigError for one that is not understood."""
    file = client.file()
    try:
        before = file.read_text("utf-8") if file.exists() else None
        return Change(file, before, _written(file, before or "", client, command))
    except (OSError, ValueError) as error:  # no JSON, no TOML, no UTF-8
        raise ConfigError(f"{file} can't be read: {error}.", _BY_HAND) from error


def _written(file: Path, before: str, client: Client, command: list[str]) -> str:
    entry = {**client.extra, "command": command[0], "args": command[1:]}
    if file.suffix == ".toml":
        return _in_toml(before, client.table, entry)
    document = json.loads(before) if before.strip() else {}
    table = document.setdefault(client.table, {}) if isinstance(document, dict) else None
    if not isinstance(table, dict):
        raise ValueError(f"{client.table} is no table in it")
    table[SERVER] = entry
    return _as_json(document, before)


def _in_toml(before: str, name: str, entry: dict[str, Any]) -> str:
    import tomlkit

    document = tomlkit.parse(before)
    if name not in document:
        document[name] = tomlkit.table(is_super_table=True)
    servers: Any = document[name]
    servers[SERVER] = tomlkit.item(entry)
    return tomlkit.dumps(document)


def _as_json(document: object, before: str) -> str:
    """Return a document as JSON, indented as it was before."""
    found = re.search(r"^([ \t]+)\S", before, re.MULTILINE)
    return json.dumps(document, ensure_ascii=False, indent=found[1] if found else 2) + "\n"
