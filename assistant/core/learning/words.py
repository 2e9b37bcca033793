"""The words that tell the check of a memory who is spoken of, and what is denied, doubted or asked.

Text is compared as tokens: English words without the -s of a verb or a plural, Chinese sign by sign.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['.@:/+-][^\W_\u3400-\u9fff]+)*")
_CONTRACTIONS: Final = {
    "i'm": "i be",
    "im": "i be",
    "ive": "i have",
    "dont": "do not",
    "doesnt": "do not",
    "didnt": "did not",
    "isnt": "be not",
    "cant": "can not",
    "i've": "i have",
    "i'll": "i will",
    "i'd": "i would",
    "we're": "we be",
    "we've": "we have",
    "we'll": "we will",
    "it's": "it be",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "user's": "user",
}
_VERBS: Final = {
    "am": "be",
    "is": "be",
    "are": "be",
    "were": "was",
    "has": "have",
    "does": "do",
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_KEEP_S: Final = _set("was this us yes his its always perhaps unless as bus gas")

SUBJECT: Final = _set("i we 我 咱")
POSSESSIVE: Final = frozenset({"my", "our"})
FIRST_PERSON: Final = SUBJECT | POSSESSIVE | {"me", "us", "myself", "mine"}
PERSON: Final = FIRST_PERSON | {"user", "用"}
OTHERS: Final = _set("he she they you your his her their him them someone somebody everyone people 他 她 它 你 您")
# What a memory may say besides what was said: who is meant.
GLUE: Final = _set("user the a an i my me we our us 用 户 我 的 了")
FUNCTION: Final = _set(
    "be was have had do did to in at on for of with from and that by it this not no 是 在 有 和 不 没 把 对 到 去"
)
_DENYING: Final = _set(
    "not no never none nobody nothing neither nor without hardly barely stop stopped quit 不 没 别 无 未 非 戒"
)
# What says that something is so no more, besides a denial.
ENDING: Final = _set(
    "sold dropped cancelled canceled ended over wrong false untrue gone returned left broke 卖 错 退 取 丢 扔 分 辞 戒"
)
_DOUBTING: Final = _set(
    "almost nearly might may maybe perhaps probably possibly would could should used want wanted wish wished "
    "hope hoped plan planned planning thinking considering considered dreamt dreamed dream pretend pretended "
    "trying tried try going will supposed meant about formerly until once temporarily sometimes rarely only "
    "except 从 前 曾 想 希 望 打 算 准 备 差 可 能 也 许 大 概 梦 将 要 偶 只 除"
)
_IF: Final = re.compile(
    r"\b(?:if|unless|suppos(?:e|ing)|imagine|pretend|hypothetically|let's say|in case|had i|were i|as though)\b|"
    r"如果|假如|要是|假设|万一|倘若|的话|比如说|好像"
)
ASKING: Final = re.compile(
    r"[?？]|(?:吗|呢|么)[。.!！\s]*$|^(?:should|shall|do|did|can|could|am|is|are|what|who|why|how)\b"
)
KIN: Final = re.compile(
    r"妈妈?|母亲|爸爸?|父亲|爹|娘|爷爷|奶奶|外公|外婆|姥姥|姥爷|叔叔?|阿姨|姑姑?|舅舅?|姐姐?|哥哥?|弟弟?|妹妹?|儿子|女儿|"
    r"孩子|老婆|老公|妻子|丈夫|太太|先生|男友|女友|男朋友|女朋友|对象|伴侣|朋友|同事|同学|老板|老师|邻居|室友|家人|父母|公公|"
    r"婆婆|岳父|岳母|侄子|侄女|外甥|表哥|表弟|表姐|表妹|堂哥|堂弟|堂姐|堂妹|狗|猫"
)


# How it is said that something is so, and that it has become so.
STATING: Final = _set("live living moved based settled work working got have now 住 搬 家 在 到 现 工 作 上 班")
# Words that name nothing of their own, as in "the trip to Oslo" or "那个计划".
GENERAL: Final = _set(
    "trip plan thing idea whole stuff visit appointment so thi that it them these those any more anymore all there "
    "here again just really after ever either too job work now company"
)
GENERAL_SIGNS: Final = re.compile(
    r"的?(?:行程|计划|打算|事情?|安排|工作|想法|念头|旅行|那个|这个|那件|这件|那事|这事|那条|这条|那|这|我|要|想)$|^(?:那个|这个|我的?|去|要|想)"
)


PARTS: Final = re.compile(r"的|那[个辆只台套]|这[个辆只台套]")


def tokens(text: str) -> list[str]:
    """Return a text's words as they are compared, in lower case."""
    found: list[str] = []
    for word in _TOKEN.findall(text.lower()):
        spelled = _CONTRACTIONS.get(word)
        if spelled is None and word.endswith("n't"):
            spelled = f"{word[:-3]} not"
        found += [_root(one) for one in (spelled or word.removesuffix("'s")).split()]
    return found


def _root(word: str) -> str:
    if word in _VERBS:
        return _VERBS[word]
    if len(word) < 4 or word in _KEEP_S or not word.endswith("s") or word.endswith("ss") or any(map(str.isdigit, word)):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "oes")) else word[:-1]


def content(words: Sequence[str]) -> list[str]:
    """Return the words that say something, without those for who is meant and those that only join."""
    return [one for one in words if one not in GLUE and one not in FUNCTION]


def denials(words: Sequence[str]) -> Counter[str]:
    """Return which denials there are, and how often."""
    return Counter(one for one in words if one in _DENYING)


def doubts(words: Sequence[str]) -> Counter[str]:
    """Return which words there are that make less of what is said."""
    return Counter(one for one in words if one in _DOUBTING)


def is_supposed(sentence: str) -> bool:
    """Say whether a sentence sets a condition or makes something up."""
    return _IF.search(sentence.lower()) is not None
