"""Each signal of the ranking on a case small enough to judge by eye."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_store import Store
from memory_store.database.fulltext import frequencies
from memory_store.models import USER, Author, AuthorKind, PassageDraft, RecallFilters, Role, SourceKind
from memory_store.retrieval import candidates
from memory_store.retrieval.ranking import fitted_weights, rank
from memory_store.retrieval.signals import SIGNALS
from memory_store.retrieval.words import Matcher, stems
from tests.support.embedder import HashEmbedder

ANNA, BEN = Author(AuthorKind.USER, "Anna"), Author(AuthorKind.USER, "Ben")
MODEL = Author(AuthorKind.MODEL, "m")
MAY = datetime(2023, 5, 7, 10, tzinfo=UTC)
ASKED = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, HashEmbedder()) as store:
        yield store


def talk(store: Store, *said: tuple[Author, str], at: datetime = MAY) -> str:
    """Store a conversation and return its id."""
    conversation = store.conversations.start("Talk", created_at=at)
    for number, (author, text) in enumerate(said):
        role = Role.ASSISTANT if author.kind is AuthorKind.MODEL else Role.USER
        moment = at + timedelta(seconds=number)
        store.conversations.append(conversation.id, role, text, author, parent_id=None, created_at=moment)
    store.embed_pending()
    return conversation.id


def said(store: Store, signal: str, query: str) -> dict[str, float]:
    """Return what a signal says of each candidate, echoes among them, by the candidate's text."""
    compute = next(one.compute for one in SIGNALS if one.name == signal)
    asked, pool = store.candidates(query, 10, RecallFilters(echoes=True), asked_at=ASKED)
    values = compute(asked, pool)
    return {one.text: float(value) for one, value in zip(pool.candidates, values, strict=True)}


@pytest.mark.parametrize(
    ("signal", "query", "better", "worse"),
    [
        ("words", "tram to the harbour", "The tram goes to the harbour.", "The bus goes to the harbour."),
        ("coverage", "tram to the harbour", "The tram goes to the harbour.", "A tram."),
        ("quoted words", 'Who liked "Taxi Driver"?', "We saw Taxi Driver.", "The taxi had no driver."),
        ("quoted words", "谁看过《出租车司机》？", "昨天看了出租车司机。", "出租车的司机很好。"),
        ("numbers and codes", "Where is invoice INV-2034?", "inv-2034 is paid.", "The invoice is paid."),
        ("meaning", "garden gate paint", "paint for the garden gate", "gate"),
        ("only asks", "boiler pressure", "It needs more boiler pressure.", "Who knows the boiler pressure?"),
        ("only asks", "锅炉压力", "锅炉压力太低。", "你知道锅炉压力吗"),
        ("asks too", "boiler pressure", "Boiler pressure is low.", "Boiler pressure? No idea."),
        ("length", "boiler", "The boiler needs water twice a year.", "The boiler!"),
        ("tells a time", "When did we move the piano?", "We moved the piano last week.", "We moved the piano."),
        ("tells a time", "什么时候搬的钢琴？", "上周搬了钢琴。", "搬了钢琴。"),
        ("tells a number", "How many cats are there?", "There are three cats.", "There are cats."),
        ("quotes a title", "Which book did we read?", 'We read the book "Emma".', "We read a book."),
        ("holds names", "Where did we sail?", "We sailed to Porto.", "We sailed far."),
        ("holds names", "Where is 洱海?", "我们住在洱海边。", "we were there."),
        ("in another script", "Which flight to Kunming?", "昆明 MU5804", "Kunming"),
    ],
)
def test_signal_prefers_what_answers(store: Store, signal: str, query: str, better: str, worse: str) -> None:
    talk(store, (USER, worse))
    talk(store, (USER, better))
    values = said(store, signal, query)
    sign = next(one.sign for one in SIGNALS if one.name == signal)
    assert sign * values[better] > sign * values[worse]


@pytest.mark.parametrize("signal", ["words with the one before", "words around", "coverage with the two before"])
def test_an_answer_is_found_by_the_words_of_the_question_before_it(store: Store, signal: str) -> None:
    talk(store, (ANNA, "What is your favourite soup?"), (BEN, "Minestrone, always."))
    talk(store, (ANNA, "Shall we go?"), (BEN, "Minestrone, later."))
    values = said(store, signal, "favourite soup")
    assert values["Minestrone, always."] > 0
    assert "Minestrone, later." not in values or values["Minestrone, always."] > values["Minestrone, later."]


def test_windows_of_meaning_reach_to_the_neighbours_and_not_into_another_conversation(store: Store) -> None:
    talk(store, (ANNA, "favourite soup"), (BEN, "Minestrone"))
    talk(store, (BEN, "Tomorrow"), (ANNA, "Fine"))
    before = said(store, "meaning with the two before", "favourite soup")
    assert before["Minestrone"] > said(store, "meaning", "favourite soup")["Minestrone"]
    around = said(store, "meaning around", "favourite soup")
    assert around["favourite soup"] < said(store, "meaning", "favourite soup")["favourite soup"]
    assert around["Minestrone"] == pytest.approx(around["favourite soup"])
    after = said(store, "meaning with the one after", "Minestrone")
    assert after["favourite soup"] > said(store, "meaning", "Minestrone")["favourite soup"]
    assert before["Tomorrow"] == pytest.approx(said(store, "meaning", "favourite soup")["Tomorrow"])


def test_a_sitting_that_speaks_of_the_subject_lifts_all_that_was_said_in_it(store: Store) -> None:
    talk(store, (ANNA, "The sailing course begins."), (ANNA, "Sailing needs wind."), (ANNA, "Bring gloves."))
    talk(store, (ANNA, "Bring gloves, please."), (BEN, "Why?"))
    values = said(store, "document or sitting", "sailing course gloves")
    assert values["Bring gloves."] > values["Bring gloves, please."]


def test_one_named_is_who_said_it_not_who_was_addressed(store: Store) -> None:
    talk(store, (BEN, "Anna, how was the pottery class?"), (ANNA, "The pottery class was calm."))
    values = said(store, "said by the one named", "What did Anna think of the pottery class?")
    assert values == {"Anna, how was the pottery class?": 0, "The pottery class was calm.": 1}
    asked, _ = store.candidates("What did Anna's class make? Ask Ben!", 10)
    assert asked.people == {"Anna", "Ben"}
    assert "Anna" not in asked.bare
    assert "Ben" not in asked.bare
    assert "anna" not in asked.terms


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("what did anna say", {"Anna"}),
        ("Will anna come?", set()),
        ("when will it rain in may", set()),
        ("When did Will Smith leave?", {"Will Smith"}),
        ("What did Will say?", {"Will Smith"}),
        ("王峰喜欢什么", {"王峰"}),
        ("annabel", set()),
        ("show the bill", {"Bill Murphy"}),
    ],
)
def test_names_are_told_from_words(store: Store, query: str, named: set[str]) -> None:
    for name in ("Anna", "Will Smith", "May", "王峰", "Bill Murphy", " ", "a(b"):
        talk(store, (Author(AuthorKind.USER, name), "Hello."))
    assert store.candidates(query, 10)[0].people == named


def test_a_word_in_lower_case_that_may_be_a_name_is_searched_for_all_the_same(store: Store) -> None:
    talk(store, (Author(AuthorKind.USER, "Bill Murphy"), "Hello."))
    talk(store, (USER, "The phone bill came to 20 euros."))
    hit = next(hit for hit in store.recall("show the bill") if hit.text == "The phone bill came to 20 euros.")
    assert hit.matched == ("bill",)


def test_names_are_left_out_of_what_is_embedded(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    with Store.open(tmp_path, embedder) as store:
        talk(store, (ANNA, "The pottery class was calm."))
        store.recall("What did Anna's class make?")
        assert embedder.queries[-1] == "What did class make?"


def test_talk_with_the_one_named_is_preferred_to_talk_among_others(store: Store) -> None:
    talk(store, (ANNA, "The pottery class was calm."), (BEN, "A calm class!"))
    talk(store, (USER, "My pottery class was loud."))
    values = said(store, "in talk with the one named", "Anna's pottery class")
    assert values["A calm class!"] == values["The pottery class was calm."] == 1
    assert values["My pottery class was loud."] == 0


def test_i_and_my_are_the_user_and_you_is_the_assistant(store: Store) -> None:
    talk(store, (USER, "Some painters: Monet."), (MODEL, "Other painters: Klee."))
    for query in ("Which painters do I like?", "我喜欢哪些 painters"):
        assert said(store, "said by me", query) == {"Some painters: Monet.": 1, "Other painters: Klee.": 0}
    for query in ("What painters did you recommend to me?", "你给我推荐过哪些 painters?"):
        assert said(store, "said by the assistant", query) == {"Some painters: Monet.": 0, "Other painters: Klee.": 1}
        assert set(said(store, "said by me", query).values()) == {0}


def test_a_question_that_the_user_asked_before_answers_nothing(store: Store) -> None:
    talk(store, (USER, "Who has the spare key?"), (MODEL, "I don't know."))
    talk(store, (USER, "Ines has the spare key."))
    for signal in ("repeats the question", "only asks"):
        values = said(store, signal, "Who has the spare key?")
        assert (values["Who has the spare key?"], values["Ines has the spare key."]) == (1, 0)
    assert said(store, "by the assistant, unasked", "spare key")["I don't know."] == 1
    assert [hit.text for hit in store.recall("Who has the spare key?")] == ["Ines has the spare key."]


def test_a_question_is_found_where_it_is_looked_for(store: Store) -> None:
    for number in range(8):
        talk(store, (USER, f"What about codeword zq{number}x?"))
    assert store.recall("codeword zq5x") == []
    talks = RecallFilters(kinds=frozenset({SourceKind.CONVERSATION}))
    assert store.recall("codeword zq5x", 3, talks)[0].text == "What about codeword zq5x?"
    assert [one.text for one in store.find_holding("zq5x")] == ["What about codeword zq5x?"]


def test_what_was_made_in_the_time_that_is_named_stands_out(store: Store) -> None:
    talk(store, (USER, "Museum in spring."), at=MAY)
    talk(store, (USER, "Museum in autumn."), at=MAY + timedelta(days=150))
    for query in ("Which museum was it on 7 May?", "museum in May 2023", "5月7日去的 museum"):
        assert said(store, "made at that time", query) == {"Museum in spring.": 1, "Museum in autumn.": 0}
    near = said(store, "made near that time", "museum on 9 May 2023")
    assert 0.5 < near["Museum in spring."] < 1
    assert near["Museum in autumn."] < 0.01


def test_a_query_for_what_was_written_at_a_time_is_answered_from_that_time(store: Store) -> None:
    talk(store, (USER, "Notes on the museum."), at=MAY)
    talk(store, (USER, "More notes on the museum."), at=MAY + timedelta(days=40))
    hits = store.recall("What did I write about the museum on 7 May 2023?", asked_at=ASKED)
    assert [hit.text for hit in hits] == ["Notes on the museum."]
    assert len(store.recall("What did I write about the museum on 7 May 2019?", asked_at=ASKED)) == 2


def test_dates_are_found_as_people_type_them(store: Store) -> None:
    talk(store, (USER, "Rain all day."), at=MAY)
    for query in ("7th", "Sunday", "2023年", "7 May 2023"):
        assert [hit.text for hit in store.recall(query, asked_at=ASKED)] == ["Rain all day."], query


def test_the_caption_of_a_picture_is_searched_and_not_shown(store: Store) -> None:
    conversation = store.conversations.start("Pictures")
    drafts = [PassageDraft("Look at this!", caption="a photo of a red bicycle")]
    store.conversations.append(conversation.id, Role.USER, "Look at this!", ANNA, parent_id=None, drafts=drafts)
    store.embed_pending()
    hit = store.recall("red bicycle")[0]
    assert (hit.text, hit.matched) == ("Look at this!", ("red", "bicycle"))


def test_what_a_person_said_can_be_asked_for_alone(store: Store) -> None:
    talk(store, (BEN, "Soup tonight."), (ANNA, "No soup."))
    filters = RecallFilters(authors=frozenset({"Anna"}))
    assert [hit.text for hit in store.recall("soup", filters=filters)] == ["No soup."]


def test_passages_that_differ_in_a_number_or_a_no_are_not_duplicates(store: Store) -> None:
    for text in ("set to 14", "set to 19", "not set to 14"):
        talk(store, (USER, f"The boiler was serviced by Ines in the spring and its pressure was {text} on the gauge."))
    assert len(store.recall("boiler pressure")) == 3


def test_many_duplicates_do_not_crowd_out_the_rest(store: Store) -> None:
    for _ in range(40):
        talk(store, (USER, "The garden party of the club needs your invitation by Sunday."))
    talk(store, (USER, "The garden was flooded."))
    assert [len(hit.also_in) for hit in store.recall("garden party invitation", 5)] == [39, 0]


def test_what_waits_for_its_vector_is_relevant_by_its_words(store: Store) -> None:
    talk(store, (USER, "Nine herons stood by the river."))
    store.remember("The plumber is called Okafor.")
    hit = store.recall("What is the plumber called?")[0]
    assert (hit.text, hit.relevance > 0.5) == ("The plumber is called Okafor.", True)


def test_common_words_are_looked_for_beside_a_rare_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "POSTINGS", 10)
    monkeypatch.setattr(candidates, "CANDIDATES", 5)
    for number in range(30):
        talk(store, (USER, f"A garden, number {number} in the long list."))
        talk(store, (USER, f"A party, number {number} in the long list, and one more."))
    talk(store, (USER, "Both: there is one party in this one garden, of which there is more to say than one thinks."))
    asked, pool = store.candidates("garden party", 2, RecallFilters(kinds=frozenset({SourceKind.CONVERSATION})))
    assert any(one.text.startswith("Both") for one in pool.candidates)
    assert asked.search_terms == ("garden", "party")


def test_latin_words_inside_chinese_text_are_counted(store: Store) -> None:
    talk(store, (USER, "我的iPhone手机坏了"))
    hit = store.recall("iPhone")[0]
    assert "iphone" in hit.matched


def test_what_became_private_since_it_was_ranked_is_not_returned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = store.remember("cholesterol is 3.9")

    def marked_meanwhile(*arguments: Any) -> Any:
        store.memories.mark(memory.id, private=True)
        return rank(*arguments)

    monkeypatch.setattr("memory_store.retrieval.recall.rank", marked_meanwhile)
    assert store.recall("cholesterol", filters=RecallFilters(include_private=False)) == []


def test_every_weight_belongs_to_a_signal() -> None:
    assert set(fitted_weights().signals) <= {signal.name for signal in SIGNALS}
    assert all(signal.sign * fitted_weights().signals.get(signal.name, 0) >= 0 for signal in SIGNALS)


def test_near_duplicates_are_one_hit_that_names_every_source(store: Store) -> None:
    first = talk(store, (USER, "The spare key of the shed hangs behind the blue door."))
    second = talk(store, (USER, "the spare key of the shed hangs behind the blue door"))
    talk(store, (USER, "Nine herons stood by the river, near the shed."))
    hits = store.recall("spare key shed")
    assert len(hits) == 2
    assert {hits[0].source.id, *(one.id for one in hits[0].also_in)} == {first, second}


@pytest.mark.parametrize(
    "query",
    [
        "the of and is",
        "🎉🎉🎉",
        '"; DROP TABLE passages; -- NEAR(a b) * ^ "unbalanced',
        "AND OR NOT ( ) : *",
        "的了吗呢",
        "茶",
        "x" * 10_000,
        "s",
        "what's its s",
        "museum " * 2_000,
        "\x00\ufffe\u202e",
        "   \n\t ",
        "?",
    ],
)
def test_odd_queries_give_a_sane_answer(tmp_path: Path, query: str) -> None:
    with Store.open(tmp_path, HashEmbedder()) as store:
        assert store.recall(query) == []
        talk(store, (ANNA, "Tea, 喝茶, and the museum."))
        assert len(store.recall(query)) <= 1


def test_relevance_is_higher_for_what_has_to_do_with_the_question(store: Store) -> None:
    talk(store, (USER, "The boiler loses pressure: open the filling loop."))
    talk(store, (USER, "We saw nine herons on the river."))
    hits = {hit.text: hit.relevance for hit in store.recall("What do I do when the boiler loses pressure?")}
    assert all(0 <= one <= 1 for one in hits.values())
    assert hits["The boiler loses pressure: open the filling loop."] > max(
        hits.get("We saw nine herons on the river.", 0), 0.5
    )


def test_words_are_stemmed_as_the_full_text_index_stems_them(store: Store) -> None:
    text = (
        "Running ponies' studies generously, a tv is as us: s t relational flies dying hopping filed agreed Café 喝茶"
    )
    talk(store, (USER, text))
    words = stems(text)
    assert {"cafe", "喝茶"} <= set(words)
    with store._database.read() as connection:
        known = frequencies(connection, words)
    assert [word for word in words if word not in known] == []


@given(words=st.lists(st.text(alphabet="abcdeilnorsty", min_size=1, max_size=9), min_size=1, max_size=6))
def test_the_matcher_finds_exactly_the_words_with_a_wanted_stem(words: list[str]) -> None:
    text = " ".join(words)
    terms = list(dict.fromkeys(stems(text)))[::2]
    found = sorted(terms[at] for at, _, _ in Matcher(terms).find(text))
    assert found == sorted(one for one in stems(text) if one in terms)
