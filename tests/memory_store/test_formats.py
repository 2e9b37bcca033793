"""Exports for other programs: what they hold, what stays out, and that no text of the record breaks out of them."""

from __future__ import annotations

import csv
import errno
import io
import itertools
import json
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import IO

import jsonschema
import pytest
from markdown_it import MarkdownIt
from portable_ai_memory import MemoryStore, load, load_conversation
from portable_ai_memory.core.validator import validate_conversation, validate_memory_store

from memory_store import NewMemory, Store, ids
from memory_store.errors import ArchiveError
from memory_store.models import USER, Author, AuthorKind, Citation, MemoryKind, MessageStatus, Role
from memory_store.transfer import formats
from memory_store.transfer.formats import COLUMNS, FOLDERS, Format
from memory_store.transfer.markdown import close_code_block
from tests.memory_store.support import add_document, bytes_of

HOSTILE = '---\nid: "stolen"\n---\n]] | [[x]] "quoted" \\ end'


@pytest.fixture
def filled(store: Store) -> Store:
    document = add_document(store, "/旅行/计划.md", "动车 D8724 去丽江", "Tram 28", headings=("行程",))
    add_document(store, "/health/体检.md", "血压偏高", private=True)
    talk = store.conversations.start("Which [[train]]?")
    question = store.conversations.append(talk.id, Role.USER, "Which train?", USER, parent_id=None)
    author = Author(AuthorKind.MODEL, "a-model")
    for text in ("The tram [1]", "D8724 [1]"):
        answer = store.conversations.append(
            talk.id, Role.ASSISTANT, "", author, parent_id=question.id, status=MessageStatus.PENDING
        )
        cited = Citation(1, store.documents.passages(document.id)[0].id, True)
        store.conversations.finish(answer.id, text, author, MessageStatus.PARTIAL, citations=[cited])
    store.conversations.append(talk.id, Role.USER, "And my blood pressure?", USER, parent_id=answer.id, private=True)
    old = store.remember(NewMemory("Lives in Porto", kind=MemoryKind.FACT))
    store.memories.supersede(old.id, NewMemory("Lives in Lyon", kind=MemoryKind.FACT, pinned=True))
    store.remember(NewMemory("Takes the D8724", kind=MemoryKind.EVENT, sources=(question.id,)))
    store.remember(NewMemory("血压偏高", private=True))
    store.remember(NewMemory("Was in Kunming", valid_to=datetime(2020, 1, 1, tzinfo=UTC)))
    store.remember(NewMemory("Moves to Kyoto", valid_from=datetime(2999, 1, 1, tzinfo=UTC)))
    store.remember(NewMemory("=1+1\nsecond line"))
    store.remember(NewMemory(HOSTILE))
    return store


def notes_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.md")}


def front_matter(note: str) -> dict[str, object]:
    """Return the fields between the first two rulers, each of which is JSON."""
    lines = note.split("\n---\n")[0].removeprefix("---\n").splitlines()
    return {name: json.loads(value) for name, _, value in (line.partition(": ") for line in lines)}


def test_notes_are_linked_and_their_links_lead_somewhere(filled: Store, tmp_path: Path) -> None:
    count = filled.export_as(Format.MARKDOWN, tmp_path / "notes")
    notes = notes_of(tmp_path / "notes")
    assert count == len(notes)
    places = {name.removesuffix(".md") for name in notes}
    links = {link for text in notes.values() for link in re.findall(r"\[\[([^\]|#^\[]+)\|", text)}
    assert links <= places
    assert len(links) == len(places) - 1  # all but the index itself
    talk = next(text for name, text in notes.items() if name.startswith("conversations/"))
    assert re.search(r"- \\\[1\\\] \[\[documents/计划-\w+\|计划\]\], 行程 › line 1", talk)
    assert talk.count("*On another branch.*") == 1
    assert talk.index("The tram") < talk.index("D8724 [1]")
    assert "*This answer is partial.*" in talk
    block = re.findall(r"In answer to \[\[#\^([\w-]+)\|", talk)
    assert f"\n^{block[0]}\n" in talk
    porto = next(text for name, text in notes.items() if "Porto" in name)
    assert re.search(r"Superseded by \[\[memories/Lives-in-Lyon-\w+\|Lives in Lyon\]\]", porto)
    assert front_matter(porto)["tags"] == ["keepsake/memory"]
    lyon = next(text for name, text in notes.items() if "Lyon" in name)
    assert front_matter(lyon)["tags"] == ["keepsake/memory", "keepsake/pinned"]


def test_no_text_breaks_out_of_the_front_matter(filled: Store, tmp_path: Path) -> None:
    filled.export_as(Format.MARKDOWN, tmp_path / "notes")
    hostile = [note for note in notes_of(tmp_path / "notes").values() if HOSTILE in note]
    assert len(hostile) == 1
    fields = front_matter(hostile[0])
    assert fields["id"] in {one.id for one in filled.memories.all()}
    assert hostile[0].endswith(f"---\n\n{HOSTILE}\n")


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("Run this:\n```python\nprint(1)", "```"),
        ("  ~~~~\n~~~\n```\n~~~ x", "~~~~"),
        ("```\na\n```", ""),
        ("```\na\n`````  ", ""),
        ("``` not `a fence", ""),
        ("    ```", ""),
        ("代码 ```", ""),
        ("", ""),
    ],
)
def test_code_block_that_is_not_closed_ends_with_its_text(text: str, closing: str) -> None:
    assert close_code_block(text) == (f"{text}\n{closing}" if closing else text)


def test_answer_cut_short_in_its_code_does_not_swallow_the_next(store: Store, tmp_path: Path) -> None:
    talk = store.conversations.start("Code")
    cut = store.conversations.append(talk.id, Role.USER, "```\nprint(1)", USER, parent_id=None)
    store.conversations.append(talk.id, Role.USER, "And then?", USER, parent_id=cut.id)
    add_document(store, "/a/code.md", "```\nx = 1", "after")
    store.remember(NewMemory("```\ny = 2"))
    store.export_as(Format.MARKDOWN, tmp_path / "notes")
    store.export(tmp_path / "keep.zip", "1")
    with zipfile.ZipFile(tmp_path / "keep.zip") as archive:
        members = [one for one in archive.namelist() if one.endswith(".md")]
        texts = [archive.read(one).decode() for one in members]
    texts += notes_of(tmp_path / "notes").values()
    blocks = [one.content for text in texts for one in MarkdownIt().parse(text) if one.type == "fence"]
    assert sorted(blocks) == ["print(1)\n"] * 2 + ["x = 1\n"] * 2 + ["y = 2\n"] * 2


@pytest.mark.parametrize("wanted", list(Format))
def test_private_stays_out_when_asked(filled: Store, tmp_path: Path, wanted: Format) -> None:
    for with_private in (True, False):
        path = tmp_path / f"out-{with_private}"
        filled.export_as(wanted, path, with_private=with_private)
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        text = "".join(f"{one.name}\n{one.read_text('utf-8')}" for one in files)
        assert ("血压偏高" in text) == with_private
        assert ("blood pressure" in text) == (with_private and wanted in (Format.MARKDOWN, Format.PAM))
        assert "Lives in Lyon" in text


def test_no_id_of_the_private_stays_behind(filled: Store, tmp_path: Path) -> None:
    talk = filled.conversations.start("Doctor")
    said = filled.conversations.append(talk.id, Role.USER, "My pulse", USER, parent_id=None, private=True)
    letter = add_document(filled, "/health/letter.md", "pulse", private=True)
    made = filled.remember(NewMemory("Sees a doctor", sources=(said.id, letter.id)))
    old = filled.memories.mark(made.id, private=False)
    new = filled.memories.supersede(old.id, NewMemory("Sees two", private=True))
    for wanted in Format:
        filled.export_as(wanted, tmp_path / wanted, with_private=False)
    written = bytes_of(tmp_path / Format.PAM) + bytes_of(tmp_path / Format.MARKDOWN)
    written += b"".join((tmp_path / one).read_bytes() for one in (Format.CSV, Format.CLAUDE))
    assert old.id.encode() in written
    for one in (said.id, letter.id, new.id):
        assert one.encode() not in written
        assert one.replace("_", "-").encode() not in written
    assert "Sees a doctor" not in (tmp_path / Format.CLAUDE).read_text("utf-8")  # superseded, if by what stays here


def test_csv_is_a_table_in_which_nothing_is_a_formula(filled: Store, tmp_path: Path) -> None:
    filled.export_as(Format.CSV, tmp_path / "memories.csv")
    text = (tmp_path / "memories.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(filled.memories.all(include_superseded=True))
    by_text = {row["text"]: row for row in rows}
    assert "'=1+1\nsecond line" in by_text
    assert by_text["Lives in Porto"]["superseded_by"] == by_text["Lives in Lyon"]["id"]
    assert (by_text["Lives in Porto"]["pinned"], by_text["Lives in Lyon"]["pinned"]) == ("no", "yes")
    assert by_text["血压偏高"]["private"] == "yes"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_claude_lines_say_what_holds_today(filled: Store, tmp_path: Path) -> None:
    filled.export_as(Format.CLAUDE, tmp_path / "lines.txt")
    lines = (tmp_path / "lines.txt").read_text("utf-8").splitlines()
    assert all(re.match(r"\[\d{4}-\d\d-\d\d\] - \S", line) for line in lines)
    texts = [line.partition(" - ")[2] for line in lines]
    assert "Lives in Lyon" in texts
    assert "=1+1 second line" in texts
    assert not {"Lives in Porto", "Was in Kunming", "Moves to Kyoto"} & set(texts)


def memories_of(folder: Path) -> MemoryStore:
    loaded = load(folder / "memory-store.json")
    assert isinstance(loaded, MemoryStore)
    return loaded


@pytest.mark.parametrize("with_private", [True, False])
def test_pam_passes_its_own_validation(filled: Store, tmp_path: Path, with_private: bool) -> None:
    filled.export_as(Format.PAM, tmp_path / "pam", with_private=with_private)
    memories = memories_of(tmp_path / "pam")
    result = validate_memory_store(memories)
    assert result.is_valid, str(result)
    assert result.warnings == []
    kinds = {one.content: str(one.type) for one in memories.memories}
    assert kinds["Lives in Lyon"] == "fact"
    assert kinds["Takes the D8724"] == "custom"
    assert [(one.type, one.to) for one in memories.relations] == [
        ("supersedes", next(one.id for one in memories.memories if one.content == "Lives in Porto"))
    ]
    for entry in memories.conversations_index:
        assert entry.storage is not None
        conversation = load_conversation(tmp_path / "pam" / entry.storage.ref)
        checked = validate_conversation(conversation)
        assert checked.is_valid
        assert checked.warnings == []
        assert len(conversation.messages) == (4 if with_private else 3)


def test_pam_fits_the_schemas_of_the_format(filled: Store, tmp_path: Path) -> None:
    filled.export_as(Format.PAM, tmp_path / "pam")
    schemas = resources.files("portable_ai_memory") / "schemas"
    for file in (tmp_path / "pam").rglob("*.json"):
        name = "portable-ai-memory" if file.name == "memory-store.json" else "portable-ai-memory-conversation"
        schema = json.loads((schemas / f"{name}.schema.json").read_text("utf-8"))
        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        assert [one.message for one in validator.iter_errors(json.loads(file.read_text("utf-8")))] == []


def test_pam_names_the_same_owner_in_every_export(filled: Store, tmp_path: Path) -> None:
    for name in ("one", "two"):
        filled.export_as(Format.PAM, tmp_path / name)
    owners = {memories_of(tmp_path / name).owner.id for name in ("one", "two")}
    assert len(owners) == 1


def test_folder_with_something_in_it_is_never_replaced(filled: Store, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    filled.export_as(Format.MARKDOWN, vault)
    before = notes_of(vault)
    with pytest.raises(ArchiveError, match="is there already"):
        filled.export_as(Format.MARKDOWN, vault)
    assert notes_of(vault) == before
    assert {one.name for one in tmp_path.iterdir()} == {"vault", "memory"}


@pytest.mark.parametrize("wanted", list(Format))
def test_place_that_does_not_exist_is_told(filled: Store, tmp_path: Path, wanted: Format) -> None:
    with pytest.raises(ArchiveError, match="can't be written"):
        filled.export_as(wanted, tmp_path / "no" / "such" / "place")
    assert {one.name for one in tmp_path.iterdir()} == {"memory"}


def test_ids_that_look_like_paths_lead_nowhere(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive made to harm brings its own ids; here the store makes such ones itself."""
    numbers = itertools.count()
    monkeypatch.setattr(ids, "new_id", lambda prefix: f"../../../{next(numbers)}{prefix}/evil" + "x" * 300)
    add_document(store, "/a/Talk.txt", "text")
    for _ in range(2):  # the ends of their ids are the same, and so are their titles
        talk = store.conversations.start("Talk")
        store.conversations.append(talk.id, Role.USER, "Hello", USER, parent_id=None)
    monkeypatch.setattr(ids, "new_id", lambda prefix: f"{prefix}_{next(numbers)}aaaaaa")
    store.remember(NewMemory("Talk"))
    store.remember(NewMemory("Talk"))
    for wanted in (Format.MARKDOWN, Format.PAM):
        out = tmp_path / "deep" / "er" / wanted
        out.parent.mkdir(parents=True, exist_ok=True)
        count = store.export_as(wanted, out)
        inside = [one for one in out.rglob("*") if one.is_file()]
        assert len(inside) == count
        assert not [one for one in inside if "evil" in str(one.parent)]
    assert {one.name for one in tmp_path.iterdir()} == {"memory", "deep"}
    store.export(tmp_path / "keep.zip", "1")
    with zipfile.ZipFile(tmp_path / "keep.zip") as archive:
        assert not [name for name in archive.namelist() if ".." in name]


@pytest.mark.parametrize("wanted", list(Format))
def test_disk_that_fills_up_leaves_what_was_there(
    filled: Store, tmp_path: Path, wanted: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    if wanted in FOLDERS:
        path.mkdir()
    else:
        path.write_text("an earlier export")
    read, write = itertools.count(), formats._write

    def full(file: IO[bytes], pieces: Iterable[str]) -> None:
        write(file, itertools.islice(pieces, 2))
        if wanted not in FOLDERS or next(read):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(formats, "_write", full)
    with pytest.raises(ArchiveError, match="No space left"):
        filled.export_as(wanted, path)
    assert {one.name for one in tmp_path.iterdir()} == {"memory", "out"}
    assert list(path.iterdir()) == [] if wanted in FOLDERS else path.read_text() == "an earlier export"


def test_folder_that_may_not_be_looked_into_is_told(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()

    def refused(_: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(ArchiveError, match="Permission denied"):
        filled.export_as(Format.MARKDOWN, tmp_path / "out")


@pytest.mark.parametrize("wanted", list(Format))
def test_nobody_else_may_read_what_is_written(filled: Store, tmp_path: Path, wanted: Format) -> None:
    filled.export_as(wanted, tmp_path / "out")
    for one in (tmp_path / "out", *(tmp_path / "out").rglob("*")):
        assert one.stat().st_mode & 0o777 == (0o700 if one.is_dir() else 0o600)


def test_nothing_is_written_into_the_folder_of_the_store(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(filled.folder)
    before = {one.name for one in filled.folder.iterdir()}
    for path in (filled.folder / "keepsake.db", filled.folder / "new", tmp_path / "elsewhere" / "keepsake.db"):
        with pytest.raises(ArchiveError, match="in the folder of the store"):
            filled.export(path, "1")
        for wanted in Format:
            with pytest.raises(ArchiveError, match="in the folder of the store"):
                filled.export_as(wanted, path)
    assert {one.name for one in filled.folder.iterdir()} == before
    assert filled.verify() == []
