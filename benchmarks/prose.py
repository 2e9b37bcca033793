"""Readable text in English and Chinese, put together from small lists: tokens and lengths are those of notes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

_SEED: Final = 11
SECTIONS_PER_FILE: Final = 10
_CHARACTERS: Final = {"en": 760, "zh": 560}
_SUBJECTS: Final = {
    "en": (
        "the harbour office",
        "our reading group",
        "the old mill",
        "my sister Clara",
        "the water board",
        "a neighbour",
        "the choir",
        "the garden committee",
        "the night train",
        "the museum's archive",
        "the bakery on Mill Street",
        "the school council",
    ),
    "zh": (
        "港务局",
        "读书小组",
        "旧磨坊",
        "我姐姐",
        "自来水公司",
        "邻居",
        "合唱团",
        "花园委员会",
        "夜班火车",
        "博物馆的档案室",
        "街角的面包店",
        "家长会",
    ),
}
_ACTIONS: Final = {
    "en": (
        "moved the meeting to",
        "kept a record of",
        "promised to repair",
        "wrote a long letter about",
        "asked us to measure",
        "finally agreed on",
        "counted the costs of",
        "took photographs of",
        "drew a plan for",
        "could not explain",
    ),
    "zh": (
        "推迟了",
        "详细记录了",
        "答应修理",
        "写信谈到",
        "请我们测量",
        "终于同意了",
        "计算了费用并讨论了",
        "拍下了",
        "画出了",
        "没能解释",
    ),
}
_OBJECTS: Final = {
    "en": (
        "the leaking roof above the stairs",
        "the list of borrowed tools",
        "next summer's journey to the lakes",
        "the pump that fails in cold weather",
        "forty jars of plum jam",
        "the path between the two allotments",
        "the missing pages of the logbook",
        "a cheaper contract for electricity",
        "the bell that rings an hour late",
        "the seedlings on the southern windowsill",
    ),
    "zh": (
        "楼梯上方漏水的屋顶",
        "借出工具的清单",
        "明年夏天去湖区的旅行",
        "天冷时就停转的水泵",
        "四十罐李子果酱",
        "两块菜地之间的小路",
        "航海日志里缺失的几页",
        "更便宜的电费合同",
        "总是晚一小时敲响的钟",
        "朝南窗台上的幼苗",
    ),
}
_ENDINGS: Final = {
    "en": (
        "because nobody had the key",
        "although the weather was against it",
        "and the bill came to {n} crowns",
        "as it had been decided on the {n}th",
        "with the help of {n} volunteers",
        "which took {n} days longer than planned",
        "before the first frost in November",
        "and everyone was pleased with the result",
    ),
    "zh": (
        "因为谁也没有钥匙",
        "尽管天气很不好",
        "最后一共花了{n}元",
        "这是第{n}次会议上决定的",
        "有{n}位志愿者帮忙",
        "比计划多用了{n}天",
        "赶在十一月第一场霜之前",
        "大家对结果都很满意",
    ),
}


def write_notes(folder: Path, sections: int) -> list[Path]:
    """Write Markdown files with so many sections, two English ones to each Chinese one."""
    chance = random.Random(_SEED)
    paths: list[Path] = []
    for number in range(max(1, sections // SECTIONS_PER_FILE)):
        language = "zh" if number % 3 == 2 else "en"
        lines = [f"# Notes {number}" if language == "en" else f"# 笔记 {number}"]
        for section in range(SECTIONS_PER_FILE):
            subject = chance.choice(_SUBJECTS[language])
            lines += ["", f"## {section + 1}. {subject.capitalize()}", "", _paragraph(chance, language)]
        path = folder / f"notes-{number:03d}.md"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _paragraph(chance: random.Random, language: str) -> str:
    text = ""
    while len(text) < _CHARACTERS[language]:
        text += _sentence(chance, language)
    return text.strip()


def _sentence(chance: random.Random, language: str) -> str:
    parts = [chance.choice(words[language]) for words in (_SUBJECTS, _ACTIONS, _OBJECTS, _ENDINGS)]
    parts[-1] = parts[-1].format(n=chance.randrange(3, 29))
    if language == "zh":
        return f"{parts[0]}{parts[1]}{parts[2]}，{parts[3]}。"
    sentence = " ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}. "


def markdown_answer(characters: int) -> str:
    """Return an answer as a model writes it: headings, paragraphs with emphasis, lists, code, a table, a quotation."""
    chance = random.Random(_SEED)
    pieces: list[str] = []
    section = 0
    while sum(map(len, pieces)) < characters:
        section += 1
        sentences = [_sentence(chance, "en").strip() for _ in range(9)]
        pieces.append(
            f"## {section}. {chance.choice(_SUBJECTS['en']).capitalize()}\n\n"
            f"{sentences[0]} **{sentences[1]}** {sentences[2]} [{section % 9 + 1}]\n\n"
            f"- {sentences[3]}\n- *{sentences[4]}*\n- {sentences[5]} Use `count({section})`.\n\n"
            f"```python\ndef count(jars: int) -> int:\n    return jars * {section} + 7\n```\n\n"
            f"| what | number |\n|---|---|\n| jars | {section * 4} |\n| letters | {section + 2} |\n\n"
            f"> {sentences[6]}\n\n{sentences[7]} {sentences[8]}\n\n"
        )
    return "".join(pieces)[:characters]
