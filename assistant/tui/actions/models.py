"""Who answers: what was found on this machine, what each costs and where it runs, and the choice."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from assistant import bootstrap
from assistant.config import ModelConfig
from assistant.display import plain
from assistant.errors import ModelError
from assistant.language import _
from assistant.llm.detection import FoundModel, detect
from assistant.setting import keep
from assistant.tui.applying import apply
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store.network import host_of, is_loopback

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

QUOTE: Final = FoundModel("quote", "quote", None, "")


async def choose(chat: ChatScreen, argument: str) -> None:
    """Choose who answers, by name or from a list; the choice is kept in the configuration file."""
    if not argument:
        current = plain(chat.services.model.name, one_line=True)
        await pick(chat, _("Who answers?  {name} answers now").format(name=current))
        return
    found = [QUOTE, *await detect()]
    chosen = next((one for one in found if one.name == argument), None) or _under_this_name(chat, argument)
    if chosen is None:
        await chat.notice(
            _("No model {name} was found.").format(name=argument), _("/model lists what was found."), "warning"
        )
        return
    await use(chat, chosen)


async def found_here() -> list[FoundModel]:
    """Return what could answer, as this machine has it."""
    return await detect()


async def pick(chat: ChatScreen, title: str) -> bool:
    """Let the user choose who answers from what was found here; return whether somebody was chosen."""
    found = [QUOTE, *await detect()]
    choices = [Choice(label(one), _detail(one), one) for one in found if one.provider != "embedded" or one.name]
    picked = await chat.app.push_screen_wait(Chooser(title, choices))
    if picked is not None and not picked.name:
        picked = await _of_the_service(chat, picked)
    if picked is None:
        return False
    await use(chat, picked)
    return True


def label(found: FoundModel) -> str:
    """Return what a model is called in a list."""
    name = found.name or (_("a model at {host}").format(host=host_of(found.base_url)) if found.base_url else "")
    return plain(name or _("a model file"), one_line=True)


def _detail(found: FoundModel) -> str:
    """Return where a model was found, where it runs and what it costs."""
    if found.provider == "quote":
        return _("no language model: the best passages, quoted")
    if found.base_url is None or is_loopback(found.base_url):
        return " · ".join([found.detail, _("on this machine, free")])
    return " · ".join([found.detail, _("elsewhere, at a price")])


def _under_this_name(chat: ChatScreen, name: str) -> FoundModel | None:
    """Return a model of the endpoint that is configured, where one is."""
    chosen = chat.services.settings.model
    if chosen.provider != "openai":
        return None
    return FoundModel("openai", name, chosen.base_url, "", api_key_env=chosen.api_key_env or None)


async def _of_the_service(chat: ChatScreen, found: FoundModel) -> FoundModel | None:
    """A service has many models; list them with their prices, or ask for a name where it doesn't tell them."""
    from assistant.tui.screens.ask import AskScreen

    assert found.base_url is not None
    host = host_of(found.base_url)
    title = _("Which model at {host}?").format(host=host)
    name: str | None = ""
    try:
        names = await _names_at(chat, found)
    except ModelError as error:
        await chat.notice(error.message, error.hint, "warning")
    else:
        priced = await in_thread(lambda: [(one, price_label(one, found.base_url or "")) for one in names])
        other = Choice(_("Another one"), _("by its name"), "")
        name = await chat.app.push_screen_wait(Chooser(title, [*(Choice(one, how, one) for one, how in priced), other]))
    if name == "":
        name = await chat.app.push_screen_wait(AskScreen(title, _("its name, as the service writes it")))
    if not name:
        return None
    return FoundModel(found.provider, name, found.base_url, found.detail, api_key_env=found.api_key_env)


async def _names_at(chat: ChatScreen, found: FoundModel) -> list[str]:
    from assistant.llm.listing import models_at

    assert found.base_url is not None
    base_url = found.base_url
    if chat.keeper is not None:
        chat.keeper.show_activity(_("asking {host} for its models…").format(host=host_of(base_url)))
    try:
        config = ModelConfig(provider="openai", name="any", base_url=base_url, api_key_env=found.api_key_env or "")
        settings = replace(chat.services.settings, model=config)
        key = await in_thread(lambda: bootstrap.model_key(settings))
        return await models_at(base_url, key)
    finally:
        if chat.keeper is not None:
            chat.keeper.show_activity()


def price_label(name: str, base_url: str) -> str:
    """Return the list price of a model in words; it loads the list of prices the first time."""
    from assistant.llm.prices import FREE, price_of

    price = price_of(name, base_url)
    if price is None:
        return _("price not known")
    if price == FREE:
        return _("free")
    return _("${input:.2f} in, ${output:.2f} out per million tokens").format(input=price.input, output=price.output)


async def use(chat: ChatScreen, found: FoundModel) -> None:
    """Answer with this model from now on, and keep the choice."""
    services = chat.services
    values: dict[str, str | int] = {
        "provider": found.provider,
        "name": "" if found.provider == "quote" else found.name,
        "base_url": found.base_url or "",
        "model_path": str(found.model_path or ""),
        "api_key_env": found.api_key_env or "",
    }
    config = ModelConfig(**{**asdict(services.settings.model), **values})
    await apply(chat, replace(services.settings, model=config), choose=True)
    await in_thread(lambda: keep(services.config_file, "model", values))
    hint = _("Nothing leaves this machine.")
    if found.base_url is not None and not is_loopback(found.base_url):
        price = await in_thread(lambda: price_label(found.name, found.base_url or ""))
        hint = _(
            "Your questions and the passages recalled for them go there; what is private does not. List price: {price}."
        ).format(price=price)
    name = plain(services.model.name, one_line=True)
    await chat.notice(_("{name} answers from now on.").format(name=name), hint, "good")
