"""Dates as people and programs write them: read where they are plain, and nothing that is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.ingestion.readers.dates import parse_words

DAY = datetime(2025, 3, 4, tzinfo=UTC)
HOUR = datetime(2025, 3, 4, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2025-03-04", DAY),
        ("2025/3/4", DAY),
        ("4.3.2025", DAY),
        ("2025年3月4日", DAY),
        ("March 4, 2025", DAY),
        ("4 March 2025", DAY),
        ("4. März 2025", DAY),
        ("le mardi 4 mars 2025", DAY),
        ("4 de marzo de 2025", DAY),
        ("4 марта 2025", DAY),
        ("4 marca 2025", DAY),
        ("2025-03-04T10:15:00+01:00", HOUR),
        ("Mar 4, 2025, 10:15:00\u202fAM CET", HOUR),
        ("04.03.2025, 10:15:00 MEZ", HOUR),
        ("2025年3月4日 17:15:00 CST", HOUR),
        ("2025年3月4日星期二 上午9:15:00", HOUR),
        ("Tuesday, March 4th 2025, 9:15:00 am", HOUR),
        ("Tuesday, 4 March 2025 at 09:15:00 UTC", HOUR),
        ("Dienstag, 4. März 2025 um 09:15", HOUR),
        ("March 4, 2025 1:15 AM PST", HOUR),
        ("next summer", None),
        ("version 1.4 of 2025 things", None),
        ("32 March 2025", None),
        ("4 Octember 2025", None),
        ("2025", None),
        ("", None),
    ],
)
def test_a_date_in_words_is_read_and_nothing_that_is_none(words: str, moment: datetime | None) -> None:
    assert parse_words(words) == moment
