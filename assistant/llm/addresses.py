"""The address of an endpoint, as a person types it."""

from __future__ import annotations

from urllib.parse import urlsplit

from assistant.errors import ConfigError
from memory_store.network import host_of, is_loopback, without_secrets

_EXAMPLE = "It is written like https://api.example.com/v1 or http://127.0.0.1:8080/v1."


def checked_address(typed: str) -> str:
    """Return the base URL that was meant: a scheme and the usual path are added where they were left out.

    Raises ConfigError for what is no address.
    """
    text = typed.strip()
    if "://" not in text:
        text = f"{'http' if is_loopback(f'http://{text}') else 'https'}://{text}"
    shown = without_secrets(typed.strip())
    try:
        parts = urlsplit(text)
        _ = parts.port  # one that is no number shows only when it is read
    except ValueError as error:
        raise ConfigError(f"{shown} is no address: {error}.", _EXAMPLE) from error
    host = host_of(text)
    if parts.scheme not in {"http", "https"}:
        raise ConfigError(f"{shown} is no address of the web: it begins with {parts.scheme}://.", _EXAMPLE)
    if not host or any(sign.isspace() or sign in '\\"<>^`{|}' for sign in text):
        raise ConfigError(f"{shown or 'Nothing'} is no address.", _EXAMPLE)
    if "." not in host and ":" not in host and not is_loopback(text) and parts.port is None:
        raise ConfigError(f"{shown} names no machine that can be found: {host} has neither a dot nor a port.", _EXAMPLE)
    return text if parts.path.strip("/") else parts._replace(path="/v1").geturl()
