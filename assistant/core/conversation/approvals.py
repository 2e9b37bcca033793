"""Asks the user which tools a model may use, and keeps what was allowed: once, for a chat, for always."""

from __future__ import annotations

from typing import Final

from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.core.tools.tool import NOBODY_TO_ASK, ToolError, ToolRequest
from assistant.display import excerpt, plain
from assistant.language import _
from assistant.threads import in_thread
from memory_store import Store
from memory_store.clock import now
from memory_store.models import Approval

_NOT, _ONCE, _IN_THIS_CHAT, _ALWAYS = range(4)
_WORDS_CHARS: Final = 800  # a whole note: nobody agrees to what they can't read


class ToolApprovals:
    """What may be used without being asked about: in the chat in view, and, in the store, for always."""

    def __init__(self, store: Store, skin: Skin) -> None:
        self._store = store
        self._skin = skin
        self._in_chat: dict[str, Approval] = {}  # by fingerprint

    def begin_chat(self) -> None:
        """Have what was allowed in another chat asked about anew."""
        self._in_chat.clear()

    async def ask(self, request: ToolRequest) -> bool:
        """Ask whether the model may use a tool that changes something or sends something away.

        A yes may hold for the chat or for always, but not for words that may hold something private, or for what may
        have been done already: they are shown each time. Raises ToolError where nobody can be asked.
        """
        tool = request.tool
        if tool.fingerprint in self._in_chat and not request.needs_own_yes:
            return True
        if not self._skin.is_attended():
            raise ToolError(NOBODY_TO_ASK)
        question = _("May the model use “{tool}” ({origin})? {words}")
        if request.leaks:
            question = _("This may hold something private. May it be sent by “{tool}” ({origin})? {words}")
        if request.repeats:
            question = _("It is not known whether this was done already.") + " " + question
        whole = request.needs_own_yes
        words = plain(request.words, one_line=True) if whole else excerpt(request.words, _WORDS_CHARS)
        title = question.format(tool=tool.name, origin=tool.origin, words=words)
        lasting = [Choice(_("Yes, in this chat"), "", _IN_THIS_CHAT), Choice(_("Yes, always"), "", _ALWAYS)]
        choices = [  # the first is what an Enter chooses that was meant for the prompt
            Choice(_("No"), "", _NOT),
            Choice(_("Yes, this once"), "", _ONCE),
            *([] if request.needs_own_yes else lasting),
        ]
        chosen = await self._skin.choose(title, choices)
        if chosen == _IN_THIS_CHAT:
            self._in_chat[tool.fingerprint] = Approval(tool.fingerprint, tool.name, tool.origin, now())
        if chosen == _ALWAYS:
            await in_thread(lambda: self._store.approvals.allow(tool.fingerprint, tool.name, tool.origin))
        return bool(chosen)

    async def revoke(self) -> None:
        """Show which tools may be used without a question, and ask about one again that the user chooses."""
        kept = await in_thread(self._store.approvals.all)
        if not kept and not self._in_chat:
            hint = _("Which there are: `keepsake tools list`. One that changes or sends something asks first.")
            await self._skin.tell(Report(_("No tool may be used without asking."), hint))
            return
        choices = [Choice(_name(item), _("always allowed"), item) for item in kept]
        choices += [Choice(_name(item), _("allowed in this chat"), item) for item in self._in_chat.values()]
        chosen = await self._skin.choose(_("Which tool shall ask again?"), choices)
        if chosen is not None:
            self._in_chat = {key: item for key, item in self._in_chat.items() if item.tool != chosen.tool}
            await in_thread(lambda: self._store.approvals.revoke(chosen.tool))
            self._skin.remark(_("{tool} asks again.").format(tool=_name(chosen)))


def _name(approval: Approval) -> str:
    return f"{plain(approval.tool, one_line=True)} ({plain(approval.origin, one_line=True)})"
