"""`keepsake task`: from a sentence to a table, with a trial, questions, a crash in between, and an erasure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.core.tasks.plan import read_plan
from assistant.llm.scripted import ScriptedChat
from memory_store import Store
from tests.cli.conftest import Shell
from tests.core.tasks.test_plan import PLAN as PLAN_FOR_PAGES
from tests.support.embedder import HashEmbedder

PLAN = {
    "title": "Gyms compared",
    "best": "-price",
    "steps": [
        {"name": "judge", "ask": "What does {name} cost?", "columns": {"price": "euros a month"}},
        {"name": "keep", "tool": "remember", "with": {"text": "{name} costs {price} euros a month."}},
    ],
    "items": [{"name": "example"}],
}
GYMS = "name;town\nAnna;Lyon\nBea;Lyon\nCid;Porto\nDan;Faro\n"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedChat:
    """A model that finds a price for every gym."""
    scripted = ScriptedChat(otherwise=['{"price": 30}'])
    monkeypatch.setattr(bootstrap, "build_model", lambda _: scripted)
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "off")
    return scripted


@pytest.fixture
def gyms(tmp_path: Path) -> Path:
    file = tmp_path / "gyms.csv"
    file.write_text(GYMS, "utf-8")
    return file


def drafted(keepsake: Shell, model: ScriptedChat, gyms: Path) -> str:
    """Draft a task by the model, and return its id."""
    model.add([json.dumps({**PLAN, "steps": []})], [f"Here it is: {json.dumps(PLAN)}"])
    told = keepsake("task", "new", "Compare these gyms and keep what they cost.", "--items", str(gyms))
    assert told.code == 0, told.err
    assert "tries its first 3 items." in told.err
    return told.out.split()[0]


def test_task_from_a_sentence_is_tried_allowed_and_ends_in_a_table(
    keepsake: Shell, model: ScriptedChat, gyms: Path
) -> None:
    task = drafted(keepsake, model, gyms)
    assert "steps: Value should have at least 1 item" in model.requests[1].messages[-1].content
    assert "fields name, town" in model.requests[0].messages[-1].content
    assert "remember(text), which writes" in model.requests[0].messages[-1].content
    assert "draft, 0 of 4 done" in keepsake("task", "list").out
    ran = keepsake("task", "run", task[:8])
    assert "0 of 4 done, 3 waiting for you" in ran.out
    shown = keepsake("task", "show", task)
    assert "May this be done? Anna — remember: text: Anna costs 30" in shown.err
    assert keepsake("task", "approve", task, "--item", "Anna").code == 0
    assert keepsake("task", "approve", task, "--item", "Bea", "--no").code == 0
    assert keepsake("task", "approve", task, "--all").out == "1 items go on.\n"
    keepsake("task", "run", task)
    ended = keepsake("task", "show", task, "--json").json
    assert (ended["state"], ended["questions"]) == ("done", [])
    assert ended["results"] == [{"name": name, "price": 30} for name in ("Anna", "Cid", "Dan")]
    assert keepsake("task", "retry", task).out == "1 items are tried again.\n"
    keepsake("task", "run", task)
    with Store.open(keepsake.data, HashEmbedder()) as store:
        notes = sorted(memory.text for memory in store.memories.all())
    assert notes == [f"{name} costs 30 euros a month." for name in ("Anna", "Bea", "Cid", "Dan")]
    steps = keepsake("task", "show", task, "--item", "Anna", "--json").json["steps"]
    assert [step["outcome"] for step in steps] == ["done", "done"]


def test_plan_of_ones_own_is_stored_changed_paused_and_erased(
    keepsake: Shell, model: ScriptedChat, tmp_path: Path
) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN_FOR_PAGES, "utf-8")
    task = keepsake("task", "new", "--plan", str(file)).out.split()[0]
    assert keepsake("task", "show", task, "--plan").out.startswith('title = "A quiet table for six"')
    file.write_text(PLAN_FOR_PAGES.replace('best = "quiet"', 'best = "loud"'), "utf-8")
    wrong = keepsake("task", "edit", task, "--plan", str(file))
    assert (wrong.code, "best is loud, which is no column" in wrong.err) == (1, True)
    file.write_text(PLAN_FOR_PAGES.replace("workers = 4", "workers = 2"), "utf-8")
    assert keepsake("task", "edit", task, "--plan", str(file)).out == "The plan is changed.\n"
    assert keepsake("task", "resume", task).code == 0
    assert keepsake("task", "pause", task).code == 0
    assert keepsake("task", "list", "--json").json["tasks"][0]["state"] == "paused"
    with Store.open(keepsake.data) as store:  # as an archive may bring it
        good = store.tasks.get(task).plan
        store.tasks.change_plan(task, "workers = 4", [])
    assert "The plan can't be followed" in keepsake("task", "list").out
    assert "The plan can't be followed" in keepsake("task", "show", task).out
    with Store.open(keepsake.data) as store:
        store.tasks.change_plan(task, good, read_plan(good).keyed_items())
    assert keepsake("task", "cancel", task).code == 0
    assert keepsake("task", "run", task).code == 1
    assert keepsake("task", "remove", task).code == 1
    assert keepsake("task", "remove", task, "--yes").code == 0
    assert keepsake("task", "list").out.startswith("There are no tasks.")
    assert keepsake("task", "show", task).code == 1


def test_task_is_private_by_the_folder_and_the_words_of_its_list(
    keepsake: Shell, model: ScriptedChat, gyms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draft(listed: str) -> list[bool]:
        gyms.write_text(listed, "utf-8")
        model.add([json.dumps(PLAN)])
        told = keepsake("task", "new", "Compare these", "--items", str(gyms))
        assert (told.code, "does it for all of its items." in told.err) == (0, listed != GYMS)
        return [chat["private"] for chat in keepsake("conversation", "list", "--json").json["conversations"]]

    monkeypatch.setenv("KEEPSAKE_PRIVATE__TOPICS", '["health"]')
    assert draft(GYMS) == [False]
    assert draft("name;note\nAnna;Ines has celiac disease\n") == [True, False]
    assert "celiac" not in str(model.requests)
    monkeypatch.setenv("KEEPSAKE_PRIVATE__FOLDERS", json.dumps([str(gyms.parent)]))
    assert draft(GYMS) == [True, True, False]


def test_what_can_not_be_planned_leaves_nothing(keepsake: Shell, model: ScriptedChat, tmp_path: Path) -> None:
    model.add(["I'd rather not."], ["No."])
    told = keepsake("task", "new", "Ask all of these places.")
    assert (told.code, "wrote no plan that can be followed: there is no JSON object" in told.err) == (1, True)
    assert keepsake("task", "list").out.startswith("There are no tasks.")
    assert keepsake("conversation", "list", "--json").json == {"conversations": []}
    assert keepsake("task", "new").code == 2
    assert keepsake("task", "new", "--plan", str(tmp_path / "none.toml")).code == 1
