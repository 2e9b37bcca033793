"""Builds the chat model that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.credentials import Secret, find_key
from assistant.errors import ConfigError, CredentialError
from assistant.llm.base import ChatModel
from assistant.llm.embedded import EmbeddedChat
from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from assistant.llm.providers import service_at
from assistant.llm.settings import BatchShape, ModelConfig
from memory_store.network import display_url, endpoint_of, host_of, is_loopback

if TYPE_CHECKING:
    from assistant.llm.batches import Batches

_SAY_SHAPE = 'Say which it has with batch = "openai", "anthropic" or "openrouter"; docs/models.md says more.'
CREDENTIALS_FILE = "credentials.toml"


def build_chat_model(
    settings: ModelConfig, credentials_file: Path | None = None, *, calls_tools: bool = False
) -> ChatModel | None:
    """Return the model, None where answers are quotations; nothing is loaded or connected yet.

    `calls_tools` says that a trial has shown it to. Raises `ConfigError` for a setting that is missing,
    `CredentialError` if a service needs a key and none is found or the credentials file is open to others.
    """
    match settings.provider:
        case "openai":
            return _openai(settings, credentials_file, calls_tools)
        case "embedded":
            return _embedded(settings, calls_tools)
        case "quote":
            return None


def batch_shape(settings: ModelConfig) -> BatchShape | None:
    """Return the shape of the batch API that a model's endpoint has, as the settings say or the service is known for.

    None where it has none.
    """
    if settings.provider != "openai":
        return None
    service = service_at(settings.endpoint)
    return BatchShape(settings.batch) if settings.batch else service.batch if service is not None else None


def build_batches(settings: ModelConfig, credentials_file: Path | None = None) -> Batches:
    """Return the batch API of a model. Nothing is connected yet. Raises as `build_chat_model` does."""
    shape = batch_shape(settings)
    if shape is None:
        raise ConfigError(f"{display_url(settings.endpoint)} has no batch API that is known.", _SAY_SHAPE)
    from assistant.llm.batches import BATCHES

    _require_name(settings)
    key, key_name = _key(settings, credentials_file)
    return BATCHES[shape](
        settings.endpoint,
        settings.name,
        key.get_secret_value() if key else None,
        context_tokens=settings.context_tokens,
        connect_timeout_s=settings.connect_timeout_s,
        key_name=key_name,
    )


def key_id(base_url: str) -> str:
    """Return the name under which the key of an endpoint is stored: the service's, or the host's for any other.

    On this machine the port tells servers apart: none is to get the key of another.
    """
    service = service_at(base_url)
    if service is not None:
        return service.id
    return endpoint_of(base_url) if is_loopback(base_url) else host_of(base_url)


def _openai(settings: ModelConfig, credentials_file: Path | None, calls_tools: bool) -> OpenAIChat:
    _require_name(settings)
    key, key_name = _key(settings, credentials_file)
    return OpenAIChat(
        settings.endpoint,
        settings.name,
        key,
        context_tokens=settings.context_tokens,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        retry=RetryPolicy(max_retries=settings.max_retries),
        key_name=key_name,
        calls_tools=calls_tools,
    )


def _require_name(settings: ModelConfig) -> None:
    if not settings.name:
        raise ConfigError("No model is named for the endpoint.", "Set the model's name, as the server lists it.")


def endpoint_key(settings: ModelConfig, credentials_file: Path | None = None) -> Secret | None:
    """Return the key of an endpoint; None where it needs none. Raises CredentialError."""
    return _key(settings, credentials_file)[0]


def _key(settings: ModelConfig, credentials_file: Path | None) -> tuple[Secret | None, str]:
    """Return the key and the name of the variable that holds, or would hold, it."""
    service = service_at(settings.endpoint)
    env_var = settings.api_key_env or (service.key_name if service is not None else None)
    name = key_id(settings.endpoint)
    at_home = env_var is None and is_loopback(settings.endpoint)
    # Servers at home mostly want none: asking the keyring would only cost time, so their keys are in the file.
    read = (lambda service, user: None) if at_home else None
    key = find_key(name, env_var, credentials_file, keyring_read=read) if name else None
    if key is None and service is not None:
        raise CredentialError(
            f"{service.title} needs an API key, and none was found.",
            f"Set the environment variable {env_var}, or store one with `keepsake model add {service.id}`.",
        )
    return key, env_var or ""


def _embedded(settings: ModelConfig, calls_tools: bool) -> EmbeddedChat:
    if settings.file is None:
        raise ConfigError("No model file is named.", "Set one up with `keepsake model add FILE.gguf`.")
    return EmbeddedChat(settings.file, settings.context_tokens, settings.threads, calls_tools=calls_tools)
