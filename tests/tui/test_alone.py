"""Widgets and dialogs by themselves in a bare application: they need no chat, only what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from assistant.core.conversation.skin import Choice, TurnAsked
from assistant.llm.base import TextDelta
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.answer_text import AnswerText
from assistant.tui.widgets.completer import Completer
from assistant.tui.widgets.prompt import Prompt
from assistant.tui.widgets.suggestions import Suggestions
from assistant.tui.widgets.transcript import Transcript
from assistant.tui.widgets.turns import TurnView
from assistant.tui.widgets.user_message import UserMessage
from memory_store.models import ErasurePlan
from tests.tui.support import wait_until


class Bare(App[None]):
    """Shows some widgets, and keeps the names of the messages that reach it."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.clock: Callable[[], float] = iter(range(1000)).__next__
        self._shown = widgets

    def compose(self) -> ComposeResult:
        """Show them."""
        yield from self._shown

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        """Keep what was sent."""
        self.heard.append(f"sent {event.text}")

    def on_transcript_left(self) -> None:
        """Keep that the reader left."""
        self.heard.append("left")

    def on_spoken_asked(self, event: Any) -> None:
        """Keep what was asked for."""
        self.heard.append(f"asked {event.action}")


COLOURS = [Choice("Red", "", "red"), Choice("Blue", "like the sky", "blue")]
PLAN = ErasurePlan({"memories": 1}, ("My car is red.",))


@pytest.mark.parametrize(
    ("dialog", "keys", "result"),
    [
        (lambda: Chooser("Which?", COLOURS), "sky\n", "blue"),
        (lambda: Chooser("Which?", COLOURS, closed="none", gives_back=True), "green\n", "none"),
        (lambda: AskScreen("What?", "a word"), "tea\n", "tea"),
        (lambda: AskScreen("What?", "a word", optional=True), "\n", ""),
        (lambda: ConfirmForget(PLAN), "erase\n", True),
        (lambda: ConfirmForget(PLAN), "\x1b", False),
    ],
)
async def test_dialogs_return_what_was_chosen_or_written(
    dialog: Callable[[], Screen[Any]], keys: str, result: object
) -> None:
    app, screen = Bare(), dialog()
    returned: list[object] = []
    async with app.run_test() as pilot:
        app.push_screen(screen, returned.append)
        await wait_until(pilot, lambda: app.screen is screen and getattr(screen, "seen_at", 0) is not None)
        for key in keys:
            await pilot.press({"\n": "enter", "\x1b": "escape"}.get(key, key))
        await wait_until(pilot, lambda: returned)
    assert returned == [result]


async def test_prompt_says_what_was_sent_and_is_completed_without_a_chat() -> None:
    prompt, suggestions = Prompt("Write"), Suggestions()
    app = Bare(suggestions, prompt)
    async with app.run_test() as pilot:
        completer = Completer(prompt, suggestions)
        prompt.focus()
        await pilot.press("slash", "g", "o")
        completer.look()
        assert [one.name for one in suggestions.items] == ["/goals [TEXT]"]
        completer.take_key("tab")
        assert prompt.text == "/goals "
        prompt.replace_all("hello")
        prompt.completing = False
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.heard)
    assert app.heard == ["sent hello"]


async def test_transcript_shows_the_events_of_a_turn_and_asks_for_what_is_more_than_a_view() -> None:
    transcript = Transcript()
    app = Bare(transcript)
    async with app.run_test() as pilot:
        view = TurnView(transcript)
        await view.show(TurnAsked("a model", "Who has the key?"))
        await view.show(TextDelta("Ines."))
        question, answer = transcript.spoken
        assert isinstance(question, UserMessage)
        assert (question.text, answer.text) == ("Who has the key?", "Ines.")
        transcript.select(None)
        await wait_until(pilot, lambda: answer.has_focus)
        await pilot.press("alt+up")
        await wait_until(pilot, lambda: question.has_focus)
        await pilot.press("e", "escape")
        await wait_until(pilot, lambda: len(app.heard) == 2)
    assert app.heard == ["asked edit", "left"]


BLOCKS = [
    "## {n} Beds",
    "A *paragraph* about bed {n}.",
    "- one\n- two\n",
    "```\ndig({n})\n```",
    "### Then",
    "> quoted {n}",
]
LONG = "\n\n".join(block.format(n=number) for number in range(12) for block in BLOCKS)


async def test_a_long_answer_that_streams_is_as_high_as_a_stored_one_and_shows_its_beginning_again() -> None:
    transcript = Transcript()
    app = Bare(transcript)
    async with app.run_test(size=(60, 20)) as pilot:
        stored, streamed = Answer("a model", LONG), Answer("a model")
        await transcript.add(stored, streamed)
        for start in range(0, len(LONG), 40):
            await streamed.add(LONG[start : start + 40])
            await streamed._flush()
        await streamed.finish(())
        await wait_until(pilot, lambda: streamed.size.height == stored.size.height > 100)
        height = stored.size.height
        await stored.remove()
        parts = list(streamed.query(AnswerText))
        assert "".join(part.source for part in parts) == LONG == streamed.text
        await wait_until(pilot, lambda: parts[0].is_folded and not parts[0].children)
        transcript.scroll_home(animate=False)
        await wait_until(pilot, lambda: parts[0].children)
        await pilot.pause()
        assert streamed.size.height == height
        assert "0 Beds" in str(parts[0].children[0].render())
        await pilot.resize_terminal(50, 20)
        await wait_until(pilot, lambda: all(part.children for part in parts))
