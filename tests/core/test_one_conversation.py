"""One conversation as a file: the branch in view to be read, every branch as JSON, nothing of it ever executed."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from assistant.core.conversation.export import write_conversation
from memory_store import Store
from memory_store.errors import ArchiveError, NotFoundError
from memory_store.models import USER, Author, AuthorKind, Citation, MessageStatus, Role
from tests.memory_store.support import add_document

HOSTILE = "<script>alert(1)</script> <img src=x onerror=y> & \x1b[31mred\x1b[0m"


@pytest.fixture
def chat(tmp_path: Path) -> tuple[Store, str]:
    """A store with a conversation of two branches; the answer in view cites a document and something erased."""
    store = Store.open(tmp_path / "memory")
    document = add_document(store, "/home/ada/<b>house.md", "Ines has the key.")
    passage = store.documents.passages(document.id)[0]
    conversation = store.conversations.start(f"Keys {HOSTILE}")
    question = store.conversations.append(conversation.id, Role.USER, HOSTILE, USER, parent_id=None)
    model = Author(AuthorKind.MODEL, "llama3.2")
    for text in ("The other branch", "Ines **has** it [1]"):
        answer = store.conversations.append(
            conversation.id, Role.ASSISTANT, "", model, parent_id=question.id, status=MessageStatus.PENDING
        )
        cites = [Citation(1, passage.id, True), Citation(2, None, True), Citation(3, passage.id, False)]
        store.conversations.finish(answer.id, text, model, MessageStatus.COMPLETE, citations=cites)
    return store, conversation.id


class Tags(HTMLParser):
    """Collects the tags of a page, with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_escapes_everything_and_holds_no_script(chat: tuple[Store, str], tmp_path: Path) -> None:
    with chat[0] as store:
        write_conversation(store, chat[1], tmp_path / "chat.html")
    page = Tags()
    page.feed((tmp_path / "chat.html").read_text("utf-8"))
    assert set(page.tags) <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "time", "ol", "li"}
    assert set(page.attributes) <= {"charset", "http-equiv", "content", "class", "value"}
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    assert "The other branch" not in page.text
    assert "<b>house" in page.text


def test_markdown_holds_the_branch_in_view_with_its_sources(chat: tuple[Store, str], tmp_path: Path) -> None:
    with chat[0] as store:
        write_conversation(store, chat[1], tmp_path / "chat.md")
    text = (tmp_path / "chat.md").read_text("utf-8")
    assert "Ines **has** it [1]" in text
    assert "- [1] " in text
    assert "- [2] erased since" in text
    assert "[3]" not in text
    assert "The other branch" not in text
    assert "\x1b" not in text


def test_json_holds_every_branch_word_for_word(chat: tuple[Store, str], tmp_path: Path) -> None:
    with chat[0] as store:
        write_conversation(store, chat[1], tmp_path / "chat.JSON")
        stored = store.conversations.messages(chat[1])
    read = json.loads((tmp_path / "chat.JSON").read_text("utf-8"))
    assert [one["text"] for one in read["messages"]] == [one.text for one in stored]
    assert [one["parent_id"] for one in read["messages"]] == [one.parent_id for one in stored]
    assert read["current_message_id"] == stored[-1].id
    assert (tmp_path / "chat.JSON").stat().st_mode & 0o777 == 0o600


def test_nothing_is_replaced_and_an_unknown_ending_is_refused(chat: tuple[Store, str], tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("mine")
    with chat[0] as store:
        with pytest.raises(ArchiveError, match="there already"):
            write_conversation(store, chat[1], tmp_path / "mine.md")
        with pytest.raises(ArchiveError, match="no ending"):
            write_conversation(store, chat[1], tmp_path / "chat.docx")
        with pytest.raises(NotFoundError):
            write_conversation(store, "con_none", tmp_path / "chat.md")
    assert (tmp_path / "mine.md").read_text() == "mine"
    assert not (tmp_path / "chat.md").exists()
