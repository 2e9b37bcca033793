"""Remembers what the user states, once and in the place of what it makes untrue, and ends what the user takes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from assistant.core.capture import Ended, Statement, statements
from assistant.core.capture import about as about_of
from assistant.core.events import Captured, NoLongerTrue, Noted
from assistant.core.learning import words
from assistant.core.said import finds, normalised
from assistant.core.sensitive import asks_first
from memory_store import Change, ChangeKind, NewMemory, Store
from memory_store.models import AuthorKind, Memory, MemoryKind, Message, RecallFilters, SourceKind
from memory_store.times.expressions import time_spans

_LOOKED_AT: Final = 16
# So many signs and fewer must stand together: others say something else in between.
_FEW_SIGNS: Final = 2
# Words that name no thing of their own in "the trip to Oslo" or "my job at Acme"; alone they stand for what they are.
_GENERAL: Final = {"job": "work", "work": "work", "工作": "work", "name": "name", "diet": "diet"}
_WANTED: Final = frozenset({MemoryKind.GOAL, MemoryKind.EVENT, MemoryKind.NOTE})


def remember_statements(store: Store, message: Message, *, private: bool) -> list[Noted]:
    """Remember what a message of the user states, and end what it takes back.

    What is known word for word is not stored again. What the user is, has or does once at a time (a home, a name)
    supersedes the latest memory of the same: it stays as history, as does what is ended. What a document states is not
    taken back by what the user says. What touches health or mood is remembered, but asked about before it becomes a
    line of the profile, unless the user asked to remember it.
    """
    noted: list[Noted] = []
    for one in statements(message.text, message.created_at):
        if isinstance(one, Ended):
            changes = [Change(ChangeKind.END, NewMemory(one.text), old.id) for old in _ended(store, one, message)]
        else:
            changes = [_change(store, one, message, private)]
        noted += noted_of(store, store.learning.keep(changes))
    if noted:
        store.wake()
    return noted


def noted_of(store: Store, stored: Sequence[tuple[Memory, Memory | None]]) -> list[Noted]:
    """Return what was stored as events: each new memory with the one whose place it took, and what ended."""
    asked = {one.memory.id for one in store.learning.questions.all()} if stored else set()
    return [
        Captured(memory, superseded, memory.id in asked) if memory.is_living else NoLongerTrue(memory)
        for memory, superseded in stored
    ]


def alike(store: Store, text: str, about: Sequence[str] = ()) -> list[Memory]:
    """Return the living memories that may say the same as a text, or are about the same; the latest first."""
    filters = RecallFilters(kinds=frozenset({SourceKind.MEMORY}))
    near = [hit.source.id for hit in store.recall(text, _LOOKED_AT, filters)]
    keys = [one for one in about if one]
    if keys:
        tell_abouts(store)
    return store.memories.living(near, texts=[text], about=keys)


def tell_abouts(store: Store, most: int | None = None) -> bool:
    """Look what memories are about that no rule has read yet, as they were written by hand or imported.

    With `most` it reads no more than so many, some tenths of a millisecond each; it returns whether any are left.
    """
    unread = store.memories.unread()
    if unread:
        store.memories.tell_about({one.id: about_of(one.text) for one in unread[:most]})
    return most is not None and len(unread) > most


def rival(living: Iterable[Memory], about: str | None) -> Memory | None:
    """Return the latest living memory about what there is one of at a time; what a document states is none."""
    if not about:
        return None
    said = (one for one in living if one.author.kind is not AuthorKind.DOCUMENT)
    return next((one for one in said if one.about == about), None)


def bare(text: str) -> str:
    """Return a text as it is compared to know whether two memories say the same word for word."""
    return " ".join(text.casefold().split()).rstrip(".。!！ ")


def _change(store: Store, statement: Statement, message: Message, private: bool) -> Change:
    living = alike(store, statement.text, [statement.about])
    same = next((one for one in living if bare(one.text) == bare(statement.text)), None)
    if same is not None:
        return Change(ChangeKind.CONFIRM, NewMemory(statement.text, sources=(message.id,)), same.id)
    old = rival(living, statement.about) or _wrong(living, statement) or _moved(living, statement)
    if old is not None and _says_no_more(statement.text, old.text):
        return Change(ChangeKind.CONFIRM, NewMemory(statement.text, sources=(message.id,)), old.id)
    new = NewMemory(
        statement.text,
        statement.kind,
        pinned=old is not None and old.pinned,
        private=private,
        valid_to=statement.valid_to,
        sources=(message.id,),
        about=statement.about,
        why=statement.why,
        horizon=statement.horizon,
    )
    sensitive = not statement.asked_for and asks_first(statement.text)
    if old is None:
        return Change(ChangeKind.ADD, new, sensitive=sensitive)
    # Another sister's name says nothing against the first one's: only the user knows.
    is_open = finds("told", "several", statement.about) and not finds("told", "correcting", normalised(message.text))
    return Change(ChangeKind.CONTRADICT if is_open else ChangeKind.SUPERSEDE, new, old.id, sensitive)


def _says_no_more(text: str, known: str) -> bool:
    """Say whether a text has nothing to say that what is known does not say ("I live in Lyon", "We moved to Lyon")."""
    new = set(words.content(words.tokens(text))) - words.STATING
    return bool(new) and new <= set(words.content(words.tokens(known)))


def _moved(living: Sequence[Memory], statement: Statement) -> Memory | None:
    """Return the plan that a statement gives another time, if there is just one of that name."""
    named = set(words.content(words.tokens(statement.about)))
    if statement.kind is not MemoryKind.EVENT or not named or not finds("told", "another time", statement.text.lower()):
        return None
    same = [one for one in living if one.kind is MemoryKind.EVENT and named <= set(words.tokens(one.text))]
    return same[0] if len(same) == 1 else None


def _wrong(living: Sequence[Memory], statement: Statement) -> Memory | None:
    """Return the memory that a statement puts right: it says what the statement denies, of the same thing."""
    denied = words.content(words.tokens(statement.instead_of))
    said = set(words.content(words.tokens(statement.text.replace(statement.instead_of, " "))))
    for one in living if denied else ():
        has = set(words.content(words.tokens(one.text)))
        if one.author.kind is not AuthorKind.DOCUMENT and set(denied) <= has and said & (has - set(denied)):
            return one
    return None


def _ended(store: Store, ended: Ended, message: Message) -> list[Memory]:
    """Return the living memories that the user takes back: the plans and goals that are meant, and the nearest fact."""
    said = ended.words
    for span in time_spans(said, message.created_at.astimezone()):
        said = said.replace(span.words, " ")
    meant = [one for one in words.content(words.tokens(said)) if one not in words.GENERAL]
    about = ended.about or (_GENERAL.get(said.strip().split(" ")[0], "") if not meant else "")
    living = [
        one
        for one in alike(store, f"{said} {ended.text}", [about])
        if one.author.kind is not AuthorKind.DOCUMENT and message.id not in one.sources
    ]
    if about:
        found = rival(living, about)
        if found is not None or not meant:
            return [found] if found is not None else []
    fitting = [one for one in living if _says(one, said, meant)]
    wanted = [one for one in fitting if one.kind in _WANTED]
    others = sorted((one for one in fitting if one.kind not in _WANTED), key=lambda one: len(one.text))
    return [*wanted, *others[:1]]


def _says(memory: Memory, said: str, meant: Sequence[str]) -> bool:
    """Say whether a memory is of what is meant: all words of it are in the memory; Chinese words stand together."""
    if any("\u4e00" <= sign <= "\u9fff" for sign in said):
        bare_said = "".join(said.split())
        while (shorter := words.GENERAL_SIGNS.sub("", bare_said)) != bare_said and shorter:
            bare_said = shorter
        parts = [part for part in words.PARTS.split(bare_said) if part]
        return bool(parts) and all(_stands_in(part, memory.text.casefold()) for part in parts)
    return bool(meant) and set(meant) <= set(words.tokens(memory.text))


def _stands_in(part: str, text: str) -> bool:
    """Say whether a text has these signs; where they are several, others may stand between them."""
    rest = iter(text)
    return part in text or (len(part) > _FEW_SIGNS and all(any(one == other for other in rest) for one in part))
