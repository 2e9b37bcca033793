"""docs/archive-format.md and its schemas say exactly what stands in an archive."""

from __future__ import annotations

import base64
import json
import os
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from memory_store import Store
from memory_store.clock import from_text, to_text
from memory_store.database import tables
from memory_store.database.tombstones import Name, NameKind, digest_of, name_of_text
from memory_store.transfer import archive
from memory_store.version import version
from scripts import archive_schemas
from tests.support.embedder import HashEmbedder
from tests.support.rich_store import SETTINGS, fill_richly

FIXTURES = Path(__file__).parent.parent / "fixtures"
PAGE = archive_schemas.PAGE.read_text("utf-8")
TABLES = [pytest.param(table, id=table.name) for table in tables.ARCHIVED]


def is_stored_time(value: object) -> bool:
    return not isinstance(value, str) or to_text(from_text(value)) == value


formats = FormatChecker(formats=())
formats.checks("date-time", raises=ValueError)(is_stored_time)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with Store.open(folder / "memory", HashEmbedder()) as store:
        fill_richly(store, folder)
        store.export(folder / "keepsake.zip", version(), SETTINGS)
    return folder / "keepsake.zip"


@cache
def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((archive_schemas.FOLDER / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(loaded)
    return loaded


def problems(shape: dict[str, Any], value: object) -> list[str]:
    """Return what is wrong with a value; JSON in text is read and compared with the schema of its content too."""
    found = [one.message for one in Draft202012Validator(shape, format_checker=formats).iter_errors(value)]
    for name, column in shape["properties"].items():
        if "contentSchema" in column and isinstance(value, dict) and isinstance(value[name], str):
            content = column["contentSchema"]
            content = schema(content["$ref"].removesuffix(".schema.json")) if "$ref" in content else content
            found += [one.message for one in Draft202012Validator(content).iter_errors(json.loads(value[name]))]
    return found


def lines(path: Path, table: tables.Table) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(path) as source, source.open(table.file) as member:
        for line in member:
            yield json.loads(line)


def test_the_page_and_the_schemas_are_up_to_date() -> None:
    for file, text in archive_schemas.files():
        assert file.read_text("utf-8") == text, f"{file.name}: run python scripts/archive_schemas.py"


@pytest.mark.parametrize("table", TABLES)
def test_the_schema_of_a_table_has_its_columns_in_order(table: tables.Table) -> None:
    shape = schema(table.name)
    assert tuple(shape["properties"]) == tuple(shape["required"]) == table.columns
    assert shape["additionalProperties"] is False


@pytest.mark.parametrize("table", TABLES)
def test_every_line_of_an_archive_fits_its_schema(path: Path, table: tables.Table) -> None:
    found = list(lines(path, table))
    assert found, "the store of this test has none"
    for line in found:
        assert problems(schema(table.name), line) == []
        assert tuple(line) == table.columns


@pytest.mark.parametrize("table", TABLES)
def test_every_line_of_the_fixture_of_this_format_fits_too(table: tables.Table) -> None:
    """If not, the format was changed: see test_migrations.py for what becomes of the fixture then."""
    for line in lines(FIXTURES / f"archive-format-{archive.FORMAT_VERSION}.zip", table):
        assert problems(schema(table.name), line) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_column_of_another_type_or_without_need_null_does_not_fit(path: Path, table: tables.Table) -> None:
    line = next(lines(path, table))
    for name, column in schema(table.name)["properties"].items():
        wrongs: list[object] = [True, 1.5, []]
        for wrong in wrongs if "null" in column["type"] else [*wrongs, None]:
            assert problems(schema(table.name), {**line, name: wrong}), (name, wrong)
    assert problems(schema(table.name), {**line, "more": 1})


def test_whatever_may_be_null_is_null_somewhere_and_something_elsewhere(path: Path) -> None:
    """Else the schemas would allow more than there is, or the store of this test would be too poor to show it."""
    never_seen = set()
    for table in tables.ARCHIVED:
        rows = list(lines(path, table))
        for name, column in schema(table.name)["properties"].items():
            if "null" in column["type"]:
                seen = {row[name] is None for row in rows}
                never_seen |= {(table.name, name, is_null) for is_null in {True, False} - seen}
    # Only versions before receipts left these out; see the fixtures of test_migrations.py.
    assert never_seen == {("tombstones", "erasure_id", True), ("erasures", "receipt", True)}


def test_the_manifest_fits_its_schema_and_names_every_member(path: Path) -> None:
    with zipfile.ZipFile(path) as source:
        manifest = json.loads(source.read("manifest.json"))
        assert problems(schema("manifest"), manifest) == []
        assert set(manifest["sha256"]) == set(source.namelist()) - {"manifest.json"}
        assert source.namelist()[-1] == "manifest.json"
    assert list(manifest) == schema("manifest")["required"]
    assert problems(schema("manifest"), {**manifest, "format_version": 1})


def test_the_page_names_every_member_field_and_column(path: Path) -> None:
    members = PAGE.split("## Members")[1].split("\n## ")[0]
    with zipfile.ZipFile(path) as source:
        for name in source.namelist():
            shown = re.sub(r"^(markdown/\w+/).+\.md$", r"\1TITLE-ID.md", name)
            assert f"| `{shown}` |" in members, shown
    manifest = PAGE.split("## The manifest")[1].split("\n## ")[0]
    for name in schema("manifest")["properties"]:
        assert f"| `{name}` |" in manifest, name
    for table in tables.ARCHIVED:
        section = PAGE.split(f"### {table.name}\n")[1].split("\n##")[0]
        assert re.findall(r"^\| `(\w+)` \|", section.split("<!-- columns")[1], re.MULTILINE) == list(table.columns)
        ordered = section.split("Sorted by ")[1].split(".")[0].replace(" then ", " ")
        assert re.findall(r"`(\w+)`", ordered) == list(table.order), table.name


def test_rows_stand_in_the_order_that_the_page_says(path: Path) -> None:
    for table in tables.ARCHIVED:
        keys = [tuple(row[name] or "" for name in table.order) for row in lines(path, table)]
        assert keys == sorted(keys), table.name


def test_vectors_are_read_as_the_page_says(path: Path) -> None:
    import numpy as np

    [embedder] = lines(path, tables.BY_NAME["embedders"])
    for row in lines(path, tables.BY_NAME["embeddings"]):
        vector = np.frombuffer(base64.b64decode(row["vector"]), "<f4")
        assert vector.shape == (embedder["dimension"],)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_tombstones_are_made_as_the_page_says(path: Path) -> None:
    with zipfile.ZipFile(path) as source:
        key = bytes.fromhex(json.loads(source.read("manifest.json"))["tombstone_key"])
    digests = {row["digest"] for row in lines(path, tables.BY_NAME["tombstones"])}
    assert digest_of(key, Name(NameKind.PATH, "/notes/gone.md")) in digests
    assert digest_of(key, name_of_text("  where the TREASURE lies.")) in digests
    section = PAGE.split("### tombstones")[1].split("<!--")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)[1:] == [one.value for one in NameKind]


def test_the_example_without_keepsake_reads_an_archive(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = PAGE.split("```python\n")[1].split("```")[0]
    assert len(code.strip().splitlines()) <= 10
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        exec(compile(code, "archive-format.md", "exec"), {})
    finally:
        os.chdir(before)
    printed = capsys.readouterr().out
    assert "Ada lives in Porto." in printed
    assert "Ada lives in Lisbon." not in printed
