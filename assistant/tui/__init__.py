"""The chat in the terminal."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memory_store import Store


def run_chat(
    data_dir: Path | None = None, config: Path | None = None, find: Callable[[Store], str | None] | None = None
) -> int:
    """Run the chat until the user leaves it, with the conversation that `find` names in view; return the exit code.

    0 is done, 1 a memory that could not be opened or a failure of the screen, 128 and more the signal that ended it.
    """
    from assistant import crash_log, language
    from assistant.tui.app import ChatApp
    from assistant.tui.services import close_services, service_opener

    language.use()  # the system's, until the settings are read
    app = ChatApp(service_opener(data_dir, config, find))
    threading.excepthook = crash_log.note_thread
    try:
        app.run()
    finally:
        # Work that was about to begin when the user left is let go; Python would tell of it in the user's terminal.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        close_services(app.services)
    if app.failure:
        # The screen that told it is gone with the key that left it.
        print(app.failure, file=sys.stderr)
        return app.return_code or 1
    return 128 + app.ended_by if app.ended_by else app.return_code or 0
