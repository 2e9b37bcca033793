"""The dialog to choose from a list: in a small window neither its question nor its keys are cut."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.widgets import OptionList, Static

from assistant.core.conversation.skin import Choice
from assistant.tui.screens.chooser import Chooser

PLAN = "\n".join(
    f"{number}. A step of a plan that is told on more than a line of a small window" for number in range(6)
)


@pytest.mark.parametrize(
    ("title", "count"),
    [("Which service?", 13), (f"{PLAN}\nWhat shall become of this plan?", 3), (f"{PLAN}\nWhich of these?", 13)],
)
async def test_question_list_and_keys_have_their_place_in_a_small_window(title: str, count: int) -> None:
    app = App[None]()
    async with app.run_test(size=(60, 20)) as pilot:
        dialog = Chooser(title, [Choice(f"Choice {number}", "", number) for number in range(count)])
        await app.push_screen(dialog)
        await pilot.pause()
        await pilot.pause()
        box = dialog.query_one(".dialog").content_region
        asked, hint = dialog.query_one(".dialog--title"), dialog.query_one(".dialog--hint", Static)
        options = dialog.query_one(OptionList)
        assert all(box.contains_region(part.region) for part in (asked, hint, options))
        assert min(part.region.height for part in (asked, hint)) > 0
        assert options.region.height >= 3
        assert ("Page Down" in str(hint.render())) == ("\n" in title)
        assert not dialog.query_one(".dialog").max_scroll_y
