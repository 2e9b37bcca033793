"""Reads Word documents through mammoth, and by itself what mammoth passes over or would refuse.

That is formulas, text boxes without a fallback, ruby, moved text, headers and footers, and the numbers of paragraphs.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from assistant.errors import ReadError
from assistant.ingestion.base import BlockKind, ReadDocument, Reader, ReadLimits, SourceFile
from assistant.ingestion.readers.dates import parse_date
from assistant.ingestion.readers.failures import translate_failures
from assistant.ingestion.readers.markup import Piece, blocks, list_number, parse, walk
from assistant.ingestion.readers.office_text import formula_text, part_lines
from assistant.ingestion.readers.packages import (
    Relations,
    attribute,
    check_markup_size,
    local_name,
    open_package,
    parse_xml,
    properties,
    read_part,
    relations,
    unpack,
)

_TEMPLATE_OF = "2013-12-23T23:15:00Z"
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh\ncomment-reference => sup"
_BACK, _NOTE = re.compile("^#(?:comment|footnote|endnote)-ref-"), re.compile("^(?:footnote|endnote)-")
_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_VML: Final = "urn:schemas-microsoft-com:vml"
_MAIN: Final = "word/document.xml"
_NOTES: Final = {"footnotes": "footnote", "endnotes": "endnote", "comments": "comment"}
_SIGNS: Final = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}
_OFF: Final = ("0", "false", "off")
_EMBEDDED: Final = frozenset(("oleObject", "package", "aFChunk"))
_MOST_LEVELS: Final = 9
_MOST_LABEL: Final = 60
_DEEPEST_STYLE: Final = 10
_KINDS: Final = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}
_NO_NUMBERS: Final = frozenset(("bullet", "none"))


def read_docx(file: SourceFile, limits: ReadLimits) -> ReadDocument:
    """DOCX, located by headings. Tracked changes are read as accepted; pictures and macros are not looked at.

    The package is checked before mammoth sees it.
    """
    with open_package(file, limits) as package:
        _check_parts(package, limits)
        title, author, created = properties(package, limits)
        main = _main_part(package, limits)
        targets = relations(package, main, limits)
        headers, footers = (list(_lines_of_pages(package, targets, kind, limits)) for kind in ("header", "footer"))
        others = list(part_lines(package, targets, limits))
        _note_embedded(file, targets)
        body = _pieces(_prepare(package, main, targets, limits))
    # The template of a library carries its own name and time.
    author = "" if author == "python-docx" else author
    created = "" if created == _TEMPLATE_OF else created
    title = title or next((piece.text for piece in body if piece.level == 1), file.stem)
    pieces = [
        *(Piece(line, BlockKind.PARAGRAPH) for line in headers),
        *body,
        *(Piece(line, BlockKind.PARAGRAPH) for line in (*others, *footers)),
    ]
    return ReadDocument(blocks(pieces), title, author, parse_date(created))


DOCX = Reader(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx", ".docm", ".dotx"), read_docx
)


def _check_parts(package: zipfile.ZipFile, limits: ReadLimits) -> None:
    for info in package.infolist():
        if not info.filename.endswith((".xml", ".rels")):
            continue
        check_markup_size(info.file_size, limits)
        # Word writes no DTD. One is where entities that grow without end are declared.
        if b"<!DOCTYPE" in unpack(package, info):
            raise ReadError("damaged: it declares XML entities, as no word processor does", "Save it again from Word.")


def _pieces(document: BytesIO) -> list[Piece]:
    page = parse(_html(document))
    for back in page.find_all("a", href=_BACK):
        back.decompose()  # from a note to where it is noted
    notes = page.find_all("li", id=_NOTE)
    for number, note in enumerate(notes, start=1):
        (note.find("p") or note).insert(0, f"[{number}] ")
    return list(walk(page, numbers=False, addresses_from=""))


def _html(document: BytesIO) -> str:
    import mammoth

    def no_image(_: Any) -> dict[str, str]:
        return {}

    with translate_failures():
        try:
            result = mammoth.convert_to_html(
                document, style_map=_STYLES, convert_image=mammoth.images.img_element(no_image)
            )
        except (OSError, RecursionError, MemoryError, zipfile.BadZipFile):
            raise
        except Exception as error:  # mammoth raises whatever its parsers raise
            raise ReadError("damaged: its content is malformed", "Open it in a word processor and save it.") from error
    return str(result.value)


def _prepare(package: zipfile.ZipFile, main: str, targets: Relations, limits: ReadLimits) -> BytesIO:
    """Return the document with everything that it shows in a form that mammoth knows."""
    places = {_NOTES[kind]: place for kind, place in targets.values() if kind in _NOTES}
    notes = {kind: _ids(package, places.get(kind), kind, limits) for kind in _NOTES.values()}
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as copy:
        for info in package.infolist():
            if info.filename in (main, *places.values()):
                known = relations(package, info.filename, limits)
                data = read_part(package, info.filename, limits) or b""
                numbering = _numbering(package, targets, limits) if info.filename == main else None
                copy.writestr(info.filename, _rewrite(data, known, notes, numbering))
            elif info.filename.endswith((".xml", ".rels")):
                copy.writestr(info.filename, package.read(info))
            else:
                copy.writestr(info.filename, b"")  # pictures and the like are not looked at
    target.seek(0)
    return target


def _main_part(package: zipfile.ZipFile, limits: ReadLimits) -> str:
    """Return the name of the part that holds the text: Word on the web numbers it."""
    found = (place for kind, place in relations(package, "", limits).values() if kind == "officeDocument")
    return next(found, _MAIN)


def _ids(package: zipfile.ZipFile, place: str | None, kind: str, limits: ReadLimits) -> set[str]:
    """Return the ids of the notes or comments that are there."""
    data = read_part(package, place, limits) if place is not None else None
    return set() if data is None else {attribute(item, "id") for item in parse_xml(data, kind).iter(f"{{*}}{kind}")}


def _numbering(package: zipfile.ZipFile, targets: Relations, limits: ReadLimits) -> Numbering | None:
    """Return how the document's paragraphs are numbered, if any are."""
    parts = {
        kind: read_part(package, place, limits) for kind, place in targets.values() if kind in ("numbering", "styles")
    }
    numbering, styles = parts.get("numbering"), parts.get("styles")
    if not numbering:
        return None
    return Numbering(parse_xml(numbering, "list of lists"), parse_xml(styles, "list of styles") if styles else None)


def _rewrite(
    data: bytes,
    known: Mapping[str, object] | None = None,
    notes: Mapping[str, set[str]] | None = None,
    numbering: Numbering | None = None,
) -> bytes:
    from lxml import etree

    root = parse_xml(data, "content")
    for paragraph in root.iter("{*}p") if numbering is not None else ():
        label = numbering.label(paragraph) if numbering is not None else ""
        if label and any(item.text for item in paragraph.iter("{*}t")):
            at = 1 if local_name(paragraph[0]) == "pPr" else 0
            paragraph.insert(at, _run(f"{label} "))
    for element in list(root.iter("{*}hyperlink", "{*}blip", "{*}imagedata")):
        _cut_loose(element, known or {})
    for kind, there in (notes or {}).items():
        for element in list(root.iter(f"{{*}}{kind}Reference")):
            if attribute(element, "id") not in there:
                _replace(element, [])
    for element in list(root.iter("{*}moveFrom", "{*}vanish", "{*}webHidden")):
        _drop(element)
    for element in list(root.iter("{*}moveTo", "{*}customXml", "{*}bdo", "{*}dir", "{*}fldSimple")):
        _replace(element, [item for item in element if not local_name(item).endswith("Pr")])
    for element in list(root.iter("{*}ruby")):
        _split_run(element, [item for base in element.iter("{*}rubyBase") for item in base])
    for element in list(root.iter("{*}oMathPara", "{*}oMath")):
        if element.getparent() is not None and (text := formula_text(element)):
            _replace(element, [_run(text)])
    for element in list(root.iter("{*}ddList")):
        _choose(element)
    _open_boxes(root)
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _cut_loose(element: Any, known: Mapping[str, object]) -> None:
    """Take away what a link or a picture refers to if that is not there: mammoth would refuse the document."""
    loose = [key for key, value in element.attrib.items() if key.startswith(_RELATION) and value not in known]
    if loose and local_name(element) == "hyperlink":
        for key in loose:
            del element.attrib[key]
    elif loose:
        _replace(element, [])


def _drop(element: Any) -> None:
    """Take away moved text, and the run that is hidden."""
    if local_name(element) == "moveFrom":
        _replace(element, [])
        return
    properties = element.getparent()
    run = properties.getparent() if properties is not None else None
    if attribute(element) not in _OFF and run is not None and local_name(run) == "r" and run.getparent() is not None:
        _replace(run, [])


def _replace(element: Any, by: list[Any]) -> None:
    parent = element.getparent()
    if parent is None:
        return
    at = parent.index(element)
    parent.remove(element)
    for step, item in enumerate(by):
        parent.insert(at + step, item)


def _split_run(element: Any, by: list[Any]) -> None:
    """Put runs in the place of an element inside of a run, between what stands before and after it there."""
    run = element.getparent()
    if run is None or local_name(run) != "r":
        return
    after = _run("")
    after.extend(element.itersiblings())
    run.remove(element)
    parent, at = run.getparent(), 0
    if parent is not None:
        at = parent.index(run) + 1
        for step, item in enumerate([*by, after]):
            parent.insert(at + step, item)


def _choose(choices: Any) -> None:
    """Write out what is chosen in a list to choose from, which stands in no run."""
    entries = [attribute(item) for item in choices.iter("{*}listEntry")]
    result = next((attribute(item) for item in choices.iter("{*}result", "{*}default")), "0")
    run = next((item for item in choices.iterancestors() if local_name(item) == "r"), None)
    if run is not None and run.getparent() is not None and result.isdecimal() and int(result) < len(entries):
        run.getparent().insert(run.getparent().index(run) + 1, _run(entries[int(result)]))


def _open_boxes(root: Any) -> None:
    """Put the text of every box where mammoth finds it: once, as that of a shape in VML."""
    from lxml import etree

    for element in list(root.iter("{*}AlternateContent")):
        fallback = next((item for item in element if local_name(item) == "Fallback"), None)
        if fallback is not None and next(fallback.iter("{*}txbxContent"), None) is not None:
            for choice in [item for item in element if local_name(item) == "Choice"]:
                element.remove(choice)
        else:
            _replace(element, [item for choice in element if local_name(choice) == "Choice" for item in choice])
    for drawing in list(root.iter("{*}drawing")):
        boxes = list(drawing.iter("{*}txbxContent"))
        if boxes and drawing.getparent() is not None:
            picture = etree.Element(f"{{{_WORD}}}pict")
            for box in boxes:
                shape = etree.SubElement(picture, f"{{{_VML}}}shape")
                etree.SubElement(shape, f"{{{_VML}}}textbox").append(box)
            _replace(drawing, [picture])


def _run(text: str) -> Any:
    from lxml import etree

    run = etree.Element(f"{{{_WORD}}}r")
    inner = etree.SubElement(run, f"{{{_WORD}}}t")
    inner.text = text
    inner.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return run


def _lines_of_pages(package: zipfile.ZipFile, targets: Relations, kind: str, limits: ReadLimits) -> dict[str, None]:
    """Return the lines of headers or footers, each once however many pages it stands on."""
    found: dict[str, None] = {}
    for data in (read_part(package, place, limits) for name, place in targets.values() if name == kind):
        found |= dict.fromkeys(_paragraphs(parse_xml(_rewrite(data), kind)) if data else ())
    return found


def _paragraphs(root: Any) -> Iterator[str]:
    for paragraph in root.iter("{*}p"):
        signs = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}
        pieces = [
            signs.get(local_name(item), item.text or "")
            for item in paragraph.iter("{*}t", *("{*}" + sign for sign in signs))
        ]
        text = " ".join("".join(pieces).split())
        if text and not text.isdecimal():  # a page's number
            yield text


def _note_embedded(file: SourceFile, targets: Relations) -> None:
    """Name the files inside of the document, which are not read."""
    for name in (place.rpartition("/")[2] for kind, place in targets.values() if kind in _EMBEDDED):
        hint = "Open it in Word, save it by itself and import it."
        file.note(f"embedded file {name}", "it is not read", hint)


@dataclass(slots=True)
class _Level:
    """How a level of a list counts: from which number on, in which signs, and what stands around them."""

    start: int = 1
    kind: str = "decimal"
    text: str = ""


@dataclass(slots=True)
class _List:
    """A list as paragraphs name it: the levels that it shares with others, and where it starts anew."""

    shared: str
    starts: dict[int, int] = field(default_factory=dict)
    used: bool = False


class Numbering:
    """The lists of a document, and how far each has been counted: `4.2` stands in no text, and people cite it.

    A paragraph names a list and a level, itself or by its style; a level says how it counts (ECMA-376 part 1, 17.9).
    """

    def __init__(self, numbering: Any, styles: Any | None) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._styles: dict[str, tuple[str, str, str]] = {}
        for item in numbering.iter("{*}abstractNum"):
            levels = {_number(level, "ilvl"): _level(level) for level in item.iter("{*}lvl")}
            self._levels[attribute(item, "abstractNumId")] = levels
        for item in numbering.iter("{*}num"):
            found = _List(_value_of(item, "abstractNumId"))
            for override in item.iter("{*}lvlOverride"):
                for start in override.iter("{*}startOverride"):
                    found.starts[_number(override, "ilvl")] = _number(start, "val")
            self._lists[attribute(item, "numId")] = found
        for style in styles.iter("{*}style") if styles is not None else ():
            named = _list_and_level(next(style.iter("{*}pPr"), None))
            self._styles[attribute(style, "styleId")] = (*named, _value_of(style, "basedOn"))

    def label(self, paragraph: Any) -> str:
        """Return the number of a paragraph as it is shown, and count it; empty where it has none."""
        properties = next((item for item in paragraph if item.tag.endswith("}pPr")), None)
        identity, level = self._of(properties)
        found = self._lists.get(identity)
        if found is None or not 0 <= level < _MOST_LEVELS:
            return ""
        levels, counts = self._levels.get(found.shared, {}), self._counts.setdefault(found.shared, {})
        if not found.used and found.starts:
            counts.clear()
        found.used = True
        own = levels.get(level, _Level())
        counts[level] = counts[level] + 1 if level in counts else found.starts.get(level, own.start)
        for deeper in [count for count in counts if count > level]:
            del counts[deeper]
        text = "" if own.kind in _NO_NUMBERS else own.text
        for at in range(_MOST_LEVELS):
            if f"%{at + 1}" in text:
                item = levels.get(at, _Level())
                text = text.replace(f"%{at + 1}", _format_count(counts.get(at, item.start), item.kind))
        return text.strip()[:_MOST_LABEL]

    def _of(self, properties: Any | None) -> tuple[str, int]:
        """Return the list and the level of a paragraph: its own, else those of its style and of what that rests on."""
        identity, level = _list_and_level(properties)
        style = _value_of(properties, "pStyle")
        for _ in range(_DEEPEST_STYLE):
            if identity or style not in self._styles:
                break
            identity, of_style, style = self._styles[style]
            level = level or of_style
        return identity, int(level) if level.isdecimal() else 0


def _list_and_level(properties: Any | None) -> tuple[str, str]:
    named = next(properties.iter("{*}numPr"), None) if properties is not None else None
    return _value_of(named, "numId"), _value_of(named, "ilvl")


def _value_of(element: Any | None, name: str, otherwise: str = "") -> str:
    """Return the value of the first element of this name inside of another."""
    found = element.iter("{*}" + name) if element is not None else ()
    return next((attribute(item) for item in found), otherwise)


def _level(element: Any) -> _Level:
    start = _value_of(element, "start", "1")
    number = int(start) if start.isdecimal() and len(start) < 7 else 1
    return _Level(number, _value_of(element, "numFmt", "decimal"), _value_of(element, "lvlText"))


def _format_count(number: int, kind: str) -> str:
    if kind == "decimalZero":
        return f"{number:02}"
    return list_number(number, _KINDS.get(kind, "1"))


def _number(element: Any, name: str) -> int:
    value = attribute(element, name)
    return int(value) if value.isdecimal() and len(value) < 7 else 0
