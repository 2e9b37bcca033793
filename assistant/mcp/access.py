"""Who asks through MCP, what that program may do by the settings, and what it has seen, in the log of requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from assistant.config import MCP_RIGHTS, McpConfig
from assistant.display import plain
from assistant.errors import AccessRefusedError
from assistant.mcp.public_memory import Told
from memory_store import Store

# What the log of requests calls a program: this and its name.
ENDPOINT: Final = "mcp:"
_UNNAMED: Final = "unnamed"
_NAME_CHARS: Final = 64


def plain_name(text: str) -> str:
    """Return a name as the settings and the log have it: small letters, digits, dots and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:_NAME_CHARS]


class Access:
    """The access of one program. Its rights are looked up each time, so that revoking them holds at once.

    `software` is what the program calls itself; without a `name` that is its name, too.
    """

    def __init__(self, store: Store, settings: Callable[[], McpConfig], name: str = "") -> None:
        self._store = store
        self._settings = settings
        self._given = plain_name(name)
        self.software = ""

    @property
    def name(self) -> str:
        """The name by which the settings and the log of requests know the program."""
        return self._given or plain_name(self.software) or _UNNAMED

    def rights(self) -> frozenset[str]:
        """Return what the program may do now. Raises ConfigError."""
        return self._settings().rights_of(self.name)

    def require(self, right: str) -> None:
        """Raise AccessRefusedError where the program has not this right."""
        if right not in self.rights():
            raise AccessRefusedError(
                f"The user does not let {self.name} use {right}.",
                f"The user can change that: [mcp.clients.{self.name}] in Keepsake's settings.",
            )

    def look(self, right: str, work: Callable[[], Told]) -> str:
        """Do what needs a right, and log what the program gets to see, before it does. Raises AccessRefusedError.

        What was erased in another window meanwhile is looked for again, and not found.
        """
        self.require(right)
        told = work()
        while not self._log(told):
            told = work()
        return plain(told.text)

    def act(self, right: str, work: Callable[[], Told]) -> str:
        """Do once what needs a right and changes the memory, and log it. Raises AccessRefusedError."""
        self.require(right)
        told = work()
        self._log(told)
        return plain(told.text)

    def _log(self, told: Told) -> bool:
        return self._store.requests.log(f"{ENDPOINT}{self.name}", self.software or self.name, "chat", told.seen)


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A program that is named in the settings or has asked before; `items` counts what it saw and still is there."""

    name: str
    rights: tuple[str, ...]
    software: str = ""
    last: datetime | None = None
    accesses: int = 0
    items: int = 0


def known_clients(store: Store, settings: McpConfig) -> list[KnownClient]:
    """Return the programs by name, with what they may do and what the log of requests says of them."""
    found = {name: KnownClient(name, _in_order(settings.rights_of(name))) for name in settings.clients}
    for request in reversed(store.requests.all()):
        if not request.endpoint.startswith(ENDPOINT):
            continue
        name = request.endpoint.removeprefix(ENDPOINT)
        before = found.get(name) or KnownClient(name, _in_order(settings.rights_of(name)))
        found[name] = replace(
            before,
            software=request.model,
            last=request.sent_at,
            accesses=before.accesses + 1,
            items=before.items + request.items,
        )
    return sorted(found.values(), key=lambda client: client.name)


def _in_order(rights: frozenset[str]) -> tuple[str, ...]:
    return tuple(right for right in MCP_RIGHTS if right in rights)
