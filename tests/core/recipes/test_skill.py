"""SKILL.md and its folder: what the format has is read, what is hostile is refused with a reason and a next step."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from assistant.core.recipes import PLAN_FILE
from assistant.core.recipes.folders import read_files, write_files
from assistant.core.recipes.keeping import check_recipe, name_from, skill_of_plan, write_skill
from assistant.core.recipes.shelf import all_recipes, item_names, know
from assistant.core.recipes.skill import RecipeError, read_skill
from assistant.core.recipes.using import fill_recipe, take_words, text_values
from assistant.core.tasks.plan import read_plan
from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.forms import FieldKind
from memory_store import Recipe, Store
from memory_store.clock import now
from memory_store.errors import KeepsakeError

SKILL = """---
name: plant-care
description: "Cares for plants: when to water. Use when plants are mentioned."
license: MIT
version: 1.10
metadata:
  author: somebody
  keepsake-ask: Care for my {plant}
  keepsake-blanks: |
    plant: Which plant
    days: {title: How many days, type: integer, default: 7, minimum: 1}
    where: {title: Where, enum: [in, out], optional: true}
allowed-tools: Bash(git:*) search_memory
---
Look up {plant} for {days} days. Answer as {"json": true}.
"""


def test_all_that_the_format_has_is_read_and_what_is_added_stands_in_its_metadata() -> None:
    skill = read_skill(SKILL)
    assert (skill.name, skill.license, skill.tools) == ("plant-care", "MIT", ("Bash(git:*)", "search_memory"))
    assert skill.metadata["author"] == "somebody"
    plant, days, where = skill.fields
    assert (plant.title, plant.required, plant.default) == ("Which plant", True, None)
    assert (days.kind, days.required, days.default) == (FieldKind.INTEGER, False, 7)
    assert (where.kind, where.required, where.choices) == (FieldKind.CHOICE, False, (("in", "in"), ("out", "out")))
    values = text_values(take_words(skill.fields, "{days} fern"), {})
    assert values == {"plant": "{days} fern", "days": "7", "where": ""}
    # Filled in once: what is filled in has no blanks, and what else stands in braces stays.
    assert skill.fill(skill.body, values) == 'Look up {days} fern for 7 days. Answer as {"json": true}.'
    assert read_skill(SKILL.replace("Bash(git:*) search_memory", "[search_memory]")).tools == ("search_memory",)
    assert read_skill("---\nname: a\ndescription: b\n---\nDo it.").fields == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Do it.", "does not begin with its front matter"),
        (SKILL.replace("plant-care", "Plant-Care"), "name: String should match"),
        (SKILL.replace("plant-care", "plant--care"), "name: String should match"),
        (SKILL.replace("plant-care", "a" * 65), "name: String should have at most 64"),
        (SKILL.replace("Cares for plants", "x" * 1025), "description: String should have at most 1024"),
        (SKILL.replace("license: MIT", f"compatibility: {'x' * 501}"), "compatibility: String should have at most 500"),
        (SKILL.replace("author: somebody", "author: {a: {b: c}}"), "metadata.author: Input should be a valid string"),
        (SKILL.replace("license: MIT", "license: [unclosed"), "The YAML of SKILL.md is wrong in line"),
        (SKILL.replace("license: MIT", "a: &a [x]\nb: [*a, *a]"), "aliases"),
        (SKILL.replace("author: somebody", "author: !!python/object/apply:os.system [id]"), "metadata.author"),
        ("---\n- a\n---\nDo it.", "is no list of fields"),
        ("---\nname: a\ndescription: b\n---\n  \n", "body: it is empty"),
        (SKILL.replace("ask: Care for my {plant}", "ask: Care for my {tree}"), "the blank {tree}"),
        (SKILL.replace("    plant: Which", "    Plant: Which"), "a blank is called by small letters"),
        (SKILL.replace("    plant: Which", "    items: Which"), "no blank is called items"),
        (SKILL.replace("type: integer", "type: object"), "a type that no form has"),
        (SKILL + "x" * 100_000, "too long"),
        ("---\nname: a\ndescription: b\nx: " + "[" * 4000 + "\n---\nDo it.", "YAML"),
    ],
)
def test_what_is_no_skill_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_skill(text)
    assert told in caught.value.message
    assert caught.value.hint


def zipped(path: Path, *members: tuple[str, str | bytes], links: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if links else 0o600) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def test_a_recipe_is_the_same_after_it_was_shared_as_a_folder_or_a_file(tmp_path: Path) -> None:
    files = {"references/trees.md": "Oaks.\n", "assets/form.json": "{}"}
    for path in (tmp_path / "shared", tmp_path / "shared.zip", tmp_path / "shared.skill"):
        path.parent.mkdir(exist_ok=True)
        written = write_files(path, "plant-care", SKILL, files)
        found = read_files(written)
        assert (found.skill, found.files, found.left_out) == (SKILL, files, ())
        with pytest.raises(RecipeError, match="exists"):
            write_files(path, "plant-care", SKILL, files)
    assert (tmp_path / "shared/plant-care/SKILL.md").is_file()
    with zipfile.ZipFile(tmp_path / "shared.skill") as archive:
        assert archive.namelist()[0] == "plant-care/SKILL.md"
    assert read_files(tmp_path / "shared/plant-care/SKILL.md").skill == SKILL
    with pytest.raises(RecipeError, match="name that is not taken"):
        write_files(tmp_path / "b.zip", "plant-care", SKILL, {"../../b.md": "Out."})


def test_scripts_and_what_is_no_text_are_left_out_by_name(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.skill",
        ("a/SKILL.md", SKILL),
        ("a/scripts/run.py", "import os"),
        ("a/scripts/notes.md", "Run it."),
        ("a/tool.sh", "rm"),
        ("a/assets/picture.png", b"\x89PNG"),
        ("a/references/bad.md", b"\xff\xfe\x00"),
        ("a/LICENSE", "MIT"),
        ("a/.git/config", "secret"),
        ("other.md", "Beside it."),
        ("a/big.csv", "x" * 300_000),
    )
    found = read_files(path)
    assert dict(found.files) == {"LICENSE": "MIT"}
    assert {item.part: item.reason for item in found.left_out} == {
        "scripts/run.py": "a script is never run",
        "scripts/notes.md": "a script is never run",
        "tool.sh": "a script is never run",
        "assets/picture.png": "only texts are kept",
        "references/bad.md": "it is no text in UTF-8",
        "other.md": "it lies outside of the recipe's folder",
        "big.csv": "it is too large",
    }


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("../SKILL.md", SKILL)], "name that is not taken"),
        ([("a/SKILL.md", SKILL), ("a/../../x.md", "x")], "name that is not taken"),
        ([("/a/SKILL.md", SKILL)], "name that is not taken"),
        ([("C:/a/SKILL.md", SKILL)], "name that is not taken"),
        ([("a\\..\\..\\SKILL.md", SKILL)], "name that is not taken"),
        ([("a/SKILL.md", SKILL), ("a/\x1b[2J.md", "x")], "name that is not taken"),
        ([("a/README.md", "x")], "holds no SKILL.md"),
        ([("a/SKILL.md", SKILL), ("b/SKILL.md", SKILL)], "more than one recipe"),
        ([("a/SKILL.md", b"\xff\xfe\x00")], "is no UTF-8"),
        ([("a/SKILL.md", "x" * 300_000)], "is too large"),
        ([("a/SKILL.md", SKILL), *((f"a/{n}.md", "x" * 250_000) for n in range(6))], "KB of text"),
        ([("a/SKILL.md", SKILL), *((f"a/{n}.md", "x") for n in range(201))], "more than 200 files"),
    ],
)
def test_a_hostile_zip_is_refused_with_the_reason(
    tmp_path: Path, members: list[tuple[str, str | bytes]], told: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read_files(zipped(tmp_path / "a.zip", *members))
    assert told in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


def test_no_zip_bomb_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", ("a/SKILL.md", SKILL), ("a/bomb.md", b"0" * 50_000_000))
    read: list[str] = []
    unpack = zipfile.ZipFile.read

    def noted(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
        read.append(member.filename)
        return unpack(archive, member)

    monkeypatch.setattr(zipfile.ZipFile, "read", noted)
    assert [item.reason for item in read_files(path).left_out] == ["it is too large"]
    assert read == ["a/SKILL.md"]


def test_links_and_what_is_damaged_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret", "utf-8")
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "SKILL.md").write_text(SKILL, "utf-8")
    (folder / "leak.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(RecipeError, match="is a link"):
        read_files(folder)
    with pytest.raises(RecipeError, match="is a link"):
        read_files(zipped(tmp_path / "a.zip", ("a/SKILL.md", SKILL), ("a/leak.md", "/etc/passwd"), links=True))
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(RecipeError, match=r"can't be read"):
        read_files(tmp_path / "b.zip")
    whole = zipped(tmp_path / "c.zip", ("a/SKILL.md", SKILL)).read_bytes()
    refused = 0
    for place in range(0, len(whole), 11):  # names, sizes, sums, packed text: one byte is wrong
        (tmp_path / "c.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read_files(tmp_path / "c.zip")
        except RecipeError:
            refused += 1
    assert refused > len(whole) // 22
    for name in ("nothing", "a/SKILL.txt"):
        with pytest.raises(RecipeError, match="is no"):
            read_files(tmp_path / name)


def test_a_plan_becomes_a_recipe_and_its_blanks_are_filled_in_without_touching_what_is_known_of_items() -> None:
    plan = read_plan(
        'title = "Gyms {compared}"\n[[steps]]\nname = "judge"\nask = "What does {name} cost?"\n'
        'columns = { price = "euros" }\n[[items]]\nname = "Anna"\n'.replace("{compared}", "compared")
    )
    files = skill_of_plan(plan)
    assert check_recipe(files.skill, files.files) == "gyms-compared"
    skill = write_skill("gyms", "Compares gyms.", "Do it.", blanks={"town": "Where", "price_of": {"default": "a day"}})
    text = files.files[PLAN_FILE].replace("What does {name} cost", "What does {name} in {town} cost for {price_of}")
    from memory_store.models import USER as _user  # noqa: F401

    known = know(Recipe("", "gyms", skill, {PLAN_FILE: text}, (), False, now()))
    assert known.asks_for_items
    filled = known.read_plan({"town": 'Ly"on {name}\n', "price_of": "a year"}, item_names("Bea; Cid ;; Bea"))
    assert filled.steps[0].ask == 'What does {name} in Ly"on (name)\n cost for a year?'
    assert [item["name"] for item in filled.items] == ["Bea", "Cid"]
    with pytest.raises(RecipeError, match="price is a blank and a name in the plan"):
        check_recipe(skill.replace("price_of", "price"), {PLAN_FILE: files.files[PLAN_FILE]})
    with pytest.raises(KeepsakeError, match=r"in the step judge, \{street\} is not known"):
        check_recipe(skill, {PLAN_FILE: text.replace("{town}", "{street}")})


def test_names_are_made_of_any_title() -> None:
    names = [name_from(title) for title in ("Überblick: Verträge & Fristen!", "周报", "a" * 50, "Trip  to Porto 2026")]
    assert names == ["uberblick-vertrage-fristen", "recipe", "recipe", "trip-to-porto-2026"]


# -- those that come along -------------------------------------------------------------------------------------------

TEN = {
    *("expense-table", "gift-ideas", "household-contracts", "inbox-to-actions", "language-practice"),
    *("literature-notes", "meal-plan", "meeting-preparation", "trip-from-mails", "weekly-review"),
}


def test_ten_recipes_come_along_that_the_format_allows_and_whose_tools_and_blanks_are_there(store: Store) -> None:
    found = {known.name: known for known in all_recipes(store)}
    assert found.keys() == TEN
    tools = {tool.name: tool for tool in BUILT_IN}
    for name, known in found.items():
        skill = known.skill
        assert (skill.name, known.is_own, known.recipe.is_agreed) == (name, False, True)
        assert "Use " in skill.description
        assert len(skill.body.splitlines()) < 60
        assert set(skill.tools) <= tools.keys()
        assert all(tools[tool].effect.value == "read" for tool in skill.tools)
        # Each tool that is declared is named by a step, and none that is not declared.
        named = {tool for tool in tools if f"`{tool}`" in skill.body or f'"{tool}"' in known.plan}
        assert named == set(skill.tools)
        assert skill.ask
        values = text_values(skill.fields, {field.name: "Porto" for field in skill.fields if field.default is None})
        filled = fill_recipe(known, values)
        blank = {f"{{{field.name}}}" for field in skill.fields}
        assert not [text for text in blank if text in filled.question or text in filled.body]
        # Every blank is used somewhere.
        assert not [text for text in blank if text not in skill.ask + skill.body + known.plan]
        if known.plan:
            plan = known.read_plan(values, item_names("Ines; Ben"))
            assert [item["name"] for item in plan.items] == ["Ines", "Ben"]
