"""Whom to call stands above the answer, once, and again when the chat is opened again; not where it is turned off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant import config
from assistant.core.care.directory import countries
from assistant.core.care.settings import CareSettings
from assistant.tui.screens.settings import offered_countries
from assistant.tui.widgets.answer import Answer
from assistant.tui.widgets.care_block import CareBlock
from assistant.tui.widgets.user_message import UserMessage
from tests.tui.support import House, chatting


def settings(**care: Any) -> config.Settings:
    return config.Settings(
        chat=config.ChatConfig(titles=False, learn=False), care=CareSettings(**{"region": "GB", **care})
    )


def shown(house: House) -> list[type]:
    return [
        type(one) for one in house.chat.transcript.column.children if isinstance(one, UserMessage | CareBlock | Answer)
    ]


async def test_help_stands_above_the_answer_and_again_when_answered_or_opened_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=settings()) as house:
        await house.ask("I want to kill myself")
        assert shown(house) == [UserMessage, CareBlock, Answer]
        assert "116 123" in house.texts(CareBlock)[0]
        assert house.chat.skin is not None
        await house.chat.skin.controller.retry()
        await house.until(lambda: not house.chat.is_answering)
        assert shown(house) == [UserMessage, CareBlock, Answer]
        assert house.chat.session is not None
        assert house.chat.session.conversation is not None
        await house.resume(house.chat.session.conversation.id)
        assert shown(house) == [UserMessage, CareBlock, Answer]
        await house.ask("Which bus goes to Porto?")
        assert shown(house) == [UserMessage, CareBlock, Answer, UserMessage, Answer]


async def test_nothing_is_shown_where_it_is_turned_off(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=settings(resources=False)) as house:
        await house.ask("I want to kill myself")
        assert shown(house) == [UserMessage, Answer]


def test_the_country_is_offered_by_its_names() -> None:
    offered = dict(offered_countries())
    assert offered["Taiwan · 台湾"] == "TW"
    assert len(offered) == len(countries("en"))
