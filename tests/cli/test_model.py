"""`keepsake model`: a model is set up, tried, switched and removed; its key is kept out of the settings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import config, model_setup
from assistant.cli import models
from assistant.llm import registry
from tests.cli.conftest import Shell
from tests.llm.test_probing import capable
from tests.support.chat_server import ChatServer, Stream


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without a keyring, and nothing found on this machine."""

    async def nothing() -> list[object]:
        return []

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("", "utf-8")
    monkeypatch.setattr(model_setup, "config_folder", lambda: tmp_path)
    monkeypatch.setattr(config, "config_folder", lambda: tmp_path)
    monkeypatch.setattr("assistant.bootstrap.config_folder", lambda: tmp_path)
    monkeypatch.setattr(models, "detect", nothing)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that wants a key and has two models."""
    small = {"id": "small", "context_length": 2000}
    with ChatServer(capable, models=[small, {"id": "large"}], key="sk-hush-hush") as running:
        yield running


def test_a_model_is_set_up_with_its_key_and_answers(
    keepsake: Shell, server: ChatServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-hush-hush\n"))
    added = keepsake("model", "add", server.url.removesuffix("/v1"), "--model", "small", "--key-stdin")
    assert added.code == 0, added.err
    assert "It said: Fresh grass is green." in added.out
    assert "It can: streaming, JSON by a schema, tools, images." in added.out
    assert "small answers from now on. It reads 2,000 tokens." in added.out
    settings = config.load()
    assert settings.models["small"].can == ["stream", "schema", "tools", "images"]
    assert (settings.model.name, settings.model.context_tokens) == ("small", 2000)
    assert "hush" not in (home / "config.toml").read_text("utf-8") + added.out + added.err
    assert (home / registry.CREDENTIALS_FILE).stat().st_mode & 0o077 == 0
    assert keepsake("ask", "Which key?").code == 0


def test_list_says_which_role_is_whose_where_and_at_what_price(keepsake: Shell, home: Path) -> None:
    file = config.config_path(None)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        '[model]\nprovider = "openai"\nname = "gpt-4o"\n'
        '[models.fast]\nname = "small"\nbase_url = "http://127.0.0.1:9/v1"\n',
        "utf-8",
    )
    roles = {item["role"]: item for item in keepsake("model", "list", "--json").json["roles"]}
    assert [(item["model"], item["by"], item["local"]) for item in roles.values()] == [
        ("gpt-4o", "chat", False),
        ("small", "fast", True),
        ("small", "fast", True),
        ("gpt-4o", "chat", False),
    ]
    assert roles["later"]["price"]["output"] == roles["chat"]["price"]["output"] / 2 > 0  # OpenAI's price of batches
    assert roles["learn"]["price"] == {"input": 0, "output": 0, "cached": None}
    told = keepsake("model", "list").out
    assert "small (as fast)" in told
    assert "api.openai.com" in told


def test_models_stand_side_by_side_and_are_switched_listed_tried_and_removed(
    keepsake: Shell, server: ChatServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-hush-hush\n"))
    keepsake("model", "add", server.url, "--model", "small", "--key-stdin")
    with ChatServer(capable) as other:
        assert keepsake("model", "add", other.url, "--name", "second", "--no-test").code == 0
        listed = keepsake("model", "list", "--json").json["models"]
        assert [(one["name"], one["in_use"]) for one in listed] == [("small", False), ("second", True)]
        told = keepsake("model", "add", other.url, "--model", "small", "--name", "fast", "--no-test").out
        assert "has the role fast" in told
        listed = keepsake("model", "list", "--json").json
        assert [one["name"] for one in listed["models"] if one["in_use"]] == ["second"]
        assert [one["by"] for one in listed["roles"]] == ["chat", "fast", "fast", None]
        assert keepsake("model", "remove", "fast").code == 0
        asked = keepsake("ask", "Which key?", "--model", "small", "--json")
        assert asked.json["model"] == "small"
        assert keepsake("model", "use", "small").code == 0
        assert config.load().model.base_url == server.url
        tried = keepsake("model", "test", "second")
        assert "It can: streaming" in tried.out, tried.err
        assert config.load().models["second"].can
    removed = keepsake("model", "remove", "small")
    assert "with the key" in removed.out
    assert "hush" not in (home / registry.CREDENTIALS_FILE).read_text("utf-8")
    assert (list(config.load().models), config.load().model.provider) == (["second"], "quote")
    unknown = keepsake("model", "use", "small")
    assert (unknown.code, "There are: second." in unknown.err) == (1, True)


def test_a_model_that_does_not_answer_changes_nothing(keepsake: Shell, server: ChatServer, home: Path) -> None:
    refused = keepsake("model", "add", server.url, "--model", "small")
    assert refused.code == 1
    assert "wants an API key" in refused.err
    assert "keepsake model add" in refused.err
    assert (home / "config.toml").read_text("utf-8") == ""
    assert "wants a key" in keepsake("model", "add", server.url).err
    with ChatServer(models=["large", "small"]) as other:
        assert "--model: large, small" in keepsake("model", "add", other.url).err


def test_bad_addresses_and_nobody_to_ask_are_told(keepsake: Shell) -> None:
    assert "is no address" in keepsake("model", "add", "http://a b").err
    assert "openrouter" in keepsake("model", "add").err
    assert "There is no file" in keepsake("model", "add", "/none.gguf").err
    assert "No model is in use" in keepsake("model", "test").err
    assert "ollama pull" in keepsake("model", "list").err


def test_on_a_terminal_what_is_missing_is_asked(
    keepsake: Shell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([server.url, "lar"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda _: "sk-hush-hush")
    added = keepsake("model", "add")
    assert added.code == 0, added.err
    assert "wants a key" in added.err
    assert "2. small  2,000 tokens · free" in added.err
    assert config.load().model.name == "large"


def test_a_setting_is_changed_by_its_name_and_checked(keepsake: Shell, home: Path) -> None:
    assert keepsake("config", "set", "recall.passages", "5").code == 0
    assert keepsake("config", "set", "private.topics", "health, mood").code == 0
    settings = config.load()
    assert (settings.recall.passages, settings.private.topics) == (5, ["health", "mood"])
    assert "greater than or equal to 1" in keepsake("config", "set", "recall.passages", "0").err
    assert "Did you mean recall.passages?" in keepsake("config", "set", "recall.pasages", "5").err
    assert "can't be" in keepsake("config", "set", "model.base_url", "127.0.0.1:80").err


def test_quotations_come_back(keepsake: Shell) -> None:
    with ChatServer(lambda request: Stream()) as server:
        keepsake("model", "add", server.url, "--no-test")
        assert config.load().model.provider == "openai"
    assert keepsake("model", "use", "quote").code == 0
    assert config.load().model.provider == "quote"
