"""The settings one by one, for whoever shows or changes one: what it is for, what it may be, where it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from assistant.config import ENV_PREFIX, McpServer, Settings, default_text, write_private
from assistant.errors import ConfigError
from assistant.setting_values import checked, is_section, kinds_of

Value = str | int | float | bool | list[str]
_NOT_ONE_BY_ONE: Final = frozenset({"keys", "models", "prices"})  # tables of names that the user makes


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `section` is empty for those outside of all sections; `choices` are empty where any value may be.

    `default` also tells the kind of value; `explanation` is config.toml's own.
    """

    section: str
    name: str
    default: Value
    explanation: str
    choices: tuple[str, ...]
    kind: Any

    @property
    def full_name(self) -> str:
        """The name as `section.name`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return ENV_PREFIX + "__".join(part for part in (self.section, self.name) if part).upper()

    @property
    def is_overridden(self) -> bool:
        """Whether the environment says what it is, so that the file has no say."""
        return self.variable in os.environ

    def value_in(self, settings: Settings) -> Value:
        """Return what it is in these settings."""
        values = settings.as_table()
        value: Value = values[self.section][self.name] if self.section else values[self.name]
        return value

    def text_of(self, value: Value) -> str:
        """Return a value as a person writes it: a list by its parts with commas."""
        return ", ".join(value) if isinstance(value, list) else str(value)

    def parse(self, text: str) -> Value:
        """Return the value that a text means. Raises ValueError saying what is wrong with it."""
        given: Any = text.strip()
        if isinstance(self.default, list):
            given = [part.strip() for part in given.split(",") if part.strip()]
        return self.checked(given)

    def checked(self, given: object) -> Value:
        """Return a value as the setting takes it. Raises ValueError saying what is wrong with it."""
        value: Value = checked(self.kind, given)
        return value


def all_settings() -> list[Setting]:
    """Return every setting in config.toml's order."""
    explained = _explanations()
    return [
        Setting(section, name, default, explained.get((section, name), ""), _choices(kind), kind)
        for section, name, default, kind in _fields()
    ]


def _fields() -> Iterator[tuple[str, str, Any, Any]]:
    defaults = Settings().as_table()
    for name, kind in kinds_of(Settings).items():
        if is_section(kind):
            for inner, inner_kind in kinds_of(kind).items():
                if get_origin(inner_kind) is not dict:
                    yield name, inner, defaults[name][inner], inner_kind
        elif name not in _NOT_ONE_BY_ONE:
            yield "", name, defaults[name], kind


def _choices(kind: Any) -> tuple[str, ...]:
    return tuple(get_args(kind)) if get_origin(kind) is Literal else ()


def _explanations() -> dict[tuple[str, str], str]:
    """Return what config.toml says of each setting: the comment above it, or above the one it stands with."""
    found: dict[tuple[str, str], str] = {}
    section, lines, fresh = "", list[str](), True
    for line in default_text().splitlines():
        if line.startswith("#"):
            lines = [*([] if fresh else lines), line.removeprefix("#").strip()]
            fresh = False
        elif line.startswith("["):
            section, lines, fresh = line.strip("[]"), [], True
        elif "=" in line:
            found[section, line.partition("=")[0].strip()] = " ".join(lines)
            fresh = True
        else:
            lines, fresh = [], True
    return found


def keep(file: Path, section: str, values: dict[str, Any]) -> None:
    """Change values of one section in a configuration file, whose comments stay; a file that is not there begins as the
    defaults. Raises ConfigError."""
    with editing(file) as document:
        table = _table_in(document, section) if section else document
        for key, value in values.items():
            table[key] = value


def keep_model(file: Path, name: str, values: dict[str, Any] | None) -> None:
    """Write a model under a name into [models], or take it out with None. Raises ConfigError."""
    import tomlkit

    with editing(file) as document:
        table = _table_in(document, "models")
        table.pop(name, None)
        if values is not None:
            table[name] = tomlkit.item(values)
            table[name].add(tomlkit.nl())


def keep_mcp_client(file: Path, name: str, rights: list[str]) -> None:
    """Write what a program may do through MCP into [mcp.clients]. Raises ConfigError."""
    import tomlkit

    with editing(file) as document:
        clients = _table_in(_table_in(document, "mcp"), "clients")
        clients[name] = tomlkit.table()
        clients[name]["rights"] = rights
        clients[name].add(tomlkit.nl())


def keep_mcp_server(file: Path, name: str, server: McpServer | None) -> None:
    """Write a server of MCP into [mcp.servers], or take it out with None. Raises ConfigError."""
    import tomlkit

    with editing(file) as document:
        servers = _table_in(_table_in(document, "mcp"), "servers")
        servers.pop(name, None)
        if server is not None:
            servers[name] = tomlkit.item({key: value for key, value in asdict(server).items() if value})
            servers[name].add(tomlkit.nl())


@contextmanager
def editing(file: Path) -> Iterator[Any]:
    """Give a configuration file as a document to change, and write it at the end. Raises ConfigError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(file.read_text("utf-8") if file.is_file() else default_text())
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{file} can't be read: {error}.", "The choice holds until you leave.") from error
    yield document
    write_private(file, tomlkit.dumps(document))


def _table_in(document: Any, section: str) -> Any:
    import tomlkit

    if section not in document:
        document[section] = tomlkit.table()
    return document[section]
