"""Settings: flag over environment over file over default, and mistakes told plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import load
from assistant.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, 'data_dir = "/file"\n[model]\nname = "from-file"\n[recall]\npassages = 3\n')
    monkeypatch.setenv("KEEPSAKE_MODEL__NAME", "from-environment")
    monkeypatch.setenv("KEEPSAKE_DATA_DIR", "/environment")
    settings = load(path, {"data_dir": "/flag"})
    assert settings.data_dir == "/flag"
    assert settings.model.name == "from-environment"
    assert settings.recall.passages == 3
    assert settings.recall.context_share == 0.5
    assert str(load(path).data_folder) == "/environment"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[modle]\n", "modle is not a setting", "Did you mean `model`?"),
        ('[model]\nnmae = "x"\n', r"\[model\] nmae is not a setting", "Did you mean `name`?"),
        ("[recall]\npassages = 0\n", r"recall\.passages", "config show"),
        ('[import]\ntarget_chars = "many"\n', r"import\.target_chars", "config show"),
        ("[model\n", "not valid TOML", "Mend"),
    ],
)
def test_mistake_in_the_file_is_named_with_the_next_step(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(written(tmp_path, text))
    assert hint in caught.value.hint


def test_mistake_in_the_environment_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_RECALL__PASSAGES", "0")
    with pytest.raises(ConfigError, match="KEEPSAKE_RECALL__PASSAGES"):
        load(written(tmp_path, ""))


def test_file_that_was_named_but_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("variable", "value", "name", "meant"),
    [
        ("KEEPSAKE_IMPORT__MAX_SECONDS", "7", "import.max_seconds", 7.0),
        ("keepsake_import__max_seconds", "7", "import.max_seconds", 7.0),
        ("KEEPSAKE_IMPORT", '{"max_seconds": 7}', "import.max_seconds", 7.0),
        ("KEEPSAKE_PRIVATE__FOLDERS", '["a", "b"]', "private.folders", ["a", "b"]),
        ("KEEPSAKE_CHAT__LEARN", "off", "chat.learn", False),
        ("KEEPSAKE_RECALL__PASSAGES", " 5 ", "recall.passages", 5),
        ("KEEPSAKE_MODEL__TEMPERATURE", "1e-1", "model.temperature", 0.1),
        ("KEEPSAKE_KEYS__send", "ctrl+j", "keys.send", "ctrl+j"),
    ],
)
def test_text_of_the_environment_becomes_what_the_setting_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str, meant: object
) -> None:
    path = written(tmp_path, '[import]\nmax_seconds = 5\n[keys]\nquit = "ctrl+q"\n')
    before = load(path).as_table()
    monkeypatch.setenv(variable, value)
    section, _, inside = name.partition(".")
    before[section][inside] = meant
    assert load(path).as_table() == before


def test_a_variable_of_one_setting_beats_that_of_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_MODEL", '{"name": "of-the-section", "threads": 2}')
    monkeypatch.setenv("KEEPSAKE_MODEL__NAME", "its-own")
    model = load(written(tmp_path, '[model]\nbase_url = "http://of-the-file"\n')).model
    assert (model.name, model.threads, model.base_url) == ("its-own", 2, "http://of-the-file")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("KEEPSAKE_MODEL", "x", r"model in .* KEEPSAKE_MODEL is wrong: input should be JSON \(it is 'x'\)"),
        ("KEEPSAKE_MODEL", "[1]", r"model in .* KEEPSAKE_MODEL is wrong: input should be a table"),
        ("KEEPSAKE_MODEL", '{"nme": "j"}', r"model\.nme in .* KEEPSAKE_MODEL is wrong: extra inputs are not permitted"),
        ("KEEPSAKE_MODEL__NME", "j", r"model\.nme in .* KEEPSAKE_MODEL__NME is wrong: extra inputs are not permitted"),
        ("KEEPSAKE_PRIVATE__FOLDERS", "a", r"KEEPSAKE_PRIVATE__FOLDERS is wrong: input should be JSON"),
        ("KEEPSAKE_PRIVATE__TOPICS", '["x"]', r"private\.topics\.0 in .* 'health', 'mood' or 'finance' \(it is 'x'\)"),
        ("KEEPSAKE_MODEL__TEMPERATURE", "nan", r"greater than or equal to 0 \(it is 'nan'\)"),
        ("KEEPSAKE_CHAT__LEARN", "maybe", r"valid boolean, unable to interpret input \(it is 'maybe'\)"),
        ("KEEPSAKE_RECALL__PASSAGES", "3.5", r"valid integer, got a number with a fractional part"),
        ("KEEPSAKE_CARE__REGION", "xyz", r"string should match pattern '\^\(\[A-Za-z\]\{2\}\)\?\$'"),
    ],
)
def test_value_of_the_environment_that_a_setting_does_not_take_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=message):
        load(written(tmp_path, ""))


def test_mistake_in_the_file_is_not_laid_at_the_door_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPSAKE_RECALL", '{"context_share": 0.4}')
    with pytest.raises(ConfigError, match=r"recall\.passages in .*config\.toml is wrong"):
        load(written(tmp_path, "[recall]\npassages = 0\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model = 1", "model in .* input should be a table"),
        ("[keys]\nsend = 1", r"keys\.send in .* valid string \(it is 1\)"),
        ("[model]\nthreads = 1.5", r"model\.threads in .* valid integer, got a number with a fractional part"),
        ("[model]\nmax_retries = 21", r"less than or equal to 20 \(it is 21\)"),
        ("[recall]\ncontext_share = 1", r"less than 1 \(it is 1\)"),
        ("[model]\nconnect_timeout_s = 0", r"greater than 0 \(it is 0\)"),
        ('[model]\nprovider = "x"', r"'quote', 'openai' or 'embedded' \(it is 'x'\)"),
        ("[private]\nfolders = [1]", r"private\.folders\.0 in .* valid string"),
        ('[import]\nwatch = "a"', r"import\.watch in .* valid list"),
    ],
)
def test_value_that_a_setting_does_not_take_is_told_with_what_it_takes(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(written(tmp_path, text))
