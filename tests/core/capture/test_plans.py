"""A plan holds until the last time that it names is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.core.capture.plans import find_end

SAID_AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on 12 May", "2027-05-13"),
        ("on Friday", "2026-11-28"),
        ("in two weeks", "2026-12-09"),
        ("from 3 to 7 June 2027", "2027-06-08"),
        ("3月4号早上", "2027-03-04"),
        ("下周五", "2026-12-05"),
        ("last week", None),
        ("since Monday", None),
        ("in 2019", None),
        ("", None),
    ],
)
def test_plan_holds_until_the_last_time_that_it_names_is_over(text: str, day: str | None) -> None:
    end = find_end(text, SAID_AT)
    assert (None if end is None else f"{end:%Y-%m-%d}") == day
