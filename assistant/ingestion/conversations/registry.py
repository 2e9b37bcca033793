"""Finds the format of an export by its content, and reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import ConversationFormat, Imported, RecognisedExport
from assistant.ingestion.conversations.by_shape import ByShapeFormat
from assistant.ingestion.conversations.chatgpt import CHATGPT
from assistant.ingestion.conversations.claude import CLAUDE
from assistant.ingestion.conversations.copilot import CopilotFormat
from assistant.ingestion.conversations.databases import LLM, OTERM
from assistant.ingestion.conversations.exports import Export, conversation_members, open_export
from assistant.ingestion.conversations.gemini import GeminiFormat
from assistant.ingestion.conversations.keepsake import KeepsakeFormat
from assistant.ingestion.conversations.open_webui import OPEN_WEBUI

_SHAPED: tuple[ByShapeFormat | CopilotFormat | GeminiFormat, ...] = (
    ByShapeFormat("deepseek", "DeepSeek", frozenset(("mapping", "inserted_at"))),
    ByShapeFormat("grok", "Grok", frozenset(("conversation", "responses"))),
    GeminiFormat(),
    CopilotFormat(),
    ByShapeFormat("librechat", "LibreChat", frozenset(("conversationId", "endpoint"))),
    ByShapeFormat("le-chat", "Le Chat", frozenset(("chatId", "contentChunks"))),
    ByShapeFormat("chats", "chats known by their shape"),
)
FORMATS: tuple[ConversationFormat, ...] = (KeepsakeFormat(), CHATGPT, CLAUDE, OPEN_WEBUI, OTERM, LLM, *_SHAPED)


def recognise(export: Export) -> ConversationFormat | None:
    """Return the format of an export, or None if it is none: then its files are documents, or not read."""
    try:
        return next((item for item in FORMATS if item.recognises(export)), None)
    except ReadError:
        return None  # A database or zip that can't be opened: the import of its files says why.


def recognise_path(path: Path, limits: ReadLimits) -> RecognisedExport | None:
    """Return what export a file or folder is, or None if it is none. Raise `ReadError` if it can't be opened."""
    with open_export(path, limits) as export:
        chosen = recognise(export) if export is not None else None
        if export is None or chosen is None:
            return None
        whole = (path.suffix.lower() != ".zip" and not path.is_dir()) or chosen.key == KeepsakeFormat.key
        own = next((item for item in _SHAPED if item is chosen), None)
        held = own.members(export) if own else conversation_members(export)
        members = frozenset() if whole else frozenset(member.name for member in held)
        return RecognisedExport(chosen.name, whole, members)


def read_export(path: Path, limits: ReadLimits) -> Iterator[Imported]:
    """Yield what an export holds. Raise `ReadError` if it is none any more, or as a whole can't be read."""
    with open_export(path, limits) as export:
        chosen = recognise(export) if export is not None else None
        if export is None or chosen is None:
            raise ReadError("it is no longer an export", "It was changed since it was found.")
        yield from chosen.read(export, limits)
