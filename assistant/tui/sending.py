"""What becomes of the prompt: a message is sent, a command is run, an edit becomes a branch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from assistant.language import _
from assistant.tui import commands
from assistant.tui.pasting import pasted_paths
from assistant.tui.threads import in_thread

if TYPE_CHECKING:
    from textual.timer import Timer

    from assistant.tui.screens.chat import ChatScreen
    from memory_store.database.drafts import Drafts

T = TypeVar("T")

# How long the writing has to rest until it is kept.
_REST_SECONDS: Final = 0.7


class Sender:
    """Sends what stands in the prompt of a chat, or keeps it there while it can't be sent."""

    def __init__(self, chat: ChatScreen) -> None:
        self._chat = chat
        self._editing: str | None = None
        self._send_when_open = False
        self._keeping: Timer | None = None
        self._drafting = asyncio.Lock()
        self._told = False

    async def opened(self) -> None:
        """Bring back what was being written last, and send what was sent while the memory was still opening."""
        await self.bring_draft()
        if self._send_when_open:
            self._send_when_open = False
            self.submit(self._chat.prompt.text)

    def submit(self, text: str) -> None:
        """Send what was written, or do what the command says. Nothing that can't be sent yet is lost."""
        if not text.strip():
            return
        chat = self._chat
        parsed = commands.parse(text)
        if parsed is not None:
            self._submit_command(*parsed)
        elif not chat.is_open:
            self._send_when_open = True
            chat.notify(_("Your memory is still opening; this is sent when it is open."), markup=False, timeout=3)
        elif chat.is_answering:
            chat.notify(_("The answer is still coming. Esc stops it; your text stays here."), markup=False, timeout=4)
        elif self._editing is None and (paths := pasted_paths(text)):
            self._offer(paths, text)
        elif not self._is_refused():
            self._send(text)

    def _offer(self, paths: Sequence[Path], text: str) -> None:
        """Ask what paths are for that were all that was written."""
        from assistant.tui.actions.dropping import offer

        self._chat.prompt.replace_all("")
        self._chat.background(offer(self._chat, paths, lambda: self._send(text)), "dropped")

    def _is_refused(self) -> bool:
        """Say why a private chat is not sent elsewhere; the text stays in the prompt."""
        from memory_store.errors import KeepsakeError

        session = self._chat.session
        assert session is not None
        try:
            session.refuse_elsewhere()
        except KeepsakeError as error:
            self._chat.notify(f"{error.message} {error.hint}", severity="warning", markup=False, timeout=8)
            return True
        return False

    def _send(self, text: str) -> None:
        whole, editing = self._chat.prompt.unfolded(text), self._editing
        self._clear(text)
        self._end_edit()
        self._chat.background(self._say(whole, editing), "turn")

    async def _say(self, text: str, editing: str | None) -> None:
        """Send a message to the model, unless it asks for something to be done with a memory."""
        from assistant.tui.actions.correcting import was_correction
        from assistant.tui.turn import run_turn

        async with self._drafting:
            pass  # what was being kept of it is: the transaction that stores the message takes that away
        if editing is None and await was_correction(self._chat, text):
            await self._with_drafts(lambda drafts: drafts.drop(text))
        else:
            await run_turn(self._chat, text, editing)

    def _submit_command(self, name: str, argument: str) -> None:
        command = commands.find(name)
        if command is None and not argument and len(begun := commands.completions(f"/{name}")) == 1:
            command = begun[0]  # the one that is shown above the prompt
        if command is None:
            near = commands.nearest(name)
            hint = _("Did you mean /{name}?").format(name=near.name) if near else _("/help lists the commands.")
            self._chat.notify(
                _("There is no command /{name}. {hint}").format(name=name, hint=hint), severity="warning", markup=False
            )
        elif command.requires_argument and not argument:
            self._chat.notify(_("It is written {usage}").format(usage=command.usage), severity="warning", markup=False)
        elif self._may_run(command):
            argument = self._chat.prompt.unfolded(argument)
            whole = self._chat.prompt.unfolded(self._chat.prompt.text)
            self._clear(self._chat.prompt.text)
            self._chat.background(self._run(command, argument, whole), command.name)

    def choose(self, name: str) -> None:
        """Run a command without an argument, or put it into the prompt if it needs one."""
        command = commands.find(name)
        assert command is not None
        if command.requires_argument:
            self._chat.prompt.replace_all(f"/{command.name} ")
            self._chat.focus_prompt()
        elif self._may_run(command):
            self._chat.background(self._run(command, ""), command.name)

    async def _run(self, command: commands.Command, argument: str, written: str = "") -> None:
        if written:  # with a message it goes in the transaction that stores that
            await self._with_drafts(lambda drafts: drafts.drop(written))
        action = await in_thread(command.action)
        await action(self._chat, argument)

    def _may_run(self, command: commands.Command) -> bool:
        chat = self._chat
        if chat.failed or (command.needs_memory and not chat.is_open):
            chat.notify(_("Your memory is still opening."), markup=False, timeout=3)
            return False
        if command.waits_for_answer and chat.is_answering:
            chat.notify(_("The answer is still coming; Esc stops it."), markup=False, timeout=4)
            return False
        return True

    def _clear(self, sent: str) -> None:
        self._chat.prompt.last_sent = sent
        self._chat.prompt.text = ""

    # -- what is being written ---------------------------------------------------------------------------------

    def changed(self) -> None:
        """Keep what is being written, once the writing rests for a moment. Of a temporary chat nothing is kept."""
        session = self._chat.session
        if self._keeping is not None:
            self._keeping.stop()
            self._keeping = None
        if session is not None and not session.temporary:
            self._keeping = self._chat.set_timer(_REST_SECONDS, self._keep_draft)

    async def _keep_draft(self) -> None:
        self._keeping = None

        def keep(drafts: Drafts) -> None:  # as it stands when its turn has come
            drafts.keep(self._conversation_id(), self._chat.prompt.unfolded(self._chat.prompt.text))

        await self._with_drafts(keep)

    async def _with_drafts(self, work: Callable[[Drafts], T]) -> T | None:
        """Do something with the drafts; where they can't be kept, that is said once and the chat goes on."""
        from memory_store.errors import KeepsakeError, LostRecordError

        drafts = self._chat.services.store.drafts
        try:
            async with self._drafting:
                return await in_thread(lambda: work(drafts))
        except LostRecordError:
            return None  # it is kept, in the copy beside; the chat says so by itself
        except KeepsakeError as error:
            if not self._told:
                self._told = True
                text = _("What you are writing can't be kept: {message}").format(message=error.message)
                self._chat.notify(text, severity="warning", markup=False, timeout=8)
            return None

    async def bring_draft(self) -> None:
        """Put what was being written in this chat into the prompt, if that is empty."""
        conversation_id = self._conversation_id()
        text = await self._with_drafts(lambda drafts: drafts.get(conversation_id))
        if text and not self._chat.prompt.text:
            self._chat.prompt.replace_all(text)

    def _conversation_id(self) -> str | None:
        session = self._chat.session
        return session.conversation.id if session is not None and session.conversation is not None else None

    # -- editing what was sent ---------------------------------------------------------------------------------

    def edit(self, message_id: str, text: str) -> None:
        """Put a sent message into the prompt, to be sent in its place on a branch of its own."""
        self._editing = message_id
        self._chat.prompt.replace_all(text)
        self._chat.prompt.border_title = _("Editing: Enter sends it as a branch, Esc gives it up")
        self._chat.focus_prompt()

    def give_up_edit(self) -> bool:
        """Give up an edit; return whether there was one."""
        if self._editing is None:
            return False
        self._end_edit()
        self._chat.prompt.replace_all("")
        return True

    def mark_new(self, new: bool) -> None:
        """Mark above the prompt that there is new text below what the reader sees."""
        if self._editing is None and self._chat.is_open:
            self._chat.prompt.border_title = _("↓ new text below: Page Down") if new else None

    def _end_edit(self) -> None:
        self._editing = None
        self._chat.prompt.border_title = None
