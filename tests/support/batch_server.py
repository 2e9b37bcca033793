"""A server on loopback with batch APIs as services have them: OpenAI's, Anthropic's and OpenRouter's shapes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

USAGE = (120, 30)


class BatchServer:
    """Keeps what is handed in until a test lets it end; counts all that was begun.

    `refuse` gives a status for a request ("POST /v1/batches") instead of doing it; `drop` does a request, or does not
    where its name begins with "!", and breaks the connection without an answer. `on_done` is called once one is done,
    before it is answered.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.begun: list[dict[str, Any]] = []  # what was asked, whatever became of it
        self.refuse: dict[str, int] = {}
        self.drop: set[str] = set()
        self.on_done: Callable[[str], None] = lambda name: None
        self.can_list = True
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def prompts(self) -> list[str]:
        """All words of each question that was handed in."""
        return [json.dumps(asked, ensure_ascii=False) for asked in self.begun]

    def count(self, name: str) -> int:
        """Return how many requests of this name came, such as "POST /v1/batches"."""
        return sum(f"{method} {path}" == name for method, path, _ in self.requests)

    def end(self, text: str = "Twelve degrees [1].", *, state: str = "completed", error: str = "") -> None:
        """Let all that is under way end: with this answer, with an error's line, or without any."""
        with self._lock:
            for batch in self.batches.values():
                if batch["state"] in ("working", "cancelling"):
                    cancelled = batch["state"] == "cancelling"
                    batch.update(state="cancelled" if cancelled else state, text=text, error=error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Be down from now on."""
        self._server.shutdown()
        self._server.server_close()

    # -- what a service does -----------------------------------------------------------------------------------

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                parts = urlsplit(self.path)
                name = f"{self.command} {parts.path}"
                server.requests.append((self.command, parts.path, {k.lower(): v for k, v in self.headers.items()}))
                if name in server.refuse:
                    self._send(server.refuse[name], {"error": {"message": "not now"}})
                    return
                if f"!{name}" in server.drop:
                    self.close_connection = True
                    self.connection.close()
                    return
                with server._lock:
                    status, answer = server._do(self.command, parts.path, parse_qs(parts.query), self.headers, body)
                server.on_done(name)
                if name in server.drop:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(status, answer)

            def _send(self, status: int, answer: object) -> None:
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _serve

        return Handler

    def _do(self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, object]:
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] == "files":
            return self._file(method, parts[1:], headers, body)
        is_anthropic = parts[0] == "messages"
        parts = parts[1:] if is_anthropic else parts
        rest = parts[1:]
        if parts[0] != "batches":
            return 404, {"error": {"message": "no such path"}}
        if not rest and method == "POST":
            return self._begin(json.loads(body), is_anthropic)
        if not rest:
            if not self.can_list:
                return 404, {"error": {"message": "no list"}}
            newest = [self._show(batch, whole=False) for batch in reversed(self.batches.values())]
            return 200, {"data": newest, "has_more": False}
        batch = self.batches.get(rest[0])
        if batch is None:
            return 404, {"error": {"message": "no such batch"}}
        if method == "DELETE":
            if batch["state"] in ("working", "cancelling"):
                return 409, {"error": {"message": "it is under way"}}
            del self.batches[rest[0]]
            return 200, {"deleted": True}
        if rest[1:] == ["cancel"]:
            if batch["state"] == "working":
                batch["state"] = "cancelling"
            return 200, self._show(batch)
        if rest[1:] == ["results"]:
            return 200, self._lines(batch)
        return 200, self._show(batch)

    def _file(self, method: str, rest: list[str], headers: Any, body: bytes) -> tuple[int, object]:
        if method == "POST":
            head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
            form = BytesParser(policy=policy.HTTP).parsebytes(head + body)
            fields = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
            assert fields["purpose"].get_content().strip() == "batch"
            file = fields["file"]
            identifier = f"file-{len(self.files) + 1}-{time.monotonic_ns()}"
            content = file.get_payload(decode=True)
            assert isinstance(content, bytes)
            self.files[identifier] = str(file.get_filename()), content
            return 200, {"id": identifier}
        if not rest:
            made = int(time.time())
            listed = [{"id": key, "filename": name, "created_at": made} for key, (name, _) in self.files.items()]
            return 200, {"data": listed}
        if rest[0] not in self.files:
            return 404, {"error": {"message": "no such file"}}
        if method == "DELETE":
            del self.files[rest[0]]
            return 200, {"deleted": True}
        return 200, self.files[rest[0]][1]

    def _begin(self, asked: dict[str, Any], is_anthropic: bool) -> tuple[int, object]:
        batch: dict[str, Any] = {"id": f"batch_{len(self.begun) + 1}", "state": "working", "made": time.time()}
        if "input_file_id" in asked:
            [line] = self.files[asked["input_file_id"]][1].splitlines()
            request = json.loads(line)
            batch.update(shape="openai", custom_id=request["custom_id"], asked=asked)
            self.begun.append(request["body"])
        else:
            [request] = asked["requests"]
            batch.update(shape="anthropic" if is_anthropic else "openrouter", custom_id=request["custom_id"])
            self.begun.append(request["params"] if is_anthropic else {**request["body"], "model": asked["model"]})
        batch["model"] = self.begun[-1]["model"]
        self.batches[batch["id"]] = batch
        return 200, self._show(batch)

    def _show(self, batch: dict[str, Any], *, whole: bool = True) -> dict[str, Any]:
        state = {"working": "in_progress"}.get(batch["state"], batch["state"])
        shown: dict[str, Any] = {"id": batch["id"], "created_at": int(batch["made"]), "status": state}
        has_line = batch.get("error") or batch["state"] == "completed"
        if batch["shape"] == "anthropic":
            made = datetime.fromtimestamp(batch["made"], UTC).isoformat()
            status = {"working": "in_progress", "cancelling": "canceling"}.get(batch["state"], "ended")
            return {"id": batch["id"], "created_at": made, "processing_status": status}
        if batch["shape"] == "openrouter":
            if whole and state not in ("in_progress", "cancelling"):
                shown["results"] = [self._line(batch)] if has_line else []
                shown["usage"] = {"cost": 0.000321}
            return shown
        shown |= {"metadata": batch["asked"].get("metadata"), "input_file_id": batch["asked"]["input_file_id"]}
        if state == "failed":
            shown["errors"] = {"data": [{"code": "model_not_found", "message": batch["error"]}]}
        elif has_line:
            name = "error_file_id" if batch.get("error") else "output_file_id"
            file = f"{batch['id']}-output"
            if not batch.get("written"):
                self.files[file] = "output.jsonl", json.dumps(self._line(batch)).encode() + b"\n"
                batch["written"] = True
            shown[name] = file
        return shown

    def _line(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the line of a chat completion."""
        if batch["error"]:
            body: dict[str, Any] = {"error": {"message": batch["error"]}}
            return {"custom_id": batch["custom_id"], "response": {"status_code": 400, "body": body}, "error": None}
        message = {"role": "assistant", "content": batch["text"]}
        body = {
            "model": batch["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1]},
        }
        return {"custom_id": batch["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}

    def _lines(self, batch: dict[str, Any]) -> bytes:
        """Return the results of Anthropic's shape."""
        if batch["error"]:
            result: dict[str, Any] = {
                "type": "errored",
                "error": {"type": "error", "error": {"message": batch["error"]}},
            }
        elif batch["state"] == "completed":
            result = {
                "type": "succeeded",
                "message": {
                    "model": batch["model"],
                    "content": [{"type": "text", "text": batch["text"]}],
                    "stop_reason": "end_turn",
                    "usage": {"input_tokens": USAGE[0] - 20, "cache_read_input_tokens": 20, "output_tokens": USAGE[1]},
                },
            }
        else:
            result = {"type": {"cancelled": "canceled"}.get(batch["state"], batch["state"])}
        return json.dumps({"custom_id": batch["custom_id"], "result": result}).encode() + b"\n"
