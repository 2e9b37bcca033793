"""Reads a page of the web, and searches it: no address that the user has not written or seen is asked for anything."""

from __future__ import annotations

import asyncio
import codecs
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from assistant.core.framing import quoted
from assistant.core.tools.tool import Bench, Effect, Tool, ToolError
from assistant.display import plain
from assistant.errors import ReadError
from assistant.ingestion.base import Cutting, ReadFile, ReadLimits, SourceFile, file_in_memory
from assistant.threads import in_thread
from memory_store.clock import now
from memory_store.network import client_options, display_url, endpoint_of, guard_request, host_of, is_loopback

if TYPE_CHECKING:
    import httpx2

    from assistant.ingestion.isolation import ReadingProcess

SEARXNG: Final = "searxng"
BRAVE: Final = "brave"
BRAVE_URL: Final = "https://api.search.brave.com/res/v1/web/search"
_MOST_BYTES: Final = 8 * 2**20
_MOST_CHARS: Final = 12_000
_MOST_REDIRECTS: Final = 5
_MOST_RESULTS: Final = 6
_RESULT_CHARS: Final = 300
_SECONDS: Final = 20.0
_KEPT_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 10.0
_ACCEPTED: Final = "text/html, application/pdf, text/plain;q=0.9, */*;q=0.5"
_ADDRESS: Final = re.compile("https?://[^\\s<>\"'`“”‘’«»，。；：！？、（）】》」』]+")
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))
_BEHIND: Final = ".,:;!?)]}*_"
_SUFFIXES: Final[Mapping[str, str]] = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "application/json": ".json",
}


class ReadPage(BaseModel):
    """What to read."""

    url: str = Field(min_length=8, max_length=2000, pattern="^https?://", description="An address, with https://.")


class SearchWeb(BaseModel):
    """What to look for."""

    query: str = Field(min_length=1, max_length=300, description="A few words. They leave this machine.")


@dataclass(frozen=True, slots=True)
class SearchService:
    """Who searches the web: its kind, its address, the key that it wants, if any."""

    kind: str
    url: str
    key: str = ""


class _Found(BaseModel):
    title: str = ""
    url: str
    content: str = ""
    description: str = ""


class _Results(BaseModel):
    results: list[_Found] = Field(default_factory=list)


class _BraveResults(BaseModel):
    web: _Results = Field(default_factory=_Results)


def page_tool(limits: ReadLimits) -> Tool[ReadPage]:
    """Return the tool that reads a page, or a file at an address; it asks each time, but for what the user wrote."""

    reader = _Reader(limits)

    async def read(bench: Bench, asked: ReadPage) -> str:
        return await _read_page(bench, asked.url, reader)

    return Tool(
        "read_page",
        "Reads a page or a PDF of the web. Only for an address that the user gave, or that a search or a source holds. "
        "The user is asked, unless they wrote the address themselves.",
        ReadPage,
        Effect.SEND,
        read,
        asks_each_time=True,
        is_idempotent=True,
        is_wanted=lambda bench, asked: _stands_in(asked.url, bench.question),
    )


def search_tool(service: SearchService) -> Tool[SearchWeb]:
    """Return the tool that searches the web by this service."""

    async def search(_: Bench, asked: SearchWeb) -> str:
        return await _search(service, asked.query)

    return Tool(
        "search_web",
        "Searches the web. Only where the answer is in no note of the user and changes with time. Never put private "
        "things into a search. What it finds is read with read_page.",
        SearchWeb,
        Effect.SEND,
        search,
        place=endpoint_of(service.url),
        is_idempotent=True,
    )


def _stands_in(url: str, text: str) -> bool:
    """Say whether an address stands in a text as it is: no part of a longer one, whatever marks stand behind it."""
    wanted = url.rstrip("/")
    if wanted not in text:
        return False
    return any(wanted == address.rstrip("/") for found in _ADDRESS.findall(text) for address in _readings(found))


def _readings(found: str) -> Iterator[str]:
    """Yield an address with fewer and fewer of the marks behind it, and what of it stands before words without a space.

    A mark may belong to the address or to the sentence around it.
    """
    for address in dict.fromkeys((found, found[: len(found) - len(found.lstrip(_ASCII))])):
        yield address
        for end in range(len(address) - 1, len(address.rstrip(_BEHIND)) - 1, -1):
            yield address[:end]


class _Reader:
    """The process that reads pages: kept for a while, as starting it takes longer than most pages."""

    def __init__(self, limits: ReadLimits) -> None:
        self.turn = asyncio.Lock()  # who waits for another page to be read holds no thread meanwhile
        self._limits = limits
        self._process: ReadingProcess | None = None
        self._lock = threading.Lock()
        self._end: threading.Timer | None = None

    def start(self) -> None:
        """Start the process where there is none, without waiting for it: it gets ready while the page is on its way."""
        if self._process is None:
            with suppress(ReadError), self._kept() as process:  # who reads by it is told what is wrong with it
                process.start(self._limits)

    def read(self, file: SourceFile) -> ReadFile:
        """Return a page as passages. Raises ReadError."""
        with self._kept() as process:
            return process.read(file, self._limits, Cutting())

    @contextmanager
    def _kept(self) -> Iterator[ReadingProcess]:
        """Give the process, and keep it for a while from then on."""
        from assistant.ingestion.isolation import ReadingProcess

        with self._lock:
            if self._end is not None:
                self._end.cancel()
            self._process = self._process or ReadingProcess()
            try:
                yield self._process
            finally:
                self._end = threading.Timer(_KEPT_SECONDS, self._close)
                self._end.daemon = True
                self._end.start()

    def _close(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.close()
                self._process = None


async def _read_page(bench: Bench, url: str, reader: _Reader) -> str:
    wanted = _stands_in(url, bench.question)

    def begin() -> None:
        bench.note_sent(endpoint_of(url), "read_page")
        reader.start()

    await asyncio.to_thread(begin)
    for _ in range(_MOST_REDIRECTS + 1):
        if not wanted:
            await _require_public(url)
        async with _asked(url, {"accept": _ACCEPTED}) as response:
            if not wanted and not getproxies():
                _require_public_peer(url, response)
            if response.is_redirect:
                url = _next(url, response.headers.get("location", ""))
                continue
            kind, _, parameters = response.headers.get("content-type", "").partition(";")
            suffix = _SUFFIXES.get(kind.strip().lower()) or PurePosixPath(urlsplit(url).path).suffix.lower()
            if not suffix:
                told = plain(kind, one_line=True)[:80] or "of no kind"
                raise ToolError(f"{display_url(url)} is {told}, which can't be read.")
            data = await _whole(response)
            if suffix in (".html", ".txt", ".md", ".csv"):
                data = _recode(data, parameters)
        async with reader.turn:
            return await in_thread(partial(_as_text, url, data, suffix, reader))  # it may take long
    raise ToolError(f"{display_url(url)} leads on and on.")


def _as_text(url: str, data: bytes, suffix: str, reader: _Reader) -> str:
    """Return the words of a page, read in a process of its own."""
    path = PurePosixPath(urlsplit(url).path).name or endpoint_of(url)
    try:
        read = reader.read(file_in_memory(path, data, now(), suffix))
    except ReadError as error:
        raise ToolError(f"{display_url(url)} can't be read: {error.message}") from error
    text = "\n\n".join(passage.text for passage in read.passages)
    if not text.strip():
        raise ToolError(f"{display_url(url)} has no text that can be read without running what is in it.")
    cut = "" if len(text) <= _MOST_CHARS else "\n(The rest is cut.)"
    return f"{plain(read.title, one_line=True)[:200]} ({url}):\n{quoted(plain(text[:_MOST_CHARS]))}{cut}"


async def _search(service: SearchService, query: str) -> str:
    headers = {"accept": "application/json"}
    if service.kind == BRAVE:
        address, parameters = service.url, {"q": query, "count": str(_MOST_RESULTS)}
        headers["x-subscription-token"] = service.key
    else:
        address, parameters = f"{service.url.rstrip('/')}/search", {"q": query, "format": "json"}
    async with _asked(address, headers, parameters) as response:
        data = await _whole(response)
    try:
        found = (
            TypeAdapter(_BraveResults).validate_json(data).web.results
            if service.kind == BRAVE
            else TypeAdapter(_Results).validate_json(data).results
        )
    except (ValidationError, RecursionError) as error:
        raise ToolError(f"{endpoint_of(service.url)} answered with something that is no list of results.") from error
    told = [
        f"{plain(item.title, one_line=True)[:150]} — {item.url[:500]}\n"
        f"{plain(item.content or item.description, one_line=True)[:_RESULT_CHARS]}"
        for item in found[:_MOST_RESULTS]
    ]
    return quoted("\n\n".join(told)) if told else "Nothing was found."


@asynccontextmanager
async def _asked(
    url: str, headers: Mapping[str, str], parameters: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.Response]:
    """Ask for an address, without cookies and without a word about this machine. Raises ToolError."""
    client = await asyncio.to_thread(_client, url, headers)
    import httpx2

    try:
        async with client, client.stream("GET", url, params=parameters) as response:
            if not response.is_redirect and response.status_code != httpx2.codes.OK:
                raise ToolError(f"{display_url(url)} answered {response.status_code}.")
            yield response
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, TimeoutError) as error:
        told = plain(str(error), one_line=True)[:200] or type(error).__name__
        raise ToolError(f"{display_url(url)} can't be reached: {told}") from error


def _client(url: str, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    import httpx2

    async def say_little(request: httpx2.Request) -> None:
        guard_request(request, url, None)
        request.headers.update(headers)

    timeout = httpx2.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
    return httpx2.AsyncClient(timeout=timeout, event_hooks={"request": [say_little]}, **client_options(url))


async def _whole(response: httpx2.Response) -> bytes:
    data = bytearray()
    async with asyncio.timeout(_SECONDS):
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > _MOST_BYTES:
                raise ToolError(f"{display_url(str(response.url))} is larger than {_MOST_BYTES // 2**20} MB.")
    return bytes(data)


def _next(url: str, location: str) -> str:
    """Return where a page leads on to; another host is asked for nothing before the user has seen its address."""
    leads = urljoin(url, location)
    if not leads.startswith(("http://", "https://")) or (url.startswith("https://") and leads.startswith("http://")):
        raise ToolError(f"{display_url(url)} leads to no address that can be read.")
    if host_of(leads).removeprefix("www.") != host_of(url).removeprefix("www."):
        raise ToolError(
            f"{display_url(url)} leads on to {leads[:500]}. Read that address, if it is what is looked for."
        )
    return leads


async def _require_public(url: str) -> None:
    """Raise ToolError for what is on this machine or in its network: only the user leads there."""
    host = host_of(url)
    if not host or is_loopback(url) or not host.isascii():
        raise _not_public(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        if getproxies():
            return  # a proxy knows the names of the world
        raise ToolError(f"There is no {host}: {error.strerror or error}.") from error
    if not all(_is_public(address[0]) for *_, address in found):
        raise _not_public(url)


def _require_public_peer(url: str, response: httpx2.Response) -> None:
    """Raise ToolError where the name meant another address by the time it was asked."""
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    if peer is not None and not _is_public(peer[0]):
        raise _not_public(url)


def _is_public(address: object) -> bool:
    return ip_address(str(address).partition("%")[0]).is_global


def _not_public(url: str) -> ToolError:
    return ToolError(f"{display_url(url)} is on this machine or in its network: the user has to write that address.")


def _recode(data: bytes, parameters: str) -> bytes:
    """Return text in UTF-8, with its mark, where the header says in which encoding it is."""
    _, _, name = parameters.lower().partition("charset=")
    try:
        return codecs.BOM_UTF8 + data.decode(codecs.lookup(name.split(";")[0].strip(" \"'")).name).encode()
    except (LookupError, ValueError):
        return data  # the reader finds it out
