"""Word: what a page shows is read wherever the file keeps it, and what is not read of it is named."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

import pytest

from tests.ingestion.files import docx_of, docx_paragraph, read, text_of, zip_of

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMES = (
    f'xmlns:w="{WORD}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:r="' + OFFICE + '" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def texts(body: str, parts: Mapping[str, tuple[str, str]] | None = None) -> list[str]:
    """Return the texts of a document with this body and these parts, given by their kind and name as XML inside."""
    return [block.text for block in read(document(body, parts), "a.docx")[1]]


def document(body: str, parts: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """Return a Word document; `parts` are (root element, what is inside it) by the kind of the relation."""
    relations, extra = "", {}
    for number, (kind, (root, inside)) in enumerate((parts or {}).items(), start=2):
        name = f"{kind.rstrip('0123456789')}{number}.xml"
        extra[f"word/{name}"] = f"<{root} {NAMES}>{inside}</{root}>"
        relations += f'<Relationship Id="r{number}" Type="{OFFICE}/{kind.rstrip("0123456789")}" Target="{name}"/>'
    types = "http://schemas.openxmlformats.org/package/2006"
    extra["word/_rels/document.xml.rels"] = (
        f'<Relationships xmlns="{types}/relationships"><Relationship Id="r1" Type="{OFFICE}/styles" '
        f'Target="styles.xml"/>{relations}</Relationships>'
    )
    extra["word/document.xml"] = f"<w:document {NAMES}><w:body>{body}</w:body></w:document>"
    return docx_of("", extra)


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def math(inside: str) -> str:
    return f"<w:p><m:oMath>{inside}</m:oMath></w:p>"


def m(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


BOX = f"<w:txbxContent>{docx_paragraph('In a box')}</w:txbxContent>"
CHOICE = f"<w:drawing><wps:txbx>{BOX}</wps:txbx></w:drawing>"
FALLBACK = f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f"<w:p>{run('Area ')}<m:oMath>{m('a=12.5')}</m:oMath></w:p>", ["Area a=12.5"]),
        (math(f"<m:f><m:num>{m('a+1')}</m:num><m:den>{m('2')}</m:den></m:f>"), ["(a+1)/2"]),
        (math(f"<m:sSup><m:e>{m('x')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>"), ["x^2"]),
        (math(f"<m:sSubSup><m:e>{m('x')}</m:e><m:sub>{m('i')}</m:sub><m:sup>{m('n+1')}</m:sup></m:sSubSup>"),
         ["x_i^(n+1)"]),
        (math(f"<m:rad><m:radPr/><m:deg/><m:e>{m('x+1')}</m:e></m:rad>"), ["√(x+1)"]),
        (math(f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{m('i=1')}</m:sub><m:sup>{m('n')}</m:sup>"
              f"<m:e>{m('i')}</m:e></m:nary>"), ["∑_(i=1)^n i"]),
        (math(f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr><m:e>{m('x')}</m:e></m:d>"), ["[x]"]),
        (math(f"<m:func><m:fName>{m('sin')}</m:fName><m:e>{m('x')}</m:e></m:func>"), ["sin x"]),
        (f"<w:p><w:ins w:id='1'>{run('Rent 940')}</w:ins><w:del w:id='2'><w:r><w:delText>900</w:delText></w:r></w:del>"
         "</w:p>", ["Rent 940"]),
        (f"<w:p><w:moveFrom w:id='1'>{run('moved')}</w:moveFrom></w:p>"
         f"<w:p><w:moveTo w:id='2'>{run('moved')}</w:moveTo></w:p>", ["moved"]),
        (f"<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>{run('shown')}</w:p>", ["shown"]),
        ("<w:p><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>shown</w:t></w:r></w:p>", ["shown"]),
        (f"<w:p><w:r><w:ruby><w:rt>{run('かぎ')}</w:rt><w:rubyBase>{run('鍵')}</w:rubyBase></w:ruby></w:r>{run('は')}</w:p>",
         ["鍵は"]),
        (f"<w:p>{run('Beside')}<w:r><mc:AlternateContent><mc:Choice>{CHOICE}</mc:Choice>"
         f"<mc:Fallback>{FALLBACK}</mc:Fallback></mc:AlternateContent></w:r></w:p>", ["Beside", "In a box"]),
        (f"<w:p><w:r><mc:AlternateContent><mc:Choice>{CHOICE}</mc:Choice></mc:AlternateContent></w:r></w:p>",
         ["In a box"]),
        (f"<w:p><w:r>{CHOICE}</w:r></w:p>", ["In a box"]),
        (f"<w:p>{run('Agreed ')}<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val='1'/></w14:checkbox></w:sdtPr>"
         f"<w:sdtContent>{run('☒')}</w:sdtContent></w:sdt></w:p>", ["Agreed ☒"]),
        ("<w:p><w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:ddList><w:result w:val='1'/><w:listEntry w:val='no'/>"
         "<w:listEntry w:val='yes'/></w:ddList></w:ffData></w:fldChar></w:r>"
         "<w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r>"
         f"<w:r><w:fldChar w:fldCharType='end'/></w:r>{run(' please')}</w:p>", ["yes please"]),
        ("<w:p><w:r><w:t>Key: </w:t><w:ruby><w:rt><w:r><w:t>かぎ</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>鍵</w:t></w:r>"
         "</w:rubyBase></w:ruby><w:t>here</w:t></w:r></w:p>", ["Key: 鍵here"]),
        (f"<w:p><w:customXml>{run('wrapped')}</w:customXml></w:p>", ["wrapped"]),
    ],
)  # fmt: skip
def test_what_a_document_shows_is_read(body: str, found: list[str]) -> None:
    assert texts(body) == found


@pytest.mark.parametrize(
    "broken",
    [
        f"<w:hyperlink r:id='gone'>{run('linked ')}</w:hyperlink>",
        "<w:r><w:footnoteReference w:id='9'/></w:r>",
        "<w:r><w:endnoteReference w:id='9'/></w:r>",
        "<w:r><w:commentReference w:id='9'/></w:r>",
        "<w:r><w:pict><v:shape><v:imagedata r:id='gone'/></v:shape></w:pict></w:r>",
    ],
)
def test_what_refers_to_something_that_is_not_there_refuses_no_document(broken: str) -> None:
    assert texts(f"<w:p>{broken}{run('words')}</w:p>")[0].endswith("words")


def listed(text: str, number: int, level: int = 0) -> str:
    return (
        f"<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr></w:pPr>{run(text)}</w:p>"
    )


def level(number: int, kind: str, text: str, start: int = 1) -> str:
    signs = f"<w:numFmt w:val='{kind}'/><w:lvlText w:val='{text}'/>"
    return f"<w:lvl w:ilvl='{number}'><w:start w:val='{start}'/>{signs}</w:lvl>"


LISTS = (
    f"<w:abstractNum w:abstractNumId='0'>{level(0, 'decimal', '§ %1')}{level(1, 'decimal', '%1.%2')}"
    f"{level(2, 'lowerLetter', '(%3)')}</w:abstractNum><w:abstractNum w:abstractNumId='1'>{level(0, 'bullet', '•')}"
    f"</w:abstractNum><w:abstractNum w:abstractNumId='2'>{level(0, 'upperRoman', '%1.', 4)}</w:abstractNum>"
    "<w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num><w:num w:numId='2'><w:abstractNumId w:val='1'/></w:num>"
    "<w:num w:numId='3'><w:abstractNumId w:val='2'/></w:num><w:num w:numId='4'><w:abstractNumId w:val='0'/>"
    "<w:lvlOverride w:ilvl='0'><w:startOverride w:val='7'/></w:lvlOverride></w:num>"
)


def test_paragraphs_have_the_numbers_that_word_counts() -> None:
    body = "".join(
        (
            listed("Rent", 1), listed("It is due monthly.", 1, 1), listed("by transfer", 1, 2), listed("in cash", 1, 2),
            listed("It may rise.", 1, 1), docx_paragraph("Between"), listed("Term", 1), listed("It ends.", 1, 1),
            listed("A bullet", 2), listed("Annex", 3), listed("Annex", 3), listed("Anew", 4), listed("Nowhere", 9),
        )
    )  # fmt: skip
    assert texts(body, {"numbering": ("w:numbering", LISTS)}) == [
        *("§ 1 Rent", "1.1 It is due monthly.", "(a) by transfer", "(b) in cash", "1.2 It may rise.", "Between"),
        *("§ 2 Term", "2.1 It ends.", "A bullet", "IV. Annex", "V. Annex", "§ 7 Anew", "Nowhere"),
    ]


def test_a_style_numbers_its_paragraphs() -> None:
    numbered = "<w:pPr><w:numPr><w:ilvl w:val='1'/><w:numId w:val='1'/></w:numPr></w:pPr>"
    style = f"<w:style w:type='paragraph' w:styleId='Clause'><w:name w:val='Clause'/>{numbered}</w:style>"
    style += "<w:style w:type='paragraph' w:styleId='Sub'><w:name w:val='Sub'/><w:basedOn w:val='Clause'/></w:style>"
    body = listed("Rent", 1) + docx_paragraph("Due", "Clause") + docx_paragraph("Late", "Sub")
    data = document(body, {"numbering": ("w:numbering", LISTS)})
    with zipfile.ZipFile(BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts["word/styles.xml"] = f"<w:styles {NAMES}>{style}</w:styles>".encode()
    assert text_of(read(zip_of(parts), "a.docx")[1]) == "§ 1 Rent\n1.1 Due\n1.2 Late"


def test_notes_and_comments_are_read_with_the_sign_that_leads_to_them() -> None:
    body = f"<w:p>{run('Two months')}<w:r><w:footnoteReference w:id='2'/></w:r>{run(' of notice')}"
    body += "<w:r><w:commentReference w:id='0'/></w:r></w:p>"
    parts = {
        "footnotes": ("w:footnotes", f"<w:footnote w:id='2'>{docx_paragraph('In writing.')}</w:footnote>"),
        "comments": (
            "w:comments",
            f"<w:comment w:id='0' w:author='Omar Haddad' w:initials='OH'>{docx_paragraph('Too short?')}</w:comment>",
        ),
    }
    assert texts(body, parts) == ["Two months[1] of notice[OH1]", "[1] In writing.", "Comment [OH1]: Too short?"]


def test_headers_and_footers_are_read_once_without_the_numbers_of_pages() -> None:
    page = "<w:p><w:r><w:t>7</w:t></w:r></w:p>"
    parts = {
        "header": ("w:hdr", docx_paragraph("File AZ-4471")),
        "header1": ("w:hdr", docx_paragraph("File AZ-4471")),
        "footer": ("w:ftr", docx_paragraph("Confidential") + page),
    }
    assert texts(docx_paragraph("The lease."), parts) == ["File AZ-4471", "The lease.", "Confidential"]


CHART = (
    '<c:title xmlns:c="c" xmlns:a="a"><a:p><a:t>Costs of the flat</a:t></a:p></c:title><c:ser xmlns:c="c"><c:tx>'
    '<c:pt idx="0"><c:v>Rent</c:v></c:pt></c:tx>'
    '<c:cat><c:pt idx="0"><c:v>May</c:v></c:pt><c:pt idx="1"><c:v>June</c:v></c:pt></c:cat>'
    '<c:val><c:pt idx="0"><c:v>940</c:v></c:pt><c:pt idx="1"><c:v>960</c:v></c:pt></c:val></c:ser>'
)


def test_charts_and_diagrams_are_read() -> None:
    diagram = (
        '<d:pt xmlns:d="d" xmlns:a="a"><a:t>First sign</a:t></d:pt><d:pt xmlns:d="d" xmlns:a="a"><a:t>Pay</a:t></d:pt>'
    )
    parts = {"chart": ("c", CHART), "diagramData": ("d", diagram)}
    assert texts(docx_paragraph("x"), parts) == [
        "x",
        "Costs of the flat",
        "May | Rent: 940",
        "June | Rent: 960",
        "First sign",
        "Pay",
    ]


def test_a_document_of_word_on_the_web_is_read() -> None:
    data = docx_of(docx_paragraph("The lease."))
    with zipfile.ZipFile(BytesIO(data)) as package:
        parts = {name: package.read(name).replace(b"document.xml", b"document2.xml") for name in package.namelist()}
    moved = {name.replace("document.xml", "document2.xml"): data for name, data in parts.items()}
    assert text_of(read(zip_of(moved), "a.docx")[1]) == "The lease."


def test_links_keep_their_addresses() -> None:
    link = f"<w:hyperlink r:id='r2'>{run('the tables')}</w:hyperlink>"
    body = f"<w:p>{run('Of the tides there is much to say. See ')}{link}</w:p>"
    data = document(body, {"hyperlink": ("x", "")})
    with zipfile.ZipFile(BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    relations = parts["word/_rels/document.xml.rels"].decode()
    parts["word/_rels/document.xml.rels"] = relations.replace(
        'Target="hyperlink2.xml"', 'Target="https://tides.example" TargetMode="External"'
    ).encode()
    assert text_of(read(zip_of(parts), "a.docx")[1]) == (
        "Of the tides there is much to say. See the tables (https://tides.example)"
    )


def test_files_inside_of_a_document_are_named() -> None:
    found, _ = read(document(docx_paragraph("x"), {"package": ("p", "")}), "a.docx")
    assert [(one.part, one.reason) for one in found.left_out] == [("embedded file package2.xml", "it is not read")]
