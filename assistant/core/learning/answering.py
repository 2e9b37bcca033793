"""The user's answers to open questions: what they make of the memories that are asked about."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from memory_store import Selection, Store
from memory_store.errors import NotFoundError, StoreError
from memory_store.models import Erasure, Question, QuestionKind


class Answer(StrEnum):
    """What a question can be answered with."""

    YES = "yes"
    NO = "no"
    NEWER = "newer"
    EARLIER = "earlier"
    BOTH = "both"


ANSWERS: Final = {
    QuestionKind.SENSITIVE: (Answer.YES, Answer.NO),
    QuestionKind.CONTRADICTION: (Answer.NEWER, Answer.EARLIER, Answer.BOTH),
}


def question_about(store: Store, memory_id: str) -> Question:
    """Return the open question about a memory. Raises NotFoundError."""
    found = next((question for question in store.learning.questions.all() if question.memory.id == memory_id), None)
    if found is None:
        raise NotFoundError(f"There is no open question about {memory_id}.", "`keepsake questions list` lists them.")
    return found


def answer(store: Store, question: Question, said: Answer) -> Erasure | None:
    """Do what the user answers; return what that erased, if anything.

    "No" to a memory of health or mood erases it: the message that it was taken from stays. Of a contradiction the
    memory that is not true becomes history of the other. Raises StoreError for an answer to another kind of question.
    """
    if said not in ANSWERS[question.kind]:
        raise StoreError(f"“{said}” is no answer to this question.", f"Say {_listed(ANSWERS[question.kind])}.")
    memory, other = question.memory, question.other
    store.learning.questions.answer(question.kind, memory.id)
    if said is Answer.NO:
        return store.forget(Selection((memory.id,)))
    if said is Answer.NEWER and other is not None:
        store.memories.let_supersede(other.id, memory.id)
    elif said is Answer.EARLIER and other is not None:
        store.memories.let_supersede(memory.id, other.id)
    store.wake()
    return None


def _listed(answers: tuple[Answer, ...]) -> str:
    return " or ".join(item.value for item in answers)
