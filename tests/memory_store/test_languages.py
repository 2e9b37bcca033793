"""What is known of languages: every rule can be read, and another language is another folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_store import languages
from memory_store.languages import LANGUAGES, Rule, groups, join, patterns, rules, word_list

FOLDER = Path(languages.__file__).parent
TOPICS = sorted({file.stem for file in FOLDER.glob("*/*.txt")} - {"pinyin", "simplified", "alike"})


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "query.txt").write_text(
        "# German.\nstop words: der|die|\n    das\nlet asker: wer|wo\nname: ^{asker}\\b\ntime: wann (?P<word>\\w+)\n",
        "utf-8",
    )
    for language in LANGUAGES:
        (tmp_path / language).symlink_to(FOLDER / language)
    monkeypatch.setattr(languages, "_FOLDER", tmp_path)
    monkeypatch.setattr(languages, "LANGUAGES", ("de", *LANGUAGES))
    for cached in (patterns, rules, word_list):
        cached.cache_clear()
    yield
    for cached in (patterns, rules, word_list):
        cached.cache_clear()


@pytest.mark.parametrize("topic", TOPICS)
def test_every_rule_is_an_expression_alone_and_with_those_of_the_other_languages(topic: str) -> None:
    assert rules(topic)
    for name, pairs in patterns(topic).items():
        assert re.compile(join(pairs)), name


def test_another_folder_is_another_language(german: None) -> None:
    name = Rule("query", "name", re.IGNORECASE)
    assert all(name.search(text) for text in ("Wer ist das", "Who is that", "那是谁"))
    assert not name.search("Das ist Ines")
    assert {"das", "the"} <= word_list("query", "stop words")
    found = Rule("query", "time").search("wann morgen")
    assert found is not None
    assert groups(found) == {"word": "morgen"}


def test_an_unknown_part_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "spelt.txt").write_text("name: {nothing}\n", "utf-8")
    monkeypatch.setattr(languages, "_FOLDER", tmp_path)
    monkeypatch.setattr(languages, "LANGUAGES", ("de",))
    with pytest.raises(KeyError, match="nothing"):
        patterns("spelt")
