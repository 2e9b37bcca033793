"""`keepsake import` of another assistant's export: a line a source, a summary, and the numbers as JSON."""

from __future__ import annotations

from pathlib import Path

from assistant.cli.app import run
from tests.cli.conftest import Shell
from tests.ingestion.conversations.exports import gpt_chat, zipped


def test_an_export_is_known_by_itself_and_told_in_a_line_and_a_summary(keepsake: Shell, tmp_path: Path) -> None:
    torn = {"title": "Broken", "mapping": None}
    path = zipped(tmp_path / "export.zip", {"conversations.json": [gpt_chat("a"), torn, gpt_chat("b")]})
    first = keepsake("import", str(path))
    assert first.code == 0
    assert f"imported  {path} (ChatGPT): conversations: 2 new; messages: 4 new; not read: 1" in first.out
    assert f"failed    {path}: conversation 2: “Broken”: it has no messages (The rest is imported." in first.out
    assert "From other assistants: conversations: 2 new; messages: 4 new; not read: 1." in first.out
    report = keepsake("import", str(path), "--json").json["files"][-1]
    assert (report["status"], report["conversations"]["known"]) == ("unchanged", 2)


def test_an_export_of_nothing_but_torn_conversations_is_a_failure(tmp_path: Path, keepsake: Shell) -> None:
    path = zipped(tmp_path / "export.zip", {"conversations.json": [{"title": "x", "mapping": 1, "create_time": 1}]})
    assert keepsake("import", str(path)).code == 1
    assert run(["--data-dir", str(keepsake.data), "import", str(path), "--json"]) == 1


def test_a_file_name_with_line_ends_and_escapes_stays_on_one_line(tmp_path: Path, keepsake: Shell) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a\nimported  passwd\x1b[2J.md").write_text("The boiler is old.")
    (folder / "b\rfailed.png").write_bytes(b"\x89PNG\r\n")
    lines = keepsake("import", str(folder)).out.splitlines()
    assert [line.split()[0] for line in lines] == ["imported", "failed", "2"]
    found = keepsake("search", "boiler").out
    assert not [line for line in found.splitlines() if line.startswith("imported")]
    assert "\x1b" not in found + "".join(lines)
