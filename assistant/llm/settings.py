"""[model] of the settings: who answers."""

# Annotations are not deferred here: what a setting may be is read from its field.

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from assistant.setting_values import Address, Count, Limits, Seconds

Provider = Literal["quote", "openai", "embedded"]

BatchName = Literal["", "openai", "anthropic", "openrouter"]


class BatchShape(StrEnum):
    """Which batch API an endpoint has."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    OPENROUTER = "openrouter"


DEFAULT_BASE_URL: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """[model]: who answers. Times are in seconds; `threads` 0 means all cores.

    `api_key_env` names the variable with the key. Empty means the usual one of the service at `base_url`, and no
    variable for any other address: a key must not go to whom it was not made for. `batch` is the shape of the
    endpoint's batch API; empty is that of a known service, and none for any other address.
    """

    provider: Provider = "quote"
    name: str = ""
    base_url: Address = ""
    model_path: str = ""
    api_key_env: str = ""
    batch: BatchName = ""
    context_tokens: Annotated[int, Limits(at_least=512)] = 8192
    max_answer_tokens: Annotated[int, Limits(at_least=16)] = 1024
    temperature: Annotated[float, Limits(at_least=0, at_most=2)] = 0.3
    connect_timeout_s: Seconds = 10.0
    read_timeout_s: Seconds = 120.0
    max_retries: Annotated[int, Limits(at_least=0, at_most=20)] = 3
    threads: Count = 0

    @property
    def endpoint(self) -> str:
        """The base URL that is asked."""
        return self.base_url or DEFAULT_BASE_URL

    @property
    def file(self) -> Path | None:
        """The file of an embedded model."""
        return Path(self.model_path).expanduser() if self.model_path else None
