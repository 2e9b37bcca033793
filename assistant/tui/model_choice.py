"""Who answers: what is set up and what was found, the dialog that sets up another, and the choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from assistant import config, model_setup
from assistant.config import NamedModel
from assistant.core.conversation.skin import Choice, Report, Skin
from assistant.display import plain
from assistant.errors import CredentialError, ModelError
from assistant.language import N_, _
from assistant.llm.detection import FoundModel, detect
from assistant.llm.probing import ListedModel, Probe, find_window
from assistant.llm.providers import SERVICES, complete_address
from assistant.model_setup import Endpoint
from assistant.threads import in_thread
from memory_store.errors import KeepsakeError
from memory_store.network import host_of, is_loopback

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.llm.prices import Price
    from assistant.tui.services import Services

T = TypeVar("T")
_ELSEWHERE: Final = N_(
    "Your questions and the passages recalled for them go there; what is private does not. List price: {price}."
)
QUOTE: Final = FoundModel("quote", "quote", None, "")


@dataclass(frozen=True, slots=True)
class _SetUp:
    """What a line of the list sets up: the service or address with a key, or one that is still to be chosen."""

    where: str = ""
    api_key_env: str = ""


class TypingSkin(Skin, Protocol):
    """A skin whose lists can be written into."""

    async def choose_or_type(self, title: str, choices: Sequence[Choice[T]]) -> tuple[T | None, str]:
        """Return the value of what is chosen, None if nothing is, and the words that were written and fit no line."""

    def take_typed(self, text: str) -> None:
        """Take words that were written into a list and meant for the prompt."""


class Apply(Protocol):
    """Puts settings in force."""

    async def __call__(self, settings: Settings, *, choose: bool = False) -> None:
        """Raise ConfigError or CredentialError for a model that can't be built; all stays as it is then."""


class ModelChoice:
    """Lets the user choose who answers, or set up another, and keeps the choice."""

    def __init__(self, services: Services, skin: TypingSkin, apply: Apply) -> None:
        self._services = services
        self._skin = skin
        self._apply = apply

    async def choose(self, argument: str) -> None:
        """Choose who answers, by name or from a list; the choice is kept in the configuration file."""
        if not argument:
            current = plain(self._services.answerer.info.name, one_line=True)
            await self.pick(_("Who answers?  {name} answers now").format(name=current))
            return
        settings = await self._settings_now()
        if argument in settings.models:
            await self.use(settings.models[argument], argument)
            return
        found = [QUOTE, *await detect()]
        chosen = next((model for model in found if model.name == argument), None)
        if chosen is not None:
            await self._use_found(chosen)
        elif settings.model.provider == "openai":  # a model of the endpoint that is configured
            await self.use(await _with_window(replace(model_setup.as_named(settings.model), name=argument)))
        else:
            words = _("No model {name} was found.").format(name=argument)
            await self._skin.tell(Report(words, _("/model lists what was found."), "warning"))

    async def pick(self, title: str) -> bool:
        """Let the user choose who answers, or set up another; return False where words were typed that fit nothing.

        They are taken as written into the prompt: who typed them meant them for the chat.
        """
        settings = await self._settings_now()
        found = [model for model in await detect() if model.provider != "embedded" or model.name]
        known = {(model.base_url, model.name) for model in settings.models.values()}
        choices: list[Choice[FoundModel | NamedModel | _SetUp]] = [Choice(label(QUOTE), _detail(QUOTE), QUOTE)]
        choices += [
            Choice(plain(name, one_line=True), _about_named(settings, model), model)
            for name, model in settings.models.items()
        ]
        choices += [
            Choice(label(model), _detail(model), _line(model))
            for model in found
            if (model.base_url, model.name) not in known
        ]
        choices.append(Choice(_("Another service or address"), _("with its key, or none"), _SetUp()))
        picked, typed = await self._skin.choose_or_type(title, choices)
        if typed:
            self._skin.take_typed(typed)
            return False
        match picked:
            case FoundModel():
                await self._use_found(picked)
            case NamedModel():
                name = next(name for name, model in settings.models.items() if model == picked)
                await self.use(picked, name)
            case _SetUp():
                await self._set_up(picked.where, picked.api_key_env)
        return True

    async def _settings_now(self) -> Settings:
        """Return the settings with the models as the file has them: another program may have tried one anew."""
        settings, file = self._services.settings, self._services.config_file
        kept = await in_thread(lambda: config.load(file).models if file.is_file() else {})
        return replace(settings, models={**settings.models, **kept})

    async def _set_up(self, where: str = "", api_key_env: str = "") -> None:
        """Lead from a service or an address over its key and a model to a trial, and use it if that goes well."""
        where = where or await self._asked_where()
        if not where:
            return
        endpoint = await in_thread(lambda: model_setup.endpoint(where, api_key_env))
        typed: str | None = ""
        if endpoint.key is None and not is_loopback(endpoint.base_url):
            typed = await self._asked_key(endpoint)
        while True:
            if typed is None:
                return
            endpoint = replace(endpoint, key=typed or endpoint.key)
            try:
                chosen = await self._asked_model(endpoint)
                break
            except CredentialError as error:
                await self._skin.tell(Report(error.message, error.hint, "warning"))
                typed = await self._asked_key(endpoint)
        if chosen is None:
            return
        tried = await self._tried(endpoint, chosen.name)
        if tried is None:
            return
        if typed:
            await in_thread(lambda: model_setup.keep_endpoint_key(endpoint))
        found = model_setup.named_model(endpoint, chosen.name, tried, tried.context_tokens or chosen.context_tokens)
        await self.use(found, tried=tried, price=chosen.price)

    async def _asked_key(self, endpoint: Endpoint) -> str | None:
        """Return a key that is typed unseen, empty for none; None if the dialog was closed."""
        question = _("The key of {service}").format(service=plain(endpoint.title, one_line=True))
        hint = _("It is kept in the system's keyring or a file of yours, never in the settings. Empty for none.")
        return await self._skin.ask(question, _("not shown"), hint=hint, secret=True)

    async def _asked_where(self) -> str:
        """Return the service or the address that was chosen; empty if the dialog was closed."""
        services = [Choice(service.title, host_of(service.base_url), service.id) for service in SERVICES]
        other = Choice(_("An address"), _("of a server of yours or of any other service"), "")
        where, typed = await self._skin.choose_or_type(_("Which service?"), [*services, other])
        if typed:
            return complete_address(typed)
        if where == "":
            where = await self._skin.ask(_("Its address"), "http://127.0.0.1:8080/v1", check=complete_address)
        return where or ""

    async def _asked_model(self, endpoint: Endpoint) -> ListedModel | None:
        """List the models of an endpoint with their prices, or ask for a name where it doesn't tell them.

        Raises CredentialError for a key that is missing or refused.
        """
        host = endpoint.title
        title = _("Which model at {host}?").format(host=plain(host, one_line=True))
        listed: list[ListedModel] = []
        try:
            with self._doing(_("asking {host} for its models…").format(host=host)):
                listed = await model_setup.listed(endpoint)
        except ModelError as error:
            await self._skin.tell(Report(error.message, error.hint, "warning"))
        named = ListedModel("")
        if listed:
            other = Choice(_("Another one"), _("by its name"), named)
            choices = [*(Choice(plain(model.name, one_line=True), about(model), model) for model in listed), other]
            picked = await self._skin.choose(title, choices)
            if picked is None or picked.name:
                return picked
        name = await self._skin.ask(title, _("its name, as the service writes it"))
        return ListedModel(name) if name else None

    async def _tried(self, endpoint: Endpoint, name: str) -> Probe | None:
        try:
            with self._doing(_("asking {name} for a first answer…").format(name=plain(name, one_line=True))):
                return await model_setup.try_out(endpoint, name, self._services.settings)
        except KeepsakeError as error:
            next_step = _("Nothing was changed; /model begins again.")
            await self._skin.tell(Report(error.message, f"{error.hint} {next_step}".strip(), "error"))
            return None

    @contextmanager
    def _doing(self, activity: str) -> Iterator[None]:
        self._skin.show_activity(activity)
        try:
            yield
        finally:
            self._skin.show_activity()

    async def _use_found(self, found: FoundModel) -> None:
        """Answer with what was found on this machine; how much it reads is asked of its server."""
        if found.provider == "quote":
            await self._quote()
            return
        chosen = NamedModel("openai" if found.base_url else "embedded", found.name, found.base_url or "")
        chosen = replace(chosen, model_path=str(found.model_path or ""), api_key_env=found.api_key_env or "")
        await self.use(await _with_window(chosen))

    async def _quote(self) -> None:
        services = self._services
        config = replace(services.settings.model, provider="quote", name="", base_url="", model_path="", api_key_env="")
        await self._apply(replace(services.settings, model=config), choose=True)
        await in_thread(lambda: model_setup.keep_quoting(services.config_file))
        await self._tell(_("Nothing leaves this machine."))

    async def use(
        self, chosen: NamedModel, name: str = "", *, tried: Probe | None = None, price: Price | None = None
    ) -> None:
        """Answer with this model from now on, and keep the choice, under a name to switch to it by."""
        from assistant.llm.prices import price_of

        services = self._services
        called = model_setup.free_name(services.settings, chosen, name)
        settings = replace(services.settings, models={**services.settings.models, called: chosen})
        await self._apply(model_setup.with_model(settings, chosen), choose=True)

        def keep() -> None:
            model_setup.keep_named(services.config_file, called, chosen)
            model_setup.keep_in_use(services.config_file, chosen)

        await in_thread(keep)
        hint = _("Nothing leaves this machine.")
        if chosen.base_url and not is_loopback(chosen.base_url):
            known = price or await in_thread(lambda: price_of(chosen.name, chosen.base_url))
            hint = _(_ELSEWHERE).format(price=price_label(known))
        await self._tell("\n".join([*(_trial(tried) if tried else ()), hint]))

    async def _tell(self, hint: str) -> None:
        name = plain(self._services.answerer.info.name, one_line=True)
        await self._skin.tell(Report(_("{name} answers from now on.").format(name=name), hint, "good"))


async def found_here() -> list[FoundModel]:
    """Return what could answer, as this machine has it."""
    return await detect()


def label(found: FoundModel) -> str:
    """Return what a model is called in a list."""
    name = found.name or (_("a model at {host}").format(host=host_of(found.base_url)) if found.base_url else "")
    return plain(name or _("a model file"), one_line=True)


def _line(found: FoundModel) -> FoundModel | _SetUp:
    return found if found.name else _SetUp(found.base_url or "", found.api_key_env or "")


def _detail(found: FoundModel) -> str:
    """Return where a model was found, where it runs and what it costs."""
    if found.provider == "quote":
        return _("no language model: the best passages, quoted")
    if found.base_url is None or is_loopback(found.base_url):
        return " · ".join([found.detail, _("on this machine, free")])
    return " · ".join([found.detail, _("elsewhere, at a price")])


def _about_named(settings: Settings, model: NamedModel) -> str:
    where = _("on this machine") if not model.base_url or is_loopback(model.base_url) else host_of(model.base_url)
    parts = [where, _("{count:,} tokens").format(count=model.context_tokens)]
    if model_setup.is_same(model, settings.model):
        parts.append(_("answers now"))
    return " · ".join(parts)


def about(model: ListedModel) -> str:
    """Return what a model of a service reads and costs, in words."""
    window = [_("{count:,} tokens").format(count=model.context_tokens)] if model.context_tokens else []
    return " · ".join([*window, price_label(model.price)])


def price_label(price: Price | None) -> str:
    """Return a list price in words."""
    from assistant.llm.prices import FREE

    if price is None:
        return _("price not known")
    if price == FREE:
        return _("free")
    return _("${input:.2f} in, ${output:.2f} out per million tokens").format(input=price.input, output=price.output)


async def _with_window(chosen: NamedModel) -> NamedModel:
    if not chosen.base_url:
        return chosen
    endpoint = await in_thread(lambda: model_setup.endpoint(chosen.base_url, chosen.api_key_env))
    window = await find_window(endpoint.base_url, chosen.name, endpoint.key)
    return replace(chosen, context_tokens=max(window, 512)) if window else chosen


def _trial(tried: Probe) -> list[str]:
    """Return what came of a trial, a line each."""
    names = {"stream": _("streaming"), "schema": _("JSON by a schema"), "tools": _("tools"), "images": _("images")}
    said = plain(" ".join(tried.answer.split()), one_line=True)
    can = ", ".join(names[ability] for ability in tried.can) or _("nothing beside answering")
    return [
        _("It said: {answer}").format(answer=said),
        _("First word after {seconds:.1f} s; it can: {abilities}.").format(seconds=tried.first_s, abilities=can),
    ]


def how_to_get_one() -> list[str]:
    """Return how someone with nothing installed gets a model, in three lines."""
    files = "; ".join(f"{memory}: {name} ({size})" for memory, name, size in model_setup.RECOMMENDED)
    return [
        _("Free: install Ollama from https://ollama.com and run `ollama pull qwen3:4b`; then /model finds it."),
        _("With a key: get one at https://openrouter.ai/keys; then /model and “Another service or address”."),
        _("As a file, with the extra `local`, by memory: {files}").format(files=files),
    ]
