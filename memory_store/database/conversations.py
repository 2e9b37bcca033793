"""Conversations in the record: a tree of messages, each a passage, each answer with its numbered sources."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from memory_store import ids
from memory_store.clock import now, to_text
from memory_store.database import passages
from memory_store.database.capture_queue import enqueue
from memory_store.database.connection import Database
from memory_store.database.drafts import drop_sent
from memory_store.database.imported import MergeOutcome, NewConversation, is_private_message, make_private, merge
from memory_store.database.rows import conversation_of, message_of
from memory_store.database.titles import TITLE_IS_PRIVATE, note_title
from memory_store.errors import NotFoundError
from memory_store.models import (
    SHELL_ORIGIN,
    Author,
    Citation,
    Conversation,
    Message,
    MessageStatus,
    PassageDraft,
    Role,
)

_SELECT: Final = (
    "SELECT c.*, (SELECT count(*) FROM messages AS m WHERE m.conversation_id = c.id) AS message_count "
    "FROM conversations AS c"
)


class Conversations:
    """What can be asked of and done to conversations and their messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, title: str, *, created_at: datetime | None = None) -> Conversation:
        """Store a new, empty conversation; `created_at` is for one that took place before."""
        moment = created_at or now()
        conversation_id = ids.new_id(ids.CONVERSATION)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO conversations (id, title, created_at, updated_at, private) VALUES (?, ?, ?, ?, 0)",
                (conversation_id, title, to_text(moment), to_text(moment)),
            )
        return Conversation(conversation_id, title, moment, moment, False, 0)

    def of_shell(self, title: str, *, include_private: bool) -> Conversation:
        """Return the latest conversation of what was asked from the shell, or a new one with this title."""
        moment = to_text(now())
        begun = ids.new_id(ids.CONVERSATION)
        with self._database.write() as connection:
            latest = (
                f"{_SELECT} WHERE c.origin LIKE ? || '%'{'' if include_private else ' AND c.private = 0'} "
                "ORDER BY c.updated_at DESC LIMIT 1"
            )
            row = connection.execute(latest, (SHELL_ORIGIN,)).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO conversations (id, title, created_at, updated_at, private, origin) "
                    "VALUES (?, ?, ?, ?, 0, ?)",
                    (begun, title, moment, moment, f"{SHELL_ORIGIN}{begun}"),
                )
                row = connection.execute(latest, (SHELL_ORIGIN,)).fetchone()
        return conversation_of(row)

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
        moment = created_at or now()
        with self._database.write() as connection:
            _refuse_erased(connection, conversation_id, parent_id)
            private = private or is_private_message(connection, role, text, parent_id)
            message = Message(
                ids.new_id(ids.MESSAGE), conversation_id, parent_id, role, text, author, status, moment, private
            )
            connection.execute(
                "INSERT INTO messages (id, conversation_id, parent_id, role, text, author_kind, author_name, status, "
                "created_at, private) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    message.id,
                    conversation_id,
                    parent_id,
                    role,
                    text,
                    author.kind,
                    author.name,
                    status,
                    to_text(moment),
                    private,
                ),
            )
            connection.execute(
                "UPDATE conversations SET updated_at = max(updated_at, ?), current_message_id = ? WHERE id = ?",
                (to_text(moment), message.id, conversation_id),
            )
            if parent_id is None:
                note_title(connection, conversation_id, message.id, text)
            _cite(connection, message.id, citations)
            if role is Role.USER:
                drop_sent(connection, text)
            if status is not MessageStatus.PENDING:
                _index(connection, message, drafts)
            if capture:
                enqueue(connection, message.id)
        return message

    def view(self, conversation_id: str, message_id: str) -> None:
        """Keep which message ends the path in view. Raises NotFoundError."""
        with self._database.write() as connection:
            found = connection.execute(
                "UPDATE conversations SET current_message_id = ? WHERE id = ? "
                "AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND conversation_id = ?)",
                (message_id, conversation_id, message_id, conversation_id),
            ).rowcount
        if not found:
            raise NotFoundError(f"There is no message {message_id} in the conversation {conversation_id}.")

    def save_partial(self, message_id: str, text: str) -> None:
        """Store how far a pending answer has come, so that a crash keeps it."""
        with self._database.write() as connection:
            connection.execute("UPDATE messages SET text = ? WHERE id = ? AND status = 'pending'", (text, message_id))

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
    ) -> Message:
        """Turn a pending answer into its last form, with its sources, in one transaction. Empty text makes no hit."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE messages SET text = ?, author_kind = ?, author_name = ?, status = ?, input_tokens = ?, "
                "output_tokens = ? WHERE id = ?",
                (text, author.kind, author.name, status, input_tokens, output_tokens, message_id),
            )
            row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"The message {message_id} was erased before it was finished.")
            message = message_of(row)
            connection.execute("DELETE FROM citations WHERE message_id = ?", (message_id,))
            citations = list(citations)
            _cite(connection, message_id, citations)
            _index(connection, message, drafts)
            if message.parent_id is not None and any(citation.cited for citation in citations):
                passages.settle_asked(connection, message.parent_id)
        return message

    def discard(self, message_id: str) -> None:
        """Remove a pending answer of which nothing was written."""
        empty = "id = ? AND status = 'pending' AND text = ''"
        with self._database.write() as connection:
            connection.execute(  # what it would have answered ends the path in view again
                f"UPDATE conversations SET current_message_id = (SELECT parent_id FROM messages WHERE {empty}) "
                f"WHERE current_message_id = (SELECT id FROM messages WHERE {empty})",
                (message_id, message_id),
            )
            connection.execute(f"DELETE FROM messages WHERE {empty}", (message_id,))

    def recover(self, *, conversation_id: str | None = None, older_than: timedelta = timedelta(0)) -> int:
        """Mark answers that a crash cut as partial and make them recallable; return how many there were.

        `older_than` spares answers that another process may still be writing.
        """
        condition = "status = 'pending' AND created_at <= ?" + (" AND conversation_id = ?" if conversation_id else "")
        limit = to_text(now() - older_than)
        with self._database.write() as connection:
            rows = connection.execute(
                f"SELECT * FROM messages WHERE {condition}", (limit, conversation_id) if conversation_id else (limit,)
            ).fetchall()
            for row in rows:
                if not row["text"]:
                    connection.execute("DELETE FROM messages WHERE id = ?", (row["id"],))
                    continue
                connection.execute("UPDATE messages SET status = 'partial' WHERE id = ?", (row["id"],))
                _index(connection, message_of(row), None)
        return len(rows)

    def merge(self, new: NewConversation, *, again: bool = False) -> MergeOutcome:
        """Store what of an exported conversation is not stored yet, in one transaction. See `imported.merge`."""
        with self._database.write() as connection:
            return merge(connection, new, again=again)

    def get(self, conversation_id: str) -> Conversation:
        """Return one conversation. Raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(f"{_SELECT} WHERE c.id = ?", (conversation_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                f"There is no conversation {conversation_id}.", "The list of conversations shows the ids."
            )
        return conversation_of(row)

    def all(self) -> list[Conversation]:
        """Return every conversation, the latest first."""
        with self._database.read() as connection:
            return [conversation_of(row) for row in connection.execute(f"{_SELECT} ORDER BY c.updated_at DESC")]

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title, which stays whatever becomes of its messages."""
        self.get(conversation_id)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE conversations SET title = ?, title_message_id = NULL WHERE id = ?", (title, conversation_id)
            )

    def with_private_title(self) -> frozenset[str]:
        """Return the conversations whose title was taken from a message that is private."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT c.id FROM conversations AS c WHERE {TITLE_IS_PRIVATE}")
            return frozenset(row["id"] for row in rows)

    def messages(self, conversation_id: str) -> list[Message]:
        """Return the messages of every branch in the order they were written."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM messages WHERE conversation_id = ? ORDER BY created_at, rowid", (conversation_id,)
            )
            return [message_of(row) for row in rows]

    def sent(self, most: int) -> list[Message]:
        """Return what the user wrote in any conversation, the latest first, each text once."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT *, max(created_at) FROM messages WHERE role = 'user' AND author_kind = 'user' "
                "GROUP BY text ORDER BY max(created_at) DESC LIMIT ?",
                (most,),
            )
            return [message_of(row) for row in rows]

    def written_since(self, moment: datetime, most: int) -> list[Message]:
        """Return what the user wrote here since a moment, the latest first; of the last `most` messages alone."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM (SELECT * FROM messages ORDER BY rowid DESC LIMIT ?) WHERE created_at >= ? "
                "AND role = 'user' AND author_kind = 'user' AND origin IS NULL ORDER BY created_at DESC",
                (most, to_text(moment)),
            )
            return [message_of(row) for row in rows]

    def message(self, message_id: str) -> Message:
        """Return one message. Raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no message {message_id}.")
        return message_of(row)

    def passages(self, message_id: str) -> list[passages.StoredPassage]:
        """Return the passages of one message in reading order; none while it is pending."""
        with self._database.read() as connection:
            return passages.of_message(connection, message_id)

    def citations(self, message_id: str) -> list[Citation]:
        """Return the numbered sources of an answer."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM citations WHERE message_id = ? ORDER BY number", (message_id,))
            return [
                Citation(row["number"], row["passage_id"], bool(row["cited"]), bool(row["dismissed"])) for row in rows
            ]

    def dismiss(self, message_id: str, number: int, *, dismissed: bool = True) -> None:
        """Call a source of an answer not relevant for the question, or take that back. Raises NotFoundError."""
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE citations SET dismissed = ? WHERE message_id = ? AND number = ?",
                (dismissed, message_id, number),
            )
            if not changed.rowcount:
                raise NotFoundError(f"The answer {message_id} has no source {number}.")

    def suggest_title(
        self, conversation_id: str, title: str, answer_id: str, tokens: tuple[int, int]
    ) -> Conversation | None:
        """Take a model's title for one that is the beginning of a message; it goes with the answer or its question.

        None where the user gave another one meanwhile, or the answer is gone. `tokens` that it took, to the model and
        from it, are added to those of the answer.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE conversations SET title = ?, title_message_id = ? "
                "WHERE id = ? AND title_message_id IS NOT NULL AND EXISTS (SELECT 1 FROM messages WHERE id = ?)",
                (title, answer_id, conversation_id, answer_id),
            )
            connection.execute(
                "UPDATE messages SET input_tokens = coalesce(input_tokens, 0) + ?, "
                "output_tokens = coalesce(output_tokens, 0) + ? WHERE id = ?",
                (*tokens, answer_id),
            )
            if not changed.rowcount:
                return None
            return conversation_of(connection.execute(f"{_SELECT} WHERE c.id = ?", (conversation_id,)).fetchone())

    def mark(self, conversation_id: str, *, private: bool | None = None, archived: bool | None = None) -> Conversation:
        """Make a conversation private or not, put it away or take it out again. Raises NotFoundError.

        Private holds for all that was said in it, and for answers that were made from that. Public again are the user's
        words, but for what the rule keeps private, and what was imported; answers given here stay private, because they
        may repeat what is private elsewhere.
        """
        with self._database.write() as connection:
            if archived is not None:
                connection.execute("UPDATE conversations SET archived = ? WHERE id = ?", (archived, conversation_id))
            if private:
                make_private(connection, conversation_id)
            elif private is not None:
                _make_public(connection, conversation_id)
            row = connection.execute(f"{_SELECT} WHERE c.id = ?", (conversation_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"There is no conversation {conversation_id}.")
            return conversation_of(row)


def _make_public(connection: sqlite3.Connection, conversation_id: str) -> None:
    connection.execute("UPDATE conversations SET private = 0 WHERE id = ?", (conversation_id,))
    rows = connection.execute(
        "SELECT m.id FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id "
        "WHERE c.id = ? AND m.private = 1 AND (m.role != 'assistant' OR m.origin IS NOT NULL) "
        "AND NOT is_private_text(m.text)",
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
