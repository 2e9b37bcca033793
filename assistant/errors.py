"""The assistant's errors; all extend the store's `KeepsakeError`."""

from __future__ import annotations

from memory_store.errors import KeepsakeError


class ConfigError(KeepsakeError):
    """A setting is unknown, malformed or can't be read."""


class CredentialError(KeepsakeError):
    """A key is missing or its file is not private."""


class ReadError(KeepsakeError):
    """A file can't be read into text; the message names the reason."""


class AccessRefusedError(KeepsakeError):
    """A program asked for what the user does not let it do."""


class ModelError(KeepsakeError):
    """A chat model could not be reached, refused, or broke off. `retryable` says whether trying again may help.

    `was_sent` says that the endpoint has the request and may still be working on it, `retry_after_s` how long it asks
    to be left alone, in seconds.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        retryable: bool = False,
        was_sent: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.retryable = retryable
        self.was_sent = was_sent
        self.retry_after_s = retry_after_s


class QueueError(KeepsakeError):
    """The queue that tasks are to go through can't be used."""


class BudgetError(ModelError):
    """A request was not made, because it may take more than the budget of a `window` has left."""

    def __init__(self, message: str, hint: str = "", window: str = "") -> None:
        super().__init__(message, hint)
        self.window = window
