"""What is known of endpoints by name: services with a key, and servers that people run themselves. Data, no logic."""

from __future__ import annotations

from dataclasses import dataclass

from memory_store.network import host_of


@dataclass(frozen=True, slots=True)
class Service:
    """A service with an OpenAI-compatible API. `key_name` is the environment variable that usually holds its key."""

    id: str
    title: str
    base_url: str
    key_name: str


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
    Service("openai", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Service("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Service("anthropic", "Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    Service("gemini", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    Service("mistral", "Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    Service("deepseek", "DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    Service("dashscope", "Qwen", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    Service("moonshot", "Moonshot", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY"),
    Service("groq", "Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
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
