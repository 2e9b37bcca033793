"""Relative words of what was said become the dates they meant, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from memory_store.times.meant import dates_meant

WEDNESDAY = datetime(2026, 11, 25, 15, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("On Monday I see the dentist.", (("Monday", "2026-11-23 or 2026-11-30"),)),
        ("我周六下午去看牙医。", (("周六下午", "2026-11-21 or 2026-11-28"),)),
        ("The call is tomorrow, next Friday we fly.", (("tomorrow", "2026-11-26"), ("next Friday", "2026-11-27"))),
        ("I was ill last week.", (("last week", "2026-11-16 to 2026-11-22"),)),
        ("下周三开会", (("下周三", "2026-12-02"),)),
        ("明天下午三点见客户", (("明天下午", "2026-11-26"),)),
        ("The lease ends on 3 May 2027, as every Monday the bins go out.", ()),
        ("In May I was in Rome, last summer in Corfu.", ()),
        ("Easter was cold.", ()),
        ("The key is with Ines.", ()),
    ],
)
def test_relative_words_mean_dates(text: str, meant: tuple[tuple[str, str], ...]) -> None:
    assert dates_meant(text, WEDNESDAY) == meant
