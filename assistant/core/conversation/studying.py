"""`/study`: a session on a topic from the user's own documents: they answer first, and grade themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final

from assistant.core.cards.scheduling import grade
from assistant.core.cards.tutoring import Exercise, give_hint
from assistant.core.conversation.cards import GRADES, CardMaker, ask_how_well, require_writer, rests_on
from assistant.core.conversation.skin import Choice, MemoryChanged, Report, Skin
from assistant.core.conversation.stopping import unless_stopped
from assistant.core.places import place_of
from assistant.core.relevance import worth_telling
from assistant.display import excerpt, plain
from assistant.errors import ModelError
from assistant.failures import hint_of
from assistant.language import N_, NN_, _, plural
from assistant.llm.base import ChatModel
from assistant.threads import in_thread
from memory_store import Grade, NewCard, NewMemory, Store, StoredPassage
from memory_store.clock import now
from memory_store.errors import NotFoundError
from memory_store.models import Hit, Memory, MemoryKind, RecallFilters, SourceKind

if TYPE_CHECKING:
    from assistant.core.conversation.session import Session

_RECALLED: Final = 12
_MOST_PASSAGES: Final = 6
_MOST_QUESTIONS: Final = 8
_EXCERPT_CHARS: Final = 90
_GOAL: Final = N_("Study of {topic}: {words}")
_LEVEL: Final = N_("My level in {topic}: {words}")
_LEVELS: Final = (N_("new to it"), N_("I know some of it"), N_("I know it well"))
_HINTS_LEFT: Final = NN_("A hint ({count} left)", "A hint ({count} left)")
_WITHHELD: Final = NN_(
    "{count} private passage was left out: this model is not on this machine.",
    "{count} private passages were left out: this model is not on this machine.",
)
_ANSWERED: Final = NN_("{count} question", "{count} questions")
_KEEP: Final = NN_("Keep this question as a card?", "Keep these {count} questions as cards?")


class _Step(Enum):
    HINT = auto()
    SOLUTION = auto()
    AGAIN = auto()
    SKIP = auto()
    END = auto()


class _Keep(Enum):
    ALL = auto()
    EACH = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class _Aims:
    """What a learner wants and knows already, in words; `goal` is the memory that keeps what they want."""

    words: str = ""
    goal: Memory | None = None


class Tutor:
    """Leads through study sessions. Nothing of one is kept but what the user says yes to: aims, progress, cards.

    `stop` ends the thinking of a hint.
    """

    def __init__(self, store: Store, skin: Skin, maker: CardMaker) -> None:
        self._store = store
        self._skin = skin
        self._maker = maker
        self.stop: asyncio.Event | None = None

    async def study(self, topic: str, session: Session) -> None:
        """Lead through a session on a topic. Raises ModelError where no model can be asked that may see it."""
        store, skin = self._store, self._skin
        topic = (
            " ".join(topic.split()) or await skin.ask(_("What do you want to study?"), _("such as: heat pumps")) or ""
        )
        if not topic:
            return
        secret = session.is_private or await in_thread(lambda: store.privacy.covers(topic))
        model = require_writer(session.models, private=secret)
        passages, withheld = await in_thread(lambda: self._find_passages(topic, model, secret))
        left_out = plural(*_WITHHELD, withheld) if withheld else ""
        if not passages:
            nothing = _("Nothing in your documents is about {topic}.").format(topic=topic)
            await skin.tell(Report(nothing, left_out or _("/import adds documents."), "warning"))
            return
        aims = await self._find_aims(topic, model) or await self._ask_aims(topic, session)
        if aims is None:
            return
        await skin.tell(_plan(topic, passages, left_out))
        about = aims.words
        if not model.info.is_private and await in_thread(lambda: store.privacy.covers(about)):
            about = ""
        cards, notes = await self._maker.write(model, passages, _MOST_QUESTIONS, about)
        if not cards:
            await skin.tell(
                Report(_("The model wrote no question that its passage answers."), "\n".join(notes), "warning")
            )
            return
        by_id = {passage.id: passage for passage in passages}
        known = await self._go_through([Exercise(card, by_id[card.passage_id]) for card in cards], model)
        await self._end(topic, known, aims, temporary=session.temporary)

    def _find_passages(self, topic: str, model: ChatModel, secret: bool) -> tuple[list[StoredPassage], int]:
        """Return what documents tell of a topic, in reading order, and how much of it stays here."""
        filters = RecallFilters(frozenset({SourceKind.DOCUMENT}))
        withheld: Sequence[Hit] = ()
        if model.info.is_private:
            hits = self._store.recall(topic, _RECALLED, filters, private=secret)
        else:
            hits, withheld = self._store.recall_apart(topic, _RECALLED, filters, private=secret)
        hits = worth_telling(hits)[:_MOST_PASSAGES]
        passages = sorted((self._store.passage(hit.id) for hit in hits), key=lambda passage: passage.row)
        return passages, len(worth_telling(withheld))

    # -- what they want ----------------------------------------------------------------------------------------

    async def _find_aims(self, topic: str, model: ChatModel) -> _Aims | None:
        """Return what was kept of an earlier session on the topic, in words that the model may see."""
        beginnings = {
            kind: _(text).format(topic=topic, words="").casefold()
            for kind, text in ((MemoryKind.GOAL, _GOAL), (MemoryKind.FACT, _LEVEL))
        }
        memories = await in_thread(self._store.memories.all)
        kept = {
            memory.kind: memory
            for memory in memories
            if memory.kind in beginnings and memory.text.casefold().startswith(beginnings[memory.kind])
        }
        told = [memory.text for memory in kept.values() if model.info.is_private or not memory.private]
        return _Aims("\n".join(told), kept.get(MemoryKind.GOAL)) if kept else None

    async def _ask_aims(self, topic: str, session: Session) -> _Aims | None:
        """Ask what they want and know, and whether to keep that; None where they think better of it."""
        skin = self._skin
        example = _("such as: choose one for our house; may be left empty")
        wanted = await skin.ask(_("What do you want to be able to do?"), example, optional=True)
        if wanted is None:
            return None
        level = await skin.choose(_("How much do you know of it?"), [Choice(_(name), "", name) for name in _LEVELS])
        if level is None:
            return None
        new = [NewMemory(_(_LEVEL).format(topic=topic, words=_(level)), MemoryKind.FACT, private=session.is_private)]
        if wanted:
            text = _(_GOAL).format(topic=topic, words=plain(wanted, one_line=True))
            new.insert(0, NewMemory(text, MemoryKind.GOAL, private=session.is_private))
        words = "\n".join(memory.text for memory in new)
        if session.temporary:
            return _Aims(words)
        keeps = [Choice(_("Yes, remember it"), "", True), Choice(_("No, ask again next time"), "", False)]
        if not await skin.choose("\n".join((words, _("Remember that?"))), keeps):
            return _Aims(words)
        stored = await in_thread(lambda: [self._store.remember(memory) for memory in new])
        await skin.show(MemoryChanged())
        return _Aims(words, stored[0] if wanted else None)

    # -- questions ---------------------------------------------------------------------------------------------

    async def _go_through(self, exercises: Sequence[Exercise], model: ChatModel) -> dict[NewCard, Grade]:
        """Ask one after the other until the learner has enough; return how well each was known that they graded."""
        known: dict[NewCard, Grade] = {}
        for number, exercise in enumerate(exercises, start=1):
            step = await self._work_out(exercise, f"{number}/{len(exercises)}", model)
            if step is _Step.SKIP:
                continue
            if step is not _Step.SOLUTION:
                break
            card = exercise.card
            told = await in_thread(partial(rests_on, self._store, card))
            written = exercise.attempts[-1] if exercise.attempts else ""
            choices = [Choice(_(name), "", given) for given, name in GRADES.items()]
            given = await self._skin.choose(ask_how_well(card.question, written, card.answer, told), choices)
            if given is None:
                break
            known[card] = given
        return known

    async def _work_out(self, exercise: Exercise, place: str, model: ChatModel) -> _Step:
        """Have a question answered, with hints where they are asked for; return how that ended."""
        skin, hint = self._skin, ""
        question = f"{place} · {exercise.card.question}"
        step = _Step.AGAIN
        while step in (_Step.AGAIN, _Step.HINT):
            try:
                await in_thread(partial(self._store.passage, exercise.passage.id))
                if step is _Step.HINT:
                    hint = await self._hint(exercise, model) or hint
            except NotFoundError:
                skin.remark(_("What this question rests on was erased, or is private by now."), warning=True)
                return _Step.SKIP
            example = _("Enter alone if you have no idea")
            written = await skin.ask(
                question, example, hint=hint and _("Hint: {hint}").format(hint=hint), optional=True
            )
            if written is None:
                return _Step.END
            if written:
                exercise.attempts.append(written)
            own = [_("You: {text}").format(text=plain(written, one_line=True))] if written else []
            title = "\n".join((question, *own, _("And now?")))
            step = await skin.choose(title, _steps(exercise)) or _Step.END
        return step

    async def _hint(self, exercise: Exercise, model: ChatModel) -> str:
        """Return a hint; where the model's would give the answer away, the place to look at."""
        self._skin.show_activity(_("thinking of a hint…"))
        self.stop = asyncio.Event()
        try:
            hint = await unless_stopped(give_hint(self._store, model, exercise), self.stop)
        except ModelError as error:
            await self._skin.tell(Report(error.message, hint_of(error), "error"))
            return ""
        finally:
            self.stop = None
            self._skin.show_activity()
        if hint is None:
            return ""
        return hint or _("Look there: {place}").format(place=place_of(exercise.passage))

    # -- the end -----------------------------------------------------------------------------------------------

    async def _end(self, topic: str, known: dict[NewCard, Grade], aims: _Aims, *, temporary: bool) -> None:
        """Say how it went, keep that with the goal, and offer the questions as cards."""
        if not known:
            self._skin.remark(_("Nothing of this session is kept."))
            return
        well = sum(given in (Grade.GOOD, Grade.EASY) for given in known.values())
        words = _("{questions} on {topic}, {well} known well.").format(
            questions=plural(*_ANSWERED, len(known)), topic=topic, well=well
        )
        await self._skin.tell(Report(words, kind="good"))
        if temporary:
            return
        goal = aims.goal
        if goal is not None:
            with suppress(NotFoundError):  # the goal was erased meanwhile
                await in_thread(lambda: self._store.memories.review(goal.id, words))
        choices = [
            Choice(_("Yes, all"), "", _Keep.ALL),
            Choice(_("Look at each"), "", _Keep.EACH),
            Choice(_("No"), "", _Keep.NONE),
        ]
        match await self._skin.choose(plural(*_KEEP, len(known)), choices):
            case _Keep.ALL:
                kept = await self._maker.keep(tuple(known))
            case _Keep.EACH:
                kept = await self._maker.offer(tuple(known))
            case _:
                return
        graded = {(card.passage_id, card.quote): given for card, given in known.items()}
        for card in kept:
            await in_thread(partial(grade, self._store, card, graded[card.passage_id, card.quote], now()))
        if kept:
            await self._maker.tell_kept(kept)


def _plan(topic: str, passages: Sequence[StoredPassage], left_out: str) -> Report:
    lines = [_("Your documents on {topic}:").format(topic=topic)]
    lines += [
        f"{number}. {place_of(passage)}: “{excerpt(_own_words(passage), _EXCERPT_CHARS)}”"
        for number, passage in enumerate(passages, start=1)
    ]
    how = _("Questions first: answer in your own words; you may end at each of them.")
    return Report("\n".join(lines), "\n".join(note for note in (left_out, how) if note))


def _own_words(passage: StoredPassage) -> str:
    """Return the text of a passage without the heading that it begins with."""
    first, _break, rest = passage.text.strip().partition("\n")
    return rest if rest and first.strip("# ") in passage.locator.headings else passage.text


def _steps(exercise: Exercise) -> list[Choice[_Step]]:
    """Return what a learner may do now: see the solution only after an answer, or after all hints."""
    choices = [Choice(_("Show the solution"), "", _Step.SOLUTION)] if exercise.may_be_solved else []
    if exercise.hints_left:
        choices.append(Choice(plural(*_HINTS_LEFT, exercise.hints_left), "", _Step.HINT))
    choices.append(Choice(_("Answer again"), "", _Step.AGAIN))
    choices.append(Choice(_("Skip it"), "", _Step.SKIP))
    choices.append(Choice(_("End the session"), "", _Step.END))
    return choices
