"""Builds the chat model that the settings name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.credentials import Secret, find_key
from assistant.errors import ConfigError, CredentialError
from assistant.llm.base import ChatModel
from assistant.llm.embedded import EmbeddedChat
from assistant.llm.openai_chat import DEFAULT_BASE_URL, OpenAIChat
from assistant.llm.providers import service_at
from assistant.llm.retry import RetryPolicy
from memory_store.network import endpoint_of, host_of, is_loopback

Provider = Literal["quote", "openai", "embedded"]
CREDENTIALS_FILE = "credentials.toml"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model answers. Times are in seconds; `threads` 0 means all cores.

    `api_key_env` names the variable with the key. None means the usual one of the service at `base_url`, and no
    variable for any other address: a key must not go to whom it was not made for. `model_path` is
    the file of an embedded model. `max_answer_tokens` and `temperature` None leave the choice to the model;
    they are for whoever makes a `ChatRequest`. `credentials_file` is where stored keys are.
    """

    provider: Provider = "quote"
    name: str = ""
    base_url: str = DEFAULT_BASE_URL
    model_path: Path | None = None
    api_key_env: str | None = None
    context_tokens: int = 8192
    max_answer_tokens: int | None = None
    temperature: float | None = None
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 300.0
    max_retries: int = 3
    threads: int = 0
    credentials_file: Path | None = None


def build_chat_model(settings: ModelSettings) -> ChatModel | None:
    """Return the model, None where answers are quotations; nothing is loaded or connected yet.

    Raises `ConfigError` for a setting that is missing, `CredentialError` if a service needs a key and none is found
    or the credentials file is open to others.
    """
    match settings.provider:
        case "openai":
            return _openai(settings)
        case "embedded":
            return _embedded(settings)
        case "quote":
            return None


def key_id(base_url: str) -> str:
    """Return the name under which the key of an endpoint is stored: the service's, or the host's for any other.

    On this machine the port tells servers apart: none is to get the key of another.
    """
    service = service_at(base_url)
    if service is not None:
        return service.id
    return endpoint_of(base_url) if is_loopback(base_url) else host_of(base_url)


def _openai(settings: ModelSettings) -> OpenAIChat:
    if not settings.name:
        raise ConfigError("No model is named for the endpoint.", "Set the model's name, as the server lists it.")
    key, key_name = _key(settings)
    return OpenAIChat(
        settings.base_url,
        settings.name,
        key,
        context_tokens=settings.context_tokens,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        retry=RetryPolicy(max_retries=settings.max_retries),
        key_name=key_name,
    )


def endpoint_key(settings: ModelSettings) -> Secret | None:
    """Return the key of an endpoint; None where it needs none. Raises CredentialError."""
    return _key(settings)[0]


def _key(settings: ModelSettings) -> tuple[Secret | None, str]:
    """Return the key and the name of the variable that holds, or would hold, it."""
    service = service_at(settings.base_url)
    env_var = settings.api_key_env or (service.key_name if service is not None else None)
    name = key_id(settings.base_url)
    at_home = env_var is None and is_loopback(settings.base_url)
    # Servers at home mostly want none: asking the keyring would only cost time, so their keys are in the file.
    read = (lambda service, user: None) if at_home else None
    key = find_key(name, env_var, settings.credentials_file, keyring_read=read) if name else None
    if key is None and service is not None:
        raise CredentialError(
            f"{service.title} needs an API key, and none was found.",
            f"Set the environment variable {env_var}, or store one with `keepsake model add {service.id}`.",
        )
    return key, env_var or ""


def _embedded(settings: ModelSettings) -> EmbeddedChat:
    if settings.model_path is None:
        raise ConfigError("No model file is named.", "Set one up with `keepsake model add FILE.gguf`.")
    return EmbeddedChat(settings.model_path.expanduser(), settings.context_tokens, settings.threads)
