"""What is known of endpoints by name (services with a key, servers that people run), and addresses as typed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from assistant.errors import ConfigError
from assistant.llm.settings import BatchShape
from memory_store.network import host_of, is_loopback, without_secrets

_EXAMPLE = "It is written like https://api.example.com/v1 or http://127.0.0.1:8080/v1."


@dataclass(frozen=True, slots=True)
class Service:
    """A service with an OpenAI-compatible API. `key_name` is the environment variable that usually holds its key.

    `batch` is the shape of its batch API, None where it has none that is known here.
    """

    id: str
    title: str
    base_url: str
    key_name: str
    batch: BatchShape | None = None


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server on this machine. `list_path` answers with a list of models under `list_key`, named by `name_key`."""

    id: str
    title: str
    port: int
    list_path: str = "/v1/models"
    list_key: str = "data"
    name_key: str = "id"


SERVICES = (
    Service("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", BatchShape.OPENAI),
    Service("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", BatchShape.OPENROUTER),
    Service("anthropic", "Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", BatchShape.ANTHROPIC),
    Service("gemini", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Service("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    Service("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    Service("dashscope", "Qwen", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    Service("moonshot", "Moonshot", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY"),
    Service("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", BatchShape.OPENAI),
    Service("together", "Together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Service("xai", "xAI", "https://api.x.ai/v1", "XAI_API_KEY"),
)


LOCAL_SERVERS = (
    LocalServer("ollama", "Ollama", 11434, "/api/tags", "models", "name"),
    LocalServer("lm-studio", "LM Studio", 1234),
    LocalServer("llama.cpp", "llama.cpp server", 8080),
)


def service_at(base_url: str) -> Service | None:
    """Return the service whose host a base URL has."""
    host = host_of(base_url)
    return next((service for service in SERVICES if host_of(service.base_url) == host), None)


def complete_address(typed: str) -> str:
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
