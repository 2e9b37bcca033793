"""An export is read one conversation at a time, and none may be too large to be held."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from assistant.errors import ReadError
from assistant.ingestion.conversations.exports import items, keys_until
from tests.ingestion.conversations.exports import LIMITS


class Counted(io.BytesIO):
    """Bytes that count how many of them were read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


ITEM = {"title": "x", "mapping": {"a": "words " * 500}}
WHOLE = json.dumps([ITEM] * 1000).encode()


def test_the_first_item_comes_before_the_file_is_read() -> None:
    stream = Counted(WHOLE)
    assert next(items(lambda: stream, LIMITS)) == ITEM
    assert stream.taken < len(WHOLE) / 10
    assert len(list(items(lambda: Counted(WHOLE), LIMITS))) == 1000


def test_the_format_is_told_by_the_beginning_alone() -> None:
    stream = Counted(WHOLE)
    assert keys_until(lambda: stream, lambda found: "mapping" in found) == {"title", "mapping"}
    assert stream.taken < len(WHOLE) / 10


def test_many_items_may_be_larger_than_one_may_be() -> None:
    small = replace(LIMITS, max_markup_bytes=200_000)
    assert len(list(items(lambda: Counted(WHOLE), small))) == 1000


def test_an_item_that_is_too_large_is_refused_and_those_before_it_are_kept() -> None:
    small = replace(LIMITS, max_markup_bytes=200_000)
    stream = Counted(json.dumps([ITEM, {"title": "y" * 1_000_000}, ITEM]).encode())
    found = items(lambda: stream, small)
    assert next(found) == ITEM
    with pytest.raises(ReadError, match="an item of more than"):
        next(found)
    assert stream.taken < 500_000


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[]", 0),
        ("  [1, 2]", 2),
        ('\ufeff[{"a": 1}]', 1),
        ('{"a": [1]}', 1),
        ("[" * 400 + "]" * 400, 1),
        ('[{"a": "' + "[" * 5000 + '"}]', 1),
    ],
)
def test_arrays_and_single_objects_are_read(text: str, count: int) -> None:
    assert len(list(items(lambda: io.BytesIO(text.encode()), LIMITS))) == count


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_json_nested_without_end_is_refused_and_brackets_in_strings_are_none(step: int) -> None:
    class InSteps(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(step)

    strings = json.dumps([{"a": '[{\\"' * 300, "b\\": "[" * 600}] * 3)
    assert items(lambda: InSteps(strings.encode()), LIMITS).__next__()["b\\"] == "[" * 600
    for deep in ("[" * 3000, '[{"a":' * 3000, '["\\\\",' * 3000):
        with pytest.raises(ReadError, match="nested too deeply"):
            list(items(lambda deep=deep: InSteps(deep.encode()), LIMITS))  # type: ignore[misc]
        keys_until(lambda deep=deep: InSteps(deep.encode()), lambda _: False)  # type: ignore[misc]


@pytest.mark.parametrize("text", ["", "[", '[{"a": 1}', '[{"a": 1},]', "[nonsense]", '["\\ud83d" \x01]', "[1e999999]"])
def test_malformed_json_is_a_reason(text: str) -> None:
    try:
        list(items(lambda: io.BytesIO(text.encode()), LIMITS))
    except ReadError as error:
        assert "what follows can't be read" in error.message  # noqa: PT017 - an infinite number may be read
    else:
        assert text == "[1e999999]"
