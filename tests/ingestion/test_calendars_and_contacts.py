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
        "LOCATION:Main Street 3\\, Ulm\r\nATTENDEE;CN=\"Ada\":mailto:ada@example.org\r\nATTENDEE;PARTSTAT=DECLINED:"
        "mailto:ben@example.org"
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
            "With: Ada, ben@example.org (declined)\nBring the X-ray.\nPay by card.",
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
        ("DTSTART:20251304T100000", "20251304T100000"),
        ("DTSTART:someday", "someday"),
    ],
)
def test_the_time_of_an_event_is_told_as_its_calendar_writes_it(lines: str, words: str) -> None:
    text = read(ics_of(f"SUMMARY:x\r\n{lines}"), "a.ics")[1][0].text
    assert text == "x\nWhen: " + words


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
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nSUMMARY:y\n", "a.ics", "malformed at line 3"),
        ("BEGIN:VCALENDAR\n" + "BEGIN:VALARM\nBEGIN:VEVENT\n" * 50, "a.ics", "nested too deeply"),
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


@pytest.mark.parametrize(
    ("content", "name", "kept", "missing"),
    [
        (ics_of("SUMMARY:Choir", "SUMMARY:Yoga\r\nDTSTART:20260315T180000")[:-30], "a.ics", ["Choir", "Yoga"], "torn"),
        (vcf_of("FN:Ada", "FN:Ben")[:-12], "a.vcf", ["Ada", "Ben"], "torn"),
        (ics_of("SUMMARY:Choir").replace("END:VEVENT", "BEGIN:VEVENT\r\nSUMMARY:Yoga\r\nEND:VEVENT"), "a.ics",
         ["Choir", "Yoga"], "torn"),
        (ics_of("SUMMARY:Choir") + "SUMMARY:y\r\nSUMMARY:z\r\n" + ics_of("SUMMARY:Yoga"), "a.ics",
         ["Choir", "Yoga"], "malformed at line 8"),
    ],
)  # fmt: skip
def test_what_is_torn_is_read_as_far_as_it_goes_and_named(
    content: str, name: str, kept: list[str], missing: str
) -> None:
    document, blocks = read(content, name)
    assert [block.text.splitlines()[0] for block in blocks] == kept
    (left_out,) = document.left_out
    assert left_out.reason.startswith(missing)


def test_lines_are_put_together_as_bytes_whatever_their_encoding() -> None:
    folded = "SUMMARY:Zahnärztin, bitte ".encode() + b"\xc3\r\n \xbcben"
    odd = "SUMMARY:Müllabfuhr".encode("cp1252")
    document, blocks = read(ics_of("@", "§").encode().replace(b"@", folded).replace("§".encode(), odd), "a.ics")
    assert [block.text for block in blocks] == ["Zahnärztin, bitte üben", "Müllabfuhr"]
    assert [part.part for part in document.left_out] == ["line 9"]
    wide = read(ics_of("SUMMARY:Müllabfuhr").encode("utf-16"), "a.ics")[1]
    assert wide[0].text == "Müllabfuhr"


def test_a_description_that_was_not_folded_goes_on_also_with_a_colon_in_it() -> None:
    event = "SUMMARY:Party\r\nDESCRIPTION:Bring salad\r\nand the big pan\r\nBring: a hat\r\nLOCATION:Hall"
    assert read(ics_of(event), "a.ics")[1][0].text == "Party\nWhere: Hall\nBring salad\nand the big pan\nBring: a hat"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("RECURRENCE-ID;TZID=Europe/Berlin:20260112T180000", "Replaces: 2026-01-12 (Monday) 18:00"),
        ("DESCRIPTION:<html><body><p>Dial in: <b>555</b></p><p>Soon</p></body></html>", "Dial in: 555\nSoon"),
        ("DESCRIPTION:<a href=\"https://a.example/1\">Join</a>", "Join\nhttps://a.example/1"),
        ("X-ALT-DESC;FMTTYPE=text/html:<p>Bring shoes</p>", "Bring shoes"),
        ("DESCRIPTION:1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("STATUS:TENTATIVE\r\nATTACH:https://a.example/plan.pdf\r\nCOMMENT:Late",
         "Status: tentative\nAttached: https://a.example/plan.pdf\nComment: Late"),
        ("ATTACH;ENCODING=BASE64;VALUE=BINARY:QUJD\r\nX-GOOGLE-CONFERENCE:https://meet.example/x",
         "Link: https://meet.example/x"),
    ],
)  # fmt: skip
def test_what_an_event_says_is_told_without_tags(lines: str, words: str) -> None:
    assert read(ics_of(f"SUMMARY:x\r\n{lines}"), "a.ics")[1][0].text == f"x\n{words}"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("item1.TEL;type=pref:123\r\nitem1.X-ABLabel:Boat", "Phone (Boat): 123"),
        ("item2.X-ABDATE:2014-06-21\r\nitem2.X-ABLabel:_$!<Anniversary>!$_", "Anniversary: 2014-06-21"),
        ("item3.X-ABRELATEDNAMES:Jonas\r\nitem3.X-ABLabel:_$!<Spouse>!$_", "Spouse: Jonas"),
        ("RELATED;TYPE=friend:Cy", "Friend: Cy"),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-14", "Birthday: 14 March"),
        ("BDAY:--0314", "Birthday: 14 March"),
        ("BDAY:19850314T000000Z", "Birthday: 1985-03-14"),
        ("BDAY;VALUE=text:about 1800", "Birthday: about 1800"),
        ("X-SOCIALPROFILE;type=mastodon;x-user=p:https://s.example/@p", "Profile (mastodon): https://s.example/@p"),
        ("IMPP;X-SERVICE-TYPE=Signal:sgnl:x", "Chat (Signal): sgnl:x"),
        ("URL:http\\://a.example/x", "Link: http://a.example/x"),
        ('NOTE:Boat \\"Möwe\\" here', 'Note: Boat "Möwe" here'),
        ("TEL;TYPE=x-Ferry:5", "Phone (ferry): 5"),
        ("X-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Bo;0;Brother;;", "Brother: Bo"),
        ("X-PHONETIC-FIRST-NAME:oh-mar", "Phonetic first name: oh-mar"),
        ("X-SKYPE:lena", "Chat (Skype): lena"),
        ("X-ETAG:abc\r\nNOTE;ENCODING=QUOTED-PRINTABLE:One=0D=0ATwo", "Note: One\nTwo"),
        ("X-ABUID:5\r\nPHOTO;ENCODING=b:QUJD", ""),
        ("ORG;CHARSET=GBK:@", "Organization: 合同"),
    ],
)
def test_what_a_contact_says_is_labelled_as_the_person_labelled_it(lines: str, words: str) -> None:
    data = vcf_of(f"FN:Petra\r\n{lines}").encode().replace(b"GBK:@", b"GBK:" + "合同".encode("gbk"))
    assert read(data, "a.vcf")[1][0].text == f"Petra\n{words}".strip()


def test_an_event_alone_and_the_times_that_someone_is_busy_are_read() -> None:
    alone = "BEGIN:VEVENT\r\nSUMMARY:Choir\r\nEND:VEVENT\r\n"
    assert read(alone, "a.ics")[1][0].text == "Choir"
    times = "FREEBUSY;FBTYPE=BUSY:20260101T090000Z/20260101T100000Z,20260102T090000Z/PT1H\r\n"
    busy = f"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n{times}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    assert read(busy, "a.ifb")[1][0].text == "Busy: 2026-01-01 (Thursday) 09:00 to 10:00, 2026-01-02 (Friday) 09:00"


def test_a_label_as_android_writes_it_is_read() -> None:
    custom = "X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C5=81=C3=B3dka)"
    text = f"BEGIN:VCARD\nVERSION:2.1\nFN:Ada\nTEL;{custom}:456\nTEL;X-CUSTOM(Boat):7\nEND:VCARD\n"
    assert read(text, "a.vcf")[1][0].text.casefold() == "ada\nphone (łódka): 456\nphone (boat): 7"
