"""What stands in imported calendars is listed by days: repeated, moved, left out, in whatever zone it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assistant.core.conversation.session import Session
from assistant.core.events import TurnFinished
from assistant.core.tools import calendar
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from assistant.llm.roles import Models
from memory_store import Store
from tests.core.tools.test_tools import SETTINGS, asked, call, ended, model
from tests.support.embedder import HashEmbedder


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(calendar, "local_zone", lambda: ZoneInfo("Europe/Berlin"))
    with Store.open(tmp_path / "memory", HashEmbedder()) as opened:
        yield opened


def add(store: Store, folder: Path, *events: str, private: bool = False, name: str = "mine.ics") -> None:
    parts = [part if part.startswith("BEGIN") else f"BEGIN:VEVENT\n{part}\nEND:VEVENT" for part in events]
    (folder / name).write_text("\n".join(("BEGIN:VCALENDAR", *parts, "END:VCALENDAR\n")), "utf-8")
    [outcome] = import_paths(store, [folder / name], ImportOptions(private=private))
    assert outcome.status is FileStatus.IMPORTED


def listed(store: Store, since: str, until: str) -> list[str]:
    """The lines of all occurrences between two days."""
    hits = [passage.as_hit() for passage in store.passages_of_calendars()]
    days = calendar.ListEvents.model_validate({"since": since, "until": until})
    return [item.describe() for item in calendar.find_occurrences(hits, days.since, days.until)]


_IN_NEW_YORK = "TZID=America/New_York:20260105T"
CHOIR = f"UID:s1\nSUMMARY:Choir\nDTSTART;{_IN_NEW_YORK}180000\nDTEND;{_IN_NEW_YORK}190000\n"


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        ("DTSTART:20260302T090000Z\nDTEND:20260302T103000Z", ["2026-03-02 (Monday) 10:00–11:30: Thing"]),
        ("DTSTART:20260302T090000\nDURATION:PT45M", ["2026-03-02 (Monday) 09:00–09:45: Thing"]),
        ("DTSTART;TZID=W. Europe Standard Time:20260302T090000", ["2026-03-02 (Monday) 09:00: Thing"]),
        ("DTSTART;TZID=/maker.example/20250101/Asia/Tokyo:20260303T010000", ["2026-03-02 (Monday) 17:00: Thing"]),
        ("DTSTART;TZID=Nowhere Time:20260302T090000", ["2026-03-02 (Monday) 09:00: Thing"]),
        (
            "DTSTART;VALUE=DATE:20260301\nDTEND;VALUE=DATE:20260304",
            ["2026-03-01 (Sunday) to 2026-03-03, all day: Thing"],
        ),
        ("DTSTART;VALUE=DATE:20260302", ["2026-03-02 (Monday) all day: Thing"]),
        ("DTSTART:20260301T220000\nDTEND:20260302T020000", ["2026-03-01 (Sunday) 22:00 to 2026-03-02 02:00: Thing"]),
        ("DTSTART:20260301T220000\nDTEND:20260302T000000", []),
        ("DTSTART:20260302T090000\nSTATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:19600302\nRRULE:FREQ=YEARLY", ["2026-03-02 (Monday) all day: Thing"]),
        ("DTSTART:20251229T090000\nRRULE:FREQ=WEEKLY;INTERVAL=3;COUNT=4", ["2026-03-02 (Monday) 09:00: Thing"]),
        ("DTSTART:20251229T090000\nRRULE:FREQ=WEEKLY;INTERVAL=3;COUNT=3", []),
        (
            "DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20260302T080000Z",
            ["2026-03-02 (Monday) 09:00: Thing"],
        ),
        ("DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20260301", []),
        ("DTSTART:20260101T090000\nRRULE:FREQ=DAILY\nEXDATE:20260302T090000", []),
        ("DTSTART:20260101T090000\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20260302", []),
        ("DTSTART:20260101T090000\nRDATE:20260302T100000,20260303T100000", ["2026-03-02 (Monday) 10:00: Thing"]),
        ("DTSTART:20260101T090000\nRRULE:FREQ=SECONDLY", []),
        ("DTSTART:20260101T090000\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", []),
        ("DTSTART:20260302T090000\nRRULE:FREQ=DAILY;INTERVAL=0;BYMONTH=6", ["2026-03-02 (Monday) 09:00: Thing"]),
        ("DTSTART:20260302T090000\nRRULE:FREQ=DAILY;BYMONTH=13", ["2026-03-02 (Monday) 09:00: Thing"]),
        ("DTSTART:20260302T090000\nRRULE:FREQ=WEEKLY;BYDAY=nonsense", ["2026-03-02 (Monday) 09:00: Thing"]),
        ("DTSTART:99991231T235900Z\nRRULE:FREQ=DAILY", []),
        ("DTSTART:00010101T000000Z\nDURATION:P9999W", []),
    ],
)
def test_day_in_a_calendar(store: Store, tmp_path: Path, event: str, lines: list[str]) -> None:
    add(store, tmp_path, f"UID:a\nSUMMARY:Thing\n{event}")
    assert listed(store, "2026-03-02", "2026-03-02") == lines


def test_one_of_a_series_that_was_moved_stands_where_it_was_moved_to(store: Store, tmp_path: Path) -> None:
    moved = (
        "UID:s1\nRECURRENCE-ID:20260112T230000Z\nDTSTART;TZID=America/New_York:20260113T150000\nSUMMARY:Choir (moved)"
    )
    gone = "UID:s1\nRECURRENCE-ID;TZID=America/New_York:20260119T180000\nDTSTART:20260119T230000Z\nSTATUS:CANCELLED"
    add(store, tmp_path, f"{CHOIR}RRULE:FREQ=WEEKLY", moved, gone)
    assert listed(store, "2026-01-05", "2026-01-31") == [
        "2026-01-06 (Tuesday) 00:00–01:00: Choir",
        "2026-01-13 (Tuesday) 21:00: Choir (moved)",
        "2026-01-27 (Tuesday) 00:00–01:00: Choir",
    ]


def test_series_keeps_its_hour_when_the_clocks_change(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, f"{CHOIR}RRULE:FREQ=WEEKLY")
    # America changes its clocks on 8 March, Europe on the 29th: in between it is an hour earlier here.
    assert listed(store, "2026-03-03", "2026-03-31") == [
        "2026-03-03 (Tuesday) 00:00–01:00: Choir",
        "2026-03-09 (Monday) 23:00 to 2026-03-10 00:00: Choir",
        "2026-03-16 (Monday) 23:00 to 2026-03-17 00:00: Choir",
        "2026-03-23 (Monday) 23:00 to 2026-03-24 00:00: Choir",
        "2026-03-31 (Tuesday) 00:00–01:00: Choir",
    ]


async def test_model_lists_days_and_cites_an_event(store: Store, tmp_path: Path) -> None:
    long = "X" * 3000
    add(
        store,
        tmp_path,
        f"UID:a\nSUMMARY:Dentist\nDTSTART:20260302T090000\nDESCRIPTION:{long}",
        "UID:b\nSUMMARY:Nap\nDTSTART:20260303T130000",
    )
    add(store, tmp_path, "UID:c\nSUMMARY:Zqsecret\nDTSTART:20260302T100000", private=True, name="hidden.ics")
    days = {"since": "2026-03-02", "until": "2026-03-03"}
    chat = model([call("list_events", **days)], ["At nine [5]."], is_private=False)
    events = await asked(Session(store, Models(chat), SETTINGS), "zzz?")
    [(_, text, failed)] = ended(events)
    numbers = [line.split("] ")[0] for line in text.splitlines()]
    assert not failed
    assert [line.split("> ")[1] for line in text.splitlines()] == [
        "2026-03-02 (Monday) 09:00: Dentist",
        "2026-03-03 (Tuesday) 13:00: Nap",
    ]
    assert len(set(numbers)) == 2
    assert isinstance(events[-1], TurnFinished)
    here = model([call("list_events", **days)], ["At nine."])
    finished = (await asked(Session(store, Models(here), SETTINGS), "zzz?"))[-1]
    assert isinstance(finished, TurnFinished)
    assert finished.message.private


async def test_too_many_days_and_calendars_of_before_are_told(store: Store, tmp_path: Path) -> None:
    chat = model([call("list_events", since="2026-01-01", until="2028-01-01")], ["So."])
    assert ended(await asked(Session(store, Models(chat), SETTINGS)))[0][2]
    chat = model([call("list_events", since="2026-01-01", until="2026-01-01")], ["So."])
    assert "Nothing stands" in ended(await asked(Session(store, Models(chat), SETTINGS)))[0][1]
    add(store, tmp_path, "UID:a\nSUMMARY:Dentist\nDTSTART:20260101T090000")
    with store._database.write() as connection:
        connection.execute("UPDATE passages SET locator = '{}' WHERE document_id IS NOT NULL")
    chat = model([call("list_events", since="2026-01-01", until="2026-01-01")], ["So."])
    assert "import --again" in ended(await asked(Session(store, Models(chat), SETTINGS)))[0][1]
