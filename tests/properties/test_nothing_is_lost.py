"""Whatever a document of any format says, in whatever place the format has for it, is read, or named as missing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.ingestion.readers.registry import READERS
from tests.ingestion.compound import compound_file, outlook_mail
from tests.ingestion.files import docx_paragraph, enex_of, epub_of, jex_of, read
from tests.ingestion.office import (
    ics_of,
    odp_box,
    odp_of,
    ods_cell,
    ods_of,
    ods_row,
    odt_of,
    pptx_of,
    row,
    shape,
    slide_table,
    vcf_of,
    xlsx_of,
)
from tests.ingestion.test_mail import mail, mailbox
from tests.ingestion.test_pages_and_books import page
from tests.ingestion.test_pdf import FORM
from tests.ingestion.test_spreadsheets import MAIN, OFFICE
from tests.ingestion.test_word import document, run

LATIN = ("quincunx", "harbour", "keeper", "brisk", "valve", "lantern", "Mondays", "nine")
WIDE = (*LATIN, "Möwe", "žluťoučký", "лодка", "κλειδί", "鍵は船に", "钥匙", "열쇠", "مفتاح")
_PLACE = re.compile("§")
# Formats of which only their own program, or a camera, writes a file: what is read of them is tested by such a file.
ONE_FILE_ALONE = {".xls", ".png"}


class Sayer:
    """Says sentences that stand nowhere else, and remembers them."""

    def __init__(self, dice: random.Random, words: tuple[str, ...] = WIDE) -> None:
        self._dice, self._words = dice, words
        self.said: list[str] = []

    def __call__(self) -> str:
        """Return a fresh sentence."""
        words = self._dice.choices(self._words, k=self._dice.randint(3, 6))
        self.said.append(" ".join(["Sentence", *words, f"number{len(self.said)}x{self._dice.randrange(10**6)}"]))
        return self.said[-1]

    def fill(self, template: str) -> str:
        """Return a template with a fresh sentence in each of its places, which are marked by §."""
        return _PLACE.sub(lambda _: self(), template)


Maker = Callable[[Sayer], bytes | str]


MARKDOWN = """---
title: §
about: §
---
# §

§
soft §

- §
  - §
1. §

> §

```
§
```

    §

| § | § |
|---|---|
| § | § |
| | § |

![§](a.png) [§](https://a.example) **§**[^1]

[^1]: §

<b>§</b>

§
---
"""
HTML = """<html><head><title>§</title></head><body><header>§</header><h1>§</h1><p>§ <a href=/x>§</a> <b>§</b></p>
<table><caption>§</caption><tr><th>§<th>§<tr><td>§<td>§</table><ul><li>§<ol><li>§</ol></ul><dl><dt>§<dd>§</dl>
<img alt='§'><figure><figcaption>§</figcaption></figure><form><label>§</label><input value='§'><textarea>§</textarea>
<select><option selected>§</select><button aria-expanded=false>§</button></form><details><summary>§</summary>§</details>
<div class=tab style='display:none'>§</div><div class=comments><p>§</p></div><pre>§</pre><blockquote>§</blockquote>
<aside>§</aside><math><mtext>§</mtext></math><p><ruby>§<rt>§</ruby></p><object><p>§</p></object>
<iframe srcdoc='<p>§</p>'></iframe><footer>§</footer></body></html>"""
MHTML = """Subject: x
Content-Type: multipart/related; boundary=B

--B
Content-Type: text/html; charset=utf-8

<p>§</p><table><tr><td>§<td>§</table>
--B--
"""
RTF = r"{\rtf1\ansi {\info{\title §}}§\par {\b §}{\footnote §}{\header §}\par\trowd §\cell §\cell\row §}"
ORG = "#+TITLE: §\n* §\n§\n- §\n| § | § |\n| § | § |\n#+BEGIN_SRC\n§\n#+END_SRC\n"
TEX = r"""\documentclass{article}
\title{§}
\begin{document}
\section{§}
§\footnote{§}

\begin{itemize}
\item §
\end{itemize}
\begin{tabular}{ll}
§ & § \\
\end{tabular}
\end{document}
"""
CARD = "FN:§\r\nORG:§\r\nNOTE:§\r\nADR:;;§;;;;\r\nTITLE:§"
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\n§\n\n2\n00:00:03,000 --> 00:00:04,000\n§\n"


def pdf(say: Sayer) -> bytes:
    paper = FPDF(unit="pt")
    paper.set_font("helvetica", size=8)
    for _ in range(3):
        paper.add_page()
        for at in range(4):
            paper.text(40, 30 + 200 * at, say())
        for at in range(3):
            paper.text(40, 100 + 12 * at, say())
            paper.text(320, 100 + 12 * at, say())
        paper.text_annotation(200, 300, say(), title="Ada")
    return bytes(paper.output())


def form(say: Sayer) -> bytes:
    return FORM.replace(b"Ada Brandt", say().encode("latin-1")).replace(b"2340 EUR", say().encode("latin-1"))


def docx(say: Sayer) -> bytes:
    paragraph, inline = docx_paragraph("§"), run("§")
    cells = f"<w:tc>{paragraph}</w:tc>" * 2
    box = f"<w:pict><v:shape><v:textbox><w:txbxContent>{paragraph}</w:txbxContent></v:textbox></v:shape></w:pict>"
    body = (
        f"{docx_paragraph('§', 'Heading1')}{paragraph}<w:tbl><w:tr>{cells}</w:tr><w:tr>{cells}</w:tr></w:tbl>"
        f"<w:p><w:r>{box}</w:r></w:p><w:p><w:ins w:id='3'>{inline}</w:ins><m:oMath><m:r><m:t>§</m:t></m:r></m:oMath>"
        f"<w:hyperlink r:id='x'>{inline}</w:hyperlink><w:sdt><w:sdtContent>{inline}</w:sdtContent></w:sdt>"
        f"<w:fldSimple w:instr='x'>{inline}</w:fldSimple><w:smartTag>{inline}</w:smartTag>"
        "<w:r><w:footnoteReference w:id='2'/></w:r><w:r><w:commentReference w:id='0'/></w:r></w:p>"
    )
    parts = {
        "header": ("w:hdr", paragraph),
        "footer": ("w:ftr", paragraph),
        "footnotes": ("w:footnotes", f"<w:footnote w:id='2'>{paragraph}</w:footnote>"),
        "comments": ("w:comments", f"<w:comment w:id='0' w:initials='A'>{paragraph}</w:comment>"),
        "chart": ("c", '<c:title xmlns:c="c" xmlns:a="a"><a:p><a:t>§</a:t></a:p></c:title>'),
    }
    filled = {kind: (root, say.fill(inside)) for kind, (root, inside) in parts.items()}
    return document(say.fill(body), filled)


def pptx(say: Sayer) -> bytes:
    first = shape("§", role="title") + shape("§", "§") + slide_table(["§", "§"], ["§", "§"])
    return pptx_of([say.fill(first), say.fill(shape("§"))], notes=say.fill(shape("§", role="body")))


def xlsx(say: Sayer) -> bytes:
    values = row(1, "§", "§") + row(2, "§", 3) + row(9, "§", "§", "§")
    values += "</sheetData><headerFooter><oddFooter>&amp;C§</oddFooter></headerFooter><sheetData>"
    relation = f'<Relationship Id="r1" Type="{OFFICE}/comments" Target="../comments1.xml"/>'
    comments = "".join(f'<comment ref="{at}"><text><t>§</t></text></comment>' for at in ("A1", "B2", "Z90"))
    extra = {
        "xl/worksheets/_rels/sheet1.xml.rels": f"<Relationships>{relation}</Relationships>",
        "xl/comments1.xml": say.fill(f'<comments xmlns="{MAIN}"><commentList>{comments}</commentList></comments>'),
    }
    return xlsx_of({"A": say.fill(values), "B": say.fill(row(1, "§"))}, extra)


def ods(say: Sayer) -> bytes:
    remark = "<office:annotation><text:p>§</text:p></office:annotation>"
    rows = ods_row("§", "§") + ods_row(ods_cell("§", inside=remark), ods_cell("§", 'table:number-rows-spanned="2"'))
    return ods_of(say.fill(f'<table:table table:name="A">{rows}{ods_row("§")}</table:table>'))


def odt(say: Sayer) -> bytes:
    paragraph = "<text:p>§</text:p>"
    body = (
        f"<text:h text:outline-level='1'>§</text:h><text:p>§<office:annotation>{paragraph}</office:annotation>"
        f"<text:span>§</text:span><text:note><text:note-body>{paragraph}</text:note-body></text:note>"
        f"<d:frame xmlns:d='d'><d:text-box>{paragraph}</d:text-box></d:frame></text:p>"
        f"<text:list><text:list-item>{paragraph}</text:list-item></text:list><text:section>{paragraph}</text:section>"
        f"<table:table><table:table-row>{f'<table:table-cell>{paragraph}</table:table-cell>' * 2}</table:table-row>"
        "</table:table>"
    )
    styles = "<s xmlns:st='s' xmlns:t='t'><st:header><t:p>§</t:p></st:header><st:footer><t:p>§</t:p></st:footer></s>"
    return odt_of(say.fill(body), {"styles.xml": say.fill(styles)})


def odp(say: Sayer) -> bytes:
    notes = f"<presentation:notes>{odp_box('§')}</presentation:notes>"
    return odp_of(say.fill(odp_box("§", "title") + odp_box("§") + notes), say.fill(odp_box("§")))


def epub(say: Sayer) -> bytes:
    first = "<h1>§</h1><p>§</p><aside>§</aside><table><tr><td>§</td><td>§</td></tr></table>"
    return epub_of([page("x", say.fill(one)) for one in (first, "<p>§</p><ol><li>§</li></ol>")])


def eml(say: Sayer) -> bytes:
    message = mail(f"{say()}\n", subject=say())
    message.add_attachment(f"{say()}\n", disposition="inline")
    return message.as_bytes()


def mbox(say: Sayer) -> bytes:
    return mailbox(mail(f"{say()}\n", subject=say()), mail("", html=f"<p>{say()}</p>", subject=say()))


def outlook(say: Sayer) -> bytes:
    return compound_file(outlook_mail({0x37: say(), 0x1000: f"{say()}\r\n{say()}", 0x0C1A: "Ann"}))


def filled(template: str) -> Maker:
    """Return what fills a template."""
    return lambda say: say.fill(template)


MAKERS: dict[str, Maker] = {
    "a.md": filled(MARKDOWN),
    "a.txt": filled("§\n\n§\n- §\n"),
    "a.html": filled(HTML),
    "a.mhtml": filled(MHTML),
    "a.pdf": pdf,
    "form.pdf": form,
    "a.docx": docx,
    "a.pptx": pptx,
    "a.xlsx": xlsx,
    "a.ods": ods,
    "a.odt": odt,
    "a.odp": odp,
    "a.rtf": filled(RTF),
    "a.epub": epub,
    "a.eml": eml,
    "a.msg": outlook,
    "a.mbox": mbox,
    "a.ics": lambda say: say.fill(ics_of("SUMMARY:§\r\nDTSTART:20250304T100000\r\nLOCATION:§\r\nDESCRIPTION:§")),
    "a.vcf": lambda say: say.fill(vcf_of(CARD)),
    "a.csv": filled('§,§\n§,§\n§,"§\n§",§\n'),
    "a.tsv": filled("§\t§\n§\t§\n"),
    "a.json": filled('{"§": ["§", {"§": "§"}], "x": {"y": "§"}}'),
    "a.jsonl": filled('{"§": "§"}\n{"§": "§"}\n'),
    "a.enex": lambda say: enex_of(say.fill("<title>§</title><content>&lt;div&gt;§&lt;/div&gt;</content>")),
    "a.srt": filled(SUBTITLES),
    "a.org": filled(ORG),
    "a.tex": filled(TEX),
    "a.rst": filled(f"§\n{'=' * 200}\n\n§\n\n* §\n\n.. note::\n\n   §\n"),
    "a.jex": lambda say: jex_of({"a.md": say.fill("§\n\n§\n\nid: a\ntype_: 1")}),
}
# What these are made with writes only letters of Latin-1, or loses the space between two encoded words of a subject.
OF_LATIN = {"a.pdf", "form.pdf", "a.rtf", "a.eml", "a.mbox"}


def test_every_format_has_its_maker() -> None:
    assert {reader.suffixes[0] for reader in READERS} - ONE_FILE_ALONE <= {
        f".{name.partition('.')[2]}" for name in MAKERS
    }


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_every_sentence_is_read_wherever_it_stands(name: str, seed: int) -> None:
    say = Sayer(random.Random(seed), LATIN if name in OF_LATIN else WIDE)
    made = MAKERS[name](say)
    found, blocks = read(made, name)
    texts = [found.title, found.author or "", *(block.text for block in blocks)]
    texts += [one for block in blocks for one in (*block.locator.headings, block.locator.part or "")]
    whole = " ".join(" ".join(texts).split())
    assert [one for one in say.said if one not in whole] == []
