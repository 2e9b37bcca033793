"""Single times in Chinese text: the words that name a day, a month, a season, a year or a distance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from memory_store.languages.zh.words import WEEKDAYS
from memory_store.times import feasts, windows, words
from memory_store.times import rules as shared
from memory_store.times.rules import Found, Rules, TimeRules
from memory_store.times.windows import Window

_NUMBER: Final = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_COUNT: Final = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3}|好几|几|数|若干|半)"
_UNIT: Final = r"(?:分钟|个?小时|个?钟头|天|日|周|个?星期|个?礼拜|个月|年)"
_YEAR: Final = (
    r"(?<!\d)(?P<year>\d{4}年|[一二][〇零一二三四五六七八九]{3}年|\d\d年(?=\d{1,2}月)"
    r"|大前年|前年|去年|今年|本年|明年|后年)"
)
_WHICH: Final = r"(?P<which>上上|上|这|本|下下|下)一?个?"
_FEAST: Final = feasts.names("zh")
_WEEK: Final = r"(?:周|星期|礼拜)"
# Not the 三 of 上周三次, nor the 天 of 上周天气.
_WEEKDAY: Final = r"(?:[一二三四五六日]|天(?!气))(?![次遍回个天])"
_DAY: Final = rf"(?P<day>{_NUMBER})\s*[日号]"
# Things that have a number: 三号线, 十四号楼.
_NUMBERED: Final = "楼线店院车门机馆室桌房码召子本元历记文常报程期"
_TO: Final = r"\s*(?:到|至|-|~)\s*"


def _number_of_weekday(sign: str) -> int:
    return 6 if sign == "天" else WEEKDAYS.index(sign)


def _loosely_ago(found: Found, now: datetime) -> Window:
    """前几天, 前两年"""
    _, most, unit = shared.read_distance(found["count"], found["unit"])
    return windows.ago(now, 1, most, unit)


def _which_week(found: Found, now: datetime) -> Window:
    """上周, 这个周末, 下周一"""
    which, day = words.WHICH[found["which"]], found["day"]
    if day is None or day == "末":
        return windows.calendar_unit(now, "weekend" if day else "week", which)
    return windows.weekday_of_week(now, _number_of_weekday(day), which)


def _day_of_other_year(found: Found, now: datetime) -> Window:
    """去年今天"""
    there = now + timedelta(days=words.DAYS[found["name"]])
    return windows.day(windows.shifted(there, "year", words.YEARS[found["year"]]))


def _day_of_last(found: Found, now: datetime) -> Window:
    """上个月的今天"""
    return windows.day(windows.shifted(now, words.UNITS[found["unit"]], -1))


def _day_alone(found: Found, now: datetime) -> Window:
    """十四号"""
    return windows.day_of_month(now, shared.read_number(found["day"]))


def _weekday(found: Found, now: datetime) -> Window:
    return windows.weekday(now, _number_of_weekday(found["day"]), None)


def _which_month(found: Found, now: datetime) -> Window:
    """上个月, 本月5日"""
    month = windows.calendar_unit(now, "month", words.WHICH[found["which"]])
    if found["day"] is None:
        return month
    day = shared.read_number(found["day"])
    return windows.days(month.start.year, month.start.month, day, day)


def _which_quarter(found: Found, now: datetime) -> Window:
    return windows.calendar_unit(now, "quarter", words.WHICH[found["which"]])


def _months(found: Found, now: datetime) -> Window:
    """5月, 去年3到5月"""
    last = shared.read_number(found["month"])
    first = shared.read_number(found["first"]) if found["first"] else last
    return shared.in_year(found, now, lambda year: windows.months(year, first, last))


def _date(found: Found, now: datetime) -> Window:
    """5月2日, 二〇二三年五月三号到九号"""
    month, day = shared.read_number(found["month"]), shared.read_number(found["day"])
    last = shared.read_number(found["until"]) if found["until"] else day
    return shared.in_year(found, now, lambda year: windows.days(year, month, day, last))


def _season(found: Found, now: datetime) -> Window:
    name = found["season"] or found["feast"]
    return shared.in_year(found, now, lambda year: windows.season(year, name))


def _part_of_year(found: Found, now: datetime) -> Window:
    """2024年第三季度, 去年上半年"""
    length, number = (6, 1 + (found["half"] == "下")) if found["half"] else (3, shared.read_number(found["quarter"]))
    first, last = (number - 1) * length + 1, number * length
    return shared.in_year(found, now, lambda year: windows.months(year, first, last))


def _year(found: Found, now: datetime) -> Window:
    year = shared.read_year(found, now)
    return windows.years(now.year if year is None else year)


def _this_unit(found: Found, now: datetime) -> Window:
    """the year of 年底, the month of 月初"""
    return windows.calendar_unit(now, "year" if found["unit"] == "年" else "month", 0)


def _decade(found: Found, now: datetime) -> Window:
    """90年代, 九十年代, 2010年代: of the last century where two figures are named"""
    number = shared.read_number(found["decade"])
    return windows.years(number if number > 99 else 1900 + number, 10)


_RULES: Final[Rules] = (
    (rf"(?:{_YEAR}的?)?(?P<feast>{_FEAST})", shared.feast),
    (r"(?P<year>大前年|前年|去年|明年|后年)的?(?P<name>今天|今日|昨天|明天|前天)", _day_of_other_year),
    (r"上个?(?P<unit>月|周|星期|礼拜)的?(?P<name>今天|今日)", _day_of_last),
    (rf"(?P<count>{_COUNT})(?P<unit>{_UNIT})(?:以|之)?前的(?P<name>今天|今日|昨天|明天)", shared.same_day_ago),
    (r"(?P<name>大前天|一昨日|前天|昨天|昨日|今天|今日|明天|明日|明后日|大后天|后天)", shared.named_day),
    (r"(?P<name>[今昨明前])(?P<part>晚上?|夜里?|早上?|晨)", shared.part_of_named_day),
    (rf"(?<![\d第])(?P<count>{_COUNT})多?(?P<unit>{_UNIT})(?:以|之)?前(?![后面])", shared.some_ago),
    (r"(?<![节夕秋庆阳午明日号月周])前(?P<count>几|些|两|三)(?P<unit>天|年|周|个星期|个月)", _loosely_ago),
    (
        rf"(?P<which>最近|过去|(?<!附)近|这(?=几|两)|接下来|未来)的?(?P<count>{_COUNT})(?P<unit>{_UNIT})"
        r"(?:之内|以内|以来|内|里|来)?",
        shared.rolling,
    ),
    (rf"{_WHICH}{_WEEK}(?P<day>末|{_WEEKDAY})?", _which_week),
    (r"周末", shared.weekend),
    (rf"(?<![每一二两三四五六七八九十几\d半]){_WEEK}(?P<day>{_WEEKDAY})", _weekday),
    (rf"{_WHICH}月(?![球亮饼])份?的?(?:{_DAY})?", _which_month),
    (rf"{_WHICH}季度", _which_quarter),
    (r"(?:上个?世纪)?(?P<decade>(?:19|20)?\d0|[三四五六七八九]十)年代", _decade),
    (
        rf"(?:{_YEAR}的?\s*|(?<![\d第个]))(?P<month>{_NUMBER})\s*月\s*{_DAY}"
        rf"(?:{_TO}(?P<until>{_NUMBER})[日号])?",
        _date,
    ),
    (
        rf"(?:{_YEAR}的?\s*|(?<![\d第个]))(?:(?P<first>{_NUMBER})月?份?{_TO})?(?P<month>{_NUMBER})\s*月(?![球亮饼])份?"
        rf"(?!\s*{_NUMBER}\s*[日号])",
        _months,
    ),
    (rf"(?:{_YEAR}的?)?(?:(?P<season>[春夏秋冬])[天季]|(?P<feast>圣诞|元旦)节?)", _season),
    (rf"(?:{_YEAR}的?)?(?:第?(?P<quarter>[一二三四1-4])个?季度|(?P<half>[上下])半年)", _part_of_year),
    (rf"{_YEAR}(?![级代龄])", _year),
    (
        rf"(?<![\d第一二三四五六七八九十年月两])(?P<day>{_NUMBER})号(?![{_NUMBERED}])",
        _day_alone,
    ),
    (r"(?<![\d一二三四五六七八九十两几半个今去前明后本这上下年月份])(?P<unit>[年月])(?=[初底末])", _this_unit),
)
RULES: Final = TimeRules(_RULES, edge="", telling="[\u4e00-\u9fff]")
