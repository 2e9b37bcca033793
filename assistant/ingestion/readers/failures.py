"""Turns what the system and the standard library raise while a file is read into the words of a `ReadError`."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import ReadError


@contextmanager
def translated() -> Iterator[None]:
    """Raise `ReadError` in place of the failures that reading any file can meet."""
    try:
        yield
    except PermissionError as error:
        raise ReadError("no permission to read it", "Change its permissions, or run as its owner.") from error
    except FileNotFoundError as error:
        raise ReadError("it is gone", "It was moved or deleted since it was found.") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise ReadError("damaged: its packed content doesn't unpack", "Get a fresh copy of it.") from error
    except OSError as error:
        raise ReadError(f"the system can't read it: {error.strerror or error}", "Check the disk it is on.") from error
    except RecursionError as error:
        raise ReadError("nested too deeply to be a document", "Get a plainer copy of it.") from error
    except MemoryError as error:
        raise ReadError("it needs more memory than there is", "Split it into smaller files.") from error
