"""The tools that models may use without a question each time, because the user said so for always."""

from __future__ import annotations

from memory_store.clock import now
from memory_store.database.connection import Database
from memory_store.database.rows import insert_row, read_row
from memory_store.models import Approval


class Approvals:
    """Approvals by a fingerprint of the tool: one that describes itself otherwise is another tool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, fingerprint: str, tool: str, origin: str) -> None:
        """Keep that a tool may be used; an earlier approval of the same name and origin ends."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM approvals WHERE tool = ? AND origin = ?", (tool, origin))
            insert_row(connection, "approvals", Approval(fingerprint, tool, origin, now()))

    def holds(self, fingerprint: str) -> bool:
        """Say whether a tool may be used."""
        return self._database.fetch_one("SELECT 1 FROM approvals WHERE fingerprint = ?", (fingerprint,)) is not None

    def revoke(self, tool: str) -> int:
        """Have every tool of this name asked about again; return how many there were."""
        return self._database.execute("DELETE FROM approvals WHERE tool = ?", (tool,))

    def all(self) -> list[Approval]:
        """Return all approvals, by the names of the tools."""
        rows = self._database.fetch_all("SELECT * FROM approvals ORDER BY tool, origin")
        return [read_row(Approval, row) for row in rows]
