"""Finds and stores API keys: environment, then the system's keyring, then a file that only its owner can read."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from assistant.errors import CredentialError

Secret = SecretStr
"""A key whose `repr` and `str` never show it; `get_secret_value()` does."""

KEYRING_SERVICE = "keepsake"
KEYRING_TIMEOUT_S = 2.0

T = TypeVar("T")

KeyringRead = Callable[[str, str], str | None]
"""Takes a service and a user name, as `keyring.get_password` does."""

_NAME = re.compile(r"[A-Za-z0-9._:-]+\Z")
_KEY = re.compile(r"[!-~]+\Z")
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def find_key(
    name: str,
    env_var: str | None,
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    keyring_read: KeyringRead | None = None,
    keyring_timeout_s: float = KEYRING_TIMEOUT_S,
) -> Secret | None:
    """Return the key stored under `name`, or None if there is none anywhere.

    The order is: the environment variable `env_var`, the keyring (service `keepsake`, user `name`), the file
    `credentials.toml`. The file is looked at only when the other two have nothing. Raises `CredentialError` if the
    file is open to others or malformed, or if a key holds characters that can't go into a header.
    """
    environment = os.environ if environ is None else environ
    if env_var and (value := environment.get(env_var, "").strip()):
        return _checked(value, env_var)
    if value := (_from_keyring(name, keyring_read, keyring_timeout_s) or "").strip():
        return _checked(value, "the keyring")
    if file is not None and (value := _read_keys(file).get(name, "").strip()):
        return _checked(value, str(file))
    return None


def store_key(name: str, key: Secret, file: Path) -> None:
    """Write the key into `file` under `name`, keeping the other keys (comments in the file are not kept).

    The file is replaced in one step, has mode 0600, and its folder is made with 0700 if it is missing. Raises
    `CredentialError` if the name or key can't be stored or the present file is not private.
    """
    if not _NAME.match(name):
        raise CredentialError(f"“{name}” can't name a key.", "Use letters, digits, dots, colons, dashes.")
    value = _checked(key.get_secret_value().strip(), "what was entered").get_secret_value()
    _write_keys({**_read_keys(file), name: value}, file)


def _write_keys(keys: Mapping[str, str], file: Path) -> None:
    lines = ["# API keys of Keepsake. Only you may read this file (mode 0600).", "[keys]"]
    lines += [f"{json.dumps(entry)} = {json.dumps(keys[entry])}" for entry in sorted(keys)]
    from memory_store import write_private

    try:
        write_private(file, "\n".join(lines) + "\n")
    except OSError as error:
        raise CredentialError(
            f"The key could not be written to {file}: {error.strerror or 'unknown reason'}.",
            "Check that the folder exists, is yours, and that the disk is not full.",
        ) from error


def keep_key(name: str, key: Secret, file: Path) -> str:
    """Keep a key in the system's keyring, or in `file` where there is none that keeps it; return where it is.

    Raises `CredentialError` for a key that can't be one, or a file that can't be written.
    """
    value = _checked(key.get_secret_value().strip(), "what was entered").get_secret_value()
    if (_asked_in_time(lambda: _kept_in_keyring(name, value), KEYRING_TIMEOUT_S)) is True:
        return "the system's keyring"
    store_key(name, Secret(value), file)
    return str(file)


def forget_key(name: str, file: Path) -> None:
    """Take a key out of the keyring and out of `file`. Raises `CredentialError`."""
    _asked_in_time(lambda: _taken_from_keyring(name), KEYRING_TIMEOUT_S)
    keys = _read_keys(file)
    if keys.pop(name, None) is not None:
        _write_keys(keys, file)


def _kept_in_keyring(name: str, value: str) -> bool:
    import keyring

    keyring.set_password(KEYRING_SERVICE, name, value)
    return keyring.get_password(KEYRING_SERVICE, name) == value  # some backends take a key and keep nothing


def _taken_from_keyring(name: str) -> bool:
    import keyring

    keyring.delete_password(KEYRING_SERVICE, name)
    return True


def _checked(value: str, origin: str) -> Secret:
    if not _KEY.match(value):
        raise CredentialError(
            f"The API key from {origin} holds characters that no key has.",
            "Copy the key again, without quotes, spaces or line breaks.",
        )
    return Secret(value)


def _from_keyring(name: str, read: KeyringRead | None, timeout_s: float) -> str | None:
    return _asked_in_time(lambda: (read or _system_keyring)(KEYRING_SERVICE, name), timeout_s)


def _asked_in_time(question: Callable[[], T | None], timeout_s: float) -> T | None:
    """Ask the keyring in a thread of its own: a backend may wait for ever for D-Bus or for a password dialog."""
    found: list[T | None] = []

    def ask() -> None:
        # Backends are plug-ins that may raise anything, and none of it is a reason not to start: there is a file too.
        with suppress(Exception):
            found.append(question())

    # A daemon, so that a backend that hangs can't keep the program from ending.
    thread = threading.Thread(target=ask, name="keyring", daemon=True)
    thread.start()
    thread.join(timeout_s)
    return found[0] if found else None


def _system_keyring(service: str, user: str) -> str | None:
    import keyring  # Costs 60 ms and looks for backends: only when the environment has no key.

    return keyring.get_password(service, user)


def _read_keys(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as stream:
            _require_private(os.fstat(stream.fileno()), file)
            data = tomllib.load(stream)
    except FileNotFoundError:
        return {}  # No file is the usual case: keys come from the environment.
    except OSError as error:
        raise CredentialError(f"{file} can't be read: {error.strerror}.", f"chmod 600 '{file}'") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may quote the key, so they are left out.
        raise CredentialError(
            f"{file} is not valid TOML.", 'It should hold a table: [keys] and lines like openai = "…"'
        ) from None
    keys = data.get("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise CredentialError(f"The table [keys] in {file} must hold only strings.", 'Write lines like openai = "…"')
    return keys


def _require_private(status: os.stat_result, file: Path) -> None:
    if os.name != "posix":
        return  # Windows guards the user's folder by access lists, which the mode does not show.
    if status.st_uid != os.geteuid():
        raise CredentialError(f"{file} belongs to another user.", f"chown \"$USER\" '{file}' && chmod 600 '{file}'")
    if status.st_mode & _OTHERS_MAY:
        raise CredentialError(f"{file} can be read by others.", f"chmod 600 '{file}'")
