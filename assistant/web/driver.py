"""The chat's side of a page: it closes in order when its page is closed, and when the server is gone."""

from __future__ import annotations

import signal

from textual.drivers.web_driver import WebDriver

from assistant.ending import end_in_time


class PageDriver(WebDriver):
    """textual's driver for pages, whose end is the end of the chat: nobody is left to type into it."""

    def run_input_thread(self) -> None:
        """Read what the page sends; at its end, whoever caused it, leave as Ctrl+Q does."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            end_in_time(128 + signal.SIGHUP)
            self._leave()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Leave in order instead of at once, so that an answer that was coming is stored."""
        if packet_type == "quit":
            self._leave()
        else:
            super().on_meta(packet_type, payload)

    def _leave(self) -> None:
        self._app.call_later(self._app.action_quit)
