"""Passages: sizes, borders, places, sentences in English and Chinese, and that no text is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.ingestion.base import Block, BlockKind
from assistant.ingestion.chunking import MAX_CHARS, TARGET_CHARS, chunk
from assistant.ingestion.sentences import cut, sentence_ends, weight
from memory_store.models import Author, AuthorKind, Locator, PassageDraft
from tests.ingestion.files import read


def paragraph(text: str, **place: object) -> Block:
    return Block(text, Locator(**place), BlockKind.PARAGRAPH)  # type: ignore[arg-type]


def passages(text: str, name: str = "a.md", target: int = TARGET_CHARS, most: int = MAX_CHARS) -> list[PassageDraft]:
    return list(chunk(read(text, name)[1], target, most))


def squeezed(texts: Iterable[str]) -> str:
    return re.sub(r"\s+", "", "".join(texts))


KINDS = st.sampled_from(BlockKind)
ALPHABET = st.sampled_from(list("abc d.e! f?\n,;: |-一二三。！？；，「」…é👍🏽\u00a0\u3000Dr."))
TEXTS = st.one_of(st.text(ALPHABET, max_size=300), st.text(max_size=40))
LOCATORS = st.builds(
    Locator,
    page=st.sampled_from([None, 1, 2]),
    headings=st.sampled_from([(), ("A",), ("A", "B")]),
    part=st.sampled_from([None, "row 1", "row 2", "message 1: x"]),
)
BLOCKS = st.lists(st.builds(Block, TEXTS, LOCATORS, KINDS), max_size=12)


@given(BLOCKS, st.integers(5, 60), st.integers(0, 60))
def test_no_text_is_lost_or_invented_and_no_passage_is_too_long(blocks: list[Block], target: int, more: int) -> None:
    most = target + more
    drafts = list(chunk(blocks, target, most))
    assert squeezed(draft.text for draft in drafts) == squeezed(block.text for block in blocks)
    assert all(weight(draft.text) <= most + 24 for draft in drafts)
    assert all(draft.text.strip() for draft in drafts)


@given(st.text(ALPHABET, max_size=400), KINDS, st.integers(3, 50))
def test_cutting_gives_spans_that_are_the_whole_text(text: str, kind: BlockKind, most: int) -> None:
    spans = cut(text, kind, most)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(weight(text[start:end]) <= most for start, end in spans)


@given(st.lists(st.text(st.sampled_from("ab .一。"), max_size=30), max_size=20))
def test_the_lines_of_a_passage_hold_its_text_and_nothing_else(lines: list[str]) -> None:
    text = "\n".join(line for line in lines)
    if not text.strip():
        return
    for draft in passages(text, "a.log", 20, 40):
        first, last = draft.locator.line_start, draft.locator.line_end
        assert first is not None
        assert last is not None
        there = text.split("\n")[first - 1 : last]
        assert squeezed([draft.text]) in squeezed(there)
        assert squeezed(there[:1])
        assert squeezed(there[-1:])


def test_a_short_section_is_one_passage_with_its_heading() -> None:
    drafts = passages("# Home\n\n## Boiler\nVaillant.\n\nServiced.\n\n## Router\nHub.\n")
    assert [(draft.text, draft.locator.headings) for draft in drafts] == [
        ("Home\nBoiler\nVaillant.\n\nServiced.", ("Home", "Boiler")),
        ("Router\nHub.", ("Home", "Router")),
    ]
    assert (drafts[0].locator.line_start, drafts[0].locator.line_end) == (1, 6)


def test_a_heading_with_nothing_after_it_is_a_passage() -> None:
    assert [draft.text for draft in passages("text\n\n# The end\n")] == ["text", "The end"]


def test_a_long_list_is_cut_between_its_items() -> None:
    items = [f"- {topic}: {'some words about it ' * 8}".strip() for topic in "abcdefghij"]
    drafts = passages("\n".join(items))
    assert len(drafts) > 1
    assert [line for draft in drafts for line in draft.text.split("\n")] == items


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"page": 1}, {"page": 2}),
        ({"part": "message 1: a"}, {"part": "message 2: b"}),
        ({"part": "section 1"}, {"part": "section 2"}),
        ({"headings": ("A",)}, {"headings": ("B",)}),
    ],
)
def test_a_passage_never_crosses_a_page_mail_chapter_or_heading(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert len(list(chunk([paragraph("a", **one), paragraph("b", **other)]))) == 2


def test_a_passage_has_one_author() -> None:
    ann, bob = (Author(AuthorKind.DOCUMENT, name) for name in ("Ann", "Bob"))
    blocks = [Block("hello", Locator(), BlockKind.PARAGRAPH, author) for author in (ann, ann, bob)]
    assert [draft.author for draft in chunk(blocks)] == [ann, bob]


def test_rows_are_joined_and_say_which_they_are() -> None:
    (draft,) = passages("name,city\nAda,London\nBo,Paris\nCy,Rome\n", "a.csv")
    assert draft.text == "name: Ada | city: London\nname: Bo | city: Paris\nname: Cy | city: Rome"
    assert (draft.locator.part, draft.locator.line_start, draft.locator.line_end) == ("rows 1–3", 2, 4)


def test_a_code_block_that_fits_is_not_cut() -> None:
    code = "\n".join(f"line_{number} = call(argument)  # a comment." for number in range(30))
    drafts = passages(f"# Code\n\n{'Words of prose. ' * 40}\n\n```python\n{code}\n```\n")
    assert any(code in draft.text for draft in drafts)


def test_long_code_is_cut_at_lines() -> None:
    code = [f"line_{number} = call(argument, other)" for number in range(200)]
    drafts = passages("```\n" + "\n".join(code) + "\n```\n")
    assert all(line in ("```", *code) for draft in drafts for line in draft.text.split("\n") if line)


def test_english_is_cut_at_sentences_and_not_at_abbreviations() -> None:
    text = 'Dr. Smith paid approx. 3.50 euros, e.g. for tea. "Really?" he said. It was No. 12. Then he left!'
    ends = list(sentence_ends(text))
    pieces = [text[a:b].strip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert [piece for piece in pieces if piece] == [
        "Dr. Smith paid approx. 3.50 euros, e.g. for tea.",
        '"Really?"',
        "he said.",
        "It was No. 12. Then he left!",
    ]


def test_chinese_and_japanese_are_cut_at_sentences_with_their_closing_quotes() -> None:
    text = "他说：“好的。”然后走了！真的吗？是；不是…日本語です。「はい。」次"
    ends = list(sentence_ends(text))
    assert [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)] == [
        "他说：“好的。”", "然后走了！", "真的吗？", "是；", "不是…", "日本語です。", "「はい。」", "次",
    ]  # fmt: skip


def test_long_prose_becomes_passages_of_whole_sentences_near_the_target() -> None:
    english = " ".join(f"This is sentence number {number} of a long text." for number in range(100))
    chinese = "".join(f"这是第{number}句话，讲的是一件小事。" for number in range(200))
    for text, end in ((english, "."), (chinese, "。")):
        drafts = passages(text, "a.txt")
        assert all(draft.text.endswith(end) for draft in drafts)
        assert all(TARGET_CHARS / 2 < weight(draft.text) <= MAX_CHARS for draft in drafts)


def test_a_chinese_passage_is_shorter_than_an_english_one() -> None:
    drafts = passages("字" * 5000, "a.txt")
    assert max(len(draft.text) for draft in drafts) <= MAX_CHARS / 2.5


def test_chunking_takes_blocks_as_it_needs_them() -> None:
    taken = 0

    def endless() -> Iterable[Block]:
        nonlocal taken
        while True:
            taken += 1
            yield paragraph("Some words of a document without end. " * 5)

    next(iter(chunk(endless())))
    assert taken < 20
