"""Conversations in the record: a tree of messages, each a passage, each answer with its numbered sources.

Those of another assistant's export are merged by origin: a newer export adds only what is new. Drafts are what is being
written and not sent yet: no memories, never recalled, never exported.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database import passages, tombstones
from memory_store.database.connection import Database
from memory_store.database.private_rule import BEGINS_WHAT_IS_COVERED, any_private, is_private_text
from memory_store.database.rows import insert_row, read_row, unescape
from memory_store.database.tombstones import Name, NameKind
from memory_store.errors import NotFoundError
from memory_store.models import (
    SHELL_ORIGIN,
    Author,
    Citation,
    Conversation,
    Effort,
    Message,
    MessageStatus,
    PassageDraft,
    Role,
    ToolOutcome,
    ToolUse,
)

_SELECT: Final = (
    "SELECT c.*, (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id) AS message_count "
    "FROM conversations AS c"
)
_USED_TOOLS: Final = "EXISTS (SELECT 1 FROM tool_calls WHERE message_id = messages.id)"
# Of the conversation `c`: whether what its title was taken from is private.
TITLE_IS_PRIVATE: Final = (
    "EXISTS (SELECT 1 FROM messages AS t LEFT JOIN messages AS q ON q.id = t.parent_id "
    "WHERE t.id = c.title_message_id AND (t.private = 1 OR (t.role = 'assistant' AND q.private = 1)))"
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of an export. `origin` is unique in its conversation; `parent_origin` is None for the first.

    `drafts` are its passages; None makes one of the whole text.
    """

    origin: str
    parent_origin: str | None
    role: Role
    text: str
    author: Author
    created_at: datetime
    drafts: Sequence[PassageDraft] | None = None


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation of an export, parents before their children. `current_origin` ends the path that was in view."""

    origin: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: Sequence[NewMessage]
    current_origin: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """What a merge did: messages added, known already, and left out because they were forgotten.

    `conversation_id` is None where the whole conversation was forgotten, or each of its messages.
    """

    conversation_id: str | None
    is_new: bool
    added: int
    known: int
    forgotten: int


class Conversations:
    """What can be asked of and done to conversations and their messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, title: str, *, created_at: datetime | None = None) -> Conversation:
        """Store a new, empty conversation; `created_at` is for one that took place before."""
        moment = created_at or now()
        conversation = Conversation(ids.new_id(ids.CONVERSATION), title, moment, moment, False, 0)
        with self._database.write() as connection:
            insert_row(connection, "conversations", conversation)
        return conversation

    def of_shell(self, title: str, *, include_private: bool) -> Conversation:
        """Return the latest conversation of what was asked from the shell, or a new one with this title."""
        shown = "" if include_private else "AND c.private = 0"
        latest = f"{_SELECT} WHERE c.origin LIKE ? || '%' {shown} ORDER BY c.updated_at DESC LIMIT 1"
        begun, moment = ids.new_id(ids.CONVERSATION), now()
        with self._database.write() as connection:
            if row := connection.execute(latest, (SHELL_ORIGIN,)).fetchone():
                return read_row(Conversation, row)
            conversation = Conversation(begun, title, moment, moment, False, 0, origin=f"{SHELL_ORIGIN}{begun}")
            insert_row(connection, "conversations", conversation)
        return conversation

    def append(
        self,
        conversation_id: str,
        role: Role,
        text: str,
        author: Author,
        *,
        parent_id: str | None,
        status: MessageStatus = MessageStatus.COMPLETE,
        private: bool = False,
        drafts: Sequence[PassageDraft] | None = None,
        created_at: datetime | None = None,
        capture: bool = False,
        citations: Iterable[Citation] = (),
    ) -> Message:
        """Store a message durably. A complete one becomes passages at once (`drafts`, or the whole text as one).

        A pending answer has in `citations` all that it may repeat: who erases that meanwhile is told of the answer.
        Raises NotFoundError where the conversation or the message that it follows was erased.

        `created_at` is for a message that was written before now. `capture` lets it wait, with its row, until a model
        has captured from it.
        """
        with self._database.write() as connection:
            _refuse_erased(connection, conversation_id, parent_id)
            private = private or _is_private(connection, role, text, parent_id)
            moment = created_at or now()
            message = append(
                connection,
                Message(
                    ids.new_id(ids.MESSAGE), conversation_id, parent_id, role, text, author, status, moment, private
                ),
                drafts,
            )
            _cite(connection, message.id, citations)
            if role is Role.USER:
                _drop_sent(connection, text)
            if capture:
                connection.execute("INSERT INTO capture_queue VALUES (?, 0, ?)", (message.id, to_text(now())))
        return message

    def view(self, conversation_id: str, message_id: str) -> None:
        """Keep which message ends the path in view. Raises NotFoundError."""
        found = self._database.execute(
            "UPDATE conversations SET current_message_id = ? WHERE id = ? "
            "AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND conversation_id = ?)",
            (message_id, conversation_id, message_id, conversation_id),
        )
        if not found:
            raise NotFoundError(f"There is no message {message_id} in the conversation {conversation_id}.")

    def save_partial(self, message_id: str, text: str, *, private: bool = False) -> None:
        """Store how far a pending answer has come, so that a crash keeps it; `private` where it has become so."""
        self._database.execute(
            "UPDATE messages SET text = ?, private = max(private, ?) WHERE id = ? AND status = 'pending'",
            (text, private, message_id),
        )

    def finish(
        self,
        message_id: str,
        text: str,
        author: Author,
        status: MessageStatus,
        *,
        citations: Iterable[Citation] = (),
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        drafts: Sequence[PassageDraft] | None = None,
        private: bool = False,
    ) -> Message:
        """Turn a pending answer into its last form, with its sources, in one transaction. Empty text makes no hit.

        One that was begun as private stays so; what came to it since may make it `private`.
        """
        tokens = input_tokens, output_tokens
        with self._database.write() as connection:
            return finish(connection, message_id, text, author, status, list(citations), tokens, drafts, private)

    def discard(self, message_id: str) -> Message | None:
        """Remove a pending answer of which nothing was written; return one that used tools, kept as partial."""
        empty = f"id = ? AND status = 'pending' AND text = '' AND NOT {_USED_TOOLS}"
        with self._database.write() as connection:
            connection.execute(  # what it would have answered ends the path in view again
                f"UPDATE conversations SET current_message_id = (SELECT parent_id FROM messages WHERE {empty}) "
                f"WHERE current_message_id = (SELECT id FROM messages WHERE {empty})",
                (message_id, message_id),
            )
            connection.execute(f"DELETE FROM messages WHERE {empty}", (message_id,))
            connection.execute(
                "UPDATE messages SET status = 'partial' WHERE id = ? AND status = 'pending'", (message_id,)
            )
            row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
            return read_row(Message, row) if row is not None else None

    def recover(self, *, conversation_id: str | None = None, older_than: timedelta = timedelta(0)) -> int:
        """Mark answers that a crash cut as partial and make them recallable; return how many there were.

        `older_than` spares answers that another process may still be writing; those that are to come later stay.
        """
        condition = "status = 'pending' AND created_at <= ? " + ("AND conversation_id = ? " if conversation_id else "")
        condition += "AND NOT EXISTS (SELECT 1 FROM late_requests AS r WHERE r.message_id = messages.id)"
        limit = to_text(now() - older_than)
        with self._database.write() as connection:
            rows = connection.execute(
                f"SELECT *, {_USED_TOOLS} AS used_tools FROM messages WHERE {condition}",
                (limit, conversation_id) if conversation_id else (limit,),
            ).fetchall()
            for row in rows:
                if not row["text"] and not row["used_tools"]:
                    connection.execute("DELETE FROM messages WHERE id = ?", (row["id"],))
                    continue
                connection.execute("UPDATE messages SET status = 'partial' WHERE id = ?", (row["id"],))
                _index(connection, read_row(Message, row), None)
        return len(rows)

    def merge(self, new: NewConversation, *, again: bool = False) -> MergeOutcome:
        """Store what of an exported conversation is not stored yet, in one transaction.

        `again` brings back what was forgotten. A message that changed in the export is a new message there, with an
        origin of its own; what is stored never changes. Children of a left-out message hang on its nearest ancestor
        that is stored.
        """
        with self._database.write() as connection:
            return _merge(connection, new, again)

    def get(self, conversation_id: str) -> Conversation:
        """Return one conversation. Raises NotFoundError."""
        row = self._database.fetch_one(f"{_SELECT} WHERE c.id = ?", (conversation_id,))
        if row is None:
            raise NotFoundError(
                f"There is no conversation {conversation_id}.", "The list of conversations shows the ids."
            )
        return read_row(Conversation, row)

    def all(self) -> list[Conversation]:
        """Return every conversation, the latest first."""
        rows = self._database.fetch_all(f"{_SELECT} ORDER BY c.updated_at DESC")
        return [read_row(Conversation, row) for row in rows]

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title, which stays whatever becomes of its messages."""
        self.get(conversation_id)
        self._database.execute(
            "UPDATE conversations SET title = ?, title_message_id = NULL WHERE id = ?", (title, conversation_id)
        )

    def find_private_titles(self) -> frozenset[str]:
        """Return the conversations whose title was taken from a message that is private."""
        rows = self._database.fetch_all(f"SELECT c.id FROM conversations AS c WHERE {TITLE_IS_PRIVATE}")
        return frozenset(row["id"] for row in rows)

    def messages(self, conversation_id: str) -> list[Message]:
        """Return the messages of every branch in the order they were written."""
        rows = self._database.fetch_all(
            "SELECT * FROM messages WHERE conversation_id = ? ORDER BY created_at, rowid", (conversation_id,)
        )
        return [read_row(Message, row) for row in rows]

    def get_sent(self, most: int) -> list[Message]:
        """Return what the user wrote in any conversation, the latest first, each text once."""
        rows = self._database.fetch_all(
            "SELECT *, max(created_at) FROM messages WHERE role = 'user' AND author_kind = 'user' "
            "GROUP BY text ORDER BY max(created_at) DESC LIMIT ?",
            (most,),
        )
        return [read_row(Message, row) for row in rows]

    def get_written_since(self, moment: datetime, most: int) -> list[Message]:
        """Return what the user wrote here since a moment, the latest first; of the last `most` messages alone."""
        rows = self._database.fetch_all(
            "SELECT * FROM (SELECT * FROM messages ORDER BY rowid DESC LIMIT ?) WHERE created_at >= ? "
            "AND role = 'user' AND author_kind = 'user' AND origin IS NULL ORDER BY created_at DESC",
            (most, to_text(moment)),
        )
        return [read_row(Message, row) for row in rows]

    def message(self, message_id: str) -> Message:
        """Return one message. Raises NotFoundError."""
        row = self._database.fetch_one("SELECT * FROM messages WHERE id = ?", (message_id,))
        if row is None:
            raise NotFoundError(f"There is no message {message_id}.")
        return read_row(Message, row)

    def is_private(self, message_id: str) -> bool:
        """Say whether a message is private, or its conversation is. Raises NotFoundError."""
        message = self.message(message_id)
        return message.private or self.get(message.conversation_id).private

    def passages(self, message_id: str) -> list[passages.StoredPassage]:
        """Return the passages of one message in reading order; none while it is pending."""
        return self._database.fetch(passages.of_message, message_id)

    def citations(self, message_id: str) -> list[Citation]:
        """Return the numbered sources of an answer."""
        rows = self._database.fetch_all("SELECT * FROM citations WHERE message_id = ? ORDER BY number", (message_id,))
        return [read_row(Citation, row) for row in rows]

    def note_read(self, message_id: str, passage_ids: Iterable[str]) -> dict[str, int]:
        """Keep that passages were read for a message, and return the number that each has as its source.

        A number stays what it is, also for what is read again later. Of what was erased meanwhile nothing is kept;
        where one was made private meanwhile, so is the conversation.
        """
        with self._database.write() as connection:
            query = "SELECT number, passage_id FROM citations WHERE message_id = ?"
            rows = connection.execute(query, (message_id,)).fetchall()
            known = {row["passage_id"]: int(row["number"]) for row in rows if row["passage_id"] is not None}
            last = max((int(row["number"]) for row in rows), default=0)
            new = [identifier for identifier in dict.fromkeys(passage_ids) if identifier not in known]
            numbers = {identifier: number for number, identifier in enumerate(new, start=last + 1)}
            message = connection.execute("SELECT conversation_id FROM messages WHERE id = ?", (message_id,)).fetchone()
            if message is not None:
                _cite(connection, message_id, [Citation(number, item, False) for item, number in numbers.items()])
                if connection.execute(_CITES_PRIVATE, (message_id,)).fetchone():
                    make_private(connection, message["conversation_id"])
            return known | numbers

    def begin_tool_use(self, message_id: str, tool: str, arguments: str) -> int:
        """Keep what is asked of a tool for an answer, before it is done; return its number. Raises NotFoundError."""
        with self._database.write() as connection:
            if not connection.execute("SELECT 1 FROM messages WHERE id = ?", (message_id,)).fetchone():
                raise NotFoundError(f"The message {message_id} was erased before it was finished.")
            (number,) = connection.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM tool_calls WHERE message_id = ?", (message_id,)
            ).fetchone()
            use = ToolUse(tool, arguments, ToolOutcome.BEGUN)
            insert_row(connection, "tool_calls", use, message_id=message_id, number=number)
            return int(number)

    def end_tool_use(self, message_id: str, number: int, outcome: ToolOutcome) -> None:
        """Keep how it ended; nothing where the answer was erased meanwhile."""
        self._database.execute(
            "UPDATE tool_calls SET outcome = ? WHERE message_id = ? AND number = ?", (outcome, message_id, number)
        )

    def tool_uses(self, message_id: str) -> list[ToolUse]:
        """Return what was asked of tools for an answer, in order."""
        rows = self._database.fetch_all("SELECT * FROM tool_calls WHERE message_id = ? ORDER BY number", (message_id,))
        return [read_row(ToolUse, row) for row in rows]

    def dismiss(self, message_id: str, number: int, *, dismissed: bool = True) -> None:
        """Call a source of an answer not relevant for the question, or take that back. Raises NotFoundError."""
        changed = self._database.execute(
            "UPDATE citations SET dismissed = ? WHERE message_id = ? AND number = ?", (dismissed, message_id, number)
        )
        if not changed:
            raise NotFoundError(f"The answer {message_id} has no source {number}.")

    def suggest_title(self, conversation_id: str, title: str, answer_id: str) -> Conversation | None:
        """Take a model's title for one that is the beginning of a message; it goes with the answer or its question.

        None where the user gave another one meanwhile, or the answer is gone.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE conversations SET title = ?, title_message_id = ? "
                "WHERE id = ? AND title_message_id IS NOT NULL AND EXISTS (SELECT 1 FROM messages WHERE id = ?)",
                (title, answer_id, conversation_id, answer_id),
            )
            if not changed.rowcount:
                return None
            row = connection.execute(f"{_SELECT} WHERE c.id = ?", (conversation_id,)).fetchone()
        return read_row(Conversation, row)

    def mark(
        self,
        conversation_id: str,
        *,
        private: bool | None = None,
        archived: bool | None = None,
        effort: Effort | None = None,
    ) -> Conversation:
        """Make a conversation private or not, put it away or take it out again, keep its effort. Raises NotFoundError.

        Private holds for all that was said in it, and for answers that were made from that. Public again are the user's
        words, but for what the rule keeps private, and what was imported; answers given here stay private, because they
        may repeat what is private elsewhere.
        """
        with self._database.write() as connection:
            if archived is not None:
                connection.execute("UPDATE conversations SET archived = ? WHERE id = ?", (archived, conversation_id))
            if effort is not None:
                connection.execute("UPDATE conversations SET effort = ? WHERE id = ?", (effort, conversation_id))
            if private:
                make_private(connection, conversation_id)
            elif private is not None:
                _make_public(connection, conversation_id)
            row = connection.execute(f"{_SELECT} WHERE c.id = ?", (conversation_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            return read_row(Conversation, row)


def texts_of_tool_uses(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Yield the message of each use of a tool or a recipe with what that was given."""
    for message_id, arguments in connection.execute("SELECT message_id, arguments FROM tool_calls").fetchall():
        yield message_id, [unescape(arguments)]


def append(connection: sqlite3.Connection, message: Message, drafts: Sequence[PassageDraft] | None) -> Message:
    """Store a message at the end of the path in view, in a transaction of the caller's."""
    _insert(connection, message, drafts)
    connection.execute(
        "UPDATE conversations SET updated_at = max(updated_at, ?), current_message_id = ? WHERE id = ?",
        (to_text(message.created_at), message.id, message.conversation_id),
    )
    return message


_CITES_PRIVATE: Final = (
    "SELECT 1 FROM citations AS c JOIN passages AS p ON p.id = c.passage_id WHERE c.message_id = ? AND p.private = 1"
)


def finish(
    connection: sqlite3.Connection,
    message_id: str,
    text: str,
    author: Author,
    status: MessageStatus,
    citations: Sequence[Citation],
    tokens: tuple[int | None, int | None],
    drafts: Sequence[PassageDraft] | None,
    private: bool = False,
) -> Message:
    """Turn a pending answer into its last form, in a transaction of the caller's; see `Conversations.finish`."""
    connection.execute(
        "UPDATE messages SET text = ?, author_kind = ?, author_name = ?, status = ?, input_tokens = ?, "
        "output_tokens = ?, private = max(private, ?) WHERE id = ?",
        (text, author.kind, author.name, status, *tokens, private, message_id),
    )
    row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"The message {message_id} was erased before it was finished.")
    message = read_row(Message, row)
    connection.execute("DELETE FROM citations WHERE message_id = ?", (message_id,))
    _cite(connection, message_id, citations)
    _index(connection, message, drafts)
    if message.parent_id is not None and any(citation.cited for citation in citations):
        passages.mark_question(connection, message.parent_id)
    return message


def _make_public(connection: sqlite3.Connection, conversation_id: str) -> None:
    connection.execute("UPDATE conversations SET private = 0 WHERE id = ?", (conversation_id,))
    rows = connection.execute(
        "SELECT id FROM messages WHERE conversation_id = ? AND private = 1 "
        f"AND (role != 'assistant' OR origin IS NOT NULL) "
        f"AND NOT (is_private_text(text) OR {BEGINS_WHAT_IS_COVERED})",
        (conversation_id,),
    ).fetchall()
    for row in rows:
        connection.execute("UPDATE messages SET private = 0 WHERE id = ?", (row["id"],))
        passages.set_private(connection, "message_id", row["id"], False)


def _refuse_erased(connection: sqlite3.Connection, conversation_id: str, parent_id: str | None) -> None:
    if not connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,)).fetchone():
        raise NotFoundError(f"There is no conversation {conversation_id}: it was erased.")
    if parent_id and not connection.execute("SELECT 1 FROM messages WHERE id = ?", (parent_id,)).fetchone():
        raise NotFoundError(f"There is no message {parent_id} to go on from: it was erased.")


def _cite(connection: sqlite3.Connection, message_id: str, citations: Iterable[Citation]) -> None:
    connection.executemany(
        # A passage may have been erased while the answer was written: its number stays without it.
        "INSERT INTO citations (message_id, number, passage_id, cited) "
        "VALUES (?, ?, (SELECT id FROM passages WHERE id = ?), ?)",
        [(message_id, citation.number, citation.passage_id, citation.cited) for citation in citations],
    )


def _index(connection: sqlite3.Connection, message: Message, drafts: Sequence[PassageDraft] | None) -> None:
    if not message.text.strip():
        return
    owner = passages.Owner(message.author, message.created_at, message.private, message_id=message.id)
    passages.insert(connection, owner, [PassageDraft(message.text)] if drafts is None else drafts)


def _merge(connection: sqlite3.Connection, new: NewConversation, again: bool) -> MergeOutcome:
    conversation_name = Name(NameKind.ORIGIN, new.origin)
    names = {message.origin: Name(NameKind.ORIGIN, f"{new.origin}/{message.origin}") for message in new.messages}
    if again:
        tombstones.lift(connection, [conversation_name, *names.values()])
    gone = tombstones.find_forgotten(connection, [conversation_name, *names.values()])
    if conversation_name in gone:
        return MergeOutcome(None, False, 0, 0, len(new.messages))
    conversation_id, is_new, private = _imported_into(connection, new)
    if private and not is_new:
        make_private(connection, conversation_id)
    known = dict(
        connection.execute(
            "SELECT origin, id FROM messages WHERE conversation_id = ? AND origin IS NOT NULL", (conversation_id,)
        ).fetchall()
    )
    stored: dict[str, str | None] = dict(known)
    added = forgotten = 0
    for message in new.messages:
        if message.origin in known:
            continue
        parent_id = stored.get(message.parent_origin) if message.parent_origin is not None else None
        if names[message.origin] in gone:
            stored[message.origin] = parent_id
            forgotten += 1
            continue
        stored[message.origin] = _import_message(connection, conversation_id, parent_id, message, private)
        added += 1
    if is_new and forgotten == len(new.messages) > 0:
        connection.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))
        return MergeOutcome(None, False, 0, 0, forgotten)
    if added:
        _finish(connection, conversation_id, new, stored.get(new.current_origin or ""))
    return MergeOutcome(conversation_id, is_new, added, len(known.keys() & names.keys()), forgotten)


def _imported_into(connection: sqlite3.Connection, new: NewConversation) -> tuple[str, bool, bool]:
    """Return the id, whether it was made now, and whether what comes into it is private."""
    row = connection.execute("SELECT id, private FROM conversations WHERE origin = ?", (new.origin,)).fetchone()
    if row is not None:
        return row["id"], False, new.private or bool(row["private"])
    conversation_id = ids.new_id(ids.CONVERSATION)
    times = (new.created_at, new.updated_at)
    conversation = Conversation(conversation_id, new.title, *times, new.private, 0, origin=new.origin)
    insert_row(connection, "conversations", conversation)
    return conversation_id, True, new.private


def make_private(connection: sqlite3.Connection, conversation_id: str) -> None:
    """Mark a conversation that was stored as public with all its messages, and what was answered from them."""
    connection.execute("UPDATE conversations SET private = 1 WHERE id = ?", (conversation_id,))
    public = connection.execute(
        "SELECT id FROM messages WHERE conversation_id = ? AND private = 0", (conversation_id,)
    ).fetchall()
    for row in public:
        connection.execute("UPDATE messages SET private = 1 WHERE id = ?", (row["id"],))
        passages.set_private(connection, "message_id", row["id"], True)


def _is_private(connection: sqlite3.Connection, role: Role, text: str, parent_id: str | None) -> bool:
    """Say whether a message is private by the rule: by its own words or, of an answer, by those of its question."""
    return any_private(connection, [parent_id]) if role is Role.ASSISTANT else is_private_text(connection, text)


def _import_message(
    connection: sqlite3.Connection, conversation_id: str, parent_id: str | None, new: NewMessage, private: bool
) -> str:
    message = Message(
        ids.new_id(ids.MESSAGE),
        conversation_id,
        parent_id,
        new.role,
        new.text,
        new.author,
        MessageStatus.COMPLETE,
        new.created_at,
        private or _is_private(connection, new.role, new.text, parent_id),
        origin=new.origin,
    )
    _insert(connection, message, new.drafts)
    return message.id


def _finish(connection: sqlite3.Connection, conversation_id: str, new: NewConversation, current_id: str | None) -> None:
    """Note the latest time, and the path in view unless the conversation was gone on with here."""
    went_on_here = connection.execute(
        "SELECT 1 FROM messages WHERE conversation_id = ? AND origin IS NULL LIMIT 1", (conversation_id,)
    ).fetchone()
    connection.execute(
        "UPDATE conversations SET updated_at = max(updated_at, ?), "
        "current_message_id = CASE WHEN ? THEN current_message_id ELSE ? END WHERE id = ?",
        (to_text(new.updated_at), went_on_here is not None, current_id, conversation_id),
    )


def _insert(connection: sqlite3.Connection, message: Message, drafts: Sequence[PassageDraft] | None) -> None:
    """Store a message, with its passages unless it is pending."""
    insert_row(connection, "messages", message)
    _note_title(connection, message)
    if message.status is not MessageStatus.PENDING:
        _index(connection, message, drafts)


def _note_title(connection: sqlite3.Connection, message: Message) -> None:
    """Note that a conversation's title is the beginning of its first message, if it is."""
    row = connection.execute("SELECT title FROM conversations WHERE id = ?", (message.conversation_id,)).fetchone()
    beginning = row["title"].removesuffix("…") if message.parent_id is None and row else ""
    if beginning and " ".join(message.text.split()).startswith(beginning):
        connection.execute(
            "UPDATE conversations SET title_message_id = ? WHERE id = ?", (message.id, message.conversation_id)
        )


class Drafts:
    """What can be asked of and done to drafts. `conversation_id` is None for a chat that has not begun."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, conversation_id: str | None, text: str) -> None:
        """Keep a draft in place of the one before; an empty one takes it away."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM drafts WHERE conversation_id IS ?", (conversation_id,))
            if text:
                connection.execute(  # unless the conversation was erased meanwhile
                    "INSERT INTO drafts SELECT :id, :text "
                    "WHERE :id IS NULL OR EXISTS (SELECT 1 FROM conversations WHERE id = :id)",
                    {"id": conversation_id, "text": text},
                )

    def drop(self, sent: str) -> None:
        """Take away what was kept on the way to a text that is sent now, in whichever conversation it was written."""
        with self._database.write() as connection:
            _drop_sent(connection, sent)

    def get(self, conversation_id: str | None) -> str:
        """Return the draft of a conversation; an empty text if there is none."""
        row = self._database.fetch_one("SELECT text FROM drafts WHERE conversation_id IS ?", (conversation_id,))
        return row["text"] if row else ""

    def titles(self) -> list[str]:
        """Return the titles of the conversations that have a draft, the latest first."""
        rows = self._database.fetch_all(
            "SELECT c.title FROM drafts AS d JOIN conversations AS c ON c.id = d.conversation_id "
            "ORDER BY c.updated_at DESC"
        )
        return [row["title"] for row in rows]


def _drop_sent(connection: sqlite3.Connection, sent: str) -> None:
    """Delete the drafts that a text which is sent now begins with."""
    connection.execute("DELETE FROM drafts WHERE substr(?, 1, length(text)) = text", (sent,))
