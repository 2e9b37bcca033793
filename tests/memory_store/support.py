"""Ways to fill a store and to look at its bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from memory_store import NewDocument, Store
from memory_store.clock import now
from memory_store.models import Document, LeftOut, Locator, PassageDraft
from memory_store.vector_index.base import IndexKind, IndexSettings

IN_CHROMA = IndexSettings(IndexKind.CHROMA)


def add_document(
    store: Store,
    path: str,
    *texts: str,
    private: bool = False,
    headings: tuple[str, ...] = (),
    left_out: tuple[LeftOut, ...] = (),
) -> Document:
    """Store a document of these passages under a path; the content hash follows from the texts."""
    new = NewDocument(
        path,
        Path(path).stem,
        "text/plain",
        f"hash of {texts!r}",
        sum(map(len, texts)),
        now(),
        private=private,
        left_out=left_out,
    )
    drafts = [
        PassageDraft(text, Locator(line_start=number, line_end=number, headings=headings))
        for number, text in enumerate(texts, start=1)
    ]
    return store.documents.add(new, drafts)


def indexed(store: Store) -> None:
    """Give every passage its vector and bring the index up to date."""
    store.embed_pending()
    assert store.update_index()


def bytes_of(folder: Path) -> bytes:
    """Return every byte of every file under a folder, names included; what is removed meanwhile has none.

    Another process reads them: closing a file of an open database here would drop this process's locks on it.
    """
    names = sorted(str(path) for path in folder.rglob("*"))
    read = subprocess.run(["cat", *names], capture_output=True, check=False)  # folders, and what is gone, are passed by
    return "".join(names).encode() + read.stdout
