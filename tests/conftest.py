"""What holds for every test: no network beyond this machine, and none of the user's own folders or settings."""

from __future__ import annotations

import gc
import ipaddress
import itertools
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.ingestion import isolation, pipeline
from assistant.ingestion.isolation import ReadingProcess
from memory_store import Store
from memory_store.verification import apart
from tests.support import prepared, record_guard
from tests.support.embedder import HashEmbedder
from tests.support.verifying import VerifyingProcess

record_guard.install()


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: many tests wait for a process or a server that they started."""
    return (os.cpu_count() or 1) + 1


def pytest_configure() -> None:
    """Keep bytecode, as what is installed does, whatever the shell says: else each of many processes compiles it all.

    What is made while the tests are collected stays: garbage is looked for between modules alone.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    gc.disable()


@pytest.fixture(autouse=True)
def only_sqlite_opens_the_record() -> Iterator[None]:
    """Fail every test in which anything else opens a file of a database while it is open."""
    with record_guard.watching():
        yield


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speak English, whatever the machine speaks."""
    monkeypatch.setenv("LANGUAGE", "en")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield one new folder after another. A temporary folder of pytest for each test would list all before it."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch, homes: Iterator[Path]) -> None:
    """Refuse connections that leave the machine, and keep the user's own folders out of reach."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not ipaddress.ip_address(str(address[0])).is_loopback:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    home = next(homes)
    home.mkdir()
    for name in list(os.environ):
        if name.startswith("KEEPSAKE_") or name.endswith("_API_KEY") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(scope="module", autouse=True)
def garbage_is_collected_between_modules() -> Iterator[None]:
    """Go over what a module left behind, once: going over all that is imported time and again takes a fifth of it."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_verifying_process() -> Iterator[None]:
    """Let the erasures of all tests share the process that verifies."""
    kept = VerifyingProcess()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apart, "_run", kept.run)
        yield
    kept.end()


@pytest.fixture(scope="session", autouse=True)
def stores_are_made_as_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Migrate one empty store for all tests; the tests of migrations have older ones."""
    with prepared.copies(tmp_path_factory.mktemp("prepared")):
        yield


class _Kept(ReadingProcess):
    """A process that reads for one import after another; starting one for each would be most of a test's time."""

    def close(self) -> None:
        """Stay; `end` ends it."""

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session", autouse=True)
def one_reading_process() -> Iterator[None]:
    """Let the imports and the pages of all tests share the process that reads."""
    kept = _Kept()
    with pytest.MonkeyPatch.context() as patch:
        for module in (pipeline, isolation):
            patch.setattr(module, "ReadingProcess", lambda: kept)
        yield
    kept.end()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store with the small deterministic embedder."""
    with Store.open(tmp_path / "memory", HashEmbedder()) as opened:
        yield opened
