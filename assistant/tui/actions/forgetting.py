"""The command that erases: it shows what will go, asks, erases, and says when nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.core.forgetting import ids_of
from assistant.language import _
from assistant.tui.actions.conversation import new, show_again
from assistant.tui.actions.library import absolute, split
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.threads import in_thread
from assistant.tui.widgets.notice import Told
from memory_store import Store
from memory_store.errors import ErasureFailedError, ErasurePendingError, NotFoundError
from memory_store.forgetting import Selection
from memory_store.models import Erasure

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen


async def forget(chat: ChatScreen, argument: str) -> None:
    """Erase by ids, a document by its path, this conversation, all that holds some words, or everything."""
    selection = await _selection(chat, argument)
    if selection is not None:
        _, told = await erase(chat, selection)
        await chat.notice(told.text, told.hint, told.kind)


async def erase(chat: ChatScreen, selection: Selection) -> tuple[bool, Told]:
    """Show what an erasure takes, ask, erase; return whether anything was erased, and what there is to say of it."""
    store = chat.services.store
    plan = await in_thread(lambda: store.plan_forget(selection))
    agreed = await chat.app.push_screen_wait(ConfirmForget(plan, everything=selection.everything))
    if not agreed:
        return False, Told(_("Nothing was erased."), kind="info")
    assert chat.keeper is not None
    chat.keeper.show_activity("erasing…")
    try:
        erased = await in_thread(lambda: store.forget(selection))
        told = Told(
            _told(erased), _("Receipt {id}: keepsake receipts show {short}").format(id=erased.id, short=erased.id[:8])
        )
    except (ErasurePendingError, ErasureFailedError) as trouble:
        told = Told(trouble.message, trouble.hint, "warning")
    finally:
        chat.keeper.show_activity()
        await (new(chat) if selection.everything else show_again(chat))
        await chat.keeper.look(recount=True)
    return True, told


async def _selection(chat: ChatScreen, argument: str) -> Selection | None:
    store = chat.services.store
    words = split(argument)
    match words:
        case ["all"]:
            return Selection(everything=True)
        case ["this"]:
            conversation = chat.session.conversation if chat.session is not None else None
            if conversation is None:
                await chat.notice(_("This chat has no message yet; there is nothing to forget."))
                return None
            return Selection((conversation.id,))
        case ["matching", *rest] if rest:
            found = await in_thread(lambda: ids_of(store.all_holding(" ".join(rest))))
            if not found:
                await chat.notice(_("Nothing holds the words {rest}.").format(rest=" ".join(rest)))
                return None
            return Selection(found)
        case ["document", *rest] if rest:
            return await in_thread(lambda: Selection((_document(store, " ".join(rest)),)))
        case _:
            return await in_thread(lambda: Selection(tuple(store.resolve(word) for word in words)))


def _told(erased: Erasure) -> str:
    from memory_store import receipts

    receipt = receipts.parsed(erased.receipt or "")
    size = sum(file.size_bytes for file in receipt.files)
    return _("Erased, and verified: nothing of it is left in {count} files ({megabytes:,.1f} MB).").format(
        count=len(receipt.files), megabytes=size / 1e6
    )


def _document(store: Store, named: str) -> str:
    """Return the id of a document given by its path, its id, or a title or file name that only one has."""
    by_path = store.documents.by_path(str(absolute(named)))
    if by_path is not None:
        return by_path.id
    alike = [one.id for one in store.documents.all() if named in (one.title, Path(one.path).name, one.path)]
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
