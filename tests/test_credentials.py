"""Where API keys are found and how they are kept."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from assistant.credentials import Secret, find_key, store_key
from assistant.errors import CredentialError


def no_keyring(service: str, user: str) -> str | None:
    return None


def found(name: str, env_var: str | None, file: Path | None, environ: dict[str, str] | None = None) -> str | None:
    key = find_key(name, env_var, file, environ=environ or {}, keyring_read=no_keyring)
    return key.get_secret_value() if key else None


def test_the_environment_comes_before_the_keyring_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials.toml"
    store_key("openai", Secret("from-file"), file)
    everywhere = find_key(
        "openai", "OPENAI_API_KEY", file, environ={"OPENAI_API_KEY": "from-env"}, keyring_read=lambda s, u: "from-ring"
    )
    without_env = find_key("openai", "OPENAI_API_KEY", file, environ={}, keyring_read=lambda s, u: f"{s}/{u}")
    assert everywhere is not None
    assert everywhere.get_secret_value() == "from-env"
    assert without_env is not None
    assert without_env.get_secret_value() == "keepsake/openai"
    assert found("openai", "OPENAI_API_KEY", file) == "from-file"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert found("openai", "OPENAI_API_KEY", tmp_path / "none.toml", {"OPENAI_API_KEY": "  "}) is None


def test_a_keyring_that_raises_is_no_error() -> None:
    def broken(service: str, user: str) -> str | None:
        raise RuntimeError("no D-Bus here")

    assert find_key("openai", None, None, environ={}, keyring_read=broken) is None


def test_a_keyring_that_hangs_is_given_up() -> None:
    release = threading.Event()

    def hanging(service: str, user: str) -> str | None:
        release.wait(10)
        return "too late"

    try:
        assert find_key("openai", None, None, environ={}, keyring_read=hanging, keyring_timeout_s=0.01) is None
    finally:
        release.set()


def test_the_real_keyring_is_asked_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    assert find_key("openai", None, None, environ={}) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_open_to_others_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "credentials.toml"
    store_key("openai", Secret("sk-hush"), file)
    file.chmod(mode)
    with pytest.raises(CredentialError) as caught:
        found("openai", None, file)
    assert caught.value.hint == f"chmod 600 '{file}'"
    assert "sk-hush" not in str(caught.value)


def test_storing_writes_a_private_file_and_keeps_other_keys(tmp_path: Path) -> None:
    file = tmp_path / "new" / "credentials.toml"
    previous = os.umask(0)
    try:
        store_key("openai", Secret("sk-one"), file)
        store_key("localhost:1234", Secret('a"b\\c'), file)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert found("openai", None, file) == "sk-one"
    assert found("localhost:1234", None, file) == 'a"b\\c'
    assert [entry.name for entry in file.parent.iterdir()] == ["credentials.toml"]


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials.toml"
    store_key("openai", Secret("sk-old"), file)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialError, match="No space left"):
        store_key("openai", Secret("sk-new"), file)
    monkeypatch.undo()
    assert found("openai", None, file) == "sk-old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["credentials.toml"]


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "quote“", ""])
def test_a_key_that_cannot_go_into_a_header_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(CredentialError, match="characters that no key has"):
        store_key("openai", Secret(key), tmp_path / "credentials.toml")


def test_a_malformed_file_is_reported_without_its_contents(tmp_path: Path) -> None:
    file = tmp_path / "credentials.toml"
    file.write_text("[keys]\nopenai = sk-hush\n")
    file.chmod(0o600)
    with pytest.raises(CredentialError) as caught:
        found("openai", None, file)
    assert "sk-hush" not in caught.value.message + caught.value.hint


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("sk-hush")
    assert "sk-hush" not in f"{secret} {secret!r} {[secret]}"
