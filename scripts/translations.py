"""Gathers the texts of the interface, brings every catalogue up to date with them, and compiles the catalogues.

Usage: uv run python scripts/translations.py [--check]

A new language is a folder more: copy assistant/locales/zh to its code, empty the translations of keepsake.po, run this.
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from assistant.language import DOMAIN, LOCALES

_ROOT = Path(__file__).resolve().parents[1]
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
_KEYWORDS = {"_": None, "N_": None, "NN_": (1, 2), "plural": (1, 2)}


def gathered() -> Catalog:
    """Return every text that the code marks, with the files that use it."""
    catalog = Catalog(project="Keepsake", charset="utf-8")
    found = extract_from_dir(str(_ROOT / "assistant"), keywords=_KEYWORDS, comment_tags=("translators:",))
    for name, _line, message, comments, context in found:
        if message:
            catalog.add(message, locations=[(f"assistant/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as its file holds it: sorted, without the dates and lines that change with every edit."""
    target = io.BytesIO()
    write_po(target, catalog, omit_header=True, sort_output=True, include_lineno=False, width=120, ignore_obsolete=True)
    lines = ("Content-Type: text/plain; charset=utf-8", f"Plural-Forms: {catalog.plural_forms}")
    header = "".join(f'"{line}\\n"\n' for line in lines)
    return f'msgid ""\nmsgstr ""\n{header}\n'.encode() + target.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return what gettext reads, the same at any time."""
    catalog.creation_date = catalog.revision_date = _NO_DATE
    target = io.BytesIO()
    write_mo(target, catalog)
    return target.getvalue()


def unfinished(catalog: Catalog) -> list[str]:
    """Return the texts that are not translated, or only by a guess."""
    return [str(one.id) for one in catalog if one.id and (one.fuzzy or not all(_texts(one.string)))]


def _texts(string: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [string] if isinstance(string, str) else list(string or [""])


def main(check: bool) -> int:
    """Bring the catalogues up to date, or check that they are; return the exit code."""
    texts = gathered()
    problems = []
    for file in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        with file.open("rb") as opened:
            catalog = read_po(opened, locale=file.parents[1].name)
        catalog.update(texts, no_fuzzy_matching=True)
        language, target = file.parents[1].name, file.with_suffix(".mo")
        problems += [f"{language}: not translated: {one!r}" for one in unfinished(catalog)]
        new, binary = written(catalog), compiled(catalog)
        if check:
            if file.read_bytes() != new or not target.is_file() or target.read_bytes() != binary:
                problems.append(f"{language}: the catalogue is not up to date; run scripts/translations.py")
        else:
            file.write_bytes(new)
            target.write_bytes(binary)
    print("\n".join(problems) or "every text is translated")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
