"""What to tell of an answer that came to its end and is no whole answer all the same."""

from __future__ import annotations

from typing import Final

from assistant.errors import ModelError
from assistant.llm.base import Finished

# What endpoints write beside OpenAI's own words: Anthropic's, Ollama's, Gemini's, those of DeepSeek and of Qwen.
_LENGTH: Final = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded"})
_FILTERED: Final = frozenset({"content_filter", "safety", "refusal", "recitation", "prohibited_content", "sensitive"})
_TOOL: Final = frozenset({"tool_calls", "function_call", "tool_use"})


def is_whole(finished: Finished) -> bool:
    """Return whether an answer that ended so says all that it was to say."""
    return finished.reason.casefold() not in _LENGTH | _FILTERED


def shortfall(finished: Finished, *, said: bool, thought: bool) -> ModelError | None:
    """Return what is wrong with a finished answer; None if nothing is.

    `said` tells whether there are words of an answer, `thought` whether there is reasoning.
    """
    name, reason = finished.model, finished.reason.casefold()
    if reason in _FILTERED:
        what = "cut the answer" if said else "kept the whole answer back"
        return ModelError(f"A content filter of “{name}” {what} ({finished.reason}).", "Ask in other words.")
    if reason in _LENGTH and said:
        return ModelError(
            "The answer is cut: it reached its longest length.",
            "Have it go on, or allow longer answers with max_answer_tokens.",
        )
    if said:
        return None
    if reason in _LENGTH:
        what = "thinking" if thought else "nothing that can be shown"
        return ModelError(
            f"“{name}” used up the longest length of an answer on {what}.",
            "Allow longer answers with max_answer_tokens, or more room with context_tokens.",
        )
    if reason in _TOOL:
        return ModelError(
            f"“{name}” wanted to call a tool instead of answering, though it was offered none.",
            "Ask again, or choose another model.",
        )
    if thought:
        return ModelError(
            f"“{name}” thought and gave no answer.", "Ask again, or choose another model.", retryable=True
        )
    return ModelError(f"“{name}” said nothing.", "Ask again, or choose another model.", retryable=True)
