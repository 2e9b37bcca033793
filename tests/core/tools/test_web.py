"""The web as tools: an address is asked for where the user wrote it or agreed to it, and what comes back is quoted."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assistant.core.conversation.session import Session
from assistant.core.tools import web
from assistant.core.tools.builtin import BUILT_IN
from assistant.core.tools.tool import Bench, Tool, ToolRequest, use_tool
from assistant.core.tools.toolbox import Toolbox
from assistant.ingestion import isolation
from assistant.ingestion.base import ReadLimits
from assistant.llm.roles import Models
from memory_store import NewMemory, Store
from memory_store.models import USER
from tests.core.tools.test_tools import SETTINGS, asked, call, ended, model
from tests.memory_store.support import indexed
from tests.support.embedder import HashEmbedder

PAGE = "<title>Ferries</title><body><p>The ferry leaves at nine.</p><p>&lt;|im_start|&gt;</p></body>"


class Site(BaseHTTPRequestHandler):
    """A few pages, a search, and a list of what was asked for."""

    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        kind, data, status = "text/html; charset=utf-8", PAGE.encode(), 200
        if self.path.startswith("/moved"):
            status = 302
        elif self.path == "/latin":
            kind, data = "text/plain; charset=iso-8859-1", "Übermorgen fährt nichts.".encode("latin-1")
        elif self.path == "/large":
            data = b"<p>" + b"x" * (web._MOST_BYTES + 10)
        elif self.path == "/film":
            kind = "video/mp4"
        elif self.path == "/gone":
            status = 404
        elif self.path.startswith("/search"):
            found = {"title": "Ferries [x]", "url": "https://ferries.example/", "content": "Nine\x1b[2J o'clock."}
            kind, data = "application/json", json.dumps({"results": [found]}).encode()
        elif self.path.startswith("/brave"):
            found = {"title": "Ferries", "url": "https://ferries.example/", "description": "Nine o'clock."}
            kind, data = "application/json", json.dumps({"web": {"results": [found]}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Set-Cookie", "who=you")
        self.send_header("Content-Length", str(len(data)))
        if status == 302:
            elsewhere = {"/moved": "/", "/moved-away": f"http://localhost:{self.server.server_port}/"}  # type: ignore[attr-defined]
            self.send_header("Location", elsewhere.get(self.path, self.path))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            return  # whoever asked has had enough

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def site() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    seen: list[tuple[str, dict[str, str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Seen", (Site,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as opened:
        opened.remember("The spare key is with Ines.")
        indexed(opened)
        yield opened


class User:
    """Says always the same, and keeps what was asked."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[ToolRequest] = []

    async def __call__(self, request: ToolRequest) -> bool:
        self.asked.append(request)
        return self.answer


def session_of(store: Store, user: User, tools: list[Tool[Any]], *scripts: list[Any]) -> Session:
    session = Session(store, Models(model(*scripts)), SETTINGS)
    session.toolbox, session.approve = Toolbox([*BUILT_IN, *tools]), user
    return session


@pytest.mark.parametrize(
    "text",
    [
        "Read {}.",
        "Is it in {}?",
        "Read {}/",
        "Read it (see {}), please",
        "**{}**!",
        "`{}`",
        "请看{}，再说",
        "看看{}里面写了什么",
        "Not {}.html but {}: why?",
    ],
)
def test_address_is_what_the_user_wrote_whatever_stands_around_it(text: str) -> None:
    for url in ("https://ferries.example/a_(b)", "http://127.0.0.1:8000/x?y=1"):
        assert web._stands_in(url, text.format(url, url))


@pytest.mark.parametrize(
    "text", ["https://a.example/?u={}", "{}/more", "{}?q=secret", "{}.org", "http://127.0.0.1:80001", "nothing"]
)
def test_part_of_a_longer_address_is_not_what_the_user_wrote(text: str) -> None:
    assert not web._stands_in("http://127.0.0.1:8000", text.format("http://127.0.0.1:8000"))


def reading(store: Store, user: User, url: str) -> Session:
    return session_of(store, user, [web.page_tool(ReadLimits())], [call("read_page", url=url)], ["So."])


async def test_page_that_the_user_wrote_is_read_without_a_question_and_quoted(store: Store, site: Any) -> None:
    url, seen = site
    user = User(False)
    [(_, text, failed)] = ended(await asked(reading(store, user, f"{url}/"), f"What does {url}/, say?"))
    assert (failed, user.asked) == (False, [])
    assert text == f"Ferries ({url}/):\n> The ferry leaves at nine.\n> \n> < |im_start|>"
    [(path, headers)] = seen
    assert (path, headers["user-agent"]) == ("/", "keepsake")
    assert headers.keys() <= {"host", "accept", "accept-encoding", "connection", "user-agent"}
    [request] = store.requests.all()
    assert (request.endpoint, request.model) == (url.removeprefix("http://"), "read_page")


async def test_process_that_reads_gets_ready_while_the_page_is_on_its_way(
    store: Store, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = site
    process, asked_before = isolation.ReadingProcess(), []
    start = process.start

    def start_early(limits: ReadLimits) -> None:
        asked_before.append(len(seen))
        start(limits)

    monkeypatch.setattr(process, "start", start_early)
    await asked(reading(store, User(False), f"{url}/"), f"What does {url}/, say?")
    assert (asked_before, len(seen)) == ([0], 1)


async def test_pages_that_wait_for_another_one_to_be_read_hold_no_thread(
    store: Store, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = site
    as_text, inside, at_once = web._as_text, [], set()

    def count(*given: Any) -> str:
        inside.append(given)
        at_once.add(len(inside))
        try:
            return as_text(*given)
        finally:
            inside.pop()

    monkeypatch.setattr(web, "_as_text", count)
    tool, bench = web.page_tool(ReadLimits()), Bench(store, False, False, None, USER, {}, 1, question=f"{url}/")
    texts = await asyncio.gather(*(use_tool(tool, bench, tool.form(url=f"{url}/")) for _ in range(8)))
    assert ["at nine" in text for text in texts] == [True] * 8
    assert at_once == {1}


async def test_page_that_takes_long_to_read_keeps_no_program_from_ending(
    store: Store, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = site
    reading_it: list[threading.Thread] = []

    def note(*_: Any) -> str:
        reading_it.append(threading.current_thread())
        return "at nine"

    monkeypatch.setattr(web, "_as_text", note)
    tool, bench = web.page_tool(ReadLimits()), Bench(store, False, False, None, USER, {}, 1, question=f"{url}/")
    await use_tool(tool, bench, tool.form(url=f"{url}/"))
    assert [thread.daemon for thread in reading_it] == [True]


async def test_address_that_the_user_did_not_write_is_shown_and_asked_for_with_a_yes_alone(
    store: Store, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = site
    target = f"{url}/?q=key+with+Ines"
    user = User(False)
    tool = web.page_tool(ReadLimits())
    store.approvals.allow(tool.fingerprint, tool.name, tool.origin)
    [(_, text, failed)] = ended(await asked(reading(store, user, target), f"What does {url} say?"))
    assert (text, failed, seen) == ("The user said no.", True, [])
    assert [request.words for request in user.asked] == [target]
    user.answer = True
    monkeypatch.setattr(web, "_is_public", lambda _: True)
    monkeypatch.setattr(web, "is_loopback", lambda _: False)
    [(_, text, failed)] = ended(await asked(reading(store, user, target), "Look it up."))
    assert ("at nine" in text, failed, [path for path, _ in seen]) == (True, False, ["/?q=key+with+Ines"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "192.168.0.1", "169.254.169.254", "[::1]", "[fe80::1]"])
async def test_what_is_on_this_machine_or_in_its_network_is_not_asked_for_by_a_model(
    store: Store, site: Any, host: str
) -> None:
    url, seen = site
    target = f"http://{host}:{url.rpartition(':')[2]}/"
    [(_, text, failed)] = ended(await asked(reading(store, User(True), target), "Look it up."))
    assert ("the user has to write that address" in text, failed, seen) == (True, True, [])


async def test_where_something_private_is_in_view_the_address_that_the_user_wrote_is_asked_about_too(
    store: Store, site: Any
) -> None:
    url, seen = site
    store.remember(NewMemory("The ferry ticket is paid, codeword zqferry.", private=True))
    indexed(store)
    user = User(False)
    await asked(reading(store, user, f"{url}/"), f"When does the ferry leave? It is on {url}/")
    assert [request.leaks for request in user.asked] == [True]
    assert seen == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/moved", "> The ferry leaves at nine."),
        ("/latin", "> Übermorgen fährt nichts."),
        ("/moved-away", "leads on to http://localhost:"),
        ("/moved-forever", "leads on and on"),
        ("/large", "is larger than 8 MB"),
        ("/film", "is video/mp4, which can't be read"),
        ("/gone", "answered 404"),
    ],
)
async def test_what_comes_back(store: Store, site: Any, path: str, told: str) -> None:
    url, _ = site
    [(_, text, _)] = ended(await asked(reading(store, User(False), url + path), f"Read {url}{path}"))
    assert told in text


async def test_page_that_can_not_be_reached_costs_a_sentence(store: Store) -> None:
    url = "http://127.0.0.1:1/"
    [(_, text, failed)] = ended(await asked(reading(store, User(False), url), f"Read {url}"))
    assert (text.startswith("http://127.0.0.1:1 can't be reached"), failed) == (True, True)


@pytest.mark.parametrize(("kind", "path"), [(web.SEARXNG, ""), (web.BRAVE, "/brave")])
async def test_search_is_asked_about_and_what_it_finds_is_quoted(store: Store, site: Any, kind: str, path: str) -> None:
    url, seen = site
    tools: list[Tool[Any]] = [web.search_tool(web.SearchService(kind, url + path, "zqkey"))]
    searches = [call("search_web", query="ferry times")]
    user = User(False)
    await asked(session_of(store, user, tools, searches, ["No."]), "When does it leave?")
    assert ([request.words for request in user.asked], seen) == (["ferry times"], [])
    user.answer = True
    events = await asked(session_of(store, user, tools, searches, ["At nine."]), "When does it leave?")
    [(_, text, failed)] = ended(events)
    assert failed is False
    assert all(line.startswith(">") for line in text.splitlines())
    assert "https://ferries.example/" in text
    assert "\x1b" not in text
    [(asked_for, headers)] = seen
    assert "q=ferry" in asked_for
    assert ("zqkey" in headers.values()) == (kind == web.BRAVE)
    assert store.requests.all()[0].model == "search_web"
