"""What a server asks while its tool runs reaches the user, and nobody else answers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from assistant.config import McpServer
from assistant.core.conversation.controller import Controller
from assistant.core.conversation.server_questions import ask_field_by_field
from assistant.core.conversation.skin import Choice, Skin
from assistant.core.tools.forms import ServerQuestion, UserAnswer, fields_of
from assistant.ingestion.pipeline import ImportOptions
from assistant.mcp.client import Put, _Asking, _Loop
from memory_store import Store
from memory_store.errors import KeepsakeError
from tests.core.tools.test_tools import asked, call, ended
from tests.mcp.test_client import NEWEST, in_session, toolbox

ASKING = Path(__file__).with_name("asking.py")
FORM = {
    "mode": "form",
    "message": "Who comes?\x1b[31m",
    "requestedSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "minLength": 2},
            "seats": {"type": "integer", "minimum": 1, "maximum": 8},
            "price": {"type": "number"},
            "window": {"type": "boolean", "default": False},
            "meal": {"type": "string", "enum": ["m", "f"], "enumNames": ["meat", "fish"]},
            "days": {"type": "array", "items": {"enum": ["mon", "tue", "wed"]}},
            "note": {"type": "string", "default": "none"},
        },
        "required": ["name", "seats", "window", "meal"],
    },
}
URL = {"mode": "url", "message": "Pay there.", "url": "https://pay.example/x?y=1", "elicitationId": "1"}


class User:
    """A skin whose user answers in turn: a number chooses, a text is written, None closes."""

    def __init__(self, *answers: object, attended: bool = True) -> None:
        self.answers = list(answers)
        self.attended = attended
        self.questions: list[str] = []
        self.refused: list[str] = []

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None

    def is_attended(self) -> bool:
        return self.attended

    async def choose(self, title: str, choices: Sequence[Choice[Any]]) -> Any:
        self.questions.append("\n".join([title, *(f"{choice.name} {choice.detail}" for choice in choices)]))
        place = self.answers.pop(0)
        return None if place is None else choices[cast(int, place)].value

    async def fill_in(self, question: ServerQuestion) -> UserAnswer:
        return await ask_field_by_field(cast(Skin, self), question)

    async def ask(self, question: str, example: str, hint: str, check: Callable[[str], object], optional: bool) -> Any:
        self.questions.append(f"{question} ({example})\n{hint}")
        while (written := self.answers.pop(0)) is not None:
            try:
                check(cast(str, written)) if written else None
            except KeepsakeError as error:
                self.refused.append(error.message)
            else:
                break
        assert written != "" or optional
        return written


def asking(*params: object, behaviour: str = "BIDDEN") -> McpServer:
    return McpServer(sys.executable, [str(ASKING), behaviour, *map(json.dumps, params)])


async def answers_of(store: Store, user: User, asks: McpServer) -> Any:
    """Return what reaches the server while its tool runs in a turn."""
    async with toolbox(ship=asks) as tools:
        session = in_session(store, tools, [call("ship__ask")], ["So."])
        Controller(session, ImportOptions(), cast(Skin, user))
        [(_, text, failed)] = ended(await asked(session))
    assert not failed
    return json.loads(text.removeprefix("> "))


async def test_form_is_filled_in_by_the_user_alone_and_shown_before_it_is_sent(store: Store) -> None:
    user = User(1, "I", "Ines", "9", "two", "2", "1.5", 0, 1, "sun", "Mon, wed", "", 1)
    [answer] = await answers_of(store, user, asking(FORM))
    assert answer == {
        "action": "accept",
        "content": {
            "name": "Ines",
            "seats": 2,
            "price": 1.5,
            "window": False,
            "meal": "f",
            "days": ["mon", "wed"],
            "note": "none",
        },
    }
    assert len(user.refused) == 4
    assert user.questions[0].startswith("The server “ship” asks: Who comes?\nDon't answer")
    assert "never a password or a key" in user.questions[0]
    assert (
        "Name (1/7) (characters: 2–)\nThe server “ship” gets what you write: never a password or a key."
        in user.questions
    )
    assert "Nothing written means: none" in user.questions[7]
    assert "meal: fish" in user.questions[-1]


@pytest.mark.parametrize(
    ("answers", "action"),
    [((0,), "decline"), ((None,), "cancel"), ((1, None), "cancel"), ((1, "Ines", "1", "", 0, 0, "", "", 0), "decline")],
)
async def test_form_that_is_refused_or_closed_tells_the_server_that_and_nothing_else(
    store: Store, answers: tuple[object, ...], action: str
) -> None:
    assert await answers_of(store, User(*answers), asking(FORM)) == [{"action": action}]


@pytest.mark.parametrize(("answer", "action"), [(1, "accept"), (0, "decline"), (None, "cancel")])
async def test_address_is_shown_and_never_opened(
    store: Store, monkeypatch: pytest.MonkeyPatch, answer: int | None, action: str
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    user = User(answer)
    assert await answers_of(store, user, asking(URL)) == [{"action": action}]
    assert "Pay there.\nhttps://pay.example/x?y=1\n" in user.questions[0]
    assert opened == []


async def test_what_nobody_can_be_asked_or_shown_is_declined(store: Store) -> None:
    nobody = User(attended=False)
    assert await answers_of(store, nobody, asking(FORM, URL)) == [{"action": "decline"}] * 2
    nested = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
    for odd in ({**FORM, "requestedSchema": nested}, {**URL, "url": "file:///etc/passwd"}):
        assert await answers_of(store, User(), asking(odd)) == [{"action": "decline"}]


async def test_server_asks_only_while_its_tool_runs_and_not_for_ever(store: Store) -> None:
    assert await answers_of(store, User(), asking(URL, behaviour="UNBIDDEN")) == [{"action": "decline"}]
    answers = await answers_of(store, User(1, 1, 1, 1, 1), asking(*[URL] * 7))
    assert [answer["action"] for answer in answers] == ["accept"] * 5 + ["decline"] * 2


@pytest.mark.parametrize(("answer", "told"), [(1, "Try again once they say that this is done."), (0, "did not agree")])
async def test_address_that_a_server_wants_opened_first_is_shown_and_the_model_told(
    store: Store, answer: int, told: str
) -> None:
    user = User(answer)
    async with toolbox(ship=asking(URL, behaviour="OPEN")) as tools:
        session = in_session(store, tools, [call("ship__ask")], ["So."])
        Controller(session, ImportOptions(), cast(Skin, user))
        [(_, text, failed)] = ended(await asked(session))
    assert (told in text, failed, URL["url"] in user.questions[0]) == (True, True, True)


async def test_form_is_asked_by_the_newest_protocol_too(store: Store) -> None:
    async with toolbox(train=NEWEST) as tools:
        session = in_session(store, tools, [call("train__book")], ["So."])
        Controller(session, ImportOptions(), cast(Skin, User(1, "7", 1, 1)))
        [(_, text, failed)] = ended(await asked(session))
    assert (text, failed) == ("> number=7 window=True", False)


async def test_time_that_the_user_takes_is_no_time_of_the_call() -> None:
    async with asyncio.timeout(60) as clock:
        asks = _Asking(lambda _: concurrent.futures.Future(), clock)
        before = clock.when()
        with asks.stopped_clock():
            assert clock.when() is None
            await asyncio.sleep(0)
        after = clock.when()
    assert before is not None
    assert after is not None
    assert after >= before


async def test_question_that_a_server_takes_back_is_asked_no_longer_and_the_next_one_is() -> None:
    first, second = ServerQuestion("ship", "Who?"), ServerQuestion("ship", "When?")
    loop, closed = _Loop(), asyncio.Event()

    async def work(put: Put) -> UserAnswer:
        put(first).cancel()
        return await asyncio.wrap_future(put(second))

    async def ask(question: ServerQuestion) -> UserAnswer:
        if question is first:
            try:
                await asyncio.Event().wait()
            finally:
                closed.set()
        return UserAnswer("accept")

    async with asyncio.timeout(30):
        assert await loop.do_and_ask(work, ask) == UserAnswer("accept")
    assert closed.is_set()
    loop.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "string", "oneOf": [5, "const"]},
        {"type": "string", "enum": 5},
        {"type": "string", "enum": ["a"], "default": ["a"]},
        {"type": "string", "default": "a" * 1001},
        {"type": "boolean", "default": "yes"},
        {"type": "number", "default": [1]},
        {"type": "array", "items": {"enum": ["a"]}, "default": [{"a": 1}]},
    ],
)
def test_what_a_server_writes_wrongly_into_a_field_is_left_out(wrong: dict[str, object]) -> None:
    (field,) = fields_of({"properties": {"a": wrong}, "required": 5})
    assert (field.default, field.required) == (None, False)


@pytest.mark.parametrize("fields", [None, {}, {"a": 1}, {str(number): {"type": "string"} for number in range(21)}])
def test_form_without_fields_or_with_too_many_is_none(fields: object) -> None:
    with pytest.raises(ValueError, match=r"fields|schema"):
        fields_of({"properties": fields})
