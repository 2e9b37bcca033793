"""Reads what chat-completions endpoints send, trusting no field to be there or of its type."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

DONE: Final = "[DONE]"
_BOM: Final = b"\xef\xbb\xbf"
_FIELDS: Final = frozenset({"data", "event", "id", "retry", "error"})
# What some servers write where they mean that the answer goes on.
_NO_REASON: Final = frozenset({"", "null", "none"})


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of what a model asks of a tool: which of the calls it belongs to, and what there is of it."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk, or a whole answer in one piece, says. `understood` is False for what is no chunk at all.

    `is_message` says that the text comes as a message, which may repeat all that was said before. `is_last` says that
    nothing follows, even without a reason.
    """

    text: str = ""
    thinking: str = ""
    finish: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    understood: bool = False
    is_message: bool = False
    is_last: bool = False
    calls: tuple[CallPiece, ...] = ()


def read_chunk(raw: object) -> Chunk:
    """Read a chunk of a stream or an answer in one piece, as parsed JSON."""
    choices, usage = _get(raw, "choices"), _get(raw, "usage")
    if not isinstance(choices, list) and not isinstance(usage, Mapping) and not isinstance(_get(raw, "message"), dict):
        return Chunk()
    # Ollama's own form has the message at the top.
    choice = _first_choice(choices) if isinstance(choices, list) else raw
    delta = _get(choice, "delta") or _get(choice, "message")
    finish = _string(_get(choice, "finish_reason")) or ""
    content = _get(delta, "content")
    return Chunk(
        text=_content(content, "text") or _string(_get(delta, "refusal")) or _string(_get(choice, "text")) or "",
        # DeepSeek, llama.cpp and vLLM name it `reasoning_content`; OpenRouter and Ollama `reasoning`; Mistral sends it
        # among the parts of the content.
        thinking=_string(_get(delta, "reasoning_content"))
        or _string(_get(delta, "reasoning"))
        or _string(_get(delta, "thinking"))
        or _content(content, "thinking")
        or _content(_get(delta, "reasoning_details"), "reasoning.text"),
        finish=None if finish.casefold() in _NO_REASON else finish,
        model=_string(_get(raw, "model")),
        input_tokens=_count(_get(usage, "prompt_tokens")),
        output_tokens=_count(_get(usage, "completion_tokens")),
        # DeepSeek has a name of its own for them.
        cached_tokens=_count(
            _get(_get(usage, "prompt_tokens_details"), "cached_tokens")
            if _get(usage, "prompt_tokens_details")
            else _get(usage, "prompt_cache_hit_tokens")
        ),
        understood=choice is not None or isinstance(usage, Mapping) or isinstance(choices, list),
        is_message=not _get(choice, "delta") and bool(delta),
        is_last=_get(raw, "done") is True,
        calls=tuple(_calls(_get(delta, "tool_calls"))),
    )


def _calls(found: object) -> Iterator[CallPiece]:
    for place, call in enumerate(found if isinstance(found, list) else ()):
        function, index = _get(call, "function"), _count(_get(call, "index"))
        given = _get(function, "arguments")
        arguments = json.dumps(given) if isinstance(given, Mapping) else _string(given) or ""  # Ollama sends an object
        name = _string(_get(function, "name")) or ""
        yield CallPiece(place if index is None else index, _string(_get(call, "id")) or "", name, arguments)


class Frames:
    """Cuts the bytes of a response into the JSON values in it, whatever content type it has.

    Server-sent events (the data of each, also without the blank lines between them), a value a line, or one value in
    one piece; `is_whole` tells at the end that it was one. What an `error` event says comes as `{"error": …}`.
    """

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._event = ""
        self._data: list[str] = []
        self._piece: list[str] = []  # of a value in one piece, over several lines
        self._strange = False
        self._events = self._alone = 0  # values found so far

    @property
    def is_whole(self) -> bool:
        """True if there was a single value, and it was no event."""
        return (self._events, self._alone) == (0, 1)

    async def values(self) -> AsyncGenerator[Any, None]:
        """Yield each value, and `DONE`. Raises ValueError or RecursionError for what is none."""
        rest, first = b"", True
        async for piece in self._body:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                for value in self._line(line.removeprefix(_BOM) if first else line):
                    yield value
                first = False
        for line in (rest.removeprefix(_BOM) if first else rest, b""):
            for value in self._line(line, is_end=True):
                yield value
        if self._piece:
            self._alone += 1
            yield json.loads("\n".join(self._piece))
        elif self._strange and not self._events + self._alone:
            raise ValueError("neither events nor JSON")

    def _line(self, raw: bytes, *, is_end: bool = False) -> Iterator[Any]:
        line = raw.rstrip(b"\r").decode()
        if self._piece:
            self._piece.append(line)
        elif not line.strip():
            yield from self._dispatch(is_end=is_end)
        elif line.startswith(":"):
            return
        elif line.lstrip().startswith(("{", "[")):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                self._piece.append(line)
                return
            self._alone += 1
            yield value
        else:
            yield from self._field(line)

    def _field(self, line: str) -> Iterator[Any]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name not in _FIELDS:
            self._strange = True
        elif name == "event":
            self._event = value.strip()
        elif name in {"data", "error"}:
            self._event = name if name == "error" else self._event
            self._data.append(value)
            with suppress(ValueError, RecursionError):  # its other lines may follow; the blank line says that none do
                yield from self._dispatch()

    def _dispatch(self, *, is_end: bool = False) -> Iterator[Any]:
        """Yield the value of an event. Raises ValueError for one that is none, unless the connection ended in it."""
        data = "\n".join(self._data)
        if not data.strip():
            return
        if data.strip() == DONE:
            value: Any = DONE
        else:
            try:
                value = json.loads(data)
            except ValueError:
                if is_end:
                    return  # cut in the middle: what came before stands
                if self._event != "error":
                    raise
                value = data
        if self._event == "error" and not (isinstance(value, Mapping) and "error" in value):
            value = {"error": value}
        self._data.clear()
        self._event = ""
        self._events += 1
        yield value


class Surrogates:
    """Joins halves of characters that were cut in two: JSON escapes one outside the basic plane as two units."""

    def __init__(self) -> None:
        self._held = ""

    def join(self, text: str) -> str:
        """Return what can be read by now; a half without its other becomes the sign for what can't be read."""
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Increments:
    """Takes what is new from pieces that repeat all that was said before, as some gateways send them.

    Whether they do shows in the first three: each begins with the whole of the one before.
    """

    def __init__(self) -> None:
        self._said = ""
        self._held = ""
        self._repeats: bool | None = None

    def new(self, piece: str) -> str:
        """Return what a piece adds."""
        if not piece or self._repeats is False:
            return piece
        if self._held or self._repeats:
            if piece.startswith(self._held or self._said):
                self._repeats = True
                return self._advance(piece)
            held, self._held, self._repeats = self._held, "", False
            return held + piece
        if self._said and len(piece) > len(self._said) and piece.startswith(self._said):
            self._held = piece
            return ""
        if self._said:
            self._repeats = False
        self._said = piece
        return piece

    def rest(self) -> str:
        """Return what was held back, at the end."""
        held, self._held = self._held, ""
        return held

    def _advance(self, piece: str) -> str:
        added, self._said, self._held = piece[len(self._said) :], piece, ""
        return added


def _first_choice(choices: list[object]) -> object:
    """Return the first of several answers; the others were not asked for."""
    return next((choice for choice in choices if _get(choice, "index") in (0, None)), None)


def _get(raw: object, name: str) -> object:
    return raw.get(name) if isinstance(raw, Mapping) else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _content(value: object, kind: str) -> str:
    """Return the text of `content`, which some endpoints send as a list of typed parts."""
    if isinstance(value, list):
        return "".join(_part(part, kind) for part in value if _get(part, "type") == kind)
    return value if isinstance(value, str) and kind == "text" else ""


def _part(part: object, kind: str) -> str:
    inner = _get(part, kind)
    return _content(inner, "text") if isinstance(inner, list) else _string(inner) or _string(_get(part, "text")) or ""
