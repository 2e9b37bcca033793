"""What every command starts from: the global options, the settings they lead to, the store, a file that is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from assistant.cli.output import say
from assistant.failures import hint_of
from memory_store.errors import EmbedderMismatchError, StoreError

if TYPE_CHECKING:
    from assistant import config as configuration
    from memory_store import Store

WORDS_ALONE: Final = "Words were searched alone, and what has no vector yet gets it when the embedder is back."


@dataclass(frozen=True, slots=True)
class Invocation:
    """The global options of one call."""

    data_dir: Path | None
    config: Path | None

    def settings(self) -> configuration.Settings:
        """Return the settings in force. Raises ConfigError."""
        from assistant import config as configuration

        overrides = {"data_dir": str(self.data_dir)} if self.data_dir else {}
        return configuration.load(self.config, overrides)


def invocation(context: typer.Context) -> Invocation:
    """Return the global options of a command's context."""
    found = context.find_object(Invocation)
    assert found is not None
    return found


def _tell_waiting() -> None:
    say("Waiting for another program that is writing to the memory…")


@contextmanager
def opened_record(context: typer.Context) -> Iterator[Store]:
    """Open the store of a call that only looks at what is there: it recalls nothing, and so needs no embedder."""
    from assistant import bootstrap, crash_log

    settings = invocation(context).settings()
    crash_log.begin(settings.data_folder)
    with bootstrap.open_store(settings, bootstrap.ChosenEmbedder(None)) as store:
        store.on_waiting(_tell_waiting)
        yield store


@contextmanager
def opened_store(
    context: typer.Context, *, tells_at_end: bool = True
) -> Iterator[tuple[Store, configuration.Settings]]:
    """Open the store of this call, and say on stderr where recall is not what it could be.

    Whether the embedder gave vectors shows at the end; who says it meanwhile has it not told again.
    """
    from assistant import bootstrap, crash_log

    settings = invocation(context).settings()
    crash_log.begin(settings.data_folder)
    chosen = bootstrap.choose_embedder(settings)
    with bootstrap.open_store(settings, chosen) as store:
        store.on_waiting(_tell_waiting)
        if chosen.note and settings.embedder.provider != "none":
            say(chosen.note)
        try:
            store.check_embedder()
        except EmbedderMismatchError as error:
            say(f"{error.message} {hint_of(error)}")
        yield store, settings
        trouble = store.embedding_trouble
        if tells_at_end and trouble is not None:
            say(f"{trouble.message} {WORDS_ALONE}")


def read_text(file: Path) -> str:
    """Return the text of a file that the user named. Raises StoreError saying why it can't be read."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}.") from error
