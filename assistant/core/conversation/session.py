"""A session: one conversation, turn by turn. A turn is stored, recalled for, answered, cited; capture comes after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from assistant.core.asking import answerer_of, note_sent
from assistant.core.assembling import Assembled, assemble
from assistant.core.care.before_answer import before_answer
from assistant.core.context import Context
from assistant.core.conversation.branches import beside, branch_of, end_below
from assistant.core.conversation.log import ConversationLog, ForgettingLog
from assistant.core.conversation.stopping import until
from assistant.core.conversation.titles import SHELL_TITLE, name_chat, title_of
from assistant.core.effort import DIALS, Dial, dialled
from assistant.core.events import (
    AnswerChecked,
    Event,
    LookedFurther,
    Recalled,
    ToolsMissed,
    TurnFailed,
    TurnFinished,
    TurnHandedIn,
    TurnStarted,
)
from assistant.core.prompts import prompt
from assistant.core.recipes import USED
from assistant.core.recipes.answering import note_use, offer_tools, refuse_recipe
from assistant.core.recipes.using import FilledRecipe, recipe_of_message
from assistant.core.thorough import find_missing, find_unsupported, split_question
from assistant.core.tools.answering import refuse
from assistant.core.tools.equipping import can_use_tools, equip, room_for_tools, set_up_bench
from assistant.core.tools.forms import AskUser, decline
from assistant.core.tools.tool import Approve
from assistant.core.tools.toolbox import Toolbox, ToolOffer
from assistant.core.turn_settings import TurnSettings as TurnSettings
from assistant.errors import ModelError
from assistant.ingestion.chunking import passages_of_message
from assistant.llm import base as llm
from assistant.llm.base import Answerer, LateAnswerer, Turn, is_whole, shortfall
from assistant.llm.roles import ModelRole, Models
from memory_store import Store
from memory_store.asking import asks_something, is_small_talk, may_ask
from memory_store.errors import KeepsakeError, NotFoundError
from memory_store.models import (
    USER,
    Author,
    AuthorKind,
    Citation,
    Conversation,
    Effort,
    Message,
    MessageStatus,
    Role,
    Source,
    ToolOutcome,
    ToolUse,
)

# How much of an answer a crash may cost.
_SAVE_EVERY_SECONDS: Final = 1.0
# After so many messages a chat gets a name: the first exchange, or the second where the first was small talk.
_NAMED_AFTER: Final = (2, 4)


class Session:
    """One conversation. It is stored with its first message; `open` goes on with an earlier one.

    A temporary one is kept nowhere and nothing is remembered of it; it recalls like any other. One `from_shell` begins
    a branch of its own in the one conversation that holds what was asked there.
    """

    def __init__(
        self,
        store: Store,
        models: Models,
        settings: TurnSettings,
        *,
        temporary: bool = False,
        from_shell: bool = False,
    ) -> None:
        self.store = self._store = store
        self.log: ConversationLog = ForgettingLog(store.privacy.covers) if temporary else store.conversations
        self.temporary = temporary
        self._from_shell = from_shell and not temporary
        self.models = models
        self.settings = settings
        self.conversation: Conversation | None = None
        self._messages: list[Message] = []
        self._tree: list[Message] = []
        self._attached: dict[str, Sequence[Source]] = {}
        self._recipes: dict[str, FilledRecipe] = {}  # by the message of the user that each was used for
        self._begins_private = False
        self.toolbox = Toolbox()
        self.approve: Approve = refuse
        self.ask_user: AskUser = decline
        self.chosen_effort: Effort | None = None  # here and now, whatever the chat and the settings say
        self._under_way: tuple[Effort, llm.ChatModel | None, llm.LateModel | None] | None = None

    @classmethod
    async def open(cls, store: Store, models: Models, settings: TurnSettings, conversation_id: str) -> Session:
        """Go on with a stored conversation, at its latest message. Raises NotFoundError."""
        session = cls(store, models, settings)
        session.conversation = await asyncio.to_thread(store.conversations.get, conversation_id)
        await asyncio.to_thread(
            lambda: store.conversations.recover(conversation_id=conversation_id, older_than=timedelta(0))
        )
        await session._look(session.conversation.current_message_id)
        return session

    async def _look(self, current_id: str | None) -> None:
        """Read the tree anew, and take the branch that ends with this message into view."""
        assert self.conversation is not None
        self._tree = await asyncio.to_thread(self.log.messages, self.conversation.id)
        self._messages = branch_of(self._tree, current_id)

    @property
    def answerer(self) -> Answerer:
        """Who takes the turns."""
        late = self._late
        return answerer_of(self._model) if late is None else LateAnswerer(late)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the branch in view, oldest first."""
        return tuple(self._messages)

    def beside(self) -> dict[str, tuple[str, ...]]:
        """Return of each message, by its id, the ids of those that answer the same one, it too, oldest first."""
        return beside(self._tree)

    @property
    def cut(self) -> Message | None:
        """The answer that ends the branch in view, if it was cut or stopped before its end."""
        last = self._messages[-1] if self._messages else None
        return last if last is not None and last.status is MessageStatus.PARTIAL else None

    @property
    def effort(self) -> Effort:
        """How much effort answers here take: as it was chosen here, else as the settings say."""
        kept = self.conversation.effort if self.conversation is not None else None
        return self.chosen_effort or kept or self.settings.effort

    async def use_effort(self, effort: Effort) -> None:
        """Have answers here take this effort from now on; it is kept with the chat."""
        self.chosen_effort = effort
        if self.conversation is not None and not self.temporary:
            self.conversation = await asyncio.to_thread(
                self._store.conversations.mark, self.conversation.id, effort=effort
            )

    @property
    def _needs_home(self) -> bool:
        """Whether only a model on this machine may stand in for another one that is fast."""
        return self.is_private and DIALS[self.effort].role is not ModelRole.CHAT

    @property
    def is_private(self) -> bool:
        """Whether all that is said here is private."""
        return self._begins_private if self.conversation is None else self.conversation.private

    async def keep_private(self, *, private: bool) -> None:
        """Make all that is said here private, or no longer; a chat that has not begun begins so."""
        self._begins_private = private
        if self.conversation is not None:
            self.conversation = await asyncio.to_thread(
                self._store.conversations.mark, self.conversation.id, private=private
            )

    def refuse_elsewhere(self) -> None:
        """Raise ModelError if this chat is private and who answers is elsewhere, or nobody answers later."""
        if self.effort is Effort.LATER:
            self.refuse_later()
        if self.is_private and not self.answerer.info.is_private:
            raise ModelError(
                f"This chat is private, and {self.answerer.info.name} is not on this machine.",
                "Choose a model that is, with /model, or make the chat public in the list of chats.",
            )

    def refuse_later(self) -> None:
        """Raise an error if no answer can come later here: nobody is set up for it, or nothing is kept."""
        if self.temporary:
            raise ModelError(
                "A temporary chat is kept nowhere, so no answer can come to it later.",
                "Choose another effort, with /effort, or ask in a chat that is kept.",
            )
        if ModelRole.LATER in self.models.errors:
            raise self.models.errors[ModelRole.LATER]
        if self.models.later is None:
            raise ModelError(
                "No model is set up that answers later: that takes an endpoint with a batch API.",
                "`keepsake model add openai --name later` sets one up (or anthropic, or openrouter); /effort chooses "
                "another effort.",
            )

    async def name_it(self) -> bool:
        """Have a model name a chat that has just begun; return whether it has a new title. Raises ModelError.

        A chat that the user named, or of which nothing is kept, stays as it is.
        """
        wanted = dialled(self.settings, self.effort).titles
        if self.conversation is None or self.temporary or not wanted or len(self._messages) not in _NAMED_AFTER:
            return False
        question = self._messages[-2].text
        if self.conversation.title != title_of(self._messages[0].text) or is_small_talk(question):
            return False
        chat = await name_chat(self._store, self.models, self.conversation, *self._messages[-2:])
        if chat is not None and self.conversation.id == chat.id:
            self.conversation = chat
        return chat is not None

    async def look_again(self) -> None:
        """Read the conversation anew: answers have come that were waited for."""
        assert self.conversation is not None
        await self._look(self._messages[-1].id if self._messages else None)

    async def view(self, message_id: str) -> None:
        """Take the branch through this message into view, to where it was gone on with latest, and keep that choice."""
        await self.end_at(end_below(self._tree, message_id))

    async def end_at(self, message_id: str) -> None:
        """Let the branch in view end with this message, and keep that choice: what is said next answers it."""
        assert self.conversation is not None
        await asyncio.to_thread(self.log.view, self.conversation.id, message_id)
        await self._look(message_id)

    async def turn(
        self,
        text: str,
        stop: asyncio.Event | None = None,
        *,
        instead_of: str | None = None,
        attached: Sequence[Source] = (),
        recipe: FilledRecipe | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Answer one message of the user, event by event. Setting `stop` ends the answer and keeps what has come.

        `instead_of` is a message of the user that this one is written in place of: it begins a branch beside it, and
        the earlier one stays. What is `attached` goes along before what is recalled; a `recipe` says how to answer,
        and no tools are offered but those that it declares. The message is durable before anything is asked of the
        model. A failure of the model is an event (`TurnFailed`), not an exception; errors of the store are raised.
        """
        with self._hold():
            self.refuse_elsewhere()
            if recipe is not None:
                refuse_recipe(recipe, self.answerer)
            if instead_of is not None:
                self._messages = self._before(instead_of)
            message = await self._store_question(text, private=recipe is not None and recipe.private)
            self._attached[message.id] = attached
            if recipe is not None:
                await asyncio.to_thread(note_use, self.log, message.id, recipe)
                self._recipes[message.id] = recipe
            async with aclosing(self._respond(message, stop)) as events:
                async for event in events:
                    yield event

    async def preview(self, text: str) -> Recalled:
        """Return what the model would see if the user said this now; nothing is stored, and nothing sent."""
        return (await asyncio.to_thread(self._assemble, text, (), self.is_private)).event()

    async def again(
        self, message_id: str, stop: asyncio.Event | None = None, *, go_on: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Answer a message of the user once more, or the one that an answer is to, on a branch of its own.

        `go_on` begins with the words of that answer and lets the model take up where they end, knowing of the tools
        that it used. Raises ModelError where
        something private would go elsewhere, but for a question that has been there.
        """
        with self._hold():
            await self.refuse_again(message_id, go_on=go_on)
            (message,) = [item for item in self._messages if item.id == message_id]
            beginning, earlier = "", list[ToolUse]()
            before = self._before(message_id)
            if message.role is not Role.USER and not before:
                raise ModelError("The question of this answer was erased.", "Ask it anew: there is nothing to answer.")
            self._messages = before
            if message.role is Role.USER:
                self._messages.append(message)
            await self._find_recipe(self._messages[-1])
            if message.role is not Role.USER and go_on:
                beginning = message.text
                earlier = await asyncio.to_thread(self.log.tool_uses, message.id)
            responding = self._respond(self._messages[-1], stop, beginning=beginning, earlier=earlier)
            async with aclosing(responding) as events:
                async for event in events:
                    yield event

    async def _find_recipe(self, message: Message) -> None:
        """Find the recipe that was used for a message, as it is now. Raises KeepsakeError where it can't be used."""
        uses = await asyncio.to_thread(self.log.tool_uses, message.id)
        recipe = await asyncio.to_thread(recipe_of_message, self._store, uses, message.text)
        if recipe is not None:
            refuse_recipe(recipe, self.answerer)
            self._recipes[message.id] = recipe

    @contextmanager
    def _hold(self) -> Iterator[None]:
        """Have a turn end with the model and the effort with which it began: another model may see less."""
        self._under_way = (self.effort, self._model, self._late)
        try:
            yield
        finally:
            self._under_way = None

    async def refuse_again(self, message_id: str, *, go_on: bool = False) -> None:
        """Raise ModelError if `again` would send something private to where it has not been."""
        self.refuse_elsewhere()
        if go_on and self.effort is Effort.LATER:
            raise ModelError(
                "An answer can't be gone on with later.",
                "Choose another effort, with /effort, or have it answered again, with /retry.",
            )
        (message,) = [item for item in self._messages if item.id == message_id]
        question_id = message.id if message.role is Role.USER else message.parent_id
        if self.effort is Effort.LATER and question_id is not None:
            awaited = await asyncio.to_thread(self._store.late.find_for_question, question_id)
            if awaited is not None:
                raise ModelError(
                    "This question is handed in already, and its answer will come.",
                    f"`keepsake later cancel {awaited.id}` takes it back; another effort answers now.",
                )
        if self.answerer.info.is_private:
            return
        elsewhere = f"and {self.answerer.info.name} is not on this machine."
        if go_on and message.private and message.role is Role.ASSISTANT:
            raise ModelError(
                f"What this answer was made from is private, {elsewhere}",
                "Have it answered again, with /retry, or choose a model on this machine, with /model.",
            )
        asked = next((item for item in self._messages if item.id == message.parent_id), message)
        asked = message if message.role is Role.USER else asked
        where = self.answerer.info.place
        if asked.private and not await asyncio.to_thread(self._store.requests.went_to, where, asked.id):
            raise ModelError(
                f"This question is private, {elsewhere}",
                "Write it again to send it there, or choose a model on this machine, with /model.",
            )

    def _before(self, message_id: str) -> list[Message]:
        """Return the branch in view up to a message, without it."""
        return self._messages[: [message.id for message in self._messages].index(message_id)]

    async def _respond(
        self,
        question: Message,
        stop: asyncio.Event | None,
        *,
        beginning: str = "",
        earlier: Sequence[ToolUse] = (),
    ) -> AsyncGenerator[Event, None]:
        """Recall for a stored question and answer it; the branch in view ends with it."""
        assert self.conversation is not None
        yield TurnStarted(self.conversation, question)
        recipe = self._recipes.get(question.id)
        if recipe is not None:
            yield llm.ToolEnded(llm.ToolCall("", USED, recipe.arguments), "", ToolOutcome.DONE)
        for offered in await asyncio.to_thread(before_answer, self.log, self.settings.care, question):
            yield offered
        attached, private = self._attached.get(question.id, ()), question.private or self.is_private
        also: list[str] = []
        async with aclosing(until(self._look_further(question, attached, private), stop)) as looking:
            async for looked in looking:
                also += looked.questions
                yield looked
        assembled = await asyncio.to_thread(self._assemble, question.text, attached, private, also, recipe)
        context = assembled.context
        yield assembled.event()
        offer = ToolOffer(())
        info, uses_tools = self.answerer.info, self._uses_tools
        offering = offer_tools(self._store, self.toolbox, info, question.text, recipe, uses_tools=uses_tools)
        async with aclosing(until(offering, stop)) as offers:
            async for offer in offers:
                if offer.notes:
                    yield ToolsMissed(offer.notes)
        messages = context.messages
        if beginning:
            begun = llm.ChatMessage(Role.ASSISTANT, beginning)
            messages = (*messages, begun, llm.ChatMessage(Role.USER, prompt("go_on")))
            yield llm.TextDelta(beginning)
        turn = Turn(
            llm.ChatRequest(
                messages,
                self.settings.max_answer_tokens,
                self.settings.temperature,
                reasoning=self._dial.reasoning,
            ),
            question.text,
            context.hits,
        )
        answering = (
            self._answer(turn, context, question, offer, stop, beginning, earlier)
            if self._late is None
            else self._hand_in(turn, context, question, stop)
        )
        async with aclosing(answering) as events:
            async for event in events:
                yield event

    async def _look_further(
        self, question: Message, attached: Sequence[Source], private: bool
    ) -> AsyncGenerator[LookedFurther, None]:
        """Split a question, then look at what was found for what is missing, where the effort says so.

        Without a model, or where it can't be asked, nothing more is looked for: the answer says why.
        """
        model, text = self._model, question.text
        if model is None or not self._dial.looks_again or not self.settings.recall:
            return
        if is_small_talk(text) or not (may_ask(text) or asks_something(text)):
            return
        try:
            parts = await split_question(self._store, model, question.text, question.id)
            if parts:
                yield LookedFurther(tuple(parts))
            found = await asyncio.to_thread(self._assemble, question.text, attached, private, parts)
            missing = await find_missing(self._store, model, question.text, question.id, found.context.hits)
            if missing:
                yield LookedFurther(tuple(missing))
        except ModelError:
            return

    @property
    def _model(self) -> llm.ChatModel | None:
        """The model that answers now; None where answers are quotations, or come later."""
        if self._under_way is not None:
            return self._under_way[1]
        if self._late is not None:
            return None
        return self.models.find(DIALS[self.effort].role, private=self._needs_home)

    @property
    def _late(self) -> llm.LateModel | None:
        """The model that answers later; None where answers come now."""
        if self._under_way is not None:
            return self._under_way[2]
        return self.models.later if self.effort is Effort.LATER else None

    @property
    def _effort(self) -> Effort:
        """The effort of the turn under way, else of the next one."""
        return self.effort if self._under_way is None else self._under_way[0]

    @property
    def _dial(self) -> Dial:
        """What that effort means."""
        return DIALS[self._effort]

    async def _store_question(self, text: str, *, private: bool) -> Message:
        try:
            return await self._append_question(text, private=private)
        except NotFoundError:
            # Erased in another window: the chat goes on from what is left of it.
            await self._let_go_of_erased()
            return await self._append_question(text, private=private)

    async def _let_go_of_erased(self) -> None:
        assert self.conversation is not None
        try:
            await asyncio.to_thread(self._store.conversations.get, self.conversation.id)
        except NotFoundError:
            self.conversation, self._messages, self._tree = None, [], []
            return
        self._tree = await asyncio.to_thread(self.log.messages, self.conversation.id)
        there = {message.id for message in self._tree}
        self._messages = [message for message in self._messages if message.id in there]

    async def _append_question(self, text: str, *, private: bool) -> Message:
        if self.conversation is None:
            begun = await asyncio.to_thread(self._begin, text)
            effort = None if self.temporary or self._from_shell else self.chosen_effort
            begins_private = self._begins_private or None
            if begins_private or effort is not None:
                begun = await asyncio.to_thread(
                    self._store.conversations.mark, begun.id, private=begins_private, effort=effort
                )
            self.conversation = begun
        parent = self._messages[-1].id if self._messages else None
        message = await asyncio.to_thread(
            self._append,
            self.conversation.id,
            Role.USER,
            text,
            USER,
            parent,
            MessageStatus.COMPLETE,
            private or self.is_private,
            capture=self.settings.learn,
        )
        self._messages.append(message)
        self._tree.append(message)
        return message

    def _begin(self, text: str) -> Conversation:
        if self._from_shell:
            return self._store.conversations.of_shell(SHELL_TITLE, include_private=self.answerer.info.is_private)
        return self.log.start(title_of(text))

    def _append(
        self,
        conversation_id: str,
        role: Role,
        text: str,
        author: Author,
        parent_id: str | None,
        status: MessageStatus,
        private: bool,
        *,
        capture: bool = False,
        citations: Sequence[Citation] = (),
    ) -> Message:
        message = self.log.append(
            conversation_id,
            role,
            text,
            author,
            parent_id=parent_id,
            status=status,
            private=private,
            drafts=passages_of_message(text),
            capture=capture,
            citations=citations,
        )
        self._store.wake()
        return message

    def _assemble(
        self,
        text: str,
        attached: Sequence[Source],
        private: bool,
        also: Sequence[str] = (),
        recipe: FilledRecipe | None = None,
    ) -> Assembled:
        return assemble(
            self._store,
            self.answerer,
            dialled(self.settings, self._effort),
            self._messages,
            text,
            attached,
            self.conversation.id if self.conversation is not None else None,
            private=private,
            also=also,
            reserve=room_for_tools(self.answerer.info) if self._uses_tools else 0,
            recipe=recipe.instructions(with_tools=self._uses_tools) if recipe is not None else "",
        )

    @property
    def _uses_tools(self) -> bool:
        """Whether the model that answers is offered tools: it calls them and has room, effort and settings allow it."""
        return can_use_tools(self._model) and self._dial.tools and self.settings.recall

    async def _answer(
        self,
        turn: Turn,
        context: Context,
        question: Message,
        offer: ToolOffer,
        stop: asyncio.Event | None,
        beginning: str,
        earlier: Sequence[ToolUse],
    ) -> AsyncGenerator[Event, None]:
        assert self.conversation is not None
        bench = set_up_bench(
            self._store,
            question,
            context,
            self.answerer.info,
            private=self.is_private,
            passages=dialled(self.settings, self._effort).passages,
            kept=self._ids_of(question),
            ask_user=self.ask_user,
        )
        answerer = equip(self.answerer, self._model, offer, bench, self.approve, earlier)
        answer = await self._begin_answer(context, question)
        turn = replace(turn, request=replace(turn.request, message_id=answer.id))
        await note_sent(self._store, answerer.info, bench.given)
        text, thought, use = beginning, False, 0
        finished: llm.Finished | None = None
        error: KeepsakeError | None = None
        saved_at = time.monotonic()
        try:
            async with aclosing(until(answerer.answer(turn), stop)) as stream:
                async for event in stream:
                    if isinstance(event, llm.Finished):
                        finished = event
                    if isinstance(event, llm.Finished | llm.ToolCalled | llm.HandedIn):
                        continue
                    text = beginning if isinstance(event, llm.WasThinking) else text
                    text += event.text if isinstance(event, llm.TextDelta) else ""
                    thought = thought or isinstance(event, llm.WasThinking | llm.ThinkingDelta)
                    match event:
                        case llm.ToolStarted(call):  # durable before it is done
                            begin = self.log.begin_tool_use
                            use = await asyncio.to_thread(begin, answer.id, call.name, call.arguments)
                        case llm.ToolEnded(_, _, outcome):
                            await asyncio.to_thread(self.log.end_tool_use, answer.id, use, outcome)
                    yield event
                    if text and time.monotonic() - saved_at >= _SAVE_EVERY_SECONDS:
                        await asyncio.to_thread(self.log.save_partial, answer.id, text, private=bench.is_private)
                        saved_at = time.monotonic()
            if finished is not None:
                error = shortfall(finished, said=bool(text.strip()), thought=thought)
        except KeepsakeError as failure:
            error = failure
        finally:
            # Also when whoever listens goes away in mid-answer: what has come is kept, marked as partial.
            context = replace(context, known=(*context.known, *bench.found.items()))
            stored = self._finish(answer, text, finished, context, private=bench.is_private)
        sources = context.sources(text)
        if error is not None:
            yield TurnFailed(error, stored, sources if stored else ())
            return
        if stored is not None and self._dial.checks and not is_small_talk(question.text):
            async with aclosing(until(self._check(stored, context), stop)) as checking:
                async for checked in checking:
                    yield checked
        yield TurnFinished(stored or answer, sources)

    async def _begin_answer(self, context: Context, question: Message) -> Message:
        """Store an answer without a word, with all that it may repeat."""
        assert self.conversation is not None
        # An answer made with private text in view is private itself: it must not go elsewhere with a later request.
        return await asyncio.to_thread(
            self._append,
            self.conversation.id,
            Role.ASSISTANT,
            "",
            Author(AuthorKind.MODEL, self.answerer.info.name),
            question.id,
            MessageStatus.PENDING,
            context.private or question.private or self.is_private,
            citations=[Citation(number, hit.id, False) for number, hit in context.numbered],
        )

    async def _hand_in(
        self, turn: Turn, context: Context, question: Message, stop: asyncio.Event | None
    ) -> AsyncGenerator[Event, None]:
        """Hand a question in, whose answer comes later. Where it is stopped meanwhile, the batch is taken back."""
        answer = await self._begin_answer(context, question)
        turn = replace(turn, request=replace(turn.request, message_id=answer.id))
        await note_sent(self._store, self.answerer.info, (*context.items, *self._ids_of(question)))
        handed_in: llm.HandedIn | None = None
        error: KeepsakeError | None = None
        try:
            async with aclosing(until(self.answerer.answer(turn), stop)) as stream:
                async for event in stream:
                    handed_in = event if isinstance(event, llm.HandedIn) else handed_in
        except KeepsakeError as failure:
            error = failure
        finally:
            if handed_in:
                self._messages.append(answer)
                self._tree.append(answer)
            else:
                self.log.discard(answer.id)
        if error is not None:
            yield TurnFailed(error, None)
        else:
            yield TurnHandedIn(answer, handed_in.trouble) if handed_in else TurnFinished(answer, ())

    def _ids_of(self, question: Message) -> tuple[str, ...]:
        """Return the ids of a question, and of the recipe that it is answered by, as far as they are stored."""
        recipe = self._recipes.get(question.id)
        own = (recipe.id,) if recipe is not None and recipe.id else ()
        return own if self.temporary else (question.id, *own)

    async def _check(self, answer: Message, context: Context) -> AsyncGenerator[AnswerChecked, None]:
        """Hold an answer against its sources; where the model can't be asked, nothing is said of it."""
        model = self._model
        if model is not None:
            try:
                yield AnswerChecked(
                    tuple(await find_unsupported(self._store, model, answer.text, context.numbered, answer.id))
                )
            except ModelError:
                return

    def _finish(
        self, answer: Message, text: str, finished: llm.Finished | None, context: Context, *, private: bool
    ) -> Message | None:
        """Store the last form of an answer; short and synchronous, so that a cancelled task can't skip it."""
        if not text.strip():
            stored = self.log.discard(answer.id)
            if stored is not None:
                self._messages.append(stored)
                self._tree.append(stored)
            return stored
        whole = finished is not None and is_whole(finished)
        author = Author(AuthorKind.MODEL, finished.model if finished else self.answerer.info.name)
        stored = self.log.finish(
            answer.id,
            text,
            author,
            MessageStatus.COMPLETE if whole else MessageStatus.PARTIAL,
            citations=[Citation(source.number, source.hit.id, source.cited) for source in context.sources(text)],
            input_tokens=finished.input_tokens if finished else None,
            output_tokens=finished.output_tokens if finished else None,
            # A quotation is found where it stands; finding it twice would help nobody.
            drafts=passages_of_message(text) if self.answerer.reads else [],
            private=private,
        )
        self._messages.append(stored)
        self._tree.append(stored)
        self._store.wake()
        return stored
