"""The questions of `keepsake mcp import`: which servers, what they ask for, where the values of their variables go."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Mapping
from pathlib import Path

import typer

from assistant import bootstrap
from assistant.cli.output import complain, say
from assistant.config import McpServer
from assistant.display import plain
from assistant.errors import CredentialError
from assistant.mcp.importing import Candidate, Input
from assistant.mcp.server_keys import keep_variable
from assistant.setting import keep_mcp_server
from memory_store.network import display_url


class ServerImport:
    """Takes servers into the settings one by one; `added` are those that were. Without `asks`: what needs no answer."""

    def __init__(self, settings_file: Path, known: Mapping[str, McpServer], *, asks: bool) -> None:
        self.added: dict[str, McpServer] = {}
        self._file = settings_file
        self._known = dict(known)
        self._asks = asks

    def take(self, candidate: Candidate) -> None:
        """Show a server, and add it where that is agreed to. Raises ConfigError."""
        name, server = candidate.name, candidate.server
        if candidate.refusal:
            _tell(1, f"{name} is not taken: {candidate.refusal}.")
            return
        before = self._known.get(name)
        if before == server:
            _tell(1, f"{name} is there already.")
            return
        _tell(1, f"{name}: {_how(server)}")
        if server.env:
            _tell(2, f"it gets the variables {', '.join(server.env)}")
        for note in candidate.notes:
            _tell(2, f"{note}")
        if before is not None:
            _tell(2, f"there is a server of this name: {_how(before)}")
        inputs = candidate.inputs_in(server.command, *server.args, server.url)
        if not self._agrees(before is not None, inputs):
            return
        filled = candidate.fill(_answers(inputs))
        keep_mcp_server(self._file, name, filled.server)
        self.added[name] = self._known[name] = filled.server
        self._keep_variables(filled)

    def _agrees(self, replaces: bool, inputs: list[Input]) -> bool:
        if self._asks:
            return typer.confirm("  Replace it by this?" if replaces else "  Add it?", err=True)
        if replaces:
            _tell(2, "it stays as it is")
        elif inputs:
            _tell(2, f"it is not taken: it asks for {', '.join(item.description for item in inputs)}")
        return not (replaces or inputs)

    def _keep_variables(self, candidate: Candidate) -> None:
        """Keep the values of variables where keys are, where the user wants that; else say what has to be set."""
        valued = {name: value for name, value in candidate.variables.items() if value}
        missing = candidate.variables.keys() - valued.keys()
        if (
            valued
            and self._asks
            and typer.confirm(f"  Keep {_values(valued)} where keys are kept?", default=True, err=True)
        ):
            for name, value in candidate.fill(_answers(candidate.inputs_in(*valued.values()))).variables.items():
                try:
                    if value:
                        keep_variable(candidate.name, name, value, bootstrap.credentials_file())
                except CredentialError as error:
                    complain(error)
                    missing |= {name}
        else:
            missing |= valued.keys()
        if missing:
            _tell(2, f"Set {', '.join(sorted(missing))} in your environment before the chat starts.")


def _answers(inputs: list[Input]) -> dict[str, str]:
    """Ask for what a program asks for; what is secret is typed unseen."""
    found: dict[str, str] = {}
    for item in inputs:
        question = plain(item.description, one_line=True)
        unseen = f"  {question} (it is not shown): "
        found[item.id] = getpass.getpass(unseen) if item.secret else typer.prompt(f"  {question}", err=True)
    return found


def _values(valued: Mapping[str, str]) -> str:
    return f"the {'values' if len(valued) > 1 else 'value'} of {', '.join(valued)}"


def _how(server: McpServer) -> str:
    return display_url(server.url) if server.url else shlex.join([server.command, *server.args])


def _tell(depth: int, line: str) -> None:
    say("  " * depth + plain(line, one_line=True))
