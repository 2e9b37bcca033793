"""Logs in at a server of MCP by OAuth, keeps what that gives where keys are, and gives it to the server alone."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, BaseModel, ValidationError

from assistant.credentials import Secret, find_key, forget_key, keep_key
from assistant.display import excerpt
from assistant.errors import CredentialError
from assistant.llm.transport import bound_response
from assistant.mcp.server_keys import login_key
from memory_store.network import client_options, display_url, is_loopback

if TYPE_CHECKING:
    from mcp.client.auth.oauth2 import OAuthContext

# How long the user may take in the browser, and how long a server may for each of its answers.
_WAITING_SECONDS: Final = 600.0
_ANSWER_SECONDS: Final = 30.0
_TOLD_CHARS: Final = 200
_PATH: Final = "/callback"
_MOST_LINE_BYTES: Final = 16_384
_PAGE: Final = "<!doctype html><meta charset=utf-8><title>Keepsake</title><p>{text}"
_HEAD: Final = "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"


class _Login(BaseModel):
    """What a login gave: it is for this address alone. `expires_at` is in seconds since 1970."""

    url: str
    tokens: OAuthToken
    client: OAuthClientInformationFull
    authority: OAuthMetadata | None = None
    resource: ProtectedResourceMetadata | None = None
    expires_at: float | None = None


@dataclass(slots=True)
class _Storage:
    """Keeps the login of a server where keys are."""

    name: str
    url: str
    file: Path
    login: _Login | None = None
    context: OAuthContext | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens as they are kept now: another window may have renewed them."""
        if self.login is not None:
            self.login = await asyncio.to_thread(_read, self.name, self.url, self.file)
        return self.login.tokens if self.login is not None else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep new tokens, with all that is needed to renew them. Raises CredentialError."""
        context = self.context
        assert context is not None
        assert context.client_info is not None
        self.login = _Login(
            url=self.url,
            tokens=tokens,
            client=context.client_info,
            authority=context.oauth_metadata,
            resource=context.protected_resource_metadata,
            expires_at=context.token_expiry_time,
        )
        text = base64.urlsafe_b64encode(self.login.model_dump_json(exclude_none=True).encode()).decode()
        await asyncio.to_thread(keep_key, login_key(self.name), Secret(text), self.file)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return as whom we are registered."""
        return self.login.client if self.login is not None else None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """It is kept with the tokens, without which it is of no use."""


def kept_login(name: str, url: str, file: Path | None) -> httpx2.Auth | None:
    """Return what logs requests to this address in, and renews itself; None where there is no login for it.

    May ask the keyring. Raises CredentialError.
    """
    login = _read(name, url, file) if file is not None else None
    if login is None:
        return None
    assert file is not None
    return _provider(_Storage(name, url, file, login), None)


async def log_in(name: str, url: str, file: Path, show: Callable[[str], None]) -> bool:
    """Log in at a server: `show` is given the address that the user has to open. Return whether it wanted a login.

    Raises CredentialError.
    """
    if not _is_safe(url):
        raise CredentialError(
            f"{display_url(url)} is not encrypted: a login would be there for all to read.", "Give its https address."
        )
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)  # what goes wrong is told below
    storage = _Storage(name, url, file)
    try:
        async with asyncio.timeout(_WAITING_SECONDS), _redirects() as redirects:
            provider = _provider(storage, redirects)
            redirects.show = show
            await _ask_for_tools(url, provider)
    except (Exception, BaseExceptionGroup) as error:
        cause = _first(error)
        if isinstance(cause, CredentialError):
            raise cause from error
        told = "it took too long" if isinstance(cause, TimeoutError) else excerpt(str(cause), _TOLD_CHARS)
        raise CredentialError(
            f"The login at {name} failed: {told or type(cause).__name__}.", "`keepsake mcp list` tells how it is."
        ) from error
    return storage.login is not None


def log_out(name: str, file: Path) -> None:
    """Take a login from where keys are. Raises CredentialError."""
    forget_key(login_key(name), file)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _ask_for_tools(url: str, provider: OAuthClientProvider) -> None:
    timeout = httpx2.Timeout(_ANSWER_SECONDS)
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_refuse_unsafe], "response": [bound_response]}
    async with (
        httpx2.AsyncClient(timeout=timeout, event_hooks=hooks, auth=provider, **client_options(url)) as http,
        Client(streamable_http_client(url, http_client=http), cache=None) as client,
    ):
        await client.list_tools()


async def _refuse_unsafe(request: httpx2.Request) -> None:
    if not _is_safe(str(request.url)):
        raise CredentialError(f"The login leads to {display_url(str(request.url))}, which is not encrypted.")


def _is_safe(url: str) -> bool:
    return url.startswith("https://") or is_loopback(url)


def _read(name: str, url: str, file: Path) -> _Login | None:
    kept = find_key(login_key(name), None, file)
    if kept is None:
        return None
    try:
        login = _Login.model_validate_json(base64.urlsafe_b64decode(kept.get_secret_value()))
    except (ValidationError, binascii.Error) as error:
        raise CredentialError(
            f"The login at {name} can't be read.", f"Log in again: keepsake mcp login {name}"
        ) from error
    return login if login.url == url else None


def _provider(storage: _Storage, redirects: _Redirects | None) -> OAuthClientProvider:
    metadata = OAuthClientMetadata(
        client_name="Keepsake",
        redirect_uris=[AnyUrl(redirects.address if redirects is not None else f"http://127.0.0.1{_PATH}")],
        token_endpoint_auth_method="none",
    )
    if redirects is None:
        provider = OAuthClientProvider(storage.url, metadata, storage)
    else:
        provider = OAuthClientProvider(storage.url, metadata, storage, redirects.open, redirects.wait)
    storage.context = context = provider.context
    if (login := storage.login) is not None:  # the SDK keeps none of these, without which it can't renew
        context.oauth_metadata, context.protected_resource_metadata = login.authority, login.resource
        context.token_expiry_time = login.expires_at
        context.auth_server_url = str(login.authority.issuer) if login.authority is not None else None
    return provider


class _Redirects:
    """Where the browser is sent when the user has logged in: a port of this machine, for as long as that takes.

    It takes nothing but the answer to what was asked, by its `state`.
    """

    def __init__(self) -> None:
        self.address = ""
        self.show: Callable[[str], None] = lambda _: None
        self._state = ""
        self._answered: asyncio.Future[AuthorizationCodeResult]

    async def open(self, address: str) -> None:
        """Show the address that the user has to open. Raises CredentialError."""
        if not _is_safe(address):
            raise CredentialError(f"The login leads to {display_url(address)}, which is not encrypted.")
        self._answered = asyncio.get_running_loop().create_future()
        self._state = "".join(parse_qs(urlsplit(address).query).get("state", ()))
        self.show(address)

    async def wait(self) -> AuthorizationCodeResult:
        """Return what the browser brought."""
        return await self._answered

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a browser."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                method, target, _ = (await reader.readline()).decode("ascii", "replace").split(" ", 2)
                status, text = self._take(method, target)
                body = _PAGE.format(text=text).encode()
                writer.write(_HEAD.format(status=status, size=len(body)).encode() + body)
                await writer.drain()
        except (ValueError, OSError, TimeoutError):
            pass  # no request of a browser: there will be another
        finally:
            writer.close()

    def _take(self, method: str, target: str) -> tuple[str, str]:
        parts = urlsplit(target)
        found = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method != "GET" or parts.path != _PATH or not self._state or found.get("state") != self._state:
            return "400 Bad Request", "Nothing was asked for here."
        if self._answered.done():
            return "200 OK", "Keepsake has its answer; this window can be closed."
        if "code" in found:
            self._answered.set_result(
                AuthorizationCodeResult(code=found["code"], state=found["state"], iss=found.get("iss"))
            )
            return "200 OK", "Keepsake is logged in; this window can be closed."
        reason = found.get("error_description") or found.get("error") or "no reason was given"
        self._answered.set_exception(OAuthFlowError(f"it was refused: {reason[:200]}"))
        return "200 OK", "Keepsake is not logged in; this window can be closed."


@asynccontextmanager
async def _redirects() -> AsyncGenerator[_Redirects]:
    """Listen on a port of this machine that is free."""
    redirects = _Redirects()
    server = await asyncio.start_server(redirects.answer, "127.0.0.1", 0, limit=_MOST_LINE_BYTES)
    async with server:
        redirects.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{_PATH}"
        yield redirects
