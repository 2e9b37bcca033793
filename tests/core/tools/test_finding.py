"""Of many tools a model is offered those that fit: by the question, and by what it looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from assistant.core.tools.finding import FindTools, ToolRanking, ToolShelf, tokens_of
from assistant.core.tools.tool import Bench
from benchmarks.tools import QUESTIONS, ROOM, all_tools, measure
from memory_store.embedding.base import Vectors
from memory_store.errors import EmbeddingError
from tests.support.embedder import HashEmbedder


def shelf(ranking: ToolRanking, room: int = ROOM) -> ToolShelf:
    return ToolShelf(all_tools(), room, ranking)


def look_for(tools: ToolShelf, query: str) -> str:
    return cast(str, tools.finder.run(cast(Bench, None), FindTools(query=query)))


def test_right_tool_is_found_by_words_alone_among_200() -> None:
    measured = measure(lambda _: None)
    assert (measured["at_start"] >= 0.35, measured["after_one_search"] >= 0.95) == (True, True), measured
    assert measured["most_tokens"] <= ROOM


def test_what_is_found_takes_the_place_of_what_fits_least() -> None:
    tools = shelf(ToolRanking(lambda _: None))
    tools.begin("unlock the door")
    before = list(tools.loaded)
    assert before[0] == "home__unlock_door"
    told = look_for(tools, "exchange rate of currencies")
    assert told.splitlines()[1] == "> bank__exchange_rate: Returns the rate between two currencies."
    after = list(tools.loaded)
    assert (after[0], "home__unlock_door" in after, before[-1] in after) == ("bank__exchange_rate", True, False)
    assert sum(map(tokens_of, (tools.finder, *tools.loaded.values()))) <= ROOM


def test_descriptions_are_embedded_once_and_a_broken_embedder_leaves_the_words() -> None:
    given: list[Sequence[str]] = []
    broken = False

    def embed(texts: Sequence[str]) -> Vectors:
        given.append(texts)
        if broken:
            raise EmbeddingError("It is gone.", "")
        return HashEmbedder().embed_passages(texts)

    ranking = ToolRanking(embed)
    for asked in QUESTIONS[:2]:
        shelf(ranking).begin(asked.question)
    assert [len(texts) for texts in given] == [201, 1]
    broken = True
    tools = shelf(ranking)
    tools.begin("unlock the door")
    assert next(iter(tools.loaded)) == "home__unlock_door"


def test_tool_that_takes_more_than_the_room_is_not_loaded_and_named() -> None:
    tools: Any = shelf(ToolRanking(lambda _: None), room=10)
    tools.begin("unlock the door")
    assert (tools.loaded, len(tools.too_long)) == ({}, 200)
    assert look_for(tools, "unlock the door").splitlines() == ["Nothing that fits is short enough to be offered."]
