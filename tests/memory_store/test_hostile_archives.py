"""Archives made to harm: each is refused with a reason, and changes nothing, in an empty store and in a living one."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory_store import NewRecipe, Selection, Store
from memory_store.errors import ArchiveError
from memory_store.models import Author, AuthorKind, Role
from memory_store.transfer.restore import RestoreOptions
from tests.memory_store.support import indexed
from tests.memory_store.test_archive import fill, rows_of
from tests.support.embedder import HashEmbedder
from tests.support.rich_store import add_task

Lines = list[dict[str, Any]]


def tampered(path: Path, table: str, change: Callable[[Lines], object]) -> None:
    """Change the lines of a table, and let the manifest's sums and counts fit."""
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    name = f"data/{table}.jsonl"
    lines = [json.loads(line) for line in members[name].splitlines()]
    change(lines)
    members[name] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    manifest = json.loads(members["manifest.json"])
    manifest["sha256"][name] = hashlib.sha256(members[name]).hexdigest()
    manifest["counts"][table] = len(lines)
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as target:
        for member, data in members.items():
            target.writestr(member, data)


def put(name: str, value: object) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines[-1][name] = value

    return change


def vector(value: float) -> str:
    """Return a vector as an archive holds it, of which one number is this one."""
    return base64.b64encode(np.array([value, *[0.125] * 63], dtype="<f4").tobytes()).decode()


def in_a_circle(name: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        lines[0][name], lines[1][name] = lines[1]["id"], lines[0]["id"]

    return change


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound archive with something in every table."""
    folder = tmp_path_factory.mktemp("whole")
    with Store.open(folder / "one", HashEmbedder()) as store:
        fill(store)
        add_task(store, store.conversations.messages(store.conversations.all()[0].id)[0].id)
        store.recipes.add(NewRecipe("week", "Look back.", {"a.md": "More."}))
        indexed(store)
        store.export(folder / "keep.zip", "1")
    return folder / "keep.zip"


@pytest.fixture(scope="module", params=["empty", "living"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that every archive is offered to in turn: none may change it."""
    with Store.open(tmp_path_factory.mktemp("target"), HashEmbedder()) as store:
        if request.param == "living":
            store.remember("Something of my own")
        yield store


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("messages", put("created_at", "yesterday")),
        ("messages", put("created_at", 7)),
        ("messages", put("role", "emperor")),
        ("messages", put("text", 7)),
        ("messages", put("text", None)),
        ("messages", put("private", "yes")),
        ("messages", put("input_tokens", 1.5)),
        ("messages", put("conversation_id", "con_nowhere")),
        ("messages", put("surplus", 1)),
        ("messages", in_a_circle("parent_id")),
        ("memories", put("kind", "gossip")),
        ("memories", put("text", "\ud800")),
        ("memories", put("valid_from", "2024-13-45T00:00:00.000000Z")),
        ("memories", in_a_circle("superseded_by")),
        ("documents", put("size_bytes", 1 << 70)),
        ("documents", put("left_out", '[["page 3", 7, ""]]')),
        ("passages", put("locator", "[1, 2")),
        ("passages", put("locator", '"a word"')),
        ("passages", put("row", "first")),
        ("embeddings", put("vector", "AAAA")),
        ("embeddings", put("vector", "not base64!")),
        ("embeddings", put("vector", vector(math.nan))),
        ("embeddings", put("vector", vector(math.inf))),
        ("embeddings", put("vector", vector(-math.inf))),
        ("embeddings", put("vector", vector(3e38))),
        ("embedders", put("dimension", -3)),
        ("embedders", put("dimension", 1 << 40)),
        ("citations", put("number", {})),
        ("task_items", put("details", "a word")),
        ("task_items", put("result", "[1]")),
        ("task_steps", put("request", '"a word"')),
        ("recipes", put("files", "[]")),
        ("recipes", put("files", '{"a.md": 7}')),
    ],
)
def test_what_could_not_be_read_again_is_refused(
    tmp_path: Path, whole: Path, target: Store, table: str, change: Callable[[Lines], object]
) -> None:
    archive = Path(shutil.copy(whole, tmp_path))
    tampered(archive, table, change)
    before = rows_of(target)
    with pytest.raises(ArchiveError) as told:
        target.restore(archive)
    assert told.value.hint
    assert rows_of(target) == before


def test_the_archive_is_restored_where_nothing_was_done_to_it(tmp_path: Path, whole: Path) -> None:
    archive = Path(shutil.copy(whole, tmp_path))
    tampered(archive, "messages", lambda _lines: None)
    with Store.open(tmp_path / "two", HashEmbedder()) as store:
        assert store.restore(archive).counts["messages"]


def test_member_that_unpacks_to_far_more_than_it_says_is_refused(tmp_path: Path, store: Store) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("manifest.json", b"[" * 300_000_000)
    with pytest.raises(ArchiveError, match="impossible size"):
        store.restore(tmp_path / "bomb.zip")


def test_manifest_nested_beyond_measure_is_refused(tmp_path: Path, store: Store) -> None:
    with zipfile.ZipFile(tmp_path / "deep.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("manifest.json", b"[" * 100_000)
    with pytest.raises(ArchiveError, match="no readable manifest"):
        store.restore(tmp_path / "deep.zip")


def test_line_that_unfolds_to_far_more_than_a_row_is_refused_before_it_is_read(tmp_path: Path, store: Store) -> None:
    store.remember("The boat is in Camaret.")
    store.export(tmp_path / "keep.zip", "1")

    def unfold(lines: Lines) -> None:
        lines[0]["text"] = [[]] * 200_000

    tampered(tmp_path / "keep.zip", "memories", unfold)
    with pytest.raises(ArchiveError, match="too long"):
        store.restore(tmp_path / "keep.zip")


def test_long_text_comes_whole(tmp_path: Path) -> None:
    text = 'A "quoted" \\ line of many. ' * 40_000
    with Store.open(tmp_path / "one") as store:
        store.remember(text)
        store.export(tmp_path / "keep.zip", "1")
    with Store.open(tmp_path / "two") as store:
        store.restore(tmp_path / "keep.zip")
        assert store.memories.all()[0].text == text


def test_no_archive_orders_an_erasure_or_requests_to_a_model(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one", HashEmbedder()) as store:
        fill(store)
        store.forget(Selection((store.remember("A secret.").id,)))
        conversation = store.conversations.start("Talk")
        message = store.conversations.append(
            conversation.id, Role.USER, "I keep bees.", Author(AuthorKind.USER), parent_id=None, capture=True
        )
        store.export(tmp_path / "keep.zip", "1")
    (tmp_path / "erasing.zip").write_bytes((tmp_path / "keep.zip").read_bytes())
    tampered(tmp_path / "erasing.zip", "erasures", put("completed_at", None))
    for living in (False, True):
        with Store.open(tmp_path / f"two-{living}", HashEmbedder()) as store:
            if living:
                store.remember("Something of my own")
            with pytest.raises(ArchiveError, match="would be carried out here"):
                store.restore(tmp_path / "erasing.zip")
            summary = store.restore(tmp_path / "keep.zip", RestoreOptions(with_queue=False))
            assert (summary.waiting, rows_of(store)["capture_queue"]) == (1, [])
            assert store.conversations.message(message.id).text == "I keep bees."
