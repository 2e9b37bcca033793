"""Archives under a passphrase, in the age format (age-encryption.org/v1): the `age` tool opens them too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from memory_store.database.files import is_own_file
from memory_store.errors import ArchiveError

_HEADERS: Final = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")


def is_encrypted(path: Path) -> bool:
    """Say whether a file begins as the age format does. A file that can't be read is not encrypted."""
    if is_own_file(path):
        return False
    try:
        with path.open("rb") as file:
            beginning = file.read(max(map(len, _HEADERS)))
    except OSError:
        return False
    return beginning.startswith(_HEADERS)


def encrypt(data: bytes, passphrase: str) -> bytes:
    """Return the bytes under the passphrase.

    The library takes and gives them whole, so with the bytes themselves three times their size is held. Making the
    key takes memory too, so that guessing is dear (scrypt, RFC 7914): the library sets how much by the time it takes.
    """
    from pyrage import passphrase as age

    sealed: bytes = age.encrypt(data, passphrase)
    return sealed


def decrypt(path: Path, passphrase: str | None) -> bytes:
    """Return what a file holds under the passphrase. Raises ArchiveError without one, or if it doesn't fit."""
    if not passphrase:
        raise ArchiveError(f"{path} is encrypted.", "Give its passphrase: in a terminal you are asked for it.")
    from pyrage import DecryptError
    from pyrage import passphrase as age

    try:
        opened: bytes = age.decrypt(path.read_bytes(), passphrase)
    except DecryptError as error:
        raise ArchiveError(
            f"{path} doesn't open with this passphrase, or it is damaged.",
            "Try again; nobody, we neither, can open it without the right one.",
        ) from error
    return opened
