"""Who answers: what was found on this machine, the welcome of a first start, and the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assistant.config import ModelConfig
from assistant.display import plain
from assistant.llm.detection import FoundModel, detect
from assistant.setting import keep
from assistant.tui.applying import apply
from assistant.tui.screens.chooser import Choice, Chooser
from assistant.tui.threads import in_thread
from memory_store.network import host_of, is_loopback

if TYPE_CHECKING:
    from assistant.tui.screens.chat import ChatScreen

QUOTE: Final = FoundModel("quote", "quote", None, "no language model: the best passages, quoted")


async def welcome(chat: ChatScreen) -> None:
    """Say, at a first start, what this is, what was found here and what to do next."""
    found = [one for one in await detect() if one.name or one.api_key_env]
    lines = [f"{_label(one)}: {one.detail}" for one in found[:6]]
    if len(found) > 6:
        lines.append(f"… and {len(found) - 6} more; /model lists them")
    here = (
        "\n".join(["Found on this machine:", *(f"  {line}" for line in lines)]) if lines else "Found: no model server"
    )
    await chat.notice(
        "Welcome. Keepsake remembers what you tell it and what you import, and answers with sources.",
        "\n".join(
            [
                "Until you choose a language model, answers are quotations from your memory.",
                here,
                "/model chooses who answers",
                "/import ~/Documents brings in files",
                f"Your memory lives in {chat.services.store.folder}",
            ]
        ),
    )


async def choose(chat: ChatScreen, argument: str) -> None:
    """Choose who answers, by name or from a list; the choice is kept in the configuration file."""
    found = [QUOTE, *await detect()]
    if argument:
        chosen = next((one for one in found if one.name == argument), None)
        if chosen is None:
            chosen = _under_this_name(chat, argument)
        if chosen is None:
            await chat.notice(f"No model {argument} was found.", "/model lists what was found.", "warning")
            return
    else:
        choices = [Choice(_label(one), one.detail, one) for one in found if one.provider != "embedded" or one.name]
        current = f"{plain(chat.services.model.name, one_line=True)} answers now"
        picked = await chat.app.push_screen_wait(Chooser(f"Who answers?  {current}", choices))
        if picked is None:
            return
        if not picked.name:
            await _ask_for_name(chat, picked)
            return
        chosen = picked
    await use(chat, chosen)


def _label(found: FoundModel) -> str:
    name = found.name or (f"a model at {host_of(found.base_url)}" if found.base_url else "a model file")
    return plain(name, one_line=True)


def _under_this_name(chat: ChatScreen, name: str) -> FoundModel | None:
    """Return a model of the endpoint that is configured, where one is."""
    chosen = chat.services.settings.model
    if chosen.provider != "openai":
        return None
    return FoundModel("openai", name, chosen.base_url, "as configured", api_key_env=chosen.api_key_env or None)


async def _ask_for_name(chat: ChatScreen, found: FoundModel) -> None:
    """A service with a key has many models; which one, only the user knows."""
    from assistant.tui.screens.ask import AskScreen

    assert found.base_url is not None
    name = await chat.app.push_screen_wait(
        AskScreen(f"Which model at {host_of(found.base_url)}?", "its name, as the service writes it")
    )
    if name:
        await use(chat, FoundModel(found.provider, name, found.base_url, found.detail, api_key_env=found.api_key_env))


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
    config = ModelConfig(**{**services.settings.model.model_dump(), **values})
    await apply(chat, services.settings.model_copy(update={"model": config}), choose=True)
    await in_thread(lambda: keep(services.config_file, "model", values))
    elsewhere = found.base_url is not None and not is_loopback(found.base_url)
    hint = (
        "Your questions and the passages recalled for them go there; what is marked private does not."
        if elsewhere
        else "Nothing leaves this machine."
    )
    await chat.notice(f"{plain(services.model.name, one_line=True)} answers from now on.", hint, "good")
