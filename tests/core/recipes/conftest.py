"""A store with a few notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import Store
from tests.memory_store.support import add_document, indexed
from tests.support.embedder import HashEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", HashEmbedder()) as opened:
        opened.remember("Ines likes orchids and is allergic to nuts.")
        add_document(opened, "/contract.md", "The contract of the gym ends in May.", "It can be given notice by mail.")
        indexed(opened)
        yield opened
