"""The chat in a real browser: it opens, answers with its source, and fetches nothing from anywhere else."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from memory_store import Store
from tests.support import browser

pytestmark = pytest.mark.skipif(browser.chromium() is None, reason="no Chromium is installed here")


async def children(process_id: int) -> list[str]:
    """The processes that a process started."""
    pipe = asyncio.subprocess.PIPE
    listing = await asyncio.create_subprocess_exec("ps", "-o", "pid=", "--ppid", str(process_id), stdout=pipe)
    listed, _ = await listing.communicate()
    return listed.decode().split()


async def test_the_chat_is_used_in_a_browser(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory") as store:
        store.remember("The spare key is with Ines at number 12.")
    config = tmp_path / "config.toml"
    config.write_text('[embedder]\nprovider = "none"\n', "utf-8")
    options = ["--data-dir", str(tmp_path / "memory"), "--config", str(config)]
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assistant.cli", *options, "web", "--port", "0", stdout=pipe, stderr=pipe
    )
    try:
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        async with browser.opened(tmp_path / "profile") as page:
            await page.do("Page.navigate", url=url)
            await page.until(lambda: "1 memory" in page.drawn)
            await page.value('document.querySelector(".xterm-helper-textarea").focus()')
            await page.type("Who has the spare key?")
            await page.until(lambda: "spare key?" in page.drawn)
            await page.press_enter()
            await page.until(lambda: "Ines at number 12" in page.drawn and "[1]" in page.drawn)
            assert "token" not in str(await page.value("location.href"))
            assert {urlsplit(one).hostname for one in page.fetched if not one.startswith("data:")} == {"127.0.0.1"}
            assert [one for one in page.problems if "WebGL" not in one] == []
            assert await children(server.pid)
    finally:
        server.send_signal(signal.SIGINT)
        _, told = await asyncio.wait_for(server.communicate(), browser.PATIENCE_SECONDS)
    assert server.returncode == 0
    assert b"Traceback" not in told
