"""`keepsake cards`: brought from a file, reviewed in lines, exported, erased."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    file = tmp_path / "deck.txt"
    file.write_text("Who has the key?\tInes\nWhere is the valve?\tUnder the boiler\n", "utf-8")
    return file


def test_cards_come_are_reviewed_and_go(
    keepsake: Shell, deck: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "2 cards came." in keepsake("cards", "import", str(deck)).err
    cards = keepsake("cards", "list", "--json").json["cards"]
    assert [card["question"] for card in cards] == ["Who has the key?", "Where is the valve?"]

    # Known, not known, then asked again and known; the rest of the input is over before a grade of anything else.
    monkeypatch.setattr("sys.stdin", io.StringIO("Ines\n3\nno idea\n1\nunder the boiler\n3\n"))
    told = keepsake("cards", "review")
    assert told.code == 0
    assert "Who has the key? · 1 more\nYou: Ines\n→ Ines\ndeck.txt › line 1\n1. Not at all" in told.err
    assert "3. After a moment  in 2 days" in told.err
    assert told.err.count("→ Under the boiler\n") == 2
    assert told.err.splitlines()[-1] == "2 cards reviewed."
    assert keepsake("cards", "list", "--due", "--json").json["cards"] == []
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "No card is due; the next one is in 1 day." in keepsake("cards", "review").err

    shown = keepsake("cards", "show", cards[1]["id"])
    assert [line.split("  ")[-1] for line in shown.out.splitlines()[-2:]] == ["again", "good"]
    assert keepsake("cards", "show", cards[1]["id"], "--json").json["source"] == "deck.txt › line 2"

    origin = keepsake("show", cards[0]["id"], "--provenance", "--json").json
    assert [one["quote"] for one in origin["origins"]] == ["Who has the key?\nInes"]

    out = tmp_path / "out.txt"
    assert keepsake("cards", "export", str(out)).code == 0
    assert '"Who has the key?"\t"Ines"\t"deck.txt › line 1"' in out.read_text("utf-8")
    assert keepsake("cards", "export", str(out)).code != 0  # it is there already
    assert keepsake("cards", "export", str(out), "--force").code == 0
    assert "2 were there already." in keepsake("cards", "import", str(out)).err

    assert "Erased 1 card, and verified." in keepsake("cards", "remove", cards[0]["id"]).err
    assert [card["id"] for card in keepsake("cards", "list", "--json").json["cards"]] == [cards[1]["id"]]
    assert keepsake("stats", "--json").json["cards"] == 1


def test_cards_of_a_private_document_are_private_and_left_out_where_that_is_asked(
    keepsake: Shell, deck: Path, tmp_path: Path
) -> None:
    keepsake("import", "--private", str(deck))
    keepsake("cards", "import", str(deck))
    assert [card["private"] for card in keepsake("cards", "list", "--json").json["cards"]] == [True, True]
    out = tmp_path / "out.txt"
    assert "Wrote nothing" in keepsake("cards", "export", str(out), "--without-private").err
    assert "Ines" not in out.read_text("utf-8")


def test_a_card_goes_by_its_own_words(keepsake: Shell, deck: Path) -> None:
    keepsake("cards", "import", str(deck))
    told = keepsake("forget", "--matching", "valve boiler", "--dry-run")
    assert "card, " in told.err
    assert "Where is the valve?" in told.err


def test_where_there_is_no_card_the_next_step_is_told(keepsake: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "There are no cards yet." in keepsake("cards", "review").err
    assert keepsake("cards", "show", "crd_none").code != 0
