"""Whatever is done to a file, it gives its text or says why not: never another exception, and it always ends.

FUZZ_INPUTS=100000 in the environment tries more than a run of the tests does; FUZZ_SEED begins elsewhere.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ReadError
from assistant.ingestion.base import ReadLimits
from assistant.ingestion.conversations.base import ImportedConversation, Torn
from assistant.ingestion.conversations.exports import open_export
from assistant.ingestion.conversations.registry import recognise
from memory_store import Store
from memory_store.models import USER, Role
from tests.ingestion.conversations.exports import (
    claude_chat,
    claude_message,
    gpt_chat,
    llm_database,
    oterm_database,
    said,
    webui_chat,
    webui_message,
)
from tests.ingestion.conversations.test_chatgpt import BRANCHED, SKIPPED
from tests.ingestion.conversations.test_claude_and_open_webui import MEMORIES, PROJECT
from tests.ingestion.conversations.test_databases_and_archives import LOGS, THREADS
from tests.ingestion.files import read, zip_of
from tests.ingestion.fuzzing import damaged, exchanged
from tests.ingestion.test_damage import WHOLE

INPUTS = int(os.environ.get("FUZZ_INPUTS", "600"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
LIMITS = ReadLimits(max_decompressed_bytes=50_000_000, max_text_chars=2_000_000, max_line_chars=200_000)
HANG_SECONDS = 300
TOLD: list[Any] = [
    *(gpt_chat(str(number), BRANCHED | {"x": {"parent": "q", "message": message}}) for number, (message, _) in
      enumerate(SKIPPED)),
]  # fmt: skip
CLAUDE = [
    claude_chat(
        claude_message("human", said("How?"), uuid="q", attachments=[{"file_name": "a", "extracted_content": "b"}]),
        claude_message("assistant", said("So."), {"type": "thinking"}, uuid="a", parent_message_uuid="q"),
    )
]
WEBUI = [
    webui_chat(webui_message("q", "user", "How?"), webui_message("a", "assistant", "So.", "q")),
    webui_chat(webui_message("q", "user", [{"type": "text", "text": "x"}]), wrapped=False),
]
EXPORTS: dict[str, Any] = {
    "gpt/conversations.json": TOLD,
    "claude/conversations.json": CLAUDE,
    "webui.json": WEBUI,
}


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """End the whole run, and show where it hangs, if one test takes minutes."""
    faulthandler.dump_traceback_later(HANG_SECONDS + INPUTS // 10, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def test_damaged_files_give_text_or_a_reason() -> None:
    names = sorted(WHOLE)
    for number in range(INPUTS * 2 // 3):
        dice = random.Random(SEED + number)
        content = names[number % len(names)]
        name = content if dice.random() < 0.9 else dice.choice(names)
        data = damaged(WHOLE[content], dice)
        try:
            _, blocks = read(data, name, LIMITS)
        except ReadError as error:
            assert error.message, (SEED + number, name)  # noqa: PT017 - both outcomes are right
            assert error.hint, (SEED + number, name, error.message)  # noqa: PT017
        except Exception as error:
            raise AssertionError(f"seed {SEED + number}: {content} as {name}: {error!r}") from error
        else:
            assert any(block.text.strip() for block in blocks)


def check_export(path: Path) -> None:
    """Read what may be an export to its end, and hold every piece of it to its promises."""
    try:
        with open_export(path, LIMITS) as export:
            chosen = recognise(export) if export else None
            pieces = list(chosen.read(export, LIMITS)) if chosen and export else []
    except ReadError as error:
        assert error.message  # noqa: PT017 - both outcomes are right
        assert error.hint  # noqa: PT017
        return
    for piece in pieces:
        if isinstance(piece, Torn):
            assert piece.reason
            assert piece.hint
        if isinstance(piece, ImportedConversation):
            seen: set[str | None] = {None}
            for message in piece.messages:
                assert message.parent_origin in seen
                assert message.origin not in seen
                assert message.text.strip()
                assert message.created_at.tzinfo is not None
                message.text.encode("utf-8")
                seen.add(message.origin)
            assert piece.messages
            assert piece.current in seen - {None}
            assert piece.title
            assert "\n" not in piece.title


def makers(folder: Path) -> list[tuple[str, Callable[[random.Random], bytes]]]:
    """Return what makes a damaged export of each kind, and under which name."""
    found: list[tuple[str, Callable[[random.Random], bytes]]] = []
    for name, value in EXPORTS.items():
        whole = json.dumps(value).encode()
        found.append((Path(name).name, lambda dice, whole=whole: damaged(whole, dice)))  # type: ignore[misc]
        found.append(
            (Path(name).name, lambda dice, value=value: json.dumps(exchanged(value, dice)).encode())  # type: ignore[misc]
        )
    members = {"conversations.json": CLAUDE, "memories.json": MEMORIES, "projects.json": [PROJECT]}
    found.append(
        ("claude.zip", lambda dice: zip_of({name: json.dumps(exchanged(one, dice)) for name, one in members.items()}))
    )
    oterm = oterm_database(folder / "a.db", {"Boiler": [("user", "How?"), ("assistant", "So.")]}).read_bytes()
    llm = llm_database(folder / "b.db", LOGS + THREADS).read_bytes()
    found += [("store.db", lambda dice: damaged(oterm, dice)), ("logs.db", lambda dice: damaged(llm, dice))]
    with Store.open(folder / "old") as store:
        chat = store.conversations.start("Boiler")
        store.conversations.append(chat.id, Role.USER, "How?", USER, parent_id=None)
        store.remember("The key is with Ines.")
        store.export(folder / "old.zip", "1")
    archive = (folder / "old.zip").read_bytes()
    found.append(("archive.zip", lambda dice: damaged(archive, dice)))
    return found


def test_damaged_exports_give_what_they_can_and_say_the_rest(tmp_path: Path) -> None:
    kinds = makers(tmp_path)
    for number in range(INPUTS - INPUTS * 2 // 3):
        dice = random.Random(SEED + number)
        name, make = kinds[number % len(kinds)]
        path = tmp_path / name
        path.write_bytes(make(dice))
        try:
            check_export(path)
        except Exception as error:
            raise AssertionError(f"seed {SEED + number}: {name}: {error!r}") from error
