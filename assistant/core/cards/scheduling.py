"""When a card is due: the scheduler is `fsrs`, which takes it from how well the card was known each time before.

Nothing of the scheduler is stored: what it knows of a card is made anew from its reviews, so that it is right after a
merge of two stores and with a newer version of the scheduler, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from assistant.language import NN_, plural
from memory_store import Card, CardReview, Grade, Store

# What was not known is asked again after this time, and in the same review, as it ends later than this.
SOON: Final = timedelta(minutes=10)
# A card that was known leaves these steps at once: its next day is counted in days.
_STEPS: Final = (SOON,)
_MINUTES: Final = NN_("in {count} minute", "in {count} minutes")
_HOURS: Final = NN_("in {count} hour", "in {count} hours")
_DAYS: Final = NN_("in {count} day", "in {count} days")
_MONTHS: Final = NN_("in {count} month", "in {count} months")
_DAYS_OF_A_MONTH: Final = 30


def next_due(reviews: Sequence[CardReview]) -> datetime:
    """Return when a card is due after these reviews, the earliest first; there has to be one."""
    from fsrs import Card as Scheduled
    from fsrs import Rating, Scheduler

    ratings = {Grade.AGAIN: Rating.Again, Grade.HARD: Rating.Hard, Grade.GOOD: Rating.Good, Grade.EASY: Rating.Easy}
    # Without chance in it: the same grades give the same days.
    scheduler = Scheduler(learning_steps=_STEPS, relearning_steps=_STEPS, enable_fuzzing=False)
    scheduled = Scheduled(card_id=0)
    for review in reviews:
        scheduled, _ = scheduler.review_card(scheduled, ratings[review.grade], review.reviewed_at)
    return scheduled.due


def grade(store: Store, card: Card, given: Grade, moment: datetime) -> datetime:
    """Keep how well a card was known, and return when it is due next. Raises NotFoundError where it was erased."""
    review = CardReview(card.id, moment, given)
    due_at = next_due([*store.cards.reviews(card.id), review])
    store.cards.review(review, due_at)
    return due_at


def describe_wait(moment: datetime, due_at: datetime) -> str:
    """Return how long it is until then, in words, such as "in 3 days"."""
    wait = max(due_at - moment, timedelta(0))
    if wait < timedelta(hours=1):
        return plural(*_MINUTES, max(1, round(wait / timedelta(minutes=1))))
    if wait < timedelta(hours=23, minutes=30):
        return plural(*_HOURS, round(wait / timedelta(hours=1)))
    days = round(wait / timedelta(days=1))
    if days < 2 * _DAYS_OF_A_MONTH:
        return plural(*_DAYS, days)
    return plural(*_MONTHS, round(days / _DAYS_OF_A_MONTH))
