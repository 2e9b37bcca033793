"""The recipes screen: what each does, whole; use one, change it, share it, bring one, erase one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from assistant.core.conversation.recipes import describe_files
from assistant.core.recipes.folders import SkillFiles
from assistant.core.recipes.shelf import Known, all_recipes
from assistant.display import excerpt, moment, plain
from assistant.language import N_, NN_, _
from assistant.threads import in_thread
from assistant.tui.actions import RECIPE_ACTIONS, bindings_of
from assistant.tui.screens.browser import Browser, facts
from memory_store import Selection, Store

_LINE_CHARS = 120


class RecipesScreen(Browser[Known, str]):
    """All recipes, by their names. Returns the name of the one that is to be used."""

    TITLE = N_("Recipes")
    NOUNS = NN_("{count} recipe", "{count} recipes")
    ACTIONS = RECIPE_ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(RECIPE_ACTIONS)

    def read(self, store: Store) -> Sequence[Known]:
        """Return every recipe."""
        return all_recipes(store)

    def identity(self, item: Known) -> str:
        """Return its name."""
        return item.name

    def words(self, item: Known) -> str:
        """Return all of its text."""
        return f"{item.name} {item.recipe.skill}"

    def line(self, item: Known) -> Content:
        """Return its name with what marks it, and what it does."""
        marks = [_("yours")] if item.is_own else []
        marks += [_("task")] if item.plan else []
        marks += [_("private")] if item.recipe.private else []
        told = excerpt(item.skill.description, _LINE_CHARS)
        return Content.assemble(
            plain(item.name, one_line=True), (f"  {', '.join(marks)}", "$accent"), (f"\n{told}", "$foreground-muted")
        )

    def detail(self, item: Known) -> Content:
        """Return what is known of it, and its text; what stands in its front matter is told in words."""
        recipe, skill = item.recipe, item.skill
        known = [
            (_("Asks for"), plain(", ".join(field.title for field in skill.fields), one_line=True)),
            (_("Says"), plain(skill.ask, one_line=True)),
            (_("Tools"), plain(", ".join(skill.tools), one_line=True)),
            (_("Made"), moment(recipe.made_at) if item.is_own else _("comes along")),
            (_("Used"), "" if recipe.is_agreed else _("not yet: it is shown, filled in, before its first use")),
        ]
        files = SkillFiles(skill.body, recipe.files, tuple(recipe.left_out))
        return Content.assemble(
            (plain(item.name, one_line=True), "bold"),
            f"\n{plain(skill.description, one_line=True)}\n\n",
            facts(known),
            "\n\n" + describe_files(files),
        )

    # -- actions -----------------------------------------------------------------------------------------------

    async def do_use(self) -> None:
        """Leave for the chat, where it is used."""
        if self.chosen is not None:
            self.dismiss(self.chosen.name)

    async def do_edit(self) -> None:
        """Change it in the user's editor."""
        item = self.chosen
        changed = await self.controller.recipes.change(item) if item is not None else None
        if changed is not None:
            self.say(_("Changed: {name}").format(name=changed.name), _("It is shown before its next use."), "good")
            self.reload(changed.name)

    async def do_export(self) -> None:
        """Write it to a folder or a file."""
        item = self.chosen
        path = await self.controller.recipes.share(item) if item is not None else None
        if path is not None:
            self.say(_("Written to {path}.").format(path=path), kind="good")

    async def do_add(self) -> None:
        """Bring one from a folder or a file; it is shown whole in the chat before it is taken."""
        hint = _("A folder with a SKILL.md, or a .zip or .skill of one")
        path = await self.controller.skin.ask(_("Which recipe is brought?"), "~/Downloads/plant-care.skill", hint=hint)
        brought = await self.controller.recipes.bring(path) if path else None
        if brought is not None:
            self.reload(brought.name)

    async def do_private(self) -> None:
        """Make it private, or public again."""
        item = self.chosen
        if item is not None and self._is_own(item):
            private = not item.recipe.private
            await in_thread(partial(self.store.recipes.mark, item.recipe.id, private=private))
            self.reload()

    async def do_forget(self) -> None:
        """Erase it, after asking."""
        if self.chosen is not None and self._is_own(self.chosen):
            await self.erase(Selection((self.chosen.recipe.id,)))

    def _is_own(self, item: Known) -> bool:
        if not item.is_own:
            hint = _("One of your own of the same name stands in for it: e makes one.")
            self.say(_("{name} comes along and stays as it is.").format(name=item.name), hint, "warning")
        return item.is_own
