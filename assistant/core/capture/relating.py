"""What a statement does to what is remembered: it is new, replaces, repeats, contradicts or ends a memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.features import tokenize
from assistant.core.capture.plans import find_end
from assistant.core.capture.statement import SINGULAR, About, Statement
from memory_store import STOP_WORDS, Change, ChangeKind, NewMemory, Store
from memory_store.models import AuthorKind, Memory, MemoryKind, Message, RecallFilters, SourceKind
from memory_store.times.expressions import time_spans

_MEMORIES: Final = RecallFilters(kinds=frozenset({SourceKind.MEMORY}))
_NEAREST: Final = 8
# How likely it must be that a memory is untrue now: to let it give way; where both are about what a person has one of;
# where the statement by itself is doubtful; and to ask the user. Of memories that have nothing to do with a statement
# one in two hundred reaches the first, one in a hundred the last (`benchmarks/fit_capture.py`).
_LIKELY: Final = 0.4
_LIKELY_OF_ONE: Final = 0.25
_PLAIN: Final = 0.6
_ASKED: Final = 0.3
# Where somebody lives and where they come from are told in the same words, "I moved to Lyon": which of both is meant
# is often misread. Of such a pair the chance has to be plain: "I grew up in Lyon" stays below it.
_PLACES: Final = frozenset({About.HOME.value, About.ORIGIN.value})
_SURE_OF_PLACES: Final = 0.9
# A word of so many letters, or so many Chinese signs, tell of what a sentence is.
_SHORTEST: Final = 4
_SIGNS: Final = 2
# Of the words with which the user says what to forget, so many must stand in the memory that is meant.
_NAMED: Final = 0.6


def relate_statement(
    store: Store, statement: Statement, message: Message, classifier: SentenceClassifier
) -> list[Change]:
    """Return the changes that a statement of a message makes. Raises EmbeddingError.

    What a document states is never overruled by what the user says in passing: the user is asked which is true.
    """
    living = [memory for memory in _find_similar(store, statement) if message.id not in memory.sources]
    new = _as_memory(statement, message)
    said = fold_text(statement.text)
    same = next((memory for memory in living if fold_text(memory.text) == said), None)
    if same is None and not statement.is_pointed and not statement.ends:  # "As I said, I keep bees."
        same = next((memory for memory in living if fold_text(memory.text) in said), None)
    if same is not None:
        return [Change(ChangeKind.CONFIRM, new, same.id)]
    if statement.is_order_to_forget:
        return [Change(ChangeKind.END, new, memory.id) for memory in _find_named(statement.text, living)]
    related = _as_pointed(statement, living) if statement.is_pointed else _judge(statement, living, classifier)
    changes = [_as_change(kind, new, memory, statement) for kind, memory in related]
    if statement.is_doubtful:
        return [change for change in changes if change.kind in (ChangeKind.SUPERSEDE, ChangeKind.END)]
    return changes or [_as_change(ChangeKind.ADD, new, None, statement)]


def fold_text(text: str) -> str:
    """Return a text as it is compared to know whether two memories say the same word for word."""
    return " ".join(text.casefold().split()).rstrip(".。!！ ")


def _content_words(text: str) -> set[str]:
    """Return the words of a text that say something, one and many of a thing as the same."""
    return {word.rstrip("s") for word in tokenize(text) if word not in STOP_WORDS}


def share_words(earlier: str, later: str) -> bool:
    """Say whether two sentences have a word that says something: a longer one, or two Chinese signs."""
    shared = (set(tokenize(earlier)) & set(tokenize(later))) - STOP_WORDS
    return any(len(word) >= _SHORTEST for word in shared) or sum(not word.isascii() for word in shared) >= _SIGNS


def _find_similar(store: Store, statement: Statement) -> list[Memory]:
    """Return the living memories that may say the same as a statement, or are about the same; the latest first."""
    near = [hit.source.id for hit in store.recall(statement.text, _NEAREST, _MEMORIES)]
    named = [memory_id for memory_id in (statement.replaces, statement.contradicts, statement.repeats) if memory_id]
    about = [statement.about.value] if statement.about in SINGULAR else []
    if statement.about is About.ORIGIN:
        about.append(About.HOME.value)
    return store.memories.find_living([*near, *named], texts=[statement.text], about=about)


def _find_named(words: str, living: Sequence[Memory]) -> list[Memory]:
    """Return the memory of the user that is meant by some words; none where the words fit none."""
    wanted = _content_words(words)

    def share(memory: Memory) -> float:
        return len(wanted & _content_words(memory.text)) / len(wanted) if wanted else 0.0

    own = [memory for memory in living if memory.author.kind is not AuthorKind.DOCUMENT]
    best = max(own, key=share, default=None)
    return [best] if best is not None and share(best) >= _NAMED else []


def _as_pointed(statement: Statement, living: Sequence[Memory]) -> list[tuple[ChangeKind, Memory]]:
    kinds = (
        (ChangeKind.CONFIRM, statement.repeats),
        (ChangeKind.END if statement.ends else ChangeKind.SUPERSEDE, statement.replaces),
        (ChangeKind.CONTRADICT, statement.contradicts),
    )
    return [(kind, memory) for kind, wanted in kinds for memory in living if memory.id == wanted][:1]


def _judge(
    statement: Statement, living: Sequence[Memory], classifier: SentenceClassifier
) -> list[tuple[ChangeKind, Memory]]:
    """Return what the likeliest relations to the living memories make of them; nothing where both hold."""
    related = [memory for memory in living if _is_related(memory, statement) or _are_places(memory, statement)]
    relations = classifier.relate([memory.text for memory in related], statement.text)
    found = [
        (memory, relation)
        for memory, relation in zip(related, relations, strict=True)
        if _is_related(memory, statement) or relation.replaces >= _SURE_OF_PLACES
    ]
    repeated, same = max(found, key=lambda pair: pair[1].same, default=(None, None))
    if repeated is not None and same is not None and same.same >= _LIKELY:
        return [(ChangeKind.CONFIRM, repeated)]
    untrue, clash = max(found, key=lambda pair: pair[1].replaces + pair[1].ends, default=(None, None))
    if untrue is None or clash is None:
        return []
    is_of_one = statement.about in SINGULAR and untrue.about == statement.about
    least = _PLAIN if statement.is_doubtful else _LIKELY_OF_ONE if is_of_one else _LIKELY
    if clash.replaces + clash.ends >= least:
        ends = statement.ends and clash.ends > clash.replaces
        return [(ChangeKind.END if ends else ChangeKind.SUPERSEDE, untrue)]
    return [(ChangeKind.CONTRADICT, untrue)] if clash.replaces + clash.ends + clash.unsure >= _ASKED else []


def _is_related(memory: Memory, statement: Statement) -> bool:
    return memory.about == statement.about or share_words(memory.text, statement.text)


def _are_places(memory: Memory, statement: Statement) -> bool:
    return memory.about in _PLACES and statement.about in _PLACES


def _as_change(kind: ChangeKind, new: NewMemory, other: Memory | None, statement: Statement) -> Change:
    """Return a change, with a question in its place where only the user can tell."""
    if other is not None and other.author.kind is AuthorKind.DOCUMENT and kind is not ChangeKind.CONFIRM:
        kind = ChangeKind.CONTRADICT
    if other is not None and other.pinned and kind is ChangeKind.SUPERSEDE:
        new = replace(new, pinned=True)
    return Change(
        kind, new, other.id if other is not None else None, statement.is_sensitive and not statement.is_ordered
    )


def _as_memory(statement: Statement, message: Message) -> NewMemory:
    """Return the memory that a statement makes, true from when it was said; a plan is true until its day is over."""
    said_at = message.created_at
    is_plan, is_goal = statement.kind is MemoryKind.EVENT, statement.kind is MemoryKind.GOAL
    spans = time_spans(statement.text, said_at.astimezone()) if is_goal else ()
    return NewMemory(
        statement.text,
        statement.kind,
        private=message.private,
        valid_from=statement.true_from or said_at,
        valid_to=find_end(statement.text, said_at) if is_plan else None,
        sources=(message.id,),
        about=statement.about.value,
        quote=statement.text,
        horizon=max((span.words for span in spans), key=len, default=None),
    )
