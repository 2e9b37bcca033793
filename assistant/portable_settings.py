"""The settings as they travel in an archive: config.toml without secrets and without places of one machine."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assistant.config import Settings, config_path
from assistant.errors import ConfigError
from assistant.setting import Setting, Value, all_settings, keep
from memory_store.network import without_secrets

# Where the data lie is the new machine's own affair: a folder of the old one would lead to an empty store.
_OF_ONE_MACHINE = ("data_dir",)
# What may come from an archive, which anyone can have made: how it looks, how much it says. Whatever is not named here
# never comes: an endpoint would get what is remembered, a key's name a key, a folder would be read, a key would act.
_TAKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "model": ("max_answer_tokens", "temperature"),
    "recall": ("passages", "context_share", "facts_share", "goals_share", "summaries_share"),
    "chat": ("capture", "learn", "titles", "to_the_point", "theme", "language", "reduced_motion", "notices"),
    "care": ("resources", "note_often", "region"),
    "private": ("topics",),
    "import": ("target_chars", "max_chars"),
}


def portable(given: Path | None = None) -> str | None:
    """Return the text of the user's config.toml for an archive; None if there is none that can be read.

    Comments and order stay. Keys are never in the file; what may be one inside an address is taken out.
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
    _without_secrets(document)
    return tomlkit.dumps(document)


@dataclass(frozen=True, slots=True)
class Offer:
    """A setting that an archive has otherwise: its value here, and the archive's."""

    setting: Setting
    here: Value
    there: Value


def offers(text: str, settings: Settings) -> tuple[list[Offer], list[str]]:
    """Return which of an archive's settings may be taken, and the names of what never is: whoever made it sets that.

    Only what differs is named. Raises ConfigError for what is no settings.
    """
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError("The settings in the archive can't be read.", "Nothing of them was taken.") from error
    known = {(item.section, item.name): item for item in all_settings()}
    found: list[Offer] = []
    never: list[str] = []
    for section, name, value in _values(given):
        setting = known.get((section, name))
        if setting is None or name not in _TAKEN.get(section, ()):
            if value != (setting.default if setting else {}):  # a table of names is empty by default
                never.append(f"{section}.{name}" if section else name)
            continue
        try:
            there = setting.checked(value)
        except ValueError:
            never.append(setting.full_name)
            continue
        if there != setting.value_in(settings):
            found.append(Offer(setting, setting.value_in(settings), there))
    return found, never


def take(offer: Offer, given: Path | None = None) -> Path:
    """Keep a setting of an archive in the configuration file, and return that. Raises ConfigError."""
    path = config_path(given)
    keep(path, offer.setting.section, {offer.setting.name: offer.there})
    return path


def _values(given: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for section, value in given.items():
        if isinstance(value, dict):
            yield from ((section, name, item) for name, item in value.items())
        else:
            yield "", section, value


def _without_secrets(table: Any) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _without_secrets(value)
        elif isinstance(value, str):
            table[name] = without_secrets(value)
