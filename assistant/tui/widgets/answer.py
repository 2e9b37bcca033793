"""An answer in the transcript: who gives it, its words as they stream in, its sources."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, Static

from assistant.core.conversation.telling import describe_invented
from assistant.display import plain
from assistant.language import _
from assistant.tui.sources import SourceView
from assistant.tui.widgets.answer_text import AnswerText, source_number
from assistant.tui.widgets.source_list import SourceList, SourceOpened
from assistant.tui.widgets.spoken import Spoken
from assistant.tui.widgets.thinking import Thinking

if TYPE_CHECKING:
    from textual.timer import Timer

# Each redraw parses and lays out the last block anew; what comes in between is drawn together.
_REDRAW_SECONDS: Final = 0.04


class Answer(Spoken, Vertical):
    """One answer. Feed it with `add` and end it with `finish`, or give a stored one its text at once.

    `ending` says how it stands with one that is not whole.
    """

    DEFAULT_CSS = """
    Answer {
        height: auto;
        width: 1fr;
        margin: 1 0 0 0;
        padding: 0 1 0 2;
        border-left: outer $foreground 20%;
        &:focus { background: $panel; }
        & > .answer--author { height: 1; color: $secondary; text-style: bold; }
        & > .answer--state { height: auto; color: $foreground-muted; display: none; }
        & > .answer--state.-shown { display: block; }
    }
    """

    @dataclass
    class PartFinished(Message):
        """A part of the answer will not change any more, like these before it."""

        finished: tuple[AnswerText, ...]

    def __init__(
        self,
        author: str,
        text: str = "",
        sources: Sequence[SourceView] = (),
        *,
        ending: str = "",
        message_id: str | None = None,
    ) -> None:
        super().__init__()
        self._given_by = plain(author, one_line=True)
        self._branch = ""
        self._author = Static(Content(self._given_by), classes="answer--author", markup=False)
        self._words = AnswerText(plain(text))
        self._state = Static(classes="answer--state", markup=False)
        self._sources = tuple(sources)
        self._ending = ending
        self._drawing = asyncio.Lock()
        self._waiting: list[str] = []
        self._flushing: Timer | None = None
        self._thinking: Thinking | None = None
        self.text = text
        self.message_id = message_id

    def compose(self) -> ComposeResult:
        """Show what is there already; the rest comes with the stream."""
        yield self._author
        yield self._words
        yield self._state
        if self._sources:
            yield SourceList(self._sources, self.message_id)
        if ending := self._say_invented(self._ending):
            self.say(ending)

    def on_mount(self) -> None:
        """Trim a stored answer once its words are laid out."""
        self.call_after_refresh(self._words.trim)

    @property
    def sources(self) -> tuple[SourceView, ...]:
        """The numbered sources, once they are known."""
        return self._sources

    @property
    def state(self) -> str:
        """What the line under the words says; empty if nothing."""
        return self._state.visual.plain if isinstance(self._state.visual, Content) else ""

    def show_branch(self, words: str) -> None:
        """Show beside the author on which branch this stands."""
        self._branch = words
        self._author.update(Content.assemble(self._given_by, (f"   {words}", "not bold $foreground-muted")))

    def say(self, state: str) -> None:
        """Say under the words how it stands with this answer; an empty text takes the line away."""
        self._state.update(Content(state))
        self._state.set_class(bool(state), "-shown")

    async def add(self, text: str) -> None:
        """Take the next piece of the words."""
        if not self.text:
            self.say("")
        self.text += text
        self._waiting.append(plain(text))
        if self._flushing is None:
            self._flushing = self.set_timer(_REDRAW_SECONDS, self._flush)

    async def _flush(self) -> None:
        """Draw what is waiting; one call after the other, as drawing may take longer than the next piece."""
        async with self._drawing:
            self._flushing = None
            waiting, self._waiting = "".join(self._waiting), []
            if waiting:
                await self._words.write(waiting)
                if self._words.is_long:
                    await self._begin_part()

    async def _begin_part(self) -> None:
        """Go on in a part of its own with the block that is being written; what is far above the view is folded."""
        finished, self._words = self._words, AnswerText(is_further=True)
        rest = await finished.split_off()
        await self.mount(self._words, after=finished)
        await self._words.write(rest)
        self._tell_finished()

    def _tell_finished(self) -> None:
        self.post_message(self.PartFinished(tuple(self.query(AnswerText))[:-2]))

    async def think(self, text: str) -> None:
        """Take the next piece of the reasoning."""
        if self._thinking is None:
            self._thinking = Thinking()
            await self.mount(self._thinking, before=self._words)
        self._thinking.add(text)

    async def was_thinking(self) -> None:
        """Fold the words so far away as reasoning."""
        await self._draw_rest()
        *others, self._words = self.query(AnswerText)
        for part in others:
            await part.remove()
        await self._words.update("")
        thought, self.text = self.text, ""
        await self.think(thought)

    async def finish(self, sources: Sequence[SourceView], author: str | None = None, state: str = "") -> None:
        """End the words, list the sources and say how it ended, if there is something to say."""
        await self._draw_rest()
        self._words.trim()
        self._tell_finished()
        if author:
            self._given_by = plain(author, one_line=True)
            self.show_branch(self._branch)
        self._sources = tuple(sources)
        self.say(self._say_invented(state))
        if self._sources:
            await self.mount(SourceList(self._sources, self.message_id))

    def _say_invented(self, state: str) -> str:
        """Add to how an answer ended what it cites and is no source of it."""
        invented = describe_invented(
            self.text, [source.number for source in self._sources if source.number is not None]
        )
        return f"{state} {invented}".strip()

    async def _draw_rest(self) -> None:
        if self._flushing is not None:
            self._flushing.stop()
        await self._flush()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Open the source of a citation; show where any other link leads, without going there."""
        event.stop()
        number = source_number(event.href)
        if number is None:
            self.app.notify(plain(event.href, one_line=True), title=_("This link leads to"), markup=False)
            return
        for source in self._sources:
            if source.number == number:
                self.post_message(SourceOpened(source, self.message_id))
                return
        self.app.notify(_("There is no source [{number}] for this answer.").format(number=number), markup=False)
