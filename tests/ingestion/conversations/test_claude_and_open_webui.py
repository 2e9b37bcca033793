"""Exports of Claude and of Open WebUI: conversations in trees and lists, memories, documents of projects."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.ingestion.conversations.base import ImportedDocument, ImportedMemory, Skipped, Torn
from tests.ingestion.conversations.exports import (
    START,
    claude_chat,
    claude_message,
    format_of,
    imported,
    lines,
    only,
    said,
    webui_chat,
    webui_message,
    write,
    zipped,
)

UUID = "6f1d2c3b-4a5e-4f60-8a7b-9c0d1e2f3a4b"
ROOT = "00000000-0000-4000-8000-000000000000"


def use(**given: str) -> dict[str, Any]:
    """Return a call of a tool."""
    return {"type": "tool_use", "name": "tool", "input": given}


def test_the_messages_of_claude_keep_authors_and_times_without_thinking_and_tools(tmp_path: Path) -> None:
    answer = claude_message(
        "assistant",
        {"type": "thinking", "thinking": "hm"},
        said("Bleed it."),
        {"type": "tool_use", "name": "search"},
        {"type": "tool_result", "content": []},
        said("Then refill."),
        uuid="m2",
    )
    chat = only(write(tmp_path / "conversations.json", [claude_chat(claude_message("human", said("How?")), answer)]))
    assert (chat.origin, chat.title, chat.current) == ("claude:k1", "Chat k1", "m2")
    assert lines(chat) == [("m1", None, "user", "How?"), ("m2", "m1", "Claude", "Bleed it.\n\nThen refill.")]
    assert chat.messages[0].created_at == datetime(2025, 3, 4, 10, 0, 0, 500_000, UTC)
    assert dict(chat.skipped) == {Skipped.THINKING: 1, Skipped.TOOL: 2}


@pytest.mark.parametrize(
    ("project", "title"),
    [({"uuid": UUID, "name": "Old  house"}, "Old house: Chat k1"), ({"uuid": UUID}, "Chat k1"), (None, "Chat k1")],
)
def test_a_conversation_of_a_project_of_claude_bears_its_name(tmp_path: Path, project: Any, title: str) -> None:
    given = claude_chat(claude_message("human", said("How?")), project=project)
    assert only(write(tmp_path / "conversations.json", [given])).title == title


def test_the_branches_of_claude_are_kept_and_the_path_in_view_is_marked(tmp_path: Path) -> None:
    messages = [
        claude_message("human", said("How?"), uuid="q", parent_message_uuid=ROOT),
        claude_message("assistant", said("So."), uuid="a1", parent_message_uuid="q"),
        claude_message("assistant", said("Or so."), uuid="a2", parent_message_uuid="q"),
    ]
    path = write(
        tmp_path / "conversations.json", [claude_chat(*messages, current_leaf_message_uuid="a1", model="opus")]
    )
    chat = only(path)
    assert [(one[0], one[1], one[2]) for one in lines(chat)] == [
        ("q", None, "user"),
        ("a1", "q", "opus"),
        ("a2", "q", "opus"),
    ]
    assert chat.current == "a1"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (claude_message("human", text="older"), "older"),
        (claude_message("human", said("See."), attachments=[{"file_name": "", "extracted_content": "pasted"}]),
         "See.\n\npasted"),
        (claude_message("human", attachments=[{"file_name": "a.txt", "extracted_content": "inside"}]),
         "a.txt:\ninside"),
        (claude_message("human", said("See."), files=[{"file_name": "b.png"}, None]), "See.\n\nAttached: b.png"),
        (claude_message("human", said("one"), {"type": "text"}, said("two")), "one\n\ntwo"),
        (claude_message("assistant", said("Here."), use(title="Meals", command="create", content="# Meals"), said("!")),
         "Here.\n\nMeals\n\n# Meals\n\n!"),
        (claude_message("assistant", use(path="/mnt/out/list.md", file_text="Rice")), "list.md\n\nRice"),
        (claude_message("assistant", use(command="ls -l")), "```\nls -l\n```"),
        (claude_message("assistant", use(id="m", command="update", old_str="a", new_str="Rice")), "Rice"),
        (claude_message("assistant", use(query="iron"), said("Old.")), "Old."),
        (claude_message("assistant", {**said("Old."), "citations": [
            {"title": "A", "details": {"url": "https://a.example"}}, {"url": "https://a.example", "title": "A"}]}),
         "Old.\n[A](https://a.example)"),
    ],
)  # fmt: skip
def test_pastes_and_attachments_of_claude_are_kept(tmp_path: Path, message: dict[str, Any], text: str) -> None:
    assert only(write(tmp_path / "conversations.json", [claude_chat(message)])).messages[0].text == text


def test_a_message_of_claude_without_text_is_left_out(tmp_path: Path) -> None:
    messages = (claude_message("human", said("x")), claude_message("assistant", uuid="m2"))
    chat = only(write(tmp_path / "conversations.json", [claude_chat(*messages)]))
    assert (len(chat.messages), dict(chat.skipped)) == (1, {Skipped.EMPTY: 1})


MEMORIES = [
    {
        "conversations_memory": "**Work**\n\nAda builds engines.\n\nShe likes tea.\n\n**Home**\n\nA red boiler.",
        "project_memories": {"p1": "The plan is on page 3."},
        "account_uuid": "u",
    }
]
PROJECT = {
    "uuid": "p1",
    "name": "Boiler",
    "created_at": "2025-01-02T03:04:05Z",
    "prompt_template": "Be brief.",
    "docs": [{"uuid": "d1", "filename": "../../manual.pdf", "content": "Press 7.", "created_at": None}, {}, None],
}


@pytest.mark.parametrize(
    "members",
    [
        {"memories.json": MEMORIES, "projects.json": [PROJECT]},
        {f"memories/{UUID}.json": MEMORIES[0], f"projects/{UUID}.json": PROJECT},
    ],
)
def test_what_claude_remembered_and_its_projects_come_with_the_conversations(
    tmp_path: Path, members: dict[str, Any]
) -> None:
    chats = {"conversations.json": [claude_chat(claude_message("human", said("How?")))]}
    found = imported(zipped(tmp_path / "claude.zip", {**chats, **members}))
    memories = [one for one in found if isinstance(one, ImportedMemory)]
    assert [(one.text, one.author.name) for one in memories] == [
        ("Work: Ada builds engines.", "Claude"),
        ("Work: She likes tea.", "Claude"),
        ("Home: A red boiler.", "Claude"),
        ("The plan is on page 3.", "Claude"),
    ]
    documents = [one.file for one in found if isinstance(one, ImportedDocument)]
    assert [(one.path, one.suffix, one.open().read()) for one in documents] == [
        ("claude:p1/instructions/Boiler (instructions).md", ".md", b"Be brief."),
        ("claude:p1/d1/..-..-manual.pdf", ".txt", b"Press 7."),
    ]


def test_a_torn_memory_file_of_claude_does_not_stop_the_rest(tmp_path: Path) -> None:
    write(tmp_path / "conversations.json", [claude_chat(claude_message("human", said("How?"))), {"name": "x"}])
    (tmp_path / "memories.json").write_text("[{")
    write(tmp_path / "projects.json", [PROJECT])
    kinds = [type(one).__name__ for one in imported(tmp_path)]
    assert kinds == ["ImportedConversation", "Torn", "Torn", "ImportedDocument", "ImportedDocument"]


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_chats_of_open_webui_are_read_in_both_shapes(tmp_path: Path, wrapped: bool, listed: bool) -> None:
    details = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> hm\n</details>\n'
    value = webui_chat(
        webui_message("q", "user", "How?"),
        webui_message("a1", "assistant", details + "So.", "q", timestamp=START + 5),
        webui_message("a2", "assistant", "<think>hm</think>Or so.", "q", modelName=None),
        wrapped=wrapped,
    )
    path = write(tmp_path / "chat-export-1.json", [value] if listed else value)
    assert format_of(path) == "open-webui"
    chat = only(path)
    assert lines(chat) == [
        ("q", None, "user", "How?"),
        ("a1", "q", "Llama", "So."),
        ("a2", "q", "llama3.2:3b", "Or so."),
    ]
    assert (chat.title, chat.current, chat.skipped[Skipped.THINKING]) == ("Boiler", "a2", 2)
    assert chat.created_at == datetime.fromtimestamp(START, UTC)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (webui_message("q", "user", [{"type": "text", "text": "Look."}, {"type": "image_url"}]), "Look."),
        (webui_message("q", "user", "See.", files=[{"name": "a.pdf"}, {"type": "image", "name": "i"}]),
         "See.\n\nAttached: a.pdf"),
        (webui_message("q", "assistant", '<details type="tool_calls" id="1">x</details>Done.'), "Done."),
        (webui_message("q", "assistant", "<think>never ends"), None),
        (webui_message("q", "system", "You are."), None),
        (webui_message("q", "user", None), None),
    ],
)  # fmt: skip
def test_contents_of_open_webui_become_text(tmp_path: Path, message: dict[str, Any], text: str | None) -> None:
    messages = (webui_message("z", "user", "first"), message)
    chat = only(write(tmp_path / "chats.json", [webui_chat(*messages)]))
    assert [one.text for one in chat.messages[1:]] == ([text] if text else [])


def test_an_old_chat_of_open_webui_is_a_list(tmp_path: Path) -> None:
    chat = {"id": "w0", "title": "Old", "messages": [{"role": "user", "content": "How?"},
                                                     {"role": "assistant", "content": "So."}]}  # fmt: skip
    found = only(write(tmp_path / "chats.json", [{"id": "w0", "user_id": "u", "title": "Old", "chat": chat}]))
    assert lines(found) == [("0", None, "user", "How?"), ("1", "0", "Open WebUI", "So.")]


def test_a_torn_chat_of_open_webui_is_named(tmp_path: Path) -> None:
    good = webui_chat(webui_message("q", "user", "How?"))
    found = imported(write(tmp_path / "chats.json", [good, {"title": "x", "chat": {"history": None}}]))
    assert isinstance(found[1], Torn)
    assert (found[1].number, found[1].title) == (2, "x")


@pytest.mark.parametrize("value", [[], {}, [1, 2], {"mapping": 1}, [{"title": "x", "messages": []}], "words", None])
def test_other_json_is_no_export(tmp_path: Path, value: object) -> None:
    assert format_of(write(tmp_path / "a.json", value)) is None
