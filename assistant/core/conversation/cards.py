"""Cards as a person works with them: made by a model and looked over, asked, answered, graded by whoever learns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final

from assistant.core.cards.scheduling import SOON, describe_wait, grade, next_due
from assistant.core.cards.writing import write_cards
from assistant.core.conversation.commands import absolute_path
from assistant.core.conversation.forgetting import find_document
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.core.conversation.stopping import until
from assistant.core.places import place_of
from assistant.display import excerpt, plain
from assistant.errors import ModelError
from assistant.ingestion.pipeline import ImportOptions, attached_file
from assistant.language import N_, NN_, _, plural
from assistant.llm.base import ChatModel
from assistant.llm.roles import ModelRole, Models
from assistant.threads import in_thread
from memory_store import Card, CardReview, Grade, NewCard, Store, StoredPassage, stands_in
from memory_store.clock import now
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import USER

_QUOTE_CHARS: Final = 400
_DUE: Final = NN_("{count} card is due.", "{count} cards are due.")
_LEFT: Final = NN_("{count} more", "{count} more")
_REVIEWED: Final = NN_("{count} card reviewed.", "{count} cards reviewed.")
GRADES: Final = {
    Grade.AGAIN: N_("Not at all, or wrongly"),
    Grade.HARD: N_("Only with trouble"),
    Grade.GOOD: N_("After a moment"),
    Grade.EASY: N_("At once"),
}


class _Deed(Enum):
    """What may become of a card that a model wrote."""

    KEEP = auto()
    CHANGE = auto()
    DROP = auto()
    KEEP_ALL = auto()
    END = auto()


_DEEDS: Final = {
    _Deed.KEEP: N_("Keep it"),
    _Deed.CHANGE: N_("Change it"),
    _Deed.DROP: N_("Drop it"),
    _Deed.KEEP_ALL: N_("Keep it and all that follow"),
    _Deed.END: N_("Drop it and all that follow"),
}
MOST_MADE: Final = 20
_WRITTEN: Final = NN_("writing cards… {count} so far", "writing cards… {count} so far")
_MADE: Final = NN_("{count} card kept.", "{count} cards kept.")
_THROWN_AWAY: Final = NN_(
    "{count} was thrown away: what it quotes does not stand in the passage.",
    "{count} were thrown away: what they quote does not stand in the passage.",
)
_NOT_READ: Final = NN_(
    "{count} passage was not read for it; making again goes on there.",
    "{count} passages were not read for it; making again goes on there.",
)


def source_of(store: Store, card: Card | NewCard) -> str:
    """Return where a card is from, in words: what it was made from, and the place in it."""
    return place_of(store.passage(card.passage_id))


def rests_on(store: Store, card: Card | NewCard) -> str:
    """Return the words that a card rests on, and where they are from."""
    source = source_of(store, card)
    if stands_in(card.question, card.quote):  # it was brought as it is, and the words are its own
        return source
    return f"“{excerpt(card.quote, _QUOTE_CHARS)}” — {source}"


def ask_how_well(question: str, written: str, answer: str, told: str) -> str:
    """Return what is asked of a learner beside the solution: all that they need to grade themselves."""
    own = [_("You: {text}").format(text=plain(written, one_line=True))] if written else []
    lines = (question, *own, f"→ {plain(answer, one_line=True)}", told, _("How well did you know it?"))
    return "\n".join(lines)


class CardReviews:
    """Asks the cards that are due, one after the other."""

    def __init__(self, store: Store, skin: Skin) -> None:
        self._store = store
        self._skin = skin

    async def tell_of_due(self) -> None:
        """Say how many cards are due, if any is."""
        count = await in_thread(lambda: self._store.cards.count_due(now()))
        if count:
            await self._skin.tell(Report(plural(*_DUE, count), _("/cards reviews them.")))

    async def review(self) -> None:
        """Ask each card that is due, and again what was not known, until none is left or the user has enough."""
        store = self._store
        began = now()
        due = await in_thread(lambda: store.cards.find_due(began))
        if not due:
            await self._tell_none()
            return
        waiting, reviewed = deque(due), set[str]()
        while waiting:
            card = waiting.popleft()
            example = "" if reviewed else _("Answer before you see it; Enter alone shows it")
            try:
                due_at = await self._ask(card, example, len(waiting))
            except NotFoundError:
                continue  # erased since it was found to be due
            if due_at is None:
                waiting.appendleft(card)
                break
            reviewed.add(card.id)
            if due_at - now() <= SOON + SOON / 2:
                waiting.append(card)
        hint = plural(*_DUE, len(waiting)) if waiting else ""
        await self._skin.tell(Report(plural(*_REVIEWED, len(reviewed)), hint, "good" if reviewed else "info"))

    async def _tell_none(self) -> None:
        cards = await in_thread(self._store.cards.all)
        if not cards:
            await self._skin.tell(
                Report(
                    _("There are no cards yet."),
                    _("/study and /cards make DOCUMENT make some; `keepsake cards import FILE` brings some from Anki."),
                )
            )
            return
        wait = describe_wait(now(), cards[0].due_at)
        await self._skin.tell(Report(_("No card is due; the next one is {wait}.").format(wait=wait)))

    async def _ask(self, card: Card, example: str, left: int) -> datetime | None:
        """Return when a card is due after the user has answered and graded it; None where they have enough."""
        skin, store = self._skin, self._store
        question = plain(card.question, one_line=True)
        written = await skin.ask(question, example, optional=True)
        if written is None:
            return None
        told = await in_thread(lambda: rests_on(store, card))
        left_words = [plural(*_LEFT, left)] if left else []
        title = ask_how_well(" · ".join([question, *left_words]), written, card.answer, told)
        given = await skin.choose(title, await in_thread(partial(self._grades, card)))
        if given is None:
            return None
        return await in_thread(lambda: grade(store, card, given, now()))

    def _grades(self, card: Card) -> list[Choice[Grade]]:
        """Return the grades, each with when the card would come again."""
        moment, before = now(), self._store.cards.reviews(card.id)
        return [
            Choice(_(name), describe_wait(moment, next_due([*before, CardReview(card.id, moment, given)])), given)
            for given, name in GRADES.items()
        ]


def require_writer(models: Models, *, private: bool) -> ChatModel:
    """Return the model that writes cards, questions and hints. Raises ModelError where none may see what is read."""
    model = models.find(ModelRole.CHAT, private=private)
    if model is not None:
        return model
    if private and models.find(ModelRole.CHAT) is not None:
        raise ModelError(_("This is private, and the model is not on this machine."), _("/model chooses one that is."))
    raise ModelError(
        _("No model is set up that could write questions."),
        _("`keepsake model add` sets one up; `keepsake cards import FILE` brings cards without one."),
    )


class CardMaker:
    """Has a model write cards from a document, and keeps those that the user keeps. `stop` ends the writing."""

    def __init__(self, store: Store, skin: Skin) -> None:
        self._store = store
        self._skin = skin
        self.stop: asyncio.Event | None = None

    async def make(
        self, named: str, models: Models, importing: ImportOptions, *, private: bool, most: int = MOST_MADE
    ) -> None:
        """Make up to so many cards from a document, by its id, title or path; a file that is new is imported first.

        Raises NotFoundError or StoreError where there is no such document, ModelError where none can be asked.
        """
        store = self._store
        document_id = await in_thread(lambda: _find_or_import(store, named, importing))
        passages = await in_thread(lambda: store.documents.passages(document_id))
        used = await in_thread(lambda: {card.passage_id for card in store.cards.find_of_source(document_id)})
        last = max((at for at, passage in enumerate(passages) if passage.id in used), default=-1)
        fresh = [passage for passage in passages[last + 1 :] + passages[: last + 1] if passage.id not in used]
        if not fresh:
            await self._skin.tell(Report(_("Each passage of it has cards already.")))
            return
        model = require_writer(models, private=private or any(passage.private for passage in fresh))
        cards, notes = await self.write(model, fresh, most)
        kept = await self.offer(cards)
        await self.tell_kept(kept, "\n".join(notes))

    async def tell_kept(self, kept: Sequence[Card], hint: str = "") -> None:
        """Say how many cards were kept."""
        await self._skin.tell(Report(plural(*_MADE, len(kept)), hint, "good" if kept else "info"))

    async def write(
        self, model: ChatModel, passages: Sequence[StoredPassage], most: int, about: str = ""
    ) -> tuple[list[NewCard], list[str]]:
        """Return up to so many cards, and what there is to say of the writing. Raises ModelError.

        `about` is what the learner says of themselves.
        """
        cards: list[NewCard] = []
        thrown_away, left = 0, len(passages)
        self.stop = asyncio.Event()
        self._skin.show_activity(_("writing cards…"))
        try:
            async with aclosing(until(write_cards(self._store, model, passages, about), self.stop)) as batches:
                async for written in batches:
                    cards += written.cards
                    thrown_away += written.thrown_away
                    left -= written.passages
                    self._skin.show_activity(plural(*_WRITTEN, len(cards)))
                    if len(cards) >= most:
                        break
        finally:
            self.stop = None
            self._skin.show_activity()
        notes = [plural(*_THROWN_AWAY, thrown_away)] if thrown_away else []
        return cards[:most], [*notes, plural(*_NOT_READ, left)] if left else notes

    async def offer(self, cards: Sequence[NewCard]) -> list[Card]:
        """Show cards one after the other, to be kept, changed or dropped; return what was kept."""
        kept: list[Card] = []
        for number, card in enumerate(cards, start=1):
            chosen = await self._judge(card, f"{number}/{len(cards)}")
            if chosen is _Deed.KEEP:
                kept += await self.keep([card])
            elif chosen is _Deed.CHANGE:
                kept += await self.keep(await self._change(card))
            elif chosen is _Deed.KEEP_ALL:
                kept += await self.keep(cards[number - 1 :])
                break
            elif chosen is not _Deed.DROP:  # the rest is dropped, or the question was closed
                break
        return kept

    async def keep(self, cards: Sequence[NewCard]) -> list[Card]:
        """Store cards that there are not yet, and return them."""
        return await in_thread(lambda: self._keep(cards)) if cards else []

    async def _judge(self, card: NewCard, place: str) -> _Deed | None:
        try:
            told = await in_thread(lambda: rests_on(self._store, card))
        except NotFoundError:
            return _Deed.DROP  # its passage was erased while the user looked cards over
        title = "\n".join(
            (
                f"{place} · {card.question}",
                f"→ {plain(card.answer, one_line=True)}",
                told,
                _("What shall become of this card?"),
            )
        )
        return await self._skin.choose(title, [Choice(_(name), "", deed) for deed, name in _DEEDS.items()])

    async def _change(self, card: NewCard) -> list[NewCard]:
        """Return the card as the user words it; none if they think better of it."""
        worded: list[str] = []
        for name, text in ((_("Question"), card.question), (_("Answer"), plain(card.answer, one_line=True))):
            written = await self._skin.ask(name, text, hint=_("Enter alone leaves it as it is"), optional=True)
            if written is None:
                self._skin.remark(_("The card was dropped."))
                return []
            worded.append(plain(written, one_line=True) or text)
        return [replace(card, question=worded[0], answer=worded[1], author=USER)]

    def _keep(self, cards: Sequence[NewCard]) -> list[Card]:
        kept: list[Card] = []
        for card in cards:
            there = self._store.cards.find_of_passage(card.passage_id)
            if any(card.question.casefold() == other.question.casefold() for other in there):
                continue
            with suppress(NotFoundError):  # its passage was erased meanwhile
                kept += self._store.cards.add([card])
        return kept


def _find_or_import(store: Store, named: str, importing: ImportOptions) -> str:
    """Return the id of a document; a file that is not stored yet is imported. Raises StoreError or NotFoundError."""
    path: Path = absolute_path(named)
    if not path.is_file():
        return find_document(store, named)
    file = attached_file(store, path, importing)
    if file.source is None:
        raise StoreError(_("{path} can't be imported: {reason}").format(path=path, reason=file.reason))
    store.wake()
    return file.source.id
