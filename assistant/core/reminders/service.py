"""What has a system start a command when its user logs in: a unit of systemd, an agent of launchd, a line of cron.

What the command prints is thrown away: a log of the system would keep the words of a reminder past their erasure.
"""

from __future__ import annotations

import plistlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LABEL: Final = "keepsake.reminders"


@dataclass(frozen=True, slots=True)
class Service:
    """A system that starts programs: what it reads, where that belongs, and what is to be done then."""

    write: Callable[[Sequence[str]], str]
    place: str
    afterwards: str


def _unit(command: Sequence[str]) -> str:
    quoted = " ".join(f'"{_escape(part)}"' for part in command)
    return (
        "[Unit]\nDescription=Keepsake: reminders and long tasks\n\n"
        f"[Service]\nExecStart={quoted}\nStandardOutput=null\nRestart=on-failure\nRestartSec=30\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _escape(part: str) -> str:
    """Return a part of a command as systemd.service(5) reads it between quotation marks."""
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("%", "%%").replace("$", "$$")


def _agent(command: Sequence[str]) -> str:
    values = {
        "Label": _LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "StandardOutPath": "/dev/null",
    }
    return plistlib.dumps(values, sort_keys=False).decode()


def _line(command: Sequence[str]) -> str:
    # A % ends the command in a crontab, crontab(5).
    return f"@reboot {shlex.join(command)} >/dev/null".replace("%", "\\%") + "\n"


SERVICES: Final[Mapping[str, Service]] = {
    "systemd": Service(
        _unit,
        "~/.config/systemd/user/keepsake.service",
        "`systemctl --user enable --now keepsake` starts it, now and at each login.",
    ),
    "launchd": Service(
        _agent,
        f"~/Library/LaunchAgents/{_LABEL}.plist",
        f"`launchctl load -w ~/Library/LaunchAgents/{_LABEL}.plist` starts it, now and at each login.",
    ),
    "cron": Service(_line, "your crontab (`crontab -e`)", "It starts with the machine."),
}
