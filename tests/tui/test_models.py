"""Choosing who answers: what was found is listed, a choice holds at once and is kept, its reach is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from assistant import config, model_setup
from assistant.llm import providers
from assistant.llm.detection import FoundModel
from assistant.llm.providers import Service
from assistant.tui import model_choice as models
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from tests.llm.test_probing import capable
from tests.support.chat_server import ChatServer, Failure, Stream
from tests.tui.support import House, chatting


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep keys in a folder of the test, and in no keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setattr(model_setup, "config_folder", lambda: tmp_path)
    monkeypatch.setattr("assistant.bootstrap.config_folder", lambda: tmp_path)


def found(monkeypatch: pytest.MonkeyPatch, *there: FoundModel) -> None:
    """Have detection find exactly these."""

    async def detect() -> list[FoundModel]:
        return list(there)

    monkeypatch.setattr(models, "detect", detect)


async def test_a_model_is_chosen_from_the_list_answers_at_once_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as server:
        found(monkeypatch, FoundModel("openai", "scripted-model", server.url, "Ollama at 127.0.0.1:11434"))
        server.script(Stream(pieces=("From the server.",)))
        async with chatting(tmp_path) as house:
            await house.say("/model")
            dialog = await house.dialog(Chooser)
            assert dialog.query_one(OptionList).option_count == 3
            await house.pilot.press("down", "enter")
            await house.until(lambda: house.notices)
            assert house.notices[0].startswith("scripted-model answers from now on.")
            assert "Nothing leaves this machine." in house.notices[0]
            answer = await house.ask("Hello")
            assert answer.text == "From the server."
        kept = config.load(tmp_path / "config.toml").model
        assert (kept.provider, kept.name, kept.base_url) == ("openai", "scripted-model", server.url)
        assert "# The endpoint." in (tmp_path / "config.toml").read_text("utf-8")


async def test_a_newcomer_comes_from_the_first_start_to_an_answer_by_the_dialog_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"id": "small", "context_length": 9000}
    with ChatServer(capable, models=[small, {"id": "large"}], key="sk-not-a-real-key") as server:
        service = Service("scripted", "Scripted Service", server.url, "SCRIPTED_API_KEY")
        monkeypatch.setattr(models, "SERVICES", (service,))
        monkeypatch.setattr(model_setup, "SERVICES", (service,))
        monkeypatch.setattr(providers, "SERVICES", (service,))
        monkeypatch.setattr(models, "is_loopback", lambda url: False)  # so that it is asked for a key
        found(monkeypatch)
        async with chatting(tmp_path, first_start=True, size=(60, 20)) as house:
            dialog = await house.dialog(Chooser)
            await house.press_keys("another service")
            await house.pilot.press("enter")
            dialog = await another(house, dialog, Chooser)
            await house.pilot.press("enter")
            dialog = await another(house, dialog, AskScreen)
            assert dialog.query_one(Input).password
            await house.press_keys("sk-wrong")
            await house.pilot.press("enter")
            dialog = await another(house, dialog, AskScreen)
            assert any("did not accept the key" in one for one in house.notices)
            await house.press_keys("sk-not-a-real-key")
            await house.pilot.press("enter")
            dialog = await another(house, dialog, Chooser)
            lines = [str(one.prompt) for one in dialog.query_one(OptionList).options]
            assert [line.split("   ")[0] for line in lines] == ["large", "small", "Another one"]
            assert "9,000 tokens" in lines[1]
            await house.press_keys("small")
            await house.pilot.press("enter")
            dialog = await another(house, dialog, Chooser)  # what it shall know
            await house.pilot.press("escape")
            await house.until(lambda: any("3 of 3" in one for one in house.notices))
            assert not any("ollama pull" in one for one in house.notices)
            (told,) = [one for one in house.notices if "answers from now on" in one]
            assert "It said: Fresh grass is green." in told
            assert "streaming, JSON by a schema, tools, images" in told
            assert (await house.ask("What colour is grass?")).text == "Fresh grass is green."
        settings = config.load(tmp_path / "config.toml")
        assert (settings.model.name, settings.model.context_tokens) == ("small", 9000)
        assert settings.models["small"].can == ["stream", "schema", "tools", "images"]
        assert "sk-not" not in (tmp_path / "config.toml").read_text("utf-8")
        assert "sk-not" in (tmp_path / "credentials.toml").read_text("utf-8")


async def another(house: House, before: Screen[Any], kind: type[Screen[Any]]) -> Any:
    """Wait for a further dialog."""
    await house.until(lambda: house.app.screen is not before and isinstance(house.app.screen, kind))
    await house.until(lambda: house.app.screen.query(Input))
    return house.app.screen


async def test_an_address_is_checked_while_it_is_typed_and_a_model_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch)
    with ChatServer(lambda request: Failure(404, "model not found"), models=["only"]) as server:
        async with chatting(tmp_path) as house:
            await house.say("/model")
            dialog = await house.dialog(Chooser)
            await house.pilot.press("up", "enter")
            dialog = await another(house, dialog, Chooser)
            await house.pilot.press("up", "enter")
            dialog = await another(house, dialog, AskScreen)
            dialog.query_one(Input).value = "ftp://127.0.0.1"
            await house.until(lambda: "ftp://" in str(dialog.query_one(".dialog--hint", Static).render()))
            await house.pilot.press("enter")
            assert house.app.screen is dialog
            dialog.query_one(Input).value = server.url
            await house.pilot.press("enter")
            dialog = await another(house, dialog, Chooser)
            await house.pilot.press("enter")
            await house.until(lambda: house.notices)
            assert "knows no model" in house.notices[0]
            assert house.chat.services.models.chat is house.model
        assert not (tmp_path / "config.toml").exists()


async def test_an_address_may_be_written_into_the_list_of_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch)
    with ChatServer(models=["first", "second"]) as server:
        async with chatting(tmp_path) as house:
            await house.say("/model")
            dialog = await house.dialog(Chooser)
            await house.pilot.press("up", "enter")
            dialog = await another(house, dialog, Chooser)
            await house.press_keys(server.url.removeprefix("http://").removesuffix("/v1"))
            await house.pilot.press("enter")
            dialog = await another(house, dialog, Chooser)
            lines = [str(line.prompt) for line in dialog.query_one(OptionList).options]
            assert [line.split("   ")[0] for line in lines] == ["first", "second", "Another one"]
            await house.pilot.press("escape")


async def test_models_that_are_set_up_are_switched_in_two_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    with ChatServer() as server:
        both = {name: config.NamedModel(name=name, base_url=server.url) for name in ("first", "second")}
        async with chatting(tmp_path, settings=replace(config.Settings(), models=both)) as house:
            await house.say("/model")
            await house.dialog(Chooser)
            await house.pilot.press("down", "down", "enter")
            await house.until(lambda: house.notices)
            assert house.chat.services.answerer.info.name == "second"
            await house.say("/model first")
            await house.until(lambda: len(house.notices) == 2)
            assert house.chat.services.answerer.info.name == "first"
            tried = replace(both["second"], can=["stream", "tools"])  # as `keepsake model test` keeps it meanwhile
            model_setup.keep_named(tmp_path / "config.toml", "second", tried)
            await house.say("/model second")
            await house.until(lambda: len(house.notices) == 3)
            assert house.chat.services.answerer.info.calls_tools
        settings = config.load(tmp_path / "config.toml")
        assert (settings.model.name, settings.models["second"].can) == ("second", ["stream", "tools"])


async def test_quotations_can_be_gone_back_to_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    async with chatting(tmp_path) as house:
        await house.say("/model quote")
        await house.until(lambda: house.notices)
        answer = await house.ask("Is there anything?")
        assert "No language model is configured" in answer.text


async def test_an_unknown_model_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    async with chatting(tmp_path) as house:
        await house.say("/model nobody")
        await house.until(lambda: house.notices)
        assert house.chat.services.models.chat is house.model
        assert not (tmp_path / "config.toml").exists()
