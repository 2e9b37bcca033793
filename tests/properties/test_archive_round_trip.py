"""Round trips: any store that can be made is equal after export and restore."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_store import NewDocument, NewMemory, Store
from memory_store.models import USER, Author, AuthorKind, Locator, MemoryKind, PassageDraft, Role
from tests.memory_store.test_archive import rows_of
from tests.support.embedder import HashEmbedder

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80).filter(
    lambda text: bool(text.strip())
)
times = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
authors = st.builds(Author, st.sampled_from(AuthorKind), st.none() | texts)
locators = st.builds(
    Locator,
    page=st.none() | st.integers(1, 10**6),
    headings=st.lists(texts, max_size=3).map(tuple),
    line_start=st.none() | st.integers(1, 10**6),
    part=st.none() | texts,
)
drafts = st.builds(PassageDraft, texts, locators, st.none() | authors, st.none() | times)
memories = st.builds(
    NewMemory,
    text=texts,
    kind=st.sampled_from(MemoryKind),
    author=authors,
    pinned=st.booleans(),
    private=st.booleans(),
    valid_from=st.none() | times,
    valid_to=st.none() | times,
)
documents = st.tuples(texts, texts, times, st.booleans(), st.lists(drafts, max_size=4))
messages = st.tuples(st.sampled_from(Role), texts, st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(memories, max_size=4),
    st.lists(documents, max_size=3, unique_by=lambda document: document[0]),
    st.lists(messages, max_size=5),
    st.booleans(),
)
def test_store_is_equal_after_export_and_restore(
    notes: list[NewMemory],
    files: list[tuple[str, str, datetime, bool, list[PassageDraft]]],
    said: list[tuple[Role, str, bool]],
    embedded: bool,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder / "one", HashEmbedder()) as store:
            previous = None
            for note in notes:
                memory = store.remember(note)
                if previous is not None:
                    store.memories.supersede(previous, note)
                previous = memory.id
            for path, title, made, private, passages in files:
                store.documents.add(NewDocument(path, title, "text/plain", "0" * 64, 1, made, None, private), passages)
            if said:
                conversation = store.conversations.start("talk")
                parent = None
                for role, text, private in said:
                    parent = store.conversations.append(
                        conversation.id, role, text, USER, parent_id=parent, private=private
                    ).id
            if embedded:
                store.embed_pending()
            before = rows_of(store)
            store.export(folder / "keep.zip", "1")
        with Store.open(folder / "two", HashEmbedder()) as store:
            store.restore(folder / "keep.zip")
            assert rows_of(store) == before
            store.export(folder / "again.zip", "1")
        assert members(folder / "again.zip") == members(folder / "keep.zip")


def members(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist() if name != "manifest.json"}
