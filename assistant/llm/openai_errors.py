"""Turns every way an endpoint can fail into a `ModelError` that says what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from assistant.errors import ModelError

_MAX_QUOTED: Final = 300
_MAX_DEPTH: Final = 6
# Where services put what they have to say, outermost first.
_WORDS: Final = ("error", "errors", "message", "error_msg", "msg", "detail", "details", "error_description", "reason")
_FURTHER: Final = ("metadata", "raw", "title")
# How a prompt that is longer than the window is refused: OpenAI, vLLM, llama.cpp, LM Studio, TGI, Anthropic, Gemini,
# Cohere, Bedrock, Qwen, GLM and who resembles them.
_TOO_LONG: Final = re.compile(
    r"context[ _-]?(length|size|window|limit)|maximum context|when context the overflows|context_length_exceeded"
    r"|exceed_context_size|max_model_len|max_seq_len"
    r"|max(imum)?[ _](input|prompt|model|sequence)[ _]?(len|length|size|tokens?)\b"
    r"|(prompt|input|request|message|conversation|text|string)s? (is|are|was|were)? ?(too (long|large|big)|longer than)"
    r"|string too long|prompt: length|expected maxlength"
    r"|too many (input |prompt )?tokens|tokens? (count )?.{0,40}exceeds? the"
    r"|exceeds? the (maximum|max|model'?s?) (number of |allowed )?(input |prompt )?(tokens|length|limit)"
    r"|`?inputs`? tokens \+|input length|length of (the )?(input|prompt)|reduce (the|your) (length|prompt|input)"
    r"|上下文|(输入|文本|提示词).{0,8}(长度|过长|太长)|超(过|出).{0,12}(长度|token)|token.{0,12}超(过|出|限)"
    r"|コンテキスト(長|サイズ)|入力が長すぎ",
    re.IGNORECASE,
)
_PER_MINUTE: Final = re.compile(r"per (minute|hour|day)|\b[TR]P[MD]\b", re.IGNORECASE)
_NO_CREDIT: Final = re.compile(r"quota|insufficient[ _](balance|credit|fund)|credit balance|余额|欠费", re.IGNORECASE)
_NO_SUCH_MODEL: Final = re.compile(
    r"model.{0,80}(not (found|exist|available|supported)|does ?n.t exist|does not exist|unknown|not a valid)"
    r"|(unknown|invalid|no such|not a valid|no|does not have|cannot find) (the )?model|no endpoints found for"
    r"|model_not_found|模型不存在",
    re.IGNORECASE | re.DOTALL,
)
_LOADING: Final = re.compile(r"\b(is |still |currently )?loading\b", re.IGNORECASE)
_PAUSE_ASKED: Final = re.compile(r"try again in (?:(\d+)m)?(\d+(?:\.\d+)?)(ms|s)\b", re.IGNORECASE)
_PAGE_TITLE: Final = re.compile(r"<(title|h1)\b[^>]*>([^<]+)<", re.IGNORECASE)
_UNREADABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_REFUSALS: Final = frozenset({400, 404, 413, 422, 500})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What messages may say about an endpoint. `url` is made for display; `hidden` is never shown, whoever says it.

    `serves` is what it is asked for.
    """

    url: str
    model: str
    has_key: bool
    key_name: str
    is_loopback: bool
    hidden: tuple[str, ...] = ()
    serves: str = "chat completions"


@dataclass(eq=False)
class Failure(Exception):
    """A translated failure, raised to where it is decided whether to try again.

    `again`: sending the request again is worth it. `asked_s`: the pause the server wants in seconds.
    `broke`: the connection ended or fell silent, so an answer that had begun is cut. `status` and `detail` (all that
    the server said) are there for whoever can adapt the request.
    """

    error: ModelError
    again: bool = False
    broke: bool = False
    asked_s: float | None = None
    status: int | None = None
    detail: str = ""


def foreign_errors() -> tuple[type[Exception], ...]:
    """Return what the HTTP client may raise; it is imported, so call it after it was used.

    ValueError covers JSON and UTF-8 that can't be decoded and RecursionError JSON nested too deep.
    """
    import httpx2

    return (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, ValueError, RecursionError)


def translate(error: Exception, endpoint: Endpoint) -> Failure:
    """Return what a person needs to know about an error of the HTTP client, or of reading what it brought."""
    import httpx2

    match error:
        case httpx2.ConnectTimeout():
            return _connection(endpoint)
        case httpx2.TimeoutException():
            return _timeout(endpoint)
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            message = f"{endpoint.url} is no address that can be asked."
            return Failure(ModelError(message, "Check the base URL: it begins with http:// or https://."))
        case httpx2.TransportError() | OSError():
            return _connection(endpoint)
        case ValueError() | RecursionError():
            return Failure(malformed_error(endpoint))
        case _:
            message = f"The request to {endpoint.url} failed ({type(error).__name__})."
            return Failure(ModelError(message, "Check the base URL and the model's settings."))


def explain_refusal(status: int, body: bytes, headers: Mapping[str, str], endpoint: Endpoint) -> Failure:
    """Return what an answer with an error's status means."""
    text = body.decode("utf-8", "replace")
    try:
        said: object = json.loads(text)
    except (ValueError, RecursionError):
        title = _PAGE_TITLE.search(text)
        # The page of some proxy is long and explains nothing beyond its title.
        said = (title.group(2) if title else "") if "<" in text else text
    return _status(status, said, _retry_after_s(headers), endpoint)


def find_reported(raw: object, endpoint: Endpoint) -> Failure | None:
    """Return the failure that a chunk, or a whole answer, tells of; None if it tells of none."""
    error = raw.get("error") if isinstance(raw, Mapping) else None
    if not error:
        return None
    code = error.get("code") if isinstance(error, Mapping) else None
    status = int(code) if isinstance(code, int | str) and str(code).isdecimal() and len(str(code)) == 3 else 0
    if 400 <= status < 600:
        return _status(status, raw, None, endpoint)
    said, searched = _detail(raw, endpoint)
    if _TOO_LONG.search(searched):
        return Failure(_overflow(endpoint, _it_said(said)))
    message = f"{endpoint.url} reported an error while answering: {said or 'it gave no reason'}"
    return Failure(ModelError(message, "Try again.", retryable=True), again=True, detail=searched)


def describe(body: object, endpoint: Endpoint) -> str:
    """Return what a server said about an error, in one short line; empty where it said nothing."""
    return _detail(body, endpoint)[0]


def malformed_error(endpoint: Endpoint, raw: object = None) -> ModelError:
    """Return the error for an answer that is not in the form of chat completions, with its words if it has any."""
    said = _detail(raw, endpoint)[0] if isinstance(raw, Mapping) else ""
    return ModelError(
        f"The answer of {endpoint.url} is not in the chat completions format.{_it_said(said)}",
        "Check the base URL: for most servers it ends in /v1.",
    )


def cut_off_error(endpoint: Endpoint) -> ModelError:
    """Return the error for an answer that stopped before its end."""
    return ModelError(
        f"The connection to {endpoint.url} broke off; the answer is cut.",
        "Ask again to get a whole one.",
        retryable=True,
    )


def too_long_error(endpoint: Endpoint, limit: int) -> ModelError:
    """Return the error for an answer that was stopped because it would not end."""
    return ModelError(
        f"The answer of “{endpoint.model}” passed {limit:,} characters and was stopped.",
        "The model may be repeating itself: ask again, or set a limit on the tokens of an answer.",
    )


def _overflow(endpoint: Endpoint, said: str) -> ModelError:
    hint = "Set the model's context_tokens to what the server really has, or start a new chat."
    return ModelError(f"The prompt is longer than “{endpoint.model}” can take.{said}", hint)


def _status(status: int, body: object, asked_s: float | None, endpoint: Endpoint) -> Failure:
    said, searched = _detail(body, endpoint)
    made, again = _explain(status, _it_said(said), searched, endpoint)
    if asked_s is None:
        pause = _PAUSE_ASKED.search(searched)
        if pause is not None:
            minutes, number, unit = pause.groups()
            asked_s = int(minutes or 0) * 60 + float(number) / (1000 if unit.lower() == "ms" else 1)
    made.retry_after_s = asked_s
    return Failure(made, again, False, asked_s, status, searched)


def _explain(status: int, said: str, searched: str, endpoint: Endpoint) -> tuple[ModelError, bool]:
    where, model = endpoint.url, endpoint.model
    if 300 <= status < 400:
        hint = "Set the base URL to the address the server really has; redirects are not followed, as text could leak."
        return ModelError(f"{where} redirects elsewhere.", hint), False
    if status == 401 and not endpoint.has_key:
        variable = f", or set the environment variable {endpoint.key_name} to it" if endpoint.key_name else ""
        hint = f"Store your key with `keepsake model add`{variable}."
        return ModelError(f"{where} wants an API key, and none is configured.{said}", hint), False
    if status == 401:
        where_key = f" in {endpoint.key_name}" if endpoint.key_name else ""
        hint = f"Check the key{where_key}: it may be mistyped, revoked, or for another service."
        return ModelError(f"{where} did not accept the API key.{said}", hint), False
    if status == 402 or (status in {403, 429} and _NO_CREDIT.search(searched)):
        hint = "Check the plan and the billing of your account there, or choose another model."
        return ModelError(f"Your account at {where} has no credit left.{said}", hint), False
    if status == 403:
        hint = "Check that your account may use this model, and that the service is offered where you are."
        return ModelError(f"{where} refused access to “{model}”.{said}", hint), False
    if status in {413, 429} and "too large" in searched.lower() and _PER_MINUTE.search(searched):
        hint = "Set the model's context_tokens to less than your plan allows in a minute, or choose another model."
        return ModelError(f"The prompt is longer than your plan at {where} takes at once.{said}", hint), False
    if status == 413 or (status in _REFUSALS and _TOO_LONG.search(searched)):
        return _overflow(endpoint, said), False
    if status in {400, 404, 422} and _NO_SUCH_MODEL.search(searched):
        hint = f"See the models it has at {where}/models and set the model's name to one; check the base URL too."
        return ModelError(f"{where} knows no model “{model}”.{said}", hint), False
    if status in {404, 405}:
        hint = f"Check the base URL: for most servers it ends in /v1. Or the server may not have the model “{model}”."
        return ModelError(f"{where} answers no {endpoint.serves} there (error {status}).{said}", hint), False
    if status == 429:
        hint = "Wait a little, then ask again."
        return ModelError(f"{where} takes no more requests at the moment.{said}", hint, retryable=True), True
    if status == 503 and _LOADING.search(searched):
        hint = "Large models take a while to load: ask again in a minute."
        return ModelError(f"{where} is still loading the model.{said}", hint, retryable=True), True
    if status >= 500 or status in {408, 409}:
        hint = "Try again in a while; look at the server's log if it is yours."
        return ModelError(f"{where} failed with error {status}.{said}", hint, retryable=True), True
    hint = "Check the model's name and settings."
    return ModelError(f"{where} did not take the request (error {status}).{said}", hint), False


def pause_error(failed: Failure) -> ModelError:
    """Return the error for a server that wants a longer pause than one can wait for."""
    seconds = failed.asked_s or 0.0
    pause = f"{seconds / 3600:.0f} hours" if seconds >= 5400 else f"{max(seconds / 60, 1):.0f} minutes"
    hint = f"It asks to be left alone for {pause}: ask again then, or choose another model."
    return ModelError(failed.error.message, hint, retryable=True)


def _connection(endpoint: Endpoint) -> Failure:
    hint = f"Is the server running at {endpoint.url}?"
    if not endpoint.is_loopback:
        hint += " Check the base URL, the network and the proxy."
    return Failure(ModelError(f"Could not connect to {endpoint.url}.", hint, retryable=True), again=True, broke=True)


def _timeout(endpoint: Endpoint) -> Failure:
    hint = "A large model may need longer before its first word: raise read_timeout_s, or choose a smaller model."
    # Not sent again by itself: the server may still be working on the first one.
    return Failure(
        ModelError(f"{endpoint.url} did not answer in time.", hint, retryable=True, was_sent=True), broke=True
    )


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause of a Retry-After header in seconds: RFC 9110, section 10.2.3, a number or a date.

    OpenAI's `retry-after-ms` is more exact.
    """
    if (milliseconds := headers.get("retry-after-ms", "").strip()).isdecimal():
        return int(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None  # Absent or unreadable: the policy's own pause is as good.
        aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return seconds if 0 <= seconds < float("inf") else None


def _detail(body: object, endpoint: Endpoint) -> tuple[str, str]:
    """Return what the server said about its error in one short line, and all of its words to be searched."""
    words = list(dict.fromkeys(word for word in _words(body) if word.strip()))
    # A sentence that is part of another says nothing new; `(code)` stands behind what it is the code of.
    kept = [word for word in words if not any(word != other and word in other for other in words)]
    said = " ".join(kept)
    if code := _code(body):
        said = f"{said} ({code})".strip() if code not in said else said
    searched = " ".join([said, *_strings(body)])[: 16 * _MAX_QUOTED]
    return _clean(said, endpoint, _MAX_QUOTED), _clean(searched, endpoint, len(searched))


def _words(value: object, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        try:
            inner = json.loads(value) if value.lstrip().startswith("{") else None  # an error passed on by a gateway
        except (ValueError, RecursionError):
            inner = None
        if inner is None:
            yield value.strip()
        else:
            yield from _words(inner, depth + 1)
    elif isinstance(value, list):
        for item in value[:3]:
            yield from _words(item, depth + 1)
    elif isinstance(value, Mapping):
        place = value.get("loc")  # FastAPI's: which field is wrong
        prefix = ".".join(str(part) for part in place) if isinstance(place, list) else ""
        found = [word for key in (*_WORDS, *_FURTHER) if key in value for word in _words(value[key], depth + 1)]
        yield from (f"{prefix}: {word}" if prefix else word for word in found)


def _code(body: object) -> str:
    """Return the name of an error where it is a word and not a number."""
    inner = body.get("error") or body if isinstance(body, Mapping) else None
    code = inner.get("code") if isinstance(inner, Mapping) else None
    return code if isinstance(code, str) else ""


def _strings(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list) and depth <= _MAX_DEPTH:
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(item, depth + 1)


def _it_said(said: str) -> str:
    return f" It said: {said}" if said else ""


def _clean(text: str, endpoint: Endpoint, most: int) -> str:
    for secret in endpoint.hidden:
        text = text.replace(secret, "***")
    text = " ".join(_UNREADABLE.sub(" ", text).split())
    return text if len(text) <= most else text[:most] + "…"
