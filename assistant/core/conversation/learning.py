"""What is learned of a conversation: after each answer and on demand; and the questions, goals and page that follow."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from assistant.core.conversation.forgetting import Eraser
from assistant.core.conversation.skin import Choice, MemoryChanged, Report, Skin
from assistant.core.conversation.telling import report_learned
from assistant.core.events import Captured, NoLongerTrue, NothingMeant
from assistant.core.learning.answering import ANSWERS, Answer, answer
from assistant.core.learning.consolidation import consolidate
from assistant.core.learning.learner import learn
from assistant.core.profile import ProfileSection, profile
from assistant.core.profile_page import apply, changes, page
from assistant.display import day, excerpt, plain
from assistant.errors import ModelError
from assistant.failures import hint_of
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from memory_store import NewMemory, Store
from memory_store.errors import KeepsakeError, StoreError
from memory_store.models import Memory, MemoryKind, Question, QuestionKind

if TYPE_CHECKING:
    from assistant.core.conversation.session import Session
    from assistant.core.conversation.telling import Learned
    from assistant.llm.roles import Models

LEARNING: Final = "learning"
"""The name of the work that a skin starts to learn beside a conversation."""
_EXCERPT_CHARS: Final = 120
_WAITING: Final = NN_("{count} message waits", "{count} messages wait")
_NEW: Final = ""
_ANSWERS: Final = {
    Answer.YES: N_("Yes, remember it"),
    Answer.NO: N_("No, erase it; the message stays"),
    Answer.NEWER: N_("The newer: {text}"),
    Answer.EARLIER: N_("The earlier: {text}"),
    Answer.BOTH: N_("Both are true"),
}


async def learn_all(store: Store, models: Models, *, consolidating: bool = True) -> AsyncGenerator[Learned, None]:
    """Capture from the messages that wait; `consolidating` then merges what says the same and sums up long chats.

    Raises ModelError where the model can't be asked; what waits goes on waiting then.
    """
    async with aclosing(learn(store, models)) as captured:
        async for noted in captured:
            yield noted
    if consolidating:
        async with aclosing(consolidate(store, models)) as consolidated:
            async for done in consolidated:
                yield done


class Learning:
    """Learns beside a conversation, and asks what only the user can answer."""

    def __init__(self, store: Store, skin: Skin, eraser: Eraser) -> None:
        self._store = store
        self._skin = skin
        self._eraser = eraser

    def pause(self) -> None:
        """Let the model answer: what was being learned from waits on, and is read again from its beginning."""
        self._skin.cancel(LEARNING)

    def go_on(self, session: Session, *, consolidating: bool = False) -> None:
        """Learn beside the conversation, if it is to be learned from."""
        if session.settings.learn:
            self._skin.start(lambda: self._learn_quietly(session, consolidating), LEARNING)

    async def _learn_quietly(self, session: Session, consolidating: bool) -> None:
        try:
            async with aclosing(learn_all(self._store, session.models, consolidating=consolidating)) as events:
                async for learned in events:
                    if isinstance(
                        learned, Captured | NoLongerTrue | NothingMeant
                    ):  # the profile and /context show the rest
                        await self._skin.tell(report_learned(learned))
        except KeepsakeError:
            return  # who answers can't be asked now: the messages wait on

    async def learn_now(self, session: Session) -> None:
        """Capture from what waits, merge what says the same, sum up long chats; tell what was learned."""
        self.pause()
        self._skin.show_activity(_("learning…"))
        count = 0
        try:
            async with aclosing(learn_all(self._store, session.models)) as events:
                async for learned in events:
                    count += 1
                    await self._skin.tell(report_learned(learned))
        except ModelError as error:
            await self._skin.tell(Report(error.message, error.hint, "error"))
            return
        finally:
            self._skin.show_activity()
        waiting = await in_thread(self._store.learning.queue.count_waiting)
        if waiting:
            await self._skin.tell(Report(plural(*_WAITING, waiting), _("They are tried again later.")))
        elif not count:
            await self._skin.tell(Report(_("There was nothing to learn.")))
        await self._skin.show(MemoryChanged())

    # -- questions ---------------------------------------------------------------------------------------------

    async def ask_questions(self) -> None:
        """Ask what only the user can answer, one question after the other, until none is open or they have enough."""
        asked = await in_thread(self._store.learning.questions.all)
        if not asked:
            self._skin.remark(_("No question is open."))
        for question in asked:
            chosen = await self._skin.choose(_asked(question), _answers(question))
            if chosen is None:
                return
            if chosen is Answer.NO:
                await self._eraser.erase_ids(question.memory.id)
                continue
            await in_thread(partial(answer, self._store, question, chosen))
            text = plain(question.memory.text, one_line=True)
            await self._skin.tell(Report(_("Noted: {text}").format(text=text), kind="good"))

    # -- the page about the user -------------------------------------------------------------------------------

    async def edit_page(self) -> None:
        """Let the user edit the profile as a page of Markdown, and take over what they changed, asking to erase."""
        store = self._store
        sections = await in_thread(lambda: profile(store))
        asked = await in_thread(store.learning.questions.all)
        written = await self._skin.edit(page(sections, asked), "about-me.md")
        if written is not None:
            await self._take_over(written, sections)

    async def _take_over(self, written: str, sections: Sequence[ProfileSection]) -> None:
        try:
            wanted = changes(written, sections)
        except StoreError as error:
            await self._skin.tell(Report(error.message, hint_of(error), "error"))
            return
        if not wanted:
            self._skin.remark(_("Nothing was changed."))
            return
        await in_thread(partial(apply, self._store, replace(wanted, removed=())))
        for _before, text in wanted.reworded:
            await self._skin.tell(Report(_("Put right: {text}").format(text=text), kind="good"))
        for _kind, text in wanted.added:
            await self._skin.tell(Report(_("Remembered: {text}").format(text=text), kind="good"))
        if wanted.removed:
            await self._eraser.erase_ids(*(memory.id for memory in wanted.removed))

    # -- goals -------------------------------------------------------------------------------------------------

    async def work_on_goals(self, argument: str) -> None:
        """List the goals to review or end one; with words, set a new one."""
        if argument:
            await self._set_goal(argument)
            return
        store = self._store
        found = await in_thread(lambda: [memory for memory in store.memories.all() if memory.kind is MemoryKind.GOAL])
        reviews = await in_thread(lambda: {goal.id: store.memories.reviews(goal.id) for goal in found})
        choices: list[Choice[Memory | str]] = [
            Choice(
                excerpt(goal.text, _EXCERPT_CHARS),
                " · ".join(_about(goal, [review.text for review in reviews[goal.id]])),
                goal,
            )
            for goal in found
        ]
        choices.append(Choice(_("Set a new goal"), "", _NEW))
        chosen = await self._skin.choose(_("Your goals"), choices)
        if isinstance(chosen, Memory):
            await self._work_on(chosen)
        elif chosen is not None:
            text = await self._skin.ask(_("What do you want?"), _("such as: run a marathon"))
            if text:
                await self._set_goal(text)

    async def _set_goal(self, text: str) -> None:
        answers: list[str] = []
        for question, example in (
            (_("What for?"), _("may be left empty")),
            (_("Until when?"), _("such as: by October")),
        ):
            written = await self._skin.ask(question, example, optional=True)
            if written is None:  # closed: the goal is given up with it
                self._skin.remark(_("Nothing was changed."))
                return
            answers.append(written)
        why, horizon = answers
        new = NewMemory(text, MemoryKind.GOAL, why=why or None, horizon=horizon or None)
        goal = await in_thread(lambda: self._store.remember(new))
        self._store.wake()
        told = _("Goal set: {text}").format(text=goal.text)
        await self._skin.tell(Report(told, _("/goals lists your goals."), "good"))

    async def _work_on(self, goal: Memory) -> None:
        store = self._store
        actions = [
            Choice(_("Say how it goes"), "", "review"),
            Choice(_("End it, reached or given up"), _("it stays as history"), "end"),
        ]
        chosen = await self._skin.choose(excerpt(goal.text, _EXCERPT_CHARS), actions)
        if chosen == "review":
            text = await self._skin.ask(_("How does it go?"))
            if text:
                await in_thread(lambda: store.memories.review(goal.id, text))
                await self._skin.tell(Report(_("Noted: {text}").format(text=text), kind="good"))
        elif chosen == "end":
            await in_thread(lambda: store.memories.retire(goal.id))
            await self._skin.tell(Report(_("Ended: {text}").format(text=goal.text), kind="good"))


def _asked(question: Question) -> str:
    if question.kind is QuestionKind.SENSITIVE or question.other is None:
        text = excerpt(question.memory.text, _EXCERPT_CHARS)
        return _("“{text}” is about your health or mood. May it be remembered?").format(text=text)
    return _("These contradict each other. Which is true?")


def _answers(question: Question) -> list[Choice[Answer]]:
    memories = {Answer.NEWER: question.memory, Answer.EARLIER: question.other}
    return [_choice(possible, memories.get(possible)) for possible in ANSWERS[question.kind]]


def _choice(possible: Answer, memory: Memory | None) -> Choice[Answer]:
    text = excerpt(memory.text, _EXCERPT_CHARS) if memory is not None else ""
    return Choice(
        _(_ANSWERS[possible]).format(text=text), day(memory.recorded_at) if memory is not None else "", possible
    )


def _about(goal: Memory, reviews: list[str]) -> list[str]:
    parts = [part for part in (goal.horizon, goal.why, *reviews[:1]) if part]
    return [day(goal.recorded_at), *(excerpt(part, _EXCERPT_CHARS) for part in parts)]
