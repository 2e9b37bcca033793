"""Before the answer: whom to call, in the user's country and language; a note after many heavy days; or nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assistant.core.care.before_answer import before_answer
from assistant.core.care.directory import countries, help_lines, language_name, words
from assistant.core.care.needs import Need
from assistant.core.care.offering import language_of, offer
from assistant.core.care.often import HEAVY_DAYS, WINDOW_DAYS, is_due, is_often
from assistant.core.care.region import regions, system_zone
from assistant.core.care.settings import CareSettings
from assistant.core.conversation.log import ForgettingLog
from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import (
    CareOffered,
    Event,
    TurnStarted,
)
from assistant.llm.base import TextDelta
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Store
from memory_store.models import USER, Message, Role

PAGE = Path(__file__).parents[2] / "docs" / "care.md"
# What must be in the list whatever else changes.
KNOWN = {
    "US": ["911", "988", "1-800-799-7233"],
    "CA": ["911", "988"],
    "GB": ["999 / 112", "116 123", "0808 2000 247"],
    "IE": ["112 / 999", "116 123", "1800 341 900"],
    "AU": ["000", "13 11 14", "1800 737 732"],
    "NZ": ["111", "1737", "0800 733 843"],
    "IN": ["112", "14416 / 1-800-891-4416", "181"],
    "SG": ["995", "999", "1767", "1800 777 0000"],
    "CN": ["120", "110", "12356", "12338"],
    "TW": ["119", "110", "1925", "1995", "113"],
    "HK": ["999", "2896 0000", "18111", "2343 2255"],
    "JP": ["119", "110", "0120-279-338", "0120-279-889"],
    "DE": ["112", "0800 111 0 111 / 0800 111 0 222 / 116 123", "116 016"],
    "FR": ["112", "3114", "3919"],
    "ES": ["112", "024", "016"],
    "PT": ["112", "1411", "800 202 148"],
    "NL": ["112", "113", "0800-2000"],
    "IT": ["112", "02 2327 2327", "1522"],
    "BR": ["192", "190", "188", "180"],
    "MX": ["911", "800 911 2000"],
    "EU": ["112"],
    "": ["112"],
}


def test_the_list_has_the_known_numbers_each_with_a_source_and_the_day_it_was_read() -> None:
    for region, numbers in KNOWN.items():
        listed = [one.phone for one in help_lines() if one.region == region]
        assert [one for one in numbers if one not in listed] == [], region
    for one in help_lines():
        assert one.phone or one.text or one.web, one
        assert one.source.startswith(("https://", "http://")), one
        assert date(2026, 1, 1) <= one.checked
        assert one.name
        assert one.name_zh
        assert all(language_name(code, "zh") for code in one.languages)
    assert {one.region for one in help_lines()} == {*countries(), ""} == set(KNOWN)


@pytest.mark.parametrize("need", Need)
@pytest.mark.parametrize("region", KNOWN)
def test_in_every_country_there_is_somebody_to_call_for_every_need(need: Need, region: str) -> None:
    for language in ("en", "zh"):
        text = offer(need, [region], language)
        assert text.startswith(words(language)[need])
        assert any(one.phone in text for one in help_lines() if one.region == region and one.kind != "crisis")
        if need is not Need.MEDICAL:
            assert "https://findahelpline.com" in text
        assert "{" not in text


@pytest.mark.parametrize(
    ("setting", "environment", "zone", "found"),
    [
        ("TW", {"LANG": "en_US.UTF-8"}, "Europe/Berlin", ("TW",)),
        ("uk", {}, "", ("GB",)),
        ("at", {}, "", ("EU",)),
        ("KE", {}, "", ("",)),
        ("", {"LANG": "de_DE.UTF-8"}, "", ("DE",)),
        ("", {"LC_ALL": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "Asia/Taipei", ("TW",)),
        ("", {"LC_ALL": "", "LC_MESSAGES": "en_AU", "LANG": "en_US"}, "Australia/Perth", ("AU",)),
        ("", {"LANG": "en_US.UTF-8"}, "Europe/Berlin", ("US", "DE")),
        ("", {"LANG": "C.UTF-8"}, "Asia/Shanghai", ("CN",)),
        ("", {"LANG": "de_AT.UTF-8"}, "Europe/Vienna", ("EU",)),
        ("", {"LANG": "sw_KE.UTF-8"}, "Africa/Nairobi", ("",)),
        ("", {"LANG": "C"}, "UTC", ("",)),
        ("", {}, "", ("",)),
    ],
)
def test_the_country_is_the_one_set_else_that_of_the_locale_and_of_the_time_zone(
    setting: str, environment: dict[str, str], zone: str, found: tuple[str, ...]
) -> None:
    assert regions(setting, environment, zone) == found


def test_the_time_zone_is_read_from_the_environment_first() -> None:
    assert system_zone({"TZ": ":Asia/Tokyo"}) == "Asia/Tokyo"


def test_help_is_offered_in_the_language_of_the_message() -> None:
    assert [language_of(one) for one in ("I want to die", "我想死", "死にたいです", "Je veux mourir")] == [
        "en",
        "zh",
        "en",
        "en",
    ]


def session_of(store: Store, care: CareSettings, *, temporary: bool = False) -> Session:
    return Session(store, Models(ScriptedChat(otherwise=["I hear you."])), TurnSettings(care=care), temporary=temporary)


async def events_of(session: Session, text: str) -> list[Event]:
    return [event async for event in session.turn(text)]


async def test_help_comes_before_the_answer_which_still_comes_and_it_is_neither_stored_nor_sent(store: Store) -> None:
    session = session_of(store, CareSettings(region="GB"))
    events = await events_of(session, "I want to kill myself")
    kinds = [type(event) for event in events]
    assert kinds.index(TurnStarted) < kinds.index(CareOffered) < kinds.index(TextDelta)
    offered = next(event for event in events if isinstance(event, CareOffered))
    assert offered.need is Need.SELF_HARM
    assert "116 123" in offered.text
    assert [one.text for one in session.messages] == ["I want to kill myself", "I hear you."]
    assert store.find_holding("116 123") == []
    assert isinstance(session.models.chat, ScriptedChat)
    sent = " ".join(message.content for request in session.models.chat.requests for message in request.messages)
    assert "116 123" not in sent


async def test_answering_again_offers_again_and_a_temporary_chat_offers_too(store: Store) -> None:
    session = session_of(store, CareSettings(region="CN"), temporary=True)
    assert any(isinstance(one, CareOffered) for one in await events_of(session, "我想自杀"))
    again = [event async for event in session.again(session.messages[0].id)]
    (offered,) = [event for event in again if isinstance(event, CareOffered)]
    assert "12356" in offered.text
    assert "心理援助" in offered.text


@pytest.mark.parametrize(
    ("text", "care"),
    [("I want to kill myself", CareSettings(resources=False)), ("This traffic is killing me.", CareSettings())],
)
async def test_nothing_is_offered_where_it_is_turned_off_or_not_needed(
    store: Store, text: str, care: CareSettings
) -> None:
    assert not [one for one in await events_of(session_of(store, care), text) if isinstance(one, CareOffered)]


NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday


def said(store: Store, text: str, moment: datetime) -> Message:
    conversation = store.conversations.start("Evening", created_at=moment)
    return store.conversations.append(conversation.id, Role.USER, text, USER, parent_id=None, created_at=moment)


def days_before(count: int) -> list[datetime]:
    return [NOON - timedelta(days=days) for days in range(count, 0, -1)]


def test_after_many_heavy_days_there_is_one_note_a_week_which_asks_who_else_could_know(store: Store) -> None:
    care = CareSettings(region="IE")
    for moment in days_before(HEAVY_DAYS - 1):
        message = said(store, "I feel so lonely.", moment)
        assert before_answer(store.conversations, care, message) == []
    said(store, "Which bus goes to Porto?", NOON - timedelta(hours=2))
    (noted,) = before_answer(store.conversations, care, due := said(store, "我很难过", NOON))
    assert noted.need is None
    assert noted.text.startswith(words("zh")["often"])
    assert "116 123" in noted.text
    assert before_answer(store.conversations, care, due) == [noted]  # the same message, answered again
    assert before_answer(store.conversations, care, said(store, "I feel so lonely.", NOON + timedelta(hours=1))) == []
    assert before_answer(store.conversations, care, said(store, "I cried again.", NOON + timedelta(days=1))) == []
    (next_week,) = before_answer(store.conversations, care, said(store, "I cried again.", NOON + timedelta(days=5)))
    assert next_week.need is None


def test_no_note_without_a_heavy_message_or_where_it_is_turned_off_or_in_a_temporary_chat(store: Store) -> None:
    for moment in (NOON + timedelta(days=days) for days in range(-13, 5)):
        said(store, "I feel so lonely.", moment)
    heavy = said(store, "I feel so lonely.", NOON + timedelta(days=5))
    assert before_answer(store.conversations, CareSettings(), heavy)
    assert before_answer(store.conversations, CareSettings(note_often=False), heavy) == []
    assert before_answer(ForgettingLog(store.privacy.covers), CareSettings(), heavy) == []
    assert (
        before_answer(store.conversations, CareSettings(), said(store, "Is it late?", NOON + timedelta(days=5))) == []
    )


def test_what_is_often_is_counted_in_days_of_the_last_fortnight() -> None:
    today = NOON.date()
    days = [today - timedelta(days=number) for number in range(30)]
    assert is_often(days[:10], today)
    assert not is_often([*days[:9], *days[14:]], today)
    assert not is_often(days[1:9] * 5, today)
    assert is_due(days[1:10], today)
    assert not is_due(days[1:11], today)


def test_the_page_tells_every_line_of_the_list_and_what_is_counted() -> None:
    page = PAGE.read_text("utf-8")
    rows = {name.strip(): row for row in page.splitlines() if row.startswith("| ") for name in [row.split("|")[1]]}
    for one in help_lines():
        row = rows[countries()[one.region] if one.region else "Elsewhere"]
        ways = (one.phone, one.text, one.web.removeprefix("https://").removeprefix("www."))
        assert [way for way in ways if way and way not in row] == [], one
    assert len(rows) == len(KNOWN) + 1
    words_of_page = " ".join(page.split())
    assert f"at least {HEAVY_DAYS} of the last {WINDOW_DAYS} days" in words_of_page
    for table in ("care.txt", "sensitive.txt"):
        lines = Path(__file__).with_name(table).read_text("utf-8").splitlines()
        cases = [line for line in lines if line and not line.startswith("#")]
        nothing = sum(line.startswith("-: ") for line in cases)
        assert re.search(rf"`tests/core/{table}` with {len(cases)}\b.{{0,12}} {nothing} ", words_of_page), table
