"""Endpoints: which stay on this machine, by parsing alone, what may be shown of them, and what may be sent there."""

from __future__ import annotations

from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from typing import TYPE_CHECKING, Final, TypedDict
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from memory_store.importing import one_at_a_time

if TYPE_CHECKING:
    import ssl

    import httpx2

_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")


def is_loopback(url: str) -> bool:
    """Return True only if the host of this http(s) URL is `localhost`, in 127.0.0.0/8, or ::1.

    No name is ever resolved: an answer of DNS can change between this check and the request. Whatever two parsers
    could read differently (backslashes, spaces, a second `@`, percent signs, shortened addresses such as `127.1`)
    counts as not loopback, because private text depends on the answer.
    """
    host = _host(url)
    if host is None:
        return False
    if host == "localhost" or host == str(_LOOPBACK_V6):
        return True
    try:
        return IPv4Address(host) in _LOOPBACK_V4
    except AddressValueError:
        pass  # Not an IPv4 address; an IPv6 one may still be written in another way than "::1".
    try:
        return "%" not in host and IPv6Address(host) == _LOOPBACK_V6
    except AddressValueError:
        return False


def display_url(url: str) -> str:
    """Return the URL for messages: without the user, password, query and fragment, where keys are sometimes put."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return "the configured address"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def without_secrets(text: str) -> str:
    """Return an address without user, password, query and fragment, where keys are sometimes put; other texts as is."""
    if not text.strip().casefold().startswith(("http://", "https://")):
        return text
    # By hand, since what is no valid address may hold a key as well.
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def host_of(url: str) -> str:
    """Return the host name of a URL in lower case, without port; empty if it has none or is malformed."""
    parts = _split(url)
    return (parts.hostname or "") if parts is not None else ""


def endpoint_of(url: str) -> str:
    """Return the host name of a URL with its port, where it has one; empty if it is malformed."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return ""
    return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"


# Only what the protocol needs is sent, nothing that describes this machine.
ALLOWED_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
USER_AGENT: Final = "keepsake"
# Azure takes a key in a header of its own; what comes as a bearer's token is another thing there.
_AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".azure-api.net")
_ANTHROPIC: Final = "api.anthropic.com"
_ANTHROPIC_BATCHES: Final = "/messages/batches"
_PATHS: Final = ("/chat/completions", "/embeddings")
_MIN_SECRET_CHARACTERS: Final = 6


class ClientOptions(TypedDict):
    """What every client of an endpoint is made with."""

    follow_redirects: bool
    trust_env: bool
    verify: ssl.SSLContext


def client_options(base_url: str) -> ClientOptions:
    """Return what keeps a client to its endpoint: no redirects, and on loopback no proxies from the environment.

    A proxy would carry private text away, and a redirect could lead elsewhere. The first call takes 0.2 s.
    """
    trusts = not is_loopback(base_url)
    with one_at_a_time:
        return ClientOptions(follow_redirects=False, trust_env=trusts, verify=_tls_context(trusts))


@cache
def _tls_context(trust_env: bool) -> ssl.SSLContext:
    """Return what servers are verified with, the same for all clients: reading the certificates takes 40 ms."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=trust_env)


def guard_request(request: httpx2.Request, base_url: str, api_key: str | None) -> None:
    """Leave in a request what the protocol needs and the key, as the service at this address takes it."""
    for name in [name for name in request.headers if name not in ALLOWED_HEADERS]:
        del request.headers[name]
    request.headers["user-agent"] = USER_AGENT
    host = host_of(base_url)
    is_anthropic = _ANTHROPIC_BATCHES in request.url.path  # of whoever has batches in that form
    if api_key and host.endswith(_AZURE_HOSTS):
        request.headers["api-key"] = api_key
    elif api_key and not is_anthropic:
        request.headers["authorization"] = f"Bearer {api_key}"
    if api_key and (is_anthropic or (host == _ANTHROPIC and request.method == "GET")):
        # Its answers come as OpenAI's do, its list of models and its batches only in its own way.
        request.headers["x-api-key"] = api_key
    if is_anthropic or "x-api-key" in request.headers:
        request.headers["anthropic-version"] = "2023-06-01"


def endpoint_url(base_url: str, path: str) -> str:
    """Return the address of something under a base URL, whose query (`?api-version=…`) stays behind the path.

    A base URL that is the address of the chat completions or embeddings is taken as what stands before them.
    """
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return base_url + path  # No address: the client says so.
    root = parts.path.rstrip("/")
    for known in _PATHS:
        root = root.removesuffix(known).rstrip("/")
    return parts._replace(path=root + path, fragment="").geturl()


def secrets_in(base_url: str, api_key: str | None) -> tuple[str, ...]:
    """Return what must not be shown of an address and its key: the key, a password, the values of a query."""
    found = [api_key or ""]
    try:
        parts = urlsplit(base_url)
        found += [parts.password or "", unquote(parts.password or "")]
        found += [value for name, value in parse_qsl(parts.query) if name != "api-version"]
    except ValueError:
        pass  # No address: nothing in it is sent.
    return tuple(word for word in dict.fromkeys(found) if len(word) >= _MIN_SECRET_CHARACTERS or word == api_key)


def _host(url: str) -> str | None:
    if not url.isascii() or any(c in url for c in "\\\"'<>^`{|}") or any(c <= " " or c == "\x7f" for c in url):
        return None
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or parts.netloc.count("@") > 1:
        return None
    return parts.hostname


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # A port that is no number shows only when it is read.
    except ValueError:
        return None  # Not a URL: the callers have an answer for that.
    return parts
