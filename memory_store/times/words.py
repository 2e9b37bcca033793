"""The words of times: names, numbers, distances and parts of days and years, in English and Chinese."""

from __future__ import annotations

import re
from typing import Final

MONTH_NAMES: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAY_SIGNS: Final = "一二三四五六日"
# By their first three letters.
MONTHS: Final = {name[:3].lower(): number for number, name in enumerate(MONTH_NAMES, start=1)}
WEEKDAYS: Final = {name[:3].lower(): number for number, name in enumerate(WEEKDAY_NAMES)}

_NUMBERS: Final = re.findall(
    r"\S+", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
NUMBERS: Final = {"a": 1, "an": 1, "twenty": 20, "thirty": 30} | {
    word: number for number, word in enumerate(_NUMBERS, start=1)
}
_ORDINALS: Final = re.findall(
    r"\S+",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth "
    "twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first",
)
ORDINALS: Final = {word: number for number, word in enumerate(_ORDINALS, start=1)}
_DECADES: Final = re.findall(r"\S+", "thirties forties fifties sixties seventies eighties nineties")
DECADES: Final = {word: 10 * number for number, word in enumerate(_DECADES, start=3)}
SIGNS: Final = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
UNITS: Final = {
    "分钟": "minute",
    "小时": "hour",
    "钟头": "hour",
    "天": "day",
    "日": "day",
    "周": "week",
    "星期": "week",
    "礼拜": "week",
    "月": "month",
    "年": "year",
}

# Units that are so many of another one.
MULTIPLES: Final = {"fortnight": (2, "week"), "decade": (10, "year")}
# Half a unit, as a number of a smaller one.
HALVES: Final = {
    "year": (6, "month"),
    "month": (2, "week"),
    "week": (3, "day"),
    "day": (12, "hour"),
    "hour": (30, "minute"),
    "minute": (1, "minute"),
}
FEW: Final = frozenset({"several", "几", "好几", "数", "若干", "些"})
AHEAD: Final = frozenset({"next", "coming", "接下来", "未来"})

# Seasons of the northern half of the earth, by whole months, and feasts whose days are fixed:
# first month and day, then month and day after the last one.
SEASONS: Final = {
    "spring": (3, 1, 6, 1),
    "summer": (6, 1, 9, 1),
    "autumn": (9, 1, 12, 1),
    "fall": (9, 1, 12, 1),
    "winter": (12, 1, 3, 1),
    "christmas": (12, 24, 12, 27),
    "春": (3, 1, 6, 1),
    "夏": (6, 1, 9, 1),
    "秋": (9, 1, 12, 1),
    "冬": (12, 1, 3, 1),
    "圣诞": (12, 24, 12, 27),
    "元旦": (1, 1, 1, 2),
}
# Hours from midnight; a night ends on the next day.
DAY_PARTS: Final = {
    "morning": (4, 12),
    "afternoon": (12, 18),
    "evening": (17, 24),
    "night": (18, 28),
    "凌晨": (0, 6),
    "早": (4, 12),
    "晨": (4, 12),
    "清晨": (4, 12),
    "早上": (4, 12),
    "早晨": (4, 12),
    "上午": (4, 12),
    "中午": (11, 14),
    "下午": (12, 18),
    "傍晚": (17, 20),
    "晚": (18, 28),
    "夜": (18, 28),
    "晚上": (18, 28),
    "夜里": (18, 28),
}
# Distances in days and years from the one of asking.
DAYS: Final = {
    "today": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "今天": 0,
    "今日": 0,
    "昨天": -1,
    "昨日": -1,
    "前天": -2,
    "大前天": -3,
    "明天": 1,
    "明日": 1,
    "后天": 2,
    "大后天": 3,
    "一昨日": -2,
    "明後日": 2,
    "明后日": 2,
    "今": 0,
    "昨": -1,
    "前": -2,
    "明": 1,
}
YEARS: Final = {"大前年": -3, "前年": -2, "去年": -1, "今年": 0, "本年": 0, "明年": 1, "后年": 2}
WHICH: Final = {
    "last": -1,
    "previous": -1,
    "past": -1,
    "this": 0,
    "current": 0,
    "next": 1,
    "coming": 1,
    "上上": -2,
    "上": -1,
    "这": 0,
    "本": 0,
    "下": 1,
    "下下": 2,
}
# Words that name the first, middle or last third of a longer time.
THIRDS: Final = {
    "early": 0,
    "beginning": 0,
    "start": 0,
    "mid": 1,
    "middle": 1,
    "late": 2,
    "end": 2,
    "初": 0,
    "上旬": 0,
    "中旬": 1,
    "下旬": 2,
    "底": 2,
    "末": 2,
}

# Signs that are read as another one of the same length: full-width digits, spaces, dashes, apostrophes.
FOLD: Final = {0xFF10 + digit: str(digit) for digit in range(10)} | str.maketrans(
    "\u00a0\u3000\u2018\u2019\u02bc\u2010\u2011\u2012\u2013\u2014\u2015\uff0d\uff0f\uff0c\uff5e\u301c\uff1f",
    "  '''-------/,~~?",
)
