"""Archives under a passphrase: nothing of them is readable without it, with it they are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyrage import passphrase as age

from memory_store import NewMemory, Store
from memory_store.errors import ArchiveError
from memory_store.transfer.encryption import is_encrypted
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import bytes_of
from tests.memory_store.test_archive import fill, rows_of
from tests.support.embedder import HashEmbedder


def test_encrypted_archive_restores_with_its_passphrase_alone(store: Store, tmp_path: Path) -> None:
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


def test_damaged_archive_says_so_even_with_the_passphrase(store: Store, tmp_path: Path) -> None:
    fill(store)
    archive = tmp_path / "keep.age"
    store.export(archive, "1", passphrase="right")
    data = bytearray(archive.read_bytes())
    data[-100] ^= 1
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="or it is damaged"):
        store.restore(archive, RestoreOptions(passphrase="right"))


def test_any_age_file_that_holds_no_archive_is_refused(store: Store, tmp_path: Path) -> None:
    other = tmp_path / "letter.age"
    other.write_bytes(age.encrypt(b"Dear Ana", "right", armored=True))
    assert is_encrypted(other)
    with pytest.raises(ArchiveError, match="is damaged"):
        store.restore(other, RestoreOptions(passphrase="right"))


def test_passphrase_is_not_shown_with_the_options() -> None:
    assert "right" not in repr(RestoreOptions(passphrase="right"))
