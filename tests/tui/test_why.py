"""`/why` explains the last answer: the sources with their reasons, facts with their history, and what has no source."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from textual.widgets import Static

from assistant import config
from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.about_me import AboutMeScreen
from assistant.tui.screens.why import WhyScreen
from memory_store import NewMemory, Store
from memory_store.models import USER, Role
from tests.tui.support import House, chatting


def prepare(store: Store) -> None:
    old = store.remember("The spare key is with Omar.")
    store.memories.supersede(old.id, NewMemory("The spare key is with Ines at number 12."))


async def told(house: House, command: str) -> str:
    await house.say(command)
    dialog = await house.dialog(WhyScreen)
    text = "\n".join(str(one.render()) for one in dialog.query(Static))
    await house.pilot.press("escape")
    await house.until(lambda: house.app.screen is house.chat)
    return text


async def test_the_last_answer_and_its_sentences_are_explained(tmp_path: Path) -> None:
    model = ScriptedChat(["Ines has the key [1]. She is very kind."])
    async with chatting(tmp_path, model, prepare=prepare) as house:
        await house.ask("Who has the spare key?")
        whole = await told(house, "/why")
        for words in ("[1]", "Ines at number 12", "Found by", "spare", "The spare key is with Omar."):
            assert words in whole
        assert "Ines at number 12" in await told(house, "/why has the key")
        kind = await told(house, "/why kind")
        assert "Nothing that is remembered is cited for this" in kind
        assert "Ines at number 12" not in kind


async def test_the_marks_of_quoted_lines_do_not_stand_among_the_words(tmp_path: Path) -> None:
    async with chatting(
        tmp_path, ScriptedChat(["I found this:\n\n> The \\<key\\> hangs inside. [1]\n> > And the ladder too."])
    ) as house:
        await house.ask("Who has the spare key?")
        whole = await told(house, "/why")
        assert "I found this: The <key> hangs inside. [1] And the ladder too." in whole


async def test_what_was_not_said_is_not_explained(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.say("/why")
        await house.pilot.pause()
        assert house.app.screen is house.chat
        await house.ask("Hello")
        await house.say("/why zebras")
        await house.settled()
        assert house.app.screen is house.chat


async def test_what_is_known_about_the_user_is_one_page(tmp_path: Path) -> None:
    learning = config.Settings(chat=config.ChatConfig(titles=False))
    async with chatting(tmp_path, None, settings=learning) as house:
        await house.say("/about-me")
        dialog = await house.dialog(AboutMeScreen)
        assert "Nothing yet" in "\n".join(str(one.render()) for one in dialog.query(Static))
        await house.pilot.press("escape")
        await house.ask("I live in Porto.")
        await house.until(lambda: any("Remembered: I live in Porto." in notice for notice in house.notices))
        await house.ask("We've moved, I live in Lyon now.")
        await house.until(lambda: any("I live in Lyon now." in notice for notice in house.notices))
        await house.say("/about-me")
        dialog = await house.dialog(AboutMeScreen)
        page = "\n".join(str(one.render()) for one in dialog.query(Static))
        for words in ("Home", "I live in Lyon now.", "before: I live in Porto.", "“I live in Porto.”"):
            assert words in page
        await house.pilot.press("escape")


async def test_fact_is_explained_by_the_words_that_it_rests_on(tmp_path: Path) -> None:
    def captured(store: Store) -> None:
        talk = store.conversations.start("Keys")
        said = store.conversations.append(
            talk.id, Role.USER, "By the way, Rui has the spare key.", USER, parent_id=None
        )
        store.remember(NewMemory("Rui has the spare key.", sources=(said.id,), quote="Rui has the spare key"))

    async with chatting(tmp_path, ScriptedChat(["Rui has it [1] [2]."]), prepare=captured) as house:
        await house.ask("Who has the spare key?")
        whole = await told(house, "/why")
        assert "rests on conversation “Keys”" in whole
        assert "“Rui has the spare key”" in whole


async def test_what_was_known_to_be_true_on_a_day_is_a_page_too(tmp_path: Path) -> None:
    def moved(store: Store) -> None:
        old = store.remember(NewMemory("I live in Porto.", valid_from=datetime(2020, 1, 1, tzinfo=UTC)))
        store.memories.supersede(old.id, NewMemory("I live in Lyon."))

    async with chatting(tmp_path, prepare=moved) as house:
        await house.say("/about-me 2021-05-01")
        dialog = await house.dialog(AboutMeScreen)
        page = "\n".join(str(one.render()) for one in dialog.query(Static))
        assert "2021-05-01" in page
        assert "Porto" in page
        assert "Lyon" not in page
        await house.pilot.press("e")
        assert house.app.screen is dialog
        await house.pilot.press("escape")
        await house.say("/about-me yesterday")
        await house.settled()
        assert house.app.screen is house.chat
