"""Reads what chat-completions endpoints send, trusting no field to be there or of its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assistant.llm.base import TextDelta, ThinkingDelta

_OPENING = "<think>"
_CLOSING = "</think>"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk, or a whole answer in one piece, says. `understood` is False for what is no chunk at all."""

    text: str = ""
    thinking: str = ""
    finish: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    understood: bool = False


def read_chunk(raw: object) -> Chunk:
    """Read a chunk of a stream (an object of the `openai` package) or a parsed JSON answer (a mapping)."""
    choices, usage = _get(raw, "choices"), _get(raw, "usage")
    if not isinstance(choices, list) and usage is None:
        return Chunk()
    choice = choices[0] if isinstance(choices, list) and choices else None
    delta = _get(choice, "delta") or _get(choice, "message")
    return Chunk(
        text=_content(_get(delta, "content")) or _string(_get(delta, "refusal")) or "",
        # DeepSeek, llama.cpp and vLLM name it `reasoning_content`; OpenRouter and Ollama `reasoning`.
        thinking=_string(_get(delta, "reasoning_content")) or _string(_get(delta, "reasoning")) or "",
        finish=_string(_get(choice, "finish_reason")),
        model=_string(_get(raw, "model")),
        input_tokens=_count(_get(usage, "prompt_tokens")),
        output_tokens=_count(_get(usage, "completion_tokens")),
        understood=True,
    )


class ThinkingSplitter:
    """Parts reasoning that a model writes into its answer, as `<think>…</think>` at the start, from the answer.

    Some servers pass such tags through as text. Tags anywhere else are left alone: an answer may be about them.
    """

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""

    def feed(self, text: str) -> Iterator[TextDelta | ThinkingDelta]:
        """Take a piece of content and yield what can be told apart by now."""
        self._held += text
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(_OPENING):
                self._state, self._held = "thinking", begun[len(_OPENING) :]
            elif not _OPENING.startswith(begun):
                self._state = "answer"
        if self._state == "thinking":
            yield from self._think()
        if self._state == "answer" and self._held:
            held, self._held = self._held, ""
            yield TextDelta(held)

    def finish(self) -> Iterator[TextDelta | ThinkingDelta]:
        """Yield what was held back because it might have become a tag."""
        held, self._held = self._held, ""
        if held and self._state == "thinking":
            yield ThinkingDelta(held)
        elif held.strip():
            yield TextDelta(held)

    def _think(self) -> Iterator[ThinkingDelta]:
        thought, closing, rest = self._held.partition(_CLOSING)
        if closing:
            self._state, self._held = "answer", rest.lstrip()
        else:
            kept = _possible_tag_length(thought)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if thought:
            yield ThinkingDelta(thought)


def _possible_tag_length(text: str) -> int:
    """Return how many characters at the end of the text may be the beginning of the closing tag."""
    longest = min(len(_CLOSING) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if _CLOSING.startswith(text[-length:])), 0)


def _get(raw: object, name: str) -> object:
    return raw.get(name) if isinstance(raw, Mapping) else getattr(raw, name, None)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _content(value: object) -> str:
    """Return the text of `content`, which some endpoints send as a list of typed parts."""
    if isinstance(value, list):
        return "".join(_string(_get(part, "text")) or "" for part in value if _get(part, "type") == "text")
    return value if isinstance(value, str) else ""
