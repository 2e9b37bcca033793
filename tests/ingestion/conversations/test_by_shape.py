"""Exports of other assistants that are JSON, a table or a page: known by their fields, or by their shape alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.ingestion.conversations.base import ImportedConversation, Skipped, Torn
from assistant.ingestion.conversations.registry import recognise_path
from memory_store.models import Role
from tests.ingestion.conversations.exports import LIMITS, format_of, imported, only, write, zipped

FIRST, SECOND = "2026-01-05T10:00:00Z", "2026-01-05T10:00:09Z"


def fragments(**kinds: str) -> list[dict[str, str]]:
    return [{"type": kind, "content": words} for kind, words in kinds.items()]


def tree(question: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return a conversation of DeepSeek's."""
    return {
        "id": "d1",
        "title": "Bread",
        "inserted_at": FIRST,
        "mapping": {
            "root": {"parent": None, "message": None},
            "1": {"parent": "root", "message": {"inserted_at": FIRST, "model": "deepseek-chat", **question}},
            "2": {"parent": "1", "message": {"inserted_at": SECOND, "model": "deepseek-chat", **answer}},
        },
    }


def grok(words: str, sender: str, milliseconds: str) -> dict[str, Any]:
    when = {"$date": {"$numberLong": milliseconds}}
    return {"response": {"_id": sender, "message": words, "sender": sender, "create_time": when, "model": "grok-4"}}


def stepped(words: str) -> dict[str, Any]:
    step = {"type": "contentBlock", "content": [{"type": "text", "text": words}]}
    return {"role": "assistant", "steps": [step]}


CHATS: dict[str, tuple[str, Any]] = {
    "deepseek": (
        "conversations.json",
        [tree({"fragments": fragments(REQUEST="How?")}, {"fragments": fragments(THINK="hm", RESPONSE="So.")})],
    ),
    "deepseek, older": (
        "conversations.json",
        [tree({"content": "How?", "reasoning_content": None}, {"content": "So.", "reasoning_content": "hm"})],
    ),
    "grok": (
        "prod-grok-backend.json",
        {
            "conversations": [
                {
                    "conversation": {"id": "g", "title": "Bread", "create_time": FIRST},
                    "responses": [grok("How?", "human", "1767607200000"), grok("So.", "ASSISTANT", "1767607209000")],
                }
            ],
            "projects": [],
        },
    ),
    "librechat": (
        "bread.json",
        {
            "conversationId": "l",
            "endpoint": "openAI",
            "title": "Bread",
            "messages": [
                {
                    "messageId": "1",
                    "text": "How?",
                    "isCreatedByUser": True,
                    "createdAt": FIRST,
                    "children": [
                        {
                            "messageId": "2",
                            "isCreatedByUser": False,
                            "createdAt": SECOND,
                            "content": [{"type": "think", "think": "hm"}, {"type": "text", "text": "So."}],
                        }
                    ],
                }
            ],
        },
    ),
    "le-chat": (
        "chat-1.json",
        [
            {"id": "1", "chatId": "c", "role": "user", "content": "How?", "createdAt": FIRST, "contentChunks": None},
            {"id": "2", "chatId": "c", "role": "assistant", "createdAt": SECOND, "content": "",
             "contentChunks": [{"type": "text", "text": "So."}]},
        ],
    ),
    "chats": (
        "anything.json",
        {"title": "Bread", "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How?", "timestamp": FIRST},
            {"role": "assistant", "content": [{"type": "text", "text": "So."}], "timestamp": SECOND},
        ]},
    ),
    "chats, pairs": (
        "threads.json",
        {"threads": [{"title": "Bread", "entries": [{"query_str": "How?", "text": "So.", "created": FIRST}]}]},
    ),
    "chats, pairs of other names": (
        "threads.json",
        {"threads": [{"title": "Bread", "entries": [{"query": "How?", "answer": "So.", "created_at": FIRST}]}]},
    ),
    "chats, deeper": (
        "typed.json",
        {"data": {"chats": [{"title": "Bread", "messages": [
            {"role": "user", "content": "How?", "createdAt": FIRST}, {"role": "assistant", "content": "So."}]}]}},
    ),
    "chats, chunks": (
        "Bread.json",
        {"runSettings": {}, "chunkedPrompt": {"chunks": [
            {"text": "How?", "role": "user", "createTime": FIRST}, {"text": "hm", "role": "model", "isThought": True},
            {"text": "So.", "role": "model"}]}},
    ),
    "chats, versions": (
        "1.conversation.json",
        {"name": "x", "title": "Bread", "messages": [
            {"versions": [{"role": "user", "content": [{"type": "text", "text": "How?"}], "createdAt": FIRST}]},
            {"versions": [stepped("Old."), stepped("So."), stepped("Never.")], "currentlySelected": 1}]},
    ),
    "chats, bots": (
        "poe.json",
        {"title": "Bread", "messages": [{"author": "human", "text": "How?", "date": FIRST},
                                        {"author": "Claude-Opus-4", "text": "So."}]},
    ),
    "chats, bare": (
        "log.json",
        [{"from": "You", "text": "How?", "time": FIRST}, {"from": "Bot", "text": "So.", "time": SECOND}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_is_read_whatever_its_fields_are_called(tmp_path: Path, name: str) -> None:
    file, value = CHATS[name]
    path = write(tmp_path / file, value)
    assert format_of(path) == name.partition(",")[0]
    chat = only(path)
    assert [(one.role, one.text) for one in chat.messages] == [(Role.USER, "How?"), (Role.ASSISTANT, "So.")]
    assert chat.messages[1].parent_origin == chat.messages[0].origin
    assert chat.messages[0].created_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert chat.title == ("Bread" if "title" in json.dumps(value) else "How?")
    if name == "chats, bots":
        assert chat.messages[1].author.name == "Claude-Opus-4"


def test_what_was_not_said_is_counted(tmp_path: Path) -> None:
    assert only(write(tmp_path / "a.json", CHATS["deepseek"][1])).skipped == {Skipped.THINKING: 1}
    assert only(write(tmp_path / "b.json", CHATS["chats"][1])).skipped == {Skipped.SYSTEM: 1}


def test_a_zip_of_chats_is_an_export_and_what_else_is_in_it_is_not(tmp_path: Path) -> None:
    members = {"chat-1.json": CHATS["le-chat"][1], "chat-2.json": CHATS["le-chat"][1], "prices.json": {"milk": 2}}
    path = zipped(tmp_path / "export.zip", members)
    found = recognise_path(path, LIMITS)
    assert found is not None
    assert (found.name, found.members) == ("Le Chat", frozenset(("chat-1.json", "chat-2.json")))
    assert len(imported(path)) == 2


@pytest.mark.parametrize("whole", [True, False])
def test_lines_are_one_conversation_or_one_each(tmp_path: Path, whole: bool) -> None:
    said = [
        {"type": "user", "message": {"role": "user", "content": "How?"}, "timestamp": FIRST, "uuid": "1"},
        {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "So."}]}},
    ]
    values = [{"user_name": "Ada"}, *said] if whole else [{"messages": said}, {"messages": said, "id": "2"}]
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in values), "utf-8")
    chats = imported(path)
    assert [[one.text for one in chat.messages] for chat in chats if isinstance(chat, ImportedConversation)] == [
        ["How?", "So."]
    ] * (1 if whole else 2)


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"from": "Lena", "text": "Hi"}, {"from": "Omar", "text": "Ho"}]},
        [{"role": "user", "content": "alone"}],
        [{"type": "user", "name": "Ada"}, {"type": "user", "name": "Ben"}],
        {"conversations": "none"},
        {"features": [{"type": "Feature", "properties": {"text": "x"}}] * 3},
        [{"question": 1, "answer": 2}],
        [{"question": "Where is the key?", "answer": "With Omar."}] * 3,
    ],
)
def test_what_is_no_chat_with_an_assistant_is_none(tmp_path: Path, value: object) -> None:
    assert format_of(write(tmp_path / "a.json", value)) is None


def test_a_broken_chat_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good = CHATS["chats"][1]
    found = imported(write(tmp_path / "a.json", {"conversations": [good, {"title": "Torn", "messages": []}]}))
    assert isinstance(found[1], Torn)
    assert (found[1].title, found[1].reason) == ("Torn", "it has no messages")


def test_pages_that_an_answer_cites_keep_their_addresses(tmp_path: Path) -> None:
    cited = [{"url": "https://a.example/1", "name": "Rye"}, "https://a.example/2", {"url": "javascript:x"}]
    asked = {"query_str": "How?", "text": "So, see https://a.example/2.", "created": FIRST, "sources": cited}
    chat = only(write(tmp_path / "threads.json", {"threads": [{"title": "Bread", "entries": [asked]}]}))
    assert chat.messages[-1].text == "So, see https://a.example/2.\n\nRye (https://a.example/1)"


def test_gemini_is_a_conversation_a_day_without_tags(tmp_path: Path) -> None:
    def turn(title: str, at: str, **other: Any) -> dict[str, Any]:
        return {"header": "Gemini Apps", "title": title, "time": at, "products": ["Gemini Apps"], **other}

    answered = {"safeHtmlItem": [{"html": "<p>About <b>13</b> minutes.</p>"}]}
    older = {"details": [{"name": "Request", "value": "Why?"}, {"name": "Response", "value": "So."}]}
    value = [turn("Prompted How long?", SECOND, **answered), turn("Prompted First?", FIRST), turn("Used it", FIRST),
             turn("Used Gemini Apps", "2026-01-04T09:00:00Z", **older)]  # fmt: skip
    path = write(tmp_path / "Meine Aktivitäten.json", value)
    assert format_of(path) == "gemini"
    chats = [one for one in imported(path) if isinstance(one, ImportedConversation)]
    assert [[one.text for one in chat.messages] for chat in chats] == [
        ["First?", "How long?", "About 13 minutes."],
        ["Why?", "So."],
    ]
    assert chats[0].skipped == {Skipped.EMPTY: 1}


@pytest.mark.parametrize(
    ("name", "prompted", "when", "at"),
    [
        ("Gemini Apps", "Prompted", "Mar 2, 2026, 10:15:00\u202fAM CET", datetime(2026, 3, 2, 9, 15, tzinfo=UTC)),
        (
            "Gemini-Apps",
            "Eingegebener Prompt:\xa0",
            "02.03.2026, 10:15:00 MEZ",
            datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        ),
        ("Gemini Apps", "已提示：", "2026年3月2日 10:15:00 CST", datetime(2026, 3, 2, 2, 15, tzinfo=UTC)),
    ],
)
def test_the_page_of_gemini_is_read_in_its_language(
    tmp_path: Path, name: str, prompted: str, when: str, at: datetime
) -> None:
    cell = f"{prompted} How long?<br>{when}<br><p>About <b>13</b> minutes.</p>"
    path = tmp_path / "MyActivity.html"
    path.write_text(
        '<html><body class="mdl-typography"><div class="outer-cell">'
        f'<div class="header-cell"><p>{name}<br></p></div>'
        f'<div class="content-cell">{cell}</div><div class="content-cell"></div></div></body></html>',
        "utf-8",
    )
    chat = only(path)
    assert [one.text for one in chat.messages] == ["How long?", "About 13 minutes."]
    assert {one.created_at for one in chat.messages} == {at}


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("Conversation,Time,Author,Message",
         ["Bread,2026-01-05T10:00:09,AI,\"So,\nso.\"", "Bread,2026-01-05T10:00:00,Human,How?"]),
        ("CreatedAt,MessageContent,Author,ChatName",
         ["1/5/2026 10:00:00 +00:00,How?,user,Bread", "1/5/2026 10:00:09 +00:00,\"So,\nso.\",Copilot,Bread"]),
    ],
)  # fmt: skip
def test_the_tables_of_copilot_are_conversations(tmp_path: Path, head: str, rows: list[str]) -> None:
    path = tmp_path / "copilot.csv"
    path.write_text("\n".join((head, *rows)), "utf-8-sig")
    assert format_of(path) == "copilot"
    chat = only(path)
    assert [one.text for one in chat.messages] == ["How?", "So,\nso."]
    assert (chat.title, chat.messages[0].created_at) == ("Bread", datetime(2026, 1, 5, 10, tzinfo=UTC))
    assert format_of(write(tmp_path / "a.csv", "name,city")) is None
