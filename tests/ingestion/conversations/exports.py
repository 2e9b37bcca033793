"""Makes exports of other assistants, small and synthetic, for the tests of their import."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import Imported, ImportedConversation
from assistant.ingestion.conversations.exports import open_export
from assistant.ingestion.conversations.registry import recognise
from tests.ingestion.files import zip_of

LIMITS = ReadLimits()
START = 1_740_000_000


def gpt_message(role: str, *parts: object, at: object = START, kind: str = "text", **other: Any) -> dict[str, Any]:
    """Return a message of ChatGPT's; `other` goes over its fields."""
    return {
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": kind, "parts": list(parts)},
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
        "recipient": "all",
        **other,
    }


def gpt_node(parent: str | None, message: Mapping[str, Any] | None, *children: str) -> dict[str, Any]:
    """Return a node of ChatGPT's tree."""
    return {"parent": parent, "children": list(children), "message": message}


def gpt_chat(identity: str = "c1", nodes: Mapping[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    """Return a conversation of ChatGPT's; without nodes a question and its answer."""
    question = gpt_node("root", gpt_message("user", f"Question of {identity}?"), "a")
    answer = gpt_node("q", gpt_message("assistant", f"Answer of {identity}.", at=START + 5))
    return {
        "title": f"Chat {identity}",
        "create_time": START,
        "update_time": START + 10,
        "mapping": nodes if nodes is not None else {"root": gpt_node(None, None, "q"), "q": question, "a": answer},
        "current_node": "a",
        "conversation_id": identity,
        **other,
    }


def claude_message(sender: str, *content: Mapping[str, Any], uuid: str = "m1", **other: Any) -> dict[str, Any]:
    """Return a message of Claude's."""
    return {
        "uuid": uuid,
        "text": "",
        "sender": sender,
        "created_at": "2025-03-04T10:00:00.5Z",
        "content": list(content),
        "attachments": [],
        "files": [],
        **other,
    }


def said(text: str) -> dict[str, Any]:
    """Return a part of a message that is text."""
    return {"type": "text", "text": text}


def claude_chat(*messages: Mapping[str, Any], uuid: str = "k1", **other: Any) -> dict[str, Any]:
    """Return a conversation of Claude's."""
    return {
        "uuid": uuid,
        "name": f"Chat {uuid}",
        "created_at": "2025-03-04T10:00:00Z",
        "updated_at": "2025-03-04T11:00:00Z",
        "account": {"uuid": "u"},
        "chat_messages": list(messages),
        **other,
    }


def webui_message(identity: str, role: str, content: object, parent: str | None = None, **other: Any) -> dict[str, Any]:
    """Return a message of Open WebUI's."""
    model = {"model": "llama3.2:3b", "modelName": "Llama"} if role == "assistant" else {"models": ["llama3.2:3b"]}
    return {"id": identity, "parentId": parent, "childrenIds": [], "role": role, "content": content,
            "timestamp": START, **model, **other}  # fmt: skip


def webui_chat(*messages: Mapping[str, Any], wrapped: bool = True, **other: Any) -> dict[str, Any]:
    """Return a chat of Open WebUI's, in the record that holds it or bare."""
    chat = {
        "title": "Boiler",
        "models": ["llama3.2:3b"],
        "history": {"messages": {one["id"]: one for one in messages}, "currentId": messages[-1]["id"]},
        "messages": [],
        "timestamp": START * 1000,
    }
    record = {"id": "w1", "user_id": "u", "title": "Boiler", "chat": chat, "created_at": START,
              "updated_at": START + 60}  # fmt: skip
    return {**(record if wrapped else chat), **other}


def oterm_database(path: Path, chats: Mapping[str, Sequence[tuple[str, str]]]) -> Path:
    """Write a database as oterm makes it; each chat is (author, text) pairs."""
    connection = sqlite3.connect(path)
    connection.executescript(
        'CREATE TABLE "chat" ("id" INTEGER, "name" TEXT, "model" TEXT NOT NULL, "system" TEXT, "provider" TEXT, '
        'PRIMARY KEY("id" AUTOINCREMENT)); CREATE TABLE "message" ("id" INTEGER, "chat_id" INTEGER NOT NULL, '
        '"author" TEXT NOT NULL, "text" TEXT NOT NULL, "images" TEXT DEFAULT "[]", PRIMARY KEY("id" AUTOINCREMENT));'
    )
    for name, messages in chats.items():
        chat = connection.execute("INSERT INTO chat (name, model) VALUES (?, 'qwen3')", (name,)).lastrowid
        connection.executemany(
            "INSERT INTO message (chat_id, author, text) VALUES (?, ?, ?)", [(chat, *pair) for pair in messages]
        )
    connection.commit()
    connection.close()
    return path


LLM_TABLES = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
  response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, reasoning TEXT);
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
  payload TEXT);
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
  datetime_utc TEXT);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT);
"""


def llm_database(path: Path, script: str) -> Path:
    """Write a database with llm's tables and these rows."""
    connection = sqlite3.connect(path)
    connection.executescript(LLM_TABLES + script)
    connection.close()
    return path


def write(path: Path, value: object) -> Path:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


def zipped(path: Path, members: Mapping[str, object]) -> Path:
    """Write a zip of JSON files."""
    path.write_bytes(zip_of({name: json.dumps(value) for name, value in members.items()}))
    return path


def format_of(path: Path) -> str | None:
    """Return the key of an export's format."""
    with open_export(path, LIMITS) as export:
        found = recognise(export) if export else None
        return found.key if found else None


def imported(path: Path, limits: ReadLimits = LIMITS) -> list[Imported]:
    """Read an export to its end."""
    with open_export(path, limits) as export:
        assert export is not None
        chosen = recognise(export)
        assert chosen is not None
        return list(chosen.read(export, limits))


def only(path: Path) -> ImportedConversation:
    """Read an export that holds one conversation."""
    (one,) = imported(path)
    assert isinstance(one, ImportedConversation), one
    return one


def lines(conversation: ImportedConversation) -> list[tuple[str, str | None, str, str]]:
    """Return (origin, parent, author, text) of each message."""
    return [
        (one.origin, one.parent_origin, one.author.name or one.author.kind.value, one.text)
        for one in conversation.messages
    ]
