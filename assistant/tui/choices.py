"""Keeps what the user chooses in the chat in the configuration file, its comments untouched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistant.config import default_text, write_private
from assistant.errors import ConfigError


def keep(file: Path, section: str, values: Mapping[str, str | int]) -> None:
    """Change values of one section; a file that is not there begins as the defaults. Raises ConfigError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(file.read_text("utf-8") if file.is_file() else default_text())
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{file} can't be read: {error}.", "The choice holds until you leave.") from error
    if section not in document:
        document[section] = tomlkit.table()
    table = document[section]
    for key, value in values.items():
        table[key] = value
    write_private(file, tomlkit.dumps(document))
