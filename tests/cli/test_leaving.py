"""Leaving and arriving on the command line: formats, passphrases, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyrage
import pytest
import typer

from assistant.cli import leaving
from memory_store.transfer.formats import Format
from tests.cli.conftest import Shell


def test_each_format_is_written_and_told(keepsake: Shell, notes: Path, tmp_path: Path) -> None:
    keepsake("import", str(notes))
    keepsake("memory", "add", "The boat is in Camaret")
    for name in ("csv", "claude"):
        told = keepsake("export", str(tmp_path / name), "--format", name)
        assert told.out == f"Wrote {tmp_path / name} ({name}).\n"
        assert "only an archive can be restored" in told.err
        assert "Camaret" in (tmp_path / name).read_text("utf-8")
    assert keepsake("export", str(tmp_path / "csv"), "--format", "csv").code == 1
    assert keepsake("export", str(tmp_path / "csv"), "--format", "csv", "--force").code == 0
    for name in ("markdown", "pam"):
        report = keepsake("export", str(tmp_path / name), "--format", name, "--json").json
        files = [one for one in (tmp_path / name).rglob("*") if one.is_file()]
        assert report == {"path": str(tmp_path / name), "format": name, "files": len(files)}
        again = keepsake("export", str(tmp_path / name), "--format", name, "--force")
        assert again.code == 1
        assert "is there already" in again.err


def test_archive_is_a_format_too_and_every_other_has_its_name(keepsake: Shell, tmp_path: Path) -> None:
    assert [one.value for one in leaving.Wanted] == ["archive", *Format]
    assert keepsake("export", str(tmp_path / "a.zip"), "--format", "archive").code == 0
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    private = keepsake("export", str(tmp_path / "b.zip"), "--format", "archive", "--without-private")
    assert "An archive is whole" in private.err


def test_what_does_not_go_together_is_refused(keepsake: Shell, tmp_path: Path) -> None:
    whole = keepsake("export", str(tmp_path / "a.zip"), "--without-private")
    assert whole.code == 1
    assert "An archive is whole" in whole.err
    assert "markdown, csv, claude, pam" in whole.err
    assert keepsake("export", str(tmp_path / "a"), "--format", "csv", "--encrypt").code == 1
    assert not list(tmp_path.glob("a*"))


def test_passphrase_of_the_environment_or_asked_for_without_showing_it(
    keepsake: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, bool]] = []

    def prompt(text: str, *, hide_input: bool, confirmation_prompt: bool, err: bool) -> str:
        asked.append((hide_input, confirmation_prompt))
        return "right"

    monkeypatch.setattr(typer, "prompt", prompt)
    # A key of the passphrase "right" that is not made so dearly.
    key = pyrage.x25519.Identity.generate()
    monkeypatch.setattr(
        pyrage.passphrase, "encrypt", lambda data, given: pyrage.encrypt(data, [{"right": key}[given].to_public()])
    )
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda data, given: pyrage.decrypt(data, [{"right": key}[given]]))
    keepsake("memory", "add", "The boat is in Camaret")
    archive = str(tmp_path / "keep.age")
    assert "encrypted" in keepsake("export", archive, "--encrypt").out
    assert asked == [(True, True)]  # twice, for a typing mistake would lock it for good
    assert b"Camaret" not in Path(archive).read_bytes()
    monkeypatch.setenv("KEEPSAKE_PASSPHRASE", "right")
    other = Shell(tmp_path / "other", keepsake.capture)
    assert other("restore", archive).out.startswith("Restored 1 memory")
    monkeypatch.delenv("KEEPSAKE_PASSPHRASE")
    monkeypatch.setattr(leaving, "is_encrypted", lambda _: True)
    other("restore", str(tmp_path / "missing"))
    assert asked == [(True, True), (True, False)]


@pytest.mark.parametrize("options", [(), ("--format", "csv"), ("--encrypt",)])
def test_force_does_not_replace_the_record(
    keepsake: Shell, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KEEPSAKE_PASSPHRASE", "right")
    keepsake("memory", "add", "The boat is in Camaret")
    told = keepsake("export", str(keepsake.data / "keepsake.db"), "--force", *options)
    assert told.code == 1
    assert "in the folder of the store" in told.err
    assert "Camaret" in keepsake("memory", "list").out
