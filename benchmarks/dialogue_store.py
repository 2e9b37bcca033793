"""Puts dialogues into stores through the public API: a conversation a session, a message a turn."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assistant.ingestion.pipeline import FileStatus, ImportOptions, import_paths
from benchmarks.dialogues import Dialogue, Question, Talk, read
from benchmarks.embedding_cache import CachedEmbedder
from benchmarks.prose import write_notes
from memory_store import Store
from memory_store.embedding.base import Embedder
from memory_store.models import AuthorKind, PassageDraft, RecallFilters, Role

# So that several turns of one session have an order in time.
_BETWEEN_TURNS: Final = timedelta(seconds=20)
_DOCUMENT_PASSAGES: Final = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a dialogue lies in a store: its conversations, and the turn and session of each message."""

    dialogue: Dialogue
    conversations: frozenset[str]
    turns: Mapping[str, str]
    session_of: Mapping[str, str]

    @property
    def filters(self) -> RecallFilters:
        """What narrows recall to this dialogue."""
        return RecallFilters(source_ids=self.conversations)


def keep(store: Store, dialogue: Dialogue) -> Kept:
    """Store a dialogue."""
    turns: dict[str, str] = {}
    title = " and ".join(dialogue.people)
    conversations = [_keep_talk(store, talk, title, turns) for talk in dialogue.talks]
    return Kept(dialogue, frozenset(conversations), turns, dialogue.session_of())


def _keep_talk(store: Store, talk: Talk, title: str, turns: dict[str, str]) -> str:
    conversation = store.conversations.start(title, created_at=talk.at)
    parent = None
    for number, turn in enumerate(talk.turns):
        message = store.conversations.append(
            conversation.id,
            Role.USER if turn.author.kind is AuthorKind.USER else Role.ASSISTANT,
            turn.text,
            turn.author,
            parent_id=parent,
            drafts=[PassageDraft(turn.text, caption=turn.caption)],
            created_at=talk.at + number * _BETWEEN_TURNS,
        )
        parent = message.id
        turns[message.id] = turn.id
    return conversation.id


def keep_all(store: Store, dialogues: Sequence[Dialogue]) -> list[Kept]:
    """Store several dialogues and embed them."""
    kept = [keep(store, one) for one in dialogues]
    store.embed_pending()
    return kept


def add_documents(store: Store, passages: int) -> None:
    """Import notes of about so many passages, English and Chinese, as what else a user's store holds."""
    with TemporaryDirectory() as folder:
        write_notes(Path(folder), passages)
        for outcome in import_paths(store, [Path(folder)], ImportOptions()):
            if outcome.status is not FileStatus.IMPORTED:
                raise RuntimeError(f"{outcome.path}: {outcome.status}, {outcome.reason}")
    store.embed_pending()


def arguments(program: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser for what `filled` needs: the files of data, and one that keeps embeddings between runs."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="FILE")
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    return parser


@contextmanager
def filled(embedder: Embedder, data: Sequence[Path], cache: Path | None) -> Iterator[tuple[Store, list[Kept]]]:
    """Open a store of the dialogues in these files and a thousand passages of documents; it is gone afterwards."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    dialogues = read(data)
    with TemporaryDirectory() as folder:
        cached = CachedEmbedder(embedder, cache or Path(folder) / "embeddings.db")
        with Store.open(Path(folder) / "memory", cached) as store:
            kept = keep_all(store, dialogues)
            add_documents(store, _DOCUMENT_PASSAGES)
            yield store, kept


def asked(kept: Sequence[Kept]) -> Iterator[tuple[Kept, str, Question]]:
    """Yield every question with its dialogue and the language pair it is asked in."""
    for one in kept:
        for language, question in one.dialogue.asked():
            yield one, language, question


def asked_elsewhere(kept: Sequence[Kept]) -> Iterator[tuple[Kept, Kept, Question]]:
    """Yield every question with its dialogue and the next one of the same data, where nobody can answer it."""
    for dataset in sorted({one.dialogue.dataset for one in kept}):
        same = [one for one in kept if one.dialogue.dataset == dataset]
        for one, other in zip(same, [*same[1:], same[0]], strict=True):
            for _, question in one.dialogue.asked():
                yield one, other, question
