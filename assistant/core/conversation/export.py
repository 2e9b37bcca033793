"""One conversation as a file to read, keep or hand on: Markdown, HTML or JSON, by the ending of its name."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from assistant.core.conversation.branches import branch_of
from assistant.display import plain
from memory_store import Store, whole_file
from memory_store.clock import to_text
from memory_store.errors import ArchiveError, NotFoundError
from memory_store.models import Conversation, Message, Role

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
    "h2{font-size:1rem;margin:2rem 0 .3rem}p.text{white-space:pre-wrap;margin:0}"
    "ol,time,p.about{color:#666;font-weight:normal}"
)
# A page that may load nothing and run nothing, whatever a browser makes of its text.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class _Cited:
    number: int
    title: str
    place: str


@dataclass(frozen=True, slots=True)
class _Chat:
    """A conversation with its branch in view, all its messages, and what each answer cites."""

    conversation: Conversation
    in_view: Sequence[Message]
    messages: Sequence[Message]
    cited: dict[str, list[_Cited]]


def write_conversation(store: Store, conversation_id: str, path: Path) -> None:
    """Write a conversation to a new file; `.md` and `.html` hold the branch in view, `.json` every branch.

    Raises ArchiveError for another ending, for a file that is there already, or if it can't be written; NotFoundError
    if there is no such conversation.
    """
    render = _RENDERERS.get(path.suffix.lower())
    if render is None:
        raise ArchiveError(f"{path.name} has no ending that says its format.", "End it in .md, .html or .json.")
    if path.exists():
        raise ArchiveError(f"{path} is there already.", "Choose another name.")
    chat = _read(store, conversation_id)
    with whole_file(path) as file:
        for piece in render(chat):
            file.write(piece.encode("utf-8", "replace"))


def _read(store: Store, conversation_id: str) -> _Chat:
    conversation = store.conversations.get(conversation_id)
    messages = store.conversations.messages(conversation_id)
    answers = [message for message in messages if message.role is not Role.USER]
    cited = {answer.id: _cited(store, answer) for answer in answers}
    return _Chat(conversation, branch_of(messages, conversation.current_message_id), messages, cited)


def _cited(store: Store, message: Message) -> list[_Cited]:
    found = []
    for citation in store.conversations.citations(message.id):
        if not citation.cited:
            continue
        title, place = "erased since", ""
        if citation.passage_id is not None:
            try:
                passage = store.passage(citation.passage_id)
            except NotFoundError:
                pass  # erased between the two reads: told as what it is now
            else:
                title, place = passage.source.title or passage.source.kind.value, passage.locator.label()
        found.append(_Cited(citation.number, plain(title, one_line=True), plain(place, one_line=True)))
    return found


def _markdown(chat: _Chat) -> Iterator[str]:
    yield f"# {_title(chat)}\n\nStarted {to_text(chat.conversation.created_at)}.\n"
    for message in chat.in_view:
        yield f"\n## {_author(message)}, {to_text(message.created_at)}\n\n{plain(message.text)}\n"
        if cited := chat.cited.get(message.id):
            yield "\n" + "".join(f"- [{citation.number}] {_where(citation)}\n" for citation in cited)


def _html(chat: _Chat) -> Iterator[str]:
    title = html.escape(_title(chat))
    yield (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f'<p class="about">Started {to_text(chat.conversation.created_at)}.</p>\n'
    )
    for message in chat.in_view:
        author, text = html.escape(_author(message)), html.escape(plain(message.text))
        yield f'<h2>{author} <time>{to_text(message.created_at)}</time></h2>\n<p class="text">{text}</p>\n'
        if cited := chat.cited.get(message.id):
            items = "".join(f'<li value="{citation.number}">{html.escape(_where(citation))}</li>' for citation in cited)
            yield f"<ol>{items}</ol>\n"
    yield "</body>\n</html>\n"


def _json(chat: _Chat) -> Iterator[str]:
    conversation = chat.conversation
    whole = {
        "format": "keepsake-conversation",
        "format_version": 1,
        "id": conversation.id,
        "title": conversation.title,
        "created_at": to_text(conversation.created_at),
        "updated_at": to_text(conversation.updated_at),
        "private": conversation.private,
        "current_message_id": conversation.current_message_id,
        "messages": [_message(chat, message) for message in chat.messages],
    }
    yield json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _message(chat: _Chat, message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role.value,
        "author": {"kind": message.author.kind.value, "name": message.author.name},
        "status": message.status.value,
        "created_at": to_text(message.created_at),
        "private": message.private,
        "text": message.text,
        "cites": [
            {"number": citation.number, "title": citation.title, "place": citation.place}
            for citation in chat.cited.get(message.id, ())
        ],
    }


def _title(chat: _Chat) -> str:
    return plain(chat.conversation.title, one_line=True) or "Untitled"


def _author(message: Message) -> str:
    return plain(message.author.name or message.author.kind.value, one_line=True)


def _where(cited: _Cited) -> str:
    return f"{cited.title}, {cited.place}" if cited.place else cited.title


_RENDERERS: Final[dict[str, Callable[[_Chat], Iterator[str]]]] = {
    ".md": _markdown,
    ".html": _html,
    ".json": _json,
}
