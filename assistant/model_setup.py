"""Setting up who answers: an endpoint, its key, a model of it, a real trial, and the choice kept in the settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from assistant.config import ModelConfig, NamedModel, Settings, config_folder
from assistant.credentials import Secret, find_key, forget_key, keep_key, store_key
from assistant.errors import ConfigError
from assistant.llm.base import ChatModel
from assistant.llm.openai_chat import OpenAIChat, RetryPolicy
from assistant.llm.prices import FREE, Price, price_of
from assistant.llm.probing import Ability, ListedModel, Probe, list_models, probe
from assistant.llm.providers import SERVICES, complete_address, service_at
from assistant.llm.registry import CREDENTIALS_FILE, batch_shape, endpoint_key, key_id
from assistant.llm.roles import FALLBACKS, ModelRole, fallbacks
from assistant.llm.settings import BatchName
from assistant.setting import keep, keep_model
from memory_store.network import display_url, is_loopback

# What of a named model becomes [model] when it answers.
_IN_USE: Final = ("provider", "name", "base_url", "model_path", "api_key_env", "batch", "context_tokens")
# Real models that run in this process, by the memory of the machine; each by the name of its file at Hugging Face.
RECOMMENDED: Final = (
    ("8 GB", "Qwen3-4B-Instruct-2507-Q4_K_M.gguf", "2.5 GB"),
    ("16 GB", "Qwen3-8B-Q4_K_M.gguf", "5.0 GB"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where models are asked, its key, and the shape of its batch API where that is said.

    `stored_as` is the name under which a key of it is kept.
    """

    base_url: str
    key: str | None = None
    api_key_env: str = ""
    batch: BatchName = ""

    @property
    def stored_as(self) -> str:
        """The name under which its key is stored."""
        return key_id(self.base_url)

    @property
    def title(self) -> str:
        """Its name for a person: the service's, or the host's."""
        service = service_at(self.base_url)
        return service.title if service is not None else self.stored_as


def endpoint(typed: str, api_key_env: str = "") -> Endpoint:
    """Return the endpoint of a service's name or an address, with a key that is there already. Raises ConfigError."""
    wanted = typed.strip().casefold()
    service = next((item for item in SERVICES if wanted in {item.id, item.title.casefold()}), None)
    base_url = service.base_url if service is not None else complete_address(typed)
    at_home = is_loopback(base_url) and not api_key_env
    known = service or service_at(base_url)
    key = find_key(
        key_id(base_url),
        api_key_env or (known.key_name if known else None),
        _credentials(),
        keyring_read=(lambda service, user: None) if at_home else None,
    )
    return Endpoint(base_url, key.get_secret_value() if key else None, api_key_env)


async def listed(where: Endpoint) -> list[ListedModel]:
    """Return the models of an endpoint. Raises ModelError, or CredentialError for a key missing or refused."""
    return await list_models(where.base_url, where.key)


async def try_out(where: Endpoint, name: str, settings: Settings) -> Probe:
    """Ask a model of an endpoint for a real answer, and see what the endpoint can. Raises ModelError."""
    model = OpenAIChat(
        where.base_url,
        name,
        where.key,
        connect_timeout_s=settings.model.connect_timeout_s,
        read_timeout_s=settings.model.read_timeout_s,
        retry=RetryPolicy(max_retries=1),
        key_name=where.api_key_env,
    )
    return await _tried(model, where)


async def try_again(settings: Settings, chosen: NamedModel) -> Probe:
    """Try a model that is set up. Raises ModelError, ConfigError or CredentialError."""
    from assistant import bootstrap

    in_use = with_model(settings, chosen)
    model = bootstrap.build_model(in_use)
    assert model is not None  # a model that is set up is no quotation
    if chosen.provider != "openai":
        return await _tried(model, None)
    key = endpoint_key(in_use.model, bootstrap.credentials_file())
    return await _tried(model, Endpoint(in_use.model.endpoint, key.get_secret_value() if key else None))


async def _tried(model: ChatModel, where: Endpoint | None) -> Probe:
    try:
        return await probe(model, where.base_url if where else None, where.key if where else None)
    finally:
        await model.close()


def named_model(where: Endpoint, name: str, tried: Probe | None, context_tokens: int | None = None) -> NamedModel:
    """Return a model of an endpoint as the settings have it, with what a trial showed."""
    window = context_tokens or (tried.context_tokens if tried else None) or NamedModel().context_tokens
    can = tried.can if tried else []
    return NamedModel("openai", name, where.base_url, "", where.api_key_env, where.batch, max(window, 512), can)


def keep_endpoint_key(where: Endpoint) -> str:
    """Keep a key that was typed; return where it is. It never goes into the settings. Raises CredentialError."""
    assert where.key is not None
    if is_loopback(where.base_url):
        store_key(where.stored_as, Secret(where.key), _credentials())
        return str(_credentials())
    return keep_key(where.stored_as, Secret(where.key), _credentials())


def free_name(settings: Settings, chosen: NamedModel, wanted: str = "") -> str:
    """Return a name for a model: the wanted one, else its own, with a number where another model has that."""
    if wanted:
        return wanted
    short = (chosen.name or Path(chosen.model_path).stem).rpartition("/")[2] or "model"
    numbered = (short if number == 1 else f"{short}-{number}" for number in range(1, 10_000))
    return next(text for text in numbered if text not in settings.models or is_same(settings.models[text], chosen))


def is_same(config: NamedModel | ModelConfig, other: NamedModel | ModelConfig) -> bool:
    """Say whether two of the settings mean the same model at the same place."""
    place = ("provider", "name", "base_url", "model_path")
    return all(getattr(config, field) == getattr(other, field) for field in place)


def in_use(settings: Settings) -> str | None:
    """Return the name of the model that answers; None if it has none."""
    return next((name for name, model in settings.models.items() if is_same(model, settings.model)), None)


def can(settings: Settings, ability: Ability) -> bool:
    """Say whether a trial has shown that the model that answers can do something."""
    name = in_use(settings)
    return name is not None and ability in settings.models[name].can


def with_model(settings: Settings, chosen: NamedModel) -> Settings:
    """Return the settings with this model answering."""
    return replace(settings, model=replace(settings.model, **_values(chosen)))


def by_role(settings: Settings) -> dict[ModelRole, Settings]:
    """Return the settings for the model of each role that is set; the one that chats is [model], or [models.chat]."""
    found = {ModelRole.CHAT: settings}
    if settings.model.provider == "quote" and ModelRole.CHAT in settings.models:
        found[ModelRole.CHAT] = with_model(settings, settings.models[ModelRole.CHAT])
    for role in FALLBACKS:
        if role in settings.models:
            found[role] = with_model(settings, settings.models[role])
    return found


def late_settings(settings: Settings) -> Settings | None:
    """Return the settings for the model that answers later: [models.later], else who chats if that has a batch API."""
    chosen = by_role(settings)
    if ModelRole.LATER in chosen:
        return chosen[ModelRole.LATER]
    return chosen[ModelRole.CHAT] if batch_shape(chosen[ModelRole.CHAT].model) is not None else None


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who has a role: `by` is the role that it is set up for, None where nobody is for this one.

    `where` is its endpoint, empty where nothing is sent.
    """

    role: ModelRole
    by: ModelRole | None
    name: str
    where: str
    is_private: bool
    price: Price | None


def assigned(settings: Settings) -> list[Assigned]:
    """Return who has which role by the settings; nothing is built or asked."""
    chosen, own = by_role(settings), settings.own_prices
    found = []
    for role in ModelRole:
        late = role is ModelRole.LATER
        by = next(wanted for wanted in fallbacks(role) if wanted in chosen)
        if late and batch_shape(chosen[by].model) is None:
            found.append(Assigned(role, None, "", "", True, None))
            continue
        model = chosen[by].model
        is_sent = model.provider == "openai"
        name = model.name or Path(model.model_path).stem
        where = display_url(model.endpoint) if is_sent else model.model_path
        at_home = not is_sent or is_loopback(model.endpoint)
        price = own.get(name) or (price_of(name, model.endpoint, in_batch=late) if is_sent else FREE)
        found.append(Assigned(role, by, name, where, at_home, price))
    return found


def keep_named(file: Path, name: str, chosen: NamedModel) -> None:
    """Keep a model under a name in the settings' file. Raises ConfigError."""
    defaults = asdict(NamedModel())
    keep_model(file, name, {key: value for key, value in asdict(chosen).items() if value != defaults[key]})


def keep_in_use(file: Path, chosen: NamedModel) -> None:
    """Have a model answer from now on. Raises ConfigError."""
    keep(file, "model", _values(chosen))


def keep_quoting(file: Path) -> None:
    """Have no language model answer. Raises ConfigError."""
    keep(file, "model", {**_values(NamedModel()), "provider": "quote"})


def as_named(config: ModelConfig) -> NamedModel:
    """Return the model in use as one that has a name. Raises ConfigError where none is in use."""
    if config.provider == "quote":
        raise ConfigError("No model is in use.", "`keepsake model add` sets one up.")
    return NamedModel(
        config.provider,
        config.name,
        config.base_url,
        config.model_path,
        config.api_key_env,
        config.batch,
        config.context_tokens,
    )


def remove(file: Path, settings: Settings, name: str) -> bool:
    """Take a model out of the settings; return whether its key went as well, since nothing else is asked there.

    Raises ConfigError where there is none of this name.
    """
    chosen = find(settings, name)
    keep_model(file, name, None)
    if is_same(chosen, settings.model):
        keep_quoting(file)
    others = [model.base_url for other, model in settings.models.items() if other != name]
    if not chosen.base_url or any(key_id(text) == key_id(chosen.base_url) for text in others if text):
        return False
    forget_key(key_id(chosen.base_url), _credentials())
    return True


def find(settings: Settings, name: str) -> NamedModel:
    """Return the model of a name, or of the endpoint in use by its own. Raises ConfigError."""
    if name in settings.models:
        return settings.models[name]
    known = ", ".join(settings.models) or "none yet; `keepsake model add` sets one up"
    raise ConfigError(f"There is no model {name} in the settings.", f"There are: {known}.")


def _values(chosen: NamedModel) -> dict[str, Any]:
    return {field: getattr(chosen, field) for field in _IN_USE}


def _credentials() -> Path:
    return config_folder() / CREDENTIALS_FILE
