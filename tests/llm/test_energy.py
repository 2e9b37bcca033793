"""Energy is a range with its method: estimated for models that are known, measured where counters can be read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from assistant.llm.energy import Energy, Rapl, energy_of

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("gpt-4o-mini", OPENAI),
        ("openai/gpt-4o-mini", "https://openrouter.ai/api/v1"),
        ("claude-sonnet-4-5", "https://api.anthropic.com/v1"),
        ("anthropic/claude-sonnet-4.5", "https://openrouter.ai/api/v1"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "https://api.together.xyz/v1"),
    ],
)
def test_a_known_model_has_a_range_wherever_it_is_served(name: str, base_url: str) -> None:
    energy = energy_of(name, base_url, 1000, 500)
    assert energy is not None
    assert 0 < energy.low < energy.high
    assert energy.method.startswith("EcoLogits 0.")


def test_a_model_that_nobody_knows_has_no_energy() -> None:
    assert energy_of("no-such-model", OPENAI, 1000, 500) is None
    assert energy_of("gpt-4o-mini", "https://models.example/v1", 1000, 500) is None


def test_half_a_page_of_a_large_model_is_of_the_order_of_the_published_third_of_a_watt_hour() -> None:
    energy = energy_of("gpt-4o", OPENAI, 0, 500)
    assert energy is not None
    assert 100 < energy.low < 340 * 4
    assert energy.high < 340 * 10


def test_what_is_read_counts_at_the_high_end_unless_it_was_read_before() -> None:
    short, long, cached = (energy_of("gpt-4o", OPENAI, *tokens) for tokens in ((0, 10), (9000, 10), (9000, 10, 9000)))
    assert short is not None
    assert long is not None
    assert (long.low, cached) == (short.low, short)
    assert long.high > 50 * short.high


def test_the_kind_of_loggers_stays_as_it_was() -> None:
    energy_of("gpt-4o", OPENAI, 1, 1)
    assert logging.getLoggerClass() is logging.Logger


def counters(folder: Path, *counts: int) -> Rapl:
    for number, count in enumerate(counts):
        processor = folder / f"intel-rapl:{number}"
        (folder / f"intel-rapl:{number}:0").mkdir(parents=True, exist_ok=True)
        processor.mkdir(exist_ok=True)
        (processor / "energy_uj").write_text(f"{count}\n")
        (processor / "max_energy_range_uj").write_text("262143328850\n")
    return Rapl(folder)


def test_the_processors_counters_are_read_and_go_on_after_they_began_anew(tmp_path: Path) -> None:
    rapl = counters(tmp_path, 262143328850 - 3_600_000, 5_000_000)
    before = rapl.read()
    assert rapl.since(before) == Energy(0, 0, "RAPL")
    counters(tmp_path, 0, 5_000_000 + 2 * 3_600_000 + 1)
    assert rapl.since(before) == Energy(3, 4, "RAPL")


def test_where_no_counter_can_be_read_nothing_is_known(tmp_path: Path) -> None:
    rapl = Rapl(tmp_path / "none")
    assert rapl.read() == {}
    assert rapl.since({}) is None
    (tmp_path / "intel-rapl:0").mkdir()  # without its file, as for who may not read it
    assert Rapl(tmp_path).read() == {}
