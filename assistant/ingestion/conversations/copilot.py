"""Reads the activity of Microsoft's Copilot: a table of messages, as the privacy dashboard gives it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from typing import Final

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation, Said, Skipped, Thread, Torn
from assistant.ingestion.conversations.exports import Export, Member
from assistant.ingestion.conversations.values import digest, moment, text
from assistant.ingestion.readers.failures import translate_failures
from memory_store.models import USER, Author, AuthorKind, Role

# The columns of the two tables: a conversation's name, the time, who wrote it, the text.
_COLUMNS: Final = (("conversation", "time", "author", "message"), ("chatname", "createdat", "author", "messagecontent"))
_COPILOT: Final = Author(AuthorKind.MODEL, "Copilot")
_PEOPLE: Final = frozenset(("user", "human", "you"))
_HEAD_BYTES: Final = 4096


class CopilotFormat:
    """`copilot-activity-history.csv` and `copilot-chat-activity.csv`."""

    key = "copilot"
    name = "Copilot"

    def recognises(self, export: Export) -> bool:
        return bool(self.members(export))

    def members(self, export: Export) -> list[Member]:
        return [table for table in export.tables if table.name.lower().endswith(".csv") and _columns(table) is not None]

    def read(self, export: Export, limits: ReadLimits) -> Iterator[Imported]:
        """Yield the conversations, in the order in which they begin in the table."""
        for member in self.members(export):
            chats: dict[str, list[tuple[str, Said]]] = {}
            skipped = 0
            try:
                with translate_failures():
                    skipped = _gather(member, limits, chats)
            except ReadError as error:
                yield Torn(len(chats) + 1, "", f"{member.name}: {error.message}", error.hint)
            for title, said in chats.items():
                yield _conversation(title, said, export.modified_at, skipped)
                skipped = 0  # Report once.


def _columns(member: Member) -> tuple[int, ...] | None:
    with member.open() as stream:
        head = stream.read(_HEAD_BYTES).decode("utf-8-sig", "replace").splitlines()[:1]
    names = [name.strip().casefold() for name in next(csv.reader(head), [])]
    wanted = next((pair for pair in _COLUMNS if set(pair) <= set(names)), None)
    return tuple(names.index(name) for name in wanted) if wanted else None


def _gather(member: Member, limits: ReadLimits, chats: dict[str, list[tuple[str, Said]]]) -> int:
    """Gather what was said in each chat; return how many rows say nothing."""
    skipped = 0
    columns = _columns(member)
    assert columns is not None
    csv.field_size_limit(limits.max_line_chars)
    with member.open() as raw, TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as stream:
        rows = csv.reader(stream)
        next(rows, None)
        for row in rows:
            title, time, author, words = (row[at] if at < len(row) else "" for at in columns)
            words = text(words).strip()
            if not words:
                skipped += any(row)
                continue
            is_person = author.strip().casefold() in _PEOPLE
            role = Role.USER if is_person else Role.ASSISTANT
            said = Said(role, words, USER if is_person else _COPILOT, _time(time))
            chats.setdefault(title.strip(), []).append((digest(time, author, words), said))
    return skipped


def _conversation(title: str, said: list[tuple[str, Said]], otherwise: datetime, skipped: int) -> ImportedConversation:
    known = [item.created_at for _, item in said if item.created_at]
    # Some tables begin with the newest.
    ordered = said if known != sorted(known, reverse=True) or len(set(known)) < 2 else said[::-1]
    thread = Thread(skipped=Counter({Skipped.EMPTY: skipped} if skipped else {}))
    for name, item in ordered:
        thread.add(name, item)
    messages = thread.messages(None, otherwise)
    return thread.conversation(f"copilot:{digest(title or messages[0].text)}", title, messages)


def _time(words: str) -> datetime | None:
    """Return a time in ISO, or as the second table writes it: `2/17/2026 14:36:11 +00:00`."""
    words = words.strip()
    if found := moment(words):
        return found
    for pattern in ("%m/%d/%Y %H:%M:%S %z", "%m/%d/%Y %I:%M:%S %p %z", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"):
        try:
            return moment(datetime.strptime(words, pattern).isoformat())
        except ValueError:
            continue  # The next pattern may fit.
    return None
