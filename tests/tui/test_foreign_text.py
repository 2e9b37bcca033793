"""Foreign text is data: what documents and models say is shown, never acted on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.widgets import Static

from assistant.llm.scripted import ScriptedChat
from assistant.tui.screens.source import SourceScreen
from assistant.tui.widgets.answer_text import parser, source_number
from assistant.tui.widgets.source_list import SourceLine
from memory_store import Store
from tests.memory_store.support import add_document
from tests.tui.support import chatting

MARKUP = "[bold red]not bold[/] [@click=app.quit]no link[/] [/nothing"
ESCAPES = "\x1b]0;title\x07\x1b[2Jerased\x1b[0m \u202eturned"


async def test_markup_and_escapes_of_a_document_are_shown_as_they_are(tmp_path: Path) -> None:
    def prepare(store: Store) -> None:
        add_document(store, f"/home/ada/{MARKUP}.md", f"The key: {MARKUP} {ESCAPES}")

    async with chatting(tmp_path, ScriptedChat(["See [1]."]), prepare=prepare) as house:
        await house.ask("Where is the key?")
        line = house.chat.query(SourceLine).first()
        assert MARKUP.rpartition("/")[2] in shown(line)
        line.focus()
        await house.pilot.press("enter")
        dialog = await house.dialog(SourceScreen)
        passage = shown(dialog.query_one(".source--passage"))
        assert MARKUP in passage
        assert "\x1b" not in passage
        assert "\u202e" not in passage
        assert "erased turned" in passage


async def test_an_answer_brings_neither_html_nor_escapes_nor_markup_nor_a_link_that_opens(tmp_path: Path) -> None:
    opened: list[str] = []
    words = f"<script>alert(1)</script> {MARKUP} \x1b[31mred [out](https://example.org/?q=secret)"
    async with chatting(tmp_path, ScriptedChat([words])) as house:
        house.app.open_url = lambda url, *, new_tab=True: opened.append(url)  # type: ignore[method-assign]
        answer = await house.ask("Hello")
        paragraph = answer.query_one("MarkdownParagraph")
        await house.until(lambda: paragraph.size.width)
        text = shown(paragraph)
        assert "<script>alert(1)</script>" in text
        assert "[bold red]not bold[/]" in text
        assert "\x1b" not in text
        x = text.index("out") % paragraph.size.width
        await house.pilot.click(paragraph, offset=(x, text.index("out") // paragraph.size.width))
        await house.pilot.pause()
        assert opened == []


async def test_what_the_user_writes_is_not_markup_either(tmp_path: Path) -> None:
    async with chatting(tmp_path) as house:
        await house.ask(f"What is {MARKUP}?")
        message = house.chat.query_one("UserMessage")
        assert MARKUP in shown(message)


def test_citations_become_links_to_sources_and_nothing_else_does() -> None:
    tokens = [
        one for block in parser().parse("A [1]: [2, 3] and [4](http://x.y), `[5]`.") for one in block.children or []
    ]
    targets = [one.attrs["href"] for one in tokens if one.type == "link_open"]
    assert [source_number(str(one)) for one in targets] == [1, 2, 3, None]


def shown(widget: Any) -> str:
    """Return the plain text that a widget shows."""
    assert isinstance(widget, Static)
    return str(widget.render())
