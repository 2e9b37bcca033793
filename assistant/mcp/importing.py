"""Reads the servers of MCP that other programs were told of, and says what of each can be taken over and what not."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from assistant.config import McpServer
from assistant.errors import ConfigError
from assistant.mcp.access import plain_name
from assistant.mcp.installing import CLIENTS, SERVER
from assistant.setting_values import WrongValueError, checked
from memory_store.network import secrets_in

_TABLES: Final = ("mcpServers", "servers", "mcp_servers")
# A text in quotes, which stays, or else what JSON with comments has beside JSON: comments, and commas before an end.
_COMMENT: Final = r"//[^\n]*|/\*.*?\*/"
_BESIDE_JSON: Final = re.compile(rf'("(?:\\.|[^"\\])*")|{_COMMENT}|,(?=(?:\s|{_COMMENT})*[}}\]])', re.DOTALL)
_MARK: Final = re.compile(r"\$\{([^}]*)\}")
_INPUT: Final = "input:"
_SECRET_OPTION: Final = re.compile(r"-{1,2}[\w-]*(?:api-?key|token|secret|passw|credential)[\w-]*(?:=.*)?", re.I)
_SECRET: Final = re.compile(
    r"(?:^|[\s=:])(?:sk-|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|Bearer\s|Basic\s)\S{6}|://[^/\s:@]*:[^/\s@]+@"
)


@dataclass(frozen=True, slots=True)
class Input:
    """What VS Code asks for when it starts a server."""

    id: str
    description: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server as it would be here. `variables` are the values of its environment there, empty where it has none.

    Both may hold marks of `inputs`, which have to be asked for. `notes` say what of it is not taken, and `refusal`,
    where it has words, why it can't be taken at all.
    """

    name: str
    server: McpServer = field(default_factory=McpServer)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""

    def inputs_in(self, *texts: str) -> list[Input]:
        """Return what has to be asked for before these texts hold."""
        named = {mark for text in texts for mark in _MARK.findall(text)}
        return [asked for asked in self.inputs if _INPUT + asked.id in named]

    def fill(self, answers: Mapping[str, str]) -> Candidate:
        """Return it with answers in place of the inputs of these ids."""

        def filled(text: str) -> str:
            return _MARK.sub(lambda mark: answers.get(mark[1].removeprefix(_INPUT), mark[0]), text)

        server = replace(
            self.server,
            command=filled(self.server.command),
            args=[filled(argument) for argument in self.server.args],
            url=filled(self.server.url),
        )
        variables = {name: filled(value) for name, value in self.variables.items()}
        return replace(self, server=server, variables=variables)


def find_files() -> list[tuple[str, Path]]:
    """Return the files of the programs that are known here, those that are there, each with its program's name."""
    return [(client.title, client.file()) for client in CLIENTS.values() if client.file().is_file()]


def read_servers(file: Path) -> list[Candidate]:
    """Return the servers in a program's file. Raises ConfigError for one that is not understood."""
    try:
        document = _parse(file.read_text("utf-8-sig"), file.suffix)
    except (OSError, ValueError, RecursionError) as error:  # no JSON, no TOML, no UTF-8
        raise ConfigError(f"{file} can't be read: {error}.", "Is it a program's list of servers of MCP?") from error
    tables = [inner for outer in (document, document.get("mcp")) if isinstance(outer, dict) for inner in _tables(outer)]
    if not tables:
        raise ConfigError(f"{file} has none of the tables {', '.join(_TABLES)}.", "Name a file that lists servers.")
    inputs = tuple(_inputs(document))
    return [_candidate(str(name), entry, inputs) for table in tables for name, entry in table.items()]


def _parse(text: str, suffix: str) -> dict[str, Any]:
    if suffix == ".toml":
        return tomllib.loads(text)
    document = json.loads(_BESIDE_JSON.sub(lambda found: found[1] or "", text) or "{}")
    if not isinstance(document, dict):
        raise ValueError("it holds no table")
    return document


def _tables(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in _TABLES:
        if isinstance(document.get(name), dict):
            yield document[name]


def _inputs(document: Mapping[str, Any]) -> Iterator[Input]:
    listed = document.get("inputs")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            yield Input(entry["id"], str(entry.get("description") or entry["id"]), entry.get("password") is True)


def _candidate(given_name: str, entry: Any, inputs: tuple[Input, ...]) -> Candidate:
    name = plain_name(given_name)
    if not name or not isinstance(entry, dict):
        return Candidate(name or given_name, refusal="it is written in a way that is not known here")
    candidate = Candidate(name, inputs=inputs)
    environment = entry.get("env") or {}
    if not isinstance(environment, dict):
        return replace(candidate, refusal="its `env` is no table")
    variables, notes = _variables({str(key): str(value) for key, value in environment.items()})
    url = entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl") or ""
    values = {"url": url} if url else {"command": entry.get("command", ""), "args": entry.get("args") or []}
    try:
        server: McpServer = checked(McpServer, {**values, "env": list(variables)})
    except WrongValueError as error:
        return replace(candidate, refusal=f"its {'.'.join(error.path)} is not what it can be here: {error.message}")
    server = replace(
        server, command=_at_home(server.command), args=[_at_home(text) for text in server.args], url=_at_home(url)
    )
    candidate = replace(candidate, server=server, variables=variables, notes=(*notes, *_left_out(entry)))
    return replace(candidate, refusal=_refusal(given_name, entry, candidate))


def _variables(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables with their values, empty where the environment has them, and what is to be told of them."""
    found: dict[str, str] = {}
    notes: list[str] = []
    for name, value in environment.items():
        marks = [mark for mark in _MARK.findall(value) if not mark.startswith(_INPUT)]
        taken = {mark.removeprefix("env:").partition(":-")[0] for mark in marks}
        found[name] = "" if marks else value
        if taken - {name} or (marks and _MARK.fullmatch(value) is None):
            notes.append(f"{name} is {value} there; here it is what your environment has as {name}")
    return found, notes


def _left_out(entry: Mapping[str, Any]) -> Iterator[str]:
    """Say what of an entry has no place here, and matters."""
    for key, told in (("headers", "the headers {names} are not taken"), ("http_headers", "its headers are not taken")):
        if isinstance(entry.get(key), dict) and entry[key]:
            yield told.format(names=", ".join(map(str, entry[key]))) + ": they may be keys"
    if entry.get("cwd"):
        yield f"it is started where the chat is, and not in {entry['cwd']}"
    if entry.get("envFile"):
        yield f"the variables in {entry['envFile']} are not read"
    if entry.get("disabled") is True or entry.get("enabled") is False:
        yield "it is turned off there"


def _refusal(given_name: str, entry: Mapping[str, Any], candidate: Candidate) -> str:
    server = candidate.server
    texts = [server.command, *server.args, server.url]
    unknown = [mark for text in texts for mark in _MARK.findall(text) if not mark.startswith(_INPUT)]
    asked = candidate.inputs_in(*texts)
    missing = {mark for text in texts for mark in _MARK.findall(text) if mark.startswith(_INPUT)}
    missing -= {_INPUT + item.id for item in asked}
    if given_name == SERVER or ("mcp" in server.args and "serve" in server.args and "keepsake" in " ".join(texts)):
        return "it is this memory itself"
    if bool(server.command) == bool(server.url):
        return "it has neither a command nor an address"
    if entry.get("type") == "sse":
        return "it speaks by SSE, which the protocol has given up; many servers have an address for HTTP, too"
    if unknown or missing:
        return f"only that program knows what {', '.join(f'${{{mark}}}' for mark in [*unknown, *sorted(missing)])} is"
    if any(item.secret for item in asked) or secrets_in(server.url, None) or _has_secret(server.args):
        return "a key is among its arguments or in its address, and the settings are no place for keys"
    return ""


def _has_secret(arguments: Iterable[str]) -> bool:
    return any(_SECRET_OPTION.fullmatch(text) or _SECRET.search(text) for text in arguments)


def _at_home(text: str) -> str:
    return text.replace("${userHome}", str(Path.home())).replace("${/}", "/").replace("${pathSeparator}", "/")
