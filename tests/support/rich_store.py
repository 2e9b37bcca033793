"""A small store with something of everything that can be stored; also writes the fixture of the present archive format.

python -m tests.support.rich_store tests/fixtures/archive-format-6.zip
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory_store import (
    CardReview,
    Grade,
    LateState,
    NewCard,
    NewDocument,
    NewEntry,
    NewMemory,
    NewRecipe,
    Selection,
    Store,
    Usage,
)
from memory_store.database.conversations import NewConversation, NewMessage
from memory_store.database.schedules import Due, NewSchedule
from memory_store.database.tasks import ItemState, StepOutcome, TaskState
from memory_store.models import (
    USER,
    Author,
    AuthorKind,
    Citation,
    Document,
    Effort,
    LeftOut,
    Locator,
    MemoryKind,
    MessageStatus,
    PassageDraft,
    Purpose,
    QuestionKind,
    Role,
    Summary,
    ToolOutcome,
)
from memory_store.version import version
from tests.support.embedder import HashEmbedder

WRITTEN = datetime(2024, 3, 9, 8, 30, tzinfo=UTC)
SETTINGS = '[model]\nprovider = "openai"\nname = "llama3.2"\nbase_url = "http://127.0.0.1:11434/v1"\n'
HOLE = LeftOut("page 3", "holds only a picture.", "Scan it again with text.")
MODEL = Author(AuthorKind.MODEL, "llama3.2")


def add_file(
    store: Store,
    path: str,
    *texts: str,
    author: str | None = None,
    private: bool = False,
    left_out: tuple[LeftOut, ...] = (),
) -> Document:
    """Store a document of these passages, each with a place of another sort."""
    places = (Locator(headings=("Heating",), line_start=1, line_end=1), Locator(page=2, part="row 3"), Locator())
    whole = "\n".join(texts).encode()
    new = NewDocument(
        path,
        Path(path).stem,
        "text/markdown",
        hashlib.sha256(whole).hexdigest(),
        len(whole),
        WRITTEN,
        author,
        private,
        left_out,
    )
    return store.documents.add(new, [PassageDraft(*pair) for pair in zip(texts, places, strict=False)], again=True)


def fill_richly(store: Store, workshop: Path) -> None:
    """Store documents, talk, memories and requests, forget some, and restore another store's archive.

    `workshop` is an empty folder for that other store.
    """
    boiler = add_file(
        store,
        "/notes/boiler.md",
        "Open the valve under the boiler when the pressure falls.",
        "锅炉的阀门在左边。",
        author="Ada",
        left_out=(HOLE,),
    )
    add_file(store, "/notes/private.md", "The safe opens with 4711.", private=True)
    _talk(store, boiler)
    _exported_talk(store)
    _sum_up_exported(store)
    store.conversations.mark(next(one.id for one in store.conversations.all() if one.origin), archived=True)
    quick = store.conversations.start("Nothing said yet")
    store.conversations.mark(quick.id, effort=Effort.INSTANT)
    store.remember(
        NewMemory(
            "The valve under the boiler is grey.", MemoryKind.FACT, Author(AuthorKind.DOCUMENT), sources=(boiler.id,)
        )
    )
    store.remember(NewMemory("Feed the cat at seven.", pinned=True))
    store.memories.add_once(
        NewMemory("Prefers trains to planes.", MemoryKind.PREFERENCE, Author(AuthorKind.MODEL, "Claude"), origin="c:1")
    )
    add_cards(store, boiler)
    store.requests.log("https://embedder.example/v1", "an-embedder", "embedding", [_first_passage(store, boiler)])
    store.embed_pending()
    store.update_index()
    _forget(store)
    _restore_from_another(store, workshop)
    store.remember("A note that has no vector yet.")


def _talk(store: Store, boiler: Document) -> None:
    """A conversation of two branches: an answer with its sources, one cut short, one still streaming."""
    talk = store.conversations.start("What about the boiler?")
    say = store.conversations.append
    question = say(talk.id, Role.USER, "What about the boiler?", USER, parent_id=None)
    answer = say(talk.id, Role.ASSISTANT, "", MODEL, parent_id=question.id, status=MessageStatus.PENDING)
    store.conversations.finish(
        answer.id,
        "Open the valve [1].",
        MODEL,
        MessageStatus.COMPLETE,
        citations=[Citation(1, _first_passage(store, boiler), True), Citation(2, None, False)],
        input_tokens=90,
        output_tokens=6,
    )
    store.conversations.dismiss(answer.id, 1)
    number = store.conversations.begin_tool_use(answer.id, "search_memory", '{"query": "valve"}')
    store.conversations.end_tool_use(answer.id, number, ToolOutcome.DONE)
    took = Usage(90, 6, 60, True, 25, 110, 340, "ecologits 0.1")
    asked = NewEntry("chat", Purpose.ANSWER, "llama3.2", "http://127.0.0.1:11434/v1", took, answer.id)
    store.ledger.settle(store.ledger.reserve(asked), took)
    store.ledger.reserve(NewEntry("learn", Purpose.LEARN, "llama3.2", None, Usage(800, 400)))
    move = say(talk.id, Role.USER, "My name is Ada and I moved to Porto.", USER, parent_id=answer.id)
    cold = say(talk.id, Role.USER, "And when it is cold?", USER, parent_id=answer.id, private=True)
    cut = say(talk.id, Role.ASSISTANT, "", MODEL, parent_id=cold.id, status=MessageStatus.PENDING, private=True)
    store.conversations.finish(cut.id, "Then turn", MODEL, MessageStatus.PARTIAL)
    say(talk.id, Role.ASSISTANT, "It is", MODEL, parent_id=move.id, status=MessageStatus.PENDING)
    lisbon = store.remember(NewMemory("Ada lives in Lisbon.", MemoryKind.FACT, valid_from=WRITTEN, sources=(move.id,)))
    porto = NewMemory("Ada lives in Porto.", MemoryKind.FACT, sources=(move.id,))
    store.memories.supersede(lisbon.id, porto)
    add_learned(store, talk.id, question.id, move.id)
    add_late(store, talk.id, move.id)
    add_task(store, move.id)
    add_schedules(store, move.id)
    add_recipes(store, talk.id)
    store.requests.log("https://models.example/v1", "a-model", "chat", [question.id, _first_passage(store, boiler)])


def add_cards(store: Store, document: Document) -> None:
    """A card that a model made, reviewed once, and one of the user's own."""
    passage_id = _first_passage(store, document)
    made = NewCard(passage_id, "What falls?", "The pressure.", "when the pressure falls", MODEL)
    [card, _] = store.cards.add([made, NewCard(passage_id, "What is opened?", "The valve.", "Open the valve", USER)])
    store.cards.review(CardReview(card.id, WRITTEN, Grade.HARD), WRITTEN + timedelta(minutes=10))


def add_recipes(store: Store, conversation_id: str) -> None:
    """A recipe that was made from a chat and agreed to, and one that came from a file, in part."""
    skill = "---\nname: boiler-check\ndescription: Checks the boiler.\n---\nLook at the pressure.\n"
    checked = store.recipes.add(NewRecipe("boiler-check", skill, conversation_id=conversation_id))
    store.recipes.agree(checked)
    left_out = [LeftOut("scripts/go.py", "a script is never run", "")]
    store.recipes.add(NewRecipe("other", skill.replace("boiler-check", "other"), {"a.md": "More."}, left_out, True))


def add_late(store: Store, talk_id: str, parent_id: str) -> None:
    """Two questions that were handed in to be answered later: one that is waited for, one that failed."""
    for number in range(2):
        answer = store.conversations.append(
            talk_id, Role.ASSISTANT, "", MODEL, parent_id=parent_id, status=MessageStatus.PENDING
        )
        asked = NewEntry("later", Purpose.ANSWER, "gpt-4o", "https://models.example/v1", Usage(700, 300), answer.id)
        late = store.late.intend(asked, (), "openai", 1, WRITTEN)
        if number:
            store.late.confirm(late.id, "batch_1")
            store.late.note_look(late.id, WRITTEN)
            store.late.end(late.id, LateState.FAILED, "The model is gone.")


def add_task(store: Store, message_id: str) -> None:
    """A task that rests, one item of it done and another cut in a step; one that runs and waits; one that ended."""
    task = store.tasks.add(
        message_id, 'title = "Ask the movers"\n', [("Movers", "{}"), ("Carriers", '{"town": "Porto"}')]
    )
    first, second = store.tasks.items(task.id)
    store.tasks.begin(first, 1, '{"ask": "What do they take?"}')
    store.tasks.end(first.id, 1, StepOutcome.DONE, '{"price": "90"}')
    store.tasks.end_item(first.id, ItemState.DONE, '{"price": "90"}')
    store.tasks.begin(second, 1, '{"ask": "What do they take?"}')
    store.tasks.change_state(task.id, TaskState.PAUSED, trouble="The network is away.")
    waiting = store.tasks.add(message_id, 'title = "Ask the painters"\n', [("Smiths", "{}"), ("Colours", "{}")])
    asking, failing = store.tasks.items(waiting.id)
    store.tasks.ask(asking, 1, '{"send": "What do you take?"}')
    store.tasks.end_item(failing.id, ItemState.FAILED, trouble="Nobody answers.")
    store.tasks.change_state(waiting.id, TaskState.RUNNING, only_first=1)
    store.tasks.postpone(waiting.id, WRITTEN, "Too many requests.")
    ended = store.tasks.add(message_id, 'title = "Ask nobody"\n', [("Nobody", "{}")])
    store.tasks.change_state(ended.id, TaskState.CANCELLED)


def add_schedules(store: Store, message_id: str) -> None:
    """A reminder that comes again and was missed, one that begins a task anew, and one that is over."""
    monday, far = datetime(2026, 3, 9, 8, 0), datetime(2199, 3, 9, 7, 0, tzinfo=UTC)
    task = next(entry for entry in store.tasks.all() if "movers" in entry.plan)
    weekly = NewSchedule("Water the ferns", monday, "Europe/Berlin", WRITTEN, "FREQ=WEEKLY;BYDAY=MO")
    missed = store.schedules.add(message_id, weekly)
    store.schedules.fire(
        missed, Due(2, WRITTEN, WRITTEN + timedelta(days=7), far), "Water the ferns: missed 2 times", WRITTEN
    )
    store.schedules.add(message_id, NewSchedule("Ask the movers again", monday, "", far, "FREQ=MONTHLY", task.id))
    once = store.schedules.add(message_id, NewSchedule("Call Ines", monday, "Europe/Berlin", WRITTEN))
    store.schedules.fire(once, Due(1, WRITTEN, WRITTEN, None), "Call Ines", WRITTEN)
    store.schedules.note_told(store.schedules.get(once.id))


def add_learned(store: Store, conversation_id: str, question_id: str, move_id: str) -> None:
    """A goal with a review, a fact that ended, a question about two memories, a summary, and a message that waits."""
    run = NewMemory("Run a marathon.", MemoryKind.GOAL, why="For the heart.", horizon="by October")
    store.memories.review(store.remember(run).id, "Ran ten kilometres.")
    boat = NewMemory(
        "Ada owns a boat.", MemoryKind.FACT, MODEL, sources=(move_id,), about="boat", quote="I moved to Porto"
    )
    owned = store.remember(boat)
    store.memories.rest_on(owned.id, question_id, "the boiler")
    other = store.remember(NewMemory("Ada owns no boat.", MemoryKind.FACT))
    store.learning.questions.ask(QuestionKind.CONTRADICTION, other.id, owned.id)
    tired = store.remember("Sleeps badly.")
    store.learning.questions.ask(QuestionKind.SENSITIVE, tired.id)
    store.learning.questions.answer(QuestionKind.SENSITIVE, tired.id)
    store.learning.questions.ask(QuestionKind.SENSITIVE, owned.id)
    store.memories.retire(store.remember("Works at the mill.").id, WRITTEN)
    store.learning.summaries.keep(
        Summary(conversation_id, move_id, "Ada asked about the boiler.", MODEL, False, WRITTEN)
    )
    store.conversations.append(
        conversation_id, Role.USER, "I keep bees.", USER, parent_id=question_id, created_at=WRITTEN, capture=True
    )


def _exported_talk(store: Store) -> None:
    """A conversation that came from another assistant, with the earlier of two branches in view."""
    times = [WRITTEN + timedelta(minutes=number) for number in range(4)]
    store.conversations.merge(
        NewConversation(
            "chatgpt:6f3c",
            "Weekend in Porto",
            times[0],
            times[3],
            [
                NewMessage("m0", None, Role.SYSTEM, "Answer briefly.", Author(AuthorKind.USER), times[0]),
                NewMessage("m1", "m0", Role.USER, "Where shall we eat?", Author(AuthorKind.USER, "Ada"), times[1]),
                NewMessage("m2", "m1", Role.ASSISTANT, "At the market.", Author(AuthorKind.MODEL, "gpt-4o"), times[2]),
                NewMessage("m3", "m1", Role.ASSISTANT, "By the river.", Author(AuthorKind.MODEL, "gpt-4o"), times[3]),
            ],
            current_origin="m2",
        )
    )


def _sum_up_exported(store: Store) -> None:
    talk = next(one for one in store.conversations.all() if one.origin)
    last = store.conversations.messages(talk.id)[-1]
    extracted = Summary(talk.id, last.id, "By the river.", Author(AuthorKind.DOCUMENT), False, WRITTEN)
    store.learning.summaries.keep(extracted)


def _forget(store: Store) -> None:
    """One erasure for good, one of something that is imported again, one that is not complete."""
    store.forget(Selection((add_file(store, "/notes/gone.md", "Where the treasure lies.").id,)))
    store.forget(Selection((add_file(store, "/notes/back.md", "The bus leaves at nine.").id,)))
    add_file(store, "/notes/back.md", "The bus leaves at nine.")
    store.forget(Selection((store.remember("Owes the baker a fiver.").id,)), later=True)


def _restore_from_another(store: Store, folder: Path) -> None:
    with Store.open(folder / "other", HashEmbedder()) as other:
        other.remember("The bicycle stands in the yard.")
        other.forget(Selection((other.remember("The bicycle was stolen.").id,)))
        other.export(folder / "other.zip", "1")
    store.restore(folder / "other.zip")


def _first_passage(store: Store, document: Document) -> str:
    return store.documents.passages(document.id)[0].id


def main() -> None:
    """Write an archive of a rich store to the path that is named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder / "memory", HashEmbedder()) as store:
            fill_richly(store, folder)
            store.export(Path(sys.argv[1]).absolute(), version(), SETTINGS)


if __name__ == "__main__":
    main()
