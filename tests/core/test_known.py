"""What is known of the user is in every prompt, in its room, as sources; goals ask for one kind word, nothing baits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from assistant.core.conversation.session import Session
from assistant.core.events import PartKind, Recalled, TurnFinished
from assistant.core.known import gather, summaries_of, tell
from assistant.core.prompts import prompt
from assistant.core.turn_settings import Shares, TurnSettings
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import NewMemory, Store
from memory_store.clock import now
from memory_store.models import (
    USER,
    Author,
    AuthorKind,
    Citation,
    Memory,
    MemoryKind,
    MessageStatus,
    QuestionKind,
    Role,
    Summary,
)
from memory_store.retrieval import recall
from memory_store.retrieval.candidates import gather as gather_candidates
from memory_store.retrieval.pool import Pool
from memory_store.retrieval.query import Query

MODEL = Author(AuthorKind.MODEL, "scripted")
NO_RECALL = "Zzz?"


def fact(store: Store, text: str, **more: object) -> Memory:
    return store.remember(NewMemory(text, MemoryKind.FACT, **more))  # type: ignore[arg-type]


async def asked(store: Store, text: str, model: ScriptedChat, **settings: object) -> tuple[Recalled, TurnFinished]:
    session = Session(store, Models(model), TurnSettings(passages=2, learn=False, **settings))  # type: ignore[arg-type]
    events = [event async for event in session.turn(text)]
    recalled = next(one for one in events if isinstance(one, Recalled))
    finished = events[-1]
    assert isinstance(finished, TurnFinished)
    return recalled, finished


async def test_facts_and_goals_are_told_whatever_is_asked(store: Store) -> None:
    fact(store, "I live in Lyon.", about="home")
    goal = store.remember(NewMemory("Run a marathon.", MemoryKind.GOAL, why="For the heart.", horizon="by October"))
    store.memories.review(goal.id, "Ran ten kilometres.")
    model = ScriptedChat(["Yes."])
    recalled, _ = await asked(store, NO_RECALL, model)
    text = model.requests[0].messages[0].content
    for words in ("> I live in Lyon.", "> Run a marathon.\n> What for: For the heart.", "by October", "Ran ten kilo"):
        assert words in text
    assert prompt("goals") in text
    assert model.requests[0].messages[-1].content.endswith(f"Question of the user:\n{NO_RECALL}")
    kinds = [part.kind for part in recalled.parts]
    assert kinds.index(PartKind.KNOWN) < kinds.index(PartKind.GOALS) < kinds.index(PartKind.QUESTION)


async def test_a_talk_is_summed_up_where_the_question_touches_it(store: Store) -> None:
    talk = store.conversations.start("Boiler")
    said = store.conversations.append(talk.id, Role.USER, "The boiler leaks.", USER, parent_id=None)
    store.learning.summaries.keep(Summary(talk.id, said.id, "It was about the pressure.", MODEL, False, now()))
    model = ScriptedChat(["Yes."], ["No."])
    await asked(store, "What leaks at the boiler?", model)
    await asked(store, NO_RECALL, model)
    assert ["It was about the pressure." in one.messages[-1].content for one in model.requests] == [True, False]


async def test_beginning_of_a_request_stays_the_same_from_turn_to_turn(store: Store) -> None:
    fact(store, "I live in Lyon.", about="home")
    store.remember("The spare key is with Ines.")
    model = ScriptedChat(["With Ines [1], as you live in Lyon [3]."], ["Fine."], ["Bye."])
    session = Session(store, Models(model), TurnSettings(passages=2, learn=False))
    for text in ("Who has the spare key?", "And the boiler?", "Thanks!"):
        assert [event async for event in session.turn(text)]
    first, second, third = (one.messages for one in model.requests)
    assert second[: len(first) - 1] == first[:-1]
    assert third[: len(second) - 1] == second[:-1]
    assert "[3] fact" in first[0].content
    assert [one.content for one in second[1:-1]] == ["Who has the spare key?", "With Ines , as you live in Lyon ."]
    assert "It is " in third[-1].content
    assert "Nothing relevant" in third[-1].content


async def test_fact_that_is_cited_is_a_source_and_one_that_is_not_is_none(store: Store) -> None:
    home = fact(store, "I live in Lyon.", about="home")
    fact(store, "I like tea.")
    recalled, _ = await asked(store, NO_RECALL, ScriptedChat(["?"]))
    number = next(one.number for one in recalled.sources if one.hit.source.id == home.id)
    _, finished = await asked(store, NO_RECALL, ScriptedChat([f"In Lyon [{number}]."]))
    cited = [one for one in finished.sources if one.cited]
    assert [(one.number, one.hit.source.id) for one in cited] == [(number, home.id)]
    assert all(one.hit.kind.value != "memory" for one in finished.sources if not one.cited)
    stored = [one.passage_id for one in store.conversations.citations(finished.message.id) if one.cited]
    assert stored == [cited[0].hit.id]


async def test_what_is_known_anyway_keeps_its_number_when_it_is_recalled_too(store: Store) -> None:
    fact(store, "I live in Lyon.")
    recalled, _ = await asked(store, "Where do I live? Lyon", ScriptedChat(["Lyon [1]."]))
    assert [(one.number, one.hit.text) for one in recalled.sources] == [(1, "I live in Lyon."), (3, "I live in Lyon.")]


def test_each_sort_keeps_to_its_share_and_the_same_gives_the_same(store: Store) -> None:
    for number in range(16):
        fact(store, f"Fact {number} is of some length, so that not all of them find room in a small share.")
    store.remember(NewMemory("Run a marathon.", MemoryKind.GOAL))
    known = gather(store, Shares(facts=0.05), include_private=True)
    told = tell(known, 4000, 4000)
    assert sum(part.tokens for part in told.parts if part.kind is PartKind.KNOWN) <= 200
    assert any(part.kind is PartKind.GOALS for part in told.parts)  # more facts take nothing from the goals
    assert tell(known, 4000, 4000) == told
    none = gather(store, Shares(0, 0, 0), include_private=True)
    assert tell(none, 4000, 4000).text == ""
    assert tell(known, 4000, 10).text == ""


def test_what_is_over_open_private_or_said_here_is_left_out(store: Store) -> None:
    fact(store, "I was in Rome.", valid_to=now() - timedelta(days=1))
    asked_of = fact(store, "I sleep badly.")
    store.learning.questions.ask(QuestionKind.SENSITIVE, asked_of.id)
    fact(store, "My pin is 4711.", private=True)
    fact(store, "I am pinned.", pinned=True)
    talk = store.conversations.start("Boiler")
    said = store.conversations.append(talk.id, Role.USER, "The boiler leaks.", USER, parent_id=None)
    store.learning.summaries.keep(Summary(talk.id, said.id, "Boiler.", MODEL, False, now()))
    assert gather(store, Shares(), include_private=False).facts == []
    hits = store.recall("boiler", 1)
    assert summaries_of(store, hits, include_private=True, without=talk.id) == []
    assert len(summaries_of(store, hits, include_private=True, without=None)) == 1
    here = gather(store, Shares(), include_private=True)
    assert [one.text for one in here.facts] == ["My pin is 4711."]
    assert tell(here, 8000, 8000).private


def test_what_is_used_comes_before_what_is_not(store: Store) -> None:
    old, used = fact(store, "I like tea."), fact(store, "I like figs.")
    newest = fact(store, "I like rain.")
    talk = store.conversations.start("Figs")
    answer = store.conversations.append(
        talk.id, Role.ASSISTANT, "", MODEL, parent_id=None, status=MessageStatus.PENDING
    )
    [hit] = store.memories.as_hits([used.id])
    store.conversations.finish(
        answer.id, "Figs [1].", MODEL, MessageStatus.COMPLETE, citations=[Citation(1, hit.id, True)]
    )
    matters = store.memories.importance()
    assert matters[used.id] > matters[newest.id] >= matters[old.id]
    later = store.memories.importance(now() + timedelta(days=360))
    assert later[used.id] == pytest.approx(matters[used.id] / 4, rel=0.01)
    facts = gather(store, Shares(), include_private=True).facts
    assert facts[0].source.id == used.id


async def test_model_that_only_quotes_is_told_nothing_more(store: Store) -> None:
    fact(store, "I live in Lyon.")
    session = Session(store, Models(), TurnSettings())
    assert PartKind.KNOWN not in [part.kind for part in (await session.preview(NO_RECALL)).parts]


@pytest.mark.parametrize("to_the_point", [True, False])
async def test_model_is_asked_not_to_bait_unless_the_user_wants_it_so(store: Store, to_the_point: bool) -> None:
    model = ScriptedChat(["Yes."])
    await asked(store, "Is it late?", model, to_the_point=to_the_point)
    system = model.requests[0].messages[0].content
    assert (prompt("to_the_point") in system) == to_the_point
    for bait in ("would you like", "let me know", "great question", "feel free"):
        assert bait not in "\n".join(one.content for one in model.requests[0].messages).lower()


async def test_nothing_is_looked_up_twice_for_a_remote_model(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("garden shed", "bicycle", "cellar"):
        fact(store, f"The spare key of the {place} is with Ines.")
    fact(store, "The spare key of the safe is with Omar.", private=True)
    looked_up: list[str] = []

    def counting(database: Any, query: Query, *rest: Any) -> Pool:
        looked_up.append(query.text)
        return gather_candidates(database, query, *rest)

    monkeypatch.setattr(recall, "gather", counting)
    remote = ScriptedChat(["Ines."], is_private=False)
    recalled, _ = await asked(store, "Who has the spare key?", remote)
    assert (recalled.withheld, looked_up) == (1, ["Who has the spare key?"])


async def test_private_passages_that_stay_here_are_counted(store: Store) -> None:
    fact(store, "The spare key of the garden shed is with Ines.", private=True)
    remote = ScriptedChat(["I don't know."], is_private=False)
    recalled, _ = await asked(store, "Who has the spare key of the garden shed?", remote)
    assert recalled.withheld == 1
    assert "Ines" not in "".join(one.content for one in remote.requests[0].messages)
    recalled, _ = await asked(store, "Who has the spare key of the garden shed?", ScriptedChat(["Ines [1]."]))
    assert recalled.withheld == 0
