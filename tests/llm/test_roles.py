"""Roles: who does what, who stands in for whom, and that what is private goes to nobody elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import bootstrap
from assistant.config import NamedModel, Settings
from assistant.errors import ConfigError
from assistant.llm.roles import ModelRole, Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Store

AWAY, HOME = ScriptedChat(["away"], is_private=False), ScriptedChat(["home"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("models", "role", "private", "expected"),
    [
        (Models(AWAY), ModelRole.CHAT, False, AWAY),
        (Models(AWAY), ModelRole.LEARN, False, AWAY),
        (Models(AWAY), ModelRole.LEARN, True, None),
        (Models(AWAY, {ModelRole.FAST: HOME}), ModelRole.LEARN, False, HOME),
        (Models(AWAY, {ModelRole.FAST: HOME}), ModelRole.CHAT, True, None),
        (Models(HOME, {ModelRole.FAST: AWAY}), ModelRole.FAST, False, AWAY),
        (Models(HOME, {ModelRole.FAST: AWAY}), ModelRole.FAST, True, HOME),
        (Models(None, {ModelRole.LEARN: HOME}), ModelRole.FAST, False, None),
        (Models(), ModelRole.CHAT, False, None),
    ],
)
def test_role_that_is_not_set_falls_back_and_private_text_to_one_at_home(
    models: Models, role: ModelRole, private: bool, expected: ScriptedChat | None
) -> None:
    assert models.find(role, private=private) is expected


def named(name: str) -> NamedModel:
    return NamedModel("openai", name, "http://127.0.0.1:9/v1")


async def test_models_are_those_of_the_settings_that_have_the_name_of_a_role(store: Store) -> None:
    settings = Settings(models={"fast": named("small"), "other": named("unused"), "chat": named("large")})
    models = bootstrap.build_models(settings, store)
    assert models.chat is not None
    assert models.chat.info.name == "large"
    fast, learn = models.find(ModelRole.FAST), models.find(ModelRole.LEARN)
    assert fast is learn
    assert fast is not None
    assert fast.info.name == "small"
    await models.close()


async def test_who_chats_by_the_settings_comes_before_the_model_of_that_name(store: Store) -> None:
    settings = Settings(models={"chat": named("large")})
    settings = replace(settings, model=replace(settings.model, provider="embedded", model_path="/models/own.gguf"))
    models = bootstrap.build_models(settings, store)
    assert models.chat is not None
    assert models.chat.info.name == "own"
    await models.close()


def test_model_that_cannot_be_built_is_told_and_another_does_its_work(store: Store) -> None:
    settings = Settings(models={"chat": named("large"), "fast": named("")})
    models = bootstrap.build_models(settings, store)
    assert models.find(ModelRole.FAST) is models.chat
    assert isinstance(models.errors[ModelRole.FAST], ConfigError)
