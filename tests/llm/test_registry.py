"""From settings to a model, and which key goes where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.core.asking import answerer_of
from assistant.credentials import Secret, store_key
from assistant.errors import ConfigError, CredentialError
from assistant.llm.embedded import EmbeddedChat
from assistant.llm.openai_chat import OpenAIChat
from assistant.llm.providers import SERVICES
from assistant.llm.quote import QuoteAnswerer
from assistant.llm.registry import build_chat_model, key_id
from assistant.llm.settings import ModelConfig
from tests.llm.conftest import ask
from tests.support.chat_server import ChatServer


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for service in SERVICES:
        monkeypatch.delenv(service.key_name, raising=False)


def test_without_settings_it_quotes() -> None:
    assert build_chat_model(ModelConfig()) is None
    assert isinstance(answerer_of(None), QuoteAnswerer)


async def test_an_endpoint_is_built_with_its_settings(server: ChatServer) -> None:
    model = build_chat_model(ModelConfig("openai", "m", server.url, context_tokens=1234))
    assert isinstance(model, OpenAIChat)
    assert (model.info.name, model.info.context_tokens, model.info.is_private) == ("m", 1234, True)
    await ask(model)
    await model.close()
    assert "authorization" not in server.chats[0].headers


async def test_a_key_of_a_service_never_goes_to_another_endpoint(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hush")
    model = build_chat_model(ModelConfig("openai", "m", server.url))
    assert model is not None
    await ask(model)
    await model.close()
    assert "authorization" not in server.chats[0].headers


async def test_a_named_variable_is_used_for_any_endpoint(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVER_KEY", "sk-mine")
    model = build_chat_model(ModelConfig("openai", "m", server.url, api_key_env="MY_SERVER_KEY"))
    assert model is not None
    await ask(model)
    await model.close()
    assert server.chats[0].headers["authorization"] == "Bearer sk-mine"


def test_a_stored_key_is_found_by_its_service(tmp_path: Path) -> None:
    file = tmp_path / "credentials.toml"
    settings = ModelConfig("openai", "m", "https://openrouter.ai/api/v1")
    with pytest.raises(CredentialError) as caught:
        build_chat_model(settings, file)
    assert "OPENROUTER_API_KEY" in caught.value.hint
    store_key(key_id(settings.base_url), Secret("sk-stored"), file)
    assert isinstance(build_chat_model(settings, file), OpenAIChat)
    file.chmod(0o644)
    with pytest.raises(CredentialError, match="can be read by others"):
        build_chat_model(settings, file)


def test_an_unknown_host_may_do_without_a_key() -> None:
    model = build_chat_model(ModelConfig("openai", "m", "http://192.168.1.5:11434/v1"))
    assert model is not None
    assert not model.info.is_private


def test_a_model_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="No model is named"):
        build_chat_model(ModelConfig("openai", ""))


def test_a_file_is_built_by_its_name(tmp_path: Path) -> None:
    settings = ModelConfig("embedded", model_path=str(tmp_path / "Mine.gguf"), threads=1)
    mine = build_chat_model(settings)
    assert isinstance(mine, EmbeddedChat)
    assert mine.info.name == "Mine"
    with pytest.raises(ConfigError, match="No model file is named") as caught:
        build_chat_model(replace(settings, model_path=""))
    assert "keepsake model add" in caught.value.hint
