"""Tells what is new in the text of a mail from what it quotes, and joins lines that a mail program broke."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

_QUOTE: Final = re.compile(r"((?:[ \t]?>)+)[ \t]?(.*)")
_MARK: Final = re.compile(r"^[ \t]?>[ \t]?")
_DEEPEST: Final = 20
# "On 5 May 2025, Ann <ann@home.example> wrote:" as mail programs of many languages put it.
_WROTE: Final = re.compile(
    r"wrote|writes|schrieb|schreef|skrev|kirjoitti|a écrit|ha scritto|escribió|escreveu|napisał|napsal|írta|yazdı|"
    r"пишет|писал|написал|έγραψε|写道|寫道|さんは書きました|のメッセージ|작성"
)
_DATED: Final = re.compile(r"\d{1,4}|[<＜]\S+@\S+[>＞]")
_ATTRIBUTION_CHARS: Final = 300
_RULE: Final = re.compile(
    r"[-_*\s]{2,}(?:original(?:e| message| appointment)?|ursprüngliche nachricht|weitergeleitete nachricht|"
    r"forwarded message|begin forwarded message|message d['’]origine|message transféré|messaggio originale|"
    r"mensaje original|mensaje reenviado|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|"
    r"oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|původní zpráva|wiadomość oryginalna|"
    r"исходное сообщение|пересылаемое сообщение|"
    r"原始邮件|原始郵件|转发邮件|轉寄的郵件|元のメッセージ|転送メッセージ|원본 메시지)"
    r"[-_*\s:：]*",
    re.IGNORECASE,
)
_FROM: Final = re.compile(
    r"\*?(?:from|von|de|da|van|od|fra|från|lähettäjä|kimden|от|от кого|发件人|寄件者|差出人|보낸 사람)"
    r"\s?[:：]\*?\s*(.+)",
    re.IGNORECASE,
)
_OTHER_HEADER: Final = re.compile(
    r"\*?(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado(?: el)?|fecha|para|asunto|inviato|"
    r"data|a|oggetto|assunto|emne|aihe|předmět|tárgy|konu|verzonden|aan|onderwerp|skickat|till|ämne|wysłano|do|temat|дата|кому|тема|发送时间|日期|收件人|"
    r"主题|寄件日期|收件者|主旨|送信日時|日時|宛先|件名|보낸 날짜|받는 사람|제목)\s?[:：]",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(
    r"\*?(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|temat|předmět|tárgy|konu|тема|θέμα|主题|主旨|"
    r"件名|제목)\s?[:：]",
    re.IGNORECASE,
)
_NAME: Final = re.compile(
    r"(?:[,，]|\d{1,2}:\d\d(?:\s?[AP]M)?,?)\s*([^,，\d<>:：]{2,60}?)\s*(?:[<＜]|\bwrote|写道|寫道)"
)
_ADDRESS: Final = re.compile(r"[<＜]?([\w.+-]+@[\w.-]+)")
_PIECES: Final = re.compile(r"[.!?。！？…\n]+")
_SPACE: Final = re.compile(r"[\s>]+")
_MOST_KNOWN: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of a mail that are new, or that it quotes; `author` is whom the mail says it quotes."""

    lines: tuple[str, ...]
    quoted: bool = False
    author: str | None = None


@dataclass(slots=True)
class Known:
    """The sentences that were read of a mailbox, so that what each answer quotes again is known to be there."""

    _sentences: set[int] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Remember a text."""
        if len(self._sentences) < _MOST_KNOWN:
            self._sentences.update(_sentences(text))

    def has(self, text: str) -> bool:
        """Return whether each sentence of a text was read before."""
        return self._sentences.issuperset(_sentences(text))


def _sentences(text: str) -> Iterator[int]:
    """Yield what stands for each sentence, whatever lines it was broken into."""
    # A paragraph of one mail is wrapped anew in the next; two line feeds end a sentence as a full stop does.
    for piece in _PIECES.split(re.sub(r"(?<!\n)\n(?!\n)", " ", text)):
        if plain := _SPACE.sub("", piece).casefold():
            yield hash(plain)


def split_quotes(lines: Sequence[str], depth: int = 0) -> list[Stretch]:
    """Return the lines of a mail as stretches that are new or quoted, in their order, without the marks of quotes."""
    found: list[Stretch] = []
    held: list[str] = []
    index = 0
    while index < len(lines):
        end = _quoted_until(lines, index)
        if end is not None:
            author = _find_attribution(held)
            _close(found, held)
            found += _split_quoted([_MARK.sub("", line) for line in lines[index:end]], author, depth)
            index = end
        elif (author := opens_rest(lines, index)) is not None:
            _close(found, held)
            found.append(Stretch((lines[index],), quoted=True, author=author or None))
            return found + _split_quoted(lines[index + 1 :], author or None, depth)
        else:
            held.append(lines[index])
            index += 1
    _close(found, held)
    return found


def _split_quoted(lines: Sequence[str], author: str | None, depth: int) -> list[Stretch]:
    """Return quoted lines as stretches; they quote what came before them in their turn."""
    if depth >= _DEEPEST:
        return [Stretch(tuple(lines), quoted=True)]
    inner = split_quotes(lines, depth + 1)
    return [stretch if stretch.quoted else replace(stretch, quoted=True, author=author) for stretch in inner]


def _close(found: list[Stretch], held: list[str]) -> None:
    if any(line.strip() for line in held):
        found.append(Stretch(tuple(held)))
    held.clear()


def _quoted_until(lines: Sequence[str], start: int) -> int | None:
    """Return where the quoted lines end that begin at `start`, blank ones between them included; None if none do."""
    if not _QUOTE.match(lines[start]):
        return None
    end = at = start + 1
    while at < len(lines) and (_QUOTE.match(lines[at]) or not lines[at].strip()):
        at += 1
        if lines[at - 1].strip():
            end = at
    return end


def opens_rest(lines: Sequence[str], index: int) -> str | None:
    """Return the author of all that follows if a line opens it as quoted, empty if unnamed; None if it opens none."""
    line = lines[index].strip()
    if not line or len(line) > _ATTRIBUTION_CHARS:
        return None
    if _RULE.fullmatch(line):
        following = [text.strip() for text in lines[index + 1 : index + 5]]
        return next((_find_name(match[1]) for text in following if (match := _FROM.fullmatch(text))), "")
    if match := _FROM.fullmatch(line):
        following = [text.strip() for text in lines[index + 1 : index + 6]]
        others = [text for text in following if _OTHER_HEADER.match(text)]
        # A ticket has From, To and Date too; a mail has a subject, or addresses.
        is_mail = any(_SUBJECT.match(text) or "@" in text for text in (*others, line))
        return _find_name(match[1]) if len(others) >= 2 and is_mail else None
    whole = line
    if not line.endswith((":", "：")) and index + 1 < len(lines):
        whole = f"{line} {lines[index + 1].strip()}"  # Long attributions are wrapped.
    if whole.endswith((":", "：")) and len(whole) <= _ATTRIBUTION_CHARS and _is_attribution(whole):
        behind = [
            text for text in lines[index + 1 : index + 4] if text.strip() and not text.strip().endswith((":", "："))
        ]
        # Where marks follow, they tell how far the quote goes.
        return None if any(_QUOTE.match(text) for text in behind) else _find_name(whole)
    return None


def _is_attribution(line: str) -> bool:
    return _WROTE.search(line) is not None and _DATED.search(line) is not None


def _find_attribution(held: Sequence[str]) -> str | None:
    """Return whom the lines before a quote name as its author."""
    above = [line.strip() for line in held if line.strip()][-2:]
    for whole in (" ".join(above[-1:]), " ".join(above)):
        if whole.endswith((":", "：")) and len(whole) <= _ATTRIBUTION_CHARS and _is_attribution(whole):
            return _find_name(whole) or None
    return None


def _find_name(words: str) -> str:
    """Return the name in an attribution or a From line, or the address."""
    if "@" in words and not _WROTE.search(words):
        before = re.split(r"[<＜\[(]", words)[0].strip(" \"'*")
        if before and "@" not in before:
            return before
    if match := _NAME.search(words):
        return match[1].removeprefix("schrieb").strip(" \"'*")
    if match := _ADDRESS.search(words):
        return match[1]
    return "" if _WROTE.search(words) else words.strip(" \"'*")[:100]


def unflow(lines: Iterable[str], *, delete_space: bool) -> Iterator[str]:
    """Yield the lines of a flowed text as they were before they were broken (RFC 3676, section 4)."""
    held, depth = "", 0
    flows = False
    for raw in lines:
        stripped = raw.lstrip(">")
        at = len(raw) - len(stripped)
        text = stripped.removeprefix(" ")
        joins = flows and at == depth
        if flows and not joins:
            yield _mark_quote(held, depth)
        if not joins:
            held = ""
        held += text
        depth = at
        flows = text.endswith(" ") and text != "-- "
        if flows:
            held = held[:-1] if delete_space else held
        else:
            yield _mark_quote(held, depth)
    if flows:
        yield _mark_quote(held, depth)


def _mark_quote(text: str, depth: int) -> str:
    return ">" * depth + " " + text if depth else text
