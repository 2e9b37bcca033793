"""Who may come in: only who has the token, only by a name of this machine, only from a page that was served here."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_NAMES: Final = ("127.0.0.1", "localhost")
_HEADERS: Final = {
    # Nothing is fetched from elsewhere, and nobody frames the page. The terminal sets styles on its elements.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """A random token for one run of the server. `check` is a middleware of aiohttp, in front of everything."""

    def __init__(self, port: int) -> None:
        self._token = secrets.token_urlsafe(32)
        self._cookie = f"keepsake-{port}"  # cookies don't know ports: two chats must not take each other's
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)
        self.url = f"http://{_NAMES[0]}:{port}/?token={self._token}"

    @property
    def check(self) -> Middleware:
        """The middleware."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            # By another name that leads to this machine, a page from elsewhere could talk to it as if it were its own.
            if request.host.lower() not in self._hosts:
                raise web.HTTPForbidden(text="This chat answers to 127.0.0.1 and localhost alone.")
            origin = request.headers.get("Origin")
            if origin is not None and origin.lower() != f"http://{request.host.lower()}":
                raise web.HTTPForbidden(text="This page was not served here.")
            if "token" in request.query and request.path == "/":
                return self._let_in(request)
            if not self._is(request.cookies.get(self._cookie, "")):
                raise web.HTTPForbidden(text="Open the address that `keepsake web` printed; it holds the token.")
            if request.path == "/ws" and origin is None:
                raise web.HTTPForbidden(text="A browser says which page it connects from.")
            return await handler(request)

        return check

    async def harden(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add to every answer what keeps the page to itself; for aiohttp's signal before an answer."""
        response.headers.update(_HEADERS)

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        """Change the token in the address for a cookie that no script can read, so that it stays in no history."""
        if not self._is(request.query["token"]):
            raise web.HTTPForbidden(text="This is not the token of this run. Open the address that was printed.")
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", path="/")
        return response

    def _is(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())
