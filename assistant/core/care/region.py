"""Where the user probably is, so that the lines can be reached: as set, else by the system's locale and time zone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from assistant.core.care.directory import ELSEWHERE, region_of, zones

_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_TERRITORY: Final = re.compile(r"^[A-Za-z]{2,3}_([A-Za-z]{2})\b")
_ZONE_FILE: Final = Path("/etc/localtime")


def regions(setting: str, environment: Mapping[str, str] | None = None, zone: str | None = None) -> tuple[str, ...]:
    """Return the region that is set, else that of the system's locale; two where its time zone tells of another one.

    A wrong country's number helps nobody, and many who live elsewhere have an American locale: so both are given.
    `environment` and `zone` are the system's own if they are None. Elsewhere is the last resort.
    """
    if setting:
        return (region_of(setting),)
    given = os.environ if environment is None else environment
    found = [_of_locale(given), _of_zone(system_zone(given) if zone is None else zone)]
    known = tuple(dict.fromkeys(text for text in found if text is not None and text != ELSEWHERE))
    return known or (ELSEWHERE,)


def system_zone(environment: Mapping[str, str]) -> str:
    """Return the name of the system's time zone, such as Europe/Berlin; empty where it is not plainly told."""
    named = environment.get("TZ", "").removeprefix(":")
    if named:
        return named
    try:
        target = str(_ZONE_FILE.readlink())
    except OSError:  # a copy instead of a link, or another platform: the locale alone tells then
        return ""
    return target.partition("zoneinfo/")[2]


def _of_locale(environment: Mapping[str, str]) -> str | None:
    value = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    territory = _TERRITORY.match(value)
    return region_of(territory.group(1)) if territory else None


def _of_zone(zone: str) -> str | None:
    for code, patterns in zones().items():
        if any(fnmatchcase(zone, pattern) for pattern in patterns):
            return code
    return None
