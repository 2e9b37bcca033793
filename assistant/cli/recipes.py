"""`keepsake recipe`: how things are done again: use, make, change, exchange recipes, as folders of Agent Skills."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli import completing
from assistant.cli.asking import agree_to_replace, erase
from assistant.cli.context import opened_record, opened_store, read_text
from assistant.cli.output import complain, iso, print_json, say, show, table
from assistant.core.recipes import SKILL_FILE
from assistant.core.recipes.shelf import Known, all_recipes, find_recipe
from assistant.display import excerpt, plain
from memory_store import Recipe
from memory_store.errors import ChangedError, KeepsakeError, StoreError

if TYPE_CHECKING:
    from assistant.core.conversation.controller import Controller
    from assistant.core.recipes.folders import SkillFiles

_group = typer.Typer(
    help="Do things again the way they were done: use, make, change and exchange recipes.\n\n"
    "Example: keepsake recipe use weekly-review",
    no_args_is_help=True,
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name in `keepsake recipe list`.",
        show_default=False,
        autocompletion=completing.recipes,
    ),
]
_Private = Annotated[bool, typer.Option("--private", help="Keep it to this machine.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
_EXCERPT_CHARS = 90


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="recipe")


@_group.command("list")
def list_recipes(context: typer.Context, as_json: _Json = False) -> None:
    """List all recipes: your own, and those that come along.

    Example: keepsake recipe list
    """
    with opened_record(context) as store:
        found = all_recipes(store)
    if as_json:
        print_json({"recipes": [_as_json(known) for known in found]})
        return
    rows = [(known.name, _marks(known), excerpt(known.skill.description, _EXCERPT_CHARS)) for known in found]
    table(("NAME", "MARKS", "WHAT IT DOES"), rows)


@_group.command("show")
def show_recipe(context: typer.Context, name: _Name, as_json: _Json = False) -> None:
    """Show a recipe whole: its text, its other files, and what of it was left out.

    Example: keepsake recipe show weekly-review
    """
    from assistant.core.conversation.recipes import describe_files
    from assistant.core.recipes.folders import SkillFiles

    with opened_record(context) as store:
        known = find_recipe(store, name)
    recipe = known.recipe
    if as_json:
        print_json({**_as_json(known), "skill": recipe.skill, "files": dict(recipe.files)})
        return
    show(describe_files(SkillFiles(recipe.skill, recipe.files, tuple(recipe.left_out))))


@_group.command("use")
def use(
    context: typer.Context,
    name: _Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORDS]…", help="What fills in the first blank that is needed.", show_default=False),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="BLANK=WORDS", help="What fills in a blank; may be repeated."),
    ] = None,
    items_file: Annotated[
        Path | None,
        typer.Option("--items", metavar="FILE", help="Of a long task: a name a line, or CSV.", show_default=False),
    ] = None,
) -> None:
    """Answer by a recipe, or make a long task of it. Blanks that are not given are asked for.

    Example: keepsake recipe use meal-plan --with days=3 --with people="Ines and me"
    """
    from assistant.cli.plain import run_in_lines
    from assistant.core.tasks.drafting import is_table, read_items

    pairs = [entry.partition("=") for entry in given or []]
    if any(not sign for _blank, sign, _words in pairs):
        raise typer.BadParameter("--with is written BLANK=WORDS")
    values = {blank.strip(): text.strip() for blank, _sign, text in pairs}
    items = [] if items_file is None else read_items(read_text(items_file), is_table=is_table(items_file))
    with opened_store(context) as (store, settings):
        find_recipe(store, name)
        private = items_file is not None and store.privacy.covers_path(str(items_file.absolute()))

        async def work(controller: Controller) -> None:
            if private:
                await controller.turn_private()
            await controller.use_recipe(name, " ".join(words or []), values, items)

        failed = run_in_lines(store, settings, work)
    if failed:
        raise typer.Exit(1)


@_group.command("new")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.", show_default=False)],
    task_id: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="Make it of the plan of a long task.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Take this SKILL.md; no editor.", show_default=False),
    ] = None,
    private: _Private = False,
) -> None:
    """Write a recipe in your editor, or make one of a long task. In the chat, /recipe new makes one of that chat.

    Example: keepsake recipe new call-the-plumber
    """
    from assistant.core.recipes.folders import SkillFiles, read_files
    from assistant.core.recipes.keeping import begin_recipe, check_recipe, keep_recipe, skill_of_plan
    from assistant.core.tasks.plan import read_plan

    if task_id is not None and file is not None:
        raise typer.BadParameter("--task and --file don't go together")
    with opened_record(context) as store:
        conversation_id = None
        if task_id is not None:
            task = store.tasks.get(store.resolve(task_id))
            files = skill_of_plan(read_plan(task.plan), name)
            conversation_id = store.conversations.message(task.message_id).conversation_id
        elif file is not None:
            files = read_files(file)
            private = private or store.privacy.covers_path(str(file.absolute()))
            written = check_recipe(files.skill, files.files)
            if written != name:
                raise StoreError(f"{file} calls it {written}, not {name}.", "Give it one name.")
        else:
            text = _edited(begin_recipe(store, name), SKILL_FILE, lambda text: check_recipe(text, {}))
            files = SkillFiles(text, {}, ())
        recipe = keep_recipe(store, files, private=private, conversation_id=conversation_id)
    say(f"Kept: {recipe.name}. `keepsake recipe use {recipe.name}` shows what it does, and uses it.")


@_group.command("edit")
def edit(
    context: typer.Context,
    name: _Name,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Take this text; no editor.", show_default=False),
    ] = None,
    part: Annotated[
        str, typer.Option("--part", metavar="PATH", help="Change this file of it, such as assets/plan.toml.")
    ] = SKILL_FILE,
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Keep it to this machine, or no longer.")
    ] = None,
) -> None:
    """Change a recipe in your editor. One that comes along becomes your own by it; it is shown before its next use.

    Example: keepsake recipe edit weekly-review
    """
    from assistant.core.recipes.keeping import change_recipe, check_recipe

    with opened_record(context) as store:
        recipe = find_recipe(store, name).recipe
        if private is not None and recipe.id:
            store.recipes.mark(recipe.id, private=private)
            show(f"{name} is {'private' if private else 'public'} now.")
            return
        before = recipe.skill if part == SKILL_FILE else recipe.files.get(part, "")

        def check(text: str) -> object:
            skill, files = (text, recipe.files) if part == SKILL_FILE else (recipe.skill, {**recipe.files, part: text})
            return check_recipe(skill, files)

        text = read_text(file) if file is not None else _edited(before, Path(part).name, check)
        if text == before:
            show("The recipe is as it was.")
            return
        try:
            changed = change_recipe(store, recipe, text, part)
        except ChangedError as error:
            agree_to_replace(error)
            changed = change_recipe(store, store.recipes.get(recipe.id), text, part)
    show(f"Changed: {changed.name}. It is shown before its next use.")


@_group.command("import")
def import_(
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A folder with a SKILL.md, a .zip or .skill of one.", show_default=False),
    ],
    private: _Private = False,
    replaces: Annotated[bool, typer.Option("--replace", help="Take it in place of one of the same name.")] = False,
    yes: _Yes = False,
) -> None:
    """Bring a recipe from a file. It is shown whole before it is taken; scripts of it are left out, and never run.

    Example: keepsake recipe import ~/Downloads/plant-care.skill
    """
    from assistant.core.conversation.recipes import describe_files
    from assistant.core.recipes.folders import read_files
    from assistant.core.recipes.keeping import check_recipe, keep_recipe

    files: SkillFiles = read_files(path)
    name = check_recipe(files.skill, files.files)
    with opened_record(context) as store:
        if store.recipes.find(name) is not None and not replaces:
            raise StoreError(f"There is a recipe {name} already.", "--replace takes this one in its place.")
    show(describe_files(files))
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Take the recipe {name}?", err=True)):
        raise StoreError("Nothing was taken.", "Give --yes if you mean it.")
    with opened_record(context) as store:
        before = store.recipes.find(name)
        private = private or store.privacy.covers_path(str(path.absolute()))
        if before is not None and replaces:
            store.recipes.change(before.id, name, files.skill, files.files, files.left_out, private=private)
        else:
            keep_recipe(store, files, private=private)
    say(f"Taken: {name}. It is shown once more, filled in, before its first use.")


@_group.command("export")
def export(
    context: typer.Context,
    name: _Name,
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A folder, or a file that ends in .zip or .skill.", show_default=False),
    ],
) -> None:
    """Write a recipe for others, and for other programs that read Agent Skills.

    Example: keepsake recipe export weekly-review ~/weekly-review.skill
    """
    from assistant.core.recipes.keeping import export_recipe

    with opened_record(context) as store:
        written = export_recipe(store, find_recipe(store, name).recipe, path)
    say(f"Wrote {written}.")


@_group.command("remove")
def remove(context: typer.Context, name: _Name, yes: _Yes = False) -> None:
    """Erase a recipe of your own, verified on the disk. Those that come along stay.

    Example: keepsake recipe remove call-the-plumber
    """
    with opened_record(context) as store:
        recipe = find_recipe(store, name).recipe
        if not recipe.id:
            raise StoreError(f"{name} comes along with Keepsake.", "One of your own of the same name stands in for it.")
        erase(store, recipe.id, name, yes=yes)


def _edited(text: str, name: str, check: Callable[[str], object]) -> str:
    """Return a text as the user leaves it in their editor, which opens again where it can't be taken."""
    from assistant.editing import edited

    while True:
        text = edited(text, name)
        try:
            check(text)
        except KeepsakeError as error:
            complain(error)
            if not (sys.stdin.isatty() and typer.confirm("Edit it again?", default=True, err=True)):
                raise
        else:
            return text


def _marks(known: Known) -> str:
    marks = ["task"] if known.plan else []
    if known.is_own:
        marks += ["yours", *(["private"] if known.recipe.private else [])]
    return plain(", ".join(marks))


def _as_json(known: Known) -> dict[str, Any]:
    recipe: Recipe = known.recipe
    return {
        "name": known.name,
        "id": recipe.id or None,
        "description": known.skill.description,
        "tools": list(known.skill.tools),
        "blanks": [
            {"name": field.name, "title": field.title, "required": field.required, "default": field.default}
            for field in known.skill.fields
        ],
        "is_task": bool(known.plan),
        "private": recipe.private,
        "made_at": iso(recipe.made_at) if recipe.id else None,
        "left_out": [item.part for item in recipe.left_out],
    }
