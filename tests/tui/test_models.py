"""Choosing who answers: what was found is listed, a choice holds at once and is kept, its reach is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from assistant import config
from assistant.errors import ModelError
from assistant.llm.detection import FoundModel
from assistant.tui.actions import models
from assistant.tui.screens.ask import AskScreen
from assistant.tui.screens.chooser import Chooser
from tests.support.chat_server import ChatServer, Stream
from tests.tui.support import chatting


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
            assert dialog.query_one(OptionList).option_count == 2
            await house.pilot.press("down", "enter")
            await house.until(lambda: house.notices)
            assert house.notices[0].startswith("scripted-model answers from now on.")
            assert "Nothing leaves this machine." in house.notices[0]
            answer = await house.ask("Hello")
            assert answer.text == "From the server."
        kept = config.load(tmp_path / "config.toml").model
        assert (kept.provider, kept.name, kept.base_url) == ("openai", "scripted-model", server.url)
        assert "# The endpoint." in (tmp_path / "config.toml").read_text("utf-8")


async def test_the_models_of_a_service_are_listed_with_what_they_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key")
    with ChatServer() as server:
        service = FoundModel("openai", "", server.url, "a key is set", api_key_env="OPENAI_API_KEY")
        found(monkeypatch, service)
        monkeypatch.setattr(models, "price_label", lambda name, url: f"{name} at a price")
        async with chatting(tmp_path) as house:
            await house.say("/model")
            first = await house.dialog(Chooser)
            assert "on this machine, free" in str(first.query_one(OptionList).get_option_at_index(1).prompt)
            await house.pilot.press("down", "enter")
            await house.until(lambda: house.app.screen is not first and isinstance(house.app.screen, Chooser))
            options = house.app.screen.query_one(OptionList)
            lines = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
            assert lines[0].startswith("scripted-model   scripted-model at a price")
            assert lines[1].startswith("Another one")
            await house.pilot.press("enter")
            await house.until(lambda: house.notices)
            assert house.chat.services.settings.model.name == "scripted-model"
        (request,) = server.requests
        assert (request.method, request.path) == ("GET", "/v1/models")
        assert request.headers["authorization"] == "Bearer sk-not-a-real-key"


async def test_a_service_with_a_key_is_asked_for_its_model_and_its_reach_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> list[str]:
        raise ModelError("It did not list its models.", "Type the name.")

    monkeypatch.setattr(models, "_names_at", silent)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key")
    service = FoundModel("openai", "", "https://api.openai.com/v1", "a key is set", api_key_env="OPENAI_API_KEY")
    found(monkeypatch, service)
    async with chatting(tmp_path) as house:
        await house.say("/model")
        await house.dialog(Chooser)
        await house.pilot.press("down", "enter")
        dialog = await house.dialog(AskScreen)
        dialog.query_one(Input).value = "gpt-4o-mini"
        await house.pilot.press("enter")
        await house.until(lambda: len(house.notices) == 2)
        assert house.notices[0].startswith("It did not list its models.")
        assert "what is private does not" in house.notices[1]
        assert "$0.15 in, $0.60 out per million tokens" in house.notices[1]
        status = house.chat.query_one("#status").status  # type: ignore[attr-defined]
        assert (status.model, status.where) == ("gpt-4o-mini", "api.openai.com")
    assert "sk-not-a-real-key" not in (tmp_path / "config.toml").read_text("utf-8")


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
        assert house.chat.services.model is house.model
        assert not (tmp_path / "config.toml").exists()
