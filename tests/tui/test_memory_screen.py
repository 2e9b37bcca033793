"""The memory screen: all that is remembered is found, read with its sources and history, corrected and forgotten."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.confirm import ConfirmForget
from assistant.tui.screens.memory import MemoryScreen
from assistant.tui.screens.memory_editor import MemoryEditor
from assistant.tui.screens.source import SourceScreen
from assistant.tui.widgets.filter_line import FilterLine
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.source_list import SourceLine
from memory_store import NewMemory, Store
from memory_store.models import USER, Author, AuthorKind, MemoryKind, Role
from tests.memory_store.support import add_document, bytes_of
from tests.tui.support import House, chatting

MODEL = Author(AuthorKind.MODEL, "llama3.2")


def some(store: Store) -> None:
    """Remember four things, the last one pinned and private, one of them in two versions."""
    store.remember(NewMemory("The boiler was serviced in May.", MemoryKind.EVENT, MODEL))
    old = store.remember(NewMemory("The spare key is with Ines.", MemoryKind.FACT))
    store.memories.supersede(old.id, NewMemory("The spare key is with Omar.", MemoryKind.FACT))
    store.remember(NewMemory("Prefers tea [b]without[/b] milk\x1b[31m.", MemoryKind.PREFERENCE))
    store.remember(NewMemory("The alarm code is 4711.", pinned=True, private=True))


async def shown(house: House, size: int, argument: str = "") -> MemoryScreen:
    """Open the screen and wait for its list."""
    await house.say(f"/memory {argument}")
    screen = await house.dialog(MemoryScreen)
    assert isinstance(screen, MemoryScreen)
    await house.until(lambda: len(screen.list.items) == size)
    return screen


def texts(screen: MemoryScreen) -> list[str]:
    """The texts in the list."""
    return [one.text for one in screen.list.items]


def reads(screen: MemoryScreen) -> str:
    """What the detail pane says."""
    return "\n".join(str(one.render()) for one in screen.query("#detail Static").results(Static))


def told(screen: MemoryScreen) -> str:
    """What is told at the bottom."""
    return screen.query_one(Notice).text


async def test_memories_are_listed_newest_first_without_their_history(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        await house.pilot.press("f2")
        screen = await house.dialog(MemoryScreen)
        await house.until(lambda: len(screen.list.items) == 4)
        assert [one[:9] for one in texts(screen)] == ["The alarm", "Prefers t", "The spare", "The boile"]
        assert "4711" in reads(screen)
        assert "pinned, private" in reads(screen)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_typing_filters_by_words_and_escape_brings_all_back(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        await house.pilot.press("slash")
        await house.press_keys("key the")
        await house.until(lambda: texts(screen) == ["The spare key is with Omar."])
        await house.pilot.press("enter")
        assert screen.list.has_focus
        await house.pilot.press("escape")
        await house.until(lambda: len(screen.list.items) == 4)


async def test_words_may_be_given_with_the_command(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 1, "boiler")
        assert texts(screen) == ["The boiler was serviced in May."]


@pytest.mark.parametrize(
    ("keys", "beginnings"),
    [
        ("11", ["The spare"]),
        ("22", ["The boile"]),
        ("5", ["The alarm"]),
        ("55", ["Prefers t", "The spare", "The boile"]),
        ("6", ["The alarm"]),
        ("77", ["The spare"]),
        ("711", ["The spare", "The spare"]),
    ],
    ids=["facts", "by a model", "pinned", "not pinned", "private", "history alone", "facts with history"],
)
async def test_filters_stand_on_number_keys(tmp_path: Path, keys: str, beginnings: list[str]) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        await house.pilot.press(*keys)
        await house.until(lambda: [one[:9] for one in texts(screen)] == beginnings)


async def test_a_filter_is_moved_by_a_click(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        await house.pilot.click(FilterLine, offset=(5, 0))
        await house.until(lambda: screen.query_one(FilterLine).choice("kind") == 1)


async def test_foreign_text_is_shown_as_it_is_without_its_escapes(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 1, "tea")
        await house.until(lambda: "Prefers tea [b]without[/b] milk." in reads(screen))
        assert "Prefers tea [b]without[/b] milk." in str(screen.line(screen.list.items[0]))


async def test_a_memory_is_added_with_its_kind(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await shown(house, 0)
        await house.until(lambda: "Nothing is remembered yet" in reads(screen))
        await house.pilot.press("a")
        await house.dialog(MemoryEditor)
        await house.press_keys("The fence is green")
        await house.pilot.press("ctrl+t", "ctrl+s")
        await house.until(lambda: texts(screen) == ["The fence is green"])
        stored = house.store.memories.all()[0]
        assert (stored.kind, stored.author) == (MemoryKind.FACT, USER)
        assert [hit.text for hit in house.store.recall("fence", 1)] == ["The fence is green"]


async def test_an_edit_is_a_newer_version_and_the_older_stays_in_the_history(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4, "")
        await house.pilot.press("down", "down", "e")
        editor = await house.dialog(MemoryEditor)
        area = editor.query_one("TextArea")
        assert area.text == "The spare key is with Omar."
        area.text = "The spare key is with Wei."
        await house.pilot.press("ctrl+s")
        await house.until(lambda: "The spare key is with Wei." in texts(screen))
        await house.until(lambda: "History" in reads(screen))
        history = reads(screen).partition("History")[2]
        assert [name for name in ("Wei", "Omar", "Ines") if name in history] == ["Wei", "Omar", "Ines"]
        assert history.index("Wei") < history.index("Omar") < history.index("Ines")
        assert history.count("superseded 20") == 2
        assert len(house.store.memories.all()) == 4


async def test_marks_are_set_and_taken_back(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        for key, marks in (("p", (False, True)), ("v", (False, False)), ("p", (True, False))):
            await house.pilot.press(key)
            await house.until(partial(_is_marked, screen, marks))
        kept = house.store.memories.get(screen.list.items[0].id)
        assert (kept.pinned, kept.private) == (True, False)


async def test_a_memory_is_forgotten_after_a_yes_and_the_receipt_is_told(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        await house.settled()
        screen = await shown(house, 4)
        await house.pilot.press("f")
        await house.erase()
        await house.until(lambda: "nothing of it is left" in told(screen))
        await house.until(lambda: len(screen.list.items) == 3)
        assert "Receipt era_" in told(screen)
        assert b"4711" not in bytes_of(house.store.folder)


async def test_nothing_is_forgotten_without_a_yes(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        await house.pilot.press("f")
        await house.dialog(ConfirmForget)
        await house.pilot.press("escape")
        await house.until(lambda: "Nothing was erased" in told(screen))
        assert len(house.store.memories.all()) == 4


async def test_an_earlier_version_is_not_edited(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        await house.pilot.press("7", "7")
        await house.until(lambda: texts(screen) == ["The spare key is with Ines."])
        await house.pilot.press("e")
        await house.until(lambda: "earlier version" in told(screen))


async def test_the_message_and_the_document_behind_a_memory_open_in_place(tmp_path: Path) -> None:
    def prepare(store: Store) -> None:
        document = add_document(store, "/home/ada/house.md", "Omar keeps our spare key.")
        chat = store.conversations.start("Keys")
        message = store.conversations.append(chat.id, Role.USER, "Omar has the key now", USER, parent_id=None)
        store.remember(NewMemory("Omar has the spare key.", sources=(document.id, message.id)))

    async with chatting(tmp_path, prepare=prepare) as house:
        screen = await shown(house, 1)
        await house.until(lambda: len(screen.query(SourceLine)) == 2)
        for number, words in enumerate(("Omar keeps our spare key.", "Omar has the key now")):
            screen.query(SourceLine)[number].focus()
            await house.pilot.press("enter")
            source = await house.dialog(SourceScreen)
            assert source.source.text == words
            await house.pilot.press("escape")
            await house.until(lambda: house.app.screen is screen)


async def test_ten_thousand_memories_are_listed_and_narrowed(tmp_path: Path) -> None:
    def prepare(store: Store) -> None:
        with store._database.write() as connection:
            connection.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
                "INSERT INTO memories (id, kind, text, author_kind, pinned, private, recorded_at) "
                "SELECT 'mem_' || i, 'note', 'Number ' || i || ' of many', 'user', 0, 0, "
                "'2026-01-01T00:00:00.000000Z' FROM n"
            )

    async with chatting(tmp_path, prepare=prepare) as house:
        screen = await shown(house, 10_000)
        await house.pilot.press("end", "pageup", "slash")
        await house.press_keys("9999")
        await house.until(lambda: texts(screen) == ["Number 9999 of many"])


async def test_everything_needed_is_in_view_at_every_size(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        async for width in house.sizes():
            for selector in ("#head", "#search", "#list", "#detail", "#keys"):
                region = screen.query_one(selector).region
                assert region.height > 0
                assert screen.region.contains_region(region)
            assert screen.list.size.height >= 4
            beside = screen.query_one("#detail").region.y == screen.list.region.y
            assert beside == (width >= 90)
        assert screen.query_one("#search", Input).value == ""


async def test_a_narrower_terminal_puts_the_details_below(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some, size=(100, 32)) as house:
        screen = await shown(house, 4)
        await house.pilot.resize_terminal(70, 24)
        await house.until(lambda: screen.query_one("#detail").region.y > screen.list.region.y)
        await house.until(lambda: screen.region.contains_region(screen.query_one("#keys").region))


async def test_keys_typed_after_the_slash_are_words_and_no_actions(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=some) as house:
        screen = await shown(house, 4)
        for key, sign in (("slash", "/"), ("p", "p"), ("slash", "/"), ("v", "v"), ("f", "f")):  # faster than any hand
            house.app.post_message(events.Key(key, sign))
        await house.until(lambda: screen.query_one("#search", Input).value == "p/vf")
        assert house.app.screen is screen
        assert [one.pinned for one in house.store.memories.all()] == [True, False, False, False]


async def test_an_erasure_waits_until_the_answer_has_come(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with chatting(tmp_path, ScriptedChat(["Half", gate]), prepare=some) as house:
        await house.settled()
        await house.say("Hello")
        await house.until(lambda: house.chat.is_answering)
        await house.pilot.press("f2")
        screen = await house.dialog(MemoryScreen)
        await house.until(lambda: len(screen.list.items) == 4)
        await house.pilot.press("f")
        await house.until(lambda: "still coming" in told(screen))
        gate.set()
        await house.until(lambda: not house.chat.is_answering)


def _is_marked(screen: MemoryScreen, marks: tuple[bool, bool]) -> bool:
    return screen.chosen is not None and (screen.chosen.pinned, screen.chosen.private) == marks
