"""Cards and study on the screen: what is due is said once, asked in dialogs, and graded by who learns."""

from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import Static

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.chooser import Chooser
from memory_store import Grade, NewCard, Store
from memory_store.models import USER
from tests.memory_store.support import add_document
from tests.tui.support import chatting
from tests.tui.test_learning import choose, fill

KEY = "The spare key is with Ines at number 12."


def add_card(store: Store) -> None:
    document = add_document(store, "/home.md", KEY)
    passage_id = store.documents.passages(document.id)[0].id
    store.cards.add([NewCard(passage_id, "Who has the spare key?", "Ines", "is with Ines", USER)])


async def test_what_is_due_is_said_at_the_start_and_reviewed_in_dialogs(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=add_card) as house:
        await house.until(lambda: any("1 card is due." in one for one in house.notices))
        await house.say("/cards")
        await fill(house, "Tom")
        dialog = await house.dialog(Chooser)
        told = [str(part.render()) for part in dialog.query("#text Static, .dialog--title").results(Static)]
        assert "\n".join(told).splitlines() == [
            "Who has the spare key?",
            "You: Tom",
            "→ Ines",
            "“is with Ines” — home › line 1",
            "How well did you know it?",
        ]
        await choose(house, 3)
        await house.until(lambda: "1 card reviewed." in house.notices)
        [card] = house.store.cards.all()
        assert [review.grade for review in house.store.cards.reviews(card.id)] == [Grade.EASY]


async def test_a_topic_is_studied_on_the_screen(tmp_path: Path) -> None:
    card = {"passage": 1, "question": "Who has the spare key?", "answer": "Ines", "quote": "The spare key is with Ines"}
    model = ScriptedChat([json.dumps({"cards": [card]})], ["Think of your neighbours."])
    async with chatting(tmp_path, model) as house:
        add_document(house.store, "/home.md", KEY)
        await house.say("/learn spare key")
        await fill(house, "")
        await choose(house, 0)  # new to it
        await choose(house, 1)  # not to be remembered
        await fill(house, "Tom")
        await choose(house, 1)  # a hint
        await fill(house, "Ines")
        await choose(house, 0)  # the solution
        await choose(house, 2)
        await choose(house, 0)  # all as cards
        await house.until(lambda: "1 card kept." in house.notices)
        assert "1 question on spare key, 1 known well." in house.notices
        assert [one.question for one in house.store.cards.all()] == ["Who has the spare key?"]
