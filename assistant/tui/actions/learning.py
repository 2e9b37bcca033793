"""The commands of what is learned: learn now, answer what only the user knows, see the goals, keep a chat private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from assistant.core.asking import is_capable
from assistant.core.learning.answering import ANSWERS, Answer, answer
from assistant.core.profile import ProfileSection
from assistant.core.profile_page import apply, changes, page
from assistant.display import day, excerpt, plain
from assistant.errors import ModelError
from assistant.language import N_, NN_, _, plural
from assistant.tui import learning
from assistant.tui.actions.conversation import show_kept
from assistant.tui.actions.forgetting import erase
from assistant.tui.actions.writing import written_in_editor
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store import NewMemory, Selection
from memory_store.errors import StoreError
from memory_store.learned import Question, QuestionKind
from memory_store.models import Memory, MemoryKind

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

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


async def learn(chat: ChatScreen, argument: str) -> None:
    """Capture from what waits, merge what says the same, sum up long chats; say what was learned."""
    assert chat.keeper is not None
    if chat.session is None:
        return
    learning.pause(chat)
    chat.keeper.show_activity(_("learning…"))
    try:
        count = await learning.learn_now(chat)
    except ModelError as error:
        await chat.notice(error.message, error.hint, "error")
        return
    finally:
        chat.keeper.show_activity()
    waiting = await in_thread(chat.services.store.learning.queue.waiting)
    if waiting:
        hint = (
            _("They are private, or are tried again later.")
            if is_capable(chat.session.model)
            else _("Who answers can't read for you; /model chooses another.")
        )
        await chat.notice(plural(*_WAITING, waiting), hint)
    elif not count:
        await chat.notice(_("There was nothing to learn."))
    await chat.keeper.look(recount=True)


async def questions(chat: ChatScreen, argument: str) -> None:
    """Ask what only the user can answer, one question after the other, until none is open or the user has enough."""
    store = chat.services.store
    asked = await in_thread(store.learning.questions.all)
    if not asked:
        chat.notify(_("No question is open."), markup=False, timeout=3)
    for question in asked:
        said = await chat.app.push_screen_wait(Chooser(_asked(question), _answers(question)))
        if said is None:
            return
        if said is Answer.NO:
            _gone, told = await erase(chat, Selection((question.memory.id,)))
            await chat.notice(told.text, told.hint, told.kind)
            continue
        await in_thread(partial(answer, store, question, said))
        await chat.notice(_("Noted: {text}").format(text=plain(question.memory.text, one_line=True)), kind="good")


async def edit_page(chat: ChatScreen, sections: Sequence[ProfileSection], asked: Sequence[Question]) -> None:
    """Let the user edit the profile as a page of Markdown, and take over what they changed; erasing is asked for."""
    written = written_in_editor(chat, page(sections, asked), "about-me.md")
    if written is None:
        return
    try:
        wanted = changes(written, sections)
    except StoreError as error:
        await chat.notice(error.message, error.hint, "error")
        return
    if not wanted:
        chat.notify(_("Nothing was changed."), markup=False, timeout=3)
        return
    await in_thread(partial(apply, chat.services.store, replace(wanted, removed=())))
    for _before, text in wanted.reworded:
        await chat.notice(_("Put right: {text}").format(text=text), kind="good")
    for _kind, text in wanted.added:
        await chat.notice(_("Remembered: {text}").format(text=text), kind="good")
    if wanted.removed:
        _gone, told = await erase(chat, Selection(tuple(one.id for one in wanted.removed)))
        await chat.notice(told.text, told.hint, told.kind)


def _asked(question: Question) -> str:
    if question.kind is QuestionKind.SENSITIVE or question.other is None:
        text = excerpt(question.memory.text, _EXCERPT_CHARS)
        return _("“{text}” is about your health or mood. May it be remembered?").format(text=text)
    return _("These contradict each other. Which is true?")


def _answers(question: Question) -> list[Choice[Answer]]:
    texts = {Answer.NEWER: question.memory, Answer.EARLIER: question.other}
    return [
        Choice(
            _(_ANSWERS[one]).format(text=excerpt(memory.text, _EXCERPT_CHARS) if (memory := texts.get(one)) else ""),
            day(memory.recorded_at) if memory else "",
            one,
        )
        for one in ANSWERS[question.kind]
    ]


async def goals(chat: ChatScreen, argument: str) -> None:
    """List the goals to review, end or correct one; with words, set a new one."""
    if argument:
        await _set(chat, argument)
        return
    store = chat.services.store
    found = await in_thread(lambda: [one for one in store.memories.all() if one.kind is MemoryKind.GOAL])
    reviews = await in_thread(lambda: {one.id: store.memories.reviews(one.id) for one in found})
    choices: list[Choice[Memory | str | None]] = [
        Choice(excerpt(one.text, _EXCERPT_CHARS), " · ".join(_about(one, [said.text for said in reviews[one.id]])), one)
        for one in found
    ]
    choices.append(Choice(_("Set a new goal"), "", _NEW))
    chosen = await chat.app.push_screen_wait(Chooser(_("Your goals"), choices))
    if isinstance(chosen, Memory):
        await _work_on(chat, chosen)
    elif chosen is not None:
        text = await chat.app.push_screen_wait(AskScreen(_("What do you want?"), _("such as: run a marathon")))
        if text:
            await _set(chat, text)


def _about(goal: Memory, reviews: list[str]) -> list[str]:
    since = day(goal.recorded_at)
    said = [part for part in (goal.horizon, goal.why, *reviews[:1]) if part]
    return [since, *(excerpt(one, _EXCERPT_CHARS) for one in said)]


async def _set(chat: ChatScreen, text: str) -> None:
    answers: list[str] = []
    for question, example in ((_("What for?"), _("may be left empty")), (_("Until when?"), _("such as: by October"))):
        answer = await chat.app.push_screen_wait(AskScreen(question, example, optional=True))
        if answer is None:  # closed: the goal is given up with it
            chat.notify(_("Nothing was changed."), markup=False, timeout=3)
            return
        answers.append(answer)
    why, horizon = answers
    new = NewMemory(text, MemoryKind.GOAL, why=why or None, horizon=horizon or None)
    goal = await in_thread(lambda: chat.services.store.remember(new))
    chat.services.store.wake()
    await chat.notice(_("Goal set: {text}").format(text=goal.text), _("/goals lists your goals."), "good")


async def _work_on(chat: ChatScreen, goal: Memory) -> None:
    store = chat.services.store
    actions = [
        Choice(_("Say how it goes"), "", "review"),
        Choice(_("End it, reached or given up"), _("it stays as history"), "end"),
    ]
    chosen = await chat.app.push_screen_wait(Chooser(excerpt(goal.text, _EXCERPT_CHARS), actions))
    if chosen == "review":
        text = await chat.app.push_screen_wait(AskScreen(_("How does it go?"), ""))
        if text:
            await in_thread(lambda: store.memories.review(goal.id, text))
            await chat.notice(_("Noted: {text}").format(text=text), kind="good")
    elif chosen == "end":
        await in_thread(lambda: store.memories.retire(goal.id))
        await chat.notice(_("Ended: {text}").format(text=goal.text), kind="good")


async def private(chat: ChatScreen, argument: str) -> None:
    """Keep this chat to this machine, or make it public again."""
    session = chat.session
    if session is None:
        return
    if session.temporary:
        chat.notify(_("A temporary chat is kept nowhere; who answers still sees it."), markup=False, timeout=4)
        return
    await session.keep_private(private=not session.is_private)
    show_kept(chat)
    if session.is_private:
        hint = "" if session.model.is_private else _("Who answers is not on this machine: /model chooses one that is.")
        await chat.notice(_("Private: nothing of it is sent to another machine."), hint, "good")
    else:
        await chat.notice(_("Public again; its answers stay private, as they may repeat what is."))
