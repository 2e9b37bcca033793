"""Exports of ChatGPT: what is said, by whom and when, on every branch; what is not said is left out and counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.ingestion.conversations.base import ImportedConversation, Skipped, Torn
from tests.ingestion.conversations.exports import (
    START,
    format_of,
    gpt_chat,
    gpt_message,
    gpt_node,
    imported,
    lines,
    only,
    write,
    zipped,
)


def call(recipient: str, given: dict[str, Any]) -> dict[str, Any]:
    content = {"content_type": "code", "text": json.dumps(given)}
    return gpt_message("assistant", content=content, recipient=recipient)


def test_the_model_is_that_of_the_message_or_else_of_the_conversation(tmp_path: Path) -> None:
    nodes = {
        "q": gpt_node(None, gpt_message("assistant", "One.", metadata={})),
        "a": gpt_node("q", gpt_message("assistant", "Two.", metadata={"model_slug": "o3"})),
    }
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=nodes, default_model_slug="gpt-5-thinking")]))
    assert [one.author.name for one in chat.messages] == ["gpt-5-thinking", "o3"]


def test_a_conversation_keeps_its_authors_times_title_and_order(tmp_path: Path) -> None:
    chat = only(write(tmp_path / "conversations.json", [gpt_chat()]))
    assert (chat.origin, chat.title, chat.current) == ("chatgpt:c1", "Chat c1", "a")
    assert (chat.created_at, chat.updated_at) == (at(0), at(10))
    assert lines(chat) == [("q", None, "user", "Question of c1?"), ("a", "q", "gpt-5", "Answer of c1.")]
    assert [message.created_at for message in chat.messages] == [at(0), at(5)]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"conversations.json": [gpt_chat("a"), gpt_chat("b")]}, 2),
        ({"conversations-001.json": [gpt_chat("b")], "conversations-000.json": [gpt_chat("a")]}, 2),
        ({"export/conversations.json": [gpt_chat("a")], "export/user.json": {"id": 1}}, 1),
        ({"conversations.json": [gpt_chat("a")], "shared_conversations.json": [{"id": "x"}]}, 1),
    ],
)
def test_an_export_is_known_as_a_zip_and_as_the_folder_it_was_unpacked_to(
    tmp_path: Path, members: dict[str, Any], count: int
) -> None:
    zip_file = zipped(tmp_path / "export.zip", members)
    assert format_of(zip_file) == "chatgpt"
    found = [one for one in imported(zip_file) if isinstance(one, ImportedConversation)]
    assert [one.title for one in found] == ["Chat a", "Chat b"][:count]
    if not any("/" in name for name in members):
        for name, value in members.items():
            write(tmp_path / "folder" / name, value)
        assert imported(tmp_path / "folder") == found


def test_one_conversation_in_a_file_of_any_name_is_known(tmp_path: Path) -> None:
    assert only(write(tmp_path / "my chat.json", gpt_chat())).title == "Chat c1"


BRANCHED = {
    "root": gpt_node(None, None, "q"),
    "q": gpt_node("root", gpt_message("user", "Which boiler?"), "a1", "a2"),
    "a1": gpt_node("q", gpt_message("assistant", "The red one."), "q2"),
    "a2": gpt_node("q", gpt_message("assistant", "The blue one.")),
    "q2": gpt_node("a1", gpt_message("user", "Why?")),
}


@pytest.mark.parametrize(
    ("current", "end"), [("q2", "q2"), ("a2", "a2"), ("root", "q2"), ("nowhere", "q2"), (None, "q2"), (7, "q2")]
)
def test_all_branches_are_kept_and_the_path_in_view_is_marked(tmp_path: Path, current: object, end: str) -> None:
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=BRANCHED, current_node=current)]))
    assert [(one.origin, one.parent_origin) for one in chat.messages] == [
        ("q", None),
        ("a1", "q"),
        ("a2", "q"),
        ("q2", "a1"),
    ]
    assert chat.current == end


SKIPPED: list[tuple[dict[str, Any], Skipped]] = [
    (gpt_message("assistant", "x", metadata={"is_visually_hidden_from_conversation": True}), Skipped.HIDDEN),
    (gpt_message("system", ""), Skipped.SYSTEM),
    (gpt_message("system", "You are helpful."), Skipped.SYSTEM),
    (gpt_message("tool", "results"), Skipped.TOOL),
    (gpt_message("assistant", content={"content_type": "thoughts", "thoughts": [{"content": "hm"}]}), Skipped.THINKING),
    (gpt_message("assistant", content={"content_type": "reasoning_recap", "content": "9 s"}), Skipped.THINKING),
    (gpt_message("assistant", "hm", channel="analysis"), Skipped.THINKING),
    (gpt_message("user", content={"content_type": "user_editable_context", "user_profile": "I'm Ada."}),
     Skipped.PROFILE),
    (gpt_message("user", "About me", metadata={"is_user_system_message": True}), Skipped.PROFILE),
    (gpt_message("assistant", content={"content_type": "code", "text": "search()"}, recipient="browser"), Skipped.TOOL),
    (gpt_message("tool", content={"content_type": "execution_output", "text": "42"}), Skipped.TOOL),
    (gpt_message("assistant", content={"content_type": "tether_quote", "text": "x"}), Skipped.TOOL),
    (gpt_message("assistant", ""), Skipped.EMPTY),
    (gpt_message("user", None, {"content_type": "image_asset_pointer"}, kind="multimodal_text"), Skipped.EMPTY),
    (gpt_message("user", content=None), Skipped.EMPTY),
    (gpt_message("assistant", content={"content_type": "text", "parts": None}), Skipped.EMPTY),
    ({"author": None, "content": "x"}, Skipped.SYSTEM),
]  # fmt: skip


@pytest.mark.parametrize(("message", "reason"), SKIPPED)
def test_what_was_not_said_is_left_out_counted_and_closed_over(
    tmp_path: Path, message: dict[str, Any], reason: Skipped
) -> None:
    nodes = {
        "q": gpt_node(None, gpt_message("user", "Question?"), "x"),
        "x": gpt_node("q", message, "a"),
        "a": gpt_node("x", gpt_message("assistant", "Answer.")),
    }
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=nodes)]))
    assert [(one.origin, one.parent_origin) for one in chat.messages] == [("q", None), ("a", "q")]
    assert dict(chat.skipped) == {reason: 1}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (gpt_message("user", "one", None, {"text": "two"}, 3, {}, kind="multimodal_text"), "one\ntwo"),
        (
            gpt_message("user", {"content_type": "audio_transcription", "text": "hello"}, kind="multimodal_text"),
            "hello",
        ),
        (gpt_message("assistant", content={"content_type": "code", "text": "x = 1"}), "```\nx = 1\n```"),
        (gpt_message("user", "See.", metadata={"attachments": [{"name": "a.pdf"}, {}]}), "See.\n\nAttached: a.pdf"),
        (gpt_message("assistant", "Bread\ue200cite\ue202turn0search1\ue201 rises."), "Bread rises."),
        (gpt_message("user", "half \ud83d emoji \x00 nul"), "half ? emoji  nul"),
        ({"author": {"role": "user"}, "content": {"parts": ["no type"]}}, "no type"),
        (
            gpt_message(
                "assistant",
                'By \ue200entity\ue202["people","Nadia Okonjo",0]\ue201, \ue200url\ue202Survey\ue202https://a.example\ue201.',
            ),
            "By Nadia Okonjo, Survey (https://a.example).",
        ),
        (
            gpt_message(
                "assistant",
                "Iron \ue200cite\ue202turn0search3\ue201 and 【6†source】 and 【7†lost】.",
                metadata={
                    "content_references": [
                        {"matched_text": "\ue200cite\ue202turn0search3\ue201", "alt": "([a](https://a.example))"},
                        {"matched_text": "【6†source】", "items": [{"title": "B", "url": "https://b.example"}]},
                    ]
                },
            ),
            "Iron ([a](https://a.example)) and ([B](https://b.example)) and .",
        ),
        (call("canmore.create_textdoc", {"name": "list", "type": "document", "content": "# List"}), "list\n\n# List"),
        (
            call("canmore.create_textdoc", {"name": "x", "type": "code/python", "content": "y"}),
            "x\n\n```python\ny\n```",
        ),
        (call("canmore.update_textdoc", {"updates": [{"pattern": ".*", "replacement": "New"}]}), "New"),
        (call("canmore.comment_textdoc", {"comments": [{"pattern": "x", "comment": "Shorter."}]}), "Shorter."),
        (
            gpt_message("assistant", content={"content_type": "code", "text": "1+1"}, recipient="python"),
            "```\n1+1\n```",
        ),
        (gpt_message("tool", "# Report", metadata={"is_async_task_result_message": True}), "# Report"),
        (
            gpt_message(
                "tool",
                "widget",
                metadata={
                    "chatgpt_sdk": {
                        "widget_state": json.dumps({"report_message": {"content": {"parts": ["# Report \ue2005"]}}})
                    }
                },
            ),
            "# Report 5",
        ),
    ],
)
def test_parts_of_every_kind_become_text(tmp_path: Path, message: dict[str, Any], text: str) -> None:
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes={"q": gpt_node(None, message)})]))
    assert chat.messages[0].text.replace("\ufffd", "?") == text


@pytest.mark.parametrize("nothing", [None, 0, -1, "", "soon", True, float(10**300), [], {}])
def test_a_time_that_is_missing_is_that_of_what_came_before(tmp_path: Path, nothing: object) -> None:
    nodes = {
        "q": gpt_node(None, gpt_message("user", "Question?", at=nothing)),
        "a": gpt_node("q", gpt_message("assistant", "Answer.", at=START + 3)),
        "b": gpt_node("a", gpt_message("user", "Thanks.", at=nothing)),
    }
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=nodes, update_time=nothing)]))
    assert [one.created_at for one in chat.messages] == [at(0), at(3), at(3)]
    assert chat.updated_at == at(3)


@pytest.mark.parametrize("title", [None, "", "  ", 7])
def test_a_conversation_without_title_is_called_by_its_first_words(tmp_path: Path, title: object) -> None:
    assert only(write(tmp_path / "conversations.json", [gpt_chat(title=title)])).title == "Question of c1?"


@pytest.mark.parametrize(
    "torn",
    [
        None,
        7,
        [],
        {"title": "x"},
        gpt_chat(title="x", nodes={}),
        gpt_chat(title="x", mapping=None),
        gpt_chat(title="x", nodes={"a": None, "b": gpt_node("b", None)}),
    ],
)
def test_a_torn_conversation_is_named_and_the_rest_goes_on(tmp_path: Path, torn: Any) -> None:
    first, bad, last = imported(write(tmp_path / "conversations.json", [gpt_chat("a"), torn, gpt_chat("b")]))
    assert isinstance(first, ImportedConversation)
    assert isinstance(last, ImportedConversation)
    assert isinstance(bad, Torn)
    assert (bad.number, bad.title) == (2, "x" if isinstance(torn, dict) else "")
    assert bad.reason
    assert bad.hint


def test_a_tree_that_goes_in_circles_is_opened(tmp_path: Path) -> None:
    nodes = {
        "a": gpt_node("b", gpt_message("user", "one")),
        "b": gpt_node("a", gpt_message("assistant", "two")),
        "c": gpt_node("c", gpt_message("user", "three")),
    }
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=nodes)]))
    assert [(one.origin, one.parent_origin) for one in chat.messages] == [("b", None), ("a", "b"), ("c", None)]


def test_a_very_long_conversation_is_no_recursion(tmp_path: Path) -> None:
    nodes = {str(n): gpt_node(str(n - 1) if n else None, gpt_message("user", f"m{n}")) for n in reversed(range(5000))}
    chat = only(write(tmp_path / "conversations.json", [gpt_chat(nodes=nodes)]))
    assert [one.text for one in chat.messages[:2]] == ["m0", "m1"]


def test_an_export_that_ends_in_the_middle_gives_what_came_before(tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a"), gpt_chat("b")])
    path.write_bytes(path.read_bytes()[:-60])
    first, bad = imported(path)
    assert isinstance(first, ImportedConversation)
    assert isinstance(bad, Torn)
    assert (bad.number, bad.reason) == (
        2,
        "conversations.json: the file ends in the middle; what follows can't be read",
    )


def test_a_torn_character_costs_no_conversation(tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [gpt_chat("a"), gpt_chat("b")])
    whole = path.read_bytes().replace(b"Answer of a", "Größe 合同 of a".encode())
    path.write_bytes(whole.replace("合".encode(), "合".encode()[:2]))
    *chats, torn = imported(path)
    texts = [chat.messages[-1].text for chat in chats if isinstance(chat, ImportedConversation)]
    assert texts == ["Größe \ufffd同 of a.", "Answer of b."]
    assert isinstance(torn, Torn)
    assert "damaged characters, shown as �: 1" in torn.reason
