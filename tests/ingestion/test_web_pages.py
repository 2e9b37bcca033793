"""Web pages: everything that a person sees on them is read, whatever element it stands in, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.errors import ReadError
from tests.ingestion.files import read, text_of

STORY = "The lighthouse keeper wrote down every ship that passed the point, and what she carried. " * 8


def texts(body: str, name: str = "a.html") -> list[str]:
    """Return the texts of a page with this body."""
    return [block.text for block in read(f"<html><body>{body}</body></html>", name)[1]]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>Bring <img alt='🍞'> to <img alt='Pier 4' src=x.png></p>", ["Bring 🍞 to Pier 4"]),
        ("<figure><img alt='Plan: the key hangs left'><figcaption>Plan</figcaption></figure>",
         ["Plan: the key hangs left", "Plan"]),
        ("<ol start=3><li>Turn the valve<li>Wait</ol>", ["3. Turn the valve", "4. Wait"]),
        ("<ol type=a><li>Oil<li value=5>Salt</ol>", ["a. Oil", "e. Salt"]),
        ("<ol reversed><li>Second<li>First</ol>", ["2. Second", "1. First"]),
        ("<ol><li><p>Outer</p><ol type=i><li>Inner</ol><li>Last</ol>", ["1. Outer", "i. Inner", "2. Last"]),
        ("<ul><li>Salt</ul>", ["Salt"]),
        ("<dl><dt>Router</dt><dd>4471</dd><dd>in the hall</dd><dt>Alarm</dt><dd>9902</dd></dl>",
         ["Router: 4471", "in the hall", "Alarm: 9902"]),
        ("<dl><dt>Menu</dt><dd><table><tr><th>Day<th>Soup<tr><td>Monday<td>pea</table></dd></dl>",
         ["Day: Monday | Soup: pea", "Menu"]),
        ("<dl><div><dt>Berth</dt><dd>12</dd></div></dl>", ["Berth: 12"]),
        ("<p>of <math alttext='f=R/2'><mi>f</mi><annotation encoding='application/x-tex'>f = R/2</annotation></math>.",
         ["of f = R/2."]),
        (r"<p><math alttext='{\displaystyle E=mc^{2}}'><mi>E</mi></math>", ["E=mc^{2}"]),
        ("<math><mi>x</mi><mo>=</mo><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac></math>",
         ["x = (a + 1)/2"]),
        ("<p><span class=katex><span class=katex-mathml><math><annotation encoding='application/x-tex'>a^2</annotation>"
         "</math></span><span class=katex-html aria-hidden=true>a2</span></span>", ["a^2"]),
        ("<p><script type='math/tex'>\\pi r</script>", ["\\pi r"]),
        ("<p>10<sup>6</sup> and H<sub>2</sub>O, 3<sup>rd</sup>", ["10⁶ and H2O, 3rd"]),
        ("<p><ruby>東京<rt>とうきょう</rt></ruby>駅の<ruby>鍵<rp>(</rp><rt>かぎ</rt></ruby>",
         ["東京駅の鍵 (とうきょう, かぎ)"]),
        ("<label>Member</label> <input value='M-2204'><input type=hidden value=token><input type=password value=x>",
         ["Member M-2204"]),
        ("<form><p>Name <input value=Ada></p><table><tr><th>Street<th>Day<tr><td>Kaistr.<td>Thursday</table></form>",
         ["Name Ada", "Street: Kaistr. | Day: Thursday"]),
        ("<p><input type=checkbox checked> Milk<br><input type=checkbox> Salt", ["☒ Milk\n☐ Salt"]),
        ("<textarea>Prefers a window</textarea><select><option>A<option selected>Berth B</select>",
         ["Prefers a window\nBerth B"]),
        ("<button aria-expanded=false>Opening hours</button><button>Share</button><p>x", ["Opening hours", "x"]),
        ("<button role=tab>Linux</button><p>x<span class=mw-editsection>[edit]</span>", ["Linux", "x"]),
        ("<object><table><tr><td>Tool<td>Shelf<tr><td>Drill<td>3</table></object>", ["Tool: Drill | Shelf: 3"]),
        ("<svg><title>icon</title><text>Berth 12</text></svg><p>x", ["Berth 12", "x"]),
        ("<iframe srcdoc='&lt;p&gt;In a frame&lt;/p&gt;'></iframe>", ["In a frame"]),
        ("<div><template shadowrootmode=open><p>In the shadow</p></template></div><template>never</template><p>x",
         ["In the shadow", "x"]),
        ("<p>A won&shy;der&shy;ful word", ["A wonderful word"]),
    ],
)  # fmt: skip
def test_what_a_page_shows_is_read(body: str, found: list[str]) -> None:
    assert texts(body) == found


@pytest.mark.parametrize(
    ("attributes", "is_read"),
    [
        ("style='opacity:0; transform:none'", True),
        ("class=tab id=t2 style='display:none'", True),
        ("role=tabpanel hidden", True),
        ("class='accordion-body collapse' style='display: none'", True),
        ("hidden=until-found", True),
        ("style='display:none'", False),
        ("hidden", False),
        ("style='visibility:hidden'", False),
        ("class=preheader style='font-size:0'", False),
    ],
)
def test_what_a_click_or_scrolling_shows_is_read_and_what_is_hidden_is_not(attributes: str, is_read: bool) -> None:
    assert ("Hold both buttons" in texts(f"<p>Reset</p><div {attributes}>Hold both buttons</div>")) is is_read


def test_a_block_without_gaps_is_read_where_its_parts_have_a_size() -> None:
    assert texts("<div style='font-size:0'><span style='font-size:14px'>Berth 12</span></div>") == ["Berth 12"]


def test_links_keep_their_addresses_where_they_lead_elsewhere() -> None:
    body = "<p>When the tide is out nobody lands here. "
    body += "See <a href='https://tides.example/kiel'>the tables</a> or <a href='/about'>about us</a>, "
    body += "<a href='https://www.harbour.example/x'>more</a>, <a href='mailto:ada@a.example'>write</a>, "
    body += "<a href='https://b.example'>https://b.example</a>."
    page = f"<html><head><link rel=canonical href='https://harbour.example/p'></head><body>{body}</body></html>"
    assert text_of(read(page, "a.html")[1]) == (
        "When the tide is out nobody lands here. "
        "See the tables (https://tides.example/kiel) or about us, more, write (ada@a.example), https://b.example."
    )


@pytest.mark.parametrize(
    "saved",
    [
        "<!-- saved from url=(0024)https://harbour.example/p -->",
        "<!--\n Page saved with SingleFile \n url: https://harbour.example/p \n-->",
        "<base href='https://www.harbour.example/'>",
        "<meta property='og:url' content='https://harbour.example/p'>",
    ],
)
def test_a_page_that_says_where_it_is_from_keeps_no_addresses_of_its_own(saved: str) -> None:
    body = f"<p>{STORY}<a href='https://harbour.example/a'>here</a> and <a href='https://b.example'>there</a>."
    text = text_of(read(f"<html><head>{saved}</head><body>{body}</body></html>", "a.html")[1])
    assert text.endswith("here and there (https://b.example).")


def test_lists_of_links_keep_all_addresses_and_prose_full_of_links_none() -> None:
    links = [f"<a href='https://s{n}.example'>Site {n}</a>" for n in range(8)]
    page = "<ul>" + "".join(f"<li>{one}" for one in links) + f"</ul><p>Here {' and there is also '.join(links)}."
    found = texts(page + f"<p>{STORY}")
    assert found[:2] == ["Site 0 (https://s0.example)", "Site 1 (https://s1.example)"]
    assert found[8] == "Here " + " and there is also ".join(f"Site {n}" for n in range(8)) + "."


def test_answers_in_a_forum_are_read() -> None:
    answers = "".join(f"<div class=comment><p>{name}: check the vessel</p></div>" for name in ("Petra", "Omar"))
    body = f"<h1>Boiler</h1><p>It drops.</p><div id=comments class=comments>{answers}</div>"
    assert texts(body)[2:] == ["Petra: check the vessel", "Omar: check the vessel"]


def test_a_menu_beside_an_article_is_left_out_and_beside_little_text_is_kept() -> None:
    menu = "<nav><ul><li><a href=/a>Harbour</a><li><a href=/b>Weather</a></ul></nav>"
    article = f"<article><h1>The keeper</h1><p>{STORY}</p></article>"
    assert "Weather" not in texts(menu + article)
    assert "Weather" in texts(f"{menu}<p>Closed.</p>")


def test_hours_at_the_foot_of_a_page_are_read_and_its_links_are_not() -> None:
    foot = "<footer><p>Open Tue to Sun 10 to 22, Pier 4</p><a href=/i>Imprint</a> <a href=/p>Privacy</a></footer>"
    assert texts(f"<main><h1>Café</h1><p>{STORY}</p></main>{foot}")[2:] == ["Open Tue to Sun 10 to 22, Pier 4"]


MHTML = b"""From: <Saved by Blink>
Snapshot-Content-Location: https://clinic.example/
Subject: =?utf-8?Q?Clinic_T=C3=BCr?=
Date: Mon, 5 Jan 2026 10:00:00 -0000
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="----MB"

------MB
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable
Content-Location: https://clinic.example/

<html><head><meta charset=3D"utf-8"><title>x</title></head><body><p>Open on Saturdays, T=C3=BCr 3, by=
 <a href=3D"https://clinic.example/map">map</a>.</p></body></html>
------MB
Content-Type: image/png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
------MB
Content-Type: text/html; charset=iso-8859-1

<p>In a frame: T\xfcr 4</p>
------MB--
"""


def test_a_page_saved_as_one_file_is_read_with_its_frames() -> None:
    document, blocks = read(MHTML, "saved.mhtml")
    assert (document.title, document.created_at) == ("Clinic Tür", datetime(2026, 1, 5, 10, tzinfo=UTC))
    assert [block.text for block in blocks] == ["Open on Saturdays, Tür 3, by map.", "In a frame: Tür 4"]


def test_a_saved_file_without_a_page_says_so() -> None:
    with pytest.raises(ReadError, match="there is no page in it"):
        read(b"Subject: x\nContent-Type: text/plain\n\nwords", "a.mht")


BOOKMARKS = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8"><TITLE>Bookmarks</TITLE><H1>Bookmarks</H1>
<DL><p>
    <DT><H3 ADD_DATE="1736067600">Sailing</H3>
    <DD>All about boats
    <DL><p>
        <DT><A HREF="https://tides.example/kiel" ADD_DATE="1736067600" TAGS="sea,fjord">Tides &amp; times</A>
        <DD>The best one
        <DT><H3>Knots</H3>
        <DL><p><DT><A HREF="https://knots.example">Bowline</A></DL><p>
    </DL><p>
    <DT><A HREF="https://bread.example" ADD_DATE="1736067600000000">Rye bread</A>
</DL><p>"""


def test_bookmarks_keep_their_folders_addresses_remarks_and_times() -> None:
    _, blocks = read(BOOKMARKS, "bookmarks.html")
    assert [(block.locator.headings, block.text) for block in blocks] == [
        (("Sailing",), "All about boats"),
        (("Sailing",), "Tides & times (https://tides.example/kiel)\nThe best one\ntags: sea,fjord"),
        (("Sailing", "Knots"), "Bowline (https://knots.example)"),
        ((), "Rye bread (https://bread.example)"),
    ]
    assert blocks[-1].created_at == datetime(2025, 1, 5, 9, tzinfo=UTC)
