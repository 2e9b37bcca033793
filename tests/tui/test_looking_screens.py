"""The receipts and the doctor: what was erased and how it was verified, what is well and what mends the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from assistant.tui.screens.browser import Browser
from assistant.tui.screens.doctor import DoctorScreen
from assistant.tui.screens.receipts import ReceiptsScreen
from assistant.tui.widgets.notice import Notice
from memory_store import Store
from memory_store.health import State
from memory_store.models import Selection
from tests.tui.support import House, chatting


def erased(store: Store) -> None:
    """Erase one memory wholly and put one erasure off."""
    store.forget(Selection((store.remember("A first thing").id,)))
    store.forget(Selection((store.remember("A second thing").id,)), later=True)


async def opened(house: House, command: str, kind: type[Browser], size: int) -> Browser:  # type: ignore[type-arg]
    """Open a screen and wait for its list."""
    await house.say(command)
    screen = await house.dialog(kind)
    assert isinstance(screen, kind)
    await house.until(lambda: len(screen.list.items) >= size)
    return screen


def reads(screen: Browser) -> str:  # type: ignore[type-arg]
    """What the detail pane says."""
    return "\n".join(str(one.render()) for one in screen.query("#detail Static").results(Static))


async def test_receipts_are_listed_and_the_highlighted_one_is_readable(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=erased) as house:
        screen = await opened(house, "/receipts", ReceiptsScreen, 2)
        await house.pilot.press("end")
        await house.until(lambda: "Result       nothing left" in reads(screen))
        assert "Not covered" in reads(screen)
        await house.pilot.press("escape")
        await house.until(lambda: house.app.screen is house.chat)


async def test_without_an_erasure_the_receipts_say_so(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        screen = await opened(house, "/receipts", ReceiptsScreen, 0)
        await house.until(lambda: "Nothing was erased yet" in reads(screen))


async def test_the_doctor_tells_what_is_not_well_first_and_what_mends_it(tmp_path: Path) -> None:
    def loose(store: Store) -> None:
        store.folder.chmod(0o755)

    async with chatting(tmp_path, prepare=loose) as house:
        screen = await opened(house, "/doctor", DoctorScreen, 5)
        assert screen.list.items[0].state is State.ATTENTION
        await house.until(lambda: "What mends it" in reads(screen))
        assert "chmod 700" in reads(screen)
        house.store.folder.chmod(0o700)
        await house.pilot.press("r")
        await house.until(lambda: "Looked over again" in screen.query_one(Notice).text)
        assert not any("chmod" in one.repair for one in screen.list.items)


@pytest.mark.parametrize(("command", "kind"), [("/receipts", ReceiptsScreen), ("/doctor", DoctorScreen)])
async def test_everything_needed_is_in_view_at_every_size(
    tmp_path: Path,
    command: str,
    kind: type[Browser],  # type: ignore[type-arg]
) -> None:
    async with chatting(tmp_path, prepare=erased) as house:
        screen = await opened(house, command, kind, 2)
        async for _ in house.sizes():
            for selector in ("#head", "#list", "#detail", "#keys"):
                assert screen.region.contains_region(screen.query_one(selector).region)
