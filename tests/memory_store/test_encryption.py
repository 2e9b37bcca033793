"""Archives under a passphrase: nothing of them is readable without it, with it they are the same."""

from __future__ import annotations

import base64
import hashlib
import hmac
import textwrap
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from memory_store import NewMemory, Store
from memory_store.errors import ArchiveError
from memory_store.transfer.encryption import is_encrypted
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import bytes_of
from tests.memory_store.test_archive import fill, rows_of
from tests.support.embedder import HashEmbedder


def seal(data: bytes, passphrase: str) -> bytes:
    """Return data under a passphrase as the age format has it, by a key that is made at once: scrypt with N = 2."""
    key, salt, nonce = b"the key of file.", b"salt of the key.", b"nonce of a file."
    stretched = b"age-encryption.org/v1/scrypt" + salt
    wrapping = hashlib.scrypt(passphrase.encode(), salt=stretched, n=2, r=8, p=1, dklen=32)
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), key, None)
    header = b"age-encryption.org/v1\n-> scrypt %s 1\n%s\n---" % (_unpadded(salt), _unpadded(wrapped))
    proof = hmac.digest(_derived(key, bytes(32), b"header"), header, "sha256")
    chunk = 64 * 1024
    starts = range(0, len(data), chunk)
    payload = ChaCha20Poly1305(_derived(key, nonce, b"payload"))
    sealed = [
        payload.encrypt(number.to_bytes(11, "big") + bytes([start == starts[-1]]), data[start : start + chunk], None)
        for number, start in enumerate(starts)
    ]
    return b"%s %s\n%s" % (header, _unpadded(proof), nonce + b"".join(sealed))


def _unpadded(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt, key, "sha256"), purpose + b"\x01", "sha256")


def test_encrypted_archive_restores_and_nothing_of_it_is_left_readable(store: Store, tmp_path: Path) -> None:
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
        other.restore(archive, RestoreOptions(passphrase="墨 correct horse"))
        assert rows_of(other) == before


def test_archive_that_another_program_encrypted_opens_in_both_forms_with_its_passphrase_alone(
    store: Store, tmp_path: Path
) -> None:
    fill(store)
    before = rows_of(store)
    store.export(tmp_path / "keep.zip", "1")
    archive = tmp_path / "keep.age"
    sealed = seal((tmp_path / "keep.zip").read_bytes(), "墨 correct horse")
    # Keepsake itself writes the binary form; the text is what `age --armor` writes.
    lines = textwrap.wrap(base64.b64encode(sealed).decode(), 64)
    kind = "AGE ENCRYPTED FILE"
    armored = "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])
    for number, form in enumerate((sealed, armored.encode())):
        archive.write_bytes(form)
        with Store.open(tmp_path / str(number), HashEmbedder()) as other:
            for wrong, reason in ((None, "is encrypted"), ("", "is encrypted"), ("horse", "doesn't open")):
                with pytest.raises(ArchiveError, match=reason):
                    other.restore(archive, RestoreOptions(passphrase=wrong))
            assert not other.memories.all()
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
