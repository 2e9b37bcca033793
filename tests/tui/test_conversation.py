"""Asking and answering in the chat: streamed, cited, stopped, failed, gone on with."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Static

from assistant import config
from assistant.errors import ModelError
from assistant.llm.base import Retrying, ThinkingDelta, WasThinking
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chats import ChatsScreen
from assistant.tui.screens.source import SourceScreen
from assistant.tui.widgets import turns
from assistant.tui.widgets.earlier import EarlierMessages
from assistant.tui.widgets.source_list import SourceLine
from assistant.tui.widgets.thinking import Thinking
from memory_store import Selection, Store
from memory_store.models import MessageStatus
from tests.memory_store.support import add_document
from tests.tui.support import House, chatting


def with_keys(store: Store) -> None:
    """Store a document about keys, of three passages."""
    add_document(
        store,
        "/home/ada/house.md",
        "The boiler stands in the cellar.",
        "Our spare key is with Ines at number 12.",
        "The bins go out on Tuesday.",
    )


async def test_an_answer_streams_and_lists_its_cited_source(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines at number 12 ", "has it [1]."])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        answer = await house.ask("Who has our spare key?")
        assert answer.text == "Ines at number 12 has it [1]."
        assert (answer.sources[0].number, answer.sources[0].cited) == (1, True)
        assert answer.sources[0].title == "house"
        assert house.questions == ["Who has our spare key?"]


async def test_a_source_opens_in_place_with_its_neighbours(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines has it [1]."])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        await house.ask("Who has our spare key?")
        house.chat.query(SourceLine).first().focus()
        await house.pilot.press("enter")
        dialog = await house.dialog(SourceScreen)
        await house.until(lambda: len(dialog.query(".source--neighbour")) == 2)
        shown = "\n".join(str(one.render()) for one in dialog.query("Static"))
        assert "Our spare key is with Ines" in shown
        assert "/home/ada/house.md" in shown
        assert "line 2" in shown
        assert "The bins go out" in shown
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_a_citation_in_the_words_opens_its_source(tmp_path: Path) -> None:
    model = ScriptedChat(["[1] says so."])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        answer = await house.ask("Who has our spare key?")
        await house.pilot.click(answer.query_one("MarkdownParagraph"), offset=(1, 0))
        dialog = await house.dialog(SourceScreen)
        assert dialog.source.number == 1


async def test_escape_stops_an_answer_and_keeps_its_part(tmp_path: Path) -> None:
    gate = asyncio.Event()
    model = ScriptedChat(["The first half", gate, " and the second."])
    async with chatting(tmp_path, model) as house:
        await house.say("Tell me")
        await house.until(lambda: house.answers and house.answers[0].text == "The first half")
        await house.pilot.press("escape")
        await house.until(lambda: not house.chat.is_answering)
        assert house.answers[0].state == "Stopped."
        assert house.chat.session is not None
        kept = house.chat.session.messages[-1]
        assert (kept.text, kept.status) == ("The first half", MessageStatus.PARTIAL)


async def test_enter_while_an_answer_comes_keeps_what_was_typed(tmp_path: Path) -> None:
    gate = asyncio.Event()
    model = ScriptedChat(["Wait", gate, "."], ["Second."])
    async with chatting(tmp_path, model) as house:
        await house.say("First")
        await house.until(lambda: house.answers and house.answers[0].text == "Wait")
        await house.say("And then?")
        assert house.chat.prompt.text == "And then?"
        gate.set()
        await house.until(lambda: not house.chat.is_answering)
        await house.pilot.press("enter")
        await house.until(lambda: len(house.answers) == 2 and not house.chat.is_answering)
        assert house.answers[1].text == "Second."


async def test_a_model_that_fails_is_told_with_its_hint_and_the_part_stays(tmp_path: Path) -> None:
    model = ScriptedChat(["A part", ModelError("The server went away.", "Start it again.")])
    async with chatting(tmp_path, model) as house:
        answer = await house.ask("Hello")
        await house.until(lambda: any("Start it again." in one for one in house.notices))
        assert (answer.text, answer.state) == ("A part", "The answer broke off.")


async def test_what_is_captured_is_said(tmp_path: Path) -> None:
    learning = config.Settings(chat=config.ChatConfig(titles=False))
    async with chatting(tmp_path, None, settings=learning) as house:
        await house.ask("Remember that the spare key is with Ines.")
        await house.until(lambda: house.notices == ["Remembered: the spare key is with Ines"])
        assert [one.text for one in house.store.memories.all()] == ["the spare key is with Ines"]


async def test_reasoning_is_folded_until_it_is_wanted(tmp_path: Path) -> None:
    model = ScriptedChat([ThinkingDelta("Hm, keys."), "Ines."])
    async with chatting(tmp_path, model) as house:
        answer = await house.ask("Who?")
        thinking = answer.query_one(Thinking)
        assert "Hm, keys." not in str(thinking.render())
        thinking.focus()
        await house.pilot.press("enter")
        assert "Hm, keys." in str(thinking.render())
        assert answer.text == "Ines."


async def test_number_that_is_no_sources_is_said_to_be_none_now_and_later(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines has it [1], or Bo [7].\n\n`x[9]` and [8](https://a.example)"])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        answer = await house.ask("Who has our spare key?")
        assert answer.state == "There is no source for [7]."
        await house.pilot.press("ctrl+n")
        await house.until(lambda: not house.questions)
        [chat] = house.store.conversations.all()
        await house.resume(chat.id)
        await house.until(lambda: [answer.state for answer in house.answers] == ["There is no source for [7]."])


async def test_request_that_is_made_again_says_why_the_answer_is_late(tmp_path: Path) -> None:
    again, further = asyncio.Event(), asyncio.Event()
    late = Retrying("It takes no more [requests].", 7.4)
    model = ScriptedChat([late, again, ThinkingDelta("Hm."), further, "Ines."])
    async with chatting(tmp_path, model) as house:
        await house.say("Who?")
        await house.until(model.waiting.is_set)
        state = house.answers[-1].query_one(".answer--state", Static)
        await house.until(lambda: "[requests]. Trying again in 7 seconds." in str(state.render()))
        again.set()
        await house.until(lambda: "first word" in str(state.render()))
        further.set()
        await house.until(lambda: house.answers[-1].text == "Ines." and not str(state.render()))


async def test_words_that_turn_out_to_be_reasoning_are_folded(tmp_path: Path) -> None:
    model = ScriptedChat(["Hm, keys.\n", WasThinking(), "With Ines."])
    async with chatting(tmp_path, model) as house:
        answer = await house.ask("Who has our spare key?")
        assert answer.text == "With Ines."
        assert "Hm" not in "".join(str(one.render()) for one in answer.query("MarkdownBlock"))
        assert answer.query_one(Thinking)


async def test_a_new_chat_is_empty_and_the_earlier_one_can_be_gone_on_with(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines has it [1]."], otherwise=["More."])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        await house.ask("Who has our spare key?")
        await house.pilot.press("ctrl+n")
        await house.until(lambda: not house.questions)
        await house.ask("Something else")
        await house.pilot.press("ctrl+o")
        screen = await house.dialog(ChatsScreen)
        await house.until(lambda: len(screen.list.items) == 2)
        await house.press_keys("/spare")
        await house.until(lambda: len(screen.list.items) == 1)
        await house.pilot.press("enter", "enter")
        await house.until(lambda: house.questions == ["Who has our spare key?"])
        assert [one.text for one in house.answers] == ["Ines has it [1]."]
        assert house.answers[0].sources[0].title == "house"
        await house.ask("And the bins?")
        assert len(house.store.conversations.all()) == 2


async def test_only_the_latest_messages_of_a_long_chat_are_shown(tmp_path: Path) -> None:
    from assistant.tui.widgets.turns import SHOWN_AT_FIRST
    from memory_store.models import USER, Role

    def long(store: Store) -> None:
        conversation = store.conversations.start("Long")
        parent = None
        for number in range(SHOWN_AT_FIRST + 5):
            parent = store.conversations.append(
                conversation.id, Role.USER, f"Message {number}", USER, parent_id=parent
            ).id

    async with chatting(tmp_path, prepare=long) as house:
        await house.resume(house.store.conversations.all()[0].id)
        assert house.questions == [f"Message {number}" for number in range(5, SHOWN_AT_FIRST + 5)]
        above = house.chat.query_one(EarlierMessages)
        assert str(above.render()).startswith("↑ 5 earlier messages")
        for _ in range(60):
            await house.pilot.press("pageup")
            if not house.chat.query(EarlierMessages):
                break
        await house.until(lambda: len(house.questions) == SHOWN_AT_FIRST + 5)
        assert house.questions[0] == "Message 0"
        await house.until(lambda: house.chat.transcript.scroll_y > 0)


async def test_a_reader_who_scrolled_up_stays_there_while_an_answer_streams(tmp_path: Path) -> None:
    gate = asyncio.Event()
    lines = "\n\n".join(f"Line {number}" for number in range(60))
    model = ScriptedChat([lines, gate, "\n\n" + lines])
    async with chatting(tmp_path, model, size=(80, 24)) as house:
        await house.say("Go")
        await house.until(lambda: house.answers and "Line 59" in house.answers[0].text)
        await house.until(lambda: house.chat.transcript.max_scroll_y > 20)
        await house.pilot.press("pageup")
        await house.until(lambda: house.chat.transcript.scroll_y < house.chat.transcript.max_scroll_y)
        await house.pilot.wait_for_animation()
        place = house.chat.transcript.scroll_y
        await house.pilot.press("ctrl+c")
        await house.until(
            lambda: any("Esc stops it. Ctrl+Q leaves" in notice.message for notice in house.app._notifications)
        )
        gate.set()
        await house.until(lambda: not house.chat.is_answering)
        await house.pilot.pause()
        assert house.chat.transcript.scroll_y == place
        assert "new text below" in str(house.chat.prompt.border_title)
        house.chat.transcript.scroll_end(animate=False)
        await house.until(lambda: house.chat.prompt.border_title is None)


async def test_what_a_command_tells_is_shown_to_a_reader_who_had_scrolled_up(tmp_path: Path) -> None:
    lines = "\n\n".join(f"Line {number}" for number in range(60))
    async with chatting(tmp_path, ScriptedChat([lines]), size=(80, 24)) as house:
        await house.ask("Go")
        transcript = house.chat.transcript
        await house.until(lambda: transcript.max_scroll_y > 20)
        transcript.scroll_home(animate=False)
        await house.until(lambda: not transcript.scroll_y)
        await house.say("/cost")
        await house.until(lambda: house.notices and transcript.is_vertical_scroll_end)


async def test_a_chat_that_has_grown_long_puts_its_oldest_messages_away_and_brings_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, at_first = 12, 4
    monkeypatch.setattr(turns, "MOST_SHOWN", most)
    monkeypatch.setattr(turns, "SHOWN_AT_FIRST", at_first)
    async with chatting(tmp_path) as house:
        for number in range(most // 2 + 1):
            await house.say(f"Question {number}")
            await house.until(partial(has_turns, house, number + 1))
        await house.until(lambda: house.chat.query(EarlierMessages))
        assert len(house.chat.transcript.spoken) == at_first
        assert house.chat.query_one(EarlierMessages).count == most + 2 - at_first
        house.chat.query_one(EarlierMessages).focus()
        await house.pilot.press("enter")
        await house.until(lambda: len(house.chat.transcript.spoken) > at_first)
        texts = [one.text for one in house.chat.transcript.spoken]
        assert texts[-2:] == [f"Question {most // 2}", "Fine."]
        assert len(set(texts)) == len(texts) // 2 + 1


def has_turns(house: House, count: int) -> bool:
    assert house.chat.session is not None
    return len(house.chat.session.messages) == 2 * count and not house.chat.is_answering


async def test_an_answer_whose_source_is_erased_elsewhere_meanwhile_is_told_of_and_the_chat_goes_on(
    tmp_path: Path,
) -> None:
    gate = asyncio.Event()
    model = ScriptedChat(["With Ines ", gate, "[1]."], ["Fine."])
    async with chatting(tmp_path, model, prepare=with_keys) as house:
        await house.say("Who has the spare key?")
        await model.waiting.wait()
        with Store.open(tmp_path / "memory") as another:
            (document,) = another.documents.all()
            await asyncio.to_thread(another.forget, Selection((document.id,), everywhere=True))
        gate.set()
        await house.until(lambda: any("was erased before it was finished" in one for one in house.notices))
        assert (await house.ask("And the weather?")).text == "Fine."
