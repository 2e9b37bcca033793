"""Archives under a passphrase: nothing of them is readable without it, with it they are the same."""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path

import pyrage
import pytest

from memory_store import NewMemory, Store
from memory_store.errors import ArchiveError
from memory_store.transfer.encryption import is_encrypted
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import bytes_of
from tests.memory_store.test_archive import fill, rows_of
from tests.support.embedder import HashEmbedder


def test_encrypted_archive_restores_in_both_forms_with_its_passphrase_alone(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.remember(NewMemory("The quarrel at the harbour"))
    before = rows_of(store)
    archive = tmp_path / "keep.age"
    store.export(archive, "1", passphrase="墨 correct horse")
    assert is_encrypted(archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert b"manifest" not in archive.read_bytes()
    assert bytes_of(tmp_path).count(b"PK\x03\x04") == 0  # no zip was left beside it
    with Store.open(tmp_path / "two", HashEmbedder()) as other:
        for wrong, reason in ((None, "is encrypted"), ("", "is encrypted"), ("horse", "doesn't open")):
            with pytest.raises(ArchiveError, match=reason):
                other.restore(archive, RestoreOptions(passphrase=wrong))
        assert not other.memories.all()
        other.restore(archive, RestoreOptions(passphrase="墨 correct horse"))
        assert rows_of(other) == before
    # The text form of the same, as `age --armor` writes it; Keepsake itself writes the binary form.
    lines = textwrap.wrap(base64.b64encode(archive.read_bytes()).decode(), 64)
    kind = "AGE ENCRYPTED FILE"
    archive.write_text("\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""]))
    with Store.open(tmp_path / "three", HashEmbedder()) as other:
        other.restore(archive, RestoreOptions(passphrase="墨 correct horse"))
        assert rows_of(other) == before


def test_file_encrypted_for_someone_else_or_damaged_is_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "letter.age"
    sealed = pyrage.encrypt(b"Dear Ana", [pyrage.x25519.Identity.generate().to_public()], armored=True)
    for data in (sealed, sealed[: len(sealed) // 2]):
        path.write_bytes(data)
        assert is_encrypted(path)
        with pytest.raises(ArchiveError, match="doesn't open with this passphrase, or it is damaged"):
            store.restore(path, RestoreOptions(passphrase="right"))


def test_passphrase_is_not_shown_with_the_options() -> None:
    assert "right" not in repr(RestoreOptions(passphrase="right"))
