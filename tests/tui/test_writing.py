"""What helps to write: folded pastes, what was sent before, and the editor of one's choice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual import events
from textual.app import App

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from memory_store import Store
from memory_store.errors import StoreError
from memory_store.models import USER, Role
from tests.tui.support import House, chatting, script


async def paste(house: House, text: str) -> None:
    house.chat.focus_prompt()
    house.chat.prompt.post_message(events.Paste(text))
    await house.pilot.pause()


async def test_long_paste_is_folded_and_sent_whole(tmp_path: Path) -> None:
    model = ScriptedChat(script("Read."))
    text = "\n".join(f"line {number} 锅炉 of a long text" for number in range(400))
    async with chatting(tmp_path, model) as house:
        await house.press_keys("Sum up: ")
        await paste(house, text)
        shown = f"[pasted 1: {len(text):,} characters, 400 lines]"
        await house.until(lambda: house.chat.prompt.text == f"Sum up: {shown}")
        await house.pilot.press("enter")
        await house.until(lambda: house.answers and not house.chat.is_answering)
        assert house.questions == [f"Sum up: {text}"]
        # Brought back, it is the whole text again.
        await house.pilot.press("up", "enter")
        await house.until(lambda: len(house.questions) == 2)
        assert house.questions[1] == f"Sum up: {text}"


async def test_short_paste_stands_as_it_is(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await paste(house, "one\ntwo")
        await house.until(lambda: house.chat.prompt.text == "one\ntwo")


async def test_what_was_sent_is_found_again_by_its_words(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(otherwise=script("Fine."))) as house:
        await house.pilot.press("ctrl+r")
        await house.pilot.pause()
        for text in ("Where is the boat?", "And the oars?", "Where is the boat?"):
            await house.ask(text)
        await house.pilot.press("ctrl+r")
        dialog = await house.dialog(Chooser)
        assert dialog.query_one("OptionList").option_count == 2
        await house.press_keys("oars")
        await house.until(lambda: dialog.query_one("OptionList").option_count == 1)
        await house.pilot.press("enter")
        await house.until(lambda: house.chat.prompt.text == "And the oars?")


@pytest.mark.parametrize(("code", "expected"), [(0, "draft, finished in the editor"), (3, "draft")])
async def test_prompt_is_written_in_the_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: str
) -> None:
    @contextmanager
    def suspended(_: App[int]) -> Iterator[None]:
        yield

    monkeypatch.setattr(App, "suspend", suspended)
    script_file = tmp_path / "editor.sh"
    script_file.write_text(f'#!/bin/sh\nprintf "%s, finished in the editor\\n" "$(cat "$2")" > "$2"\nexit {code}\n')
    script_file.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{script_file} --wait")
    async with chatting(tmp_path) as house:
        await house.press_keys("draft")
        await house.pilot.press("ctrl+g")
        await house.until(lambda: not [one for one in house.app.workers if one.name == "editor" and one.is_running])
        await house.until(lambda: house.chat.prompt.text == expected)


async def test_what_was_being_written_is_there_again_after_a_crash(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.press_keys("half a thought")
        await house.until(lambda: house.store.drafts.get(None) == "half a thought")
    async with chatting(tmp_path, ScriptedChat(script("Whole."))) as house:
        await house.until(lambda: house.chat.prompt.text == "half a thought")
        await house.pilot.press("enter")
        await house.until(lambda: house.questions == ["half a thought"] and not house.chat.is_answering)
        await house.press_keys("and more")
        (talk,) = house.store.conversations.all()
        await house.until(lambda: house.store.drafts.get(talk.id) == "and more")
        await house.until(lambda: house.store.drafts.get(None) == "")


@pytest.mark.parametrize(("keys", "kept"), [([*" and more"], "half a thought and more"), (["ctrl+u"], "")])
async def test_draft_is_kept_as_it_stands_when_one_leaves_at_once(tmp_path: Path, keys: list[str], kept: str) -> None:
    async with chatting(tmp_path) as house:
        await house.press_keys("half a thought")
        await house.until(lambda: house.store.drafts.get(None) == "half a thought")
        await house.pilot.press(*["space" if key == " " else key for key in keys], "ctrl+q")
        await house.until(lambda: not house.app.is_running or house.store.drafts.get(None) == kept)
        assert house.store.drafts.get(None) == kept


async def test_draft_of_a_command_goes_with_it_even_if_the_next_one_leads_elsewhere_at_once(tmp_path: Path) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Whole."))) as house:
        await house.ask("a chat with an id")
        (talk,) = house.store.conversations.all()
        await house.press_keys("/remember the safe is")
        await house.until(lambda: house.store.drafts.get(talk.id) == "/remember the safe is")
        await house.press_keys(" blue")
        await house.pilot.press("enter")
        await house.say("/new")
        await house.until(lambda: "Remembered: the safe is blue" in house.notices or not house.answers)
        await house.settled()
        assert (house.store.drafts.get(talk.id), house.store.drafts.get(None)) == ("", "")
        assert [one.text for one in house.store.memories.all()] == ["the safe is blue"]


async def test_draft_is_gone_with_the_transaction_that_stores_what_was_sent(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        talk = store.conversations.start("Talk")
        store.drafts.keep(talk.id, "half a")
        store.drafts.keep(None, "another thought")
        store.conversations.append(talk.id, Role.USER, "half a thought", USER, parent_id=None)
        assert (store.drafts.get(talk.id), store.drafts.get(None)) == ("", "another thought")


async def test_nothing_that_is_written_in_a_temporary_chat_is_kept(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/temporary")
        await house.until(lambda: house.chat.prompt.border_subtitle)
        await house.press_keys("secret")
        assert house.chat.skin is not None
        assert house.chat.skin._keeping is None  # nothing waits to be kept
        assert house.store.drafts.get(None) == ""


async def test_draft_that_can_not_be_kept_is_told_once_and_the_chat_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(tmp_path, ScriptedChat(script("Fine."))) as house:
        calls: list[str] = []

        def broken(conversation_id: str | None, text: str) -> None:
            calls.append(text)
            raise StoreError("The disk is full; nothing was changed.")

        monkeypatch.setattr(house.store.drafts, "keep", broken)
        told: list[str] = []
        monkeypatch.setattr(house.chat, "notify", lambda text, **_: told.append(text))
        await house.press_keys("a")
        await house.until(lambda: calls == ["a"])
        await house.press_keys("b")
        await house.until(lambda: len(calls) == 2)
        await house.pilot.press("enter")
        await house.until(lambda: house.answers and not house.chat.is_answering)
        assert told == ["What you are writing can't be kept: The disk is full; nothing was changed."]
