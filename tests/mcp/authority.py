"""A server of MCP on loopback that wants a login, with the authority that gives it, by hand and by the standards."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


class Authority(ThreadingHTTPServer):
    """What was asked of it, and how it behaves: `refuses` a login, `forgets` refresh tokens, how long tokens last."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.authorize = f"{self.address}/authorize"
        self.refuses = self.forgets = False
        self.lasts_seconds = 3600
        self.registered: list[dict[str, Any]] = []
        self.refreshed = 0
        self.bearers: list[str] = []
        self.valid: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_token = ""

    def new_tokens(self) -> dict[str, Any]:
        """Give new tokens; the refresh token before is no longer one."""
        number = len(self.valid) + 1
        self.refresh_token = f"refresh-{number}"
        self.valid.add(f"access-{number}")
        return {
            "access_token": f"access-{number}",
            "token_type": "Bearer",
            "expires_in": self.lasts_seconds,
            "refresh_token": self.refresh_token,
            "scope": "read write",
        }


@contextmanager
def running_authority() -> Iterator[Authority]:
    """Run one in a thread."""
    authority = Authority()
    Thread(target=authority.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield authority
    finally:
        authority.shutdown()
        authority.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Authority

    def do_GET(self) -> None:
        parts, ours = urlsplit(self.path), self.server
        match parts.path:
            case "/.well-known/oauth-protected-resource/mcp":
                self._json({"resource": f"{ours.address}/mcp", "authorization_servers": [ours.address]})
            case "/.well-known/oauth-authorization-server":
                self._json(
                    {
                        "issuer": ours.address,
                        "authorization_endpoint": ours.authorize,
                        "token_endpoint": f"{ours.address}/deep/token",
                        "registration_endpoint": f"{ours.address}/register",
                        "response_types_supported": ["code"],
                        "code_challenge_methods_supported": ["S256"],
                    }
                )
            case "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                code = f"code-{len(ours.codes)}"
                ours.codes[code] = asked
                given = {"error": "access_denied", "error_description": "no"} if ours.refuses else {"code": code}
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(given | {'state': asked['state']})}")
                self.end_headers()
            case _:
                self._json({}, 404)

    def do_POST(self) -> None:
        body, ours = self.rfile.read(int(self.headers["Content-Length"])), self.server
        match self.path:
            case "/register":
                ours.registered.append(json.loads(body))
                self._json({**ours.registered[-1], "client_id": f"client-{len(ours.registered)}"}, 201)
            case "/deep/token":
                self._give_tokens({name: values[0] for name, values in parse_qs(body.decode()).items()})
            case _:
                self._answer(json.loads(body))

    def _give_tokens(self, form: dict[str, str]) -> None:
        ours = self.server
        if form["grant_type"] == "refresh_token":
            ours.refreshed += 1
            good = form["refresh_token"] == ours.refresh_token and not ours.forgets
        else:
            asked = ours.codes[form["code"]]
            digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
            good = asked["code_challenge"] == digest.rstrip("=") and asked["redirect_uri"] == form["redirect_uri"]
        self._json(ours.new_tokens() if good else {"error": "invalid_grant"}, 200 if good else 400)

    def _answer(self, asked: dict[str, Any]) -> None:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.bearers.append(bearer)
        if bearer not in self.server.valid:
            where = f"{self.server.address}/.well-known/oauth-protected-resource/mcp"
            self._json({}, 401, {"WWW-Authenticate": f'Bearer resource_metadata="{where}"'})
            return
        information = {"name": "issues", "version": "1"}
        results: dict[str, Any] = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": information},
            "tools/list": {"tools": [{"name": "list", "description": "Lists.", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "One issue."}]},
        }
        found = results.get(asked["method"])
        answered = {"result": found} if found else {"error": {"code": -32601, "message": "unknown"}}
        if "id" in asked:
            self._json({"jsonrpc": "2.0", "id": asked["id"], **answered})
        else:
            self._json(None, 202)

    def _json(self, document: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""
