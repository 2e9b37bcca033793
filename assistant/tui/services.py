"""What the chat works with, opened after its first frame is on the screen and closed after its last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from assistant.failures import hint_of

if TYPE_CHECKING:
    from pathlib import Path

    from assistant.config import Settings
    from assistant.llm.base import Answerer
    from assistant.llm.roles import Models
    from memory_store import Store

CLOSING_SECONDS: Final = 10.0


@dataclass(slots=True)
class Services:
    """The settings in force, the opened store and the models, which can be changed.

    `embeds` is true if passages get vectors. `config_file` is where a choice is kept; `first_start` is true while
    nothing is there. `notes` say where something is less than it could be. `conversation` is the id of the one to go on
    with.
    """

    settings: Settings
    store: Store
    models: Models
    config_file: Path
    embeds: bool = True
    first_start: bool = False
    notes: tuple[str, ...] = ()
    conversation: str | None = None

    @property
    def answerer(self) -> Answerer:
        """Who takes the turns."""
        from assistant.core.asking import answerer_of

        return answerer_of(self.models.chat)


Opener = Callable[[], Services]


def service_opener(
    data_dir: Path | None, config: Path | None, find: Callable[[Store], str | None] | None = None
) -> Opener:
    """Return the function that reads the settings and opens store and model. It imports all it needs when called."""

    def opened() -> Services:
        from assistant import bootstrap, crash_log, language
        from assistant import config as configuration
        from assistant.tui import pauses
        from memory_store.errors import EmbedderMismatchError

        file = configuration.config_path(config)
        settings = configuration.load(config, {"data_dir": str(data_dir)} if data_dir else {})
        language.use(settings.chat.language)
        crash_log.begin(settings.data_folder)
        chosen = bootstrap.choose_embedder(settings)
        store = bootstrap.open_store(settings, chosen)
        try:
            notes = [chosen.note] if chosen.note and settings.embedder.provider != "none" else []
            embeds = chosen.embedder is not None
            try:
                store.check_embedder()
            except EmbedderMismatchError as error:
                notes.append(f"{error.message} {hint_of(error)}")
                embeds = False
            models = bootstrap.build_models(settings, store)
            named = find(store) if find is not None else None
            conversation = store.resolve(named) if named is not None else None
        except BaseException:
            store.close()
            raise
        store.start_background()
        pauses.settle()
        return Services(settings, store, models, file, embeds, not file.is_file(), tuple(notes), conversation)

    return opened


def close_services(services: Services | None) -> None:
    """Close the store, in a thread and with a limit: the terminal is the user's again whatever still hangs.

    Nothing is lost by that limit, because everything acknowledged is in the database already.
    """
    import threading

    if services is None:
        return
    closing = threading.Thread(target=services.store.close, name="keepsake-closing", daemon=True)
    closing.start()
    closing.join(CLOSING_SECONDS)
