"""Writes docs/archive-format/*.schema.json and the tables of columns in docs/archive-format.md.

python scripts/archive_schemas.py           write them
python scripts/archive_schemas.py --check   only say which are out of date (exit code 1)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from memory_store.database import tables
from memory_store.receipts import Receipt
from memory_store.transfer import archive
from scripts.archive_columns import COLUMNS, HEX_32_BYTES, LOCATOR, TIME, WALL, Column, Schema

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "archive-format.md"
FOLDER: Final = DOCS / "archive-format"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MARKS: Final = re.compile(r"(<!-- columns of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def line_schema(table: tables.Table) -> dict[str, Any]:
    """Return the schema of one line of a table's file."""
    columns = {column.name: _column_schema(column) for column in COLUMNS[table.name]}
    return _schema(f"A line of {table.file}", _object(columns))


def manifest_schema() -> dict[str, Any]:
    """Return the schema of the manifest."""
    files = dict.fromkeys((*(table.file for table in tables.ARCHIVED), "markdown/memories.md"), HEX_32_BYTES)
    sums = _object(files)
    # The settings are not there if there were none to write.
    sums["properties"] = {**sums["properties"], archive.SETTINGS: HEX_32_BYTES}
    sums["patternProperties"] = {r"^markdown/(?:documents|conversations)/[^/]+\.md$": HEX_32_BYTES}
    return _schema(
        archive.MANIFEST,
        _object(
            {
                "format": {"const": archive.FORMAT},
                "format_version": {"const": archive.FORMAT_VERSION},
                "made_by": {"type": "string", "pattern": "^keepsake .+$"},
                "exported_at": TIME,
                "counts": _object({table.name: _COUNT for table in tables.ARCHIVED}),
                "tombstone_key": HEX_32_BYTES,
                "sha256": sums,
            }
        ),
    )


def files() -> Iterator[tuple[Path, str]]:
    """Yield every file with the text that belongs into it."""
    schemas = {
        "manifest": manifest_schema(),
        "locator": _schema("Where a passage stands", LOCATOR),
        "receipt": _schema("The receipt of an erasure", Receipt.model_json_schema(mode="serialization")),
        **{table.name: line_schema(table) for table in tables.ARCHIVED},
    }
    for name, schema in schemas.items():
        yield FOLDER / f"{name}.schema.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    page = PAGE.read_text("utf-8")
    yield PAGE, _MARKS.sub(lambda found: found[1] + _table_of(found[2]) + found[3], page)


def _schema(title: str, schema: Schema) -> dict[str, Any]:
    return {"$schema": _DRAFT, **schema, "title": title}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _column_schema(column: Column) -> dict[str, Any]:
    schema = dict(column.schema)
    meaning = column.meaning
    if column.null_when:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        meaning += f"; null when {column.null_when}"
    return {**schema, "description": meaning}


def _table_of(table: str) -> str:
    rows = [
        f"| `{one.name}` | {_shape(one.schema)} | {one.meaning} | {one.null_when or 'never'} |"
        for one in COLUMNS[table]
    ]
    return "\n".join(["", "| column | holds | meaning | null when |", "|---|---|---|---|", *rows, "", ""])


def _shape(schema: Schema) -> str:
    """Return in a few words what a column holds."""
    if schema == TIME:
        return "time"
    if schema.get("enum") == [0, 1]:
        return "0 or 1"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "contentEncoding" in schema:
        return "base64"
    if "contentMediaType" in schema:
        return "JSON in text"
    if schema == HEX_32_BYTES:
        return "64 hexadecimal digits"
    if schema == WALL:
        return "time without a zone"
    if "pattern" in schema:
        prefixes = re.findall(r"[a-z]{3}(?=[|)_])", schema["pattern"].split("_")[0] + "_")
        return " or ".join(f"`{one}_…`" for one in prefixes)
    return "text" if schema["type"] == "string" else "whole number"


def main() -> int:
    """Write the files, or with `--check` compare them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in files():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    print(f"{'Out of date' if check else 'Written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
