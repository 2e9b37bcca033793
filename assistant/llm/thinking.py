"""Parts the reasoning that a model writes into its answer from the answer itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from assistant.llm.base import TextDelta, ThinkingDelta, WasThinking

_GPT_OSS_END: Final = "<|channel|>final<|message|>"
# How models mark what they think where the server passes it through as text: the opening and what may close it.
_TAGS: Final[dict[str, tuple[str, ...]]] = {
    "<think>": ("</think>",),
    "<thinking>": ("</thinking>",),
    "<thought>": ("</thought>",),
    "<reasoning>": ("</reasoning>",),
    "<seed:think>": ("</seed:think>",),  # Seed-OSS
    "[THINK]": ("[/THINK]",),  # Magistral
    "◁think▷": ("◁/think▷",),  # Kimi
    "<|START_THINKING|>": ("<|END_THINKING|>",),  # Command A
    "<|channel>thought": ("<channel|>",),  # Gemma
    "<|channel|>analysis<|message|>": (  # gpt-oss
        f"<|end|><|start|>assistant{_GPT_OSS_END}",
        f"<|start|>assistant{_GPT_OSS_END}",
        _GPT_OSS_END,
    ),
}
# What stands before the answer of a model that did not think.
_EMPTY: Final = (_GPT_OSS_END,)
# Templates that open the tag in the prompt leave only these in the answer, each on a line of its own.
_UNOPENED: Final = {"</think>": "<think>", "</thinking>": "<thinking>", "</thought>": "<thought>"}
_FENCE: Final = "```"


class ThinkingSplitter:
    """Yields what a model says as thinking or as text, piece by piece.

    A tag at the start begins the reasoning; after a model that opened with one, later ones that are closed are folded
    too. A closing tag without its opening, on a line of its own, makes all before it reasoning. Tags in code, in
    backticks or in an answer that did not begin with one are left alone: the answer may be about them.
    """

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""
        self._opening = ""  # of the reasoning that this answer began with
        self._said: list[str] = []
        self._at_beginning = False  # of the text behind the reasoning, whose blank lines nobody wants

    def feed(self, text: str) -> Iterator[TextDelta | ThinkingDelta | WasThinking]:
        """Take a piece of content and yield what can be told apart by now."""
        self._held += text
        state = ""
        while self._held and state != self._state:
            state = self._state
            match state:
                case "start":
                    self._begin()
                case "thinking":
                    yield from self._think()
                case "again":
                    yield from self._think_again()
                case _:
                    yield from self._answer()

    def finish(self) -> Iterator[TextDelta | ThinkingDelta]:
        """Yield what was held back because it might have become a tag."""
        held, self._held = self._held, ""
        if held and self._state == "thinking":
            yield ThinkingDelta(held)
        elif self._state == "again":
            yield TextDelta(self._opening + held)
        elif held.strip():
            yield TextDelta(held)

    def _begin(self) -> None:
        begun = self._held.lstrip()
        for opening in _TAGS:
            if begun.startswith(opening):
                self._state, self._opening, self._held = "thinking", opening, begun[len(opening) :]
                return
        for tag in _EMPTY:
            if begun.startswith(tag):
                self._state, self._held = "answer", begun[len(tag) :]
                return
        if not any(tag.startswith(begun) for tag in (*_TAGS, *_EMPTY)):
            self._state = "answer"

    def _think(self) -> Iterator[ThinkingDelta]:
        closings = _TAGS[self._opening]
        place, closing = _first(self._held, closings)
        if closing:
            thought, self._held = self._held[:place], self._held[place + len(closing) :]
            self._state, self._at_beginning = "answer", True
        else:
            kept = _possible_tag_length(self._held, closings)
            thought, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        if thought:
            yield ThinkingDelta(thought)

    def _think_again(self) -> Iterator[ThinkingDelta]:
        """Keep what may be reasoning back until it is closed: without an end it is part of the answer."""
        place, closing = _first(self._held, _TAGS[self._opening])
        if closing:
            thought, self._held = self._held[:place], self._held[place + len(closing) :]
            self._state = "answer"
            yield ThinkingDelta(thought)

    def _answer(self) -> Iterator[TextDelta | WasThinking]:
        if self._at_beginning:
            self._held = self._held.lstrip()
            self._at_beginning = not self._held
        tags = (self._opening,) if self._opening else tuple(_UNOPENED)
        from_here = 0
        while True:
            place, tag = _first(self._held, tags, from_here)
            if not tag:
                break
            before = "".join(self._said) + self._held[:place]
            if self._opening and _is_markup(before):
                yield from self._say(place)
                self._state, self._held = "again", self._held[len(tag) :]
                return
            if not self._opening and _is_markup(before) and _ends_line(before) and _UNOPENED[tag] not in before:
                yield from self._say(place)
                if before.strip():
                    yield WasThinking()
                self._held = self._held[len(tag) :].lstrip()
                self._opening, self._at_beginning = _UNOPENED[tag], not self._held
                self._said.clear()
                tags, from_here = (self._opening,), 0
                continue
            from_here = place + len(tag)
        yield from self._say(len(self._held) - _possible_tag_length(self._held, tags))

    def _say(self, length: int) -> Iterator[TextDelta]:
        said, self._held = self._held[:length], self._held[length:]
        if said:
            self._said.append(said)
            yield TextDelta(said)


def _is_markup(before: str) -> bool:
    """Return whether a tag behind this text is one, and not an example in code."""
    return not before.endswith("`") and before.count(_FENCE) % 2 == 0


def _ends_line(before: str) -> bool:
    return not before.rpartition("\n")[2].strip()


def _first(text: str, tags: tuple[str, ...], start: int = 0) -> tuple[int, str]:
    """Return the place and the words of the tag that comes first; no words if there is none."""
    found = [(place, -len(tag), tag) for tag in tags if (place := text.find(tag, start)) >= 0]
    place, _, tag = min(found, default=(0, 0, ""))
    return place, tag


def _possible_tag_length(text: str, tags: tuple[str, ...]) -> int:
    """Return how many characters at the end of the text may be the beginning of a tag."""
    longest = min(max(len(tag) for tag in tags) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if any(tag.startswith(text[-n:]) for tag in tags)), 0)
