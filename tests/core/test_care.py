"""Messages that speak of an emergency are told from figures of speech, stories, general questions and code."""

from __future__ import annotations

from pathlib import Path

from assistant.core.care.needs import Need, care_needed


def cases() -> list[tuple[str, Need | None]]:
    """Return the table's texts with their needs."""
    lines = Path(__file__).with_name("care.txt").read_text("utf-8").splitlines()
    rows = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    return [(text, None if need == "-" else Need(need)) for need, _, text in rows]


def test_every_text_of_the_table_has_its_need_and_no_other() -> None:
    wrong = [(text, care_needed(text)) for text, need in cases() if care_needed(text) is not need]
    assert wrong == []


def test_the_table_is_large_with_many_chinese_texts_and_many_that_need_nothing() -> None:
    table = cases()
    chinese = [need for text, need in table if any("\u4e00" <= sign <= "\u9fff" for sign in text)]
    assert len(table) >= 590
    assert len(chinese) >= 240
    assert sum(need is None for _, need in table) >= 230
    assert sum(need is None for need in chinese) >= 90
    assert {need for _, need in table} == {None, *Need}


def test_the_words_count_wherever_they_stand_and_however_they_are_typed() -> None:
    assert care_needed("Hello! Thanks for the recipe.\n\nActually… I want to die.") is Need.SELF_HARM
    assert care_needed("I DON’T WANT TO LIVE ANYMORE") is Need.SELF_HARM
    assert care_needed("你好。谢谢！我想死。") is Need.SELF_HARM
    assert care_needed(f"{'A line of a long paste. ' * 50_000}\nMy dad just had a seizure") is Need.MEDICAL
