"""What is attached goes along before what is recalled, as far as there is room, and what is private stays here."""

from __future__ import annotations

from assistant.core.conversation.session import Session, TurnSettings
from assistant.core.events import Event, PartKind, Recalled, TurnFinished
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from memory_store import Store
from memory_store.models import Document, Source, SourceKind
from tests.memory_store.support import add_document

SETTINGS = TurnSettings(passages=2, titles=False, max_answer_tokens=256)


def source_of(document: Document) -> Source:
    return Source(document.id, SourceKind.DOCUMENT, document.title, document.path)


async def asked(
    store: Store, model: ScriptedChat, question: str, *attached: Source
) -> tuple[Recalled, TurnFinished, Session]:
    session = Session(store, Models(model), SETTINGS)
    events: list[Event] = [one async for one in session.turn(question, attached=attached)]
    (recalled,) = [one for one in events if isinstance(one, Recalled)]
    assert isinstance(events[-1], TurnFinished)
    return recalled, events[-1], session


def kinds(recalled: Recalled) -> list[tuple[PartKind, str]]:
    return [(one.kind, one.text) for one in recalled.parts if one.kind in (PartKind.ATTACHED, PartKind.RECALLED)]


async def test_an_attached_document_is_the_first_source_whatever_is_asked(store: Store) -> None:
    plan = add_document(store, "/plan.md", "We leave on Monday.", "The train is at nine.")
    add_document(store, "/keys.md", "The spare key is with Ines.")
    recalled, finished, _ = await asked(store, ScriptedChat(["Ok [1]."]), "Who has the spare key?", source_of(plan))
    assert kinds(recalled)[:2] == [
        (PartKind.ATTACHED, "We leave on Monday."),
        (PartKind.ATTACHED, "The train is at nine."),
    ]
    assert (PartKind.RECALLED, "The spare key is with Ines.") in kinds(recalled)
    assert finished.sources[0].cited
    assert [one.hit.source.title for one in finished.sources][:2] == ["plan", "plan"]
    assert recalled.left_out == recalled.shortened == ()


async def test_a_chat_and_a_memory_are_attached_by_their_words(store: Store) -> None:
    memory = store.remember("The fence is green.")
    _, _, earlier = await asked(store, ScriptedChat(["Rome is far."]), "How far is Rome?")
    assert earlier.conversation is not None
    talk = Source(earlier.conversation.id, SourceKind.CONVERSATION, "Rome")
    note = Source(memory.id, SourceKind.MEMORY, "note")
    recalled, _, _ = await asked(store, ScriptedChat(["Ok."]), "Sum it up", talk, note)
    texts = [text for kind, text in kinds(recalled) if kind is PartKind.ATTACHED]
    assert texts == ["How far is Rome?", "Rome is far.", "The fence is green."]


async def test_of_what_is_too_long_what_fits_the_question_goes_along(store: Store) -> None:
    texts = [f"Chapter {number}: " + "nothing of note happens here. " * 20 for number in range(30)]
    texts[27] = "Chapter 27: the treasure lies under the old oak."
    book = add_document(store, "/book.md", *texts)
    model = ScriptedChat(["Ok."], context_tokens=2048)
    recalled, _, _ = await asked(store, model, "Where does the treasure lie?", source_of(book))
    attached = [text for kind, text in kinds(recalled) if kind is PartKind.ATTACHED]
    assert "under the old oak" in "".join(attached)
    assert 1 < len(attached) < 30
    assert recalled.shortened == ("book",)
    assert recalled.context_tokens <= 2048 - 256


async def test_what_is_private_stays_here_and_that_is_told(store: Store) -> None:
    diary = add_document(store, "/diary.md", "I owe the baker a fiver.", private=True)
    remote = ScriptedChat(["Ok."], is_private=False)
    recalled, _, _ = await asked(store, remote, "What do I owe?", source_of(diary))
    assert recalled.left_out == ("diary",)
    assert "fiver" not in "".join(one.content for one in remote.requests[0].messages)
    here = ScriptedChat(["Ok."])
    recalled, finished, session = await asked(store, here, "What do I owe?", source_of(diary))
    assert recalled.left_out == ()
    assert "fiver" in here.requests[0].messages[-1].content
    assert finished.message.private
    assert session.conversation is not None


async def test_answering_again_reads_the_attachment_again(store: Store) -> None:
    plan = add_document(store, "/plan.md", "We leave on Monday.")
    model = ScriptedChat(["One."], ["Two."])
    _, finished, session = await asked(store, model, "When?", source_of(plan))
    async for _ in session.again(finished.message.id):
        pass
    assert "We leave on Monday." in model.requests[1].messages[-1].content


async def test_what_was_erased_meanwhile_is_as_if_it_had_not_been_attached(store: Store) -> None:
    gone = Source("doc_gone", SourceKind.DOCUMENT, "gone")
    recalled, _, _ = await asked(store, ScriptedChat(["Ok."]), "When?", gone)
    assert kinds(recalled) == []
