"""Turns every way an endpoint can fail into a `ModelError` that says what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from assistant.errors import ModelError

_MAX_QUOTED = 300
_TOO_LONG = re.compile(
    r"context (length|size|window)|maximum context|max(imum)? (input|prompt) (length|tokens)|prompt is too long"
    r"|too many (input )?tokens|context_length_exceeded|exceed_context_size",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What messages may say about an endpoint. `url` is made for display; `api_key` is here only to be hidden."""

    url: str
    model: str
    api_key: str | None
    key_name: str
    is_loopback: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A translated failure. `again`: sending the request again is worth it. `asked_s`: the pause the server wants.

    `broke`: the connection ended or fell silent, so an answer that had begun is cut. `status` and `detail` (the
    server's own words) are there for whoever can adapt the request.
    """

    error: ModelError
    again: bool = False
    broke: bool = False
    asked_s: float | None = None
    status: int | None = None
    detail: str = ""


def foreign_errors() -> tuple[type[Exception], ...]:
    """Return what `openai` and its HTTP client may raise; both are imported, so call it after they were used.

    ValueError covers JSON and UTF-8 that can't be decoded and RecursionError JSON nested too deep; TypeError is what
    the vendor's code raises on JSON of an unexpected shape.
    """
    import httpx2
    import openai

    return (
        openai.OpenAIError,
        httpx2.HTTPError,
        httpx2.StreamError,
        httpx2.InvalidURL,
        OSError,
        ValueError,
        TypeError,
        RecursionError,
    )


def translate(error: Exception, endpoint: Endpoint) -> Failed:
    """Return what a person needs to know about an error of the `openai` package or its HTTP client."""
    import httpx2
    import openai

    match error:
        case openai.APIStatusError():
            return _status(error.status_code, _detail(error.body, endpoint), error.response.headers, endpoint)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return _timeout(error, endpoint)
        case openai.APIConnectionError() | httpx2.TransportError() | OSError():
            return _connection(endpoint)
        case openai.APIResponseValidationError() | ValueError() | TypeError() | RecursionError():
            return Failed(malformed(endpoint))
        case openai.APIError():
            detail = _detail(error.body, endpoint) or _clean(error.message, endpoint)
            message = f"{endpoint.url} reported an error while answering: {detail}"
            return Failed(ModelError(message, "Try again.", retryable=True), again=True, detail=detail)
        case _:
            message = f"The request to {endpoint.url} failed ({type(error).__name__})."
            return Failed(ModelError(message, "Check the base URL and the model's settings."))


def malformed(endpoint: Endpoint) -> ModelError:
    """Return the error for an answer that is not in the form of chat completions."""
    return ModelError(
        f"The answer of {endpoint.url} is not in the chat completions format.",
        "Check the base URL: for most servers it ends in /v1.",
    )


def cut_off(endpoint: Endpoint) -> ModelError:
    """Return the error for an answer that stopped before its end."""
    return ModelError(
        f"The connection to {endpoint.url} broke off; the answer is cut.",
        "Ask again to get a whole one.",
        retryable=True,
    )


def too_long(endpoint: Endpoint, limit: int) -> ModelError:
    """Return the error for an answer that was stopped because it would not end."""
    return ModelError(
        f"The answer of “{endpoint.model}” passed {limit:,} characters and was stopped.",
        "The model may be repeating itself: ask again, or set a limit on the tokens of an answer.",
    )


def _status(status: int, detail: str, headers: Mapping[str, str], endpoint: Endpoint) -> Failed:
    said = f" It said: {detail}" if detail else ""
    made, again = _explain(status, said, detail, endpoint)
    return Failed(made, again, False, _retry_after_s(headers), status, detail)


def _explain(status: int, said: str, detail: str, endpoint: Endpoint) -> tuple[ModelError, bool]:
    where, model = endpoint.url, endpoint.model
    if 300 <= status < 400:
        hint = "Set the base URL to the address the server really has; redirects are not followed, as text could leak."
        return ModelError(f"{where} redirects elsewhere.", hint), False
    if status == 401 and not endpoint.api_key:
        hint = f"Set the environment variable {endpoint.key_name} to your key, or store the key."
        return ModelError(f"{where} wants an API key, and none is configured.", hint), False
    if status == 401:
        hint = f"Check the key in {endpoint.key_name}: it may be mistyped, revoked, or for another service."
        return ModelError(f"{where} did not accept the API key.", hint), False
    if status == 402 or (status == 429 and "quota" in detail.lower()):
        hint = "Check the plan and the billing of your account there, or choose another model."
        return ModelError(f"Your account at {where} has no credit left.{said}", hint), False
    if status == 403:
        hint = "Check that your account may use this model, and that the service is offered where you are."
        return ModelError(f"{where} refused access to “{model}”.{said}", hint), False
    if status == 404:
        hint = f"See the models it has at {where}/models and set the model's name to one; check the base URL too."
        return ModelError(f"{where} knows no model “{model}”.{said}", hint), False
    if status == 413 or (status in {400, 422} and _TOO_LONG.search(detail)):
        hint = "Set the model's context_tokens to what the server really has, or start a new chat."
        return ModelError(f"The prompt is longer than “{model}” can take.{said}", hint), False
    if status == 429:
        hint = "Wait a little, then ask again."
        return ModelError(f"{where} takes no more requests at the moment.{said}", hint, retryable=True), True
    if status >= 500 or status in {408, 409}:
        hint = "Try again in a while; look at the server's log if it is yours."
        return ModelError(f"{where} failed with error {status}.{said}", hint, retryable=True), True
    hint = "Check the model's name and settings."
    return ModelError(f"{where} did not take the request (error {status}).{said}", hint), False


def _connection(endpoint: Endpoint) -> Failed:
    hint = f"Is the server running at {endpoint.url}?"
    if not endpoint.is_loopback:
        hint += " Check the base URL, the network and the proxy."
    return Failed(ModelError(f"Could not connect to {endpoint.url}.", hint, retryable=True), again=True, broke=True)


def _timeout(error: Exception, endpoint: Endpoint) -> Failed:
    import httpx2

    if isinstance(error.__cause__ or error, httpx2.ConnectTimeout):
        return _connection(endpoint)
    hint = "A large model may need longer before its first word: raise read_timeout_s, or choose a smaller model."
    # Not sent again by itself: the server may still be working on the first one.
    return Failed(ModelError(f"{endpoint.url} did not answer in time.", hint, retryable=True), broke=True)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause of a Retry-After header in seconds: RFC 9110, section 10.2.3, a number or a date."""
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


def _detail(body: object, endpoint: Endpoint) -> str:
    """Return what the server said about its error, in one short line."""
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        found = inner if isinstance(inner, str) else None
        if isinstance(inner, Mapping):
            words = [inner.get("message") or inner.get("detail"), inner.get("code")]
            found = " ".join(f"({w})" if n else w for n, w in enumerate(words) if isinstance(w, str) and w)
        return _clean(found or "", endpoint)
    # A body that is no JSON is a web page of some proxy: it explains nothing and is long.
    return _clean(body, endpoint) if isinstance(body, str) and "<" not in body else ""


def _clean(text: str, endpoint: Endpoint) -> str:
    if endpoint.api_key:
        text = text.replace(endpoint.api_key, "***")
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…"
