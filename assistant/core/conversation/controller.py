"""The controller of a conversation: turns, commands and what follows them, once for every skin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from assistant.core.capture.reading import orders_to_remember
from assistant.core.conversation.approvals import ToolApprovals
from assistant.core.conversation.attaching import find_attachments
from assistant.core.conversation.cards import MOST_MADE, CardMaker, CardReviews
from assistant.core.conversation.corrections import Corrections
from assistant.core.conversation.costs import report_cost_of, report_costs
from assistant.core.conversation.drafts import DraftKeeper
from assistant.core.conversation.forgetting import Eraser
from assistant.core.conversation.imports import Importer
from assistant.core.conversation.learning import Learning
from assistant.core.conversation.recipes import RecipeDesk
from assistant.core.conversation.reminders import Reminders, Wish
from assistant.core.conversation.server_questions import answer_server
from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.conversation.skin import (
    AnswerArrived,
    BranchChanged,
    Choice,
    ConversationOpened,
    EffortChanged,
    MemoryChanged,
    PrivacyChanged,
    Report,
    Skin,
    TitleChanged,
    TurnAsked,
    TurnBroke,
)
from assistant.core.conversation.studying import Tutor
from assistant.core.conversation.tasks import TaskDesk
from assistant.core.conversation.telling import report_late
from assistant.core.events import Event
from assistant.core.profile import ProfileSection, profile
from assistant.core.recipes.keeping import asks_for_recipe
from assistant.core.recipes.using import FilledRecipe
from assistant.core.tools.builtin import REMEMBER
from assistant.display import plain
from assistant.ingestion.pipeline import ImportOptions
from assistant.language import N_, _
from assistant.llm.base import ToolStarted
from assistant.llm.roles import Models
from assistant.threads import in_thread
from memory_store import NewMemory, Store
from memory_store.errors import KeepsakeError
from memory_store.models import Effort, Memory, MessageStatus, Role, Source, SourceKind

_NAMING: Final = "title"
_Turn = Callable[[asyncio.Event], AsyncGenerator[Event, None]]

# The efforts by their names, each with what it means.
_EFFORTS: Final = {
    Effort.INSTANT: (N_("instant"), N_("the fast model, little recalled, no more than one request")),
    Effort.BALANCED: (N_("balanced"), N_("the model of the chat, what fits recalled")),
    Effort.THOROUGH: (N_("thorough"), N_("looked up in parts and again, answer held against its sources")),
    Effort.LATER: (N_("later"), N_("handed to a batch API and answered within a day, mostly at half the price")),
}


class Controller:
    """One conversation at a time. What `skin` shows and asks for is all that a skin has to do.

    `stopping` ends the answer that is coming, if one is.
    """

    def __init__(self, session: Session, importing: ImportOptions, skin: Skin) -> None:
        self.approvals = ToolApprovals(session.store, skin)
        self._was_to_keep = False  # by a tool, in the turn under way or the last one
        self.toolbox = session.toolbox
        self.tasks = TaskDesk(session.store, skin, session.toolbox)
        self.recipes = RecipeDesk(session.store, skin, session.toolbox, self.tasks)
        self._take(session)
        self.store: Store = session.store
        self.skin = skin
        self.stopping: asyncio.Event | None = None
        self.imports = Importer(self.store, importing, skin)
        self.drafts = DraftKeeper(self.store, skin)
        self.eraser = Eraser(self.store, skin, self._look_again)
        self.reminders = Reminders(self.store, skin, self.eraser)
        self.corrections = Corrections(self.store, skin, self.eraser)
        self.learning = Learning(self.store, skin, self.eraser)
        self.reviews = CardReviews(self.store, skin)
        self.card_maker = CardMaker(self.store, skin)
        self.tutor = Tutor(self.store, skin, self.card_maker)
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "new": lambda _: self.begin(),
            "temporary": lambda _: self.begin(temporary=True),
            "open": self.open,
            "retry": lambda _: self.retry(),
            "continue": lambda _: self.go_on(),
            "edit": self.edit_last,
            "import": self.imports.import_files,
            "remember": self.remember,
            "questions": lambda _: self.learning.ask_questions(),
            "goals": self.learning.work_on_goals,
            "learn": lambda topic: self.study(topic) if topic.strip() else self.learning.learn_now(self.session),
            "study": self.study,
            "cards": self.work_on_cards,
            "effort": self.choose_effort,
            "task": lambda wish: self.tasks.plan(wish, self.session.models, private=self.session.is_private),
            "remind": self.remind,
            "reminders": lambda _: self.reminders.manage(),
            "recipe": self.work_on_recipes,
            "tools": lambda _: self.approvals.revoke(),
            "cost": lambda _: self.tell_costs(),
            "private": lambda _: self.turn_private(),
            "forget": lambda argument: self.eraser.forget(argument, self.conversation_id),
        }

    async def study(self, topic: str) -> None:
        """Lead through a study session on a topic."""
        await self.tutor.study(topic, self.session)

    def _take(self, session: Session) -> None:
        """Go on in this session; what was allowed in another chat is asked about anew."""
        self.session = session
        session.approve, session.toolbox = self.approvals.ask, self.toolbox
        session.ask_user = lambda question: answer_server(self.skin, question)
        self.approvals.begin_chat()

    def command(self, name: str) -> Callable[[str], Awaitable[None]] | None:
        """Return what a command does with its argument; None for one that is the skin's own."""
        return self._commands.get(name)

    def use(self, models: Models, settings: TurnSettings, importing: ImportOptions) -> None:
        """Answer with these models and under these settings from now on."""
        self.session.models, self.session.settings, self.imports.options = models, settings, importing

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation in view; None before its first message."""
        return self.session.conversation.id if self.session.conversation is not None else None

    @property
    def is_answering(self) -> bool:
        """Whether an answer is coming."""
        return self.stopping is not None

    def stop(self) -> bool:
        """Stop the answer, the writing of cards or the import; return whether there was one. What has come is kept."""
        stoppable = self.stopping or self.card_maker.stop or self.tutor.stop or self.tasks.stop or self.imports.stop
        if stoppable is not None:
            stoppable.set()
        return stoppable is not None

    # -- conversations -----------------------------------------------------------------------------------------

    async def begin(self, *, temporary: bool = False) -> None:
        """Begin a new conversation; it is stored with its first message, unless it is a temporary one."""
        self._take(Session(self.store, self.session.models, self.session.settings, temporary=temporary))
        await self.skin.show(ConversationOpened())

    async def open(self, named: str) -> None:
        """Go on with a stored conversation, by its id or the beginning of it. Raises NotFoundError."""
        conversation_id = await in_thread(lambda: self.store.resolve(named))
        self._take(await Session.open(self.store, self.session.models, self.session.settings, conversation_id))
        await self.skin.show(ConversationOpened())

    async def _look_again(self, everything: bool) -> None:
        """Show the conversation in view as the store has it after an erasure; begin a new one where it is gone."""
        await self.skin.show(MemoryChanged(erased=True))
        conversation_id = self.conversation_id
        if everything:
            await self.begin()
        elif conversation_id is not None and not self.session.temporary:
            stored = await in_thread(self.store.conversations.all)
            there = any(conversation.id == conversation_id for conversation in stored)
            await (self.open(conversation_id) if there else self.begin())

    async def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title."""
        await in_thread(lambda: self.store.conversations.rename(conversation_id, title))
        if self.session.conversation is not None and self.conversation_id == conversation_id:
            self.session.conversation = replace(self.session.conversation, title=title)
            await self.skin.show(TitleChanged(title))

    async def mark(self, conversation_id: str, *, private: bool | None = None, archived: bool | None = None) -> None:
        """Make a conversation private or public, put it away or take it out."""
        marked = await in_thread(
            lambda: self.store.conversations.mark(conversation_id, private=private, archived=archived)
        )
        if conversation_id == self.conversation_id:
            self.session.conversation = marked
            await self.skin.show(PrivacyChanged())

    async def turn_private(self) -> None:
        """Keep this chat to this machine, or make it public again."""
        session = self.session
        if session.temporary:
            self.skin.remark(_("A temporary chat is kept nowhere; who answers still sees it."))
            return
        await session.keep_private(private=not session.is_private)
        await self.skin.show(PrivacyChanged())
        if session.is_private:
            elsewhere = _("Who answers is not on this machine: /model chooses one that is.")
            hint = "" if session.answerer.info.is_private else elsewhere
            await self.skin.tell(Report(_("Private: nothing of it is sent to another machine."), hint, "good"))
        else:
            await self.skin.tell(Report(_("Public again; its answers stay private, as they may repeat what is.")))

    async def remind(self, words: str) -> None:
        """Keep a reminder that words ask for; private in a private chat."""
        await self.reminders.plan(Wish(words, private=self.session.is_private), self.session.models)

    async def work_on_cards(self, argument: str) -> None:
        """Review the cards that are due; with `make` and a document, make some from that."""
        verb, _blank, named = argument.partition(" ")
        if not argument:
            await self.reviews.review()
        elif verb == "make" and named.strip():
            await self.make_cards(named.strip())
        else:
            self.skin.remark(_("/cards reviews what is due; /cards make DOCUMENT makes cards."), warning=True)

    async def make_cards(self, named: str, most: int = MOST_MADE) -> None:
        """Make up to so many cards from a document, by its id, title or path."""
        session = self.session
        await self.card_maker.make(named, session.models, self.imports.options, private=session.is_private, most=most)

    async def work_on_recipes(self, argument: str) -> None:
        """Use the recipe that is named, or one that is chosen; `new` makes one of this chat, `import` brings one."""
        verb, _blank, words = argument.partition(" ")
        if verb == "new":
            await self.recipes.make(self.session, words.strip())
        elif verb == "import" and words.strip():
            await self.recipes.bring(words.strip())
        else:
            await self.use_recipe(verb, words.strip())

    async def use_recipe(
        self,
        name: str = "",
        words: str = "",
        given: Mapping[str, str] | None = None,
        items: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Answer by a recipe, or make a task of it; its blanks are asked for where they are not given."""
        filled = await self.recipes.prepare(name, words, self.session, given, items)
        if filled is not None:
            await self.say(filled.question, recipe=filled)

    async def tell_costs(self) -> None:
        """Tell what this chat, the day and the month took, and how much of each budget is used."""
        limits, conversation_id = self.session.models.limits, self.conversation_id
        await self.skin.tell(await in_thread(lambda: report_costs(self.store, conversation_id, limits)))

    async def tell_cost_of(self, message_id: str) -> None:
        """Tell what was asked of models for a message, and what that took."""
        (message,) = [item for item in self.session.messages if item.id == message_id]
        await self.skin.tell(await in_thread(lambda: report_cost_of(self.store, message)))

    async def choose_effort(self, named: str = "") -> None:
        """Have answers in this chat take another effort: the one that is named, or one that is chosen."""
        chosen = next((effort for effort in Effort if named and effort.value.startswith(named.lower())), None)
        if chosen is None:
            if named:
                self.skin.remark(_("There is no effort {name}.").format(name=named), warning=True)
            now = self.session.effort
            choices = [
                Choice(f"{_(_EFFORTS[effort][0])}{' ←' if effort is now else ''}", _(_EFFORTS[effort][1]), effort)
                for effort in Effort
            ]
            chosen = await self.skin.choose(_("How much effort shall answers take?"), choices)
        if chosen is Effort.LATER:
            self.session.refuse_later()
        if chosen is not None:
            await self.session.use_effort(chosen)
            await self.skin.show(EffortChanged())
            self.skin.remark(_("Effort: {name}").format(name=_(_EFFORTS[chosen][0])))

    # -- turns -------------------------------------------------------------------------------------------------

    async def say(
        self,
        text: str,
        instead_of: str | None = None,
        mentioned: Mapping[str, Source | Path] | None = None,
        recipe: FilledRecipe | None = None,
    ) -> None:
        """Send a message, unless it asks for something to be done with a memory; show what comes of it.

        `instead_of` is the id of a message of the user that this one is written in place of, on a branch of its own;
        `mentioned` what was chosen for some names behind an `@`, `recipe` how it is to be answered.
        """
        await self.drafts.settle()
        if instead_of is None and recipe is None and await self._takes(text):
            await self.drafts.drop(text)
            return
        session = self.session
        found = await in_thread(
            lambda: find_attachments(
                self.store, text, mentioned or {}, self.imports.options, temporary=session.temporary
            )
        )
        if found.notes:
            await self.skin.tell(Report("\n".join(found.notes), kind="warning" if found.failed else "info"))
        await self._run(
            TurnAsked(session.answerer.info.name, text, instead_of),
            lambda stop: session.turn(text, stop, instead_of=instead_of, attached=found.sources, recipe=recipe),
        )
        learns = session.settings.learn and not session.temporary
        if not learns and not self._was_to_keep and orders_to_remember(text):
            reason = _("Of a temporary chat nothing is remembered.") if session.temporary else _("Learning is off.")
            await self.skin.tell(Report(reason, _("/remember keeps a note."), "warning"))

    async def _takes(self, text: str) -> bool:
        """Return whether a message asks for something else than an answer, and is done with."""
        session = self.session
        if await self.corrections.take(session, text):
            return True
        if session.messages and asks_for_recipe(text):
            await self.recipes.make(session)
            return True
        return not session.temporary and await self.reminders.take(text, session.models, private=session.is_private)

    async def answer_again(self, message_id: str, *, go_on: bool = False) -> None:
        """Answer a message of the user once more, or the one that this answer is to, on a branch of its own.

        Raises ModelError where something private would go elsewhere.
        """
        session = self.session
        await session.refuse_again(message_id, go_on=go_on)
        await self._run(
            TurnAsked(session.answerer.info.name, again=message_id),
            lambda stop: session.again(message_id, stop, go_on=go_on),
        )

    async def retry(self) -> None:
        """Answer the last message of the user again."""
        if self.session.messages:
            await self.answer_again(self.session.messages[-1].id)
        else:
            self.skin.remark(_("There is nothing to answer yet."))

    async def go_on(self) -> None:
        """Go on with the last answer where it was cut."""
        cut = self.session.cut
        if cut is not None:
            await self.answer_again(cut.id, go_on=True)
        else:
            self.skin.remark(_("The last answer is whole; /retry answers again."))

    async def edit_last(self, text: str) -> None:
        """Send a text in place of the user's last message, on a branch of its own."""
        sent = [message.id for message in self.session.messages if message.role is Role.USER]
        if sent:
            await self.say(text, sent[-1])
        else:
            self.skin.remark(_("There is nothing to answer yet."))

    async def _run(self, asked: TurnAsked, turn: _Turn) -> None:
        session = self.session
        self._was_to_keep = False
        self.stopping = stop = asyncio.Event()
        self.learning.pause()
        try:
            await self.skin.show(asked)
            async with aclosing(turn(stop)) as events:
                async for event in events:
                    if isinstance(event, ToolStarted) and event.call.name == REMEMBER:
                        self._was_to_keep = True
                    await self.skin.show(event)
            self.skin.start(lambda: self._name(session), _NAMING)
            self.learning.go_on(session)
        except BaseException:
            await self.skin.show(TurnBroke())
            raise
        finally:
            self.stopping = None
            await self.skin.show(MemoryChanged())

    async def _name(self, session: Session) -> None:
        """Have a new chat named, and show its name if it is still the one in view."""
        try:
            named = await session.name_it()
        except KeepsakeError:
            return  # the beginning of the first message goes on being the title
        if named and self.session is session and session.conversation is not None:
            await self.skin.show(TitleChanged(session.conversation.title))

    async def tell_of_answers(self) -> None:
        """Tell of answers that were waited for, and show those in view; whoever asks first tells of one."""
        session, store = self.session, self.store
        if self.is_answering or session.temporary:
            return
        news = await in_thread(store.late.claim_news)
        told = {late.message_id for late in news}
        in_view = {message.id for message in session.messages}
        awaited = [message.id for message in session.messages if message.status is MessageStatus.PENDING]
        if awaited:
            arrived = await in_thread(lambda: [item for item in awaited if item in told or store.late.is_over(item)])
            if arrived and self.session is session and not self.is_answering:
                await session.look_again()
                for message in session.messages:
                    if message.id in arrived:
                        await self.skin.show(AnswerArrived(message))
        for report in await in_thread(
            lambda: [report_late(store, late, in_view=late.message_id in in_view) for late in news]
        ):
            await self.skin.tell(report)
        if news:
            await self.skin.show(MemoryChanged())

    # -- branches ----------------------------------------------------------------------------------------------

    async def walk(self, message_id: str, step: int) -> str | None:
        """Go to the branch a step beside this message; return the message that stands there, None where none does."""
        branches = self.session.beside().get(message_id, (message_id,))
        place = branches.index(message_id) + step
        if not 0 <= place < len(branches):
            alone = len(branches) == 1
            self.skin.remark(_("There is only this one.") if alone else _("There is no further one on this side."))
            return None
        await self.session.view(branches[place])
        await self.skin.show(BranchChanged())
        return branches[place]

    async def branch_from(self, message_id: str) -> None:
        """Let the conversation go on from here; what came after it stays on its branch."""
        await self.session.end_at(message_id)
        await self.skin.show(BranchChanged())
        self.skin.remark(_("What you write now goes on from here."))

    # -- memories ----------------------------------------------------------------------------------------------

    async def remember(self, text: str) -> None:
        """Keep a note."""
        memory = await in_thread(lambda: self.store.remember(text))
        hint = _("Private: never sent to another machine.") if memory.private else ""
        await self.skin.tell(Report(_("Remembered: {text}").format(text=memory.text), hint, "good", memory.id))
        await self.skin.show(MemoryChanged())

    async def pin(self, message_id: str) -> None:
        """Keep the words of a message as a pinned memory."""
        store = self.store

        def keep() -> None:
            message = store.conversations.message(message_id)
            store.remember(
                NewMemory(
                    message.text, author=message.author, pinned=True, private=message.private, sources=(message_id,)
                )
            )

        await in_thread(keep)
        self.skin.remark(_("Kept as a pinned memory."))
        await self.skin.show(MemoryChanged())

    async def profile(self, day: str = "") -> list[ProfileSection] | None:
        """Return what is known about the user; with a day, what was true at its end. None, told, for what is no day."""
        end_of_day = None
        if day:
            try:
                end_of_day = datetime.fromisoformat(day).astimezone() + timedelta(days=1)
            except ValueError:
                self.skin.remark(_("A day is written like 2025-03-01."), warning=True)
                return None
        return await in_thread(lambda: profile(self.store, end_of_day))

    async def put_source_right(
        self, kind: SourceKind | None, source_id: str, private: bool
    ) -> tuple[Memory | None, bool]:
        """Put right what a source says; return the memory that does, and whether the source stays as it is.

        A memory gets a newer version; beside anything else a memory is written.
        """
        if kind is SourceKind.MEMORY:
            return await self._report_correction(await self.corrections.put_right(source_id)), False
        text = await self.skin.ask(_("What is right? It is remembered; the source stays as it is"), _("in a sentence"))
        if text is None:
            return None, True
        stored = await in_thread(lambda: self.store.remember(NewMemory(text, private=private)))
        return await self._report_correction(stored), True

    async def _report_correction(self, memory: Memory | None) -> Memory | None:
        if memory is not None:
            await self.skin.tell(Report(_("Put right: {text}").format(text=memory.text), kind="good"))
            await self.skin.show(MemoryChanged())
        return memory

    async def tell_of_drafts(self) -> None:
        """Say in which earlier chats something was written and not sent, as after a kill."""
        titles = await in_thread(self.store.drafts.titles)
        if titles:
            named = ", ".join(f"“{plain(title, one_line=True)}”" for title in titles[:3])
            words = _("Something is written and not sent in {titles}").format(titles=named)
            await self.skin.tell(Report(words, _("/chats leads there.")))
