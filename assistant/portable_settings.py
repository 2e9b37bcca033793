"""The settings as they travel in an archive: config.toml without secrets and without places of one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from assistant.config import config_path, load, write_private
from assistant.errors import ConfigError

# Where the data lie is the new machine's own affair: a folder of the old one would lead to an empty store.
_OF_ONE_MACHINE = ("data_dir",)


def portable(given: Path | None = None) -> str | None:
    """Return the text of the user's config.toml for an archive; None if there is none that can be read.

    Comments and order stay. Keys are never in the file; a password inside an address is taken out.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(config_path(given).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError):
        return None
    for name in _OF_ONE_MACHINE:
        if document.get(name):
            document[name] = ""
    _without_passwords(document)
    return tomlkit.dumps(document)


def install(text: str, given: Path | None = None) -> Path | None:
    """Write settings that came in an archive where there are none yet; return the file, or None if it was there.

    Raises ConfigError, and writes nothing, for settings that this version doesn't take.
    """
    path = config_path(given)
    if path.exists():
        return None
    write_private(path, text)
    try:
        load(path)
    except ConfigError:
        path.unlink()
        raise
    return path


def _without_passwords(table: Any) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _without_passwords(value)
        elif isinstance(value, str) and "@" in value:
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and "@" in parts.netloc:
                table[name] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
