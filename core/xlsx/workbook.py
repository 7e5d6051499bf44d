"""Where an XLSX workbook keeps a sheet, the texts that its cells share, and which of its styles show dates."""

import posixpath
import re
import zipfile

from core.xlsx.markup import MarkupRefused, feed, local_name, new_parser, read_elements

TEXTS_LIMIT = 100 * 1024 * 1024  # [bytes of XML]
LONGEST_TEXT = 32_767  # what Excel takes in a cell

BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
NO_DATE_PART = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')  # literal text, colours, blanks
ESCAPED = re.compile("_x00(0[1-9A-F]|1[0-9A-F]|5F)_", re.IGNORECASE)


def find_workbook(archive: zipfile.ZipFile) -> str:
    return _related(archive, "", "officeDocument")[0]


def find_sheet(archive: zipfile.ZipFile, book: str, name: str) -> str | None:
    """The part that holds the sheet; None where none has this name."""
    for tag, attributes in read_elements(archive, book):
        if tag == "sheet" and attributes["name"].strip().lower() == name.lower():
            (key,) = (value for attribute, value in attributes.items() if local_name(attribute) == "id")
            return _relations(archive, book)[key][1]
    return None


def read_texts(archive: zipfile.ZipFile, book: str) -> list[str]:
    """The texts that cells refer to by number."""
    texts: list[str] = []
    for part in _related(archive, book, "sharedStrings"):
        if archive.getinfo(part).file_size > TEXTS_LIMIT:
            raise MarkupRefused("There are too many texts")
        _collect_texts(archive, part, texts)
    return texts


def find_date_styles(archive: zipfile.ZipFile, book: str) -> set[str]:
    """Numbers of the cell styles that show a number as a date or a time."""
    formats, styles, container = {str(number): True for number in BUILT_IN_DATES}, set[str](), ""
    for part in _related(archive, book, "styles"):
        for tag, attributes in read_elements(archive, part):
            if tag == "numFmt":
                formats[attributes["numFmtId"]] = _shows_date(attributes["formatCode"])
            elif tag in ("cellStyleXfs", "cellXfs"):
                container, number = tag, 0
            elif tag == "xf" and container == "cellXfs":
                if formats.get(attributes.get("numFmtId", "")):
                    styles.add(str(number))
                number += 1
    return styles


def unescape(text: str) -> str:
    """Characters that XML cannot hold come as _x000D_, and an underscore that would look like one as _x005F_."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _collect_texts(archive: zipfile.ZipFile, part: str, texts: list[str]) -> None:
    pieces: list[str] = []
    parser = new_parser()
    before_reading = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal before_reading
        tag = local_name(name)
        if tag == "t":
            parser.CharacterDataHandler = pieces.append
        elif tag == "rPh":
            before_reading = len(pieces)

    def end(name: str) -> None:
        tag = local_name(name)
        if tag == "t":
            parser.CharacterDataHandler = None
        elif tag == "rPh":  # how a Japanese text is pronounced
            del pieces[before_reading:]
        elif tag == "si":
            texts.append(unescape("".join(pieces))[:LONGEST_TEXT])
            pieces.clear()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    for _ in feed(parser, archive, part):
        pass


def _shows_date(code: str) -> bool:
    return bool(re.search("[dmyhs]", NO_DATE_PART.sub("", code.lower())))


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Kind and name of the parts that a part refers to."""
    folder, file = posixpath.split(part)
    found = f"{folder}/_rels/{file}.rels".lstrip("/")
    if found not in archive.namelist():
        return {}
    return {
        attributes["Id"]: (
            attributes["Type"].rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/"),
        )
        for tag, attributes in read_elements(archive, found)
        if tag == "Relationship"
    }


def _related(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    return [target for found, target in _relations(archive, part).values() if found == kind]
