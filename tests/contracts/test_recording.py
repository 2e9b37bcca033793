"""The moving picture that opens the README shows what its caption says, in this order."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from scripts.screenshots import FOLDER, QUESTIONS
from scripts.session import SECONDS, TASK_SECONDS, TOLD, film

_SVG = "{http://www.w3.org/2000/svg}"


def frames_of(drawn: str) -> list[str]:
    """What each frame of a picture says, as one line."""
    frames = [one for one in ElementTree.fromstring(drawn).iter(f"{_SVG}g") if (one.get("id") or "").startswith("film")]
    texts = [" ".join(" ".join(one.itertext()) for one in frame.iter(f"{_SVG}text")) for frame in frames]
    return [" ".join(text.split()) for text in texts]


def test_a_question_its_sources_a_source_in_place_a_correction_and_an_erasure_with_its_receipt_are_seen() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert "docs/screenshots/session.svg" in readme.split("\n## ")[0]
    said = frames_of((FOLDER / "session.svg").read_text("utf-8"))
    steps = (QUESTIONS[1][:22], "[2] The house", "Found by the words", f"Remembered: {TOLD}", "Erase this for good?")
    places = [next(at for at, words in enumerate(said) if step in words) for step in steps]
    assert places == sorted(set(places))
    assert "Erased, and verified" in said[-1]
    assert re.search(r"Receipt era_\w+", said[-1])


def test_task_is_seen_from_its_sentence_to_its_table() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert "](docs/screenshots/tasks.svg)" in readme
    said = frames_of((FOLDER / "tasks.svg").read_text("utf-8"))
    assert len(said) == len(TASK_SECONDS)
    steps = (
        "/task Find a quiet table",
        "Try the first 3",
        "running, 2 of 8",
        "waiting for you",
        "done, 7 of 8",
    )
    places = [next(at for at, words in enumerate(said) if step in words) for step in steps]
    assert places == sorted(places)
    assert said[-1].index("Chez Anna") < said[-1].index("Osteria Dante") < said[-1].index("Le Coin")


def test_each_frame_has_its_time_and_motion_can_be_done_without() -> None:
    drawing = '<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"><text class="terminal-7-x">{}</text></svg>'
    drawn = film([drawing.format(number) for number in range(len(SECONDS))], SECONDS)
    assert frames_of(drawn) == [str(number) for number in range(len(SECONDS))]
    assert len(re.findall(r"@keyframes show-\d+ ", drawn)) == len(SECONDS)
    assert "prefers-reduced-motion" in drawn
    assert "frame-1-x" in drawn
