"""Erasure: how long verified erasures take beside one rebuild of the index, and an independent search for residue."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.filled_store import fill
from benchmarks.synthetic import SyntheticEmbedder
from memory_store import NewMemory, Selection, Store, receipts
from memory_store.models import USER, Role

_CHINESE: Final = "青城山的早茶铺子在石桥旁边每天六点开门老板姓周喜欢讲从前的故事和天气"


@dataclass(frozen=True, slots=True)
class Target:
    """Something to erase: its id, the ids and texts that must vanish with it, and its vectors."""

    id: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: tuple[bytes, ...]


def targets(store: Store, count: int, chosen: random.Random) -> list[Target]:
    """Add messages and memories in two languages and return `count` records to erase, documents among them."""
    conversation = store.conversations.start("A talk")
    made: list[str] = []
    for number in range(count):
        mark = f"{chosen.getrandbits(80):x}"
        signs = "".join(chosen.choices(_CHINESE, k=40))
        text = f"{signs}{number}" if number % 2 else f"What I told about {mark} on day {number} stays between us {mark}"
        if number % 3 == 0:
            made.append(store.remember(NewMemory(text)).id)
        else:
            made.append(store.conversations.append(conversation.id, Role.USER, text, USER, parent_id=None).id)
    documents = [one.id for one in store.documents.all()]
    store.embed_pending()
    store.update_index()
    picked = chosen.sample(documents, min(len(documents), count // 3)) + chosen.sample(made, count - count // 3)
    chosen.shuffle(picked)
    return [_target(store, one) for one in picked]


def _target(store: Store, identifier: str) -> Target:
    with store._database.read() as connection:
        rows = connection.execute(
            "SELECT p.id, p.text, e.vector FROM passages AS p LEFT JOIN embeddings AS e ON e.passage_row = p.row "
            "WHERE ? IN (p.document_id, p.message_id, p.memory_id)",
            (identifier,),
        ).fetchall()
    return Target(
        identifier,
        (identifier, *(row["id"] for row in rows)),
        tuple(row["text"] for row in rows),
        tuple(row["vector"] for row in rows if row["vector"]),
    )


def residue_of(folder: Path, gone: list[Target]) -> list[str]:
    """Search every byte under a folder, by a way of its own, for the texts, ids and vectors of what is gone.

    Whole texts, ids and vectors are looked for, and 48 bytes out of the middle of each text and vector.
    """
    needles: dict[bytes, str] = {}
    for target in gone:
        for one in target.ids:
            needles[one.encode()] = one
        for data in (*(text.encode() for text in target.texts), *target.vectors):
            middle = len(data) // 2
            needles[data[max(0, middle - 24) : middle + 24]] = target.id
    size = 12  # one pass: the first bytes of each needle in a dictionary, then the rest compared
    by_start: dict[bytes, list[bytes]] = {}
    for needle in needles:
        by_start.setdefault(needle[:size], []).append(needle)
    starts = set(by_start)
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for at in range(len(data) - size + 1):
                if data[at : at + size] in starts:
                    start = data[at : at + size]
                    found += [f"{needles[one]} in {path.name}" for one in by_start[start] if data.startswith(one, at)]
    return found


def many(size: int, count: int) -> dict[str, object]:
    """Erase `count` random records of a store of `size` passages one by one; return what was found and the times."""
    chosen = random.Random(size)
    with tempfile.TemporaryDirectory(prefix="keepsake-erasing-") as name:
        filled = fill(Path(name), size)
        with Store.open(filled.memory, SyntheticEmbedder()) as store:
            gone = targets(store, count, chosen)
            held = {one.id for one in store.documents.all()} - {one.id for one in gone}
            seconds, verified = [], 0
            for target in gone:
                began = time.perf_counter()
                erased = store.forget(Selection((target.id,)))
                seconds.append(time.perf_counter() - began)
                verified += receipts.parse_receipt(erased.receipt or "").result == "nothing left"
            living = [one for one in store.documents.all() if one.id in held]
            recalled = sum(
                any(hit.source.id == one.id for hit in store.recall(store.documents.passages(one.id)[0].text, 3))
                for one in living
            )
        left = residue_of(filled.memory, gone)
    return {
        "passages": size,
        "erasures": count,
        "verified": verified,
        "found by the independent scan": len(left),
        "documents kept": len(held),
        "documents recalled by their words": recalled,
        "median seconds": sorted(seconds)[len(seconds) // 2],
    }


def speed(size: int) -> dict[str, object]:
    """Erase one memory and a thousand passages of a store of `size`; return their times beside an index rebuild."""
    with tempfile.TemporaryDirectory(prefix="keepsake-erasing-") as name:
        filled = fill(Path(name), size)
        with Store.open(filled.memory, SyntheticEmbedder()) as store:
            memory = store.remember("The one memory that will go").id
            store.embed_pending()
            store.update_index()
            rebuild = _seconds(store.reindex)
            one = _seconds(lambda: store.forget(Selection((memory,))))
            after_one = _seconds(store.update_index)
            documents = store.documents.all()
            enough, count = [], 0
            for document in documents[:: max(1, len(documents) // 40)]:
                if count < min(1000, size // 10):
                    enough.append(document.id)
                    count += document.passage_count
            thousand = _seconds(lambda: store.forget(Selection(tuple(enough))))
            after_thousand = _seconds(store.update_index)
    return {
        "passages": size,
        "rebuild of the index, s": rebuild,
        "erase one memory, s": one,
        "… of a rebuild": one / rebuild,
        "its new segments, s (behind)": after_one,
        f"erase {count} passages, s": thousand,
        "… of a rebuild ": thousand / rebuild,
        "their new segments, s (behind)": after_thousand,
    }


def _seconds(work: Callable[[], object]) -> float:
    os.sync()  # what was written before is not part of it
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rows(results: list[dict[str, object]]) -> Iterator[tuple[str, str]]:
    """Yield what was measured, a line each."""
    for result in results:
        for name, value in result.items():
            yield name.strip(), f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def main() -> None:
    """Run `python -m benchmarks.erasing [--size N] [--many]`; prints JSON on stdout, a table on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--many", action="store_true", help="100 random erasures of 10,000 passages instead")
    arguments = parser.parse_args()
    results = [many(10_000, 100) if arguments.many else speed(arguments.size)]
    print(json.dumps(results))
    for name, value in rows(results):
        print(f"{name:<40} {value}", file=sys.stderr)


if __name__ == "__main__":
    main()
