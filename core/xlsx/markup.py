"""The XML parts of a workbook, fed to a parser block by block."""

import zipfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn
from xml.parsers import expat

BLOCK = 256 * 1024
LONGEST_MARKUP = 1024 * 1024
LARGEST_LIST = 20 * 1024 * 1024  # of a part that is kept whole

Element = tuple[str, dict[str, str]]


class MarkupRefused(ValueError):
    """No spreadsheet program writes such a part."""


def new_parser() -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def feed(parser: Any, archive: zipfile.ZipFile, part: str) -> Iterator[None]:
    """Stop after each block, so that what the parser's handlers found can be taken away."""
    fed = 0
    with archive.open(part) as stream:
        while block := stream.read(BLOCK):
            parser.Parse(block)
            fed += len(block)
            # Expat looks through an unfinished tag again with each block: 500 MB in one tag would take hours.
            if fed - parser.CurrentByteIndex > LONGEST_MARKUP:
                raise MarkupRefused("A tag is too long")
            yield
    parser.Parse(b"", True)
    yield


def read_elements(archive: zipfile.ZipFile, part: str) -> list[Element]:
    """All elements of a short part with their attributes, in the order in which they start."""
    if archive.getinfo(part).file_size > LARGEST_LIST:
        raise MarkupRefused("A part is too large")
    elements: list[Element] = []
    parser = new_parser()
    parser.StartElementHandler = lambda name, attributes: elements.append((local_name(name), attributes))
    for _ in feed(parser, archive, part):
        pass
    return elements


@lru_cache(maxsize=1_000)
def local_name(name: str) -> str:
    """Without the prefix of its namespace; some programs write x:row for row."""
    return name.rpartition(":")[2]


def _refuse_doctype(*_arguments: object) -> NoReturn:
    """Nothing but an attack declares entities in a workbook."""
    raise MarkupRefused("A document type is declared")
