"""A plan is read whole or refused with what is wrong and where; what is filled in is never filled in again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.core.tasks.drafting import read_items, split_list
from assistant.core.tasks.plan import PlanError, fill, read_plan, write_plan

PLAN = """
title = "A quiet table for six"
wish = "Find a quiet table for six on Friday."
best = "quiet"
workers = 4

[budget]
tokens = 50000

[[steps]]
name = "page"
tool = "read_page"
with = { url = "{url}" }

[[steps]]
name = "judge"
ask = "Is there a table for six at {name} on Friday, and how quiet is it?"
columns = { free = "yes or no", quiet = "0 to 10" }

[[items]]
name = "Anna"
url = "https://anna.example/"

[[items]]
name = "Bea"
url = "https://bea.example/"
"""


def test_plan_comes_back_as_it_was_written() -> None:
    plan = read_plan(PLAN)
    assert (plan.title, plan.workers, plan.trial, plan.budget.tokens) == ("A quiet table for six", 4, 3, 50_000)
    assert [
        (step.name, step.tool, {name: column.means for name, column in step.columns.items()}) for step in plan.steps
    ] == [
        ("page", "read_page", {}),
        ("judge", "", {"free": "yes or no", "quiet": "0 to 10"}),
    ]
    assert plan.columns == ("free", "quiet")
    assert read_plan(write_plan(plan)) == plan
    assert plan.keyed_items()[1] == ("Bea", '{"name": "Bea", "url": "https://bea.example/"}')


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('title = "A quiet', 'title = A "quiet', "no valid TOML"),
        ("workers = 4", "workers = 400", "workers: Input should be less than or equal to 30"),
        ("workers = 4", "workers = " + "9" * 5000, "a number that is too long"),
        ("workers = 4", f"workers = {'[' * 5000}", "no valid TOML"),
        ("workers = 4", "colour = 4", "colour: Extra inputs are not permitted"),
        ('url = "{url}"', 'url = "{adress}"', "in the step page, {adress} is not known by then; known are name, url"),
        ('url = "{url}"', 'url = "{quiet}"', "{quiet} is not known by then"),
        ('url = "https://bea.example/"', "", "{url} is not known by then; known are name"),
        ('name = "Bea"', 'name = "Anna"', "two items are called Anna"),
        ('name = "Bea"', 'name = " "', "item 2 has no name"),
        ('tool = "read_page"', "", "steps 1: a step has either a tool or something to ask a model"),
        ('best = "quiet"', 'best = "-loud"', "best is -loud, which is no column"),
        ('quiet = "0 to 10" }', 'page = "0 to 10" }', "page is the name of two things"),
        ('columns = { free = "yes or no", quiet = "0 to 10" }', "", "needs columns"),
        ('quiet = "0 to 10" }', '"Quiet place" = "0 to 10" }', "a column is called by small letters"),
    ],
)
def test_what_is_wrong_is_said(before: str, after: str, told: str) -> None:
    assert before in PLAN
    with pytest.raises(PlanError) as error:
        read_plan(PLAN.replace(before, after))
    assert told in error.value.message


def test_plan_of_the_documentation_can_be_followed() -> None:
    page = Path("docs/tasks.md").read_text(encoding="utf-8")
    first, more = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    report, tables = more.split("[judge]")
    plan = read_plan(report + first.replace("[[items]]", f"[judge]{tables}[[items]]", 1))
    assert [step.role for step in plan.steps] == ["reader", "reader", "finder"]
    assert plan.columns == ("place", "free", "quiet", "why", "past", "because")
    assert plan.judge is not None
    assert 0 < plan.judge.among * (plan.judge.among - 1) == int(re.findall(r"(\d+) requests", more)[0])


def test_what_is_filled_in_has_no_blanks() -> None:
    assert fill("{a} and {b}, {c}", {"a": "{b}", "b": "two"}) == "{b} and two, "


def test_pasted_list_is_taken_as_it_is_and_fewer_lines_are_words_of_the_wish() -> None:
    names = [f"Place {number}" for number in range(300)]
    wish, items = split_list(
        "Which is quiet?\n\n" + "\n".join(f"{at}. {name}" for at, name in enumerate(names)) + "\n\nIn German."
    )
    assert (wish, [item["name"] for item in items]) == ("Which is quiet?\n\n\nIn German.", names)
    wish, items = split_list("Ask these\nname;town\nAnna;Lyon\nBea;Faro\nBea;Faro\nCid;Porto\nDan;Faro")
    assert (wish, [item["town"] for item in items]) == ("Ask these", ["Lyon", "Faro", "Porto", "Faro"])
    prose = "Find a table.\nIt is for six.\nQuiet.\nBy the sea.\nOn Friday.\nNot too dear."
    assert split_list(prose) == (prose, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title,url\nAnna,a.example", "The table of items has no column `name`, but title, url."),
        ("name,url\nAnna,a.example\n,b.example", "Item 2 of the list has no name."),
        ("name,url\nAnna,a.example\nAnna,b.example", "Two items are called Anna, and differ."),
        ("name,a b,a-b\nAnna,1,2", "Two columns of the table of items are called a_b."),
        ('name,url\n"Anna,a.example\nBea,b.example', "The list of items can't be read: unexpected end of data."),
        (f"name,url\nAnna,{'a' * 200_000}", "The list of items can't be read: field larger than"),
        (f"{'a' * 200_000}\nAnna", "The list of items can't be read: field larger than"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(text: str, told: str) -> None:
    with pytest.raises(PlanError, match=re.escape(told)):
        read_items(text, is_table=True)
