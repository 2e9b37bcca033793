"""Turns whatever is raised while a file is read into the words of a `ReadError`: one way for every reader."""

from __future__ import annotations

import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from assistant.errors import ReadError
from memory_store.errors import KeepsakeError

_MOST_WORDS: Final = 200


@contextmanager
def translate_failures() -> Iterator[None]:
    """Raise `ReadError` in place of everything that reading a file can meet, foreseen or not.

    What is meant for the program itself, such as Ctrl+C, passes.
    """
    try:
        yield
    except (KeepsakeError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
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
    except ImportError as error:
        raise missing_part(error) from error
    except BaseException as error:  # A reader's library may raise anything; a panic of Rust's is no Exception.
        words = " ".join(str(error).split())[:_MOST_WORDS]
        raise ReadError(
            f"its reader can't make sense of it: {type(error).__name__}" + (f": {words}" if words else ""),
            "It may be damaged. If its own program opens it, save it there as text or PDF and import that.",
        ) from error


def missing_part(error: ImportError) -> ReadError:
    """Return the error for a library that a reader needs and this installation lacks."""
    words = " ".join(str(error).split())[:_MOST_WORDS]
    package = (error.name or "").partition(".")[0].replace("_", "-")
    get = f"`{sys.executable} -m pip install {package}` may bring it, else install" if package else "Install"
    return ReadError(
        f"a library that reads this format is missing: {words}",
        f"Nothing is wrong with the file. {get} Keepsake again as its README says.",
    )
