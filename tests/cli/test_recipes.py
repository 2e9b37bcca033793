"""`keepsake recipe`: used, made of a task, brought and shared, changed and erased."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import typer
import typer.main

from assistant import bootstrap
from assistant.cli import completing
from assistant.cli.app import app
from assistant.core.tasks.handling import create_task, store_wish
from assistant.core.tasks.plan import Plan, read_plan
from assistant.llm.scripted import ScriptedChat
from memory_store import NewRecipe, Store
from tests.cli.conftest import Shell
from tests.cli.test_tasks import PLAN
from tests.core.recipes.test_use import SKILL


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedChat:
    scripted = ScriptedChat(otherwise=["Water it [1]."])
    monkeypatch.setattr(bootstrap, "build_model", lambda _: scripted)
    monkeypatch.setenv("KEEPSAKE_CHAT__LEARN", "off")
    monkeypatch.setenv("KEEPSAKE_CHAT__TITLES", "off")
    return scripted


def agree(keepsake: Shell) -> None:
    """Agree to all recipes, as a user does who sees them before their first use."""
    with Store.open(keepsake.data) as store:
        for recipe in store.recipes.all():
            store.recipes.agree(recipe)


def test_one_that_comes_along_is_used_changed_and_back_once_the_own_one_is_erased(
    keepsake: Shell, model: ScriptedChat, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepsake("import", str(notes))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    told = keepsake("recipe", "use", "meeting-preparation", "Ines", "--with", "about=the key")
    assert (told.code, told.out.splitlines()[0]) == (0, "Water it [1]."), told.err
    assert "[recipe: meeting-preparation, Ines, the key, 30]" in told.err
    asked = model.requests[0].messages[-1].content
    assert "| A meeting with Ines, about the key, 30 minutes." in asked
    assert "The spare key is with Ines at number 12." in asked
    assert "needs to know: With whom." in keepsake("recipe", "use", "meeting-preparation").err
    assert keepsake("recipe", "use", "meeting-preparation", "Ines", "--with", "about").code != 0

    text = keepsake("recipe", "show", "weekly-review", "--json").json["skill"]
    file = tmp_path / "SKILL.md"
    file.write_text(text.replace("- **Done**", "- **Finished**"), "utf-8")
    assert "Changed: weekly-review." in keepsake("recipe", "edit", "weekly-review", "--file", str(file)).out
    assert "as it was" in keepsake("recipe", "edit", "weekly-review", "--file", str(file)).out
    assert "nobody to show it to" in keepsake("recipe", "use", "weekly-review", "7").err
    agree(keepsake)
    assert keepsake("recipe", "use", "weekly-review", "7").code == 0
    assert "**Finished**" in model.requests[-1].messages[-1].content
    assert "Finished" in keepsake("recipe", "show", "weekly-review").out
    assert "weekly-review        yours" in keepsake("recipe", "list").out
    assert "recipe, " in keepsake("forget", "--matching", "finished happened", "--dry-run").err
    assert keepsake("recipe", "remove", "weekly-review").code != 0  # nobody said yes
    assert "Erased" in keepsake("recipe", "remove", "weekly-review", "--yes").out
    assert "**Done**" in keepsake("recipe", "show", "weekly-review").out
    assert "comes along" in keepsake("recipe", "remove", "weekly-review", "--yes").err
    keepsake("recipe", "edit", "weekly-review", "--file", str(file))
    keepsake("recipe", "edit", "weekly-review", "--private")
    shown = keepsake("recipe", "show", "weekly-review", "--json").json
    assert (shown["private"], shown["blanks"][0]["name"]) == (True, "days")
    assert "weekly-review" in keepsake("show", shown["id"]).out


def test_a_recipe_is_brought_shown_whole_and_shared(
    keepsake: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plant-care"
    folder.mkdir()
    (folder / "SKILL.md").write_text(SKILL, "utf-8")
    (folder / "run.sh").write_text("rm -rf /", "utf-8")
    told = keepsake("recipe", "import", str(folder))
    assert (told.code != 0, "Nothing was taken." in told.err) == (True, True)
    assert told.out.startswith("---\nname: plant-care\n")
    assert "Left out: run.sh (a script is never run)" in told.out
    assert keepsake("recipe", "import", str(folder), "--yes").code == 0
    assert "already" in keepsake("recipe", "import", str(folder), "--yes").err
    (folder / "SKILL.md").write_text(SKILL + "Mind the roots.\n", "utf-8")
    assert keepsake("recipe", "import", str(folder), "--yes", "--replace").code == 0
    assert not keepsake("recipe", "show", "plant-care", "--json").json["private"]
    assert keepsake("recipe", "import", str(folder), "--yes", "--replace", "--private").code == 0
    assert keepsake("recipe", "show", "plant-care", "--json").json["private"]
    assert keepsake("recipe", "edit", "plant-care", "--public").code == 0
    monkeypatch.setenv("KEEPSAKE_PRIVATE__FOLDERS", json.dumps([str(folder.parent)]))
    assert keepsake("recipe", "import", str(folder), "--yes", "--replace").code == 0
    assert keepsake("recipe", "show", "plant-care", "--json").json["private"]
    monkeypatch.delenv("KEEPSAKE_PRIVATE__FOLDERS")
    assert "calls it plant-care" in keepsake("recipe", "new", "plants", "--file", str(folder / "SKILL.md")).err
    shared = tmp_path / "plant.skill"
    assert keepsake("recipe", "export", "plant-care", str(shared)).code == 0
    assert "exists" in keepsake("recipe", "export", "plant-care", str(shared)).err
    assert keepsake("recipe", "export", "plant-care", str(keepsake.data)).code != 0
    assert not (keepsake.data / "plant-care").exists()
    keepsake("recipe", "remove", "plant-care", "--yes")
    assert keepsake("recipe", "import", str(shared), "--yes", "--private").code == 0
    shown = keepsake("recipe", "show", "plant-care", "--json").json
    assert ("Mind the roots." in shown["skill"], shown["private"]) == (True, True)
    assert "Did you mean plant-care?" in keepsake("recipe", "show", "plant-car").err


def test_names_are_completed_and_taken_as_they_are_written(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(keepsake.data) as store:
        store.recipes.add(NewRecipe("weekly-plants", SKILL))
    monkeypatch.setattr(completing, "_data_folder", lambda _: keepsake.data)
    assert completing.recipes(typer.Context(typer.main.get_command(app)), "week") == ["weekly-plants", "weekly-review"]
    assert keepsake("recipe", "show", "Weekly Review").out.startswith("---\nname: weekly-review")


def test_a_task_becomes_a_recipe_and_that_a_task_again(
    keepsake: Shell, model: ScriptedChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.add([json.dumps({**PLAN, "items": [{"name": "Anna"}, {"name": "Bea"}]})])
    task = keepsake("task", "new", "Compare these gyms").out.split()[0]
    assert "Kept: gyms." in keepsake("recipe", "new", "gyms", "--task", task).err
    assert keepsake("recipe", "new", "gyms", "--task", task).code != 0
    agree(keepsake)
    items = tmp_path / "gyms.txt"
    items.write_text("Cid\nDan\n", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    told = keepsake("recipe", "use", "gyms", "--items", str(items))
    assert (told.code, "2 items: Cid, Dan" in told.err) == (0, True), told.err
    drafts = keepsake("task", "list", "--json").json["tasks"]
    assert [(draft["title"], draft["items"]) for draft in drafts] == [("Gyms compared", {"waiting": 2})] * 2
    monkeypatch.setenv("KEEPSAKE_PRIVATE__FOLDERS", json.dumps([str(tmp_path)]))
    assert keepsake("recipe", "use", "gyms", "--items", str(items)).code == 0
    with Store.open(keepsake.data) as store:
        privacy = [store.conversations.is_private(task.message_id) for task in store.tasks.all()]
    assert privacy == [True, False, False]
    monkeypatch.delenv("KEEPSAKE_PRIVATE__FOLDERS")
    plan = tmp_path / "plan.toml"
    files = keepsake("recipe", "show", "gyms", "--json").json["files"]
    plan.write_text(files["assets/plan.toml"].replace("Gyms compared", "Gyms again"), "utf-8")
    assert keepsake("recipe", "edit", "gyms", "--part", "assets/plan.toml", "--file", str(plan)).code == 0
    assert "Gyms again" in keepsake("recipe", "show", "gyms").out
    plan.write_text("title = 1\n", "utf-8")
    assert keepsake("recipe", "edit", "gyms", "--part", "assets/plan.toml", "--file", str(plan)).code != 0
    for path in ("scripts/run.py", "../plan.toml"):
        assert keepsake("recipe", "edit", "gyms", "--part", path, "--file", str(plan)).code != 0
    keepsake("task", "remove", task, "--yes")
    assert "There is no recipe gyms." in keepsake("recipe", "show", "gyms").err


def test_list_is_refused_by_a_way_of_answering(keepsake: Shell, tmp_path: Path) -> None:
    items = tmp_path / "plants.txt"
    items.write_text("Fern\n", "utf-8")
    with Store.open(keepsake.data) as store:
        store.recipes.add(NewRecipe("plant-care", SKILL))
    used = keepsake("recipe", "use", "plant-care", "--items", str(items))
    assert (used.code, "plant-care is a way of answering, and takes no list." in used.err) == (1, True), used.err


def test_what_was_written_replaces_what_another_window_wrote_only_after_a_question(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(keepsake.data) as store:
        store.recipes.add(NewRecipe("plant-care", SKILL))
        task = create_task(store, Plan.model_validate(PLAN), store_wish(store, "Compare these gyms"))

    def edited(text: str, name: str) -> str:
        with Store.open(keepsake.data) as other:
            if name == "plan.toml":
                plan = f"{other.tasks.get(task.id).plan}# Theirs\n"
                other.tasks.change_plan(task.id, plan, read_plan(plan).keyed_items())
            else:
                recipe = other.recipes.find("plant-care")
                assert recipe is not None
                other.recipes.change(recipe.id, "plant-care", f"{recipe.skill}\nTheirs.")
        return f"{text.partition('# Theirs')[0]}# Mine\n" if name == "plan.toml" else f"{SKILL}\nMine."

    answers = iter((False, True) * 2)
    monkeypatch.setattr("assistant.editing.edited", edited)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_args, **_more: next(answers))
    for command, shown in (
        (("recipe", "edit", "plant-care"), ("recipe", "show", "plant-care")),
        (("task", "edit", task.id), ("task", "show", task.id, "--plan")),
    ):
        refused = keepsake(*command)
        assert (refused.code, "was changed meanwhile by somebody else" in refused.err) == (1, True), refused.err
        assert "Theirs" in keepsake(*shown).out
        assert keepsake(*command).code == 0
        assert ("Mine" in keepsake(*shown).out, "Theirs" in keepsake(*shown).out) == (True, False)
