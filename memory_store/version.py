"""The installed version."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Return the version of the installed distribution."""
    return metadata.version("keepsake-assistant")
