"""Notes of other programs and chats of people: who said what and when, without the marks of the program."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import Block
from tests.ingestion.files import enex_of, read, text_of


def in_lines(*values: Any) -> str:
    return "\n".join(json.dumps(value) for value in values)


def of_signal(item: int, author: str, chat: str, **said: Any) -> dict[str, Any]:
    return {"chatItem": {"chatId": chat, "authorId": author, "dateSent": f"{item}", "incoming": {}, **said}}


SIGNAL = (
    {"version": "1", "backupTimeMs": "1767700000000"},
    {"account": {"givenName": "Ada", "familyName": ""}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "contact": {"e164": "491700", "profileGivenName": "Omar", "profileFamilyName": "B"}}},
    {"recipient": {"id": "3", "group": {"snapshot": {"title": {"title": "Boat club"}}}}},
    {"recipient": {"id": "4", "contact": {"e164": "491701"}}},
    {"chat": {"id": "7", "recipientId": "2"}},
    {"chat": {"id": "8", "recipientId": "3"}},
    of_signal(1767607380000, "2", "7", standardMessage={"text": {"body": "The key is with Ines"}}),
    of_signal(1767607390000, "4", "8", standardMessage={
        "text": {"body": "Saturday, see https://a.example"},
        "linkPreview": [{"url": "https://a.example", "title": "Tides"}], "attachments": [{"pointer": {}}]}),
    of_signal(1767607400000, "1", "7", standardMessage={"text": {"body": "Thanks"}, "longText": {}}),
    of_signal(1767607410000, "1", "8", updateMessage={"simpleUpdate": {"type": "JOINED_SIGNAL"}}),
    of_signal(1767607420000, "1", "8", poll={"question": "When?", "options": [{"option": "Nine"}, {"option": "Ten"}]}),
    of_signal(1767607430000, "2", "7", contactMessage={
        "contact": {"name": {"givenName": "Lena"}, "number": [{"value": "+4917"}]}}),
)  # fmt: skip


def test_the_chats_that_signal_exports_are_read_one_by_one() -> None:
    document, blocks = read(in_lines(*SIGNAL), "main.jsonl")
    assert [
        (one.locator.part, one.locator.line_start, *row) for one, row in zip(blocks, told(blocks), strict=True)
    ] == [
        ("Omar B", 9, "2026-01-05 10:03", "Omar B", "Omar B: The key is with Ines"),
        ("Omar B", 11, "2026-01-05 10:03", "Ada", "Ada: Thanks"),
        ("Omar B", 14, "2026-01-05 10:03", "Omar B", "Omar B: Lena\n+4917"),
        ("Boat club", 10, "2026-01-05 10:03", "+491701", "+491701: Saturday, see https://a.example\nTides"),
        ("Boat club", 13, "2026-01-05 10:03", "Ada", "Ada: When?\n- Nine\n- Ten"),
    ]
    assert [(one.part, one.reason) for one in document.left_out] == [
        ("Omar B", "long messages of which only the beginning stands in the file: 1"),
        ("Boat club", "pictures, recordings or files that are not read: 1"),
    ]


@pytest.mark.parametrize("name", ["data.json", "data.jsonl"])
def test_messages_on_lines_of_their_own_are_a_chat_unless_they_tell_more(name: str) -> None:
    messages = [
        {"date": "2026-01-05T10:03:00", "sender": "Lena", "body": "The key: at Omar's", "quote": "", "reactions": []},
        {"date": "2026-01-06T20:00:00", "sender": "Omar", "body": "Fine\n\nbye", "attachments": ["a.jpg"]},
    ]
    document, blocks = read(in_lines(*messages), name)
    assert told(blocks) == [LENA, OMAR]
    assert len(document.left_out) == 1
    reviews = [{**one, "stars": 4} for one in messages]
    assert "stars: 4" in text_of(read(in_lines(*reviews), name)[1])


def told(blocks: list[Block]) -> list[tuple[str, str | None, str]]:
    """Return (time, speaker, words) of each block."""
    return [
        (
            f"{one.created_at:%Y-%m-%d %H:%M}" if one.created_at else "",
            one.author.name if one.author else None,
            one.text,
        )
        for one in blocks
    ]


LENA = ("2026-01-05 10:03", "Lena", "Lena: The key: at Omar's")
OMAR = ("2026-01-06 20:00", "Omar", "Omar: Fine\n\nbye")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "WhatsApp Chat.txt",
            "05.01.26, 10:02 - Messages are encrypted.\n05.01.26, 10:03 - Lena: The key: at Omar's\n"
            "05.01.26, 10:04 - Omar: <Medien ausgeschlossen>\n06.01.26, 20:00 - Omar: Fine\n\nbye\n",
        ),
        (
            "_chat.txt",
            "[1/5/26, 10:02:00\u202fAM] Club: \u200eMessages are encrypted.\n[1/5/26, 10:03:00 AM] Lena: The key: at"
            " Omar's\n[1/5/26, 10:04:00 AM] Omar: \u200eimage omitted\n[1/6/26, 8:00:00 PM] ~ Omar: Fine\n\nbye\n",
        ),
        (
            "à.txt",
            "05/01/2026 à 10:03 - Lena: The key: at Omar's\n05/01/2026 à 10:04 - Omar: <Médias omis>\n"
            "06/01/2026 à 20:00 - Omar: Fine\n\nbye\n",
        ),
        (
            "arabic.txt",
            "٥\u200f/١\u200f/٢٠٢٦، ١٠:٠٣ ص - Lena: The key: at Omar's\n"
            "٦\u200f/١\u200f/٢٠٢٦، ٨:٠٠ م - Omar: Fine\n\nbye\n",
        ),
        (
            "korean.txt",
            "2026. 1. 5. 오전 10:03 - Lena: The key: at Omar's\n2026. 1. 6. 오후 8:00 - Omar: Fine\n\nbye\n",
        ),
        (
            "Talk on a phone.txt",
            "2026년 1월 5일 오전 10:03, Lena : The key: at Omar's\n2026년 1월 6일 오후 8:00, Omar : Fine\n\nbye\n",
        ),
        (
            "edited.txt",
            "[05.01.26, 10:03:00] Lena: The key: at Omar's \u200e<This message was edited>\n[05.01.26, 10:04:00] Omar:"
            " \u200e<attached: 00000012-PHOTO-2026-01-05-10-04-00.jpg>\n[06.01.26, 20:00:00] Omar: Fine\n\nbye\n",
        ),
        (
            "signal.md",
            "[2026-01-05, 10:03] Lena: The key: at Omar's\n[2026-01-06, 20:00] Omar: Fine\n\nbye\n",
        ),
        (
            "wechat.txt",
            "2026-01-05 10:03:00 Lena(12345678)\nThe key: at Omar's\n\n2026-01-06 20:00:00 Omar\nFine\n\nbye\n",
        ),
        (
            "KakaoTalk.txt",
            "Lena 님과 카카오톡 대화\n저장한 날짜 : 2026-01-07 10:00:00\n\n"
            "--------------- 2026년 1월 5일 월요일 ---------------\n"
            "[Lena] [오전 10:03] The key: at Omar's\n--------------- 2026년 1월 6일 화요일 ---------------\n"
            "[Omar] [오후 8:00] Fine\n\nbye\n",
        ),
        (
            "line.txt",
            "[LINE] Chat\nSaved on: 2026/01/07\n\n2026/01/05(Mon)\n10:03\tLena\tThe key: at Omar's\n"
            "2026/01/06(Tue)\n20:00\tOmar\tFine\n\nbye\n",
        ),
    ],
)
def test_a_chat_tells_who_said_what_and_when(name: str, lines: str) -> None:
    document, blocks = read(lines, name)
    assert [one for one in told(blocks) if one[1] in ("Lena", "Omar")] == [LENA, OMAR]
    assert ["export left out: 1" in one.reason for one in document.left_out] == [True] * (
        "<" in lines or "image" in lines
    )


def test_a_chat_in_a_zip_is_called_after_it() -> None:
    document, _ = read(
        "05.01.26, 10:03 - Lena: Hi\n05.01.26, 10:04 - Omar: Ho\n", "WhatsApp Chat - Lena.zip!/_chat.txt"
    )
    assert document.title == "WhatsApp Chat - Lena"


def test_what_one_says_in_one_breath_is_one_passage_of_its_time() -> None:
    lines = "05.01.26, 10:03 - Lena: Hi\n05.01.26, 10:04 - Lena: there\n05.01.26, 10:10 - Lena: Later\n"
    assert [one[0] + one[2] for one in told(read(lines, "a.txt")[1])] == [
        "2026-01-05 10:03Lena: Hi",
        "2026-01-05 10:03there",
        "2026-01-05 10:10Lena: Later",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-05 10:00:00 INFO start\n2025-01-05 10:00:01 INFO stop\n",
        "[2025-01-05 10:00:00] ERROR: start\n[2025-01-05 10:00:01] INFO: stop\n",
        "Meeting on 2025-01-05 at 10:00\nBring the plan\n",
    ],
)
def test_a_log_is_no_chat(text: str) -> None:
    assert all(block.author is None for block in read(text, "a.txt")[1])


CHAT = {"name": "Lena", "type": "personal_chat"}
FIRST = {"from": "Lena", "date": "2026-01-05T10:03:00", "type": "message",
         "text": ["The key: ", {"type": "bold", "text": "at Omar's"}]}  # fmt: skip
LATER = {"from": "Omar", "date": "2026-01-06T20:00:00", "type": "message", "text": "Fine\n\nbye", "photo": "x.jpg"}
JOINED = {"type": "service", "actor": "Lena", "date": "2026-01-01T10:00:00", "action": "create_group"}


@pytest.mark.parametrize(
    "value",
    [
        {**CHAT, "messages": [JOINED, FIRST, LATER]},
        {"about": "x", "chats": {"list": [{**CHAT, "messages": [LATER, FIRST]}]}},
        {"messages": [
            {"sender_name": "Omar", "timestamp_ms": 1767729600000, "content": "Fine\n\nbye", "photos": [{}]},
            {"sender_name": "Lena", "timestamp_ms": 1767607380000, "content": "The key: at Omar's"},
        ]},
        {"messages": [
            {"author": {"name": "Lena"}, "timestamp": "2026-01-05T10:03:00+00:00", "content": "The key: at Omar's"},
            {"author": {"name": "Omar"}, "timestamp": "2026-01-06T20:00:00+00:00", "content": "Fine\n\nbye",
             "attachments": [{}]},
        ]},
        [{"nickName": "Lena", "CreateTime": 1767607380, "StrContent": "The key: at Omar's"},
         {"nickName": "Omar", "CreateTime": 1767729600, "StrContent": "Fine\n\nbye", "file": "x"}],
        [{"user": "U1", "user_profile": {"real_name": "Lena"}, "ts": "1767607380.000", "text": "The key: at Omar's"},
         {"user": "U2", "user_profile": {"real_name": "Omar"}, "ts": "1767729600.000", "text": "Fine\n\nbye",
          "file": "x"}],
        {"messages": [
            {"creator": {"name": "Lena"}, "created_date": "Monday, 5 January 2026 at 10:03:00 UTC",
             "text": "The key: at Omar's"},
            {"creator": {"name": "Omar"}, "created_date": "Tuesday, January 6, 2026 at 8:00:00\u202fPM UTC",
             "text": "Fine\n\nbye", "attachments": [1]},
        ]},
        {"conversations": [{"displayName": "Flat", "MessageList": [
            {"from": "Omar", "originalarrivaltime": "2026-01-06T20:00:00.000Z", "content": "Fine\n\nbye", "file": 1},
            {"from": "Lena", "originalarrivaltime": "2026-01-05T10:03:00.000Z", "content": "The key: at Omar's"}]}]},
    ],
    ids=["telegram", "all of telegram", "instagram", "discord", "wechat", "slack", "google chat", "skype"],
)  # fmt: skip
def test_messages_of_people_as_json_are_sentences_with_speakers(value: object) -> None:
    document, blocks = read(json.dumps(value), "result.json")
    assert told(blocks) == [LENA, OMAR]
    assert [one.reason for one in document.left_out] == ["pictures, recordings or files that are not read: 1"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"text": ["See ", {"type": "text_link", "text": "it", "href": "https://ex.org"}]}, "See it (https://ex.org)"),
        ({"text": "", "poll": {"question": "Soup?", "answers": [{"text": "Yes", "voters": 2}]}}, "Soup?\nYes: 2"),
        ({"text": "", "contact_information": {"first_name": "Ada", "phone_number": "+44 1"}}, "Ada +44 1"),
        ({"text": "", "place_name": "Pier", "location_information": {"latitude": 1.5}}, "Pier, 1.5"),
        ({"text": "words", "forwarded_from": "News"}, "News: words"),
        ({"content": "https://ex.org", "embeds": [{"title": "Page", "fields": [{"name": "a", "value": "1"}]}]},
         "https://ex.org\nPage\na: 1"),
        ({"share": {"link": "https://ex.org", "share_text": "Recipe"}, "content": ""}, "Recipe https://ex.org"),
    ],
)  # fmt: skip
def test_what_a_message_shows_besides_its_words_is_read(more: dict[str, object], words: str) -> None:
    value = {"messages": [{"from": "Kim", "date": "2026-01-05T10:00:00", **more}]}
    assert told(read(json.dumps(value), "a.json")[1]) == [("2026-01-05 10:00", "Kim", f"Kim: {words}")]


def test_messages_of_nothing_but_pictures_hide_no_chat() -> None:
    picture = {"sender_name": "Kim", "timestamp_ms": 1767607380000, "photos": [{"uri": "x.jpg"}]}
    value = {"messages": [picture, {**picture, "content": "Both of us"}, picture]}
    document, blocks = read(json.dumps(value), "a.json")
    assert told(blocks) == [("2026-01-05 10:03", "Kim", "Kim: Both of us")]
    assert [one.reason[-2:] for one in document.left_out] == [" 3"]


def test_a_page_of_telegram_is_a_chat_too() -> None:
    def message(said: str, when: str, name: str = "") -> str:
        named = f'<div class="from_name">{name} </div>' if name else ""
        date = f'<div class="pull_right date details" title="{when} UTC+01:00">x</div>'
        return f'<div class="message default"><div class="body">{date}{named}<div class="text">{said}</div></div></div>'

    page = (
        '<div class="page_header"><div class="text bold">Flat</div></div><div class="history">'
        '<div class="message service"><div class="body details">5 January 2026</div></div>'
        + message("The key: <b>at Omar's</b>", "05.01.2026 11:03:00", "Lena")
        + message("by the door", "05.01.2026 11:30:00")
        + message('Fine</div><div class="media_wrap"><a>x</a>', "06.01.2026 21:00:00", "Omar")
        + "</div>"
    )
    document, blocks = read(f"<html><body>{page}</body></html>", "messages.html")
    assert document.title == "Flat"
    assert told(blocks) == [LENA, ("2026-01-05 10:30", "Lena", "Lena: by the door"), (*OMAR[:2], "Omar: Fine")]
    assert [one.reason[-2:] for one in document.left_out] == [" 1"]


def test_bytes_that_were_written_as_characters_are_read_as_text() -> None:
    words = "Größe".encode().decode("latin-1")
    value = {"title": words, "messages": [{"sender_name": words, "timestamp_ms": 1767607380000, "content": words}]}
    document, blocks = read(json.dumps(value), "a.json")
    assert document.title == "Größe"
    assert told(blocks)[0][1:] == ("Größe", "Größe: Größe")


KEEP: dict[str, Any] = {"isTrashed": False, "title": "Shopping", "createdTimestampUsec": 1736067600000000}


def test_a_note_of_google_keep_is_read_unless_it_lies_in_the_bin() -> None:
    items = [{"text": "Oat milk", "isChecked": False}, {"text": "Salt", "isChecked": True}]
    note = {**KEEP, "listContent": items, "labels": [{"name": "House"}], "attachments": [{"filePath": "a.jpg"}]}
    document, blocks = read(json.dumps(note), "Shopping.json")
    assert (document.title, document.created_at) == ("Shopping", datetime(2025, 1, 5, 9, tzinfo=UTC))
    assert text_of(blocks) == "Shopping\n[ ] Oat milk\n[x] Salt\nLabels: House"
    assert [one.part for one in document.left_out] == ["a.jpg"]
    with pytest.raises(ReadError, match="in the bin"):
        read(json.dumps({**KEEP, "isTrashed": True, "textContent": "gone"}), "a.json")


def test_a_canvas_is_its_cards_in_reading_order_and_what_joins_them() -> None:
    nodes = [{"id": "2", "type": "file", "file": "Plan.md", "x": 9, "y": 5},
             {"id": "1", "type": "text", "text": "# Goal\nRun 10 km", "x": 0, "y": 0}]  # fmt: skip
    value = {"nodes": nodes, "edges": [{"fromNode": "1", "toNode": "2", "label": "needs"}, {"fromNode": "9"}]}
    assert text_of(read(json.dumps(value), "a.canvas")[1]) == "# Goal\nRun 10 km\nPlan.md\nGoal → Plan.md: needs"


NOTE = (
    "<title>Boiler</title><content><![CDATA[<?xml version='1.0'?><!DOCTYPE en-note SYSTEM 'x'><en-note>"
    "<div>Refill at <b>1.4 bar</b> &amp; bleed.&nbsp;</div><div><en-todo checked='true'/>Order</div>"
    "<ul style='--en-todo:true;'><li style='--en-checked:false;'><div>Pay</div></li></ul>"
    "<en-crypt>aGVsbG8=</en-crypt></en-note>]]></content><created>20250711T041951Z</created><tag>house</tag>"
    "<note-attributes><author>Lena</author><source-url>https://a.example</source-url></note-attributes>"
)


def resource(kind: str, data: bytes, name: str = "") -> str:
    return (
        f"<resource><data encoding='base64'>{base64.b64encode(data).decode()}</data><mime>{kind}</mime>"
        f"<resource-attributes><file-name>{name}</file-name></resource-attributes></resource>"
    )


def test_notes_of_evernote_have_title_time_author_and_files() -> None:
    files = resource("text/plain", b"words", "plan.txt") + resource("image/png", b"\x89PNG", "a.png")
    document, blocks = read(enex_of(NOTE + files, "<title>Wine</title><content>Riesling</content>"), "Home.enex")
    first = [one for one in blocks if one.locator.part == "note 1: Boiler"]
    assert [one.text for one in first] == [
        "Boiler", "Tags: house", "Source: https://a.example", "Refill at 1.4 bar & bleed.", "[x] Order",
        "[ ] Pay", "Attachment: plan.txt",
    ]  # fmt: skip
    assert {(one.created_at, one.author.name if one.author else "") for one in first} == {
        (datetime(2025, 7, 11, 4, 19, 51, tzinfo=UTC), "Lena")
    }
    assert [one.text for one in blocks if one.locator.part == "note 2: Wine"] == ["Wine", "Riesling"]
    assert [(one.path, one.open().read()) for one in document.attached] == [
        ("/home/me/Home.enex!/note 1/plan.txt", b"words")
    ]
    assert [one.reason.partition(":")[0] for one in document.left_out] == [
        "encrypted",
        "pictures or recordings that are not read",
    ]


def test_tasks_of_evernote_stand_after_the_text_of_their_note() -> None:
    tasks = "<task><title>Bleed it</title><taskStatus>open</taskStatus><dueDate>20260201T000000Z</dueDate></task>"
    tasks += "<task><title>Refill</title><taskStatus>completed</taskStatus></task>"
    words = text_of(read(enex_of(f"<title>A</title>{tasks}"), "a.enex")[1])
    assert words == "A\n[ ] Bleed it, 2026-02-01\n[x] Refill"


def test_a_note_of_evernote_whose_content_is_not_packed_is_read() -> None:
    document, blocks = read(
        enex_of("<title>A</title><content><en-note><div>One<br>two</div></en-note></content>"), "a.enex"
    )
    assert text_of(blocks).split() == ["A", "One", "two"]
    assert [one.reason[:23] for one in document.left_out] == ["torn or damaged export:"]


def test_a_torn_export_of_evernote_keeps_the_notes_before_the_tear() -> None:
    document, blocks = read(enex_of(NOTE, "<title>Wine</title>")[:-40], "a.enex")
    assert blocks[0].text == "Boiler"
    assert document.left_out[-1].reason.startswith("torn or damaged export")
    with pytest.raises(ReadError, match="not an export of Evernote"):
        read("<html/>", "a.enex")


CLIPPINGS = """\ufeffThe Peregrine (J. A. Baker)
- Your Highlight on page 14 | Location 201-203 | Added on Sunday, 5 January 2025 17:47:22

The hardest thing to see is what is there.
==========
\ufeffThe Peregrine (J. A. Baker)
- Your Note on page 14 | Location 203 | Added on Sunday, 5 January 2025 17:48:00

Compare with Dillard!
==========
三体 (刘慈欣)
- 您在第 88 页（位置 #1340-1342）的标注 | 添加于 2025年1月6日星期一 下午9:11:28

弱小不是障碍。
==========
Other (X)
- Your Bookmark on page 1 | Added on Sunday, 5 January 2025 17:47:22


==========
"""


def test_what_was_marked_on_a_kindle_stands_under_its_book_and_by_its_author() -> None:
    _, blocks = read(CLIPPINGS, "My Clippings.txt")
    assert [(one.locator.part, one.author.name if one.author else None, one.text.split("\n")[2]) for one in blocks] == [
        ("The Peregrine", "J. A. Baker", "The hardest thing to see is what is there."),
        ("The Peregrine", None, "Compare with Dillard!"),
        ("三体", "刘慈欣", "弱小不是障碍。"),
    ]
    assert [one.created_at for one in blocks] == [
        datetime(2025, 1, 5, 17, 47, 22, tzinfo=UTC),
        datetime(2025, 1, 5, 17, 48, tzinfo=UTC),
        datetime(2025, 1, 6, 21, 11, 28, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.srt", "1\n00:00:01,000 --> 00:00:04,000\n<i>Welcome to</i>\nthe talk.\n\n2\n00:00:04,200 --> 00:00:07,000\n"
                  "{\\an8}A hive needs\n\n3\n00:00:07,100 --> 00:00:09,000\nhoney &amp; sun.\n",
         "Welcome to the talk. A hive needs honey & sun."),
        ("a.vtt", "WEBVTT\nKind: captions\n\n00:01.000 --> 00:03.000 align:start\nwelcome<00:01.400><c> to</c>\n\n"
                  "00:03.000 --> 00:03.010\nwelcome to\n\n00:03.010 --> 00:06.000\nwelcome to\nthe talk\n",
         "welcome to the talk"),
        ("a.vtt", "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:03.000\n<v Lena>Hello.</v>\n\n"
                  "00:03.000 --> 00:04.000\n<v.loud Omar>Hi!\n", "Lena: Hello.\nOmar: Hi!"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n我们明天\n\n2\n00:00:02,000 --> 00:00:03,000\n再见。\n",
         "我们明天再见。"),
    ],
)  # fmt: skip
def test_subtitles_are_running_text_without_times(name: str, text: str, words: str) -> None:
    assert text_of(read(text, name)[1]) == words


def test_long_subtitles_are_parted_at_the_end_of_a_sentence() -> None:
    cues = "".join(
        f"{n}\n00:00:{n % 60:02},000 --> 00:00:{n % 60:02},900\nThis is sentence {n}.\n\n" for n in range(90)
    )
    blocks = read(cues, "a.srt")[1]
    assert len(blocks) > 2
    assert all(block.text.endswith(".") for block in blocks)
