"""The first moments: a light first frame, no lost keys, a welcome, and what happens where the memory stays shut."""

from __future__ import annotations

import subprocess
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Static

from assistant.errors import ConfigError
from assistant.llm.roles import ModelRole
from assistant.llm.scripted import ScriptedChat
from assistant.tui.app import ChatApp
from assistant.tui.guide import worth_importing
from assistant.tui.screens.chooser import Chooser
from assistant.tui.services import Services
from assistant.tui.widgets.early_prompt import EarlyPrompt
from assistant.tui.widgets.notice import Notice
from assistant.tui.widgets.status_line import StatusLine
from memory_store import Store
from memory_store.errors import NewerSchemaError
from tests.support.embedder import HashEmbedder
from tests.tui.support import House, chatting, services_of, wait_until

HEAVY = (
    "chromadb",
    "numpy",
    "openai",
    "pydantic",
    "pydantic_settings",
    "sqlite3",
    "textual.widgets._markdown",
    "textual.widgets._text_area",
    "typer",
)


def test_nothing_heavy_is_imported_before_the_first_frame() -> None:
    code = (
        "import sys, asyncio\n"
        "from assistant.tui.app import ChatApp\n"
        "class Probe(ChatApp):\n"
        "    def painted(self):\n"
        "        super().painted()\n"
        f"        print([one for one in {HEAVY!r} if one in sys.modules])\n"
        "        self.exit(0)\n"
        "async def main():\n"
        "    async with Probe(lambda: None).run_test() as pilot:\n"
        "        await pilot.pause()\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[0] == "[]"


async def test_keys_typed_before_the_memory_is_open_are_sent_when_it_is(tmp_path: Path) -> None:
    may_open = threading.Event()
    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        store.start_background()
        model = ScriptedChat(["Here."])

        def opened() -> Services:
            may_open.wait(10)
            return services_of(store, model, tmp_path)

        app = ChatApp(opened, blink=False)
        async with app.run_test(size=(80, 24)) as pilot:
            house = House(app, pilot, store, model)
            await house.press_keys("Hel")
            await wait_until(pilot, lambda: not app.chat.query(EarlyPrompt))
            await house.press_keys("lo you")
            await pilot.press("enter")
            may_open.set()
            await house.until(lambda: house.answers and house.answers[0].text == "Here.")
            assert house.questions == ["Hello you"]
            await house.settled()


@pytest.mark.parametrize("focused", [True, False])
async def test_keys_of_the_first_frame_are_kept_in_their_order(tmp_path: Path, focused: bool) -> None:
    class Held(ChatApp):
        """Waits with the real prompt until it is told."""

        def painted(self) -> None:
            """Type at once, as somebody quick would."""
            super().painted()
            early = self.chat.query_one(EarlyPrompt)
            for sign in "quick 钥匙":
                (early if focused else self.chat).post_message(key(sign))

    from textual.events import Key

    def key(sign: str) -> Key:
        return Key("space" if sign == " " else sign, sign)

    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        store.start_background()
        model = ScriptedChat(["Here."])
        app = Held(lambda: services_of(store, model, tmp_path), blink=False)
        async with app.run_test(size=(80, 24)) as pilot:
            await wait_until(pilot, lambda: app.chat.is_open)
            await wait_until(pilot, lambda: app.chat.prompt.text == "quick 钥匙")
            await House(app, pilot, store, model).settled()


async def test_no_key_overtakes_those_that_still_wait_when_the_real_prompt_comes(tmp_path: Path) -> None:
    from textual.events import Key
    from textual.widget import Widget

    class Typed(EarlyPrompt):
        """Gets the last keys of a question just before its place goes to the real prompt, and Enter right after."""

        def hand_over(self, successor: Widget) -> None:
            """Type."""
            for sign in "late keys":
                self.post_message(Key("space" if sign == " " else sign, sign))
            super().hand_over(successor)
            assert self.screen.focused is not None
            self.screen.focused.post_message(Key("enter", None))

    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        store.start_background()
        model = ScriptedChat(["Here."])
        app = ChatApp(lambda: services_of(store, model, tmp_path), blink=False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("assistant.tui.screens.chat.EarlyPrompt", Typed)
            async with app.run_test(size=(80, 24)) as pilot:
                house = House(app, pilot, store, model)
                await house.until(lambda: house.questions == ["late keys"])
                await wait_until(pilot, lambda: app.focused is app.chat.prompt)
                await house.settled()


async def test_a_memory_that_cannot_be_opened_is_told_and_a_key_leaves_with_1() -> None:
    def refused() -> Services:
        raise NewerSchemaError("This memory was written by a newer Keepsake.", "Update Keepsake.")

    app = ChatApp(refused, blink=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: len(app.chat.query(Notice)) == 2)
        told = app.chat.query(Notice).first().text
        assert "newer Keepsake" in told
        assert "Update Keepsake." in told
        await pilot.press("x")
        await pilot.pause()
    assert app.return_code == 1


async def test_a_folder_without_permission_is_told_without_a_traceback() -> None:
    def refused() -> Services:
        raise PermissionError(13, "Permission denied", "/memory")

    app = ChatApp(refused, blink=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: len(app.chat.query(Notice)) == 2)
        assert "/memory: Permission denied" in app.chat.query(Notice).first().text
        await pilot.press("enter")
        await pilot.pause()
    assert app.return_code == 1


async def test_a_first_start_says_what_this_is_and_where_the_memory_lives(tmp_path: Path) -> None:
    async with chatting(tmp_path, first_start=True) as house:
        await house.until(lambda: house.notices)
        assert house.notices[0].startswith("Welcome.")
        assert str(house.store.folder) in house.notices[0]
        assert "/model" in house.notices[0]
        await leave_the_guide(house)


async def leave_the_guide(house: House) -> None:
    """Pass over both questions."""
    for step in ("1 of 3", "2 of 3"):
        await house.until(partial(at_step, house, step))
        await house.pilot.press("escape")
    await house.until(lambda: any("3 of 3" in one for one in house.notices))


def at_step(house: House, step: str) -> bool:
    screen = house.app.screen
    titles = screen.query(".dialog--title").results(Static)  # none until the dialog is composed
    return isinstance(screen, Chooser) and any(step in str(one.render()) for one in titles)


async def test_the_guide_leads_to_a_model_and_an_import_and_comes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "keys.md").write_text("The spare key is with Ines at number 12.", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with chatting(tmp_path, first_start=True) as house:
        await house.until(partial(at_step, house, "1 of 3"))
        await house.pilot.press("enter")  # quotations
        await house.until(partial(at_step, house, "2 of 3"))
        await house.pilot.press("enter")  # the folder of documents
        await house.until(lambda: any("ollama pull" in one for one in house.notices))  # nobody but quotations answers
        await house.until(lambda: any("1 imported" in one for one in house.notices))
        answer = await house.ask("Who has the spare key?")
        assert "Ines at number 12" in answer.text
        await house.say("/guide")
        await leave_the_guide(house)
    assert (tmp_path / "config.toml").is_file()  # so that the next start is no first one


async def test_the_guide_lets_who_writes_already_write_on(tmp_path: Path) -> None:
    may_open = threading.Event()
    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        store.start_background()
        model = ScriptedChat(["Here."])

        def opened() -> Services:
            may_open.wait(10)
            return services_of(store, model, tmp_path, first_start=True)

        app = ChatApp(opened, blink=False)
        async with app.run_test(size=(80, 24)) as pilot:
            house = House(app, pilot, store, model)
            await wait_until(pilot, lambda: not app.chat.query(EarlyPrompt))
            await house.press_keys("Hel")
            may_open.set()
            await house.until(lambda: house.notices)
            await house.press_keys("lo")
            await house.settled()
            assert app.chat.prompt.text == "Hello"
            assert app.screen is app.chat


@pytest.mark.parametrize(("typed", "said"), [("My sister is Ada", True), ("我妹妹叫小雨", True), ("llamma", False)])
async def test_message_that_is_typed_into_the_guide_is_sent_and_a_word_alone_put_into_the_prompt(
    tmp_path: Path, typed: str, said: bool
) -> None:
    async with chatting(tmp_path, ScriptedChat(["Noted."]), first_start=True) as house:
        await house.dialog(Chooser)
        await house.press_keys(typed)
        await house.pilot.press("enter")
        await house.until(lambda: house.app.screen is house.chat)
        if said:
            await house.until(lambda: house.questions == [typed])
        await house.settled()
        assert (house.questions, house.chat.prompt.text) == (([typed], "") if said else ([], typed))


def test_exports_of_other_assistants_are_found_among_the_downloads(tmp_path: Path) -> None:
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    for name, member in (("chatgpt.zip", "conversations.json"), ("holiday.zip", "beach.jpg")):
        with zipfile.ZipFile(downloads / name, "w") as opened:
            opened.writestr(member, "[]")
    (downloads / "broken.zip").write_bytes(b"PK")
    (tmp_path / "Notes").mkdir()
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "a.md").write_text("a", "utf-8")
    assert [path.name for path, _ in worth_importing(tmp_path)] == ["Documents", "chatgpt.zip"]


async def test_a_model_that_cannot_be_built_is_told(tmp_path: Path) -> None:
    error = ConfigError("No model is named for the endpoint.", "Set the model's name.")
    async with chatting(tmp_path, None, errors={ModelRole.CHAT: error}) as house:
        await house.until(lambda: house.notices)
        assert "No model is named" in house.notices[0]
        assert "Set the model's name." in house.notices[0]


async def test_window_that_rests_says_by_itself_that_its_record_is_gone_and_once(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        house.store.remember("acknowledged before")
        await house.settled()
        for side in ("-wal", "-shm"):
            (tmp_path / "memory" / f"keepsake.db{side}").unlink()

        def told() -> list[str]:
            return [one for one in house.notices if "no longer the one that is open here" in one]

        await house.until(told)
        [rescued] = house.store.backups.all()
        assert f"keepsake backup merge {rescued.name}" in told()[0]
        house.chat.prompt.replace_all("something that is not sent yet")
        assert house.chat.keeper is not None
        await house.chat.keeper.look()
        await house.until(lambda: house.store.drafts.get(None))
        assert (len(told()), [one.message for one in house.app._notifications]) == (1, [])


async def test_memories_of_another_window_are_counted(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.settled()
        with Store.open(tmp_path / "memory") as another:
            another.remember("from another window")
        line = house.chat.query_one(StatusLine)
        await house.until(lambda: line.status is not None and line.status.memories == 1)
