"""The Chinese words of times."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from memory_store.languages.times import TimeWords

WEEKDAYS: Final = "一二三四五六日"


def _date_words(moment: datetime) -> str:
    sign = WEEKDAYS[moment.weekday()]
    return f"{moment.year}年{moment.month}月{moment.day}日 星期{sign} 周{sign}"


WORDS: Final = TimeWords(
    digits={sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2},
    units={
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
    },
    few=frozenset({"几", "好几", "数", "若干", "些"}),
    ahead=frozenset({"接下来", "未来"}),
    seasons={
        "春": (3, 1, 6, 1),
        "夏": (6, 1, 9, 1),
        "秋": (9, 1, 12, 1),
        "冬": (12, 1, 3, 1),
        "圣诞": (12, 24, 12, 27),
        "元旦": (1, 1, 1, 2),
    },
    day_parts={
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
    },
    days={
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
    },
    years={"大前年": -3, "前年": -2, "去年": -1, "今年": 0, "本年": 0, "明年": 1, "后年": 2},
    which={"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2},
    thirds={"初": 0, "上旬": 0, "中旬": 1, "下旬": 2, "底": 2, "末": 2},
    date_words=_date_words,
)
