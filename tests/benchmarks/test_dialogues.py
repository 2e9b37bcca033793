"""Both formats of dialogue data are read into the same shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.dialogue_store import keep_all
from benchmarks.dialogues import read
from benchmarks.retrieval import auroc, recall_all, rows
from memory_store import Store
from memory_store.models import AuthorKind
from tests.support.embedder import HashEmbedder

LOCOMO = {
    "conversations": [
        {
            "id": "conv-1",
            "speakers": ["Anna", "Ben"],
            "sessions": [
                {
                    "id": "S1",
                    "date_time": "1:56 pm on 8 May, 2023",
                    "turns": [
                        {"id": "D1:1", "speaker": "Anna", "text": "What did you paint?"},
                        {"id": "D1:2", "speaker": "Ben", "text": "A boat.", "blip_caption": "a painting of a boat"},
                    ],
                }
            ],
            "questions": [
                {"question": "What did Ben paint?", "category": 4, "evidence": ["D1:2"]},
                {"question": "Who?", "category": 1, "evidence": ["D9:9"]},
            ],
        }
    ]
}
MEMORYBANK = {
    "zh": {
        "users": [
            {
                "name": "王峰",
                "sessions": [
                    {
                        "id": "S1",
                        "date": "2023-04-27",
                        "turns": [
                            {"id": "S1:1", "role": "user", "text": "我喜欢爵士乐。"},
                            {"id": "S1:2", "role": "assistant", "text": "爵士乐很好。"},
                            {"id": "S1:3", "role": "user", "text": "我常听爵士乐。"},
                        ],
                    }
                ],
                "questions": [{"question": "我喜欢什么音乐？", "evidence": ["S1:1"], "equivalent": {"S1:1": ["S1:3"]}}],
                "questions_en": [{"question": "What music do I like?", "evidence": ["S1:1"]}],
            }
        ]
    }
}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "locomo.json", tmp_path / "memorybank.json"]
    for path, data in zip(paths, (LOCOMO, MEMORYBANK), strict=True):
        path.write_text(json.dumps(data), "utf-8")
    return paths


def test_both_formats_are_read(files: list[Path]) -> None:
    locomo, memorybank = read(files)
    turn = locomo.talks[0].turns[1]
    assert (turn.author.name, turn.text, turn.caption) == ("Ben", "A boat.", "a painting of a boat")
    assert locomo.talks[0].at.isoformat() == "2023-05-08T13:56:00+00:00"
    # A question whose evidence is not in the data can't be scored.
    assert [question.text for question in locomo.questions["English"]] == ["What did Ben paint?"]
    assert memorybank.questions["Chinese"][0].evidence == (frozenset({"S1:1", "S1:3"}),)
    assert set(memorybank.questions) == {"Chinese", "English over Chinese"}
    assert [one.author.kind for one in memorybank.talks[0].turns[:2]] == [AuthorKind.USER, AuthorKind.MODEL]


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", "utf-8")
    with pytest.raises(ValueError, match=r"other\.json"):
        read([path])


def test_questions_are_scored_through_the_store(files: list[Path], tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory", HashEmbedder()) as store:
        kept = keep_all(store, read(files))
        for shared in (False, True):
            figures = rows(recall_all(store, kept, shared))
            assert figures["LoCoMo, categories 1–4"]["R@5"] == 100
            assert figures["MemoryBank, Chinese"]["hit@10"] == 100


def test_auroc_counts_pairs_in_the_right_order() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 100
    assert auroc([0.5], [0.5]) == 50
    assert auroc([0.1, 0.9], [0.5, 0.5]) == 50
