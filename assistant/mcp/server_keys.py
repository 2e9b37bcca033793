"""The values of variables that servers get and no settings hold: found and kept where keys are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from assistant.credentials import Secret, find_key, forget_key, keep_key


def find_variables(server: str, names: Iterable[str], file: Path | None) -> dict[str, str]:
    """Return those of a server's variables that have a value: in the environment, else where keys are kept.

    May ask the keyring. Raises CredentialError for a file of keys that can't be read.
    """
    found: dict[str, str] = {}
    for name in names:
        if name in os.environ:
            found[name] = os.environ[name]  # as it is: it may be no key, but a path with blanks
        elif (kept := find_key(_key(server, name), None, file)) is not None:
            found[name] = kept.get_secret_value()
    return found


def keep_variable(server: str, name: str, value: str, file: Path) -> None:
    """Keep the value of a server's variable where keys are. Raises CredentialError for what can't be kept there."""
    keep_key(_key(server, name), Secret(value), file)


def forget_keys(server: str, names: Iterable[str], file: Path) -> None:
    """Take the values of a server's variables, and the login at it, from where keys are. Raises CredentialError."""
    for key in (login_key(server), *(_key(server, name) for name in names)):
        forget_key(key, file)


def login_key(server: str) -> str:
    """Return the name under which the login at a server is kept."""
    return f"mcp:{server}"


def _key(server: str, name: str) -> str:
    return f"mcp:{server}:{name}"
