"""ICS and VCF: one block an event or contact, dates and repetitions in words, damage named."""

from __future__ import annotations

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from tests.ingestion.files import read
from tests.ingestion.office import ics_of, vcf_of


def test_each_event_is_a_block_with_its_date_place_and_people() -> None:
    calendar = ics_of(
        "SUMMARY:Dentist\r\nDTSTART;TZID=Europe/Berlin:20250304T100000\r\nDTEND;TZID=Europe/Berlin:20250304T110000\r\n"
        "LOCATION:Main Street 3\\, Ulm\r\nATTENDEE;CN=\"Ada\":mailto:ada@example.org\r\nATTENDEE:mailto:ben@example.org"
        "\r\nDESCRIPTION:Bring the X-\r\n ray.\\nPay by card.\r\nBEGIN:VALARM\r\nDESCRIPTION:beep\r\nEND:VALARM",
        "SUMMARY:Holiday\r\nDTSTART;VALUE=DATE:20250801\r\nDTEND;VALUE=DATE:20250816",
    )  # fmt: skip
    document, blocks = read(calendar, "family.ics")
    assert (document.title, document.created_at) == ("Family", None)
    assert [(b.locator.part, b.created_at, b.text) for b in blocks] == [
        (
            "event 1: Dentist",
            None,
            "Dentist\nWhen: 2025-03-04 (Tuesday) 10:00–11:00, Europe/Berlin\nWhere: Main Street 3, Ulm\n"
            "With: Ada, ben@example.org\nBring the X-ray.\nPay by card.",
        ),
        ("event 2: Holiday", None, "Holiday\nWhen: 2025-08-01 (Friday) to 2025-08-15 (Friday), all day"),
    ]
    assert (blocks[0].locator.line_start, blocks[0].locator.line_end) == (4, 16)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("DTSTART:20250304T100000Z", "2025-03-04 (Tuesday) 10:00, UTC"),
        ("DTSTART:20250304T230000\r\nDURATION:PT2H30M", "2025-03-04 (Tuesday) 23:00 to 2025-03-05 (Wednesday) 01:30"),
        ("DTSTART;VALUE=DATE:20250304", "2025-03-04 (Tuesday), all day"),
        ("DTSTART:20251304T100000", ""),
        ("DTSTART:someday", ""),
    ],
)
def test_the_time_of_an_event_is_told_as_its_calendar_writes_it(lines: str, words: str) -> None:
    text = read(ics_of(f"SUMMARY:x\r\n{lines}"), "a.ics")[1][0].text
    assert text == ("x\nWhen: " + words if words else "x")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("RRULE:FREQ=DAILY", "every day"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20250601T000000Z",
         "every 2 weeks on Monday and Friday, until 2025-06-01"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=5", "every month on the second Tuesday, 5 times"),
        ("RRULE:FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "every month on the last Friday"),
        ("RRULE:FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=-1", "every year in March and September on the last day"),
        ("RRULE:FREQ=WEEKLY\r\nEXDATE:20250311T100000,20250318T100000",
         "every week, except on 2025-03-11 and 2025-03-18"),
        ("RDATE;VALUE=DATE:20250401", "also on 2025-04-01"),
        ("RRULE:FREQ=NEVER;BYDAY=XX", ""),
    ],
)  # fmt: skip
def test_the_repetition_of_an_event_is_told_in_words(rule: str, words: str) -> None:
    text = read(ics_of(f"SUMMARY:x\r\n{rule}"), "a.ics")[1][0].text
    assert text == (f"x\nRepeats: {words}" if words else "x")


def test_tasks_and_their_due_dates_are_read_too() -> None:
    calendar = "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:Tax\nDUE;VALUE=DATE:20250531\nEND:VTODO\nEND:VCALENDAR\n"
    (block,) = read(calendar, "a.ics")[1]
    assert (block.locator.part, block.text) == ("task 1: Tax", "Tax\nDue: 2025-05-31 (Saturday)")


def test_each_contact_is_a_block() -> None:
    cards = vcf_of(
        "FN:Ada Lovelace\r\nTEL;TYPE=CELL,VOICE:+44 20 1234\r\nitem1.EMAIL;TYPE=work:ada@example.org\r\n"
        "ADR;TYPE=HOME:;;12 St James Square;London;;SW1Y;UK\r\nBDAY:1815-12-10\r\nNOTE:Likes\\; maths\r\n"
        "PHOTO;ENCODING=b:" + "QUJD" * 400,
        "N:Babbage;Charles;;Mr;\r\nORG:Engines;Difference",
    )
    _, blocks = read(cards, "people.vcf")
    assert [(b.locator.part, b.text) for b in blocks] == [
        (
            "contact 1: Ada Lovelace",
            "Ada Lovelace\nPhone (cell): +44 20 1234\nEmail (work): ada@example.org\n"
            "Address (home): 12 St James Square, London, SW1Y, UK\nBirthday: 1815-12-10\nNote: Likes; maths",
        ),
        ("contact 2: Mr Charles Babbage", "Mr Charles Babbage\nOrganization: Engines, Difference"),
    ]


def test_old_contacts_in_quoted_printable_are_read() -> None:
    card = "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ren=C3=A9e =\n=C3=84rger\n"
    card += "TEL;HOME:123\nEND:VCARD\n"
    assert read(card, "a.vcf")[1][0].text == "Renée Ärger\nPhone (home): 123"


def test_calendars_and_contacts_without_a_suffix_are_known_by_their_content() -> None:
    assert read(ics_of("SUMMARY:x"), "export")[0].media_type == "text/calendar"
    assert read(vcf_of("FN:x"), "export")[0].media_type == "text/vcard"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("words", "a.ics", "not a calendar"),
        ("words", "a.vcf", "not a contact"),
        (ics_of("SUMMARY:x")[:-40], "a.ics", "torn: its end is missing"),
        (vcf_of("FN:x")[:-12], "a.vcf", "torn: its end is missing"),
        (ics_of("SUMMARY:x") + "SUMMARY:y", "a.ics", "malformed at line 8"),
        ("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * 50, "a.ics", "nested too deeply"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "a.ics", "no text"),
    ],
)
def test_a_bad_calendar_or_address_book_is_refused_with_its_reason(content: str, name: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read(content, name)
    assert caught.value.hint


def test_a_picture_folded_over_many_lines_costs_no_memory_and_no_contact() -> None:
    photo = "PHOTO;ENCODING=b:" + "\r\n ".join(["QUJD" * 15] * 100)
    _, blocks = read(vcf_of(f"{photo}\r\nFN:Ada"), "a.vcf", ReadLimits(max_line_chars=1000))
    assert blocks[0].text == "Ada"
