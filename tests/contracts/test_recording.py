"""The moving picture that opens the README is a recording of what the chat does now, and fetches nothing."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from scripts import session_recording
from scripts.session_recording import CORRECTION, FILE, Frame, moving, record

_SVG = "{http://www.w3.org/2000/svg}"


def words_of(frame: ElementTree.Element) -> str:
    """What a frame says, as one line."""
    return " ".join(" ".join(" ".join(one.itertext()) for one in frame.iter(f"{_SVG}text")).split())


def frames_of(drawn: str) -> list[ElementTree.Element]:
    """The frames of a picture."""
    return [one for one in ElementTree.fromstring(drawn).iter(f"{_SVG}g") if one.get("class") == "frame"]


def check(drawn: str) -> None:
    """A session is asked, cited, corrected and forgotten, in this order, and ends with the receipt."""
    said = [words_of(one) for one in frames_of(drawn)]
    steps = ("tell, or type", "Ines at number 12", "What is right?", f"Put right: {CORRECTION}", "Erase this for good?")
    places = [next(at for at, words in enumerate(said) if step in words) for step in steps]
    assert places == sorted(set(places))
    assert "[1] The house" in said[places[1]]
    assert max(words.count(CORRECTION) for words in said[places[3] :]) >= 3  # put right, quoted, and its own source
    assert "Erased, and verified" in said[-1]
    assert re.search(r"Receipt era_\w+", said[-1])
    styles = re.findall(r"<style>(.*?)</style>", drawn, re.DOTALL)
    assert not any("url(" in one.replace("url(#", "") for one in styles)
    assert len(drawn) < 800_000


def test_the_picture_in_the_readme_shows_what_its_caption_says() -> None:
    check(FILE.read_text("utf-8"))


async def test_the_session_can_be_recorded_today(tmp_path: Path) -> None:
    check(moving(await record(tmp_path)))


def test_each_frame_has_its_time_and_motion_can_be_done_without() -> None:
    drawing = '<svg viewBox="0 0 1 1" xmlns="http://www.w3.org/2000/svg"><g class="terminal-7-x"/></svg>'
    drawn = moving([Frame(drawing, 1.0), Frame(drawing, 3.0)])
    assert "@keyframes f0 { 0.000% { visibility: visible } 25.000% { visibility: hidden } }" in drawn
    assert "@keyframes f1 { 0% { visibility: hidden } 25.000% { visibility: visible }  }" in drawn
    assert "prefers-reduced-motion: reduce" in drawn
    assert len(frames_of(drawn)) == 2
    assert "f1-x" in drawn
    assert session_recording.SIZE[0] <= 100
