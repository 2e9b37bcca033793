"""Cards as a person works with them: asked, answered, and graded by whoever learns."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from functools import partial
from typing import Final

from assistant.core.cards.scheduling import SOON, describe_wait, grade, next_due
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.display import excerpt, plain
from assistant.language import N_, NN_, _, plural
from assistant.threads import in_thread
from memory_store import Card, CardReview, Grade, Store, stands_in
from memory_store.clock import now
from memory_store.errors import NotFoundError

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


def source_of(store: Store, card: Card) -> str:
    """Return where a card is from, in words: what it was made from, and the place in it."""
    passage = store.passage(card.passage_id)
    title = plain(passage.source.title or passage.source.kind.value, one_line=True)
    return " › ".join(part for part in (title, passage.locator.label()) if part)


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
                Report(_("There are no cards yet."), _("`keepsake cards import FILE` brings some, from Anki."))
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
        rests_on = await in_thread(lambda: source_of(store, card))
        if not stands_in(card.question, card.quote):  # else it was brought as it is, and the words are the card's own
            rests_on = f"“{excerpt(card.quote, _QUOTE_CHARS)}” — {rests_on}"
        await skin.tell(Report(plain(card.answer), rests_on, about=card.id))
        title = _("How well did you know it?") + (f" ({plural(*_LEFT, left)})" if left else "")
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
