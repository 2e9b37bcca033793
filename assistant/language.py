"""The language of the interface: gettext's catalogues, one folder a language under locales/."""

from __future__ import annotations

import gettext
import os
from pathlib import Path
from typing import Final

DOMAIN: Final = "keepsake"
LOCALES: Final = Path(__file__).parent / "locales"
_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_OWN: Final = "en"  # what the code is written in

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def available() -> list[str]:
    """Return the languages that the interface speaks, by their codes: a catalogue that is added is one more."""
    found = (file.parents[1].name for file in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return [_OWN, *sorted(found)]


def use(language: str = "") -> None:
    """Speak this language from now on; empty: the first one of the environment that there is, else English."""
    global _catalogue
    wanted = [language] if language else _of_environment()
    for text in wanted:
        base = text.split(".")[0].split("@")[0]
        for code in (base, base.partition("_")[0]):
            if code in (_OWN, "C", "POSIX"):
                _catalogue = gettext.NullTranslations()
                return
            file = LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
            if file.is_file():
                with file.open("rb") as opened:
                    _catalogue = gettext.GNUTranslations(opened)
                return
    _catalogue = gettext.NullTranslations()


def _of_environment() -> list[str]:
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        if value:
            return value.split(":")
    return []


def _(text: str) -> str:
    """Return a text of the interface in the language in use."""
    return _catalogue.gettext(text) if text else ""


def N_(text: str) -> str:
    """Mark a text that is data and translated when it is shown, by `_`."""
    return text


def plural(singular: str, many: str, count: int) -> str:
    """Return the form of a text for this count, `{count}` in it filled in."""
    return _catalogue.ngettext(singular, many, count).format(count=f"{count:,}")


def NN_(singular: str, many: str) -> tuple[str, str]:
    """Mark the two forms of a text with `{count}` that is data, and is translated when it is shown, by `plural`."""
    return singular, many
