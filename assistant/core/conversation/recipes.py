"""Recipes in a conversation: choose one, fill it in, look at it before its first use, and make one of this chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, Final

from assistant.core.asking import MOST_TRIES, require_model
from assistant.core.conversation.session import Session
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.core.conversation.tasks import TaskDesk
from assistant.core.metering import MeteredModel
from assistant.core.recipes import PLAN_FILE, SKILL_FILE
from assistant.core.recipes.answering import note_use, refuse_recipe
from assistant.core.recipes.folders import SkillFiles, read_files
from assistant.core.recipes.keeping import (
    change_recipe,
    check_recipe,
    draft_recipe,
    export_recipe,
    keep_recipe,
)
from assistant.core.recipes.shelf import Known, all_recipes, find_recipe, item_names, join_names
from assistant.core.recipes.skill import RecipeError
from assistant.core.recipes.using import ITEMS, FilledRecipe, fill_recipe, take_words, text_values
from assistant.core.tasks.handling import create_task, read_first, store_wish
from assistant.core.tasks.plan import Plan
from assistant.core.tasks.steps import MOST_STEP_TOKENS
from assistant.core.tools.answering import MOST_ROUNDS
from assistant.core.tools.forms import FieldKind, FormField, FormValue, ServerQuestion
from assistant.core.tools.tool import Effect, Tool
from assistant.core.tools.toolbox import Toolbox
from assistant.display import excerpt, plain
from assistant.language import N_, NN_, _, plural
from assistant.llm.base import ChatAnswerer
from assistant.llm.roles import ModelRole
from assistant.threads import in_thread
from memory_store import Recipe, Store, Task, Unit, amount_text
from memory_store.errors import ChangedError, KeepsakeError
from memory_store.models import LeftOut

_LINE_CHARS: Final = 90
_CHOICE_CHARS: Final = 64
_MOST_NAMED: Final = 12
_RESULT_CHARS: Final = 400
_EFFECTS: Final = {
    Effect.READ: N_("looks only"),
    Effect.WRITE: N_("changes something here; asks you first"),
    Effect.SEND: N_("may send something away; asks you first"),
}
_REQUESTS: Final = NN_("{count} request", "{count} requests")


class _Deed(Enum):
    """What may become of a recipe that is shown."""

    USE = auto()
    KEEP = auto()
    CHANGE = auto()


class RecipeDesk:
    """What a user does with recipes beside a conversation."""

    def __init__(self, store: Store, skin: Skin, toolbox: Toolbox, tasks: TaskDesk) -> None:
        self._store = store
        self._skin = skin
        self._toolbox = toolbox
        self._tasks = tasks

    # -- use ---------------------------------------------------------------------------------------------------

    async def choose(self) -> Known | None:
        """Let the user choose one."""
        found = await in_thread(lambda: all_recipes(self._store))
        choices = [Choice(known.name, excerpt(known.skill.description, _CHOICE_CHARS), known) for known in found]
        return await self._skin.choose(_("Which recipe?"), choices)

    async def prepare(
        self,
        named: str,
        words: str,
        session: Session,
        given: Mapping[str, str] | None = None,
        items: Sequence[Mapping[str, str]] = (),
    ) -> FilledRecipe | None:
        """Return a way of answering, filled in and agreed to; None where it was closed, or has become a task.

        `words` fill in the first blank that is needed, `given` those of these names. Raises RecipeError, and others.
        """
        known = await in_thread(lambda: find_recipe(self._store, named)) if named else await self.choose()
        if known is None:
            return None
        if not known.plan:
            if items:
                told = _("{recipe} is a way of answering, and takes no list.").format(recipe=known.name)
                raise RecipeError(told, _("A recipe for a task takes one."))
            refuse_recipe(fill_recipe(known, {}), session.answerer)  # before anybody fills in a form for nothing
        fields = known.skill.fields
        if known.asks_for_items and not items:
            fields = (*fields, _items_field(known))
        values = await self._fill_in(known, fields, words, given or {})
        if values is None:
            return None
        if known.plan:
            items = items or item_names(values.pop(ITEMS, ""))
            plan = known.read_plan(values, items)
            if await self._agree(known, values, session, plan):
                await self._tasks.offer(await in_thread(lambda: self._make_task(known, values, plan, session)))
            return None
        words = "" if fields else words
        if not (fields or words or known.skill.ask):
            words = await self._ask_what_for(known)
            if not words:
                return None
        filled = fill_recipe(known, values, words)
        return filled if await self._agree(known, values, session) else None

    async def _ask_what_for(self, known: Known) -> str:
        """Return what a recipe is to be used for that does not say it itself; an empty text where that is closed."""
        if not self._skin.is_attended():
            told = _("{recipe} needs to know what it is to do.").format(recipe=known.name)
            raise RecipeError(told, _("Say it behind the name."))
        hint = plain(known.skill.description, one_line=True)
        return await self._skin.ask(_("What shall {recipe} do?").format(recipe=known.name), hint=hint) or ""

    async def _fill_in(
        self, known: Known, fields: Sequence[FormField], words: str, given: Mapping[str, str]
    ) -> dict[str, str] | None:
        unknown = next((name for name in given if name not in {field.name for field in fields}), None)
        if unknown is not None:
            names = ", ".join(field.name for field in fields) or _("none")
            raise RecipeError(_("{recipe} has no blank {name}.").format(recipe=known.name, name=unknown), names)
        if not fields:
            return {}
        try:
            if words:
                fields = take_words(fields, words)
            fields = [take_words([field], given[field.name])[0] if field.name in given else field for field in fields]
        except (ValueError, KeyError):
            told = _("What was given for {recipe} does not fit.").format(recipe=known.name)
            raise RecipeError(told, _("/recipe {recipe} asks for each.").format(recipe=known.name)) from None
        missing = [field for field in fields if field.required and field.default is None]
        if not (missing or not (words or given)):
            return text_values(fields, {})
        if not self._skin.is_attended():
            if missing:
                told = _("{recipe} needs to know: {what}.").format(recipe=known.name, what=missing[0].title)
                raise RecipeError(told, f"--with {missing[0].name}=…")
            return text_values(fields, {})
        title = f"{known.name}: {known.skill.description}"
        answer = await self._skin.fill_in(ServerQuestion("", title, tuple(fields)))
        if answer.action != "accept":
            return None
        filled: Mapping[str, FormValue] = answer.values or {}
        return text_values([replace(field, default=None) for field in fields], filled)

    def _make_task(self, known: Known, values: Mapping[str, str], plan: Plan, session: Session) -> Task:
        filled = fill_recipe(known, values)
        private = filled.private or session.is_private
        message = store_wish(self._store, filled.question, private=private)
        note_use(self._store.conversations, message.id, filled)
        return create_task(self._store, plan, message)

    # -- before its first use ----------------------------------------------------------------------------------

    async def _agree(self, known: Known, values: Mapping[str, str], session: Session, plan: Plan | None = None) -> bool:
        """Show what a recipe does before its first use, and return whether the user lets it."""
        recipe = known.recipe
        if recipe.is_agreed:
            return True
        if not self._skin.is_attended():
            raise RecipeError(
                _("{recipe} was not used before, and there is nobody to show it to.").format(recipe=known.name),
                _("Use it once in the chat, or in a terminal."),
            )
        text = await self._rehearse(known, values, session, plan)
        choices = [Choice(_("Not now"), "", None), Choice(_("Use it, and don't show this again"), "", _Deed.USE)]
        asked = _("May {recipe} be used like this?").format(recipe=known.name)
        if await self._skin.choose(f"{text}\n{asked}", choices) is None:
            return False
        await in_thread(lambda: self._store.recipes.agree(recipe))
        return True

    async def _rehearse(self, known: Known, values: Mapping[str, str], session: Session, plan: Plan | None) -> str:
        filled = fill_recipe(known, values)
        declared = plan.tools if plan else filled.tools
        tools = await self._toolbox.find(declared)
        files = sorted(filled.files) if plan is None else []
        lines = [
            _("Before the first use of {recipe}").format(recipe=known.name),
            _("You say: {words}").format(words=plain(filled.question, one_line=True)),
            "",
            plain(filled.body),
            "",
            *_describe_tools(declared, tools),
            *([_("It may read its own files: {names}").format(names=", ".join(map(plain, files)))] if files else []),
            *describe_left_out(known.recipe.left_out),
        ]
        if plan is not None:
            private = filled.private or session.is_private
            lines += await self._try(plan, tools, private=private)
        # Prices are looked up, which the first time takes most of a second.
        most = await in_thread(lambda: _describe_most(session, plan, uses_tools=bool(tools or files)))
        allows = _("Its text says how to answer; it allows nothing: what changes or sends something asks each time.")
        return "\n".join([*lines, most, allows, ""])

    async def _try(self, plan: Plan, tools: Mapping[str, Tool[Any]], *, private: bool) -> list[str]:
        """Do for the first item what only reads, and tell what came of it."""
        done = await read_first(self._store, plan, tools, private=private)
        name = plain(plan.items[0]["name"], one_line=True)
        lines = [_("Tried for {item}:").format(item=name)]
        for number, step in enumerate(plan.steps, start=1):
            if number <= len(done):
                came = excerpt(done[number - 1][1], _RESULT_CHARS)
                lines.append(f"{number}. {step.tool}: {came}")
            else:
                what = step.tool or _("a model is asked: {words}").format(words=excerpt(step.ask, _LINE_CHARS))
                lines.append(f"{number}. " + _("not yet: {what}").format(what=what))
        return lines

    # -- make, change, share -----------------------------------------------------------------------------------

    async def make(self, session: Session, name: str = "") -> Recipe | None:
        """Have a model make a recipe of the chat in view; it is shown and kept as the user leaves it."""
        messages = list(session.messages)
        if session.temporary:
            raise RecipeError(_("A temporary chat is kept nowhere."), _("In another chat /recipe new makes one of it."))
        private = session.is_private or any(message.private for message in messages)
        model = require_model(
            session.models.find(ModelRole.CHAT, private=private),
            "may make a recipe of this chat",
            "`keepsake model add` sets one up; `keepsake recipe new NAME` opens your editor.",
        )
        self._skin.show_activity(_("writing a recipe…"))
        try:
            text = await draft_recipe(self._store, model, messages, self._toolbox.own, name)
        finally:
            self._skin.show_activity()
        conversation_id = session.conversation.id if session.conversation is not None else None
        return await self.offer(SkillFiles(text, {}, ()), private=private, conversation_id=conversation_id)

    async def offer(
        self, files: SkillFiles, *, private: bool = False, conversation_id: str | None = None
    ) -> Recipe | None:
        """Show a recipe whole, and keep it as the user leaves it; None where they drop it."""
        while True:
            choices = [
                Choice(_("Drop it"), "", None),
                Choice(_("Keep it"), "", _Deed.KEEP),
                Choice(_("Change it first"), "", _Deed.CHANGE),
            ]
            asked = _("Shall this recipe be kept?")
            chosen = await self._skin.choose(f"{describe_files(files)}\n\n{asked}", choices)
            if chosen is None:
                self._skin.remark(_("Nothing was kept."))
                return None
            if chosen is _Deed.CHANGE:
                text = await self._skin.edit(files.skill, SKILL_FILE)
                files = files if text is None else replace(files, skill=text)
                continue
            try:
                recipe = await in_thread(
                    partial(keep_recipe, self._store, files, private=private, conversation_id=conversation_id)
                )
            except KeepsakeError as error:
                await self._skin.tell(Report(error.message, error.hint, "warning"))
                continue
            told = _("Kept: {name}").format(name=recipe.name)
            await self._skin.tell(Report(told, _("/recipe {name} uses it.").format(name=recipe.name), "good"))
            return recipe

    async def change(self, known: Known) -> Recipe | None:
        """Have the user edit a recipe; one that comes along becomes their own by it. None where nothing changed."""
        part, recipe = SKILL_FILE, known.recipe
        if known.plan:
            choices = [Choice(_("Its text"), SKILL_FILE, SKILL_FILE), Choice(_("Its plan"), PLAN_FILE, PLAN_FILE)]
            part = await self._skin.choose(_("What shall be changed?"), choices) or ""
        before = recipe.skill if part == SKILL_FILE else recipe.files.get(part, "")
        text = await self._skin.edit(before, Path(part).name) if part else None
        while text is not None and text != before:
            try:
                return await in_thread(partial(change_recipe, self._store, recipe, text, part))
            except KeepsakeError as error:  # what was written is not thrown away for a slip in it
                again = [Choice(_("Change it again"), "", True), Choice(_("Drop what was written"), "", False)]
                if isinstance(error, ChangedError):
                    recipe = await in_thread(partial(self._store.recipes.get, recipe.id))
                if not await self._skin.choose(f"{error.message} {error.hint}", again):
                    return None
                text = await self._skin.edit(text, Path(part).name)
        return None

    async def bring(self, path: str) -> Recipe | None:
        """Read a recipe from a folder or file, and keep it where the user agrees. Raises RecipeError."""
        files, private = await in_thread(partial(self._read, path))
        return await self.offer(files, private=private)

    def _read(self, path: str) -> tuple[SkillFiles, bool]:
        """Return a recipe that can be followed, and whether it is private by where it lies."""
        place = Path(path).expanduser().absolute()
        files = read_files(place)
        check_recipe(files.skill, files.files)
        return files, self._store.privacy.covers_path(str(place))

    async def share(self, known: Known) -> Path | None:
        """Write a recipe to where the user says. Raises RecipeError."""
        example = f"~/{known.name}.skill"
        hint = _("A folder, or a file that ends in .zip or .skill")
        path = await self._skin.ask(_("Where is it written to?"), example, hint=hint)
        if not path:
            return None
        return await in_thread(lambda: export_recipe(self._store, known.recipe, Path(path).expanduser()))


def describe_files(files: SkillFiles) -> str:
    """Return a recipe whole, as it is shown before it is taken: foreign text, of which nothing is drawn or run."""
    parts = [plain(files.skill).rstrip()]
    parts += [f"── {plain(name, one_line=True)}\n{plain(text).rstrip()}" for name, text in sorted(files.files.items())]
    left_out = describe_left_out(files.left_out)
    return "\n\n".join([*parts, "\n".join(left_out)] if left_out else parts)


def describe_left_out(parts: Sequence[LeftOut]) -> list[str]:
    """Return what of a recipe was not kept, a line for each reason."""
    names: dict[str, list[str]] = {}
    for item in parts:
        names.setdefault(item.reason, []).append(plain(item.part, one_line=True))
    return [
        _("Left out: {name} ({reason})").format(
            name=", ".join(left[:_MOST_NAMED]) + (f" … +{len(left) - _MOST_NAMED}" if len(left) > _MOST_NAMED else ""),
            reason=reason,
        )
        for reason, left in names.items()
    ]


def _describe_tools(declared: Sequence[str], tools: Mapping[str, Tool[Any]]) -> list[str]:
    if not declared:
        return [_("It declares no tools.")]
    lines = []
    for name in declared:
        does = _(_EFFECTS[tools[name].effect]) if name in tools else _("not here, and not offered")
        lines.append(f"- {plain(name, one_line=True)}: {does}")
    return [_("Its tools:"), *lines]


def _describe_most(session: Session, plan: Plan | None, *, uses_tools: bool) -> str:
    """Return what a use may take at most."""
    answerer = session.answerer
    model = answerer.model if isinstance(answerer, ChatAnswerer) else None
    if model is None:
        return _("No model is set up: only what needs none is done.")
    longest = session.settings.max_answer_tokens
    if plan is None:
        rounds = MOST_ROUNDS if uses_tools and model.info.calls_tools else 1
        given, back = rounds * max(0, model.info.context_tokens - longest), rounds * longest
    else:
        each = sum(MOST_TRIES * (MOST_ROUNDS if step.tools else 1) for step in plan.steps if step.ask)
        compared = MOST_TRIES * plan.judge.among * (plan.judge.among - 1) if plan.judge else 0
        rounds = each * len(plan.items) + compared + bool(plan.report)
        given, back = (rounds * tokens for tokens in MOST_STEP_TOKENS)
        if plan.budget.tokens:
            back = min(back, plan.budget.tokens)
            given = min(given, plan.budget.tokens - back)
    usage = model.estimate(given, back) if isinstance(model, MeteredModel) else None
    costs = amount_text(Unit.USD, usage.cost) if usage is not None and usage.cost is not None else _("price not known")
    told = _("At most {requests} to {model}, {tokens:,} tokens, {costs}; mostly far less.")
    return told.format(
        requests=plural(*_REQUESTS, rounds),
        model=plain(model.info.name, one_line=True),
        tokens=given + back,
        costs=costs,
    )


def _items_field(known: Known) -> FormField:
    names = join_names(known.read_plan({}))
    title = known.skill.asks_items or _("For which, with ; between")
    return FormField(ITEMS, title, FieldKind.TEXT, required=True, default=names if known.is_own else None)
