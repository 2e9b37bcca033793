"""Forgetting as a person asks for it: what is meant, the plan in words before it runs, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from assistant.core.conversation.commands import absolute_path, split_words
from assistant.core.conversation.skin import Report, Skin
from assistant.failures import hint_of
from assistant.language import _
from assistant.threads import in_thread
from memory_store import Store, StoredPassage
from memory_store.errors import ErasureFailedError, ErasurePendingError, NotFoundError
from memory_store.models import Erasure, ErasurePlan, Selection
from memory_store.wording import format_counts

# What has to be typed for an erasure: nobody writes it alone by chance, and it is the same in every language.
ERASE_WORD: Final = "erase"
# An answer that comes sooner was under way before the question could be read.
UNREAD_SECONDS: Final = 0.5
_ID: Final = re.compile(r"[a-z]{3}_[a-z0-9]*")
# More than this can't be looked over before one says yes: the rest is counted.
MOST_SHOWN: Final = 200


def ids_of(found: Iterable[StoredPassage]) -> tuple[str, ...]:
    """Return what has to be erased for these passages to be gone: messages, memories, and whole documents."""
    return tuple(dict.fromkeys(passage.message_id or passage.source.id for passage in found))


def _ids_holding(store: Store, words: str) -> tuple[str, ...]:
    """Return what has to be erased for nothing to hold these words: cards and recipes by themselves, too."""
    cards, recipes = store.find_cards_holding(words), store.find_recipes_holding(words)
    return (*ids_of(store.find_holding(words)), *(card.id for card in cards), *(recipe.id for recipe in recipes))


def _is_like_id(word: str) -> bool:
    """Say whether a word is written as ids are, such as mem_k7."""
    return _ID.fullmatch(word) is not None


def means_erase(answer: str) -> bool:
    """Say whether an answer is the word, and nothing beside it."""
    return answer.strip().casefold() == ERASE_WORD


def plan_lines(plan: ErasurePlan, counted: Callable[[Mapping[str, int]], str] = format_counts) -> Iterator[str]:
    """Yield what else a person should know before saying yes: what stays, and what a service elsewhere has had.

    `counted` puts counts into words.
    """
    if plan.staying:
        yield _("Stays: {counts}.").format(counts=counted(plan.staying))
    if plan.backups:
        told = _("Stays in {count} of your backups, unless you choose otherwise: {names}.")
        yield told.format(count=len(plan.backups), names=", ".join(plan.backups))
    for sent in plan.sent:
        told = _("Was sent before, and can't be called back: {count} of it to {endpoint} ({model}), last on {day}.")
        day = f"{sent.last.astimezone():%Y-%m-%d}"
        yield told.format(count=sent.items, endpoint=sent.endpoint, model=sent.model, day=day)


class Eraser:
    """Shows what an erasure takes, asks, erases. `look_again` is called after each; it is told if all is gone."""

    def __init__(self, store: Store, skin: Skin, look_again: Callable[[bool], Awaitable[None]]) -> None:
        self._store = store
        self._skin = skin
        self._look_again = look_again

    async def erase(self, selection: Selection) -> tuple[bool, Report]:
        """Return whether anything was erased, and what there is to say of it."""
        store = self._store
        plan = await in_thread(lambda: store.plan_forget(selection))
        if not await self._skin.agree_to_erase(plan, everything=selection.everything):
            return False, Report(_("Nothing was erased."))
        self._skin.show_activity(_("erasing…"))
        try:
            told = _report_erasure(await in_thread(lambda: store.forget(selection)))
        except (ErasurePendingError, ErasureFailedError) as trouble:
            told = Report(trouble.message, hint_of(trouble), "warning")
        finally:  # what could not be verified is gone from the record all the same, and so from view
            self._skin.show_activity()
            await self._look_again(selection.everything)
        return True, told

    async def erase_ids(self, *ids: str) -> None:
        """Erase by ids, after asking, and tell what came of it."""
        _erased, told = await self.erase(Selection(ids))
        await self._skin.tell(told)

    async def forget(self, argument: str, conversation_id: str | None) -> None:
        """Erase by ids, a document by its path, this conversation, everything, or all that holds the words."""
        selection = await self._selection(argument, conversation_id)
        if selection is not None:
            _erased, told = await self.erase(selection)
            await self._skin.tell(told)

    async def _selection(self, argument: str, conversation_id: str | None) -> Selection | None:
        store = self._store
        words = split_words(argument)
        match words:
            case ["all"]:
                return Selection(everything=True)
            case ["this"]:
                if conversation_id is None:
                    await self._skin.tell(Report(_("This chat has no message yet; there is nothing to forget.")))
                    return None
                return Selection((conversation_id,))
            case ["document", *rest] if rest:
                return await in_thread(lambda: Selection((find_document(store, " ".join(rest)),)))
            case ["matching", *rest] if rest:
                return await self._all_holding(" ".join(rest))
            case [*ids] if any(map(_is_like_id, ids)):
                return await in_thread(lambda: Selection(tuple(store.resolve(shortened) for shortened in ids)))
            case _:
                return await self._all_holding(" ".join(words))

    async def _all_holding(self, words: str) -> Selection | None:
        found = await in_thread(lambda: _ids_holding(self._store, words))
        if not found:
            await self._skin.tell(Report(_("Nothing holds the words {rest}.").format(rest=words)))
            return None
        return Selection(found)


def _report_erasure(erased: Erasure) -> Report:
    from memory_store import receipts

    receipt = receipts.parse_receipt(erased.receipt or "")
    size = sum(file.size_bytes for file in receipt.files)
    words = _("Erased, and verified: nothing of it is left in {count} files ({megabytes:,.1f} MB).")
    hint = _("Receipt {id}: keepsake receipts show {short}").format(id=erased.id, short=erased.id[:8])
    return Report(words.format(count=len(receipt.files), megabytes=size / 1e6), hint, "good")


def find_document(store: Store, named: str) -> str:
    """Return the id of a document given by its path, its id, or a title or file name that only one has."""
    by_path = store.documents.find_by_path(str(absolute_path(named)))
    if by_path is not None:
        return by_path.id
    alike = [
        document.id
        for document in store.documents.all()
        if named in (document.title, Path(document.path).name, document.path)
    ]
    if len(alike) == 1:
        return alike[0]
    if len(alike) > 1:
        raise NotFoundError(
            _("{alike} documents are called {named}.").format(alike=len(alike), named=named), _("Give the whole path.")
        )
    if named.startswith("doc_"):
        return store.resolve(named)
    raise NotFoundError(
        _("There is no document {named}.").format(named=named), _("Give the path it was imported from.")
    )
