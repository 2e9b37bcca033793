"""Front matter in all of its forms, pages of Logseq and Notion, Org, TeX, reStructuredText, and notes of Joplin."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.ingestion.base import Block, BlockKind
from tests.ingestion.files import jex_of, read, text_of

DAY = datetime(2025, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("front", "title", "author", "when"),
    [
        ("title: >-\n  A long title\n  on two lines\nauthor:\n  - name: Lena\n  - Omar", "A long title on two lines",
         "Lena, Omar", None),
        ("title: 'It''s here'\ncreated: 1741046400", "It's here", None, DAY),
        ("title: \"A: b\"\nauthors: [Lena, '[[Omar|O. K.]]']\ndate: 2025/03/04", "A: b", "Lena, O. K.", DAY),
        ("date created: Tuesday, March 4th 2025, 12:00:00 am", "a", None, DAY),
        ("date: 2025-03-04T01:00:00+01:00", "a", None, DAY),
        ("created: 2025-03-04 00:00 \nupdated: 2025-04-01", "a", None, DAY),
        ("author: [[Ada]]\ntitle: x", "x", "Ada", None),
        ("title: {{title}}\ndate: 2025-03-04", "{{title}}", None, DAY),
        ('{"title": "In JSON", "date": "2025-03-04"}', "In JSON", None, DAY),
        ("&a [*a, *a]", "a", None, None),
        ("title: [x, [y, [z]]]\ndate: next summer", "x, y, z", None, None),
    ],
)  # fmt: skip
def test_front_matter_is_read_by_its_language(
    front: str, title: str, author: str | None, when: datetime | None
) -> None:
    document, blocks = read(f"---\n{front}\n---\nText.\n", "a.md")
    assert (document.title, document.author, document.created_at) == (title, author, when)
    assert blocks[-1].text == "Text."


def test_front_matter_in_toml_is_read() -> None:
    document, blocks = read('+++\ntitle = "Log"\ndate = 2025-03-04T00:00:00Z\n+++\n\nText.\n', "a.md")
    assert (document.title, document.created_at) == ("Log", DAY)
    assert blocks[-1].text == "Text."


def test_a_note_that_is_called_by_its_day_is_of_that_day() -> None:
    assert read("Slept badly.\n", "2025-03-04.md")[0].created_at == DAY
    assert read("Slept badly.\n", "notes.md")[0].created_at is None


def test_a_page_of_logseq_is_read_without_the_marks_of_the_program() -> None:
    page = (
        "title:: Boat\ntags:: [[sailing]]\n\n- Bought\n"
        "  id:: 65a1b2c3-0000-4000-8000-000000000001\n  collapsed:: true\n"
        "- TODO Renew\n  :LOGBOOK:\n  CLOCK: [2026-01-05 Mon 10:00:00]\n  :END:\n"
    )
    document, blocks = read(page, "boat.md")
    assert document.title == "Boat"
    assert text_of(blocks) == "title:: Boat\ntags:: sailing\n- Bought\n- TODO Renew"


def test_references_to_blocks_of_a_page_of_logseq_are_the_words_of_the_block() -> None:
    bought, other = "65a1b2c3-0000-4000-8000-000000000001", "65a1b2c3-0000-4000-8000-000000000002"
    page = (
        f"- See (({bought})) and (({other}))\n- ## **Bought** from [[Petra]]\n  price:: 2400\n  id:: {bought}\n"
        f"- {{{{embed (({bought}))}}}}\n- [the sale]((({bought})))\n- {{{{embed [[Petra]]}}}}\n\n"
        f"```\n(({bought}))\n```\n"
    )
    assert text_of(read(page, "boat.md")[1]) == (
        f"- See **Bought** from Petra and (({other}))\n- ## **Bought** from Petra\n  price:: 2400\n"
        f"- **Bought** from Petra\n- the sale\n- Petra\n```\n(({bought}))\n```"
    )


def test_names_of_blocks_and_packed_drawings_are_left_out() -> None:
    drawing = "# Excalidraw Data\n## Text Elements\nReach 10 km ^abc123\n\n```compressed-json\nN4KAkARALg\n```\n"
    document, blocks = read(drawing, "plan.excalidraw.md")
    assert document.title == "plan.excalidraw"
    assert text_of(blocks) == "Excalidraw Data\nText Elements\nReach 10 km"


def test_the_number_that_notion_gives_a_page_is_no_part_of_its_title() -> None:
    assert read("a,b\n1,2\n", "Inventory 39d2b6745dc68012930afe9bc14d27ea_all.csv")[0].title == "Inventory"


def paths(blocks: list[Block]) -> list[tuple[tuple[str, ...], str]]:
    return [(block.locator.headings, block.text) for block in blocks]


ORG = """#+TITLE: House notes
#+AUTHOR: Lena
#+DATE: <2025-03-04 Tue>
# a comment
* Kitchen                                  :todo:
:PROPERTIES:
:ID:       8a3e
:Cost:     500
:END:
:LOGBOOK:
CLOCK: [2026-01-05 Mon 10:00]
- Note taken on [2026-01-05 Mon 10:00] \\\\
  Ask Omar.
:END:
** TODO Repair tap
SCHEDULED: <2026-02-10 Tue>
The cartridge is a [[https://a.example/k][ceramic one]], see [[*Paint]].
#+BEGIN_SRC sh
echo [[hi]]
#+END_SRC
* Paint
| part | price |
|------+-------|
| tap  | 44    |
#+BEGIN_QUOTE
Said so.
#+END_QUOTE
"""


def test_org_is_read_with_its_headings_links_and_tables() -> None:
    document, blocks = read(ORG, "house.org")
    assert (document.title, document.author, document.created_at) == ("House notes", "Lena", DAY)
    tap = ("Kitchen", "TODO Repair tap")
    assert paths(blocks) == [
        ((), "House notes"),
        (("Kitchen",), "Kitchen :todo:"),
        (("Kitchen",), "Cost: 500"),
        (("Kitchen",), "- Note taken on [2026-01-05 Mon 10:00] \\\\\n  Ask Omar."),
        (tap, "TODO Repair tap"),
        (tap, "SCHEDULED: <2026-02-10 Tue>\nThe cartridge is a ceramic one (https://a.example/k), see Paint."),
        (tap, "echo [[hi]]"),
        (("Paint",), "Paint"),
        (("Paint",), "part: tap | price: 44"),
        (("Paint",), "Said so."),
    ]
    assert blocks[-4].kind is BlockKind.CODE


TEX = r"""\documentclass[a4paper]{article}
\title{On \emph{tides}}
\author{Lena M\"uller}
\date{2025-03-04}
\begin{document}
\maketitle
% no text
\section{Results \& more}\label{sec:r}
The tide at Stra\ss e 4 rose by $1.4\,\mathrm{m}$~\cite{kiel}. Caf\'{e} owners \textbf{agree \textit{all}}: 50\,\% % off
of \v{C}esk\'y, \o re, na\"{\i}ve, gar\c con. See \href{https://a.example}{this}\footnote{A note.}.

\begin{itemize}
  \item One
  \item Two
\end{itemize}
\begin{tabular}{ll} a & b \\ c & d \end{tabular}
\begin{tabular}[t]{l|p{2cm}}
\hline Part & Price \\ \hline Tap \& hose & 44\,\% \\[2pt] Paint & 9 \\ \hline \end{tabular}
\begin{verbatim}
x = \alpha % kept
\end{verbatim}
\[ E = mc^2 \]
\end{document}
"""


def test_tex_is_read_as_the_text_that_it_sets() -> None:
    document, blocks = read(TEX, "paper.tex")
    assert (document.title, document.author, document.created_at) == ("On tides", "Lena Müller", DAY)
    assert [block.text for block in blocks[3:]] == [
        "Results & more",
        "The tide at Straße 4 rose by $1.4\\,\\mathrm{m}$ [kiel]. Café owners agree all: 50 %\n"
        "of Český, øre, naïve, garçon. See this (https://a.example) (A note.).",
        "- One",
        "- Two",
        "a: b\nc: d",
        "Part: Tap & hose | Price: 44 %\nPart: Paint | Price: 9",
        "x = \\alpha % kept",
        "\\[ E = mc^2 \\]",
    ]
    assert blocks[4].locator.headings == ("Results & more",)


def test_a_chapter_of_tex_without_preamble_is_read_too() -> None:
    assert text_of(read("\\chapter{One}\nSome words.\n", "a.tex")[1]) == "One\nSome words."


RST = """=====
House
=====

See `the shop <https://a.example>`_ and :ref:`rooms <r>`, ``x``.

Rooms
-----

.. note:: Mind the step.
   It is high.

.. code-block:: sh

   echo `hi`

   echo ho

Run::

    make

.. a comment

Done.
"""


def test_rst_is_read_with_its_headings_and_code() -> None:
    document, blocks = read(RST, "house.rst")
    assert document.title == "House"
    assert [(block.locator.headings, block.kind.value, block.text) for block in blocks] == [
        (("House",), "heading", "House"),
        (("House",), "paragraph", "See the shop (https://a.example) and rooms, x."),
        (("House", "Rooms"), "heading", "Rooms"),
        (("House", "Rooms"), "paragraph", "Mind the step.\n   It is high."),
        (("House", "Rooms"), "code", "   echo `hi`\n\n   echo ho"),
        (("House", "Rooms"), "paragraph", "Run::"),
        (("House", "Rooms"), "code", "    make"),
        (("House", "Rooms"), "paragraph", "Done."),
    ]


def test_files_of_one_name_in_a_note_of_evernote_stay_apart() -> None:
    named = "<resource-attributes><file-name>a.txt</file-name></resource-attributes>"
    resources = "".join(
        f"<resource><data>{words}</data><mime>text/plain</mime>{named}</resource>" for words in ("b25l", "dHdv")
    )
    document, _ = read(f"<en-export><note><title>T</title>{resources}</note></en-export>".encode(), "a.enex")
    assert [(one.path, one.open().read()) for one in document.attached] == [
        ("/home/me/a.enex!/note 1/a.txt", b"one"),
        ("/home/me/a.enex!/note 1/a (2).txt", b"two"),
    ]


def item(identity: str, kind: str, title: str, body: str = "", **fields: str) -> tuple[str, str]:
    told = {"id": identity, "created_time": "2025-03-04T00:00:00.000Z", **fields, "type_": kind}
    lines = "\n".join(f"{name}: {value}" for name, value in told.items())
    return f"{identity}.md", f"{title}\n\n{body}\n\n{lines}" if body else f"{title}\n\n{lines}"


def test_notes_of_joplin_stand_under_their_notebook_with_tags_and_files() -> None:
    key = "0123456789abcdef0123456789abcdef"
    members = dict(
        (
            item("f1", "2", "Home"),
            item("f2", "2", "Cellar", parent_id="f1"),
            item(
                "n1", "1", "Boiler", f"# How\n\nRefill at 1.4 bar, see [plan](:/{key}).", parent_id="f2", author="Lena"
            ),
            item("n2", "1", "Gone", "Old.", deleted_time="1736067600000"),
            item("t1", "5", "house"),
            item("x1", "6", "", tag_id="t1", note_id="n1"),
            item(key, "4", "plan.txt", mime="text/plain"),
            item("p1", "4", "a.png", mime="image/png"),
        )
    )
    files = {f"resources/{key}.txt": b"words", "resources/p1.png": b"\x89PNG"}
    document, blocks = read(jex_of({**members, **files}), "notes.jex")
    assert paths(blocks) == [
        (("Home", "Cellar"), "Boiler"),
        (("Home", "Cellar"), "Tags: house"),
        (("Home", "Cellar", "How"), "How"),
        (("Home", "Cellar", "How"), "Refill at 1.4 bar, see plan."),
    ]
    assert {(block.created_at, block.author.name if block.author else "") for block in blocks} == {(DAY, "Lena")}
    assert [(one.path, one.open().read()) for one in document.attached] == [
        ("/home/me/notes.jex!/01234567/plan.txt", b"words")
    ]
    assert [one.reason.partition(":")[0] for one in document.left_out] == [
        "in the bin of Joplin",
        "pictures or recordings that are not read",
    ]
