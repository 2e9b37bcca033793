"""Batch APIs: a question is handed in and answered within a day, mostly at half the price; three shapes of the same.

Shapes by what their services publish: OpenAI's (a file of requests, https://platform.openai.com/docs/guides/batch),
Anthropic's (https://docs.anthropic.com/en/docs/build-with-claude/batch-processing) and OpenRouter's
(https://openrouter.ai/docs/guides/features/batch-api). A batch holds one question, under a random id of ours.
All of it blocks: it is to be called in a thread.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal
from urllib.parse import quote

from assistant.errors import ModelError
from assistant.llm.base import ChatRequest, Finished, ModelInfo, TextDelta, WasThinking
from assistant.llm.openai_chat import MAX_ANSWER_CHARACTERS, read_whole, shape_messages
from assistant.llm.openai_errors import (
    Endpoint,
    Failure,
    describe,
    explain_refusal,
    foreign_errors,
    too_long_error,
    translate,
)
from assistant.llm.settings import BatchShape
from assistant.llm.transport import MAX_ERROR_BYTES, blocking_client
from memory_store.importing import one_at_a_time
from memory_store.models import Role
from memory_store.network import display_url, endpoint_url, host_of, is_loopback, secrets_in

if TYPE_CHECKING:
    import httpx2

_MAX_BODY_BYTES: Final = 64 * 2**20
_PAGE: Final = 100
_MOST_PAGES: Final = 100
# How far the clock of a service may be from ours, and how long handing in may take.
_LEEWAY: Final = timedelta(hours=1)
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a question that was handed in. `cost` is in millionths of a US dollar, None if nobody says it."""

    text: str
    finished: Finished
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """No answer comes; `reason` is what the service said, empty for nothing."""

    state: Literal["failed", "expired", "cancelled"]
    reason: str = ""


Outcome = Answered | NotAnswered


@dataclass(frozen=True, slots=True)
class Found:
    """The batch of a question, None where there is none; it `is_sure` unless the service does not tell, or not yet."""

    batch: str | None
    is_sure: bool = True


class _GoneError(ModelError):
    """The service knows nothing at this address."""


class Batches(ABC):
    """The batch API of an endpoint, for one model. Nothing is imported or connected before the first request."""

    shape: ClassVar[BatchShape]
    _PATH: ClassVar[str] = "/batches"
    _CURSOR: ClassVar[str] = "after"

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None,
        *,
        context_tokens: int,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 60.0,
        key_name: str = "",
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key or None
        self._timeouts = connect_timeout_s, read_timeout_s
        hidden = secrets_in(base_url, self._api_key)
        url = display_url(base_url)
        self._endpoint = Endpoint(url, model, bool(api_key), key_name, is_loopback(base_url), hidden, "batches")
        self.info = ModelInfo(model, self._endpoint.is_loopback, url, context_tokens)
        self._client: httpx2.Client | None = None

    @abstractmethod
    def submit(self, identifier: str, request: ChatRequest) -> str:
        """Hand a question in; return what the service calls its batch.

        Raises ModelError; `was_sent` says that the service may have it all the same.
        """

    @abstractmethod
    def look(self, identifier: str, batch: str) -> Outcome | None:
        """Return what came of a question; None while the service works on it. Raises ModelError."""

    def find(self, identifier: str, since: datetime, known: Collection[str] = ()) -> Found:
        """Look for the batch of a question that was handed in at about this time, among those not `known`.

        Raises ModelError where the service can't be asked.
        """
        is_sure = True
        try:
            for entry in self._list(self._PATH, since):
                batch = _string(entry, "id")
                made_at = _made_at(entry)
                if batch in known or (made_at is not None and made_at > since + _LEEWAY):
                    continue
                if self._holds(identifier, entry):
                    return Found(batch)
                is_sure = is_sure and self._tells(entry)
        except _GoneError:
            return Found(None, is_sure=False)
        return Found(None, is_sure)

    @abstractmethod
    def _holds(self, identifier: str, entry: Mapping[str, Any]) -> bool:
        """Say whether an entry of the list is the batch of a question."""

    def _tells(self, entry: Mapping[str, Any]) -> bool:
        """Say whether the service tells by now of which questions a batch is."""
        return True

    def cancel(self, batch: str) -> None:
        """Take a batch back, as far as the service has not answered. Raises ModelError."""
        self._ask("POST", f"{self._path_of(batch)}/cancel")

    def clear(self, batch: str) -> None:
        """Have the service delete a batch that has ended, with what it holds. Raises ModelError."""
        self._ask("DELETE", self._path_of(batch))

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # -- asking ------------------------------------------------------------------------------------------------

    def _begin(self, what: Mapping[str, Any]) -> str:
        """Begin a batch; return what the service calls it."""
        content, headers = json.dumps(what).encode(), {"content-type": "application/json"}
        batch = _string(self._read("POST", self._PATH, hands_in=True, content=content, headers=headers), "id")
        if not batch:
            raise self._malformed_error(was_sent=True)
        return batch

    def _path_of(self, batch: str) -> str:
        return f"{self._PATH}/{quote(batch, safe='')}"

    def _list(self, path: str, since: datetime, **asked: str) -> Iterator[Mapping[str, Any]]:
        """Yield the entries of a list that is sorted by age, the newest first, as far back as a moment."""
        after = ""
        for _ in range(_MOST_PAGES):
            page = self._read(
                "GET", path, params={"limit": str(_PAGE), **asked, **({self._CURSOR: after} if after else {})}
            )
            entries = [entry for entry in page.get("data") or () if isinstance(entry, Mapping)]
            for entry in entries:
                made_at = _made_at(entry)
                if made_at is not None and made_at < since - _LEEWAY:
                    return
                yield entry
            after = _string(entries[-1], "id") if entries else ""
            if not page.get("has_more") or not after:
                return
        raise ModelError(
            f"The list of batches of {self._endpoint.url} has no end.", "It is looked through again later."
        )

    def _lines(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield the JSON objects of a file, one a line."""
        for line in self._ask("GET", path).splitlines():
            if line.strip():
                yield self._parse(line)

    def _read(self, method: str, path: str, *, hands_in: bool = False, **content: Any) -> Mapping[str, Any]:
        return self._parse(self._ask(method, path, hands_in=hands_in, **content), hands_in=hands_in)

    def _parse(self, body: bytes, *, hands_in: bool = False) -> Mapping[str, Any]:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, Mapping):
            raise self._malformed_error(was_sent=hands_in)
        return value

    def _malformed_error(self, *, was_sent: bool = False) -> ModelError:
        message = f"The answer of {self._endpoint.url} is not in the format of batches."
        return ModelError(
            message, f"Check the base URL, and that `batch` is the shape it has: {self.shape}.", was_sent=was_sent
        )

    def _ask(self, method: str, path: str, *, hands_in: bool = False, **content: Any) -> bytes:
        """Send a request once and return the body of its answer; `hands_in` where it may begin what is paid for."""
        client = self._open()
        import httpx2

        body = bytearray()
        try:
            url = httpx2.URL(endpoint_url(self._base_url, path)).copy_merge_params(content.pop("params", {}))
            with client.stream(method, url, **content) as response:
                most = _MAX_BODY_BYTES if response.is_success else MAX_ERROR_BYTES
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > most:
                        raise self._malformed_error(was_sent=hands_in)
        except foreign_errors() as error:
            failed = translate(error, self._endpoint).error
            never_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
            if isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError) and not isinstance(
                error, never_sent
            ):
                failed = ModelError(f"The connection to {self._endpoint.url} broke off before it answered.")
            failed.was_sent = hands_in and not isinstance(error, (*never_sent, httpx2.InvalidURL))
            raise failed from None
        if response.is_success:
            return bytes(body)
        refused = explain_refusal(response.status_code, bytes(body), response.headers, self._endpoint).error
        if response.status_code in {404, 405, 410}:
            raise _GoneError(refused.message, refused.hint)
        refused.was_sent = hands_in and (response.status_code >= 500 or response.status_code == 408)
        raise refused

    def _open(self) -> httpx2.Client:
        if self._client is None:
            with one_at_a_time:
                connect, read = self._timeouts
                self._client = blocking_client(
                    self._base_url, self._api_key, connect_timeout_s=connect, read_timeout_s=read
                )
        return self._client

    # -- reading answers ---------------------------------------------------------------------------------------

    def _outcome_of(self, line: Mapping[str, Any], state: str, cost: int | None = None) -> Outcome:
        """Return what came of a chat completion in a batch that ended in some state."""
        response = line.get("response")
        body, status = (
            response.get(name) if isinstance(response, Mapping) else None for name in ("body", "status_code")
        )
        if line.get("error") or not (isinstance(status, int) and 200 <= status < 300):
            return self._explain({"error": line.get("error") or body}, state)
        try:
            events = read_whole(body, self._endpoint)
        except Failure as failure:
            return NotAnswered("failed", failure.error.message)
        except ModelError as error:
            return NotAnswered("failed", error.message)
        text, finished = "", Finished("", self._endpoint.model)
        for event in events:
            match event:
                case TextDelta(piece):
                    text += piece
                case WasThinking():
                    text = ""
                case Finished():
                    finished = event
        return Answered(text, finished, cost)

    def _lost_batch(self) -> NotAnswered:
        return NotAnswered("failed", f"{self._endpoint.url} knows the batch no longer.")

    def _explain(self, said: object, state: str = "failed") -> NotAnswered:
        """Return why there is no answer, by how it ended."""
        reason = describe(said, self._endpoint)
        if state in ("expired", "cancelled"):
            return NotAnswered("expired" if state == "expired" else "cancelled", reason)
        return NotAnswered("failed", reason)


class OpenAIBatches(Batches):
    """OpenAI's shape: requests are lines of a file that is uploaded, answers lines of one that is fetched."""

    shape = BatchShape.OPENAI
    _files: Collection[str] = ()

    def submit(self, identifier: str, request: ChatRequest) -> str:
        """Upload the file, then begin the batch; a file that no batch came of is deleted."""
        # Models that think refuse `max_tokens`, and any temperature but their own; elsewhere it is the common name.
        is_openai = host_of(self._base_url) == "api.openai.com"
        body = {
            "model": self._endpoint.model,
            "messages": shape_messages(request.messages, set()),
            "max_completion_tokens" if is_openai else "max_tokens": request.max_tokens,
        }
        line = {"custom_id": identifier, "method": "POST", "url": "/v1/chat/completions", "body": body}
        file = (_file_of(identifier), json.dumps(line).encode() + b"\n", "application/jsonl")
        uploaded = self._read("POST", "/files", hands_in=True, data={"purpose": "batch"}, files={"file": file})
        file_id = _string(uploaded, "id")
        begin = {
            "input_file_id": file_id,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"keepsake": identifier},
        }
        try:
            return self._begin(begin)
        except ModelError as error:
            if not error.was_sent:
                with suppress(ModelError):  # it is deleted by the service after a while
                    self._remove_file(file_id)
            raise

    def find(self, identifier: str, since: datetime, known: Collection[str] = ()) -> Found:
        """Look through the batches; where none is of this question, delete a file that was uploaded for it."""
        try:
            files = list(self._list("/files", since, purpose="batch"))
        except _GoneError:
            files = []  # not all have such a list; their batches say whose they are
        self._files = {_string(file, "id") for file in files if file.get("filename") == _file_of(identifier)}
        found = super().find(identifier, since, known)
        if found.batch is None and found.is_sure:
            for file in self._files:
                self._remove_file(file)
        return found

    def _holds(self, identifier: str, entry: Mapping[str, Any]) -> bool:
        metadata = entry.get("metadata")
        named = isinstance(metadata, Mapping) and metadata.get("keepsake") == identifier
        return named or entry.get("input_file_id") in self._files

    def look(self, identifier: str, batch: str) -> Outcome | None:
        """Ask how the batch stands, and read its files once it has ended."""
        try:
            found = self._read("GET", self._path_of(batch))
            state = _string(found, "status")
            if state not in {"completed", "failed", "expired", "cancelled"}:
                return None
            for name in ("output_file_id", "error_file_id"):
                file = _string(found, name)
                for line in self._lines(f"/files/{quote(file, safe='')}/content") if file else ():
                    if line.get("custom_id") == identifier:
                        return self._outcome_of(line, state)
        except _GoneError:
            return self._lost_batch()
        errors = found.get("errors")
        return self._explain({"errors": errors.get("data") if isinstance(errors, Mapping) else errors}, state)

    def clear(self, batch: str) -> None:
        """Have the files deleted; the batch itself, which holds no text, stays in the service's list."""
        found = self._read("GET", self._path_of(batch))
        for name in ("input_file_id", "output_file_id", "error_file_id"):
            if file := _string(found, name):
                with suppress(_GoneError):
                    self._remove_file(file)

    def _remove_file(self, file: str) -> None:
        self._ask("DELETE", f"/files/{quote(file, safe='')}")


class AnthropicBatches(Batches):
    """Anthropic's shape: requests and answers are those of its Messages API, and no file is uploaded."""

    shape = BatchShape.ANTHROPIC
    _PATH = "/messages/batches"
    _CURSOR = "after_id"

    def submit(self, identifier: str, request: ChatRequest) -> str:
        """Begin the batch."""
        system = "\n\n".join(message.content for message in request.messages if message.role is Role.SYSTEM)
        said = [message for message in request.messages if message.role is not Role.SYSTEM and message.content]
        while said and said[0].role is Role.ASSISTANT:  # a chat whose first question was erased
            del said[0]
        params: dict[str, Any] = {
            "model": self._endpoint.model,
            "max_tokens": request.max_tokens,
            "messages": shape_messages(said, {"neighbours"}),
            **({"system": system} if system else {}),
        }
        return self._begin({"requests": [{"custom_id": identifier, "params": params}]})

    def _holds(self, identifier: str, entry: Mapping[str, Any]) -> bool:
        if not self._tells(entry):
            return False
        return any(line.get("custom_id") == identifier for line in self._results(_string(entry, "id")))

    def _tells(self, entry: Mapping[str, Any]) -> bool:
        return entry.get("processing_status") == "ended"

    def _results(self, batch: str) -> Iterator[Mapping[str, Any]]:
        return self._lines(f"{self._path_of(batch)}/results")

    def look(self, identifier: str, batch: str) -> Outcome | None:
        """Ask how the batch stands, and read its results once it has ended."""
        try:
            if not self._tells(self._read("GET", self._path_of(batch))):
                return None
            for line in self._results(batch):
                result = line.get("result")
                if line.get("custom_id") == identifier and isinstance(result, Mapping):
                    return self._message_of(result)
        except _GoneError:
            return self._lost_batch()
        return self._explain(None)

    def _message_of(self, result: Mapping[str, Any]) -> Outcome:
        state, message = _string(result, "type"), result.get("message")
        if state != "succeeded" or not isinstance(message, Mapping):
            return self._explain({"error": result.get("error")}, "cancelled" if state == "canceled" else state)
        parts = message.get("content")
        texts = (
            [_string(part, "text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
            if isinstance(parts, list)
            else []
        )
        usage = message.get("usage")
        read, cached, fresh, written = (
            _count(usage, name)
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        )
        # Here tokens that come from the cache, or go into it, are no part of those that are read.
        asked = None if read is None else read + (cached or 0) + (fresh or 0)
        model = _string(message, "model") or self._endpoint.model
        reason = _string(message, "stop_reason") or "end_turn"
        text = "".join(texts)
        if len(text) > MAX_ANSWER_CHARACTERS:
            return NotAnswered("failed", too_long_error(self._endpoint, MAX_ANSWER_CHARACTERS).message)
        return Answered(text, Finished(reason, model, asked, written, cached))


class OpenRouterBatches(Batches):
    """OpenRouter's shape: requests come with the batch, answers too, and nothing is taken back once it is begun."""

    shape = BatchShape.OPENROUTER

    def submit(self, identifier: str, request: ChatRequest) -> str:
        """Begin the batch."""
        body = {"messages": shape_messages(request.messages, set()), "max_tokens": request.max_tokens}
        begin = {
            "endpoint": "/v1/chat/completions",
            "model": self._endpoint.model,
            "requests": [{"custom_id": identifier, "body": body}],
        }
        return self._begin(begin)

    def _holds(self, identifier: str, entry: Mapping[str, Any]) -> bool:
        if not self._tells(entry):
            return False
        whole = self._read("GET", self._path_of(_string(entry, "id")))
        return any(line.get("custom_id") == identifier for line in _objects(whole.get("results")))

    def _tells(self, entry: Mapping[str, Any]) -> bool:
        return entry.get("status") in {"completed", "failed", "expired", "cancelled"}

    def look(self, identifier: str, batch: str) -> Outcome | None:
        """Ask how the batch stands; once it has ended its answers come along."""
        try:
            found = self._read("GET", self._path_of(batch))
        except _GoneError:
            return self._lost_batch()
        if not self._tells(found):
            return None
        state = _string(found, "status")
        usage = found.get("usage")
        dollars = usage.get("cost") if isinstance(usage, Mapping) else None
        cost = round(dollars * _MILLION) if isinstance(dollars, int | float) and 0 <= dollars < _MILLION else None
        for line in _objects(found.get("results")):
            if line.get("custom_id") == identifier:
                return self._outcome_of(line, state, cost)
        return self._explain({"error": found.get("error")}, state)

    def cancel(self, batch: str) -> None:
        """Refuse: there is no such request."""
        raise ModelError(
            f"{self._endpoint.url} takes no batch back once it is begun.",
            "Its answer is paid for. Erase the question if you don't want it: what comes is thrown away then.",
        )


BATCHES: Final[Mapping[BatchShape, type[Batches]]] = {
    kind.shape: kind for kind in (OpenAIBatches, AnthropicBatches, OpenRouterBatches)
}


def _file_of(identifier: str) -> str:
    return f"{identifier}.jsonl"


def _objects(values: object) -> list[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []


def _string(values: object, name: str) -> str:
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, str) else ""


def _count(values: object, name: str) -> int | None:
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, int) and value >= 0 else None


def _made_at(entry: Mapping[str, Any]) -> datetime | None:
    """Return when something was made: seconds since 1970, or a time in words; None where that can't be read."""
    value = entry.get("created_at")
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
