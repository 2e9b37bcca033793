"""A few of the broken files that `python -m scripts.break_files` makes by the hundred."""

from __future__ import annotations

from pathlib import Path

from scripts.break_files import Broken, faults, import_each, make, samples


def test_broken_files_are_read_or_named_and_none_ends_the_import(tmp_path: Path) -> None:
    results = import_each(make(40, seed=7, heavy=False), tmp_path, lambda _: None)
    assert {one.broken.name: faults(one) for one in results if faults(one)} == {}
    assert len(results[-1].statuses) >= 40


def test_every_whole_sample_is_read(tmp_path: Path) -> None:
    whole = (Broken("whole", name, data) for name, data in samples().items())
    results = import_each(whole, tmp_path, lambda _: None)[:-1]
    assert {one.broken.name: one.reason for one in results if "failed" in one.statuses} == {}
