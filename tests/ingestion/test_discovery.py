"""Finding files: in order, each once, never out of the folder or the archive, every failure named."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pytest

from assistant.ingestion.base import ReadLimits, SourceFile
from assistant.ingestion.discovery import DiscoveryFailure, discover
from assistant.ingestion.readers.registry import read_document
from tests.ingestion.files import LIMITS, docx_of, epub_of, mark_encrypted, zip_of


def found(root: Path, limits: ReadLimits = LIMITS) -> tuple[list[str], dict[str, str]]:
    """Return the paths of files and the failures with their reasons, both relative to `root`."""
    files: list[str] = []
    failures: dict[str, str] = {}
    for each in discover([root], limits):
        path = each.path.removeprefix(f"{root}").lstrip("/")
        if isinstance(each, DiscoveryFailure):
            failures[path] = each.reason
            assert each.hint
        else:
            files.append(path)
    return files, failures


def write(root: Path, files: dict[str, bytes | str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def texts(each: Iterable[SourceFile | DiscoveryFailure]) -> dict[str, str]:
    contents = {}
    for file in each:
        if isinstance(file, SourceFile):
            with file.open() as stream:
                contents[file.path] = stream.read().decode()
    return contents


def test_a_folder_is_walked_in_order_of_name_without_hidden_files_and_caches(tmp_path: Path) -> None:
    names = ["b.md", "a/z.txt", "a/b.txt", ".hidden", ".git/config", "__pycache__/x.txt", "node_modules/x.txt", "c.txt"]
    write(tmp_path, dict.fromkeys(names, "words"))
    assert found(tmp_path) == (["a/b.txt", "a/z.txt", "b.md", "c.txt"], {})


def test_a_path_is_absolute_and_a_file_named_twice_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.txt": "words"})
    monkeypatch.chdir(tmp_path)
    (file,) = discover([Path("a.txt"), tmp_path], LIMITS)
    assert file.path == str(tmp_path / "a.txt")


def test_text_of_an_unknown_suffix_is_read_and_binaries_are_reported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"main.py": "print()", "LICENSE": "MIT", "photo.png": b"\x89PNG\r\n\x1a\n", "film.mp4": b"\0\0\0\x18ftyp"},
    )
    files, failures = found(tmp_path)
    assert files == ["LICENSE", "main.py", "photo.png"]  # whether its text can be recognised, its reader says
    assert failures == {
        "film.mp4": "not a format Keepsake reads (a video or photo)",
    }


def test_a_path_that_does_not_exist_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    (failure,) = discover([tmp_path / "nowhere"], LIMITS)
    assert isinstance(failure, DiscoveryFailure)
    assert failure.reason == "it does not exist"


def test_links_in_a_folder_are_not_followed_out_of_it_or_in_circles(tmp_path: Path) -> None:
    write(tmp_path, {"inside/a.txt": "words", "outside/secret.txt": "secret"})
    (tmp_path / "inside/loop").symlink_to(tmp_path / "inside")
    (tmp_path / "inside/out").symlink_to(tmp_path / "outside")
    (tmp_path / "inside/file.txt").symlink_to(tmp_path / "outside/secret.txt")
    assert found(tmp_path / "inside") == (["a.txt"], {})


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"folder/a.txt": "words"})
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert found(tmp_path / "link") == (["a.txt"], {})


def test_a_fifo_is_passed_over_in_a_folder_and_reported_when_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert found(tmp_path) == ([], {})
    (failure,) = discover([tmp_path / "pipe.txt"], LIMITS)
    assert isinstance(failure, DiscoveryFailure)
    assert failure.reason == "it is neither a file nor a folder"


def test_a_folder_without_permission_is_reported_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a/x.txt": "words", "b/y.txt": "words"})
    listdir = os.listdir

    def refuse(path: Path) -> list[str]:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert found(tmp_path) == (["b/y.txt"], {"a": "no permission to read it"})


def test_a_name_that_is_not_utf8_is_shown_as_text_that_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("words")
    (file,) = discover([tmp_path], LIMITS)
    assert isinstance(file, SourceFile)
    assert file.path.encode().decode().endswith("caf\ufffd.txt")
    assert list(texts([file]).values()) == ["words"]


def test_members_of_a_zip_are_files_of_their_own_and_open_again_after_the_walk(tmp_path: Path) -> None:
    inner = zip_of({"deep.txt": "deep words"})
    write(
        tmp_path, {"a.zip": zip_of({"b/notes.md": "words", "a.txt": "other", "__MACOSX/x.txt": "no", "in.zip": inner})}
    )
    each = list(discover([tmp_path], LIMITS))
    assert texts(each) == {
        f"{tmp_path}/a.zip!/a.txt": "other",
        f"{tmp_path}/a.zip!/b/notes.md": "words",
        f"{tmp_path}/a.zip!/in.zip!/deep.txt": "deep words",
    }
    assert texts(each) == texts(each)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_word_documents_and_books_are_documents_not_archives(tmp_path: Path) -> None:
    write(tmp_path, {"a.docx": docx_of(""), "b.epub": epub_of([])})
    assert found(tmp_path) == (["a.docx", "b.epub"], {})


def test_zips_nested_too_deeply_are_reported(tmp_path: Path) -> None:
    data = zip_of({"a.txt": "words"})
    for _ in range(3):
        data = zip_of({"in.zip": data, "beside.txt": "words"})
    write(tmp_path, {"a.zip": data})
    files, failures = found(tmp_path)
    assert files == ["a.zip!/beside.txt", "a.zip!/in.zip!/beside.txt"]
    assert failures == {"a.zip!/in.zip!/in.zip": "zips nested more than 2 deep"}


@pytest.mark.parametrize(
    "name", ["../escape.txt", "/etc/escape.txt", "a/../../escape.txt", "C:/escape.txt", "..\\escape.txt"]
)
def test_a_member_that_leads_out_of_its_zip_is_reported_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"home/a.zip": zip_of({name: "evil", "good.txt": "words"})})
    files, failures = found(tmp_path / "home")
    assert files == ["a.zip!/good.txt"]
    assert list(failures.values()) == ["path escape: its name leads out of the archive"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "home"]


def test_a_link_in_a_zip_is_reported(tmp_path: Path) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    write(tmp_path, {"a.zip": buffer.getvalue()})
    assert found(tmp_path) == ([], {"a.zip!/link.txt": "a link, not a file"})


def test_a_bomb_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path, {"a.zip": zip_of({"bomb.txt": b"\0" * 3 * 1024**2, "good.txt": "words"}), "b.txt": "words"})
    files, failures = found(tmp_path)
    assert files == ["a.zip!/good.txt", "b.txt"]
    assert "times its size" in failures["a.zip!/bomb.txt"]


def test_an_archive_of_too_much_or_too_many_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.zip": zip_of({f"{n}.txt": "x" * 1000 for n in range(5)}), "b.txt": "words"})
    files, failures = found(tmp_path, ReadLimits(max_decompressed_bytes=2500))
    assert files == ["a.zip!/0.txt", "a.zip!/1.txt", "b.txt"]
    assert "stopped before 2.txt" in failures["a.zip"]
    assert found(tmp_path, ReadLimits(max_members=4)) == (
        ["b.txt"],
        {"a.zip": "it holds 5 files, the limit is 4"},
    )


def test_an_archive_with_a_directory_that_would_fill_the_memory_is_never_listed(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.txt": "words"}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    write(tmp_path, {"a.zip": bytes(data), "b.txt": "words"})
    assert found(tmp_path) == (["b.txt"], {"a.zip": "it holds more files than can be listed"})


def test_a_member_that_is_larger_than_it_declares_is_never_unpacked_beyond_that(tmp_path: Path) -> None:
    data = bytearray(zip_of({"a.txt": "words " * 1000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(signature)
        data[at + offset : at + offset + 4] = (60).to_bytes(4, "little")
    write(tmp_path, {"a.zip": bytes(data)})
    (file,) = discover([tmp_path], LIMITS)
    assert isinstance(file, SourceFile)
    with pytest.raises(Exception, match="damaged"):
        list(read_document(file, LIMITS).blocks)


def test_encrypted_members_and_damaged_zips_are_reported(tmp_path: Path) -> None:
    whole = zip_of({"a.txt": "words"})
    write(tmp_path, {"a.zip": mark_encrypted(whole), "b.zip": whole[: len(whole) // 2], "c.zip": "no zip"})
    files, failures = found(tmp_path)
    assert files == []
    assert failures["a.zip!/a.txt"] == "encrypted: it needs a password"
    assert failures["b.zip"] == failures["c.zip"] == "damaged: the zip's directory can't be read"


def test_chinese_names_from_old_zip_programs_are_readable(tmp_path: Path) -> None:
    name = "旅行计划和读书笔记.txt"
    raw = name.encode("gb18030")
    data = zip_of({"x" * len(raw): "words"}).replace(b"x" * len(raw), raw)
    write(tmp_path, {"a.zip": data})
    assert found(tmp_path) == ([f"a.zip!/{name}"], {})
