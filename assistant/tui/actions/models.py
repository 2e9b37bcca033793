"""Who answers: what is set up and what was found, the dialog that sets up another, and the choice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from assistant import model_setup
from assistant.config import NamedModel, Settings
from assistant.display import plain
from assistant.errors import CredentialError, ModelError
from assistant.language import _
from assistant.llm.addresses import checked_address
from assistant.llm.detection import FoundModel, detect
from assistant.llm.listing import ListedModel, window_at
from assistant.llm.probing import Probe
from assistant.llm.providers import SERVICES
from assistant.model_setup import Endpoint
from assistant.tui.applying import apply
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store.errors import KeepsakeError
from memory_store.network import host_of, is_loopback

if TYPE_CHECKING:
    from assistant.llm.prices import Price
    from assistant.tui.screens.chat import ChatScreen

QUOTE: Final = FoundModel("quote", "quote", None, "")


@dataclass(frozen=True, slots=True)
class _SetUp:
    """What a line of the list sets up: the service or address with a key, or one that is still to be chosen."""

    where: str = ""
    api_key_env: str = ""


async def choose(chat: ChatScreen, argument: str) -> None:
    """Choose who answers, by name or from a list; the choice is kept in the configuration file."""
    if not argument:
        current = plain(chat.services.model.name, one_line=True)
        await pick(chat, _("Who answers?  {name} answers now").format(name=current))
        return
    settings = chat.services.settings
    if argument in settings.models:
        await use(chat, settings.models[argument], argument)
        return
    found = [QUOTE, *await detect()]
    chosen = next((one for one in found if one.name == argument), None)
    if chosen is not None:
        await _use_found(chat, chosen)
    elif settings.model.provider == "openai":  # a model of the endpoint that is configured
        await use(chat, await _with_window(replace(model_setup.as_named(settings.model), name=argument)))
    else:
        await chat.notice(
            _("No model {name} was found.").format(name=argument), _("/model lists what was found."), "warning"
        )


async def found_here() -> list[FoundModel]:
    """Return what could answer, as this machine has it."""
    return await detect()


async def pick(chat: ChatScreen, title: str) -> bool:
    """Let the user choose who answers, or set up another; return False where words were typed that fit nothing.

    They go into the prompt: who typed them meant them for the chat.
    """
    settings = chat.services.settings
    found = [one for one in await detect() if one.provider != "embedded" or one.name]
    known = {(one.base_url, one.name) for one in settings.models.values()}
    choices: list[Choice[FoundModel | NamedModel | _SetUp]] = [Choice(label(QUOTE), _detail(QUOTE), QUOTE)]
    choices += [
        Choice(plain(name, one_line=True), _about_named(settings, one), one) for name, one in settings.models.items()
    ]
    choices += [Choice(label(one), _detail(one), _line(one)) for one in found if (one.base_url, one.name) not in known]
    choices.append(Choice(_("Another service or address"), _("with its key, or none"), _SetUp()))
    dialog = Chooser[FoundModel | NamedModel | _SetUp](title, choices, gives_back=True)
    picked = await chat.app.push_screen_wait(dialog)
    if dialog.unfit:
        chat.prompt.replace_all(dialog.unfit)
        return False
    match picked:
        case FoundModel():
            await _use_found(chat, picked)
        case NamedModel():
            name = next(name for name, one in settings.models.items() if one == picked)
            await use(chat, picked, name)
        case _SetUp():
            await set_up(chat, picked.where, picked.api_key_env)
    return True


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


def _about_named(settings: Settings, one: NamedModel) -> str:
    where = _("on this machine") if not one.base_url or is_loopback(one.base_url) else host_of(one.base_url)
    parts = [where, _("{count:,} tokens").format(count=one.context_tokens)]
    if model_setup.is_same(one, settings.model):
        parts.append(_("answers now"))
    return " · ".join(parts)


async def set_up(chat: ChatScreen, where: str = "", api_key_env: str = "") -> None:
    """Lead from a service or an address over its key and a model to a trial, and have it answer if that succeeds."""
    where = where or await _asked_where(chat)
    if not where:
        return
    endpoint = await in_thread(lambda: model_setup.endpoint(where, api_key_env))
    typed: str | None = ""
    if endpoint.key is None and not is_loopback(endpoint.base_url):
        typed = await _asked_key(chat, endpoint)
    while True:
        if typed is None:
            return
        endpoint = replace(endpoint, key=typed or endpoint.key)
        try:
            chosen = await _asked_model(chat, endpoint)
            break
        except CredentialError as error:
            await chat.notice(error.message, error.hint, "warning")
            typed = await _asked_key(chat, endpoint)
    if chosen is None:
        return
    tried = await _tried(chat, endpoint, chosen.name)
    if tried is None:
        return
    if typed:
        await in_thread(lambda: model_setup.keep_endpoint_key(endpoint))
    found = model_setup.named_model(endpoint, chosen.name, tried, tried.context_tokens or chosen.context_tokens)
    await use(chat, found, tried=tried, price=chosen.price)


async def _asked_key(chat: ChatScreen, endpoint: Endpoint) -> str | None:
    """Return a key that is typed unseen, empty for none; None if the dialog was closed."""
    question = _("The key of {service}").format(service=plain(endpoint.title, one_line=True))
    hint = _("It is kept in the system's keyring or a file of yours, never in the settings. Empty for none.")
    return await chat.app.push_screen_wait(AskScreen(question, _("not shown"), hint=hint, secret=True))


async def _asked_where(chat: ChatScreen) -> str:
    """Return the service or the address that was chosen; empty if the dialog was closed."""
    services = [Choice(one.title, host_of(one.base_url), one.id) for one in SERVICES]
    other = Choice(_("An address"), _("of a server of yours or of any other service"), "")
    where = await chat.app.push_screen_wait(Chooser[str](_("Which service?"), [*services, other]))
    if where == "":
        where = await chat.app.push_screen_wait(
            AskScreen(_("Its address"), "http://127.0.0.1:8080/v1", check=checked_address)
        )
    return where or ""


async def _asked_model(chat: ChatScreen, endpoint: Endpoint) -> ListedModel | None:
    """List the models of an endpoint with their prices, or ask for a name where it doesn't tell them.

    Raises CredentialError for a key that is missing or refused.
    """
    host = endpoint.title
    title = _("Which model at {host}?").format(host=plain(host, one_line=True))
    listed: list[ListedModel] = []
    try:
        with _doing(chat, _("asking {host} for its models…").format(host=host)):
            listed = await model_setup.listed(endpoint)
    except ModelError as error:
        await chat.notice(error.message, error.hint, "warning")
    named = ListedModel("")
    if listed:
        other = Choice(_("Another one"), _("by its name"), named)
        choices = [*(Choice(plain(one.name, one_line=True), about(one), one) for one in listed), other]
        picked = await chat.app.push_screen_wait(Chooser[ListedModel](title, choices))
        if picked is None or picked.name:
            return picked
    name = await chat.app.push_screen_wait(AskScreen(title, _("its name, as the service writes it")))
    return ListedModel(name) if name else None


async def _tried(chat: ChatScreen, endpoint: Endpoint, name: str) -> Probe | None:
    try:
        with _doing(chat, _("asking {name} for a first answer…").format(name=plain(name, one_line=True))):
            return await model_setup.try_out(endpoint, name, chat.services.settings)
    except KeepsakeError as error:
        next_step = _("Nothing was changed; /model begins again.")
        await chat.notice(error.message, f"{error.hint} {next_step}".strip(), "error")
        return None


@contextmanager
def _doing(chat: ChatScreen, activity: str) -> Iterator[None]:
    if chat.keeper is not None:
        chat.keeper.show_activity(activity)
    try:
        yield
    finally:
        if chat.keeper is not None:
            chat.keeper.show_activity()


def about(one: ListedModel) -> str:
    """Return what a model of a service reads and costs, in words."""
    window = [_("{count:,} tokens").format(count=one.context_tokens)] if one.context_tokens else []
    return " · ".join([*window, price_label(one.price)])


def price_label(price: Price | None) -> str:
    """Return a list price in words."""
    from assistant.llm.prices import FREE

    if price is None:
        return _("price not known")
    if price == FREE:
        return _("free")
    return _("${input:.2f} in, ${output:.2f} out per million tokens").format(input=price.input, output=price.output)


async def _use_found(chat: ChatScreen, found: FoundModel) -> None:
    """Answer with what was found on this machine; how much it reads is asked of its server."""
    if found.provider == "quote":
        await _quote(chat)
        return
    chosen = NamedModel("openai" if found.base_url else "embedded", found.name, found.base_url or "")
    chosen = replace(chosen, model_path=str(found.model_path or ""), api_key_env=found.api_key_env or "")
    await use(chat, await _with_window(chosen))


async def _with_window(chosen: NamedModel) -> NamedModel:
    if not chosen.base_url:
        return chosen
    endpoint = await in_thread(lambda: model_setup.endpoint(chosen.base_url, chosen.api_key_env))
    window = await window_at(endpoint.base_url, chosen.name, endpoint.key)
    return replace(chosen, context_tokens=max(window, 512)) if window else chosen


async def _quote(chat: ChatScreen) -> None:
    services = chat.services
    config = replace(services.settings.model, provider="quote", name="", base_url="", model_path="", api_key_env="")
    await apply(chat, replace(services.settings, model=config), choose=True)
    await in_thread(lambda: model_setup.keep_quoting(services.config_file))
    await _tell(chat, _("Nothing leaves this machine."))


async def use(
    chat: ChatScreen, chosen: NamedModel, name: str = "", *, tried: Probe | None = None, price: Price | None = None
) -> None:
    """Answer with this model from now on, and keep the choice, under a name to switch to it by."""
    from assistant.llm.prices import price_of

    services = chat.services
    called = model_setup.free_name(services.settings, chosen, name)
    settings = replace(services.settings, models={**services.settings.models, called: chosen})
    await apply(chat, model_setup.with_model(settings, chosen), choose=True)

    def keep() -> None:
        model_setup.keep_named(services.config_file, called, chosen)
        model_setup.keep_in_use(services.config_file, chosen)

    await in_thread(keep)
    hint = _("Nothing leaves this machine.")
    if chosen.base_url and not is_loopback(chosen.base_url):
        known = price or await in_thread(lambda: price_of(chosen.name, chosen.base_url))
        hint = _(
            "Your questions and the passages recalled for them go there; what is private does not. List price: {price}."
        ).format(price=price_label(known))
    await _tell(chat, "\n".join([*(_trial(tried) if tried else ()), hint]))


async def _tell(chat: ChatScreen, hint: str) -> None:
    name = plain(chat.services.model.name, one_line=True)
    await chat.notice(_("{name} answers from now on.").format(name=name), hint, "good")


def _trial(tried: Probe) -> list[str]:
    """Return what came of a trial, a line each."""
    names = {"stream": _("streaming"), "schema": _("JSON by a schema"), "tools": _("tools"), "images": _("images")}
    said = plain(" ".join(tried.answer.split()), one_line=True)
    can = ", ".join(names[one] for one in tried.can) or _("nothing beside answering")
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
