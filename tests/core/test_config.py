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
