"""The documents screen: what was imported is listed with how its file stands, read, renewed, marked and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Static

from assistant.tui.screens.document import AT_ONCE, DocumentScreen
from assistant.tui.screens.documents import DocumentsScreen
from assistant.tui.widgets.notice import Notice
from memory_store import Store
from memory_store.models import LeftOut
from tests.memory_store.support import add_document, bytes_of
from tests.tui.support import House, chatting


async def shown(house: House, size: int) -> DocumentsScreen:
    """Open the screen and wait for its list."""
    await house.pilot.press("f3")
    screen = await house.dialog(DocumentsScreen)
    assert isinstance(screen, DocumentsScreen)
    await house.until(lambda: len(screen.list.items) == size)
    return screen


def reads(screen: DocumentsScreen | DocumentScreen) -> str:
    """What the widgets of the screen say."""
    return "\n".join(str(one.render()) for one in screen.query(Static))


def lines(screen: DocumentsScreen) -> list[str]:
    """The lines of the list."""
    return [str(screen.line(one)) for one in screen.list.items]


def two(store: Store) -> None:
    """Store a document of three passages and a private one."""
    add_document(
        store, "/home/ada/house.md", "The key is with Ines.", "The [b]boiler[/b]\x1b[2J hums.", "Paper on Fridays."
    )
    add_document(store, "/home/ada/diary.md", "A secret about quincunxes.", private=True)


def imported(folder: Path) -> Callable[[Store], None]:
    """Return what stores a document as an import of a file would."""

    def prepare(store: Store) -> None:
        from assistant.ingestion.pipeline import ImportOptions, import_paths

        list(import_paths(store, [folder], ImportOptions()))

    return prepare


async def test_documents_are_listed_with_their_marks_and_narrowed_by_typing(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house, 2)
        await house.until(lambda: all("missing on disk" in one for one in lines(screen)))
        assert "1 passage · private" in lines(screen)[0]
        assert "3 passages" in lines(screen)[1]
        await house.pilot.press("slash")
        await house.press_keys("house")
        await house.until(lambda: len(screen.list.items) == 1)
        await house.until(lambda: "/home/ada/house.md" in reads(screen))


async def test_a_changed_file_is_marked_and_imported_again(tmp_path: Path) -> None:
    file = tmp_path / "files" / "bins.md"
    file.parent.mkdir()
    file.write_text("Paper goes out on Tuesdays.")
    async with chatting(tmp_path, prepare=imported(file.parent)) as house:
        file.write_text("Paper goes out on Wednesday.")
        assert file.stat().st_size == len("Paper goes out on Tuesdays.") + 1
        screen = await shown(house, 1)
        await house.until(lambda: "changed on disk" in lines(screen)[0])
        await house.pilot.press("i")
        await house.until(lambda: "1 updated" in screen.query_one(Notice).text)
        await house.until(lambda: "unchanged on disk" in reads(screen))
        assert [hit.text for hit in house.store.recall("paper", 1)] == ["Paper goes out on Wednesday."]


async def test_a_file_of_the_same_size_is_compared_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "files" / "bins.md"
    file.parent.mkdir()
    file.write_text("Paper on Tuesdays")
    async with chatting(tmp_path, prepare=imported(file.parent)) as house:
        screen = await shown(house, 1)
        await house.until(lambda: "unchanged on disk" in reads(screen))
        file.write_text("Paper on Saturday")
        screen.reload()
        await house.until(lambda: "File      changed on disk" in reads(screen))


async def test_a_document_opens_in_place_a_part_at_a_time(tmp_path: Path) -> None:
    def many(store: Store) -> None:
        add_document(store, "/home/ada/long.md", *(f"Line {number} [red]x[/red]" for number in range(AT_ONCE + 3)))

    async with chatting(tmp_path, prepare=many) as house:
        await shown(house, 1)
        await house.pilot.press("o")
        reader = await house.dialog(DocumentScreen)
        await house.until(lambda: f"Line {AT_ONCE - 1} [red]x[/red]" in reads(reader))
        assert f"passages 1 to {AT_ONCE} of {AT_ONCE + 3}" in reads(reader)
        await house.pilot.press("n")
        await house.until(lambda: f"Line {AT_ONCE + 2} " in reads(reader) and "Line 1 " not in reads(reader))
        await house.pilot.press("n", "b")
        await house.until(lambda: "Line 1 " in reads(reader))
        await house.pilot.press("escape")
        await house.dialog(DocumentsScreen)


async def test_foreign_text_of_a_document_has_no_escapes_and_is_no_markup(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        await shown(house, 2)
        await house.pilot.press("end", "o")
        reader = await house.dialog(DocumentScreen)
        await house.until(lambda: "The [b]boiler[/b] hums." in reads(reader))


async def test_a_document_is_made_private_and_public_again(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house, 2)
        for private in (False, True):
            await house.pilot.press("v")
            await house.until(lambda private=private: screen.chosen.private is private)  # type: ignore[misc, union-attr]
        assert [one.private for one in house.store.documents.all()] == [True, False]


async def test_a_document_is_forgotten_after_a_yes(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        await house.settled()
        screen = await shown(house, 2)
        await house.pilot.press("f")
        await house.erase()
        await house.until(lambda: "nothing of it is left" in screen.query_one(Notice).text)
        await house.until(lambda: len(screen.list.items) == 1)
        assert b"quincunx" not in bytes_of(house.store.folder)


async def test_everything_needed_is_in_view_at_every_size(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=two) as house:
        screen = await shown(house, 2)
        async for _ in house.sizes():
            for selector in ("#head", "#list", "#detail", "#keys"):
                assert screen.region.contains_region(screen.query_one(selector).region)
        await house.pilot.press("end", "o")
        reader = await house.dialog(DocumentScreen)
        await house.until(lambda: "Paper on Fridays." in reads(reader))
        async for _ in house.sizes():
            for widget in ("#head", "VerticalScroll", "#keys"):
                assert reader.region.contains_region(reader.query_one(widget).region)


def with_a_hole(store: Store) -> None:
    """Store a document of which a page is missing, and a whole one."""
    hole = LeftOut("page [b]3", "it holds only a picture", "Read it with OCR.")
    add_document(store, "/home/ada/lease.pdf", "The rent is due on the first.", left_out=(hole,))
    add_document(store, "/home/ada/house.md", "The key is with Ines.")


async def test_documents_of_which_something_is_missing_are_marked_and_filtered(tmp_path: Path) -> None:
    async with chatting(tmp_path, prepare=with_a_hole) as house:
        screen = await shown(house, 2)
        assert ["1 part missing" in one for one in lines(screen)] == [False, True]
        await house.pilot.press("1")
        await house.until(lambda: [one.path for one in screen.list.items] == ["/home/ada/lease.pdf"])
        await house.until(lambda: "page [b]3: it holds only a picture (Read it with OCR.)" in reads(screen))
        await house.pilot.press("1")
        await house.until(lambda: [one.path for one in screen.list.items] == ["/home/ada/house.md"])
