"""Tells addresses that stay on this machine from all others, by parsing alone."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from urllib.parse import SplitResult, urlsplit

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
