"""Finds the format of an export by its content."""

from __future__ import annotations

from assistant.errors import ReadError
from assistant.ingestion.conversations.base import ConversationFormat
from assistant.ingestion.conversations.chatgpt import ChatGptFormat
from assistant.ingestion.conversations.claude import ClaudeFormat
from assistant.ingestion.conversations.exports import Export
from assistant.ingestion.conversations.keepsake import KeepsakeFormat
from assistant.ingestion.conversations.llm import LlmFormat
from assistant.ingestion.conversations.open_webui import OpenWebUiFormat
from assistant.ingestion.conversations.oterm import OtermFormat

FORMATS: tuple[ConversationFormat, ...] = (
    KeepsakeFormat(),
    ChatGptFormat(),
    ClaudeFormat(),
    OpenWebUiFormat(),
    OtermFormat(),
    LlmFormat(),
)


def recognise(export: Export) -> ConversationFormat | None:
    """Return the format of an export, or None if it is none: then its files are documents, or not read."""
    try:
        return next((one for one in FORMATS if one.recognises(export)), None)
    except ReadError:
        return None  # A database or zip that can't be opened: the import of its files says why.
